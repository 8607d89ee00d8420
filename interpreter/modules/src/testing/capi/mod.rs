//! `_testcapi`: what CPython's tests ask of its C interface, as far as the same can be asked here.

mod calling;
mod code;
mod exceptions;
mod monitoring;
mod objects;
mod signatures;
pub mod tracing;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::vm::Vm;

use calling::{
    MethClass, MethInstance, MethStatic, MethodDescriptor2, MethodDescriptorBase, MethodDescriptorDerived,
    MethodDescriptorNopGet,
};
use exceptions::RecursingInfinitelyError;
use monitoring::CodeLike;
use objects::{Awaitable, Generic, GenericAlias, HeapTypeWithDict, HeapTypeWithWeak, MyList};
use signatures::{DocStringNoSignatureTest, DocStringUnrepresentableSignatureTest};

native_module! {
    name: "_testcapi",
    doc: "",
    functions: [
        calling::Functions::FUNCTIONS, calling::Functions::CALLERS, exceptions::Functions::FUNCTIONS, objects::Functions::FUNCTIONS,
        signatures::Functions::FUNCTIONS, code::Functions::FUNCTIONS, monitoring::Functions::FUNCTIONS,
        super::crossing::LegacyFunctions::FUNCTIONS, Functions::FUNCTIONS, tracing::Functions::FUNCTIONS,
    ],
    types: [
        MethInstance, MethClass, MethStatic, MethodDescriptorBase, MethodDescriptorDerived, MethodDescriptorNopGet,
        MethodDescriptor2, Awaitable, Generic, GenericAlias, HeapTypeWithDict, HeapTypeWithWeak, MyList,
        DocStringNoSignatureTest, DocStringUnrepresentableSignatureTest, CodeLike, RecursingInfinitelyError,
    ],
    execute: execute,
}

/// The limits of C's integers on this machine.
const LIMITS: [(&str, i128); 30] = [
    ("CHAR_MAX", i8::MAX as i128),
    ("CHAR_MIN", i8::MIN as i128),
    ("UCHAR_MAX", u8::MAX as i128),
    ("SHRT_MAX", i16::MAX as i128),
    ("SHRT_MIN", i16::MIN as i128),
    ("USHRT_MAX", u16::MAX as i128),
    ("INT_MAX", i32::MAX as i128),
    ("INT_MIN", i32::MIN as i128),
    ("UINT_MAX", u32::MAX as i128),
    ("INT32_MAX", i32::MAX as i128),
    ("INT32_MIN", i32::MIN as i128),
    ("UINT32_MAX", u32::MAX as i128),
    ("LONG_MAX", i64::MAX as i128),
    ("LONG_MIN", i64::MIN as i128),
    ("ULONG_MAX", u64::MAX as i128),
    ("LLONG_MAX", i64::MAX as i128),
    ("LLONG_MIN", i64::MIN as i128),
    ("ULLONG_MAX", u64::MAX as i128),
    ("INT64_MAX", i64::MAX as i128),
    ("INT64_MIN", i64::MIN as i128),
    ("UINT64_MAX", u64::MAX as i128),
    ("PY_SSIZE_T_MAX", isize::MAX as i128),
    ("PY_SSIZE_T_MIN", isize::MIN as i128),
    ("SIZE_MAX", usize::MAX as i128),
    ("PyTime_MAX", i64::MAX as i128),
    ("PyTime_MIN", i64::MIN as i128),
    ("SIZEOF_TIME_T", size_of::<i64>() as i128),
    ("SIZEOF_VOID_P", size_of::<usize>() as i128),
    ("ONE", 1),
    ("the_number_three", 3),
];

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in LIMITS {
        module.set(vm, name, int::from_i128(number));
    }
    for (name, number) in [
        ("FLT_MAX", f64::from(f32::MAX)),
        ("FLT_MIN", f64::from(f32::MIN_POSITIVE)),
        ("DBL_MAX", f64::MAX),
        ("DBL_MIN", f64::MIN_POSITIVE),
    ] {
        module.set(vm, name, float::new(number));
    }
    for name in ["WITH_PYMALLOC", "nan_msb_is_signaling"] {
        module.set(vm, name, rspy_runtime::types::bool::boolean(false));
    }
    for name in ["WITH_MIMALLOC", "_Py_STACK_GROWS_DOWN"] {
        module.set(vm, name, rspy_runtime::types::bool::boolean(true));
    }
    Ok(())
}

/// Functions about the process.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// The wait status of a process that a signal has stopped.
    #[function("W_STOPCODE(signal, /)")]
    fn stop_code(signal: i32) -> i32 {
        (signal << 8) | 0x7f
    }

    /// Set the number of the last failed call of C's library.
    #[function("set_errno(errno, /)")]
    fn set_errno(errno: i32) {
        rspy_runtime::host::Errno(errno).set_last();
    }

    /// How the interpreter was started.
    #[function("config_get(name, /)")]
    fn config_get(vm: &Vm, name: String) -> PyResult {
        let configuration = &vm.interpreter.configuration;
        let flag = |set: bool| Ok(rspy_runtime::types::bool::boolean(set));
        match &*name {
            "code_debug_ranges" => flag(!configuration.no_debug_ranges),
            "use_environment" => flag(!configuration.ignore_environment),
            "int_max_str_digits" => Ok(int::new(vm.interpreter.int_max_str_digits.get())),
            _ => Err(vm.value_error(format!("unknown config option name: {name}"))),
        }
    }
}
