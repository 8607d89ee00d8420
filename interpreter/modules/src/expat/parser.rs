//! `xmlparser`: hands what a reader finds on to Python functions.

use std::cell::Cell;

use num_traits::Signed;
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::event::{Event, ExternalEntity, Model, Place, Sink};
use super::expat_error;
use super::input::{Input, Text};
use super::problem::{Step, Stop};
use super::reader::Reader;

/// How much `ParseFile` reads at a time.
const FILE_PIECE: i32 = 2048;
const USUAL_BUFFER: usize = 8192;

/// Declares the type's methods: an attribute for each handler, and the rest.
macro_rules! parser_methods {
    ({ $($handler:ident $name:tt $get:ident $set:ident;)* } $($rest:tt)*) => {
        /// The functions that can be told of something.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Handler { $($handler,)* }

        const HANDLERS: usize = [$($name),*].len();

        #[pymethods]
        impl XmlParser {
            $(
                #[getter($name)]
                fn $get(&self) -> Option<Value> {
                    self.handler(Handler::$handler)
                }

                #[setter($name)]
                fn $set(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                    self.set_handler(vm, Handler::$handler, value)
                }
            )*

            $($rest)*
        }
    };
}

/// XML parser
#[pyclass(name = "xmlparser", module = "pyexpat", tracked, no_new)]
pub struct XmlParser {
    handlers: GilCell<Vec<Option<Value>>>,
    intern: GilCell<Option<Value>>,
    /// Taken out while it reads.
    #[untraced]
    reader: GilCell<Option<Box<Reader>>>,
    /// How to read the external entity that a handler is being told of.
    #[untraced]
    seed: GilCell<Option<Box<Reader>>>,
    #[untraced]
    input: GilCell<Input>,
    base: GilCell<Option<Value>>,
    #[untraced]
    place: Cell<Place>,
    #[untraced]
    error: Cell<(usize, Place)>,
    #[untraced]
    begun: Cell<bool>,
    #[untraced]
    buffers: Cell<bool>,
    #[untraced]
    buffer: GilCell<String>,
    #[untraced]
    buffer_size: Cell<usize>,
    #[untraced]
    ordered: Cell<bool>,
    #[untraced]
    specified: Cell<bool>,
    #[untraced]
    prefixes: Cell<bool>,
    #[untraced]
    expands: Cell<bool>,
}

impl XmlParser {
    /// A parser of a document.
    pub fn create(encoding: Option<String>, separator: Option<String>, intern: Option<Value>) -> Value {
        let parser = Self::around(Reader::new(separator), encoding);
        parser.intern.set(intern);
        parser.into_value()
    }

    fn around(reader: Reader, encoding: Option<String>) -> Ref<XmlParser> {
        let input = Input::with_encoding(encoding);
        Object::new(XmlParser {
            handlers: GilCell::new(vec![None; HANDLERS]),
            intern: GilCell::default(),
            reader: GilCell::new(Some(Box::new(reader))),
            seed: GilCell::default(),
            input: GilCell::new(input),
            base: GilCell::default(),
            place: Cell::new(Place::START),
            error: Cell::new((0, Place::START)),
            begun: Cell::new(false),
            buffers: Cell::new(false),
            buffer: GilCell::default(),
            buffer_size: Cell::new(USUAL_BUFFER),
            ordered: Cell::new(false),
            specified: Cell::new(false),
            prefixes: Cell::new(false),
            expands: Cell::new(true),
        })
    }

    fn handler(&self, handler: Handler) -> Option<Value> {
        self.handlers.borrow()[handler as usize].clone()
    }

    fn text(&self, vm: &Vm, text: &str) -> Value {
        vm.new_str(text)
    }

    fn optional(&self, vm: &Vm, text: Option<&str>) -> Value {
        text.map_or_else(none, |text| vm.new_str(text))
    }

    /// A name, the same object each time where names are interned.
    fn name(&self, vm: &Vm, name: &str) -> PyResult {
        let name = vm.new_str(name);
        match self.intern.get().as_ref().and_then(|intern| intern.downcast::<Dict>()) {
            Some(intern) => intern.get_or_set(vm, &name, name.clone()),
            None => Ok(name),
        }
    }

    fn optional_name(&self, vm: &Vm, name: Option<&str>) -> PyResult {
        name.map_or_else(|| Ok(none()), |name| self.name(vm, name))
    }

