//! `_testinternalcapi`: what lies behind types, instances, code objects, the stack and the file system's encoding.

use rspy_code::opcode::Opcode;
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{PyResult, suggestions};
use rspy_runtime::gc;
use rspy_runtime::native_module;
use rspy_runtime::object::{Header, Object, Payload};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::object::BaseObject;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::typ::special::SPECIAL_METHODS;
use rspy_runtime::types::typ::{Type, TypeFlags, instance};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_testinternalcapi",
    doc: "",
    functions: [
        Functions::FUNCTIONS, Text::FUNCTIONS, super::crossing::Functions::FUNCTIONS, super::capi::tracing::Internal::FUNCTIONS,
        super::instructions::Functions::FUNCTIONS, super::extensions::Functions::FUNCTIONS, super::variable_counts::Functions::FUNCTIONS,
    ],
    types: [],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    // `sys.getsizeof` counts as much for what the collector keeps of an object; dict and weak references lie before it.
    module.set_int(vm, "SIZEOF_PYGC_HEAD", 2 * size_of::<usize>() as i64);
    module.set_int(vm, "SIZEOF_MANAGED_PRE_HEADER", 2 * size_of::<usize>() as i64);
    module.set_int(vm, "SIZEOF_PYOBJECT", size_of::<Header>() as i64);
    module.set_int(vm, "SIZEOF_TIME_T", size_of::<i64>() as i64);
    module.set_int(vm, "SHARED_KEYS_MAX_SIZE", instance::MOST_INLINE as i64);
    // Instructions specialise when they are next run after so many runs, and again after as many failures.
    module.set_int(vm, "SPECIALIZATION_THRESHOLD", 2);
    module.set_int(vm, "SPECIALIZATION_COOLDOWN", 53);
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("has_inline_values(object, /)")]
    fn has_inline_values(object: &Value) -> bool {
        instance::lies_inline(object)
    }

    #[function("get_recursion_depth()")]
    fn get_recursion_depth(vm: &Vm) -> u32 {
        vm.call_depth()
    }

    /// How much of the native stack is left.
    #[function("get_stack_margin()")]
    fn get_stack_margin(vm: &Vm) -> usize {
        vm.stack_left()
    }

    /// How many native calls the stack has room for, if each takes as much as one of the compiler's.
    #[function("get_c_recursion_remaining()")]
    fn get_c_recursion_remaining(vm: &Vm) -> usize {
        vm.stack_left() / NATIVE_CALL
    }

    #[function("get_stack_pointer()")]
    fn get_stack_pointer() -> usize {
        let here = 0_u8;
        std::ptr::from_ref(&here).addr()
    }

    #[function("get_static_builtin_types()")]
    fn get_static_builtin_types() -> Value {
        let mut found = vec![BaseObject::static_type().to_value()];
        let mut next = 0;
        while let Some(typ) = found.get(next).and_then(|typ| typ.downcast::<Type>()).map(Object::to_ref) {
            next += 1;
            for derived in typ.subclasses() {
                let is_static = derived.downcast::<Type>().is_some_and(is_static);
                if is_static && !found.iter().any(|known| known.is(&derived)) {
                    found.push(derived);
                }
            }
        }
        List::from_vec(found).into_value()
    }

    #[function("identify_type_slot_wrappers()")]
    fn identify_type_slot_wrappers(vm: &Vm) -> Value {
        let names = SPECIAL_METHODS.iter().map(|method| vm.intern(method.name).into_value()).collect();
        List::from_vec(names).into_value()
    }

    #[function("dict_getitem_knownhash(dict, key, hash, /)")]
    fn dict_getitem_knownhash(vm: &Vm, dict: &Value, key: &Value, hash: i64) -> PyResult {
        let Some(dict) = dict.downcast::<Dict>() else {
            return Err(vm.system_error("bad argument to internal function"));
        };
        match dict.get_hashed(vm, key, hash)? {
            Some(value) => Ok(value),
            None => Err(vm.key_error(key)),
        }
    }

    #[function("get_tracked_heap_size()")]
    fn get_tracked_heap_size(vm: &Vm) -> usize {
        vm.interpreter.collector.counts()[..=gc::OLDEST].iter().sum()
    }

    #[function("pymem_getallocatorsname()")]
    fn pymem_getallocatorsname() -> &'static str {
        "mimalloc"
    }

    #[function("code_returns_only_none(code, /)")]
    fn code_returns_only_none(code: &Object<Code>) -> bool {
        returns_only_none(code)
    }

    #[function("get_co_framesize(code, /)")]
    fn get_co_framesize(code: &Object<Code>) -> usize {
        code.frame_words()
    }

    #[function("get_co_localskinds(code, /)")]
    fn get_co_localskinds(code: &Object<Code>) -> Value {
        let kinds = Dict::new();
        for (index, &kind) in code.body().variable_kinds.iter().enumerate() {
            kinds.set_str(code.variable_name(index), int::new(i64::from(kind)));
        }
        kinds.into_value()
    }

    #[function("test_edit_cost()")]
    fn test_edit_cost(vm: &Vm) -> PyResult<()> {
        for (left, right, expected) in EDIT_COSTS {
            let found = suggestions::distance(left.as_bytes(), right.as_bytes(), 4044);
            if found != expected {
                return Err(vm.assertion_error(format!("{left:?} to {right:?}: {found}, not {expected}")));
            }
        }
        Ok(())
    }
}

