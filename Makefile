# rspy: `make` builds everything and shows the main job; `make test` passes the tests.

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
RELEASE := target/$(HOST)/release
DEVELOPMENT := target/$(HOST)/debug
SAMPLE := tests/cases/json_tool/valid/sample.json
# The interpreter that measurements are made against, and its arguments.
BASE ?= python3.14
# Narrows `make cpython-tests` to some of CPython's test files.
TESTS ?=
FUZZ_TARGETS ?= tokens parser compiler marshal pyc
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 1
# What `cargo fuzz` hands to the compiler, the address sanitizer aside.
COVERAGE := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1

.DEFAULT_GOAL := all
.PHONY: all build test try packages cover vet lint tidy lib bench bench-compile bench-native parity fuzz fuzz-mutations \
  cpython-tests oracle-records clean

# The library, both executables, and the main job: a sample through a module of the frozen library.
all: build
	bin/rspy -m json.tool $(SAMPLE)

# CPython's pure-Python library and its tests, checked against Lib/lock.
lib:
	@Lib/get.sh

build: lib
	cargo build --release -p rspy -p freezer
	@mkdir -p bin
	@cp -f $(RELEASE)/rspy $(RELEASE)/freezer bin/

# Unit tests of every crate; then, against the development build, the recorded cases, packaged applications, the page that
# shows what is in one, and a part of CPython's tests.
test: lib
	cargo build --workspace
	cargo test --workspace --exclude cases --exclude dist
	RSPY="$(CURDIR)/$(DEVELOPMENT)/rspy" cargo test -p cases
	RSPY="$(CURDIR)/$(DEVELOPMENT)/rspy" FREEZER="$(CURDIR)/$(DEVELOPMENT)/freezer" cargo test -p dist
	RSPY="$(CURDIR)/$(DEVELOPMENT)/rspy" FREEZER="$(CURDIR)/$(DEVELOPMENT)/freezer" tests/dist/page/run
	tests/cpython/run --rspy $(DEVELOPMENT)/rspy --part

# The executables of a release, and an application, where there is nothing but them.
try: build
	dist-config/try bin/rspy bin/freezer

# Applications of packages from PyPI, packaged and run where there is nothing else.
packages: build
	tests/dist/packages/run

# How many files of the library, and of its tests, compile to CPython's own bytes or give its error, at every optimisation
# level, with and without columns; and how many altered files give what CPython gives.
parity: lib
	cargo build --release -p freezer
	$(RELEASE)/freezer parity tests/parity/library Lib/python3.14 --at-least 100 --list
	$(RELEASE)/freezer parity tests/parity/tests Lib/python3.14 --at-least 100 --list
	$(RELEASE)/freezer mutations tests/mutations/record.zst Lib/python3.14 --at-least 99.5

# CPython's own test suite under rspy, against the committed record of what passes.
cpython-tests: build
	tests/cpython/run --rspy bin/rspy $(TESTS)

# Ratios of rspy's times to those of the interpreter BASE.
bench: build
	tests/bench/run --base "$(BASE)" --rspy bin/rspy

# Ratios of the times and the memory that compiling and tokenizing the library take.
bench-compile: build
	"$(BASE)" -I tests/bench/compile.py "$(BASE)" bin/rspy bin/freezer Lib/python3.14

# Ratios of the times that native modules take which are there for speed: json, pickle, csv, datetime, struct.
bench-native: build
	"$(BASE)" -I tests/bench/native "$(BASE)" bin/rspy

# Every fuzz target for FUZZ_SECONDS: with libFuzzer, whose coverage the stable compiler's own pass provides.
fuzz: lib
	cd fuzz && cargo run --release --bin seed ../Lib/python3.14 corpus
	cd fuzz && for target in $(FUZZ_TARGETS); do \
	  RUSTFLAGS="$(COVERAGE)" cargo build --release --features libfuzzer --target-dir target/libfuzzer --bin $$target && \
	  mkdir -p artifacts/$$target && \
	  target/libfuzzer/$(HOST)/release/$$target corpus/$$target -artifact_prefix=artifacts/$$target/ -dict=python.dict \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2500 -max_len=8000 || exit 1; \
	done

# The same targets over files altered at random, from a seed: nothing but the stable compiler is needed.
fuzz-mutations: lib
	cd fuzz && cargo build --release --bin mutate
	cd fuzz && for target in $(FUZZ_TARGETS); do \
	  target/$(HOST)/release/mutate ../Lib/python3.14 $$target $(FUZZ_SECONDS) $(FUZZ_SEED) || exit 1; \
	done

lint:
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
	cargo fmt --all --check
	cargo clippy -p rspy-code -p rspy-syntax -p rspy-compiler -p rspy-archive
	.ci/check-text

# What takes longer than a lint: documentation links, and a lock file that fits the manifests.
vet: lib
	cargo metadata --locked --format-version 1 >/dev/null
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Line coverage of the tests, as text and as a page below target/llvm-cov.
cover: build
	@cargo llvm-cov --version >/dev/null 2>&1 || cargo install cargo-llvm-cov --locked
	RSPY="$(CURDIR)/bin/rspy" cargo llvm-cov --workspace --html
	cargo llvm-cov report

tidy:
	cargo fmt --all
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo update --workspace

# What the tests compare with, recorded anew from CPython itself: ORACLE names its executable.
oracle-records: lib
	@test -n "$(ORACLE)" || { echo "name CPython's executable: make oracle-records ORACLE=…"; exit 1; }
	tests/parity/record "$(ORACLE)"
	"$(ORACLE)" -I -B tests/mutations/record.py Lib/python3.14 tests/mutations/record.zst
	tests/cases/record "$(ORACLE)"

clean:
	rm -rf target bin