    fn base(&self) -> Value {
        self.base.get().unwrap_or_else(none)
    }

    /// Hands on the text that was kept.
    fn flush(&self, vm: &Vm) -> PyResult<()> {
        let text = self.buffer.take();
        if text.is_empty() {
            return Ok(());
        }
        match self.handler(Handler::CharacterDataHandler) {
            Some(handler) => vm.call(&handler, &[self.text(vm, &text)]).map(drop),
            None => Ok(()),
        }
    }

    fn characters(&self, vm: &Vm, handler: &Value, text: &str) -> PyResult<()> {
        if !self.buffers.get() {
            return vm.call(handler, &[self.text(vm, text)]).map(drop);
        }
        if self.buffer.borrow().len() + text.len() > self.buffer_size.get() {
            self.flush(vm)?;
        }
        if text.len() > self.buffer_size.get() {
            return match self.handler(Handler::CharacterDataHandler) {
                Some(handler) => vm.call(&handler, &[self.text(vm, text)]).map(drop),
                None => Ok(()),
            };
        }
        self.buffer.borrow_mut().push_str(text);
        Ok(())
    }

    /// Reads on; what handlers raise makes an end of all of them.
    fn feed(&self, vm: &Vm, text: Text, is_final: bool) -> PyResult<()> {
        let Some(mut reader) = self.reader.take() else {
            return Err(vm.runtime_error("cannot call Parse() from within a handler"));
        };
        self.begun.set(true);
        reader.tells_prefixes = self.prefixes.get();
        let outcome = reader.feed_input(&self.input, text, is_final, &mut Listener { vm, parser: self });
        self.place.set(reader.place());
        self.reader.set(Some(reader));
        match outcome {
            Ok(()) => self.flush(vm),
            Err((Stop::Raised(error), _)) => {
                self.forget();
                Err(error)
            }
            Err((Stop::Wrong(problem, _), place)) => {
                self.error.set((problem as usize, place));
                self.place.set(place);
                self.flush(vm)?;
                Err(expat_error(vm, problem as usize, place))
            }
            Err((Stop::More, _)) => Ok(()),
        }
    }

    fn check_idle(&self, vm: &Vm, function: &str) -> PyResult<()> {
        if self.reader.borrow().is_some() {
            return Ok(());
        }
        Err(vm.runtime_error(format!("cannot call {function}() from within a handler")))
    }

    /// The reader of a document, to change how much entities may make of it.
    fn limit_expansion(&self, vm: &Vm, change: impl FnOnce(&mut Reader)) -> PyResult<()> {
        let problem = match self.with_reader(|reader| reader.is_entity()) {
            Some(false) => None,
            Some(true) => Some("parser must be a root parser"),
            None => Some("parser must not be reading"),
        };
        if let Some(problem) = problem {
            return Err(vm.raised(vm.call(&super::error_class(vm)?, &[vm.new_str(problem)])?));
        }
        self.with_reader(change);
        Ok(())
    }

    fn forget(&self) {
        let handlers = self.handlers.replace(vec![None; HANDLERS]);
        drop(handlers);
        self.buffer.take();
    }

    /// Changes something of the reader.
    fn with_reader<R>(&self, change: impl FnOnce(&mut Reader) -> R) -> Option<R> {
        self.reader.borrow_mut().as_mut().map(|reader| change(reader))
    }
}

/// Tells a parser's handlers.
struct Listener<'a> {
    vm: &'a Vm,
    parser: &'a XmlParser,
}

