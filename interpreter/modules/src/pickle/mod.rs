//! The module `_pickle`: objects written as bytes and read again.
//!
//! Writing: [`pickler`] has the object, `save` and its neighbours the builtin types, `plain` and `reduce` all others,
//! `output` and `memo` what they fill.
//! Reading: [`unpickler`] has the object, `load` and its neighbours the opcodes, `state` gives objects their state, `input`
//! and `remembered` are what they read from. Both do without Python calls as long as only builtin types are concerned.

mod buffers;
mod errors;
mod input;
mod load;
mod load_containers;
mod load_objects;
mod load_values;
mod memo;
mod numbers;
mod opcodes;
mod output;
mod plain;
pub mod pickler;
mod proxies;
mod reduce;
mod registry;
mod remembered;
mod save;
mod save_containers;
mod save_values;
mod state;
pub mod unpickler;

pub use buffers::PickleBuffer;
pub use errors::{PickleError, PicklingError, UnpicklingError, type_name};
pub use pickler::Pickler;
pub use proxies::{PicklerMemoProxy, UnpicklerMemoProxy};
pub use unpickler::Unpickler;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use input::Input;

/// The functions of `_pickle`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Write a pickled representation of obj to the open file object file.
    ///
    /// This is equivalent to ``Pickler(file, protocol).dump(obj)``, but may
    /// be more efficient.
    #[function("dump(module, /, obj, file, protocol=None, *, fix_imports=True,\n     buffer_callback=None)")]
    fn dump(
        vm: &Vm,
        obj: &Value,
        file: &Value,
        protocol: Option<&Value>,
        fix_imports: bool,
        buffer_callback: Option<&Value>,
    ) -> PyResult<()> {
        let pickler = Pickler::empty();
        pickler.configure(vm, &pickler::Settings { protocol, fix_imports, buffer_callback })?;
        pickler.set_file(vm, file)?;
        pickler.write_pickle(vm, obj)?;
        pickler.flush(vm)
    }

    /// Return the pickled representation of the object as a bytes object.
    #[function("dumps(module, /, obj, protocol=None, *, fix_imports=True,\n      buffer_callback=None)")]
    fn dumps(
        vm: &Vm,
        obj: &Value,
        protocol: Option<&Value>,
        fix_imports: bool,
        buffer_callback: Option<&Value>,
    ) -> PyResult<Ref<Bytes>> {
        let pickler = Pickler::empty();
        pickler.configure(vm, &pickler::Settings { protocol, fix_imports, buffer_callback })?;
        pickler.write_pickle(vm, obj)?;
        Ok(Bytes::new(pickler.take_bytes()))
    }

    /// Read and return an object from the pickle data stored in a file.
    ///
    /// This is equivalent to ``Unpickler(file).load()``, but may be more
    /// efficient.
    #[function(
        "load(module, /, file, *, fix_imports=True, encoding='ASCII',\n     errors='strict', buffers=())"
    )]
    fn load(
        vm: &Vm,
        file: &Value,
        fix_imports: bool,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
        buffers: Option<&Value>,
    ) -> PyResult {
        let unpickler = Unpickler::empty();
        let settings = unpickler::Settings { fix_imports, encoding, errors, buffers };
        unpickler.configure(vm, Input::of_file(vm, file)?, &settings)?;
        unpickler.read_plainly(vm)
    }

    /// Read and return an object from the given pickle data.
    #[function(
        "loads(module, data, /, *, fix_imports=True, encoding='ASCII',\n      errors='strict', buffers=())"
    )]
    fn loads(
        vm: &Vm,
        data: &Value,
        fix_imports: bool,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
        buffers: Option<&Value>,
    ) -> PyResult {
        let unpickler = Unpickler::empty();
        let settings = unpickler::Settings { fix_imports, encoding, errors, buffers };
        unpickler.configure(vm, Input::of_bytes(vm, data)?, &settings)?;
        unpickler.read_plainly(vm)
    }
}

native_module! {
    name: "_pickle",
    doc: "Pickles written and read natively.",
    functions: [Functions::FUNCTIONS],
    types: [PickleError, PicklingError, UnpicklingError, Pickler, Unpickler, PickleBuffer],
    execute: |vm, _| {
        PicklerMemoProxy::static_type().ready(vm);
        UnpicklerMemoProxy::static_type().ready(vm);
        Ok(())
    },
}
