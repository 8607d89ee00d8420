//! Walking a tree in document order: the elements of a tag, or the texts.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::element::{Element, Side};

// Without documentation, as in CPython.
#[pyclass(name = "_element_iterator", module = "_elementtree", tracked, no_new)]
pub(super) struct ElementIterator {
    /// Where the walk begins, until it has.
    root: GilCell<Option<Ref<Element>>>,
    /// The open elements, and in each the next child.
    open: GilCell<Vec<(Ref<Element>, usize)>>,
    /// The tag that is looked for.
    tag: Option<Value>,
    texts: bool,
}

impl ElementIterator {
    /// Goes through the elements that have a tag.
    pub(super) fn elements(root: &Object<Element>, tag: Option<&Value>) -> Ref<ElementIterator> {
        Self::create(root, tag.cloned(), false)
    }

    /// Goes through the texts.
    pub(super) fn texts(root: &Object<Element>) -> Ref<ElementIterator> {
        Self::create(root, None, true)
    }

    fn create(root: &Object<Element>, tag: Option<Value>, texts: bool) -> Ref<ElementIterator> {
        let root = GilCell::new(Some(root.to_ref()));
        Object::new(ElementIterator { root, open: GilCell::default(), tag, texts })
    }

    /// The next element of the walk, or one that is left with its children done; which of both.
    fn step(&self) -> Option<(Ref<Element>, bool)> {
        let mut open = self.open.borrow_mut();
        let Some((parent, next)) = open.last_mut() else {
            let root = self.root.take()?;
            open.push((root.clone(), 0));
            return Some((root, true));
        };
        match parent.child(*next).map(Value::downcast_into::<Element>) {
            Some(Ok(child)) => {
                *next += 1;
                open.push((child.clone(), 0));
                Some((child, true))
            }
            _ => open.pop().map(|(left, _)| (left, false)),
        }
    }

    fn is_outermost(&self) -> bool {
        self.open.borrow().is_empty()
    }
}

#[pymethods]
impl ElementIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        while let Some((element, entered)) = self.step() {
            if self.texts {
                // What stands behind the outermost element does not belong to it.
                let text = match entered {
                    true if !element.has_text() => None,
                    true => element.text(vm, Side::Text)?,
                    false if self.is_outermost() => None,
                    false => element.text(vm, Side::Tail)?,
                };
                if let Some(text) = text
                    && vm.is_true(&text)?
                {
                    return Ok(Some(text));
                }
            } else if entered {
                match &self.tag {
                    Some(tag) if !element.has_tag(vm, tag)? => {}
                    _ => return Ok(Some(element.into_value())),
                }
            }
        }
        Ok(None)
    }
}
