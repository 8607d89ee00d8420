//! Code objects back to the compiler's plain data, for `marshal`: which objects CPython would share between the parts of
//! a code object, and so refer to instead of writing them twice, is known there.

use std::collections::HashMap;
use std::sync::Arc;

use rspy_code::{CodeObject, Constant, Text};

use crate::compile::text_of;
use crate::object::Object;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::complex::Complex;
use crate::types::float;
use crate::types::none::{is_ellipsis, is_none};
use crate::types::set::FrozenSet;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::{bool, int};
use crate::value::Value;

/// How deep constants may be nested.
const DEEPEST: usize = 500;

/// A code object as plain data; nothing where its constants are not such as a compiler makes.
pub fn plain_code(code: &Object<Code>) -> Option<Arc<CodeObject>> {
    Converter::default().code(code, 0)
}

/// A constant as plain data; nothing where no compiler makes such.
pub fn plain_constant(value: &Value) -> Option<Constant> {
    Converter::default().constant(value, 0)
}

/// What was converted, by identity: what is one object stays one.
#[derive(Default)]
struct Converter {
    constants: HashMap<u64, Constant>,
    texts: HashMap<u64, Text>,
}

impl Converter {
    fn code(&mut self, code: &Object<Code>, depth: usize) -> Option<Arc<CodeObject>> {
        let constants = self.all(code.body().constants.items(), depth)?;
        Some(Arc::new(CodeObject {
            arg_count: code.arg_count,
            positional_only_arg_count: code.positional_only_count,
            keyword_only_arg_count: code.keyword_only_count,
            stack_size: code.stack_size,
            flags: code.flags,
            code: code.plain_bytes().as_slice().into(),
            constants: constants.into(),
            names: self.texts(&code.body().names)?,
            locals_plus_names: self.texts(&code.body().variable_names)?,
            locals_plus_kinds: (&*code.body().variable_kinds).into(),
            filename: self.text(&code.filename()),
            name: self.text(&code.name),
            qualified_name: self.text(&code.qualified_name),
            first_line: code.first_line,
            line_table: code.body().line_table.as_slice().into(),
            exception_table: code.body().exception_table.as_slice().into(),
        }))
    }

    fn text(&mut self, text: &Object<Str>) -> Text {
        self.texts.entry(std::ptr::from_ref(text) as u64).or_insert_with(|| text_of(text)).clone()
    }

    fn texts(&mut self, names: &Object<Tuple>) -> Option<Arc<[Text]>> {
        names.items().iter().map(|name| Some(self.text(name.downcast_exact::<Str>()?))).collect()
    }

    fn all(&mut self, items: &[Value], depth: usize) -> Option<Vec<Constant>> {
        items.iter().map(|item| self.constant(item, depth + 1)).collect()
    }

    fn constant(&mut self, value: &Value, depth: usize) -> Option<Constant> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(known) = self.constants.get(&value.bits()) {
            return Some(known.clone());
        }
        let constant = self.new_constant(value, depth)?;
        self.constants.insert(value.bits(), constant.clone());
        Some(constant)
    }

    fn new_constant(&mut self, value: &Value, depth: usize) -> Option<Constant> {
        if is_none(value) {
            return Some(Constant::None);
        }
        if is_ellipsis(value) {
            return Some(Constant::Ellipsis);
        }
        if let Some(truth) = bool::as_bool(value) {
            return Some(Constant::Bool(truth));
        }
        if int::is_exact_int(value) {
            return Some(match int::small_value(value) {
                Some(small) => Constant::Int(small),
                None => Constant::BigInt(Arc::new(int::borrow_big(value)?.into_owned())),
            });
        }
        if value.is_small_float() || value.downcast_exact::<float::Float>().is_some() {
            return float::as_f64(value).map(Constant::Float);
        }
        if let Some(complex) = value.downcast_exact::<Complex>() {
            let (real, imaginary) = complex.parts();
            return Some(Constant::Complex { real, imaginary });
        }
        if let Some(text) = value.downcast_exact::<Str>() {
            return Some(Constant::Str(self.text(text)));
        }
        if let Some(bytes) = value.downcast_exact::<Bytes>() {
            return Some(Constant::Bytes(bytes.as_slice().into()));
        }
        if let Some(tuple) = value.downcast_exact::<Tuple>() {
            return Some(Constant::Tuple(self.all(tuple.items(), depth)?.into()));
        }
        if let Some(set) = value.downcast_exact::<FrozenSet>() {
            return Some(Constant::FrozenSet(self.all(&set.to_vec(), depth)?.into()));
        }
        if let Some(slice) = value.downcast_exact::<Slice>() {
            let parts = [slice.start(), slice.stop(), slice.step()].map(Clone::clone);
            let parts = self.all(&parts, depth)?;
            return Some(Constant::Slice(Arc::new(parts.try_into().ok()?)));
        }
        self.code(value.downcast_exact::<Code>()?, depth).map(Constant::Code)
    }
}
