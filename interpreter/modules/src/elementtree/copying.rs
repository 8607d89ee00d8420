//! Copies of elements, and what pickles hold of them.

use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::element::{Element, Side, check_element};
use super::given;

const SIDES: [Side; 2] = [Side::Text, Side::Tail];

/// What the state of an element has; the names are those of the class in Python.
const FIELDS: [&str; 5] = ["tag", "_children", "attrib", "text", "tail"];

/// A deep copy of something that belongs to an element. `copy.deepcopy` is asked where others may know the thing too.
fn deep_copy(vm: &Vm, value: &Value, is_own: bool, memo: &Object<Dict>) -> PyResult {
    if is_none(value) || value.downcast_exact::<Str>().is_some() {
        return Ok(value.clone());
    }
    if is_own {
        if let Some(dict) = value.downcast_exact::<Dict>() {
            let is_text = |value: &Value| value.downcast_exact::<Str>().is_some();
            if dict.pairs().iter().all(|(key, value)| is_text(key) && is_text(value)) {
                return Ok(dict.copy().into_value());
            }
        } else if let Some(element) = value.downcast_exact::<Element>() {
            return Ok(element.deep_copy(vm, memo, value)?.into_value());
        }
    }
    match State::of(vm).deepcopy.get() {
        Some(function) => vm.call(&function, &[value.clone(), memo.to_value()]),
        None => Err(vm.runtime_error("deepcopy helper not found")),
    }
}

impl Element {
    fn deep_copy(&self, vm: &Vm, memo: &Object<Dict>, this: &Value) -> PyResult<Ref<Element>> {
        vm.check_stack(" in Element.__deepcopy__")?;
        let tag = deep_copy(vm, &self.tag(), false, memo)?;
        let attributes = self.attributes_and_whether_own();
        let attributes = attributes.map(|(value, is_own)| deep_copy(vm, &value, is_own, memo)).transpose()?;
        let copy = Element::create(&tag, attributes);
        for side in SIDES {
            let (text, in_pieces) = self.raw_text(side);
            let text = text.map(|text| deep_copy(vm, &text, false, memo)).transpose()?;
            copy.set_text(side, text, in_pieces);
        }
        let mut index = 0;
        while let Some((child, is_own)) = self.child_and_whether_own(index) {
            let child = deep_copy(vm, &child, is_own, memo)?;
            check_element(vm, &child)?;
            copy.push(child);
            index += 1;
        }
        memo.set(vm, &int::from_i128(i128::from(this.id())), copy.to_value())?;
        Ok(copy)
    }

    /// Replaces the state by what a pickle holds.
    fn restore(&self, vm: &Vm, state: &Object<Dict>) -> PyResult<()> {
        let [tag, children, attributes, text, tail] = fields_of(vm, state)?;
        let Some(tag) = tag else { return Err(vm.type_error("tag may not be NULL")) };
        self.set_tag(&tag);
        for (side, text) in SIDES.into_iter().zip([text, tail]) {
            let in_pieces = text.as_ref().is_some_and(|text| text.downcast_exact::<List>().is_some());
            self.set_text(side, text.as_ref().and_then(given), in_pieces);
        }
        if children.is_none() && attributes.is_none() {
            return Ok(());
        }
        if let Some(children) = children {
            let Some(children) = children.downcast::<List>() else {
                return Err(vm.type_error("'_children' is not a list"));
            };
            let children = children.to_vec();
            let good = children.iter().take_while(|child| child.downcast::<Element>().is_some()).count();
            let old = self.children().replace(children[..good].to_vec());
            drop(old);
            children.get(good).map_or(Ok(()), |bad| check_element(vm, bad))?;
        }
        self.set_attributes(attributes);
        Ok(())
    }
}

/// The fields of a state, which are as the keyword arguments of a call.
fn fields_of(vm: &Vm, state: &Object<Dict>) -> PyResult<[Option<Value>; 5]> {
    if state.len() > FIELDS.len() {
        let given = state.len();
        return Err(vm.type_error(format!("function takes at most 5 keyword arguments ({given} given)")));
    }
    let mut fields = [const { None }; 5];
    for (name, value) in state.pairs() {
        let Some(name) = name.downcast::<Str>() else {
            return Err(vm.type_error("keywords must be strings"));
        };
        match FIELDS.iter().position(|field| name.equals_str(field)) {
            Some(place) => fields[place] = Some(value),
            None => {
                return Err(vm.type_error(format!(
                    "this function got an unexpected keyword argument '{}'",
                    name.to_string_lossy()
                )));
            }
        }
    }
    Ok(fields)
}

#[pymethods(COPYING)]
impl Element {
    #[method("__copy__(self, /)")]
    fn copy(&self) -> Ref<Element> {
        let copy = Element::create(&self.tag(), self.attributes());
        for side in SIDES {
            let (text, in_pieces) = self.raw_text(side);
            copy.set_text(side, text, in_pieces);
        }
        copy.children().set(self.children().borrow().clone());
        copy
    }

    #[method("__deepcopy__(self, memo, /)")]
    fn deep_copy_method(this: &Object<Element>, vm: &Vm, memo: &Object<Dict>) -> PyResult<Ref<Element>> {
        this.deep_copy(vm, memo, &this.as_value())
    }

    // CPython's numbers: an element has room for four children where it has any, or attributes.
    #[method("__sizeof__(self, /)")]
    fn size_of(&self) -> usize {
        let capacity = self.children().borrow().capacity();
        let more = if capacity > 0 || self.attributes().is_some() { 64 } else { 0 };
        56 + more + if capacity > 4 { 8 * capacity } else { 0 }
    }

    #[method("__getstate__(self, /)")]
    fn get_state(&self, vm: &Vm) -> Ref<Dict> {
        let children = List::from_vec(self.children().borrow().clone()).into_value();
        let attributes = self.attributes().unwrap_or_else(|| Dict::new().into_value());
        let [text, tail] = SIDES.map(|side| self.raw_text(side).0.unwrap_or_else(none));
        let state = Dict::new();
        for (name, value) in FIELDS.into_iter().zip([self.tag(), children, attributes, text, tail]) {
            state.set_str(&vm.intern(name), value);
        }
        state
    }

    #[method("__setstate__(self, state, /)")]
    fn set_state(&self, vm: &Vm, state: &Value) -> PyResult<()> {
        match state.downcast_exact::<Dict>() {
            Some(state) => self.restore(vm, state),
            None => {
                let shown: String = vm.repr(state)?.to_string_lossy().chars().take(200).collect();
                Err(vm.type_error(format!("Don't know how to unpickle \"{shown}\" as an Element")))
            }
        }
    }
}
