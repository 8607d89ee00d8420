#!/usr/bin/env bash
# Get the pure-Python library of the pinned CPython release, and its tests, into Lib/python3.14.
#
#     Lib/get.sh            get it, or find that it is there; check it against Lib/lock
#     Lib/get.sh --lock     write Lib/lock anew from what is there (for whoever moves the pin)
#
# The first of these sources that has the pinned release is taken:
#   1. CPYTHON_DEBS: a folder with Debian's packages of it
#   2. Debian's unstable and testing suites, from the mirror that apt uses on this machine
#   3. an installed CPython 3.14 (python3.14, or what CPYTHON names)
#   4. CPYTHON_SOURCE: the upstream source archive as a file or an address (by default, upstream's own)
# Where none has it any more, the newest 3.14 among them is taken, and the script says so.
#
# CPython's files are never committed. What the distribution changed in them is undone by the patches in
# Lib/undo, so that what is frozen, and what the lock describes, is upstream's text.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$here/python3.14
lock=$here/lock
pinned=$(sed -n 's/^version //p' "$lock" 2>/dev/null || true)
pinned=${pinned:-3.14.10}

say() { printf 'lib: %s\n' "$*" >&2; }

# ---- the lock ---------------------------------------------------------------------------------------------

# The groups a file can belong to: tests are never frozen; ensurepip is one that a source may lack (its wheel
# is pip's and not CPython's: only its version is pinned, by ensurepip itself).
paths_of() { # TREE GROUP
  case $2 in
    library) (cd "$1" && find . -type f ! -path './test/*' ! -path './ensurepip/*' ! -name .version) ;;
    tests) (cd "$1" && find ./test -type f 2>/dev/null || true) ;;
    ensurepip) (cd "$1" && find ./ensurepip -type f ! -name '*.whl' 2>/dev/null || true) ;;
  esac | sed 's|^\./||' | sort
}

# "sha256  path" of each file of a group, sorted by path.
hashes_of() { # TREE GROUP
  (cd "$1" && paths_of . "$2" | tr '\n' '\0' | xargs -0 -r sha256sum)
}

write_lock() { # TREE VERSION
  cat <<HEAD
# What Lib/python3.14 must hold: written by Lib/get.sh --lock, checked by make lib.
# A group's line has its number of files and the sha256 of its sorted list of "sha256  path" lines; below it
# stand the first 16 digits of each file's own sha256, to name the file that differs.
version $2
HEAD
  local group
  for group in library tests ensurepip; do
    hashes_of "$1" "$group" >"$work/list"
    echo "group $group $(wc -l <"$work/list") $(sha256sum <"$work/list" | cut -d' ' -f1)"
    sed -E 's/^([0-9a-f]{16})[0-9a-f]{48}  /\1 /' "$work/list"
  done
}

# Prints what differs between a tree and the lock, group by group; nothing when all is as locked.
differences() { # TREE
  local group count sum
  while read -r _ group count sum; do
    hashes_of "$1" "$group" >"$work/list"
    [ "$(sha256sum <"$work/list" | cut -d' ' -f1)" != "$sum" ] || continue
    if [ "$group" = ensurepip ] && [ ! -s "$work/list" ]; then echo "ensurepip is missing"; continue; fi
    sed -E 's/^([0-9a-f]{16})[0-9a-f]{48}  /\1 /' "$work/list" | sort >"$work/have"
    awk -v want="$group" '$1 == "group" { on = ($2 == want); next } on { print }' "$lock" | sort >"$work/want"
    comm -3 "$work/have" "$work/want" | sed 's/^\t//' | cut -d' ' -f2- | sort -u
  done < <(grep '^group ' "$lock")
}

# ---- unpacking and tidying --------------------------------------------------------------------------------

unpack_deb() { # PACKAGE FOLDER
  if command -v dpkg-deb >/dev/null; then
    dpkg-deb -x "$1" "$2"
  else
    local member
    member=$(ar t "$1" | grep '^data\.tar')
    mkdir -p "$2" && ar p "$1" "$member" | tar -x -C "$2" -f - "$(case $member in *.xz) echo -J ;; *.zst) echo --zstd ;; *) echo -z ;; esac)"
  fi
}

# The version in a package's file name: libpython3.14-stdlib_3.14.10-1_amd64.deb is of 3.14.10.
version_of_debs() { # FOLDER
  ls "$1" | sed -n 's/^libpython3\.14-stdlib_\([0-9.]*\)[-+~].*\.deb$/\1/p' | sort -V | tail -n 1
}

unpack_debs() { # FOLDER TREE
  local name package
  mkdir -p "$2"
  for name in libpython3.14-minimal libpython3.14-stdlib libpython3.14-testsuite python3.14-venv; do
    for package in "$1/$name"_*.deb; do
      [ -e "$package" ] || continue
      rm -rf "$work/package"
      unpack_deb "$package" "$work/package"
      [ ! -d "$work/package/usr/lib/python3.14" ] || cp -RP "$work/package/usr/lib/python3.14/." "$2/"
    done
  done
}