impl Listener<'_> {
    fn call(&self, handler: &Value, arguments: &[Value]) -> Step<Value> {
        self.parser.flush(self.vm)?;
        Ok(self.vm.call(handler, arguments)?)
    }

    /// Tells whoever wants all that nobody else is told of.
    fn default(&self, text: &str) -> Step {
        if text.is_empty() {
            return Ok(());
        }
        let handler = self
            .parser
            .handler(Handler::DefaultHandlerExpand)
            .or_else(|| self.parser.handler(Handler::DefaultHandler));
        if let Some(handler) = handler {
            self.call(&handler, &[self.parser.text(self.vm, text)])?;
        }
        Ok(())
    }

    fn attributes(&self, attributes: &[(String, String)], given: usize) -> PyResult {
        let (vm, parser) = (self.vm, self.parser);
        let shown = if parser.specified.get() { &attributes[..given] } else { attributes };
        if parser.ordered.get() {
            let mut items = Vec::with_capacity(2 * shown.len());
            for (name, value) in shown {
                items.push(parser.name(vm, name)?);
                items.push(parser.text(vm, value));
            }
            return Ok(List::from_vec(items).into_value());
        }
        let dict = Dict::new();
        for (name, value) in shown {
            dict.set(vm, &parser.name(vm, name)?, parser.text(vm, value))?;
        }
        Ok(dict.into_value())
    }

    fn model(&self, model: &Model) -> PyResult {
        let children = model.children.iter().map(|child| self.model(child)).collect::<PyResult<Vec<_>>>()?;
        Ok(Tuple::from_values([
            Value::int(model.kind),
            Value::int(model.quantifier),
            self.parser.optional_name(self.vm, model.name.as_deref())?,
            Tuple::from_values(children).into_value(),
        ])
        .into_value())
    }

    /// The handler of an event and its arguments, if there is one.
    fn told(&self, event: &Event<'_>) -> PyResult<Option<(Value, Vec<Value>)>> {
        let (vm, parser) = (self.vm, self.parser);
        let text = |text: &str| parser.text(vm, text);
        let optional = |text: Option<&str>| parser.optional(vm, text);
        let flag = |flag: bool| Value::int(i32::from(flag));
        let kind = match event {
            Event::StartElement { .. } => Handler::StartElementHandler,
            Event::EndElement { .. } => Handler::EndElementHandler,
            Event::Characters(_) => Handler::CharacterDataHandler,
            Event::Comment(_) => Handler::CommentHandler,
            Event::Instruction { .. } => Handler::ProcessingInstructionHandler,
            Event::StartCdata => Handler::StartCdataSectionHandler,
            Event::EndCdata => Handler::EndCdataSectionHandler,
            Event::StartNamespace { .. } => Handler::StartNamespaceDeclHandler,
            Event::EndNamespace { .. } => Handler::EndNamespaceDeclHandler,
            Event::XmlDeclaration { .. } => Handler::XmlDeclHandler,
            Event::StartDoctype { .. } => Handler::StartDoctypeDeclHandler,
            Event::EndDoctype => Handler::EndDoctypeDeclHandler,
            Event::Element { .. } => Handler::ElementDeclHandler,
            Event::Attribute { .. } => Handler::AttlistDeclHandler,
            Event::Entity(entity)
                if entity.notation.is_some() && parser.handler(Handler::UnparsedEntityDeclHandler).is_some() =>
            {
                Handler::UnparsedEntityDeclHandler
            }
            Event::Entity(_) => Handler::EntityDeclHandler,
            Event::Notation { .. } => Handler::NotationDeclHandler,
            Event::SkippedEntity { .. } => Handler::SkippedEntityHandler,
            Event::Other => return Ok(None),
        };
        let Some(handler) = parser.handler(kind) else { return Ok(None) };
        let arguments = match event {
            Event::StartElement { name, attributes, given } => {
                vec![parser.name(vm, name)?, self.attributes(attributes, *given)?]
            }
            Event::EndElement { name } => vec![parser.name(vm, name)?],
            Event::Characters(data) | Event::Comment(data) => vec![text(data)],
            Event::Instruction { target, data } => vec![parser.name(vm, target)?, text(data)],
            Event::StartCdata | Event::EndCdata | Event::EndDoctype | Event::Other => Vec::new(),
            Event::StartNamespace { prefix, uri } => {
                vec![parser.optional_name(vm, *prefix)?, parser.optional_name(vm, *uri)?]
            }
            Event::EndNamespace { prefix } => vec![parser.optional_name(vm, *prefix)?],
            Event::XmlDeclaration { version, encoding, standalone } => {
                vec![optional(*version), optional(*encoding), Value::int(*standalone)]
            }
            Event::StartDoctype { name, system, public, internal } => vec![
                parser.name(vm, name)?,
                parser.optional_name(vm, *system)?,
                parser.optional_name(vm, *public)?,
                flag(*internal),
            ],
            Event::Element { name, model } => vec![parser.name(vm, name)?, self.model(model)?],
            Event::Attribute { element, name, kind, default, required } => vec![
                parser.name(vm, element)?,
                parser.name(vm, name)?,
                text(kind),
                optional(*default),
                flag(*required),
            ],
            Event::Entity(entity) if kind == Handler::UnparsedEntityDeclHandler => vec![
                parser.name(vm, entity.name)?,
                parser.base(),
                parser.optional_name(vm, entity.system)?,
                parser.optional_name(vm, entity.public)?,
                parser.optional_name(vm, entity.notation)?,
            ],
            Event::Entity(entity) => vec![
                parser.name(vm, entity.name)?,
                flag(entity.is_parameter),
                optional(entity.value),
                parser.base(),
                parser.optional_name(vm, entity.system)?,
                parser.optional_name(vm, entity.public)?,
                parser.optional_name(vm, entity.notation)?,
            ],
            Event::Notation { name, system, public } => vec![
                parser.name(vm, name)?,
                parser.base(),
                parser.optional_name(vm, *system)?,
                parser.optional_name(vm, *public)?,
            ],
            Event::SkippedEntity { name, is_parameter } => vec![parser.name(vm, name)?, flag(*is_parameter)],
        };
        Ok(Some((handler, arguments)))
    }
}

