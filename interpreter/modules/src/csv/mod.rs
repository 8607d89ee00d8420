//! The module `_csv`: comma-separated values.

mod dialect;
mod meanings;
mod reader;
mod writer;

use std::sync::atomic::{AtomicI64, Ordering};

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::native_module;
use rspy_runtime::object::{Payload, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;
use dialect::Dialect;
use reader::Reader;
use writer::Writer;

exception! {
    /// What malformed records raise.
    Error, "Error", "_csv", PlainException
}

/// The longest field that a reader takes.
static FIELD_LIMIT: AtomicI64 = AtomicI64::new(128 * 1024);

/// The registered dialects.
fn dialects(vm: &Vm) -> Ref<Dict> {
    let module = vm.interpreter.modules.get_str(&vm.intern("_csv"));
    module
        .and_then(|module| vm.get_attribute_str(&module, "_dialects").ok())
        .and_then(|dialects| dialects.downcast_into::<Dict>().ok())
        .unwrap_or_else(Dict::new)
}

fn registered(vm: &Vm, name: &Value) -> PyResult {
    dialects(vm).get(vm, name)?.ok_or_else(|| Error::error(vm, "unknown dialect"))
}

/// What `reader` and `writer` are given: an object, and a dialect with changes.
fn source_and_dialect(
    vm: &Vm,
    function: &str,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<(Value, Ref<Dialect>)> {
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    let (source, given) = match positional {
        [source] => (source, None),
        [source, dialect] => (source, Some(dialect)),
        [] => return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0"))),
        _ => {
            return Err(vm.type_error(format!("{function} expected at most 2 arguments, got {}", positional.len())));
        }
    };
    Ok((source.clone(), Dialect::make(vm, given, keywords)?))
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a list of all known dialect names.
    ///
    ///     names = csv.list_dialects()
    #[function("list_dialects()")]
    fn list_dialects(vm: &Vm) -> Ref<List> {
        List::from_vec(dialects(vm).keys())
    }

    /// Create a mapping from a string name to a dialect class.
    ///
    ///     dialect = csv.register_dialect(name[, dialect[, **fmtparams]])
    #[function("register_dialect")]
    fn register_dialect(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        let (name, given) = match positional {
            [name] => (name, None),
            [name, dialect] => (name, Some(dialect)),
            _ => {
                let limit = if positional.is_empty() { "at least 1 argument" } else { "at most 2 arguments" };
                return Err(vm.type_error(format!("register_dialect expected {limit}, got {}", positional.len())));
            }
        };
        if name.downcast::<Str>().is_none() {
            return Err(vm.type_error("dialect name must be a string"));
        }
        let dialect = Dialect::make(vm, given, keywords)?;
        dialects(vm).set(vm, name, dialect.into_value())
    }

    /// Delete the name/dialect mapping associated with a string name.
    ///
    ///     csv.unregister_dialect(name)
    #[function("unregister_dialect(name)")]
    fn unregister_dialect(vm: &Vm, name: &Value) -> PyResult<()> {
        match dialects(vm).remove(vm, name)? {
            Some(_) => Ok(()),
            None => Err(Error::error(vm, "unknown dialect")),
        }
    }

    /// Return the dialect instance associated with name.
    ///
    ///     dialect = csv.get_dialect(name)
    #[function("get_dialect(name)")]
    fn get_dialect(vm: &Vm, name: &Value) -> PyResult {
        registered(vm, name)
    }

    /// Sets an upper limit on parsed fields.
    ///
    ///     csv.field_size_limit([limit])
    ///
    /// Returns old limit. If limit is not given, no new limit is set and the old limit is returned.
    #[function("field_size_limit(new_limit=<unrepresentable>)")]
    fn field_size_limit(vm: &Vm, limit: Option<&Value>) -> PyResult<i64> {
        let old = FIELD_LIMIT.load(Ordering::Relaxed);
        if let Some(limit) = limit {
            if !int::is_exact_int(limit) {
                return Err(vm.type_error("limit must be an integer"));
            }
            FIELD_LIMIT.store(int::to_fixed::<i64>(vm, limit, "long")?, Ordering::Relaxed);
        }
        Ok(old)
    }

    /// Return a reader object that will process lines from the given iterable.
    ///
    /// The "iterable" argument can be any object that returns a line of input for each iteration, such as a file
    /// object or a list. The returned object is an iterator. Each iteration returns a row of the CSV file.
    #[function("reader")]
    fn reader(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Reader>> {
        let (source, dialect) = source_and_dialect(vm, "reader", args, names)?;
        Ok(Reader::make(vm.iter(&source)?, dialect))
    }

    /// Return a writer object that will write user data on the given file object.
    ///
    /// The "fileobj" argument can be any object that supports the file API.
    #[function("writer")]
    fn writer(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Writer>> {
        let (target, dialect) = source_and_dialect(vm, "writer", args, names)?;
        let write = vm.get_attribute_optional(&target, &vm.intern("write"))?;
        match write.filter(|write| vm.is_callable(write)) {
            Some(write) => Ok(Writer::make(write, dialect)),
            None => Err(vm.type_error("argument 1 must have a \"write\" method")),
        }
    }
}

native_module! {
    name: "_csv", doc: "CSV parsing and writing.\n",
    functions: [Functions::FUNCTIONS], types: [Dialect, Error],
    execute: |vm, module| {
        Reader::static_type().ready(vm);
        Writer::static_type().ready(vm);
        module.set(vm, "Reader", Reader::static_type().to_value());
        module.set(vm, "Writer", Writer::static_type().to_value());
        module.set(vm, "_dialects", Dict::new());
        for (number, name) in dialect::QUOTING.iter().enumerate() {
            module.set_int(vm, name, number as i64);
        }
        Ok(())
    }
}
