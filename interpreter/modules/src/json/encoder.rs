//! `_json.Encoder`: from Python objects to JSON.

use std::cmp::Ordering;
use std::fmt::Write;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::format::float::{ShortText, repr_text};
use rspy_runtime::types::bool::as_bool;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::native_function::NativeFunction;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::text::{Escapes, push_quoted};

/// Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)
#[pyclass(name = "Encoder", module = "_json", tracked)]
pub struct Encoder {
    markers: Value,
    default: Value,
    encoder: Value,
    /// How strings are written, where the encoder is a function of this module.
    #[untraced]
    escapes: Option<Escapes>,
    indent: Value,
    key_separator: Value,
    item_separator: Value,
    sorts: bool,
    skips: bool,
    allow_nan: bool,
}

#[pymethods]
impl Encoder {
    #[new("make_encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        markers: &Value,
        default: &Value,
        encoder: &Value,
        indent: &Value,
        key_separator: &Object<Str>,
        item_separator: &Object<Str>,
        sort_keys: &Value,
        skipkeys: &Value,
        allow_nan: bool,
    ) -> PyResult {
        if !is_none(markers) && markers.downcast::<Dict>().is_none() {
            return Err(vm.type_error(format!(
                "make_encoder() argument 1 must be dict or None, not {}",
                markers.type_of().full_name()
            )));
        }
        let encoder_object = Encoder {
            markers: markers.clone(),
            default: default.clone(),
            encoder: encoder.clone(),
            escapes: own_function(encoder),
            indent: indent.clone(),
            key_separator: key_separator.to_value(),
            item_separator: item_separator.to_value(),
            sorts: vm.is_true(sort_keys)?,
            skips: vm.is_true(skipkeys)?,
            allow_nan,
        };
        Ok(Object::with_type(cls, encoder_object).into_value())
    }

    /// markers
    #[getter("markers", member)]
    fn markers(&self) -> Value {
        self.markers.clone()
    }

    /// default
    #[getter("default", member)]
    fn default(&self) -> Value {
        self.default.clone()
    }

    /// encoder
    #[getter("encoder", member)]
    fn encoder(&self) -> Value {
        self.encoder.clone()
    }

    /// indent
    #[getter("indent", member)]
    fn indent(&self) -> Value {
        self.indent.clone()
    }

    /// key_separator
    #[getter("key_separator", member)]
    fn key_separator(&self) -> Value {
        self.key_separator.clone()
    }

    /// item_separator
    #[getter("item_separator", member)]
    fn item_separator(&self) -> Value {
        self.item_separator.clone()
    }

    /// sort_keys
    #[getter("sort_keys", member)]
    fn sort_keys(&self) -> bool {
        self.sorts
    }

    /// skipkeys
    #[getter("skipkeys", member)]
    fn skipkeys(&self) -> bool {
        self.skips
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = rspy_runtime::arguments::bind(vm, &PARAMETERS, args, names)?;
        let [Some(object), Some(level)] = bound.simple else {
            return Err(vm.type_error("_iterencode() missing required argument 'obj' (pos 1)"));
        };
        let level = vm.index_size(level, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        let mut writer = Writer { vm, encoder: self, out: StrBuilder::new() };
        writer.value(object, level.max(0) as usize)?;
        Ok(Tuple::from_values([writer.out.finish().into_value()]).into_value())
    }
}

static PARAMETERS: rspy_runtime::arguments::Parameters<2> = rspy_runtime::arguments::Parameters {
    function: "_iterencode",
    names: ["obj", "_current_indent_level"],
    required: [true, true],
    interned: rspy_runtime::arguments::InternedNames::NONE,
    positional_only: 0,
    positional: 2,
    rest: false,
    keywords: false,
};

/// How a function of this module writes strings, if it is one.
fn own_function(function: &Value) -> Option<Escapes> {
    // No other native functions have these names.
    match function.downcast::<NativeFunction>()?.definition().name {
        "encode_basestring_ascii" => Some(Escapes::NonAscii),
        "encode_basestring" => Some(Escapes::Needed),
        _ => None,
    }
}

