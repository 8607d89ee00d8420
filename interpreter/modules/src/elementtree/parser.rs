//! `XMLParser`: reads a document and tells a target, most of the time a [`TreeBuilder`].

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::builder::{EVENTS, Queue, Told, TreeBuilder};
use super::listener::Listener;
use super::names::{Names, SEPARATOR};
use crate::expat::VERSION;
use crate::expat::event::Place;
use crate::expat::input::{Input, Text};
use crate::expat::problem::{ERRORS, Problem, Stop};
use crate::expat::reader::Reader;

/// How much `_parse_whole` reads at a time.
const FILE_PIECE: i32 = 64 << 10;

/// The methods of a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    StartNamespace,
    EndNamespace,
    Start,
    Data,
    End,
    Comment,
    Instruction,
    Close,
    Doctype,
}

const METHODS: [&str; 9] =
    ["start_ns", "end_ns", "start", "data", "end", "comment", "pi", "close", "doctype"];

// Without documentation, as in CPython.
#[pyclass(name = "XMLParser", module = "xml.etree.ElementTree", tracked, subclassable)]
pub(super) struct XmlParser {
    target: GilCell<Option<Value>>,
    entities: GilCell<Option<Value>>,
    /// What the target has, by [`Method`].
    methods: GilCell<Vec<Option<Value>>>,
    /// Taken out while it reads.
    #[untraced]
    reader: GilCell<Option<Box<Reader>>>,
    #[untraced]
    input: GilCell<Input>,
    /// Strings alone, which lead nowhere.
    #[untraced]
    names: GilCell<Names>,
}

impl XmlParser {
    /// The target's method, if there is one.
    pub(super) fn method(&self, method: Method) -> Option<Value> {
        self.methods.borrow().get(method as usize).cloned().flatten()
    }

    /// The string of a name.
    pub(super) fn name(&self, raw: &str) -> Value {
        self.names.borrow_mut().get(raw)
    }

    /// What the document's entities stand for beside those that it declares.
    pub(super) fn entity(&self, vm: &Vm, name: &str) -> PyResult<Option<Value>> {
        match self.entities.get().as_ref().and_then(|entities| entities.downcast::<Dict>()) {
            Some(entities) => entities.get(vm, &vm.new_str(name)),
            None => Ok(None),
        }
    }

    fn check_initialized(&self, vm: &Vm) -> PyResult {
        self.target.get().ok_or_else(|| vm.value_error("XMLParser.__init__() wasn't called"))
    }

    /// Reads on.
    fn read(this: &Object<XmlParser>, vm: &Vm, target: &Value, text: Text, is_final: bool) -> PyResult<()> {
        let Some(mut reader) = this.reader.take() else {
            return Err(vm.runtime_error("the parser is already parsing"));
        };
        let mut listener = Listener::new(vm, this, target);
        let outcome = reader.feed_input(&this.input, text, is_final, &mut listener);
        let raised = listener.raised;
        this.reader.set(Some(reader));
        match (raised, outcome) {
            (Some(error), _) | (None, Err((Stop::Raised(error), _))) => Err(error),
            (None, Err((Stop::Wrong(problem, _), place))) => {
                let code = problem as usize;
                let text = ERRORS.get(code.wrapping_sub(1)).map_or("", |(_, text)| text);
                Err(parse_error(vm, code, place, text))
            }
            (None, Ok(()) | Err((Stop::More, _))) => Ok(()),
        }
    }

    /// Reads text, whose encoding is none of the document's business; with lone surrogates it is no document.
    fn read_text(this: &Object<XmlParser>, vm: &Vm, target: &Value, text: &Object<Str>) -> PyResult<()> {
        match text.as_utf8() {
            Some(text) => {
                let text = this.input.borrow_mut().take_text(&text);
                Self::read(this, vm, target, text, false)
            }
            None => Self::read_bytes(this, vm, target, &text.to_wtf8(), false),
        }
    }