# Remove what is not CPython's pure-Python library: compiled code, the build's own settings, the
# distribution's hooks, and the parts that need Tk, which rspy does not have.
tidy() { # TREE
  (
    cd "$1"
    rm -rf lib-dynload site-packages dist-packages config-3.14* idlelib tkinter turtledemo
    rm -f sitecustomize.py usercustomize.py _distutils_system_mod.py EXTERNALLY-MANAGED
    rm -f _sysconfigdata_*.py _sysconfig_vars_*.json build-details*.json
    find . -depth -name __pycache__ -exec rm -rf {} +
    find . -type f \( -name '*.pyc' -o -name '*.so' -o -name '*.a' -o -name '*.o' \) ! -path './test/*' -delete
    find . -type l -delete
  )
}

# Take back the distribution's changes. A patch whose file is absent is not needed.
undo() { # TREE
  [ -f "$1/_distutils_system_mod.py" ] || grep -q deb_system "$1/sysconfig/__init__.py" || return 0
  local patch file skip
  for patch in "$here"/undo/*.patch; do
    skip=()
    while read -r file; do [ -f "$1/$file" ] || skip+=("--exclude=$file"); done < <(sed -n 's|^+++ b/||p' "$patch")
    (cd "$1" && GIT_CEILING_DIRECTORIES=$(dirname "$1") git apply -p1 ${skip[@]+"${skip[@]}"} "$patch") ||
      say "$(basename "$patch") does not fit this release: Debian's change stays in it"
  done
}

# ---- the sources: each puts a tree at $work/tree and its version into $version, or fails ------------------

from_debs() {
  [ -n "${CPYTHON_DEBS:-}" ] && [ -d "$CPYTHON_DEBS" ] || return 1
  version=$(version_of_debs "$CPYTHON_DEBS")
  [ -n "$version" ] && unpack_debs "$CPYTHON_DEBS" "$work/tree"
}

# apt with a configuration of its own: the machine's suites and package lists stay as they are.
apt_of() { # SUITE COMMAND…
  local suite=$1 folder=$work/apt-$1
  shift
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$folder/parts" \
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

prepare_apt() { # SUITE
  command -v apt-get >/dev/null || return 1
  local folder=$work/apt-$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  [ ! -f "$folder/ready" ] || return 0
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep '/debian/$' | sort -u | head -n 1)
  [ -n "$mirror" ] && [ -f "$keys" ] || return 1
  mkdir -p "$folder"/{parts,lists/partial,cache/archives/partial}
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$1" "$keys" >"$folder/parts/$1.sources"
  apt_of "$1" update >/dev/null 2>&1 && touch "$folder/ready"
}

from_apt() { # SUITE
  say "asking Debian's $1 suite"
  prepare_apt "$1" || return 1
  (cd "$work/apt-$1" && apt_of "$1" download libpython3.14-minimal libpython3.14-stdlib libpython3.14-testsuite >/dev/null 2>&1) || return 1
  version=$(version_of_debs "$work/apt-$1")
  [ -n "$version" ] && unpack_debs "$work/apt-$1" "$work/tree"
}

from_installed() {
  local python=${CPYTHON:-python3.14} folder
  command -v "$python" >/dev/null || return 1
  version=$("$python" -I -c 'import platform, sys; assert sys.version_info[:2] == (3, 14); assert sys.implementation.name == "cpython"; print(platform.python_version())' 2>/dev/null) || return 1
  folder=$("$python" -I -c 'import os; print(os.path.dirname(os.__file__))')
  [ -d "$folder/test" ] || { say "$python has no test suite beside it"; return 1; }
  mkdir -p "$work/tree" && cp -RP "$folder/." "$work/tree/"
}

from_source() {
  local archive=${CPYTHON_SOURCE:-https://www.python.org/ftp/python/$pinned/Python-$pinned.tar.xz} folder
  case $archive in
    http://* | https://*)
      say "asking upstream for $(basename "$archive")"
      if command -v curl >/dev/null; then
        curl -fsSL --retry 1 --max-time 300 -o "$work/source.archive" "$archive" || return 1
      elif command -v wget >/dev/null; then
        wget -q -t 2 -T 60 -O "$work/source.archive" "$archive" || return 1
      else
        say "neither curl nor wget is here to fetch it"
        return 1
      fi
      archive=$work/source.archive
      ;;
  esac
  [ -f "$archive" ] || return 1
  mkdir -p "$work/source" && tar -xf "$archive" -C "$work/source" || return 1
  folder=$(find "$work/source" -maxdepth 3 -path '*/Include/patchlevel.h' -printf '%h\n' | head -n 1)
  [ -n "$folder" ] || return 1
  version=$(sed -n 's/^#define PY_VERSION  *"\([0-9.]*\).*/\1/p' "$folder/patchlevel.h")
  case $version in 3.14.*) ;; *) return 1 ;; esac
  mkdir -p "$work/tree" && cp -RP "$folder/../Lib/." "$work/tree/" && cp "$folder/../LICENSE" "$work/tree/LICENSE.txt"
}

