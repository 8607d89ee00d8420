//! `TreeBuilder`: makes a tree of the events of a document.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::element::{Element, Side, join};

/// What can be told to a queue of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Start,
    End,
    StartNamespace,
    EndNamespace,
    Comment,
    Instruction,
}

/// The names of events, by number.
pub(super) const EVENTS: [&str; 6] = ["start", "end", "start-ns", "end-ns", "comment", "pi"];

/// Where events go.
#[derive(Default)]
pub(super) struct Queue {
    /// The method that appends one.
    pub(super) append: Option<Value>,
    /// The names of the events that are wanted.
    pub(super) wanted: Vec<Option<Value>>,
}

impl rspy_runtime::gc::Trace for Queue {
    fn trace(&self, visitor: &mut rspy_runtime::gc::Visitor<'_>) {
        self.append.trace(visitor);
        self.wanted.trace(visitor);
    }
}

// Without documentation, as in CPython.
#[pyclass(name = "TreeBuilder", module = "xml.etree.ElementTree", tracked, subclassable)]
pub(super) struct TreeBuilder {
    root: GilCell<Option<Value>>,
    /// The innermost open element, and those around it.
    this: GilCell<Option<Value>>,
    outer: GilCell<Vec<Option<Value>>>,
    /// The element that was made last.
    last: GilCell<Option<Value>>,
    /// What text belongs behind, if it does not belong into the last element.
    takes_tail: GilCell<Option<Value>>,
    /// Text that no element has yet: a piece, or a list of pieces.
    data: GilCell<Option<Value>>,
    element_factory: GilCell<Option<Value>>,
    comment_factory: GilCell<Option<Value>>,
    instruction_factory: GilCell<Option<Value>>,
    #[untraced]
    inserts_comments: Cell<bool>,
    #[untraced]
    inserts_instructions: Cell<bool>,
    queue: GilCell<Queue>,
}

impl TreeBuilder {
    /// A builder that nobody has initialised: comments and processing instructions make nothing.
    pub(super) fn empty() -> TreeBuilder {
        TreeBuilder {
            root: GilCell::default(),
            this: GilCell::default(),
            outer: GilCell::default(),
            last: GilCell::default(),
            takes_tail: GilCell::default(),
            data: GilCell::default(),
            element_factory: GilCell::default(),
            comment_factory: GilCell::default(),
            instruction_factory: GilCell::default(),
            inserts_comments: Cell::new(false),
            inserts_instructions: Cell::new(false),
            queue: GilCell::default(),
        }
    }

    /// Where events go.
    pub(super) fn queue(&self) -> &GilCell<Queue> {
        &self.queue
    }

    /// Whether an event is wanted.
    pub(super) fn wants(&self, told: Told) -> bool {
        self.queue.borrow().wanted.get(told as usize).is_some_and(Option::is_some)
    }

    /// Whether processing instructions become part of the tree.
    pub(super) fn inserts_instructions(&self) -> bool {
        self.inserts_instructions.get()
    }

    /// Tells of an event, if it is wanted.
    pub(super) fn tell(&self, vm: &Vm, told: Told, about: impl FnOnce() -> Value) -> PyResult<()> {
        let (append, name) = {
            let queue = self.queue.borrow();
            let Some(Some(name)) = queue.wanted.get(told as usize) else { return Ok(()) };
            (queue.append.clone(), name.clone())
        };
        let Some(append) = append else { return Ok(()) };
        vm.call(&append, &[Tuple::from_values([name, about()]).into_value()]).map(drop)
    }

    /// Gives text to the element that it belongs to.
    fn flush(&self, vm: &Vm) -> PyResult<()> {
        let Some(data) = self.data.get() else { return Ok(()) };
        let (element, side) = match self.takes_tail.get() {
            Some(element) => (element, Side::Tail),
            None => (self.last.get().unwrap_or_else(none), Side::Text),
        };
        if let Some(exact) = element.downcast_exact::<Element>() {
            let (text, in_pieces) = exact.raw_text(side);
            match text {
                None => {
                    let in_pieces = data.downcast_exact::<List>().is_some();
                    drop(self.data.take());
                    exact.set_text(side, Some(data), in_pieces);
                    return Ok(());
                }
                Some(pieces) if in_pieces => {
                    if let Some(pieces) = pieces.downcast::<List>() {
                        pieces.extend_from(vm, &data)?;
                    }
                    drop(self.data.take());
                    return Ok(());
                }
                Some(_) => {}
            }
        }
        let name = side.name(vm);
        let previous = vm.get_attribute(&element, &name)?;
        let joined = join(vm, &data)?;
        let whole = match super::given(&previous) {
            Some(previous) => vm.add(&previous, &joined)?,
            None => joined,
        };
        vm.set_attribute(&element, &name, &whole)?;
        drop(self.data.take());
        Ok(())
    }

    fn add_child(vm: &Vm, parent: &Value, child: &Value) -> PyResult<()> {
        match parent.downcast_exact::<Element>() {
            Some(parent) => parent.append_checked(vm, child),
            None => vm.call_method(parent, &names::append, std::slice::from_ref(child)).map(drop),
        }
    }

