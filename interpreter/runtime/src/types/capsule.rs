//! `PyCapsule`: an opaque object that one native module hands to another.

use std::any::Any;

use rspy_macros::{pyclass, pymethods};

use crate::object::{Object, Ref};

/// An opaque object that one native module hands to another.
///
/// Capsule objects carry something of native code through Python code, under a name by which the other side
/// knows it.
#[pyclass(name = "PyCapsule", no_new)]
pub struct Capsule {
    name: &'static str,
    contents: Box<dyn Any>,
}

impl Capsule {
    /// A capsule.
    pub fn new(name: &'static str, contents: Box<dyn Any>) -> Ref<Capsule> {
        Object::new(Capsule { name, contents })
    }

    /// What is inside, if it is of the type.
    pub fn contents<T: 'static>(&self) -> Option<&T> {
        self.contents.downcast_ref()
    }
}

#[pymethods]
impl Capsule {
    #[slot(repr)]
    fn repr(this: &Object<Capsule>) -> String {
        format!("<capsule object \"{}\" at {:#x}>", this.name, std::ptr::from_ref(this) as usize)
    }
}