# ensurepip, which Debian keeps in a package apart, and the pip that it installs: the wheel of PyPI, or Debian's
# build of the same version. Without them all works but `-m ensurepip`, and `-m venv` without `--without-pip`.
complete_ensurepip() { # TREE
  if [ ! -f "$1/ensurepip/__init__.py" ]; then
    { prepare_apt sid && (cd "$work/apt-sid" && apt_of sid download python3.14-venv >/dev/null 2>&1) &&
      unpack_deb "$work"/apt-sid/python3.14-venv_"$version"-*.deb "$work/venv" &&
      cp -RP "$work/venv/usr/lib/python3.14/ensurepip" "$1/"; } || return 1
  fi
  local wanted bundled wheel python
  wanted=$(sed -n 's/^_PIP_VERSION = "\(.*\)"$/\1/p' "$1/ensurepip/__init__.py")
  bundled=$1/ensurepip/_bundled
  wheel=pip-$wanted-py3-none-any.whl
  mkdir -p "$bundled"
  [ ! -f "$bundled/$wheel" ] || return 0
  for python in "${CPYTHON:-python3}" python3.14 python; do
    "$python" -m pip --version >/dev/null 2>&1 || continue
    "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$bundled" "pip==$wanted" \
      >/dev/null 2>&1 && [ -f "$bundled/$wheel" ] && return 0
    break
  done
  prepare_apt sid && (cd "$work/apt-sid" && apt_of sid download python3-pip-whl >/dev/null 2>&1) &&
    unpack_deb "$work"/apt-sid/python3-pip-whl_*.deb "$work/pip" &&
    cp "$work/pip/usr/share/python-wheels/$wheel" "$bundled/" 2>/dev/null &&
    say "pip $wanted for ensurepip is Debian's build of it"
}

# ---- the main job -----------------------------------------------------------------------------------------

work=$(mktemp -d "$here/.python3.14.XXXXXX")
trap 'rm -rf "$work"' EXIT

if [ "${1:-}" = --lock ]; then
  version=$(cat "$target/.version")
  write_lock "$target" "$version" >"$work/lock"
  mv "$work/lock" "$lock"
  say "locked $version: $(grep '^group ' "$lock" | awk '{ printf "%s%s %s", sep, $3, $2; sep = ", " }')"
  exit 0
fi

if [ "$(cat "$target/.version" 2>/dev/null)" = "$pinned" ] && [ -f "$lock" ]; then
  missing=$(differences "$target")
  if [ -z "$missing" ] || { [ "$missing" = "ensurepip is missing" ] && [ -z "${LIB_RETRY:-}" ]; }; then
    say "CPython $pinned's library is there and as locked${missing:+, but for ensurepip (LIB_RETRY=1 asks for it again)}"
    exit 0
  fi
  say "what is there is not as locked; getting it anew"
fi

best=
for source in from_debs "from_apt sid" "from_apt testing" from_installed from_source; do
  rm -rf "$work/tree"
  version=
  $source || continue
  say "$source has $version"
  if [ "$version" = "$pinned" ]; then
    best=$version
    break
  fi
  if [ -z "$best" ] || [ "$(printf '%s\n' "$best" "$version" | sort -V | tail -n 1)" != "$best" ]; then
    best=$version
    rm -rf "$work/newest" && mv "$work/tree" "$work/newest"
  fi
done
[ -n "$best" ] || {
  say "no source has CPython 3.14: name a folder of its Debian packages in CPYTHON_DEBS, or its source archive in CPYTHON_SOURCE"
  exit 1
}
[ -d "$work/tree" ] || mv "$work/newest" "$work/tree"
version=$best

tidied=$work/tree
complete_ensurepip "$tidied" || {
  rm -rf "$tidied/ensurepip"
  say "ensurepip and its pip are not to be had here: -m venv will need --without-pip"
}
undo "$tidied"
tidy "$tidied"
echo "$version" >"$tidied/.version"

if [ "$version" = "$pinned" ] && [ -f "$lock" ]; then
  # Sources differ in which tests and platform files they carry along: what is locked is what is kept.
  grep -v -e '^#' -e '^version ' -e '^group ' "$lock" | cut -d' ' -f2- | sort >"$work/locked"
  for group in library tests ensurepip; do paths_of "$tidied" $group; done | sort >"$work/present"
  comm -23 "$work/present" "$work/locked" | (cd "$tidied" && tr '\n' '\0' | xargs -0 -r rm -f)
  find "$tidied" -type d -empty -delete
  missing=$(differences "$tidied")
  if [ -n "$missing" ] && [ "$missing" != "ensurepip is missing" ]; then
    say "these are not as locked:"
    printf '%s\n' "$missing" | head -n 20 | sed 's/^/  /' >&2
    exit 1
  fi
elif [ -f "$lock" ]; then
  say "CPYTHON $pinned IS NO LONGER OFFERED: this is $version. It is not checked, and the recorded hashes of"
  say "tests/parity do not hold for the files that changed between the two."
fi

rm -rf "$work/old"
[ ! -e "$target" ] || mv "$target" "$work/old"
mv "$tidied" "$target"
say "CPython $version's library is in Lib/python3.14 ($(find "$target" -name '*.py' ! -path '*/test/*' | wc -l) modules, $(find "$target/test" -name '*.py' | wc -l) test files)"
