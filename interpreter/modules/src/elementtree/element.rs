//! `Element`: a node of a tree: its tag, attributes, texts and children.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult, deprecation_warning};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::{attributes_of_call, check_count, given};

// Where there is nothing, Python sees `None`; the class has no documentation in CPython either.
#[pyclass(
    name = "Element",
    module = "xml.etree.ElementTree",
    tracked,
    weak,
    subclassable,
    shows_get,
    methods(SEQUENCE, SEARCH, COPYING)
)]
pub(super) struct Element {
    tag: GilCell<Option<Value>>,
    text: GilCell<Option<Value>>,
    tail: GilCell<Option<Value>>,
    /// Made when somebody asks for it.
    attributes: GilCell<Option<Value>>,
    children: GilCell<Vec<Value>>,
    /// Whether the text, and the tail, is a list of pieces that are joined when somebody asks.
    #[untraced]
    in_pieces: [Cell<bool>; 2],
}

/// The two places of an element's texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// Before the first child.
    Text,
    /// Behind the element.
    Tail,
}

impl Side {
    /// The attribute's name.
    pub(super) fn name(self, vm: &Vm) -> Ref<Str> {
        match self {
            Side::Text => names::text.to_ref(),
            Side::Tail => vm.intern("tail"),
        }
    }
}

impl Element {
    fn empty() -> Element {
        Element {
            tag: GilCell::default(),
            text: GilCell::default(),
            tail: GilCell::default(),
            attributes: GilCell::default(),
            children: GilCell::default(),
            in_pieces: Default::default(),
        }
    }

    /// An element of a tag and attributes; empty ones are not kept.
    pub(super) fn create(tag: &Value, attributes: Option<Value>) -> Ref<Element> {
        Object::new(Element {
            tag: GilCell::new(given(tag)),
            attributes: GilCell::new(attributes.filter(|attributes| !is_empty_dict(attributes))),
            ..Element::empty()
        })
    }

    /// The tag.
    #[inline]
    pub(super) fn tag(&self) -> Value {
        self.tag.get().unwrap_or_else(none)
    }

    /// Whether what is in the element is text of the document: comments and processing instructions have a function for
    /// their tag.
    pub(super) fn has_text(&self) -> bool {
        self.tag.borrow().as_ref().is_none_or(|tag| tag.downcast::<Str>().is_some())
    }

    pub(super) fn set_tag(&self, tag: &Value) {
        self.tag.set(given(tag));
    }

    /// Whether the tag equals a value.
    pub(super) fn has_tag(&self, vm: &Vm, wanted: &Value) -> PyResult<bool> {
        vm.same_or_equal(&self.tag(), wanted)
    }

    fn side(&self, side: Side) -> &GilCell<Option<Value>> {
        match side {
            Side::Text => &self.text,
            Side::Tail => &self.tail,
        }
    }

    /// A text, joined if it is in pieces.
    pub(super) fn text(&self, vm: &Vm, side: Side) -> PyResult<Option<Value>> {
        let text = self.side(side).get();
        let (Some(pieces), true) = (&text, self.in_pieces[side as usize].get()) else { return Ok(text) };
        let joined = join(vm, pieces)?;
        self.set_text(side, Some(joined.clone()), false);
        Ok(Some(joined))
    }

    /// A text as it is kept, and whether it is in pieces.
    pub(super) fn raw_text(&self, side: Side) -> (Option<Value>, bool) {
        (self.side(side).get(), self.in_pieces[side as usize].get())
    }

    pub(super) fn set_text(&self, side: Side, text: Option<Value>, in_pieces: bool) {
        self.in_pieces[side as usize].set(in_pieces);
        self.side(side).set(text);
    }

    /// The attributes, if there are any.
    pub(super) fn attributes(&self) -> Option<Value> {
        self.attributes.get()
    }

    pub(super) fn set_attributes(&self, attributes: Option<Value>) {
        self.attributes.set(attributes);
    }

    /// The attributes as a dict that stays.
    pub(super) fn attribute_dict(&self) -> Value {
        if let Some(attributes) = self.attributes.get() {
            return attributes;
        }
        let made = Dict::new().into_value();
        self.attributes.set(Some(made.clone()));
        made
    }

    /// The children.
    #[inline]
    pub(super) fn children(&self) -> &GilCell<Vec<Value>> {
        &self.children
    }

    /// Number of children.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.children.borrow().len()
    }

    /// A child.
    #[inline]
    pub(super) fn child(&self, index: usize) -> Option<Value> {
        self.children.borrow().get(index).cloned()
    }

    /// A child, and whether nobody else refers to it.
    pub(super) fn child_and_whether_own(&self, index: usize) -> Option<(Value, bool)> {
        self.children.borrow().get(index).map(with_whether_own)
    }

    /// The attributes, and whether nobody else refers to them.
    pub(super) fn attributes_and_whether_own(&self) -> Option<(Value, bool)> {
        self.attributes.borrow().as_ref().map(with_whether_own)
    }

    /// Appends a child that is known to be an element.
    pub(super) fn push(&self, child: Value) {
        self.children.borrow_mut().push(child);
    }

    /// Appends a child.
    pub(super) fn append_checked(&self, vm: &Vm, child: &Value) -> PyResult<()> {
        check_element(vm, child)?;
        self.push(child.clone());
        Ok(())
    }
}