impl Sink for Listener<'_> {
    fn event(&mut self, event: Event<'_>, text: &str) -> Step {
        if let Event::Characters(data) = event {
            return match self.parser.handler(Handler::CharacterDataHandler) {
                Some(handler) => Ok(self.parser.characters(self.vm, &handler, data)?),
                None => self.default(text),
            };
        }
        if !self.parser.buffer.borrow().is_empty() && self.told(&event)?.is_some() {
            // This may take the handler away.
            self.parser.flush(self.vm)?;
        }
        match self.told(&event)? {
            Some((handler, arguments)) => self.call(&handler, &arguments).map(drop),
            None => self.default(text),
        }
    }

    fn external(&mut self, entity: &ExternalEntity<'_>, reader: &Reader) -> Step<Option<bool>> {
        let Some(handler) = self.parser.handler(Handler::ExternalEntityRefHandler) else { return Ok(None) };
        let (vm, parser) = (self.vm, self.parser);
        let arguments = [
            parser.optional_name(vm, entity.context)?,
            parser.base(),
            parser.optional_name(vm, entity.system)?,
            parser.optional_name(vm, entity.public)?,
        ];
        parser.seed.set(Some(Box::new(reader.for_entity(entity.context))));
        let answer = self.call(&handler, &arguments);
        parser.seed.take();
        Ok(Some(int::to_fixed::<i64>(vm, &answer?, "long")? != 0))
    }

    fn may_depend(&mut self) -> Step<bool> {
        let Some(handler) = self.parser.handler(Handler::NotStandaloneHandler) else { return Ok(true) };
        let answer = self.call(&handler, &[])?;
        Ok(int::to_fixed::<i64>(self.vm, &answer, "long")? != 0)
    }

    fn expands_entities(&self) -> bool {
        self.parser.expands.get()
    }

    fn at(&mut self, place: Place) {
        self.parser.place.set(place);
    }
}

fn cannot_delete<'a>(vm: &Vm, value: Option<&'a Value>) -> PyResult<&'a Value> {
    value.ok_or_else(|| vm.runtime_error("Cannot delete attribute"))
}

