//! `super`: attributes of an object from behind a class in the method resolution order.
//!
//! # Safety argument
//!
//! `super()` without arguments reads the first argument and the cell `__class__` of the innermost frame. Both are
//! variables of that frame, which is alive while it is linked; they are looked at and cloned, never taken.

use rspy_code::code_object::local_kind;
use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::eval::frame::Frame;
use crate::eval::word;
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::cell::CellObject;
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// super() -> same as super(__class__, <first argument>)
/// super(type) -> unbound super object
/// super(type, obj) -> bound super object; requires isinstance(obj, type)
/// super(type, type2) -> bound super object; requires issubclass(type2, type)
#[pyclass(name = "super", tracked, subclassable)]
pub struct Super {
    class: GilCell<Option<Value>>,
    object: GilCell<Option<Value>>,
    /// The type whose order is searched: the object's, or the object itself where it is a class.
    start: GilCell<Option<Value>>,
}

#[pymethods]
impl Super {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Super::unset()).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("super() takes no keyword arguments"));
        }
        let (class, object) = match args {
            [] => {
                let (class, object) = find_arguments(vm)?;
                (class, Some(object))
            }
            [class] => (class.clone(), None),
            [class, object] => (class.clone(), (!is_none(object)).then(|| object.clone())),
            _ => {
                return Err(
                    vm.type_error(format!("super() expected at most 2 arguments, got {}", args.len()))
                );
            }
        };
        let Some(typ) = class.downcast::<Type>() else {
            return Err(vm.type_error(format!(
                "super() argument 1 must be a type, not {}",
                class.type_of().full_name()
            )));
        };
        let start = object.as_ref().map(|object| start_type(vm, typ, object)).transpose()?;
        self.class.set(Some(class));
        self.object.set(object);
        self.start.set(start.map(Ref::into_value));
        Ok(())
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        let name = |value: &Option<Value>| {
            value
                .as_ref()
                .and_then(|value| value.downcast::<Type>())
                .map_or_else(|| "NULL".to_owned(), |typ| typ.full_name())
        };
        let class = name(&self.class.get());
        match self.start.get() {
            Some(_) => format!("<super: <class '{class}'>, <{} object>>", name(&self.start.get())),
            None => format!("<super: <class '{class}'>, NULL>"),
        }
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Super>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let (class, object, start) = (this.class.get(), this.object.get(), this.start.get());
        if let (Some(class), Some(object), Some(start)) = (class, object, start)
            && let (Some(class), Some(start)) = (class.downcast::<Type>(), start.downcast::<Type>())
            && let Some((found, _)) = find(vm, class, &object, start, name, false)?
        {
            return Ok(found);
        }
        crate::types::object::generic_get_attribute(vm, &this.as_value(), name)
    }

    #[slot(descriptor_get)]
    fn descriptor_get(
        this: &Object<Super>,
        vm: &Vm,
        object: Option<&Value>,
        _owner: Option<&Value>,
    ) -> PyResult {
        let (Some(object), None) = (object, this.object.get()) else { return Ok(this.to_value()) };
        let Some(class) = this.class.get() else { return Ok(this.to_value()) };
        if !std::ptr::eq(this.type_of(), Super::static_type()) {
            return vm.call(&this.type_of().to_value(), &[class, object.clone()]);
        }
        let Some(typ) = class.downcast::<Type>() else { return Ok(this.to_value()) };
        let start = start_type(vm, typ, object)?.into_value();
        Ok(Object::new(Super {
            class: GilCell::new(Some(class)),
            object: GilCell::new(Some(object.clone())),
            start: GilCell::new(Some(start)),
        })
        .into_value())
    }

    /// the class invoking super()
    #[getter("__thisclass__", member)]
    fn thisclass(&self) -> Option<Value> {
        self.class.get()
    }

    /// the instance invoking super(); may be None
    #[getter("__self__", member)]
    fn get_self(&self) -> Option<Value> {
        self.object.get()
    }

    /// the type of the instance invoking super(); may be None
    #[getter("__self_class__", member)]
    fn self_class(&self) -> Option<Value> {
        self.start.get()
    }
}

impl Super {
    /// `super(class, object)`.
    ///
    /// # Errors
    /// `TypeError` where the object is no instance or subclass of the class.
    pub fn make(vm: &Vm, class: &Value, object: &Value) -> PyResult {
        Super::static_type().construct(vm, &[class.clone(), object.clone()])
    }

    const fn unset() -> Super {
        Super { class: GilCell::new(None), object: GilCell::new(None), start: GilCell::new(None) }
    }
}

/// `LOAD_SUPER_ATTR`: the attribute of `super(class, object)`, without making the object where `global_super` is the
/// builtin type. With `method_wanted` a function that is to be called with the object as first argument is answered
/// as such (true).
///
/// # Errors
/// Those of `super` and of descriptors.
pub fn load_attribute(
    vm: &Vm,
    global_super: &Value,
    class: &Value,
    object: &Value,
    name: &Object<Str>,
    method_wanted: bool,
    two_arguments: bool,
) -> PyResult<(Value, bool)> {
    if Super::static_type().is(global_super)
        && let Some(typ) = class.downcast::<Type>()
    {
        let start = start_type(vm, typ, object)?;
        if let Some(found) = find(vm, typ, object, &start, name, method_wanted)? {
            return Ok(found);
        }
    }
    let made = if two_arguments {
        vm.call(global_super, &[class.clone(), object.clone()])?
    } else {
        vm.call(global_super, &[])?
    };
    Ok((vm.get_attribute(&made, name)?, false))
}

