//! The module `_hashlib`: what CPython has from OpenSSL. Hash functions by name, HMAC, and keys from passwords.

mod algorithm;
mod derivation;
mod hash;
mod hmac;
mod shared;
mod state;

use std::borrow::Cow;

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::{self, FromArgument, InternedNames, Parameters, Place};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::ValueError;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::descriptors::MappingProxy;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::set::FrozenSet;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, initial_data, unsigned};
use crate::operator::equal_digests;
use crate::support::exception;
use algorithm::Algorithm;
use derivation::Cost;
use hash::{Hash, HashXof};
use hmac::{Hmac, Keyed};

exception! {
    /// A hash function that is not there, or not for this use.
    UnsupportedDigestmodError, "UnsupportedDigestmodError", "_hashlib", ValueError, weak
}

/// What OpenSSL says where it gives no reason.
const NO_REASON: &str = "no reason supplied";

/// How much memory scrypt may take unless told otherwise.
const SCRYPT_MEMORY: u64 = 32 << 20;

/// The names of the hash functions by their constructors: these may stand for names in HMAC.
static CONSTRUCTORS: PerInterpreter<GilCell<Option<Ref<Dict>>>> = PerInterpreter::new(GilCell::default);

/// The hash function of a name.
fn by_name(vm: &Vm, name: &str) -> PyResult<&'static Algorithm> {
    if name.as_bytes().contains(&0) {
        return Err(vm.value_error("embedded null character"));
    }
    Algorithm::by_name(name)
        .ok_or_else(|| UnsupportedDigestmodError::error(vm, "[digital envelope routines] unsupported"))
}

/// The hash function for HMAC: given by name, or by its constructor here.
fn by_digestmod(vm: &Vm, digestmod: &Value) -> PyResult<&'static Algorithm> {
    let algorithm = if let Some(name) = digestmod.downcast::<Str>() {
        // For HMAC the name is what stands before a null character.
        by_name(vm, name.to_utf8(vm)?.split('\0').next().unwrap_or_default())?
    } else {
        let names = CONSTRUCTORS.of(vm).get();
        let name = names.map_or(Ok(None), |names| names.get(vm, digestmod))?;
        let Some(name) = name.as_ref().and_then(|name| name.downcast::<Str>()) else {
            let shown = vm.repr(digestmod)?.to_utf8(vm)?.into_owned();
            return Err(UnsupportedDigestmodError::error(vm, format!("Unsupported digestmod {shown}")));
        };
        by_name(vm, &name.to_utf8(vm)?)?
    };
    if algorithm.is_extendable() { Err(vm.value_error(NO_REASON)) } else { Ok(algorithm) }
}

/// An object for a hash function, from the arguments of its constructor.
fn construct(
    vm: &Vm,
    algorithm: &'static Algorithm,
    data: Option<&Value>,
    string: Option<&Value>,
) -> PyResult {
    match initial_data(vm, data, string)? {
        Some(data) => Ok(Hash::make(vm, algorithm, hashed_bytes(vm, data)?.as_slice())),
        None => Ok(Hash::make(vm, algorithm, &[])),
    }
}

/// A number that C holds as `unsigned long`.
struct Unsigned(u64);

impl FromArgument<'_> for Unsigned {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        unsigned(vm, &int::to_big(vm, value)?, u64::MAX, "Python int too large for C unsigned long")
            .map(Unsigned)
    }
}