parser_methods! {
{
    StartElementHandler "StartElementHandler" start_element_handler set_start_element_handler;
    EndElementHandler "EndElementHandler" end_element_handler set_end_element_handler;
    ProcessingInstructionHandler "ProcessingInstructionHandler" processing_instruction_handler set_processing_instruction_handler;
    CharacterDataHandler "CharacterDataHandler" character_data_handler set_character_data_handler;
    UnparsedEntityDeclHandler "UnparsedEntityDeclHandler" unparsed_entity_decl_handler set_unparsed_entity_decl_handler;
    NotationDeclHandler "NotationDeclHandler" notation_decl_handler set_notation_decl_handler;
    StartNamespaceDeclHandler "StartNamespaceDeclHandler" start_namespace_decl_handler set_start_namespace_decl_handler;
    EndNamespaceDeclHandler "EndNamespaceDeclHandler" end_namespace_decl_handler set_end_namespace_decl_handler;
    CommentHandler "CommentHandler" comment_handler set_comment_handler;
    StartCdataSectionHandler "StartCdataSectionHandler" start_cdata_section_handler set_start_cdata_section_handler;
    EndCdataSectionHandler "EndCdataSectionHandler" end_cdata_section_handler set_end_cdata_section_handler;
    DefaultHandler "DefaultHandler" default_handler set_default_handler;
    DefaultHandlerExpand "DefaultHandlerExpand" default_handler_expand set_default_handler_expand;
    NotStandaloneHandler "NotStandaloneHandler" not_standalone_handler set_not_standalone_handler;
    ExternalEntityRefHandler "ExternalEntityRefHandler" external_entity_ref_handler set_external_entity_ref_handler;
    StartDoctypeDeclHandler "StartDoctypeDeclHandler" start_doctype_decl_handler set_start_doctype_decl_handler;
    EndDoctypeDeclHandler "EndDoctypeDeclHandler" end_doctype_decl_handler set_end_doctype_decl_handler;
    EntityDeclHandler "EntityDeclHandler" entity_decl_handler set_entity_decl_handler;
    XmlDeclHandler "XmlDeclHandler" xml_decl_handler set_xml_decl_handler;
    ElementDeclHandler "ElementDeclHandler" element_decl_handler set_element_decl_handler;
    AttlistDeclHandler "AttlistDeclHandler" attlist_decl_handler set_attlist_decl_handler;
    SkippedEntityHandler "SkippedEntityHandler" skipped_entity_handler set_skipped_entity_handler;
}

    /// Parse XML data.
    ///
    /// 'isfinal' should be true at end of input.
    #[method("Parse(self, data, isfinal=False, /)")]
    fn parse(&self, vm: &Vm, data: &Value, isfinal: bool) -> PyResult<i32> {
        self.check_idle(vm, "Parse")?;
        let text = match data.downcast::<Str>() {
            Some(text) => {
                let text = text.to_utf8(vm)?;
                self.input.borrow_mut().take_text(&text)
            }
            None => {
                let bytes = buffer::view(vm, data)?.to_vec();
                self.take_bytes(vm, &bytes, isfinal)?
            }
        };
        self.feed(vm, text, isfinal)?;
        Ok(1)
    }

    /// Parse XML data from file-like object.
    #[method("ParseFile(self, file, /)")]
    fn parse_file(&self, vm: &Vm, file: &Value) -> PyResult<i32> {
        self.check_idle(vm, "ParseFile")?;
        let Some(read) = vm.get_attribute_optional(file, &vm.intern("read"))? else {
            return Err(vm.type_error("argument must have 'read' attribute"));
        };
        loop {
            let piece = vm.call(&read, &[Value::int(FILE_PIECE)])?;
            let bytes = match piece.downcast::<Bytes>() {
                Some(bytes) => bytes.as_slice().to_vec(),
                None => match buffer::view(vm, &piece) {
                    Ok(view) => view.to_vec(),
                    Err(_) => {
                        return Err(vm.type_error(format!(
                            "read() did not return a bytes object (type={})",
                            piece.type_of().full_name()
                        )));
                    }
                },
            };
            if bytes.len() > FILE_PIECE as usize {
                let message = format!(
                    "read() returned too much data: {FILE_PIECE} bytes requested, {} returned",
                    bytes.len()
                );
                return Err(vm.value_error(message));
            }
            let is_final = bytes.is_empty();
            let text = self.take_bytes(vm, &bytes, is_final)?;
            self.feed(vm, text, is_final)?;
            if is_final {
                return Ok(1);
            }
        }
    }

    /// Set the base URL for the parser.
    #[method("SetBase(self, base, /)")]
    fn set_base(&self, base: &Object<Str>) {
        self.base.set(Some(base.to_value()));
    }

    /// Return base URL string for the parser.
    #[method("GetBase(self, /)")]
    fn get_base(&self) -> Option<Value> {
        self.base.get()
    }

    /// Create a parser for parsing an external entity based on the information passed to the ExternalEntityRefHandler.
    #[method("ExternalEntityParserCreate(self, context, encoding=<unrepresentable>, /)")]
    fn external_entity_parser_create(
        &self,
        vm: &Vm,
        context: &Value,
        encoding: Option<String>,
    ) -> PyResult {
        let context = match context.downcast::<Str>() {
            Some(context) => Some(context.to_utf8(vm)?.into_owned()),
            None if is_none(context) => None,
            None => {
                return Err(vm.type_error(format!(
                    "ExternalEntityParserCreate() argument 1 must be str or None, not {}",
                    context.type_of().full_name()
                )));
            }
        };
        let seed = match self.seed.take() {
            Some(seed) => Some(*seed),
            None => self.with_reader(|reader| reader.for_entity(context.as_deref())),
        };
        let Some(reader) = seed else { return Err(vm.runtime_error("the parser is already parsing")) };
        let made = Self::around(reader, encoding);
        made.handlers.set(self.handlers.borrow().clone());
        made.intern.set(self.intern.get());
        made.base.set(self.base.get());
        made.buffers.set(self.buffers.get());
        made.buffer_size.set(self.buffer_size.get());
        made.ordered.set(self.ordered.get());
        made.specified.set(self.specified.get());
        made.prefixes.set(self.prefixes.get());
        made.expands.set(self.expands.get());
        Ok(made.into_value())
    }

    /// Controls parsing of parameter entities (including the external DTD subset).
    ///
    /// Possible flag values are XML_PARAM_ENTITY_PARSING_NEVER, XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE and
    /// XML_PARAM_ENTITY_PARSING_ALWAYS. Returns true if setting the flag was successful.
    #[method("SetParamEntityParsing(self, flag, /)")]
    fn set_param_entity_parsing(&self, flag: i32) -> i32 {
        let changed = !self.begun.get()
            && self.with_reader(|reader| reader.parameter_entities = flag.clamp(0, 2)).is_some();
        i32::from(changed)
    }

    /// Allows the application to provide an artificial external subset if one is not specified in the document.
    ///
    /// This readily allows the use of a 'default' document type controlled by the application, while still getting
    /// the advantage of providing document type information to the parser.
    #[method("UseForeignDTD(self, flag=True, /)")]
    fn use_foreign_dtd(&self, vm: &Vm, flag: bool) -> PyResult<()> {
        if self.begun.get() {
            return Err(expat_error(vm, 26, self.place.get()));
        }
        self.with_reader(|reader| reader.foreign = flag);
        Ok(())
    }

    /// Enable/Disable reparse deferral; enabled by default.
    #[method("SetReparseDeferralEnabled(self, enabled, /)")]
    fn set_reparse_deferral(&self, enabled: bool) {
        self.with_reader(|reader| reader.defers = enabled);
    }

    /// Retrieve reparse deferral enabled status.
    #[method("GetReparseDeferralEnabled(self, /)")]
    fn reparse_deferral(&self) -> bool {
        self.with_reader(|reader| reader.defers).unwrap_or(true)
    }

    /// Sets the number of output bytes needed to activate protection against billion laughs attacks.
    ///
    /// The number of output bytes includes amplification from entity expansion. Parser objects usually have a
    /// protection activation threshold of 8 MiB.
    #[method("SetBillionLaughsAttackProtectionActivationThreshold(self, threshold, /)")]
    fn set_expansion_threshold(&self, vm: &Vm, threshold: &Value) -> PyResult<()> {
        let threshold = int::to_big(vm, threshold)?;
        if threshold.is_negative() {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        let threshold = u64::try_from(&threshold)
            .map_err(|_| vm.overflow_error("Python int too large for C unsigned long long"))?;
        self.limit_expansion(vm, |reader| reader.free_expansion = threshold)
    }

    /// Sets the maximum tolerated amplification factor for protection against billion laughs attacks.
    ///
    /// The factor is calculated as "(direct + indirect) / direct" while parsing, where "direct" is the number of
    /// bytes read from the document and "indirect" the number of bytes added by expanding entities. It must be a
    /// non-NaN floating point value greater than or equal to 1.0.
    #[method("SetBillionLaughsAttackProtectionMaximumAmplification(self, max_factor, /)")]
    fn set_expansion_factor(&self, vm: &Vm, max_factor: f64) -> PyResult<()> {
        if max_factor.is_nan() || max_factor < 1.0 {
            let message = vm.new_str("'max_factor' must be at least 1.0");
            return Err(vm.raised(vm.call(&super::error_class(vm)?, &[message])?));
        }
        self.limit_expansion(vm, |reader| reader.amplification = max_factor as f32)
    }

    #[getter("intern", member)]
    fn intern(&self) -> Option<Value> {
        self.intern.get()
    }

    #[getter("buffer_size")]
    fn get_buffer_size(&self) -> usize {
        self.buffer_size.get()
    }

    #[setter("buffer_size")]
    fn set_buffer_size(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = cannot_delete(vm, value)?;
        if !int::is_int(value) {
            return Err(vm.type_error("buffer_size must be an integer"));
        }
        let size = int::small_value(value)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?;
        match usize::try_from(size) {
            Ok(size) if size > i32::MAX as usize => Err(vm.value_error("buffer_size must not be greater than 2147483647")),
            Ok(size) if size > 0 => {
                if self.buffers.get() && size != self.buffer_size.get() {
                    self.flush(vm)?;
                }
                self.buffer_size.set(size);
                Ok(())
            }
            _ => Err(vm.value_error("buffer_size must be greater than zero")),
        }
    }

    #[getter("buffer_text")]
    fn get_buffer_text(&self) -> bool {
        self.buffers.get()
    }

    #[setter("buffer_text")]
    fn set_buffer_text(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let buffers = vm.is_true(cannot_delete(vm, value)?)?;
        if !buffers {
            self.flush(vm)?;
        }
        self.buffers.set(buffers);
        Ok(())
    }

    #[getter("buffer_used")]
    fn buffer_used(&self) -> usize {
        self.buffer.borrow().len()
    }

    #[getter("namespace_prefixes")]
    fn get_namespace_prefixes(&self) -> bool {
        self.prefixes.get()
    }

    #[setter("namespace_prefixes")]
    fn set_namespace_prefixes(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.prefixes.set(vm.is_true(cannot_delete(vm, value)?)?);
        Ok(())
    }

    #[getter("ordered_attributes")]
    fn get_ordered_attributes(&self) -> bool {
        self.ordered.get()
    }

    #[setter("ordered_attributes")]
    fn set_ordered_attributes(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.ordered.set(vm.is_true(cannot_delete(vm, value)?)?);
        Ok(())
    }

    #[getter("specified_attributes")]
    fn get_specified_attributes(&self) -> bool {
        self.specified.get()
    }

    #[setter("specified_attributes")]
    fn set_specified_attributes(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.specified.set(vm.is_true(cannot_delete(vm, value)?)?);
        Ok(())
    }

    #[getter("ErrorCode")]
    fn error_code(&self) -> usize {
        self.error.get().0
    }

    #[getter("ErrorLineNumber")]
    fn error_line(&self) -> usize {
        self.place.get().line
    }

    #[getter("ErrorColumnNumber")]
    fn error_column(&self) -> usize {
        self.place.get().column
    }

    #[getter("ErrorByteIndex")]
    fn error_byte(&self) -> i64 {
        self.byte_index()
    }

    #[getter("CurrentLineNumber")]
    fn current_line(&self) -> usize {
        self.place.get().line
    }

    #[getter("CurrentColumnNumber")]
    fn current_column(&self) -> usize {
        self.place.get().column
    }

    #[getter("CurrentByteIndex")]
    fn current_byte(&self) -> i64 {
        self.byte_index()
    }
}

impl XmlParser {
    fn byte_index(&self) -> i64 {
        if self.begun.get() { self.place.get().byte as i64 } else { -1 }
    }

    fn take_bytes(&self, vm: &Vm, bytes: &[u8], is_final: bool) -> PyResult<Text> {
        let mut input = self.input.take();
        let text = input.take(vm, bytes, is_final);
        self.input.set(input);
        text
    }

    fn set_handler(&self, vm: &Vm, handler: Handler, value: Option<&Value>) -> PyResult<()> {
        let value = cannot_delete(vm, value)?;
        if handler == Handler::CharacterDataHandler {
            self.flush(vm)?;
        }
        let new = (!is_none(value)).then(|| value.clone());
        match handler {
            Handler::DefaultHandler => self.expands.set(false),
            Handler::DefaultHandlerExpand => self.expands.set(true),
            _ => {}
        }
        let old = std::mem::replace(&mut self.handlers.borrow_mut()[handler as usize], new);
        drop(old);
        Ok(())
    }
}
