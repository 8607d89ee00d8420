//! Hands what a reader tells of a document on to a parser's target.

use rspy_runtime::exceptions::hierarchy::RuntimeWarning;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings::warn;

use super::builder::{Told, TreeBuilder};
use super::parser::{Method, XmlParser, parse_error};
use crate::expat::event::{Event, ExternalEntity, Place, Sink};
use crate::expat::problem::{Problem, Step};
use crate::expat::reader::Reader;

/// Who is told while a parser reads.
pub(super) struct Listener<'a> {
    vm: &'a Vm,
    parser: &'a Object<XmlParser>,
    /// The target, where it is told without calls of Python functions.
    builder: Option<&'a Object<TreeBuilder>>,
    place: Place,
    /// What the target has raised. Reading goes on, as in CPython, but nobody is told any more.
    pub(super) raised: Option<Exception>,
}

impl<'a> Listener<'a> {
    /// Tells the target of a parser.
    pub(super) fn new(vm: &'a Vm, parser: &'a Object<XmlParser>, target: &'a Value) -> Listener<'a> {
        let builder = target.downcast_exact::<TreeBuilder>();
        Listener { vm, parser, builder, place: Place::START, raised: None }
    }

    fn text(&self, text: &str) -> Value {
        self.vm.new_str(text)
    }

    /// Calls a method of the target, if it has it.
    fn call<const N: usize>(&self, method: Method, arguments: impl FnOnce() -> [Value; N]) -> PyResult<()> {
        match self.parser.method(method) {
            Some(function) => self.vm.call(&function, &arguments()).map(drop),
            None => Ok(()),
        }
    }

    fn start(&self, name: &str, attributes: &[(String, String)]) -> PyResult<()> {
        let tag = self.parser.name(name);
        let dict = if attributes.is_empty() { None } else { Some(Dict::new()) };
        if let Some(dict) = &dict {
            for (name, value) in attributes {
                dict.set(self.vm, &self.parser.name(name), self.text(value))?;
            }
        }
        let dict = dict.map(|dict| dict.into_value());
        match self.builder {
            Some(builder) => builder.begin(self.vm, &tag, dict).map(drop),
            None => self.call(Method::Start, || [tag, dict.unwrap_or_else(|| Dict::new().into_value())]),
        }
    }

    fn end(&self, name: &str) -> PyResult<()> {
        match self.builder {
            Some(builder) => builder.finish(self.vm).map(drop),
            None => self.call(Method::End, || [self.parser.name(name)]),
        }
    }

    fn data(&self, data: Value) -> PyResult<()> {
        match self.builder {
            Some(builder) => builder.add_text(data),
            None => self.call(Method::Data, || [data])?,
        }
        Ok(())
    }

    fn comment(&self, text: &str) -> PyResult<()> {
        match self.builder {
            Some(builder) => builder.add_comment(self.vm, &self.text(text)).map(drop),
            None => self.call(Method::Comment, || [self.text(text)]),
        }
    }

    fn instruction(&self, target: &str, data: &str) -> PyResult<()> {
        let arguments = || [self.text(target), self.text(data)];
        let Some(builder) = self.builder else { return self.call(Method::Instruction, arguments) };
        if !builder.wants(Told::Instruction) && !builder.inserts_instructions() {
            return Ok(());
        }
        let [target, data] = arguments();
        builder.add_instruction(self.vm, &target, &data).map(drop)
    }

    fn start_namespace(&self, prefix: Option<&str>, uri: Option<&str>) -> PyResult<()> {
        let arguments = || [self.text(prefix.unwrap_or("")), self.text(uri.unwrap_or(""))];
        let Some(builder) = self.builder else { return self.call(Method::StartNamespace, arguments) };
        builder.tell(self.vm, Told::StartNamespace, || Tuple::from_values(arguments()).into_value())
    }

    fn end_namespace(&self, prefix: Option<&str>) -> PyResult<()> {
        match self.builder {
            Some(builder) => builder.tell(self.vm, Told::EndNamespace, none),
            None => self.call(Method::EndNamespace, || [self.text(prefix.unwrap_or(""))]),
        }
    }

    fn doctype(&self, name: &str, system: Option<&str>, public: Option<&str>) -> PyResult<()> {
        let optional = |text: Option<&str>| text.map_or_else(none, |text| self.parser.name(text));
        if self.parser.method(Method::Doctype).is_some() {
            let arguments = || [self.parser.name(name), optional(public), optional(system)];
            return self.call(Method::Doctype, arguments);
        }
        let (vm, parser) = (self.vm, self.parser.as_value());
        if vm.get_attribute_optional(&parser, &vm.intern("doctype"))?.is_some() {
            let message = "The doctype() method of XMLParser is ignored.  \
                           Define doctype() method on the TreeBuilder target.";
            warn(vm, RuntimeWarning::static_type(), message, 1)?;
        }
        Ok(())
    }

    /// A reference to an entity that the document does not declare.
    fn reference(&self, reference: &str) -> PyResult<()> {
        let name = reference[1..].strip_suffix(';').unwrap_or(&reference[1..]);
        match self.parser.entity(self.vm, name)? {
            Some(value) => self.data(value),
            None => {
                let shown: String = reference.chars().take(100).collect();
                let text = format!("undefined entity {shown}");
                Err(parse_error(self.vm, Problem::UndefinedEntity as usize, self.place, &text))
            }
        }
    }

    fn told(&self, event: &Event<'_>, text: &str) -> PyResult<()> {
        match *event {
            Event::StartElement { name, attributes, .. } => self.start(name, attributes),
            Event::EndElement { name } => self.end(name),
            Event::Characters(data) => self.data(self.text(data)),
            Event::Comment(text) => self.comment(text),
            Event::Instruction { target, data } => self.instruction(target, data),
            Event::StartNamespace { prefix, uri } => self.start_namespace(prefix, uri),
            Event::EndNamespace { prefix } => self.end_namespace(prefix),
            Event::StartDoctype { name, system, public, .. } => self.doctype(name, system, public),
            _ if text.len() > 1 && text.starts_with('&') => self.reference(text),
            _ => Ok(()),
        }
    }
}

impl Sink for Listener<'_> {
    fn event(&mut self, event: Event<'_>, text: &str) -> Step {
        if self.raised.is_none()
            && let Err(error) = self.told(&event, text)
        {
            self.raised = Some(error);
        }
        Ok(())
    }

    fn external(&mut self, _: &ExternalEntity<'_>, _: &Reader) -> Step<Option<bool>> {
        Ok(None)
    }

    fn may_depend(&mut self) -> Step<bool> {
        Ok(true)
    }

    fn expands_entities(&self) -> bool {
        true
    }

    fn at(&mut self, place: Place) {
        self.place = place;
    }
}
