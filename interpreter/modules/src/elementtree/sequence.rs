//! The children of an element as a sequence, and its attributes as a mapping.

use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::dict::protocol::items_of;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::slice::{Slice, SliceRange};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::element::{Element, Side, check_element};
use super::wrong_argument;

/// What a key means.
enum Place<'a> {
    /// A child, if the index is that of one.
    Index(Option<usize>),
    Slice(&'a Slice, SliceRange),
}

impl Element {
    fn place<'a>(&self, vm: &Vm, key: &'a Value) -> PyResult<Place<'a>> {
        if let Some(slice) = key.downcast::<Slice>() {
            return Ok(Place::Slice(slice, slice.indices_in(vm, || self.len())?));
        }
        if !key.is_small_int() && key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("element indices must be integers"));
        }
        let index = vm.sequence_index(key, "")?;
        let length = self.len();
        let index = if index < 0 { index + length as isize } else { index };
        Ok(Place::Index(usize::try_from(index).ok().filter(|&index| index < length)))
    }

    /// `element[key]`.
    pub(super) fn item(&self, vm: &Vm, key: &Value) -> PyResult {
        match self.place(vm, key)? {
            Place::Index(index) => index
                .and_then(|index| self.child(index))
                .ok_or_else(|| vm.index_error("child index out of range")),
            Place::Slice(_, range) => {
                Ok(List::from_vec(range.iter().filter_map(|index| self.child(index)).collect()).into_value())
            }
        }
    }

    /// `element[key] = value`, or `del element[key]`.
    pub(super) fn assign(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let (slice, range) = match self.place(vm, key)? {
            Place::Slice(slice, range) => (slice, range),
            Place::Index(None) => return Err(vm.index_error("child assignment index out of range")),
            Place::Index(Some(index)) => {
                let old = match value {
                    None => self.children().borrow_mut().remove(index),
                    Some(value) => {
                        check_element(vm, value)?;
                        std::mem::replace(&mut self.children().borrow_mut()[index], value.clone())
                    }
                };
                drop(old);
                return Ok(());
            }
        };
        match value {
            None => self.remove_range(range),
            Some(value) => self.assign_slice(vm, slice, range, value)?,
        }
        Ok(())
    }

    fn remove_range(&self, range: SliceRange) {
        if range.count() == 0 {
            return;
        }
        let mut doomed: Vec<bool> = vec![false; self.len()];
        range.iter().for_each(|index| doomed[index] = true);
        let (mut kept, mut removed) = (Vec::new(), Vec::new());
        for (child, doomed) in self.children().take().into_iter().zip(doomed) {
            if doomed { removed.push(child) } else { kept.push(child) }
        }
        *self.children().borrow_mut() = kept;
        drop(removed);
    }

    fn assign_slice(&self, vm: &Vm, slice: &Slice, range: SliceRange, value: &Value) -> PyResult<()> {
        let length = self.len();
        let mut new = vm.collect_or(value, || vm.type_error("assignment expects an iterable"))?;
        // Iterating may have changed the children.
        let range = if self.len() == length { range } else { slice.indices_in(vm, || self.len())? };
        if range.step != 1 && new.len() != range.count() {
            let (size, count) = (new.len(), range.count());
            return Err(vm.value_error(format!(
                "attempt to assign sequence of size {size} to extended slice of size {count}"
            )));
        }
        new.iter().try_for_each(|child| check_element(vm, child))?;
        let mut children = self.children().borrow_mut();
        let removed = if range.step == 1 {
            let start = range.start as usize;
            let tail = children.split_off(start + range.count());
            let removed = children.split_off(start);
            children.append(&mut new);
            children.extend(tail);
            removed
        } else {
            for (index, child) in range.iter().zip(&mut new) {
                std::mem::swap(&mut children[index], child);
            }
            new
        };
        drop(children);
        drop(removed);
        Ok(())
    }

    /// The attributes as a dict, where they are one.
    fn dict_of<'a>(vm: &Vm, attributes: &'a Value) -> PyResult<&'a Object<Dict>> {
        attributes.downcast::<Dict>().ok_or_else(|| vm.system_error("bad argument to internal function"))
    }
}

#[pymethods(SEQUENCE)]
impl Element {
    #[method("append(self, subelement, /)")]
    fn append(&self, vm: &Vm, subelement: &Value) -> PyResult<()> {
        if subelement.downcast::<Element>().is_none() {
            return Err(wrong_argument(vm, "append", 1, subelement));
        }
        self.push(subelement.clone());
        Ok(())
    }

    #[method("clear(self, /)")]
    fn clear(&self) {
        let children = self.children().take();
        self.set_attributes(None);
        self.set_text(Side::Text, None, false);
        self.set_text(Side::Tail, None, false);
        drop(children);
    }

    #[method("extend(self, elements, /)")]
    fn extend(&self, vm: &Vm, elements: &Value) -> PyResult<()> {
        let elements = vm.collect_or(elements, || vm.type_error("'elements' must be an iterable"))?;
        elements.iter().try_for_each(|element| self.append_checked(vm, element))
    }

    #[method("insert(self, index, subelement, /)")]
    fn insert(&self, index: isize, subelement: &Object<Element>) {
        let length = self.len();
        let index = if index < 0 { (index + length as isize).max(0) as usize } else { index as usize };
        self.children().borrow_mut().insert(index.min(length), subelement.to_value());
    }

    #[method("remove(self, subelement, /)")]
    fn remove(&self, vm: &Vm, subelement: &Object<Element>) -> PyResult<()> {
        let mut index = 0;
        while let Some(child) = self.child(index) {
            if vm.same_or_equal(&child, &subelement.as_value())? {
                // Comparing may have changed the children.
                let mut children = self.children().borrow_mut();
                let removed = (index < children.len()).then(|| children.remove(index));
                drop(children);
                drop(removed);
                return Ok(());
            }
            index += 1;
        }
        Err(vm.value_error("Element.remove(x): element not found"))
    }

    #[method("makeelement(self, tag, attrib, /)")]
    fn make_element(&self, tag: &Value, attrib: &Object<Dict>) -> Ref<Element> {
        Element::create(tag, Some(attrib.copy().into_value()))
    }

    #[method("get(self, /, key, default=None)")]
    fn get(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        let found = match self.attributes() {
            Some(attributes) => Self::dict_of(vm, &attributes)?.get(vm, key)?,
            None => None,
        };
        Ok(found.or_else(|| default.cloned()).unwrap_or_else(none))
    }

    #[method("set(self, key, value, /)")]
    fn set(&self, vm: &Vm, key: &Value, value: &Value) -> PyResult<()> {
        Self::dict_of(vm, &self.attribute_dict())?.set(vm, key, value.clone())
    }

    #[method("items(self, /)")]
    fn items(&self, vm: &Vm) -> PyResult<Ref<List>> {
        let items = match self.attributes() {
            Some(attributes) => items_of(Self::dict_of(vm, &attributes)?),
            None => Vec::new(),
        };
        Ok(List::from_vec(items))
    }

    #[method("keys(self, /)")]
    fn keys(&self, vm: &Vm) -> PyResult<Ref<List>> {
        let keys = match self.attributes() {
            Some(attributes) => Self::dict_of(vm, &attributes)?.keys(),
            None => Vec::new(),
        };
        Ok(List::from_vec(keys))
    }
}