fn with_whether_own(value: &Value) -> (Value, bool) {
    let is_own = value.reference_count() == 1;
    (value.clone(), is_own)
}

fn is_empty_dict(value: &Value) -> bool {
    value.downcast_exact::<Dict>().is_some_and(|dict| dict.is_empty())
}

/// The pieces of a text as one.
pub(super) fn join(vm: &Vm, pieces: &Value) -> PyResult {
    vm.call_method(&Str::empty().into_value(), &names::join, std::slice::from_ref(pieces))
}

/// Refuses what is no element.
pub(super) fn check_element(vm: &Vm, value: &Value) -> PyResult<()> {
    match value.downcast::<Element>() {
        Some(_) => Ok(()),
        None => Err(vm.type_error(format!("expected an Element, not \"{}\"", value.type_of().full_name()))),
    }
}

/// What an attribute is set to.
fn cannot_delete<'a>(vm: &Vm, value: Option<&'a Value>) -> PyResult<&'a Value> {
    value.ok_or_else(|| vm.new_exception(attribute_error(), "can't delete element attribute"))
}

fn attribute_error() -> &'static TypeObject {
    rspy_runtime::exceptions::attribute_error::AttributeError::static_type()
}

fn reentrant(vm: &Vm, this: &Object<Element>) -> Exception {
    vm.runtime_error(format!("reentrant call inside {}.__repr__", this.type_of().full_name()))
}

#[pymethods]
impl Element {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Element::empty()).into_value())
    }

    #[slot(init)]
    fn init(this: &Object<Element>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (args, keywords) = KeywordArguments::of_call(args, names);
        check_count(vm, "Element", args, 1)?;
        let attributes = attributes_of_call(vm, "Element", args, 1, keywords)?.map(Ref::into_value);
        if let Some(attributes) = attributes.filter(|attributes| !is_empty_dict(attributes)) {
            this.set_attributes(Some(attributes));
        }
        this.set_tag(&args[0]);
        this.set_text(Side::Text, None, false);
        this.set_text(Side::Tail, None, false);
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Object<Element>, vm: &Vm) -> PyResult {
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Err(reentrant(vm, this)) };
        let tag = vm.repr(&this.tag())?;
        let mut out = rspy_runtime::types::string::build::StrBuilder::new();
        out.push_str("<Element ");
        out.push_object(&tag);
        out.push_str(&format!(" at {:#x}>", this.as_value().id()));
        Ok(out.finish().into_value())
    }

    #[slot(bool)]
    fn bool(&self, vm: &Vm) -> PyResult<bool> {
        let message = "Testing an element's truth value will always return True in future versions.  \
                       Use specific 'len(elem)' or 'elem is not None' test instead.";
        rspy_runtime::warnings::warn(vm, deprecation_warning(), message, 1)?;
        Ok(self.len() > 0)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(item)]
    fn item_at(&self, vm: &Vm, index: isize) -> PyResult {
        let child = usize::try_from(index).ok().and_then(|index| self.child(index));
        child.ok_or_else(|| vm.index_error("child index out of range"))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        self.item(vm, key)
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        self.assign(vm, key, value)
    }

    /// A string identifying what kind of data this element represents
    #[getter("tag")]
    fn get_tag(&self) -> Value {
        self.tag()
    }

    #[setter("tag")]
    fn set_tag_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_tag(cannot_delete(vm, value)?);
        Ok(())
    }

    /// A string of text directly after the start tag, or None
    #[getter("text")]
    fn get_text(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.text(vm, Side::Text)
    }

    #[setter("text")]
    fn set_text_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_text(Side::Text, given(cannot_delete(vm, value)?), false);
        Ok(())
    }

    /// A string of text directly after the end tag, or None
    #[getter("tail")]
    fn get_tail(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.text(vm, Side::Tail)
    }

    #[setter("tail")]
    fn set_tail_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_text(Side::Tail, given(cannot_delete(vm, value)?), false);
        Ok(())
    }

    /// A dictionary containing the element's attributes
    #[getter("attrib")]
    fn get_attributes(&self) -> Value {
        self.attribute_dict()
    }

    #[setter("attrib")]
    fn set_attributes_attribute(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = cannot_delete(vm, value)?;
        if value.downcast::<Dict>().is_none() {
            let name = value.type_of().full_name();
            return Err(vm.type_error(format!("attrib must be dict, not {name}")));
        }
        self.set_attributes(Some(value.clone()));
        Ok(())
    }
}