    /// An element begins.
    pub(super) fn begin(&self, vm: &Vm, tag: &Value, attributes: Option<Value>) -> PyResult {
        self.flush(vm)?;
        let node = match self.element_factory.get() {
            None => Element::create(tag, attributes).into_value(),
            Some(factory) => {
                let attributes = attributes.unwrap_or_else(|| Dict::new().into_value());
                vm.call(&factory, &[tag.clone(), attributes])?
            }
        };
        self.takes_tail.set(None);
        let this = self.this.get();
        match &this {
            Some(this) => Self::add_child(vm, this, &node)?,
            None if self.root.borrow().is_some() => return Err(too_many_roots(vm)),
            None => self.root.set(Some(node.clone())),
        }
        self.outer.borrow_mut().push(this);
        self.this.set(super::given(&node));
        self.last.set(super::given(&node));
        self.tell(vm, Told::Start, || node.clone())?;
        Ok(node)
    }

    /// There is text.
    pub(super) fn add_text(&self, text: Value) {
        let mut data = self.data.borrow_mut();
        match &mut *data {
            // Text before the first element is nobody's.
            None if self.last.borrow().is_none() => {}
            None => *data = Some(text),
            Some(first) => match first.downcast_exact::<List>() {
                Some(pieces) => pieces.push(text),
                None => *data = Some(List::from_vec(vec![first.clone(), text]).into_value()),
            },
        }
    }

    /// The innermost element ends.
    pub(super) fn finish(&self, vm: &Vm) -> PyResult {
        self.flush(vm)?;
        let Some(outer) = self.outer.borrow_mut().pop() else {
            return Err(vm.index_error("pop from empty stack"));
        };
        let this = self.this.replace(outer);
        let old = [self.last.replace(this.clone()), self.takes_tail.replace(this.clone())];
        drop(old);
        let this = this.unwrap_or_else(none);
        self.tell(vm, Told::End, || this.clone())?;
        Ok(this)
    }

    /// Puts something that is no element of the document's own into the tree.
    fn insert(&self, vm: &Vm, node: &Value) -> PyResult<()> {
        if let Some(this) = self.this.get() {
            Self::add_child(vm, &this, node)?;
            self.takes_tail.set(Some(node.clone()));
        }
        Ok(())
    }

    /// There is a comment.
    pub(super) fn add_comment(&self, vm: &Vm, text: &Value) -> PyResult {
        self.flush(vm)?;
        let comment = match self.comment_factory.get() {
            None => text.clone(),
            Some(factory) => {
                let comment = vm.call(&factory, std::slice::from_ref(text))?;
                if self.inserts_comments.get() {
                    self.insert(vm, &comment)?;
                }
                comment
            }
        };
        self.tell(vm, Told::Comment, || comment.clone())?;
        Ok(comment)
    }

    /// There is a processing instruction.
    pub(super) fn add_instruction(&self, vm: &Vm, target: &Value, text: &Value) -> PyResult {
        self.flush(vm)?;
        let arguments = [target.clone(), text.clone()];
        let instruction = match self.instruction_factory.get() {
            None => Tuple::from_values(arguments).into_value(),
            Some(factory) => {
                let instruction = vm.call(&factory, &arguments)?;
                if self.inserts_instructions.get() {
                    self.insert(vm, &instruction)?;
                }
                instruction
            }
        };
        self.tell(vm, Told::Instruction, || instruction.clone())?;
        Ok(instruction)
    }

    /// The tree.
    pub(super) fn tree(&self) -> Value {
        self.root.get().unwrap_or_else(none)
    }
}

#[cold]
fn too_many_roots(vm: &Vm) -> Exception {
    let class = State::of(vm).parse_error.get().unwrap_or_else(none);
    match vm.call(&class, &[vm.new_str("multiple elements on top level")]) {
        Ok(error) => vm.raised(error),
        Err(error) => error,
    }
}

#[pymethods]
impl TreeBuilder {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, TreeBuilder::empty()).into_value())
    }

    #[init(
        "TreeBuilder(element_factory=None, *, comment_factory=None, pi_factory=None, insert_comments=False, insert_pis=False)"
    )]
    fn init(
        &self,
        vm: &Vm,
        element_factory: Option<&Value>,
        comment_factory: Option<&Value>,
        pi_factory: Option<&Value>,
        insert_comments: bool,
        insert_pis: bool,
    ) -> PyResult<()> {
        let state = State::of(vm);
        let comment_factory = comment_factory.cloned().or_else(|| state.comment_factory.get());
        let instruction_factory = pi_factory.cloned().or_else(|| state.instruction_factory.get());
        self.inserts_comments.set(insert_comments && comment_factory.is_some());
        self.inserts_instructions.set(insert_pis && instruction_factory.is_some());
        self.element_factory.set(element_factory.cloned());
        self.comment_factory.set(comment_factory);
        self.instruction_factory.set(instruction_factory);
        Ok(())
    }

    #[method("start(self, tag, attrs, /)")]
    fn start(&self, vm: &Vm, tag: &Value, attrs: &Object<Dict>) -> PyResult {
        self.begin(vm, tag, Some(attrs.to_value()))
    }

    #[method("data(self, data, /)")]
    fn data(&self, data: &Value) {
        self.add_text(data.clone());
    }

    #[method("end(self, tag, /)")]
    fn end(&self, vm: &Vm, _tag: &Value) -> PyResult {
        self.finish(vm)
    }

    #[method("comment(self, text, /)")]
    fn comment(&self, vm: &Vm, text: &Value) -> PyResult {
        self.add_comment(vm, text)
    }

    #[method("pi(self, target, text=None, /)")]
    fn pi(&self, vm: &Vm, target: &Value, text: Option<&Value>) -> PyResult {
        self.add_instruction(vm, target, text.unwrap_or(&none()))
    }

    #[method("close(self, /)")]
    fn close(&self) -> Value {
        self.tree()
    }
}