/// The functions of the module.
struct Functions;

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident, $signature:literal, $constant:ident;)*) => {
        #[pyfunctions(CONSTRUCTORS)]
        impl Functions {
            $(
                $(#[$doc])*
                #[function($signature)]
                fn $name(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult {
                    construct(vm, &algorithm::$constant, data, string)
                }
            )*
        }

        /// The constructors and what they make.
        const CONSTRUCTED: &[(&str, &Algorithm)] = &[$((stringify!($name), &algorithm::$constant)),*];
    };
}

constructors! {
    /// A new object for MD5, which has read the data.
    openssl_md5, "openssl_md5(data=b'', *, usedforsecurity=True, string=None)", MD5;
    /// A new object for SHA-1, which has read the data.
    openssl_sha1, "openssl_sha1(data=b'', *, usedforsecurity=True, string=None)", SHA1;
    /// A new object for SHA-224, which has read the data.
    openssl_sha224, "openssl_sha224(data=b'', *, usedforsecurity=True, string=None)", SHA224;
    /// A new object for SHA-256, which has read the data.
    openssl_sha256, "openssl_sha256(data=b'', *, usedforsecurity=True, string=None)", SHA256;
    /// A new object for SHA-384, which has read the data.
    openssl_sha384, "openssl_sha384(data=b'', *, usedforsecurity=True, string=None)", SHA384;
    /// A new object for SHA-512, which has read the data.
    openssl_sha512, "openssl_sha512(data=b'', *, usedforsecurity=True, string=None)", SHA512;
    /// A new object for SHA3-224, which has read the data.
    openssl_sha3_224, "openssl_sha3_224(data=b'', *, usedforsecurity=True, string=None)", SHA3_224;
    /// A new object for SHA3-256, which has read the data.
    openssl_sha3_256, "openssl_sha3_256(data=b'', *, usedforsecurity=True, string=None)", SHA3_256;
    /// A new object for SHA3-384, which has read the data.
    openssl_sha3_384, "openssl_sha3_384(data=b'', *, usedforsecurity=True, string=None)", SHA3_384;
    /// A new object for SHA3-512, which has read the data.
    openssl_sha3_512, "openssl_sha3_512(data=b'', *, usedforsecurity=True, string=None)", SHA3_512;
    /// A new object for SHAKE-128, which has read the data.
    openssl_shake_128, "openssl_shake_128(data=b'', *, usedforsecurity=True, string=None)", SHAKE_128;
    /// A new object for SHAKE-256, which has read the data.
    openssl_shake_256, "openssl_shake_256(data=b'', *, usedforsecurity=True, string=None)", SHAKE_256;
}

#[pyfunctions]
impl Functions {
    /// A new object for the hash function of that name, which has read the data.
    ///
    /// All names of OpenSSL's are known, in upper and lower case.
    #[function("new(name, data=b'', *, usedforsecurity=True, string=None)")]
    fn new(
        vm: &Vm,
        name: Cow<'_, str>,
        data: Option<&Value>,
        _security: bool,
        string: Option<&Value>,
    ) -> PyResult {
        let data = initial_data(vm, data, string)?.map(|data| hashed_bytes(vm, data)).transpose()?;
        let algorithm = by_name(vm, &name)?;
        Ok(Hash::make(vm, algorithm, data.as_ref().map_or(&[], BufferView::as_slice)))
    }

    /// A new object for HMAC with a key, which has read the message.
    #[function("hmac_new(key, msg=b'', digestmod=None)")]
    fn hmac_new(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Hmac>> {
        // Parameters by hand: `None` is a wrong hash function, and none at all is another mistake.
        static PARAMETERS: Parameters<3> = Parameters {
            function: "hmac_new",
            names: ["key", "msg", "digestmod"],
            interned: InternedNames::NONE,
            required: [true, false, false],
            positional_only: 0,
            positional: 3,
            rest: false,
            keywords: false,
        };
        let [key, message, digestmod] = arguments::bind(vm, &PARAMETERS, args, names)?.simple;
        let key = key.map(|key| buffer::view(vm, key)).transpose()?;
        let Some(digestmod) = digestmod else {
            return Err(vm.type_error("Missing required parameter 'digestmod'."));
        };
        let algorithm = by_digestmod(vm, digestmod)?;
        let hmac = Hmac::make(algorithm, key.as_ref().map_or(&[], BufferView::as_slice));
        if let Some(message) = message.filter(|message| !is_none(message)) {
            hmac.payload().update(vm, message)?;
        }
        Ok(hmac)
    }

    /// The tag of a message by HMAC.
    #[function("hmac_digest(key, msg, digest)")]
    fn hmac_digest(vm: &Vm, key: BufferView, msg: BufferView, digest: &Value) -> PyResult<Ref<Bytes>> {
        let algorithm = by_digestmod(vm, digest)?;
        let (key, message) = (key.as_slice(), msg.as_slice());
        Bytes::filled(algorithm.digest_size, |room| {
            if message.len().max(key.len()) < GIL_MINIMUM as usize {
                Keyed::new(algorithm, key).tag(&[message], room);
            } else {
                vm.allow_threads(|| Keyed::new(algorithm, key).tag(&[message], room));
            }
            Ok(())
        })
    }

    /// A key from a password by PBKDF2 (PKCS #5, version 2.0), with HMAC.
    #[function("pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None)")]
    fn pbkdf2_hmac(
        vm: &Vm,
        hash_name: Cow<'_, str>,
        password: BufferView,
        salt: BufferView,
        iterations: i64,
        dklen: Option<&Value>,
    ) -> PyResult<Ref<Bytes>> {
        let algorithm = by_name(vm, &hash_name)?;
        if password.len() > i32::MAX as usize {
            return Err(vm.overflow_error("password is too long."));
        }
        if salt.len() > i32::MAX as usize {
            return Err(vm.overflow_error("salt is too long."));
        }
        if iterations < 1 {
            return Err(vm.value_error("iteration value must be greater than 0."));
        }
        if iterations > i32::MAX.into() {
            return Err(vm.overflow_error("iteration value is too great."));
        }
        let length = match dklen {
            Some(length) => int::to_fixed::<i64>(vm, length, "long")?,
            None => algorithm.digest_size as i64,
        };
        if length < 1 {
            return Err(vm.value_error("key length must be greater than 0."));
        }
        if length > i32::MAX.into() {
            return Err(vm.overflow_error("key length is too great."));
        }
        if algorithm.is_extendable() {
            return Err(vm.value_error("[Provider routines] xof digests not allowed"));
        }
        let (password, salt) = (password.as_slice(), salt.as_slice());
        Bytes::filled(length as usize, |room| {
            vm.allow_threads(|| derivation::pbkdf2(algorithm, password, salt, iterations as u32, room));
            Ok(())
        })
    }

    /// A key from a password by scrypt.
    #[function("scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64)")]
    fn scrypt(
        vm: &Vm,
        password: BufferView,
        salt: BufferView,
        n: Unsigned,
        r: Unsigned,
        p: Unsigned,
        maxmem: i64,
        dklen: i64,
    ) -> PyResult<Ref<Bytes>> {
        const MOST: i64 = i32::MAX as i64;
        let cost = Cost { n: n.0, r: r.0, p: p.0 };
        if password.len() > MOST as usize {
            return Err(vm.overflow_error("password is too long."));
        }
        if salt.len() > MOST as usize {
            return Err(vm.overflow_error("salt is too long."));
        }
        if cost.n < 2 || !cost.n.is_power_of_two() {
            return Err(vm.value_error("n must be a power of 2."));
        }
        if !(0..=MOST).contains(&maxmem) {
            return Err(vm.value_error(format!("maxmem must be positive and smaller than {MOST}")));
        }
        if !(1..=MOST).contains(&dklen) {
            return Err(vm.value_error(format!("dklen must be greater than 0 and smaller than {MOST}")));
        }
        if cost.r.max(cost.p) > u32::MAX.into() {
            return Err(vm.value_error("[digital envelope routines] parameter too large"));
        }
        if cost.r == 0 || cost.p == 0 {
            return Err(vm.value_error("Invalid parameter combination for n, r, p, maxmem."));
        }
        if !cost.is_within(if maxmem == 0 { SCRYPT_MEMORY } else { maxmem as u64 }) {
            return Err(vm.value_error("[digital envelope routines] memory limit exceeded"));
        }
        let (password, salt) = (password.as_slice(), salt.as_slice());
        Bytes::filled(dklen as usize, |room| {
            vm.allow_threads(|| derivation::scrypt(password, salt, cost, room)).map_err(|_| vm.memory_error())
        })
    }

    /// Return 'a == b', in a time that says nothing of where they differ.
    ///
    /// Both must be strings of ASCII characters, or both bytes-like objects.
    /// How long they are, and of which types, may still be found out.
    #[function("compare_digest(a, b, /)")]
    fn compare_digest(vm: &Vm, a: &Value, b: &Value) -> PyResult<bool> {
        equal_digests(vm, a, b)
    }

    /// Whether OpenSSL would be restricted to what FIPS 140 allows: 0, as nothing here is.
    #[function("get_fips_mode()")]
    fn get_fips_mode() -> i32 {
        0
    }
}

native_module! {
    name: "_hashlib", doc: "Hash functions, HMAC and keys from passwords, as CPython has them from OpenSSL",
    functions: [Functions::CONSTRUCTORS, Functions::FUNCTIONS],
    types: [Hash, HashXof, Hmac, UnsupportedDigestmodError],
    execute: |vm, module| {
        let constructors = Dict::new();
        for (function, algorithm) in CONSTRUCTED {
            if let Some(function) = module.dict_ref().get_str(&vm.intern(function)) {
                constructors.set(vm, &function, vm.new_str(algorithm.shown()))?;
            }
        }
        CONSTRUCTORS.of(vm).set(Some(constructors.clone()));
        module.set(vm, "_constructors", MappingProxy::new(constructors.into_value()));
        let names = algorithm::ALL.iter().filter_map(|algorithm| algorithm.name);
        module.set(vm, "openssl_md_meth_names", FrozenSet::from_values(vm, names.map(|name| vm.new_str(name)))?);
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}
