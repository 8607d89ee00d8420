//! `_testlimitedcapi`: the protocols of objects and sequences as native code uses them.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::codecs::registry;
use rspy_runtime::exceptions::{PyResult, print};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::slice::Slice;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_testlimitedcapi",
    doc: "",
    functions: [Objects::FUNCTIONS, Sequences::FUNCTIONS, Functions::FUNCTIONS],
    types: [LimitedVectorCallClass, LimitedRelativeVectorCallClass],
    execute: |_, _| Ok(()),
}

/// The protocol that all objects have.
pub struct Objects;

#[pyfunctions]
impl Objects {
    #[function("object_repr(object, /)")]
    fn object_repr(vm: &Vm, object: &Value) -> PyResult {
        vm.repr(object).map(|text| text.into_value())
    }

    #[function("object_ascii(object, /)")]
    fn object_ascii(vm: &Vm, object: &Value) -> PyResult {
        vm.ascii(object).map(|text| text.into_value())
    }

    #[function("object_str(object, /)")]
    fn object_str(vm: &Vm, object: &Value) -> PyResult {
        vm.str(object).map(|text| text.into_value())
    }

    #[function("object_getattr(object, name, /)")]
    fn object_getattr(vm: &Vm, object: &Value, name: &Value) -> PyResult {
        vm.get_attribute(object, attribute_name(vm, name)?)
    }

    #[function("object_getattrstring(object, name, /)")]
    fn object_getattrstring(vm: &Vm, object: &Value, name: String) -> PyResult {
        vm.get_attribute_str(object, &name)
    }

    #[function("object_hasattr(object, name, /)")]
    fn object_hasattr(vm: &Vm, object: &Value, name: &Object<Str>) -> PyResult<i64> {
        Ok(i64::from(vm.get_attribute_optional(object, name)?.is_some()))
    }

    #[function("object_hasattrstring(object, name, /)")]
    fn object_hasattrstring(vm: &Vm, object: &Value, name: &Value) -> PyResult<i64> {
        let name = match name.downcast::<Bytes>() {
            Some(name) => vm.intern(&String::from_utf8_lossy(name.as_slice())),
            None => attribute_name(vm, name)?.to_ref(),
        };
        match vm.get_attribute_optional(object, &name) {
            Ok(found) => Ok(i64::from(found.is_some())),
            Err(error) => {
                let doing = "Exception ignored in PyObject_HasAttrString(); consider using PyObject_HasAttrStringWithError(), PyObject_GetOptionalAttrString() or PyObject_GetAttrString()";
                print::write_unraisable(vm, error, Some(doing), None);
                Ok(0)
            }
        }
    }

    #[function("object_setattrstring(object, name, value, /)")]
    fn object_setattrstring(vm: &Vm, object: &Value, name: String, value: &Value) -> PyResult<i64> {
        vm.set_attribute_str(object, &name, value).map(|()| 0)
    }

    #[function("object_delattrstring(object, name, /)")]
    fn object_delattrstring(vm: &Vm, object: &Value, name: String) -> PyResult<i64> {
        vm.delete_attribute(object, &vm.intern(&name)).map(|()| 0)
    }
}

fn attribute_name<'a>(vm: &Vm, name: &'a Value) -> PyResult<&'a Object<Str>> {
    name.downcast::<Str>().ok_or_else(|| {
        vm.type_error(format!("attribute name must be string, not '{}'", name.type_of().name()))
    })
}

/// The protocol of sequences.
pub struct Sequences;

fn size_or_none(index: isize) -> Value {
    int::new(index as i64)
}

fn part(start: isize, end: isize) -> Value {
    Slice::new(size_or_none(start), size_or_none(end), rspy_runtime::types::none::none()).into_value()
}

#[pyfunctions]
impl Sequences {
    #[function("sequence_size(object, /)")]
    fn sequence_size(vm: &Vm, object: &Value) -> PyResult<usize> {
        vm.length(object)
    }

    #[function("sequence_getitem(object, index, /)")]
    fn sequence_getitem(vm: &Vm, object: &Value, index: isize) -> PyResult {
        match object.type_of().slots().item.get() {
            Some(item) => item(vm, object, from_start(vm, object, index)?),
            None => vm.get_item(object, &size_or_none(index)),
        }
    }

    #[function("sequence_setitem(object, index, value, /)")]
    fn sequence_setitem(vm: &Vm, object: &Value, index: isize, value: &Value) -> PyResult<i64> {
        vm.set_item(object, &size_or_none(index), value).map(|()| 0)
    }

