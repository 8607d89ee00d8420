//! `stderrprinter`: what `sys.stderr` is until the streams are open.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Writes texts to a descriptor as they come.
#[pyclass(name = "stderrprinter", no_new)]
pub struct Printer {
    descriptor: i32,
}

impl Printer {
    /// Writes to a descriptor.
    pub fn new(vm: &Vm, descriptor: i32) -> Ref<Printer> {
        Self::static_type().ready(vm);
        Object::new(Printer { descriptor })
    }
}

#[pymethods]
impl Printer {
    /// Write a text.
    #[method("write(self, text, /)")]
    fn write(&self, text: &Object<Str>) -> usize {
        let bytes = text.to_string_lossy();
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            match crate::host::write(self.descriptor, rest) {
                Ok(0) | Err(_) => break,
                Ok(count) => rest = &rest[count..],
            }
        }
        text.length()
    }

    /// The descriptor.
    #[method("fileno(self, /)")]
    fn fileno(&self) -> i32 {
        self.descriptor
    }

    /// Nothing: nothing is kept back.
    #[method("flush(self, /)")]
    fn flush(&self) {}

    /// Nothing: the descriptor stays open.
    #[method("close(self, /)")]
    fn close(&self) {}

    /// Whether the descriptor is a terminal.
    #[method("isatty(self, /)")]
    fn isatty(&self) -> bool {
        crate::host::is_terminal(self.descriptor)
    }

    /// the encoding of the texts
    #[getter("encoding")]
    fn encoding(&self) -> Option<Value> {
        None
    }

    /// whether it is closed
    #[getter("closed")]
    fn closed(&self) -> bool {
        false
    }

    /// how it is open
    #[getter("mode")]
    fn mode(&self, vm: &Vm) -> PyResult {
        Ok(vm.new_str("w"))
    }
}