    fn read_bytes(
        this: &Object<XmlParser>,
        vm: &Vm,
        target: &Value,
        bytes: &[u8],
        is_final: bool,
    ) -> PyResult<()> {
        // While it reads, or when anything was wrong, the bytes do not matter.
        if this.reader.borrow().as_ref().is_none_or(|reader| reader.has_failed()) {
            return Self::read(this, vm, target, Text::default(), is_final);
        }
        let mut input = this.input.take();
        let text = input.take(vm, bytes, is_final);
        this.input.set(input);
        if let (Err(_), Some(reader)) = (&text, &mut *this.reader.borrow_mut()) {
            reader.fail(Problem::UnknownEncoding);
        }
        Self::read(this, vm, target, text?, is_final)
    }
}

/// A `ParseError` with its attributes.
#[cold]
pub(super) fn parse_error(vm: &Vm, code: usize, place: Place, text: &str) -> Exception {
    let Place { line, column, .. } = place;
    let make = || {
        let class = State::of(vm).parse_error.get().unwrap_or_else(none);
        let error = vm.call(&class, &[vm.new_str(&format!("{text}: line {line}, column {column}"))])?;
        vm.set_attribute_str(&error, "code", &int::new(code as i64))?;
        let position = Tuple::from_values([line, column].map(|number| int::new(number as i64)));
        vm.set_attribute_str(&error, "position", position.value())?;
        Ok(error)
    };
    match make() {
        Ok(error) => vm.raised(error),
        Err(failure) => failure,
    }
}

