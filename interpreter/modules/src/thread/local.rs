//! Attributes that each thread sees values of its own of (`threading.local`).
//!
//! The dicts of all threads belong to the object, so that the collector sees what they refer to. A thread keeps a mark
//! for each object that has a dict for it: when the thread ends its marks go, and take those dicts along.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::object::BaseObject;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{int, weakref};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Attributes that each thread sees values of its own of.
#[pyclass(name = "_local", hides_del, module = "_thread", tracked, dict, weak, subclassable)]
pub struct Local {
    /// What the `__init__` of a derived class is called with in each thread.
    arguments: Ref<Tuple>,
    keywords: Ref<Dict>,
    /// The dicts, by thread.
    dicts: GilCell<Vec<(u64, Ref<Dict>)>>,
}

/// What a thread keeps of an object that has a dict for it.
#[pyclass(name = "_localdummy", module = "_thread", tracked, no_new)]
pub struct Mark {
    /// A weak reference to the object.
    local: Value,
    thread: u64,
}

#[pymethods]
impl Mark {
    #[slot(finalize)]
    fn finalize(&self) {
        if let Some(Some(local)) = weakref::referent(&self.local)
            && let Some(local) = local.downcast::<Local>()
        {
            local.forget(self.thread);
        }
    }
}

/// What the thread keeps of all objects, by their addresses.
fn marks(vm: &Vm) -> Ref<Dict> {
    if let Some(marks) = vm.thread_dict.get() {
        return marks;
    }
    let made = Dict::new();
    vm.thread_dict.set(Some(made.clone()));
    made
}

impl Local {
    fn key(this: &Object<Local>) -> Value {
        int::from_i128(std::ptr::from_ref(this) as i128)
    }

    fn forget(&self, thread: u64) {
        let place = self.dicts.borrow().iter().position(|(of, _)| *of == thread);
        let gone = place.map(|place| self.dicts.borrow_mut().swap_remove(place));
        drop(gone);
    }

    fn add_dict(this: &Object<Local>, vm: &Vm) -> PyResult<Ref<Dict>> {
        let dict = Dict::new();
        let local = weakref::new_reference(vm, &this.as_value(), None)?;
        let mark = Object::new(Mark { local, thread: vm.thread_id }).into_value();
        marks(vm).set(vm, &Local::key(this), mark)?;
        this.dicts.borrow_mut().push((vm.thread_id, dict.clone()));
        Ok(dict)
    }

    /// The dict of the calling thread, made and initialised on its first use.
    fn dict(this: &Object<Local>, vm: &Vm) -> PyResult<Ref<Dict>> {
        let found = this.dicts.borrow().iter().find(|(of, _)| *of == vm.thread_id).map(|(_, dict)| dict.clone());
        if let Some(found) = found {
            return Ok(found);
        }
        let dict = Local::add_dict(this, vm)?;
        if this.type_of().is_heap()
            && let Some(init) = this.type_of().slots().init.get()
        {
            let mut all = this.arguments.items().to_vec();
            let (names, values): (Vec<Value>, Vec<Value>) = this.keywords.pairs().into_iter().unzip();
            all.extend(values);
            if let Err(error) = init(vm, &this.as_value(), &all, Some(&Tuple::from_values(names))) {
                // The next use tries again.
                this.forget(vm.thread_id);
                return Err(error);
            }
        }
        Ok(dict)
    }
}

#[pymethods]
impl Local {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let address = |typ: &TypeObject| typ.slots().init.get().map(|init| init as usize);
        if address(cls) == address(BaseObject::static_type()) && !args.is_empty() {
            return Err(vm.type_error("Initialization arguments are not supported"));
        }
        let (positional, given) = KeywordArguments::of_call(args, names);
        let keywords = Dict::new();
        for (name, value) in given.iter() {
            keywords.set(vm, name, value.clone())?;
        }
        let arguments = Tuple::from_slice(positional);
        let local = Object::with_type(cls, Local { arguments, keywords, dicts: GilCell::default() });
        // The thread that makes it initialises it by the ordinary call of __init__.
        Local::add_dict(&local, vm)?;
        Ok(local.into_value())
    }

    #[slot(finalize)]
    fn finalize(this: &Object<Local>, vm: &Vm) {
        let key = Local::key(this);
        vm.interpreter.threads.for_each(|thread| {
            if let Some(marks) = thread.thread_dict.get() {
                // An int is always hashable.
                drop(marks.remove(vm, &key));
            }
        });
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Local>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let dict = Local::dict(this, vm)?;
        if name.equals_str("__dict__") {
            return Ok(dict.into_value());
        }
        let value = this.to_value();
        let typ = this.type_of();
        let found = typ.lookup(vm, name);
        if let Some(found) = &found
            && found.type_of().slots().descriptor_set.get().is_some()
            && let Some(get) = found.type_of().slots().descriptor_get.get()
        {
            return get(vm, found, Some(&value), Some(&typ.to_value()));
        }
        if let Some(own) = dict.get_str(name) {
            return Ok(own);
        }
        match found {
            Some(found) => match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, Some(&value), Some(&typ.to_value())),
                None => Ok(found),
            },
            None => Err(vm.no_attribute(&value, name)),
        }
    }

    #[slot(setattribute)]
    fn setattribute(this: &Object<Local>, vm: &Vm, name: &Object<Str>, new: Option<&Value>) -> PyResult<()> {
        let value = this.to_value();
        if name.equals_str("__dict__") {
            return Err(vm.attribute_error(
                format!("'{}' object attribute '__dict__' is read-only", this.type_of().full_name()),
                &value,
                name,
            ));
        }
        let dict = Local::dict(this, vm)?;
        if let Some(found) = this.type_of().lookup(vm, name)
            && let Some(set) = found.type_of().slots().descriptor_set.get()
        {
            return set(vm, &found, &value, new);
        }
        match new {
            Some(new) => {
                dict.set_str(name, new.clone());
                Ok(())
            }
            None => dict.remove_str(name).map(drop).ok_or_else(|| vm.no_attribute(&value, name)),
        }
    }
}

