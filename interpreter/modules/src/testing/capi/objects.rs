//! Objects with one trait each: awaitable ones, generic ones, classes whose instances have attributes or can be
//! referred to weakly.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::marshal;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Raise what a descriptor raises that cannot be read.
    #[function("bad_get(descriptor, instance, owner, /)")]
    fn bad_get(vm: &Vm, descriptor: &Value, instance: &Value, owner: &Value) -> PyResult {
        let _ = (descriptor, instance);
        vm.call(owner, &[])?;
        vm.repr(descriptor).map(|text| text.into_value())
    }

    /// This is a pretty normal docstring.
    #[function("test_with_docstring()")]
    fn with_docstring() {}

    /// Write a number to a file as marshal does.
    #[function("pymarshal_write_long_to_file(value, filename, version, /)")]
    fn write_long(vm: &Vm, value: i64, filename: &Value, version: i64) -> PyResult<()> {
        let _ = version;
        write_file(vm, filename, &(value as i32).to_le_bytes())
    }

    /// Write an object to a file as marshal does.
    #[function("pymarshal_write_object_to_file(object, filename, version, /)")]
    fn write_object(vm: &Vm, object: &Value, filename: &Value, version: u32) -> PyResult<()> {
        write_file(vm, filename, &marshal::dump(vm, object, version, true)?)
    }

    /// Read the two bytes of a number from a file.
    #[function("pymarshal_read_short_from_file(filename, /)")]
    fn read_short(vm: &Vm, filename: &Value) -> PyResult<(i64, usize)> {
        match read_file(vm, filename)?[..] {
            [low, high, ..] => Ok((i64::from(i16::from_le_bytes([low, high])), 2)),
            _ => Err(vm.eof_error("EOF read where data expected")),
        }
    }

    /// Read the four bytes of a number from a file.
    #[function("pymarshal_read_long_from_file(filename, /)")]
    fn read_long(vm: &Vm, filename: &Value) -> PyResult<(i64, usize)> {
        match read_file(vm, filename)?[..] {
            [a, b, c, d, ..] => Ok((i64::from(i32::from_le_bytes([a, b, c, d])), 4)),
            _ => Err(vm.eof_error("EOF read where data expected")),
        }
    }

    /// Read an object from a file as marshal does.
    #[function("pymarshal_read_object_from_file(filename, /)")]
    fn read_object(vm: &Vm, filename: &Value) -> PyResult<(Value, usize)> {
        marshal::load(vm, &read_file(vm, filename)?, true)
    }

    /// Read the last object of a file as marshal does.
    #[function("pymarshal_read_last_object_from_file(filename, /)")]
    fn read_last_object(vm: &Vm, filename: &Value) -> PyResult<(Value, usize)> {
        marshal::load(vm, &read_file(vm, filename)?, true)
    }
}

fn read_file(vm: &Vm, filename: &Value) -> PyResult<Vec<u8>> {
    let open = vm.get_attribute_str(&rspy_runtime::import::import_module(vm, "io")?, "open")?;
    let file = vm.call(&open, &[filename.clone(), vm.new_str("rb")])?;
    let contents = vm.call_method_str(&file, "read", &[])?;
    vm.call_method_str(&file, "close", &[])?;
    rspy_runtime::types::bytes::bytes_of_object(vm, &contents)
}

fn write_file(vm: &Vm, filename: &Value, contents: &[u8]) -> PyResult<()> {
    let open = vm.get_attribute_str(&rspy_runtime::import::import_module(vm, "io")?, "open")?;
    let file = vm.call(&open, &[filename.clone(), vm.new_str("wb")])?;
    vm.call_method_str(&file, "write", &[rspy_runtime::types::bytes::Bytes::new(contents).into_value()])?;
    vm.call_method_str(&file, "close", &[])?;
    Ok(())
}

/// A type that answers what it was made with as its iterator for `await`.
#[pyclass(name = "awaitType", module = "_testcapi", tracked, static_type)]
pub struct Awaitable {
    iterator: GilCell<Option<Value>>,
}

#[pymethods]
impl Awaitable {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        match args {
            [iterator] => {
                let awaitable = Awaitable { iterator: GilCell::new(Some(iterator.clone())) };
                Ok(Object::with_type(cls, awaitable).into_value())
            }
            _ => Err(vm.type_error(format!("awaitType expected 1 argument, got {}", args.len()))),
        }
    }

    #[slot(await_)]
    fn await_iterator(&self) -> PyResult {
        Ok(self.iterator.get().unwrap_or_else(none))
    }
}

/// What `Generic[…]` is: it stands for another base in a class statement.
#[pyclass(name = "GenericAlias", module = "_testcapi", tracked, static_type)]
pub struct GenericAlias {
    item: GilCell<Option<Value>>,
}

#[pymethods]
impl GenericAlias {
    /// The bases to derive from.
    #[method("__mro_entries__(self, bases, /)")]
    fn mro_entries(&self, bases: &Value) -> Value {
        let _ = bases;
        Tuple::from_values([self.item.get().unwrap_or_else(none)]).into_value()
    }
}

/// A class with subscripts.
#[pyclass(name = "Generic", module = "_testcapi", static_type)]
pub struct Generic;

#[pymethods]
impl Generic {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Generic).into_value())
    }

    /// What the class with a subscript is.
    #[classmethod("__class_getitem__(type, item, /)")]
    fn class_getitem(cls: &TypeObject, item: &Value) -> Value {
        let _ = cls;
        Object::new(GenericAlias { item: GilCell::new(Some(item.clone())) }).into_value()
    }
}

/// A class whose instances have attributes.
#[pyclass(name = "HeapCTypeWithDict", module = "_testcapi", tracked, dict, subclassable)]
pub struct HeapTypeWithDict;

#[pymethods]
impl HeapTypeWithDict {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, HeapTypeWithDict).into_value())
    }
}

/// A class whose instances can be referred to weakly.
#[pyclass(name = "HeapCTypeWithWeakref", module = "_testcapi", tracked, weak, subclassable)]
pub struct HeapTypeWithWeak;

#[pymethods]
impl HeapTypeWithWeak {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, HeapTypeWithWeak).into_value())
    }
}

/// A list by another name.
#[pyclass(name = "MyList", module = "_testcapi", extends = List, tracked, subclassable, static_type, no_methods)]
#[repr(C)]
pub struct MyList {
    base: List,
}