/// The type whose order `super(class, object)` searches.
fn start_type(vm: &Vm, class: &TypeObject, object: &Value) -> PyResult<Ref<Type>> {
    if let Some(typ) = object.downcast::<Type>()
        && typ.is_subtype(class)
    {
        return Ok(typ.to_ref());
    }
    if object.type_of().is_subtype(class) {
        return Ok(object.type_of().to_ref());
    }
    // A proxy may say that it is of another class.
    if let Some(claimed) = vm.get_attribute_optional(object, &names::__class__)?
        && let Some(claimed) = claimed.downcast::<Type>()
        && !std::ptr::eq(claimed, object.type_of())
        && claimed.is_subtype(class)
    {
        return Ok(claimed.to_ref());
    }
    let what = match object.downcast::<Type>() {
        Some(typ) => format!("type {}", typ.full_name()),
        None => format!("instance of {}", object.type_of().full_name()),
    };
    Err(vm.type_error(format!(
        "super(type, obj): obj ({what}) is not an instance or subtype of type ({}).",
        class.full_name()
    )))
}

/// The attribute from behind `class` in the order of `start`, bound to the object; with `method_wanted` functions stay
/// unbound (true).
fn find(
    vm: &Vm,
    class: &TypeObject,
    object: &Value,
    start: &TypeObject,
    name: &Object<Str>,
    method_wanted: bool,
) -> PyResult<Option<(Value, bool)>> {
    // `super().__class__` is the class of the super object.
    if name.same_text(&names::__class__) {
        return Ok(None);
    }
    let Some(found) = find_behind(vm, class, start, name) else { return Ok(None) };
    let on_class = start.is(object);
    if method_wanted && !on_class && found.type_of().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
        return Ok(Some((found, true)));
    }
    match found.type_of().slots().descriptor_get.get() {
        Some(get) => {
            let instance = if on_class { None } else { Some(object) };
            get(vm, &found, instance, Some(&start.to_value())).map(|bound| Some((bound, false)))
        }
        None => Ok(Some((found, false))),
    }
}

/// What a class behind `class` in the order of `start` has by a name.
fn find_behind(vm: &Vm, class: &TypeObject, start: &TypeObject, name: &Object<Str>) -> Option<Value> {
    let order = start.mro();
    let at = order.items().iter().position(|typ| class.is(typ))?;
    let rest = &order.items()[at + 1..];
    let next = rest.first()?.downcast::<Type>()?;
    // Where the next class's own order is just the rest, as without multiple inheritance, its cached lookups serve.
    let own = next.mro();
    if own.items().len() == rest.len() && own.items().iter().zip(rest).all(|(left, right)| left.is(right)) {
        return next.lookup(vm, name);
    }
    rest.iter().filter_map(|typ| typ.downcast::<Type>()).find_map(|typ| typ.dict().get_str(name))
}

/// The class and the first argument for `super()`, from the function that calls it.
fn find_arguments(vm: &Vm) -> PyResult<(Value, Value)> {
    let error = |message: &str| -> Exception { vm.runtime_error(message) };
    let frame = vm.current_frame().ok_or_else(|| error("super(): no current frame"))?;
    let code = frame.code();
    let variable = |index| variable(vm.frame.get(), index);
    if code.arg_count == 0 {
        return Err(error("super(): no arguments"));
    }
    let mut object = variable(0).ok_or_else(|| error("super(): arg[0] deleted"))?;
    if code.body().variable_kinds[0] & local_kind::CELL != 0
        && let Some(cell) = object.downcast_exact::<CellObject>()
    {
        object = cell.get().ok_or_else(|| error("super(): arg[0] deleted"))?;
    }
    let place = (0..code.variable_count()).find(|&index| {
        code.body().variable_kinds[index] & local_kind::FREE != 0
            && code.variable_name(index).same_text(&names::__class__)
    });
    let place = place.ok_or_else(|| error("super(): __class__ cell not found"))?;
    let cell = variable(place).ok_or_else(|| error("super(): bad __class__ cell"))?;
    let cell = cell.downcast_exact::<CellObject>().ok_or_else(|| error("super(): bad __class__ cell"))?;
    let class = cell.get().ok_or_else(|| error("super(): empty __class__ cell"))?;
    if class.downcast::<Type>().is_none() {
        return Err(error(&format!("super(): __class__ is not a type ({})", class.type_of().full_name())));
    }
    Ok((class, object))
}

/// A clone of a variable of the frame.
fn variable(frame: *mut Frame, index: usize) -> Option<Value> {
    // SAFETY: the index is below the code's number of variables; each is 0 or a valid word.
    unsafe {
        let bits = *Frame::local(frame, index);
        (bits != 0).then(|| crate::object::Borrow::clone_value(&word::look(bits)))
    }
}