/// What a native call is taken to need of the stack, in bytes.
const NATIVE_CALL: usize = 1 << 10;

/// Costs of changing one name into another.
const EDIT_COSTS: [(&str, &str, usize); 8] = [
    ("", "", 0),
    ("", "a", 2),
    ("a", "A", 1),
    ("Apple", "Aple", 2),
    ("Banana", "B@n@n@", 6),
    ("wxyz", "wXyZ123", 8),
    ("Python", "Java", 12),
    ("AttributeError", "AttributeErrorTests", 10),
];

fn is_static(typ: &Object<Type>) -> bool {
    !typ.is_heap() && !typ.has_flag(TypeFlags::FROM_MODULE)
}

/// Whether each `return` of a function gives `None` that is loaded right before.
fn returns_only_none(code: &Object<Code>) -> bool {
    let bytes = code.plain_bytes();
    let units: Vec<&[u8]> = bytes.as_slice().chunks_exact(2).collect();
    let Some(none) = code.body().constants.items().iter().position(rspy_runtime::types::none::is_none) else {
        return false;
    };
    let is_none = |unit: &[u8]| unit[0] == Opcode::LoadConst as u8 && usize::from(unit[1]) == none;
    let mut previous: Option<&[u8]> = None;
    for unit in units {
        if unit[0] == Opcode::ReturnValue as u8 && !previous.is_some_and(is_none) {
            return false;
        }
        if unit[0] != Opcode::Cache as u8 {
            previous = Some(unit);
        }
    }
    true
}

/// Functions about texts.
pub struct Text;

#[pyfunctions]
impl Text {
    #[function("compiler_cleandoc(doc)")]
    fn compiler_cleandoc(doc: &Object<Str>) -> Value {
        let cleaned = rspy_compiler::docstring::clean(&rspy_runtime::compile::text_of(doc));
        rspy_runtime::compile::str_of(&cleaned).into_value()
    }

    #[function("EncodeLocaleEx(text, current_locale=0, errors=None, /)")]
    fn encode_locale(vm: &Vm, text: &Object<Str>, current_locale: i32, errors: Option<String>) -> PyResult {
        let _ = current_locale;
        let errors = errors.as_deref().unwrap_or("strict");
        let mut out = Vec::new();
        for (position, c) in text.characters().iter().enumerate() {
            match (char::from_u32(c), errors) {
                (Some(c), _) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                (None, "surrogateescape") if (0xDC80..=0xDCFF).contains(&c) => out.push((c - 0xDC00) as u8),
                (None, "surrogatepass") => rspy_runtime::types::string::build::push_wtf8(&mut out, c),
                (None, "strict" | "surrogateescape") => {
                    return Err(
                        vm.runtime_error(format!("encode error: pos={position}, reason=encoding error"))
                    );
                }
                _ => return Err(vm.value_error("unsupported error handler")),
            }
        }
        check_handler(vm, errors)?;
        Ok(Bytes::new(out).into_value())
    }

    #[function("DecodeLocaleEx(bytes, current_locale=0, errors=None, /)")]
    fn decode_locale(
        vm: &Vm,
        bytes: &Object<Bytes>,
        current_locale: i32,
        errors: Option<String>,
    ) -> PyResult {
        let _ = current_locale;
        let errors = errors.as_deref().unwrap_or("strict");
        check_handler(vm, errors)?;
        let mut text = StrBuilder::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let good = match std::str::from_utf8(rest) {
                Ok(good) => good,
                Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
            };
            text.push_str(good);
            rest = &rest[good.len()..];
            let Some(&byte) = rest.first() else { break };
            let skipped = match (errors, surrogate(rest)) {
                ("surrogatepass", Some(surrogate)) => {
                    text.push(surrogate);
                    3
                }
                ("surrogateescape", _) => {
                    text.push(0xDC00 + u32::from(byte));
                    1
                }
                _ => {
                    let position = bytes.len() - rest.len();
                    return Err(
                        vm.runtime_error(format!("decode error: pos={position}, reason=decoding error"))
                    );
                }
            };
            rest = &rest[skipped..];
        }
        Ok(text.finish().into_value())
    }
}

fn check_handler(vm: &Vm, errors: &str) -> PyResult<()> {
    match errors {
        "strict" | "surrogateescape" | "surrogatepass" => Ok(()),
        _ => Err(vm.value_error("unsupported error handler")),
    }
}

/// The surrogate that three bytes would be if UTF-8 had them.
fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
            Some(0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F))
        }
        _ => None,
    }
}