    #[function("sequence_delitem(object, index, /)")]
    fn sequence_delitem(vm: &Vm, object: &Value, index: isize) -> PyResult<i64> {
        vm.delete_item(object, &size_or_none(index)).map(|()| 0)
    }

    #[function("sequence_getslice(object, start, end, /)")]
    fn sequence_getslice(vm: &Vm, object: &Value, start: isize, end: isize) -> PyResult {
        vm.get_item(object, &part(start, end))
    }

    #[function("sequence_setslice(object, start, end, value, /)")]
    fn sequence_setslice(vm: &Vm, object: &Value, start: isize, end: isize, value: &Value) -> PyResult<i64> {
        vm.set_item(object, &part(start, end), value).map(|()| 0)
    }

    #[function("sequence_delslice(object, start, end, /)")]
    fn sequence_delslice(vm: &Vm, object: &Value, start: isize, end: isize) -> PyResult<i64> {
        vm.delete_item(object, &part(start, end)).map(|()| 0)
    }

    #[function("sequence_contains(object, value, /)")]
    fn sequence_contains(vm: &Vm, object: &Value, value: &Value) -> PyResult<i64> {
        vm.contains(object, value).map(i64::from)
    }

    #[function("sequence_list(object, /)")]
    fn sequence_list(vm: &Vm, object: &Value) -> PyResult {
        Ok(List::from_vec(vm.collect(object)?).into_value())
    }

    #[function("sequence_tuple(object, /)")]
    fn sequence_tuple(vm: &Vm, object: &Value) -> PyResult {
        Ok(Tuple::from_values(vm.collect(object)?).into_value())
    }
}

/// A negative index counts from the end; the items' own function takes what results, negative or not.
fn from_start(vm: &Vm, object: &Value, index: isize) -> PyResult<isize> {
    if index >= 0 { Ok(index) } else { Ok(index + vm.length(object)? as isize) }
}

/// Everything else.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("codec_incrementalencoder(encoding, errors=None, /)")]
    fn codec_incrementalencoder(vm: &Vm, encoding: &Object<Str>, errors: Option<&Value>) -> PyResult {
        incremental(vm, encoding, errors, "incrementalencoder")
    }

    #[function("codec_incrementaldecoder(encoding, errors=None, /)")]
    fn codec_incrementaldecoder(vm: &Vm, encoding: &Object<Str>, errors: Option<&Value>) -> PyResult {
        incremental(vm, encoding, errors, "incrementaldecoder")
    }

    #[function("_py_getbuiltwithassert()")]
    fn built_with_assertions() -> bool {
        false
    }

    #[function("call_vectorcall(callable, /)")]
    fn call_vectorcall(vm: &Vm, callable: &Value) -> PyResult {
        let names = Tuple::from_values([vm.intern("baz").into_value()]);
        vm.call_with_names(callable, &[vm.new_str("foo"), vm.new_str("bar")], Some(&names))
    }

    #[function("call_vectorcall_method(object, /)")]
    fn call_vectorcall_method(vm: &Vm, object: &Value) -> PyResult {
        let method = vm.get_attribute_str(object, "f")?;
        Self::call_vectorcall(vm, &method)
    }

    #[function("type_modified(type, /)")]
    fn type_modified(vm: &Vm, typ: &Value) -> PyResult<()> {
        match typ.downcast::<rspy_runtime::types::typ::Type>() {
            Some(typ) => typ.modified(),
            None => return Err(vm.type_error("argument must be a type")),
        }
        Ok(())
    }
}

fn incremental(vm: &Vm, encoding: &Object<Str>, errors: Option<&Value>, attribute: &str) -> PyResult {
    let codec = registry::lookup(vm, encoding)?;
    let class = vm.get_attribute_str(codec.value(), attribute)?;
    match errors {
        Some(errors) => vm.call(&class, std::slice::from_ref(errors)),
        None => vm.call(&class, &[]),
    }
}

macro_rules! callable_class {
    ($name:ident, $python:literal) => {
        /// A type whose instances can be called.
        #[pyclass(name = $python, module = "_testlimitedcapi", subclassable)]
        pub struct $name;

        #[pymethods]
        impl $name {
            #[slot(new)]
            fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
                Ok(Object::with_type(cls, $name).into_value())
            }

            #[slot(call)]
            fn call(&self, vm: &Vm, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
                Ok(vm.new_str("vectorcall called"))
            }
        }
    };
}
callable_class!(LimitedVectorCallClass, "LimitedVectorCallClass");
callable_class!(LimitedRelativeVectorCallClass, "LimitedRelativeVectorCallClass");
