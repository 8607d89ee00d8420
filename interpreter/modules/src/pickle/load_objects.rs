//! Classes, functions and instances of a pickle being read.

use rspy_runtime::audit;
use rspy_runtime::codecs::registry;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_ascii;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;
use super::input::truncated;
use super::load::Machine;
use super::opcodes::*;
use super::reduce::{follow, loaded, path_of};
use super::registry::{Direction, renamed, table};
use super::unpickler::Unpickler;

impl Machine<'_> {
    /// A class, function or instance.
    pub(super) fn object(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        match opcode {
            GLOBAL => {
                let (module, name) = (self.name_line(vm)?, self.name_line(vm)?);
                self.find_class(vm, &module, &name)
            }
            STACK_GLOBAL => {
                let (name, module) = (self.pop(vm)?, self.pop(vm)?);
                match (module.downcast_exact::<Str>(), name.downcast_exact::<Str>()) {
                    (Some(module), Some(name)) => self.find_class(vm, module, name),
                    _ => Err(UnpicklingError::error(vm, "STACK_GLOBAL requires str")),
                }
            }
            INST => {
                let height = self.pop_mark(vm)?;
                let (module, name) = (self.old_name_line(vm)?, self.old_name_line(vm)?);
                let class = self.find_class(vm, &module, &name)?;
                let args = self.pop_from(vm, height)?;
                instantiate(vm, &class, &args)
            }
            OBJ => {
                let height = self.pop_mark(vm)?;
                if self.stack.len() <= height {
                    return Err(self.underflow(vm));
                }
                let mut parts = self.pop_from(vm, height)?;
                let args = parts.split_off(1);
                instantiate(vm, &parts[0], &args)
            }
            NEWOBJ_EX => self.new_object(vm, true),
            EXT1 => {
                let [code] = self.input.array(vm)?;
                self.extension(vm, i64::from(code))
            }
            EXT2 => {
                let code = u16::from_le_bytes(self.input.array(vm)?);
                self.extension(vm, i64::from(code))
            }
            EXT4 => {
                let code = i32::from_le_bytes(self.input.array(vm)?);
                self.extension(vm, i64::from(code))
            }
            PERSID => {
                let line = self.line(vm, 0)?;
                if !line.is_ascii() {
                    let message = "persistent IDs in protocol 0 must be ASCII strings";
                    return Err(UnpicklingError::error(vm, message));
                }
                self.persistent(vm, &from_ascii(&line).into_value())
            }
            _ => {
                let id = self.pop(vm)?;
                self.persistent(vm, &id)
            }
        }
    }

    /// What a function makes of arguments.
    pub(super) fn reduce(&mut self, vm: &Vm) -> PyResult {
        let (args, function) = (self.pop(vm)?, self.pop(vm)?);
        match args.downcast::<Tuple>() {
            Some(args) => vm.call(&function, args.items()),
            None => Err(vm.type_error("argument list must be a tuple")),
        }
    }

    fn name_line(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        let line = self.line(vm, 1)?;
        vm.decode_utf8(&line)
    }

    fn old_name_line(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        let line = self.line(vm, 1)?;
        if line.is_ascii() {
            return Ok(from_ascii(&line));
        }
        let bytes = Bytes::new(line).into_value();
        let text = registry::decode_bytes(vm, &bytes, Some(&vm.new_str("ascii")), None)?;
        text.downcast_into().map_err(|_| truncated(vm))
    }

    fn find_class(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult {
        match self.owner {
            Some(owner) => {
                vm.call_method(owner, &names::find_class, &[module.to_value(), name.to_value()])
            }
            None => self.unpickler.find_global(vm, module, name),
        }
    }

    fn persistent(&self, vm: &Vm, id: &Value) -> PyResult {
        match self.unpickler.persistent_load.get() {
            Some(function) => vm.call(&function, std::slice::from_ref(id)),
            None => Err(no_persistent_load(vm)),
        }
    }

    fn extension(&self, vm: &Vm, code: i64) -> PyResult {
        if code <= 0 {
            return Err(UnpicklingError::error(vm, "EXT specifies code <= 0"));
        }
        let key = int::new(code);
        let cache = table(vm, "copyreg", "_extension_cache")?;
        if let Some(known) = cache.get(vm, &key)? {
            return Ok(known);
        }
        let Some(pair) = table(vm, "copyreg", "_inverted_registry")?.get(vm, &key)? else {
            return Err(vm.value_error(format!("unregistered extension code {code}")));
        };
        let names = match pair.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([module, name]) => module.downcast::<Str>().zip(name.downcast::<Str>()),
            _ => None,
        };
        let Some((module, name)) = names else {
            let message = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
            return Err(vm.value_error(message));
        };
        let found = self.find_class(vm, module, name)?;
        cache.set(vm, &key, found.clone())?;
        Ok(found)
    }

    /// An object made by `__new__` of its class.
    pub(super) fn new_object(&mut self, vm: &Vm, with_keywords: bool) -> PyResult {
        let keywords = if with_keywords { Some(self.pop(vm)?) } else { None };
        let (args, class) = (self.pop(vm)?, self.pop(vm)?);
        let opcode = if with_keywords { "NEWOBJ_EX" } else { "NEWOBJ" };
        let wrong = |what: &str, got: &Value| {
            UnpicklingError::error(vm, format!("{opcode} {what}, not {}", got.type_of().full_name()))
        };
        let Some(typ) = class.downcast::<Type>() else {
            return Err(wrong("class argument must be a type", &class));
        };
        let Some(new) = typ.slots().new.get() else {
            let name = class.type_of().full_name();
            let message = format!("{opcode} class argument '{name}' doesn't have __new__");
            return Err(UnpicklingError::error(vm, message));
        };
        let Some(args) = args.downcast::<Tuple>() else {
            return Err(wrong("args argument must be a tuple", &args));
        };
        let Some(keywords) = keywords else { return new(vm, typ, args.items(), None) };
        let Some(keywords) = keywords.downcast::<Dict>() else {
            return Err(wrong("kwargs argument must be a dict", &keywords));
        };
        let (mut all, mut keys) = (args.items().to_vec(), Vec::new());
        for (key, value) in keywords.pairs() {
            if key.downcast::<Str>().is_none() {
                return Err(vm.type_error("keywords must be strings"));
            }
            keys.push(key);
            all.push(value);
        }
        if keys.is_empty() {
            return new(vm, typ, &all, None);
        }
        new(vm, typ, &all, Some(&Tuple::from_values(keys)))
    }
}

