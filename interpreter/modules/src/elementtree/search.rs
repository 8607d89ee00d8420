//! Finding elements below an element. Paths that are no more than a tag are looked for here, others by
//! `xml.etree.ElementPath`.

use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::element::{Element, Side};
use super::iterator::ElementIterator;

/// Whether a path may be more than a tag.
fn is_path(path: &Value) -> bool {
    match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
        (Some(text), _) => match text.as_ascii() {
            Some(text) => has_path_characters(text.as_bytes()),
            None => has_path_characters(&text.to_wtf8()),
        },
        (None, Some(bytes)) => has_path_characters(bytes.as_slice()),
        (None, None) => true,
    }
}

fn has_path_characters(path: &[u8]) -> bool {
    // Any namespace, or none: `{*}tag`, `{}tag`.
    if matches!(path, [b'{', b'}', _, ..] | [b'{', b'*', b'}', ..]) {
        return true;
    }
    let mut in_namespace = false;
    path.iter().any(|&byte| {
        match byte {
            b'{' => in_namespace = true,
            b'}' => in_namespace = false,
            _ => {}
        }
        !in_namespace && b"/*[@.".contains(&byte)
    })
}

fn or_none(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or_else(none)
}

impl Element {
    /// The next child of a tag from an index on, and the index behind it.
    fn next_of_tag(&self, vm: &Vm, tag: &Value, start: usize) -> PyResult<Option<(Value, usize)>> {
        let mut index = start;
        while let Some(child) = self.child(index) {
            index += 1;
            if let Some(element) = child.downcast::<Element>()
                && element.has_tag(vm, tag)?
            {
                return Ok(Some((child, index)));
            }
        }
        Ok(None)
    }
}

#[pymethods(SEARCH)]
impl Element {
    #[method("find(self, /, path, namespaces=None)")]
    fn find(this: &Object<Element>, vm: &Vm, path: &Value, namespaces: Option<&Value>) -> PyResult {
        if namespaces.is_some() || is_path(path) {
            return State::search(vm, "find", &[this.to_value(), path.clone(), or_none(namespaces)]);
        }
        Ok(this.next_of_tag(vm, path, 0)?.map_or_else(none, |(child, _)| child))
    }

    #[method("findtext(self, /, path, default=None, namespaces=None)")]
    fn find_text(
        this: &Object<Element>,
        vm: &Vm,
        path: &Value,
        default: Option<&Value>,
        namespaces: Option<&Value>,
    ) -> PyResult {
        if namespaces.is_some() || is_path(path) {
            let arguments = [this.to_value(), path.clone(), or_none(default), or_none(namespaces)];
            return State::search(vm, "findtext", &arguments);
        }
        let found = this.next_of_tag(vm, path, 0)?;
        let Some(element) = found.as_ref().and_then(|(child, _)| child.downcast::<Element>()) else {
            return Ok(or_none(default));
        };
        Ok(element.text(vm, Side::Text)?.unwrap_or_else(|| Str::empty().into_value()))
    }

    #[method("findall(self, /, path, namespaces=None)")]
    fn find_all(this: &Object<Element>, vm: &Vm, path: &Value, namespaces: Option<&Value>) -> PyResult {
        if namespaces.is_some() || is_path(path) {
            return State::search(vm, "findall", &[this.to_value(), path.clone(), or_none(namespaces)]);
        }
        let mut found = Vec::new();
        let mut start = 0;
        while let Some((child, next)) = this.next_of_tag(vm, path, start)? {
            found.push(child);
            start = next;
        }
        Ok(List::from_vec(found).into_value())
    }

    #[method("iterfind(self, /, path, namespaces=None)")]
    fn iter_find(this: &Object<Element>, vm: &Vm, path: &Value, namespaces: Option<&Value>) -> PyResult {
        State::search(vm, "iterfind", &[this.to_value(), path.clone(), or_none(namespaces)])
    }

    #[method("iter(self, /, tag=None)")]
    fn iter(this: &Object<Element>, tag: Option<&Value>) -> Ref<ElementIterator> {
        let is_any = |tag: &&Value| {
            tag.downcast::<Str>().is_some_and(|tag| tag.equals_str("*"))
                || tag.downcast::<Bytes>().is_some_and(|tag| tag.as_slice() == b"*")
        };
        ElementIterator::elements(this, tag.filter(|tag| !is_any(tag)))
    }

    #[method("itertext(self, /)")]
    fn iter_text(this: &Object<Element>) -> Ref<ElementIterator> {
        ElementIterator::texts(this)
    }
}