/// Pairs in the order of their keys, where all of these are texts. No two are the same, so values are not compared.
fn sorted_by_text(mut pairs: Vec<(Value, Value)>) -> Option<Vec<(Value, Value)>> {
    if !pairs.iter().all(|(key, _)| key.downcast_exact::<Str>().is_some()) {
        return None;
    }
    pairs.sort_by(|(left, _), (right, _)| match (left.downcast::<Str>(), right.downcast::<Str>()) {
        (Some(left), Some(right)) => left.order(right),
        _ => Ordering::Equal,
    });
    Some(pairs)
}

/// A text being written.
struct Writer<'a> {
    vm: &'a Vm,
    encoder: &'a Encoder,
    out: StrBuilder,
}

impl Writer<'_> {
    fn push(&mut self, text: &Value) {
        if let Some(text) = text.downcast::<Str>() {
            self.out.push_object(text);
        }
    }

    fn value(&mut self, object: &Value, level: usize) -> PyResult<()> {
        let vm = self.vm;
        if is_none(object) {
            self.out.push_str("null");
        } else if let Some(truth) = as_bool(object) {
            self.out.push_str(if truth { "true" } else { "false" });
        } else if let Some(text) = object.downcast::<Str>() {
            self.string(text)?;
        } else if let Some(number) = object.small_int() {
            // Writing to the text cannot fail.
            drop(write!(self.out, "{number}"));
        } else if int::is_int(object) {
            let text = vm.repr(&int::to_exact(object))?;
            self.out.push_object(&text);
        } else if let Some(number) = float::as_f64(object) {
            let text = self.float(number)?;
            self.out.push_str(text.as_str());
        } else if object.downcast::<List>().is_some() || object.downcast::<Tuple>().is_some() {
            vm.check_stack(" while encoding a JSON object")?;
            self.list(object, level)?;
        } else if object.downcast::<Dict>().is_some() {
            vm.check_stack(" while encoding a JSON object")?;
            self.dict(object, level)?;
        } else {
            let mark = self.mark(object)?;
            let replaced = vm.call(&self.encoder.default, std::slice::from_ref(object))?;
            vm.check_stack(" while encoding a JSON object")?;
            if let Err(error) = self.value(&replaced, level) {
                error.add_note(vm, &format!("when serializing {} object", object.type_of().full_name()));
                return Err(error);
            }
            self.unmark(mark)?;
        }
        Ok(())
    }

    fn string(&mut self, text: &Object<Str>) -> PyResult<()> {
        if let Some(escapes) = self.encoder.escapes {
            push_quoted(&mut self.out, text, escapes);
            return Ok(());
        }
        let encoded = self.vm.call(&self.encoder.encoder, &[text.to_value()])?;
        if encoded.downcast::<Str>().is_none() {
            return Err(self.vm.type_error(format!(
                "encoder() must return a string, not {}",
                encoded.type_of().full_name()
            )));
        }
        self.push(&encoded);
        Ok(())
    }

    fn float(&self, number: f64) -> PyResult<ShortText> {
        let shown = repr_text(number);
        if number.is_finite() {
            return Ok(shown);
        }
        if !self.encoder.allow_nan {
            let shown = shown.as_str();
            return Err(self
                .vm
                .value_error(format!("Out of range float values are not JSON compliant: {shown}")));
        }
        Ok(ShortText::of(match number {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        }))
    }

    /// Remembers an object being written, to find those that contain themselves.
    fn mark(&self, object: &Value) -> PyResult<Option<Value>> {
        let Some(markers) = self.encoder.markers.downcast::<Dict>() else { return Ok(None) };
        let key = int::from_i128(i128::from(object.id()));
        let before = markers.len();
        markers.get_or_set(self.vm, &key, object.clone())?;
        if markers.len() == before {
            return Err(self.vm.value_error("Circular reference detected"));
        }
        Ok(Some(key))
    }

    fn unmark(&self, mark: Option<Value>) -> PyResult<()> {
        if let (Some(key), Some(markers)) = (mark, self.encoder.markers.downcast::<Dict>()) {
            drop(markers.remove(self.vm, &key)?);
        }
        Ok(())
    }

    /// A new line with the indentation of a level, where there is one.
    fn new_line(&mut self, level: usize) {
        let encoder = self.encoder;
        if let Some(indent) = encoder.indent.downcast::<Str>() {
            self.out.push('\n' as u32);
            for _ in 0..level {
                self.out.push_object(indent);
            }
        }
    }

    fn list(&mut self, object: &Value, level: usize) -> PyResult<()> {
        // A list may change while its items are encoded.
        let items = match object.downcast::<List>() {
            Some(list) => list.to_ref(),
            None => List::from_vec(self.vm.collect(object)?),
        };
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        let mark = self.mark(object)?;
        self.out.push('[' as u32);
        self.new_line(level + 1);
        let mut index = 0;
        while let Some(item) = items.get(index) {
            if index > 0 {
                let encoder = self.encoder;
                self.push(&encoder.item_separator);
                self.new_line(level + 1);
            }
            if let Err(error) = self.value(&item, level + 1) {
                error.add_note(
                    self.vm,
                    &format!("when serializing {} item {index}", object.type_of().full_name()),
                );
                return Err(error);
            }
            index += 1;
        }
        self.unmark(mark)?;
        self.new_line(level);
        self.out.push(']' as u32);
        Ok(())
    }

    fn dict(&mut self, object: &Value, level: usize) -> PyResult<()> {
        let Some(dict) = object.downcast::<Dict>() else { return Ok(()) };
        if dict.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let mark = self.mark(object)?;
        self.out.push('{' as u32);
        let mut first = true;
        if object.downcast_exact::<Dict>().is_some() && !self.encoder.sorts {
            let mut position = 0;
            while let Some((next, key, value)) = dict.next_entry(position) {
                position = next;
                self.entry(object, &key, &value, level + 1, &mut first)?;
            }
        } else {
            for (key, value) in self.pairs(object)? {
                self.entry(object, &key, &value, level + 1, &mut first)?;
            }
        }
        self.unmark(mark)?;
        if !first {
            self.new_line(level);
        }
        self.out.push('}' as u32);
        Ok(())
    }

    /// Writes an entry of a dict, unless its key is left out.
    fn entry(
        &mut self,
        object: &Value,
        key: &Value,
        value: &Value,
        level: usize,
        first: &mut bool,
    ) -> PyResult<()> {
        let vm = self.vm;
        let encoder = self.encoder;
        let Some(text) = self.key(key)? else { return Ok(()) };
        if !std::mem::take(first) {
            self.push(&encoder.item_separator);
        }
        self.new_line(level);
        if let Some(text) = text.downcast::<Str>() {
            self.string(text)?;
        }
        self.push(&encoder.key_separator);
        if let Err(error) = self.value(value, level) {
            let shown = vm.repr(key)?;
            let class = object.type_of().full_name();
            error.add_note(vm, &format!("when serializing {class} item {}", shown.to_string_lossy()));
            return Err(error);
        }
        Ok(())
    }

    /// Keys and values in the order in which they are written.
    fn pairs(&self, object: &Value) -> PyResult<Vec<(Value, Value)>> {
        let vm = self.vm;
        if self.encoder.sorts
            && let Some(pairs) = object.downcast_exact::<Dict>().and_then(|dict| sorted_by_text(dict.pairs()))
        {
            return Ok(pairs);
        }
        let items = vm.call_method_str(object, "items", &[])?;
        let items = List::from_vec(vm.collect(&items)?);
        if self.encoder.sorts {
            vm.call_method_str(items.value(), "sort", &[])?;
        }
        items
            .to_vec()
            .iter()
            .map(|item| match item.downcast::<Tuple>().map(|pair| pair.items()) {
                Some([key, value]) => Ok((key.clone(), value.clone())),
                _ => Err(vm.value_error("items must return 2-tuples")),
            })
            .collect()
    }

    /// A key as a string; nothing if it is left out.
    fn key(&self, key: &Value) -> PyResult<Option<Value>> {
        let vm = self.vm;
        if key.downcast::<Str>().is_some() {
            return Ok(Some(key.clone()));
        }
        let text = if is_none(key) {
            "null".to_owned()
        } else if let Some(truth) = as_bool(key) {
            if truth { "true" } else { "false" }.to_owned()
        } else if let Some(number) = float::as_f64(key) {
            self.float(number)?.as_str().to_owned()
        } else if int::is_int(key) {
            vm.repr(&int::to_exact(key))?.to_string_lossy().into_owned()
        } else if self.encoder.skips {
            return Ok(None);
        } else {
            return Err(vm.type_error(format!(
                "keys must be str, int, float, bool or None, not {}",
                key.type_of().full_name()
            )));
        };
        Ok(Some(vm.new_str(&text)))
    }
}