impl Unpickler {
    /// The object of a module and a name.
    ///
    /// # Errors
    /// Those of the import, and `AttributeError`.
    pub(super) fn find_global(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult {
        audit::raise_event(vm, "pickle.find_class", || vec![module.to_value(), name.to_value()])?;
        let protocol = self.protocol.get();
        let (module, name) = if protocol < 3 && self.fix_imports.get() {
            renamed(vm, Direction::ToNew, module, name)?
        } else {
            (module.to_ref(), name.to_ref())
        };
        let found = loaded(vm, &module)?;
        if protocol < 4 {
            return vm.get_attribute(&found, &name);
        }
        let path = path_of(&name);
        match follow(vm, &found, &path) {
            Err(error) if error.is_attribute_error() && path.len() > 1 => {
                let (name, module) = (vm.repr(name.value())?, vm.repr(module.value())?);
                let (name, module) = (name.to_string_lossy(), module.to_string_lossy());
                let message = format!("Can't resolve path {name} on module {module}");
                Err(vm.bare_attribute_error(message).with_context(error))
            }
            found => found,
        }
    }
}

/// The error of an unpickler that was told nothing about persistent ids.
pub fn no_persistent_load(vm: &Vm) -> Exception {
    UnpicklingError::error(
        vm,
        "A load persistent id instruction was encountered, but no persistent_load function was specified.",
    )
}

/// An object of an old class: without arguments `__init__` is not called.
fn instantiate(vm: &Vm, class: &Value, args: &[Value]) -> PyResult {
    if args.is_empty()
        && class.downcast::<Type>().is_some()
        && vm.get_attribute_optional(class, &names::__getinitargs__)?.is_none()
    {
        return vm.call_method(class, &names::__new__, std::slice::from_ref(class));
    }
    vm.call(class, args)
}