#[pymethods]
impl XmlParser {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let parser = XmlParser {
            target: GilCell::default(),
            entities: GilCell::default(),
            methods: GilCell::default(),
            reader: GilCell::default(),
            input: GilCell::default(),
            names: GilCell::default(),
        };
        Ok(Object::with_type(cls, parser).into_value())
    }

    #[init("XMLParser(*, target=None, encoding=None)")]
    fn init(&self, vm: &Vm, target: Option<&Value>, encoding: Option<&Value>) -> PyResult<()> {
        let encoding = match encoding.map(|encoding| encoding.downcast::<Str>().ok_or(encoding)) {
            None => None,
            Some(Ok(text)) => Some(text.to_utf8(vm)?.into_owned()),
            Some(Err(other)) => {
                let name = other.type_of().full_name();
                let message = format!("XMLParser() argument 'encoding' must be str or None, not {name}");
                return Err(vm.type_error(message));
            }
        };
        if encoding.as_ref().is_some_and(|encoding| encoding.contains('\0')) {
            return Err(vm.value_error("embedded null character"));
        }
        self.entities.set(Some(Dict::new().into_value()));
        self.names.set(Names::default());
        self.input.set(Input::with_encoding(encoding));
        self.reader.set(Some(Box::new(Reader::new(Some(SEPARATOR.to_owned())))));
        let target = target.cloned().unwrap_or_else(|| Object::new(TreeBuilder::empty()).into_value());
        self.target.set(Some(target.clone()));
        let methods: PyResult<Vec<_>> =
            METHODS.iter().map(|name| vm.get_attribute_optional(&target, &vm.intern(name))).collect();
        self.methods.set(methods?);
        Ok(())
    }

    #[method("feed(self, data, /)")]
    fn feed(this: &Object<XmlParser>, vm: &Vm, data: &Value) -> PyResult<()> {
        let target = this.check_initialized(vm)?;
        if let Some(text) = data.downcast::<Str>() {
            text.to_utf8(vm)?;
            return Self::read_text(this, vm, &target, text);
        }
        let view = buffer::view(vm, data)?;
        Self::read_bytes(this, vm, &target, view.as_slice(), false)
    }

    #[method("flush(self, /)")]
    fn flush(this: &Object<XmlParser>, vm: &Vm) -> PyResult<()> {
        let target = this.check_initialized(vm)?;
        let defers = |defers: bool| {
            if let Some(reader) = &mut *this.reader.borrow_mut() {
                reader.defers = defers;
            }
        };
        defers(false);
        let outcome = Self::read(this, vm, &target, Text::default(), false);
        defers(true);
        outcome
    }

    #[method("close(self, /)")]
    fn close(this: &Object<XmlParser>, vm: &Vm) -> PyResult {
        let target = this.check_initialized(vm)?;
        Self::read_bytes(this, vm, &target, b"", true)?;
        match (target.downcast_exact::<TreeBuilder>(), this.method(Method::Close)) {
            (Some(builder), _) => Ok(builder.tree()),
            (None, Some(close)) => vm.call(&close, &[]),
            (None, None) => Ok(none()),
        }
    }

    #[method("_parse_whole(self, file, /)")]
    fn parse_whole(this: &Object<XmlParser>, vm: &Vm, file: &Value) -> PyResult {
        let target = this.check_initialized(vm)?;
        let read = vm.get_attribute(file, &names::read)?;
        loop {
            let piece = vm.call(&read, &[Value::int(FILE_PIECE)])?;
            if let Some(bytes) = piece.downcast_exact::<Bytes>() {
                if bytes.as_slice().is_empty() {
                    break;
                }
                Self::read_bytes(this, vm, &target, bytes.as_slice(), false)?;
            } else {
                match piece.downcast_exact::<Str>() {
                    Some(text) if text.length() > 0 => Self::read_text(this, vm, &target, text)?,
                    _ => break,
                }
            }
        }
        Self::read_bytes(this, vm, &target, b"", true)?;
        Ok(target.downcast_exact::<TreeBuilder>().map_or_else(none, |builder| builder.tree()))
    }

    #[method("_setevents(self, events_queue, events_to_report=None, /)")]
    fn set_events(&self, vm: &Vm, events_queue: &Value, events_to_report: Option<&Value>) -> PyResult<()> {
        let target = self.check_initialized(vm)?;
        let Some(builder) = target.downcast_exact::<TreeBuilder>() else {
            return Err(vm.type_error("event handling only supported for ElementTree.TreeBuilder targets"));
        };
        let append = Some(vm.get_attribute(events_queue, &names::append)?);
        let mut queue = Queue { append, wanted: vec![None; EVENTS.len()] };
        let Some(events) = events_to_report.filter(|events| !is_none(events)) else {
            queue.wanted[Told::End as usize] = Some(vm.new_str("end"));
            drop(builder.queue().replace(queue));
            return Ok(());
        };
        let wanted = vm.collect_or(events, || vm.type_error("events must be a sequence"));
        let outcome = wanted.and_then(|wanted| wanted.iter().try_for_each(|event| queue.want(vm, event)));
        drop(builder.queue().replace(queue));
        outcome
    }

    #[getter("entity", member)]
    fn get_entity(&self) -> Option<Value> {
        self.entities.get()
    }

    #[getter("target", member)]
    fn get_target(&self) -> Option<Value> {
        self.target.get()
    }

    #[getter("version")]
    fn version(&self) -> String {
        let (major, minor, micro) = VERSION;
        format!("Expat {major}.{minor}.{micro}")
    }
}

impl Queue {
    /// Has an event told, by name.
    fn want(&mut self, vm: &Vm, event: &Value) -> PyResult<()> {
        let name = match (event.downcast::<Str>(), event.downcast::<Bytes>()) {
            (Some(text), _) => text.as_utf8().map(std::borrow::Cow::into_owned),
            (None, Some(bytes)) => Some(String::from_utf8_lossy(bytes.as_slice()).into_owned()),
            (None, None) => None,
        };
        let Some(name) = name else { return Err(vm.value_error("invalid events sequence")) };
        match EVENTS.iter().position(|known| *known == name) {
            Some(number) => {
                self.wanted[number] = Some(event.clone());
                Ok(())
            }
            None => Err(vm.value_error(format!("unknown event '{name}'"))),
        }
    }
}
