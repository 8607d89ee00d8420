//! `_local`: an object whose attributes every thread has for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::object::BaseObject;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Thread-local data
#[pyclass(name = "_local", module = "_thread", tracked, weak, subclassable, signature = "()")]
pub struct Local {
    /// Under which name a thread's dict keeps the attributes.
    #[untraced]
    key: String,
    args: Ref<Tuple>,
    #[untraced]
    names: Option<Ref<Tuple>>,
    /// The threads that have attributes, with their dicts, so that those end with this object.
    dicts: GilCell<Vec<Value>>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Local {
    /// The attributes of the running thread; made, by calling `__init__`, when it asks first.
    fn dict(vm: &Vm, this: &Value) -> PyResult<Ref<Dict>> {
        let local = rspy_runtime::convert::object_of::<Local>(this);
        let all = vm.thread_dict.borrow().clone();
        let all = match all {
            Some(all) => all,
            None => {
                let all = Dict::new();
                vm.thread_dict.set(Some(all.clone()));
                all
            }
        };
        let key = vm.intern(&local.key);
        if let Some(found) = all.get_str(&key).and_then(|found| found.downcast::<Dict>().map(Object::to_ref)) {
            return Ok(found);
        }
        let dict = Dict::new();
        all.set_str(&key, dict.clone().into_value());
        local.dicts.borrow_mut().push(dict.clone().into_value());
        if let Some(init) = this.type_of().slots().init.get()
            && let Err(error) = init(vm, this, local.args.items(), local.names.as_deref())
        {
            // The next access begins anew.
            drop(all.remove_str(&key));
            return Err(error);
        }
        Ok(dict)
    }
}

/// Whether a class leaves initialisation to `object`, which takes no arguments.
fn is_plain_init(typ: &TypeObject) -> bool {
    let address = |typ: &TypeObject| typ.slots().init.get().map(|init| init as usize);
    address(typ) == address(BaseObject::static_type())
}

impl Drop for Local {
    fn drop(&mut self) {
        let dicts = self.dicts.take();
        for dict in &dicts {
            if let Some(dict) = dict.downcast::<Dict>() {
                dict.clear();
            }
        }
    }
}

#[pymethods]
impl Local {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if !args.is_empty() && is_plain_init(cls) {
            return Err(vm.type_error("Initialization arguments are not supported"));
        }
        let local = Local {
            key: format!("_thread._local.{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            args: Tuple::from_slice(args),
            names: names.map(Object::to_ref),
            dicts: GilCell::default(),
        };
        let made = Object::with_type(cls, local);
        // The thread that makes the object has its attributes from the start; `__init__` is called by construction.
        let dict = Dict::new();
        let all = vm.thread_dict.borrow().clone().unwrap_or_else(Dict::new);
        vm.thread_dict.set(Some(all.clone()));
        all.set_str(&vm.intern(&made.key), dict.clone().into_value());
        made.dicts.borrow_mut().push(dict.into_value());
        Ok(made.into_value())
    }

    #[slot(getattribute)]
    fn getattribute(vm: &Vm, this: &Value, name: &Object<Str>) -> PyResult {
        let dict = Local::dict(vm, this)?;
        if name.same_text(&names::__dict__) {
            return Ok(dict.into_value());
        }
        let typ = this.type_of();
        let found = typ.lookup(vm, name);
        let get = found.as_ref().and_then(|found| found.type_of().slots().descriptor_get.get());
        if let (Some(found), Some(get)) = (&found, get)
            && found.type_of().slots().descriptor_set.get().is_some()
        {
            return get(vm, found, Some(this), Some(&typ.to_value()));
        }
        if let Some(own) = dict.get_str(name) {
            return Ok(own);
        }
        match (found, get) {
            (Some(found), Some(get)) => get(vm, &found, Some(this), Some(&typ.to_value())),
            (Some(found), None) => Ok(found),
            (None, _) => Err(vm.no_attribute(this, name)),
        }
    }

    #[slot(setattribute)]
    fn setattribute(vm: &Vm, this: &Value, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        let dict = Local::dict(vm, this)?;
        if name.same_text(&names::__dict__) {
            return Err(vm.attribute_error(
                format!("'{}' object attribute '__dict__' is read-only", this.type_of().full_name()),
                this,
                name,
            ));
        }
        if let Some(found) = this.type_of().lookup(vm, name)
            && let Some(set) = found.type_of().slots().descriptor_set.get()
        {
            return set(vm, &found, this, value);
        }
        match value {
            Some(value) => dict.set_str(name, value.clone()),
            None => match dict.remove_str(name) {
                Some(old) => drop(old),
                None => return Err(vm.no_attribute(this, name)),
            },
        }
        Ok(())
    }
}
