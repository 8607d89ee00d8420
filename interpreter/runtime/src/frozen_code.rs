//! The executable's own code, read piece by piece: of a module's functions most never run.
//!
//! A module's code is marshal data with an outline. Code objects are made with the little that a `def` needs, and know where
//! their bodies lie; those are read when the code is called or looked into (`types/code.rs`).

use std::borrow::Cow;
use std::rc::Rc;

use rspy_code::marshal::{Outline, Pieces, ReadError};

use crate::allocations;
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::marshal::{Failure, ValueBuilder};
use crate::object::Ref;
use crate::types::bytes::Bytes;
use crate::types::code::shown_line_table;
use crate::types::code_body::Body;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Marshalled code and its outline. What the executable carries was checked and is our own compiler's work.
pub struct OutlinedCode {
    /// What `marshal` writes.
    pub bytes: Cow<'static, [u8]>,
    /// Where things lie in the bytes.
    pub outline: Outline,
}

impl OutlinedCode {
    /// Makes the outline of marshalled code.
    ///
    /// # Errors
    /// Where the bytes are no such code.
    pub fn new(bytes: Cow<'static, [u8]>) -> Result<OutlinedCode, ReadError> {
        let outline = Outline::of(&bytes)?;
        Ok(OutlinedCode { bytes, outline })
    }
}

/// A module's code while there are code objects whose bodies have not been read.
pub(crate) struct FrozenCode {
    code: OutlinedCode,
    /// The name that all code objects get instead of their own.
    pub filename: Ref<Str>,
    /// What was read of the values that other values refer to. No code objects are among them, so that nothing here keeps what
    /// keeps this.
    values: GilCell<Vec<Option<Value>>>,
}

/// Where the body of a code object is to be read from.
pub struct BodySource {
    module: Rc<FrozenCode>,
    number: u32,
}

/// The code object of a frozen module, whose file name is known only now.
///
/// # Errors
/// As for [`marshal::load`](crate::marshal::load).
pub fn load(vm: &Vm, code: OutlinedCode, filename: &str) -> PyResult {
    let module = Rc::new(FrozenCode { code, filename: vm.intern(filename), values: GilCell::default() });
    let mut builder = ValueBuilder { vm, frozen: Some(&module) };
    let mut values = module.values.borrow_mut();
    let read = module.pieces(&mut values).read(&mut builder);
    read.map_err(|failure| failure.into_exception(vm))
}

impl FrozenCode {
    fn pieces<'a>(&'a self, values: &'a mut Vec<Option<Value>>) -> Pieces<'a, Value> {
        Pieces { bytes: &self.code.bytes, outline: &self.code.outline, references: values }
    }
}

impl BodySource {
    /// The body of a module's code object with a number in the outline.
    pub(crate) fn new(module: &Rc<FrozenCode>, number: usize) -> BodySource {
        BodySource { module: module.clone(), number: number as u32 }
    }

    /// Reads the body; nothing where the bytes have something else in its place.
    pub(crate) fn read(&self) -> Option<Body> {
        // In CPython functions have all of their code from the beginning.
        allocations::hidden(|| Vm::with_current(|vm| self.read_in(vm).ok()))
    }

    fn read_in(&self, vm: &Vm) -> Result<Body, Failure> {
        let mut builder = ValueBuilder { vm, frozen: Some(&self.module) };
        let mut values = self.module.values.borrow_mut();
        let body = self.module.pieces(&mut values).read_body(self.number as usize, &mut builder)?;
        let code: Ref<Bytes> = builder.part(body.code, "the bytecode")?;
        let kinds: Ref<Bytes> = builder.part(body.locals_plus_kinds, "the kinds")?;
        let variable_names = builder.tuple_of_names(body.locals_plus_names, "a variable name")?;
        if kinds.as_slice().len() != variable_names.items().len() {
            return Err(builder.bad("the kinds"));
        }
        Ok(Body::new(
            code.as_slice(),
            builder.part(body.constants, "the constants")?,
            builder.tuple_of_names(body.names, "a name")?,
            variable_names,
            kinds.as_slice().into(),
            shown_line_table(vm, builder.part(body.line_table, "the line table")?),
            builder.part(body.exception_table, "the exception table")?,
        ))
    }
}
