//! Writing objects that no opcode is made for: by the function that makes them anew (PEP 307), by persistent ids, or
//! by their names.

use rspy_runtime::codecs::errors::Errors;
use rspy_runtime::codecs::single::encode_ascii;
use rspy_runtime::codecs::utf8;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import::import_module;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{ellipsis, is_none, is_not_implemented, none, not_implemented};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::{Noted, PicklingError, type_name};
use super::opcodes::*;
use super::pickler::Pickler;
use super::registry::{Direction, global, renamed};

impl Pickler {
    /// Writes the persistent id of a value, if it has one.
    pub(super) fn save_persistent(&self, vm: &Vm, value: &Value) -> PyResult<bool> {
        let Some(function) = self.persistent_id.get() else { return Ok(false) };
        let id = vm.call(&function, std::slice::from_ref(value))?;
        if is_none(&id) {
            return Ok(false);
        }
        if self.binary.get() != 0 {
            self.save(vm, &id, false)?;
            self.output.borrow_mut().byte(BINPERSID);
            return Ok(true);
        }
        let text = vm.str(&id)?;
        let Some(ascii) = text.as_ascii() else {
            return Err(PicklingError::error(vm, "persistent IDs in protocol 0 must be ASCII strings"));
        };
        let mut output = self.output.borrow_mut();
        output.byte(PERSID);
        output.write(ascii.as_bytes());
        output.byte(b'\n');
        Ok(true)
    }

    /// Writes an object of no builtin type.
    pub(super) fn save_other(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let reducer = self.reducer.get();
        if let Some(reducer) = reducer {
            let reduced = vm.call(&reducer, std::slice::from_ref(object))?;
            if !is_not_implemented(&reduced) {
                return self.save_reduced(vm, &reduced, object);
            }
        }
        if let Some(saved) = self.save_class_or_function(vm, object) {
            return saved;
        }
        let class = object.type_of().to_value();
        let registered = match self.dispatch_table.get() {
            None => self.shared_dispatch(vm)?.get(vm, &class)?,
            Some(table) => match table.downcast_exact::<Dict>() {
                Some(table) => table.get(vm, &class)?,
                None => optional_item(vm, &table, &class)?,
            },
        };
        let reduced = if let Some(function) = registered {
            vm.call(&function, std::slice::from_ref(object))?
        } else if object.downcast::<Type>().is_some() {
            return self.save_global(vm, object, None);
        } else if self.save_plain(vm, object)? {
            return Ok(());
        } else {
            self.reduce(vm, object)?
        };
        self.save_reduced(vm, &reduced, object)
    }

    /// What an object's own methods reduce it to.
    fn reduce(&self, vm: &Vm, object: &Value) -> PyResult {
        let protocol = Value::int(i32::from(self.protocol.get()));
        match vm.get_method(object, &names::__reduce_ex__) {
            Ok((method, true)) => return vm.call_with_first(&method, object, &[protocol]),
            Ok((method, false)) => return vm.call(&method, &[protocol]),
            Err(error) if error.is_attribute_error() => {}
            Err(error) => return Err(error),
        }
        match vm.get_attribute_optional(object, &names::__reduce__)? {
            Some(method) => vm.call(&method, &[]),
            None => Err(PicklingError::error(vm, format!("Can't pickle {} object", type_name(vm, object)))),
        }
    }

    /// Writes what reducing an object gave: its name, or how to make it.
    fn save_reduced(&self, vm: &Vm, reduced: &Value, object: &Value) -> PyResult<()> {
        if let Some(name) = reduced.downcast::<Str>() {
            return self.save_global(vm, object, Some(name));
        }
        let saved = match reduced.downcast::<Tuple>() {
            Some(parts) => self.save_reduction(vm, parts.items(), Some(object)),
            None => Err(PicklingError::error(
                vm,
                format!("__reduce__ must return a string or tuple, not {}", type_name(vm, reduced)),
            )),
        };
        saved.noted(vm, object, || "object".to_owned())
    }

    /// Writes a function with its arguments and what is to be done with the result: function, arguments, state, list
    /// items, dict items, state setter.
    ///
    /// # Errors
    /// `PicklingError` where the parts are not what they should be, and what pickling raises.
    pub(super) fn save_reduction(&self, vm: &Vm, parts: &[Value], object: Option<&Value>) -> PyResult<()> {
        let fail = |message: String| PicklingError::error(vm, message);
        if !(2..=6).contains(&parts.len()) {
            return Err(fail("tuple returned by __reduce__ must contain 2 through 6 elements".to_owned()));
        }
        let part = |index: usize| parts.get(index).filter(|part| !is_none(part));
        let (function, args) = (&parts[0], &parts[1]);
        let wrong = |which: &str, what: &str, got: &Value| {
            let got = type_name(vm, got);
            fail(format!("{which} item of the tuple returned by __reduce__ must be {what}, not {got}"))
        };
        if !vm.is_callable(function) {
            return Err(wrong("first", "callable", function));
        }
        let Some(args) = args.downcast::<Tuple>() else { return Err(wrong("second", "a tuple", args)) };
        let is_iterator = |value: &Value| value.type_of().slots().next.get().is_some();
        let (list_items, dict_items, setter) = (part(3), part(4), part(5));
        if let Some(items) = list_items.filter(|items| !is_iterator(items)) {
            return Err(wrong("fourth", "an iterator", items));
        }
        if let Some(items) = dict_items.filter(|items| !is_iterator(items)) {
            return Err(wrong("fifth", "an iterator", items));
        }
        if let Some(setter) = setter.filter(|setter| !vm.is_callable(setter)) {
            return Err(wrong("sixth", "callable", setter));
        }
        self.save_call(vm, function, args, object)?;
        let nothing = none();
        let noted = object.unwrap_or(&nothing);
        if let Some(object) = object {
            // An object that contains itself has been written meanwhile: that one counts.
            if self.save_known_instead(object) {
                return Ok(());
            }
            self.memoize(object);
        }
        if let Some(items) = list_items {
            self.save_items(vm, items, noted)?;
        }
        if let Some(items) = dict_items {
            self.save_pairs(vm, items, noted)?;
        }
        match (part(2), setter) {
            (None, _) => {}
            (Some(state), None) => {
                self.save(vm, state, true).noted(vm, noted, || "state".to_owned())?;
                self.output.borrow_mut().byte(BUILD);
            }
            (Some(state), Some(setter)) => {
                self.save(vm, setter, true).noted(vm, noted, || "state setter".to_owned())?;
                self.save(vm, noted, true)?;
                self.save(vm, state, true).noted(vm, noted, || "state".to_owned())?;
                self.output.borrow_mut().write(&[TUPLE2, REDUCE, POP]);
            }
        }
        Ok(())
    }

    /// Writes the call that makes an object: of `__new__` of its class, or of another function.
    fn save_call(&self, vm: &Vm, function: &Value, args: &Object<Tuple>, object: Option<&Value>) -> PyResult<()> {
        if self.protocol.get() >= 2 {
            let name = vm.get_attribute_optional(function, &names::__name__)?;
            let name = name.as_ref().and_then(|name| name.downcast::<Str>());
            if name.is_some_and(|name| name.equals_str("__newobj_ex__")) {
                return self.save_new_with_keywords(vm, args.items(), object);
            }
            if name.is_some_and(|name| name.equals_str("__newobj__")) {
                return self.save_new(vm, args.items(), object);
            }
        }
        let nothing = none();
        let noted = object.unwrap_or(&nothing);
        self.save(vm, function, true).noted(vm, noted, || "reconstructor".to_owned())?;
        self.save(vm, &args.as_value(), true).noted(vm, noted, || "reconstructor arguments".to_owned())?;
        self.output.borrow_mut().byte(REDUCE);
        Ok(())
    }

    /// `__newobj__(class, *args)`.
    fn save_new(&self, vm: &Vm, args: &[Value], object: Option<&Value>) -> PyResult<()> {
        let Some((class, args)) = args.split_first() else {
            return Err(PicklingError::error(vm, "__newobj__ expected at least 1 argument, got 0"));
        };
        check_class(vm, "__newobj__", class, object)?;
        let nothing = none();
        let noted = object.unwrap_or(&nothing);
        self.save(vm, class, true).noted(vm, noted, || "class".to_owned())?;
        let args = Tuple::from_slice(args).into_value();
        self.save(vm, &args, true).noted(vm, noted, || "__new__ arguments".to_owned())?;
        self.output.borrow_mut().byte(NEWOBJ);
        Ok(())
    }

    /// `__newobj_ex__(class, args, keywords)`.
    fn save_new_with_keywords(&self, vm: &Vm, args: &[Value], object: Option<&Value>) -> PyResult<()> {
        let fail = |message: String| PicklingError::error(vm, message);
        let [class, args, keywords] = args else {
            return Err(fail(format!("__newobj_ex__ expected 3 arguments, got {}", args.len())));
        };
        check_class(vm, "__newobj_ex__", class, object)?;
        let wrong = |which: &str, what: &str, got: &Value| {
            let got = type_name(vm, got);
            fail(format!("{which} argument to __newobj_ex__() must be {what}, not {got}"))
        };
        let Some(positional) = args.downcast::<Tuple>() else { return Err(wrong("second", "a tuple", args)) };
        let Some(named) = keywords.downcast::<Dict>() else { return Err(wrong("third", "a dict", keywords)) };
        let nothing = none();
        let noted = object.unwrap_or(&nothing);
        if self.protocol.get() >= 4 {
            self.save(vm, class, true).noted(vm, noted, || "class".to_owned())?;
            for part in [args, keywords] {
                self.save(vm, part, true).noted(vm, noted, || "__new__ arguments".to_owned())?;
            }
            self.output.borrow_mut().byte(NEWOBJ_EX);
            return Ok(());
        }
        // `functools.partial(class.__new__, class, *args, **keywords)()` does the same.
        let mut all = vec![vm.get_attribute(class, &names::__new__)?, class.clone()];
        all.extend_from_slice(positional.items());
        let partial = vm.call_with_dict(&global(vm, "functools", "partial")?, &all, named)?;
        self.save(vm, &partial, true).noted(vm, noted, || "reconstructor".to_owned())?;
        self.save(vm, &Tuple::empty().into_value(), true)?;
        self.output.borrow_mut().byte(REDUCE);
        Ok(())
    }

    // ----- names -----

    /// Writes a class of plain type `type`.
    pub(super) fn save_type(&self, vm: &Vm, class: &Value) -> PyResult<()> {
        for single in [none(), not_implemented(), ellipsis()] {
            if single.type_of().is(class) {
                let args = Tuple::from_values([single]).into_value();
                return self.save_reduction(vm, &[Type::static_type().to_value(), args], Some(class));
            }
        }
        self.save_global(vm, class, None)
    }

    /// Writes a class, function or other object by the module and name where it is found.
    pub(super) fn save_global(&self, vm: &Vm, object: &Value, name: Option<&Object<Str>>) -> PyResult<()> {
        let name = match name {
            Some(name) => name.to_ref(),
            None => own_name(vm, object)?,
        };
        let module = module_of(vm, object, &name)?;
        if self.protocol.get() >= 2 && self.save_extension(vm, object, &module, &name)? {
            return Ok(());
        }
        if self.protocol.get() >= 4 {
            self.save(vm, module.value(), true)?;
            self.save(vm, name.value(), true)?;
            self.output.borrow_mut().byte(STACK_GLOBAL);
        } else {
            self.save_dotted(vm, &module, &name)?;
        }
        self.memoize(object);
        Ok(())
    }

    /// Protocols before 4 know names without dots; what lies below is got with `getattr`.
    fn save_dotted(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult<()> {
        let parts = path_of(name);
        let Some((first, inner)) = parts.split_first() else { return Ok(()) };
        let getattr = global(vm, "builtins", "getattr")?;
        for _ in inner {
            self.save(vm, &getattr, true)?;
            if self.protocol.get() < 2 {
                self.output.borrow_mut().byte(MARK);
            }
        }
        self.save_plain_name(vm, module, first)?;
        for part in inner {
            self.save(vm, part.value(), true)?;
            let tuple = if self.protocol.get() < 2 { TUPLE } else { TUPLE2 };
            self.output.borrow_mut().write(&[tuple, REDUCE]);
        }
        Ok(())
    }

    fn save_plain_name(&self, vm: &Vm, module: &Object<Str>, name: &Object<Str>) -> PyResult<()> {
        let (module, name) = if self.fix_imports.get() {
            renamed(vm, Direction::ToOld, module, name)?
        } else {
            (module.to_ref(), name.to_ref())
        };
        let line = |text: &Object<Str>, what: &str| {
            let protocol = self.protocol.get();
            let encode = if protocol >= 3 { utf8::encode } else { encode_ascii };
            let error = match encode(vm, text, &Errors::strict()) {
                Err(error) if error.is_unicode_encode_error() => error,
                encoded => return encoded,
            };
            let shown = vm.repr(&text.as_value())?;
            let shown = shown.to_string_lossy();
            let message = format!("can't pickle {what} identifier {shown} using pickle protocol {protocol}");
            Err(PicklingError::error(vm, message).with_context(error))
        };
        let (module, name) = (line(&module, "module")?, line(&name, "global")?);
        let mut output = self.output.borrow_mut();
        output.byte(GLOBAL);
        output.write(&module);
        output.byte(b'\n');
        output.write(&name);
        output.byte(b'\n');
        Ok(())
    }

    /// Writes the number that `copyreg.add_extension` gave to an object, if it gave one.
    fn save_extension(
        &self,
        vm: &Vm,
        object: &Value,
        module: &Object<Str>,
        name: &Object<Str>,
    ) -> PyResult<bool> {
        let extensions = self.extensions(vm)?;
        if extensions.is_empty() {
            return Ok(false);
        }
        let key = Tuple::from_values([module.to_value(), name.to_value()]).into_value();
        let Some(code) = extensions.get(vm, &key)? else { return Ok(false) };
        if !int::is_int(&code) {
            let (object, code) = (vm.repr(object)?, vm.repr(&code)?);
            return Err(PicklingError::error(
                vm,
                format!(
                    "Can't pickle {}: extension code {} isn't an integer",
                    object.to_string_lossy(),
                    code.to_string_lossy()
                ),
            ));
        }
        let code = int::small_value(&code).unwrap_or(0);
        let mut output = self.output.borrow_mut();
        match code {
            1..=0xff => output.opcode(EXT1, [code as u8]),
            0x100..=0xffff => output.opcode(EXT2, (code as u16).to_le_bytes()),
            0x1_0000..=0x7fff_ffff => output.opcode(EXT4, (code as i32).to_le_bytes()),
            _ => return Err(vm.runtime_error(format!("extension code {code} is out of range"))),
        }
        Ok(true)
    }
}

/// The item of a mapping, if it has one.
fn optional_item(vm: &Vm, mapping: &Value, key: &Value) -> PyResult<Option<Value>> {
    match vm.get_item(mapping, key) {
        Ok(item) => Ok(Some(item)),
        Err(error) if error.is_key_error() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks the class that an object is to be made of.
fn check_class(vm: &Vm, function: &str, class: &Value, object: Option<&Value>) -> PyResult<()> {
    if class.downcast::<Type>().is_none() {
        let got = type_name(vm, class);
        let message = format!("first argument to {function}() must be a class, not {got}");
        return Err(PicklingError::error(vm, message));
    }
    let Some(object) = object else { return Ok(()) };
    let own = vm.get_attribute_optional(object, &names::__class__)?;
    let own = own.unwrap_or_else(|| object.type_of().to_value());
    if own.is(class) {
        return Ok(());
    }
    let (own, class) = (vm.repr(&own)?, vm.repr(class)?);
    Err(PicklingError::error(
        vm,
        format!(
            "first argument to {function}() must be {}, not {}",
            own.to_string_lossy(),
            class.to_string_lossy()
        ),
    ))
}

/// `__qualname__`, or else `__name__`.
fn own_name(vm: &Vm, object: &Value) -> PyResult<Ref<Str>> {
    let name = match vm.get_attribute_optional(object, &names::__qualname__)? {
        Some(name) => name,
        None => vm.get_attribute(object, &names::__name__)?,
    };
    name.downcast_into::<Str>().map_err(|other| {
        vm.type_error(format!("expected string or bytes-like object, got '{}'", other.type_of().full_name()))
    })
}

/// The parts of a dotted name.
pub(super) fn path_of(name: &Object<Str>) -> Vec<Ref<Str>> {
    let characters: Vec<u32> = name.characters().to_vec();
    characters.split(|&c| c == u32::from(b'.')).map(Str::from_code_points).collect()
}

/// What a dotted name means in an object.
///
/// # Errors
/// `AttributeError`.
pub(super) fn follow(vm: &Vm, object: &Value, path: &[Ref<Str>]) -> PyResult {
    path.iter().try_fold(object.clone(), |at, name| vm.get_attribute(&at, name))
}

/// The same, `None` where there is no such attribute.
fn follow_optional(vm: &Vm, object: &Value, path: &[Ref<Str>]) -> PyResult<Option<Value>> {
    let mut at = object.clone();
    for name in path {
        match vm.get_attribute_optional(&at, name)? {
            Some(inner) => at = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn unpicklable(vm: &Vm, object: &Value, why: &str) -> Exception {
    match vm.repr(object) {
        Ok(shown) => PicklingError::error(vm, format!("Can't pickle {}{why}", shown.to_string_lossy())),
        Err(error) => error,
    }
}

/// The module where an object is found by its name, checked.
fn module_of(vm: &Vm, object: &Value, name: &Object<Str>) -> PyResult<Ref<Str>> {
    let path = path_of(name);
    let claimed = vm.get_attribute_optional(object, &names::__module__)?.filter(|module| !is_none(module));
    if path.iter().any(|part| part.equals_str("<locals>")) {
        return Err(match vm.repr(object) {
            Ok(shown) => {
                PicklingError::error(vm, format!("Can't pickle local object {}", shown.to_string_lossy()))
            }
            Err(error) => error,
        });
    }
    let claimed = match claimed {
        Some(claimed) => claimed,
        None => match search(vm, object, &path)? {
            Some(found) => return Ok(found),
            None => vm.new_str("__main__"),
        },
    };
    let Some(module_name) = claimed.downcast::<Str>() else {
        return Err(vm.type_error("module name must be a string"));
    };
    let module = match loaded(vm, module_name) {
        Ok(module) => module,
        Err(error) if error.is_import_error() || error.is_value_error() || error.is_key_error() => {
            let shown = vm.str(error.value())?;
            let raised = unpicklable(vm, object, &format!(": {}", shown.to_string_lossy()));
            return Err(raised.with_context(error));
        }
        Err(error) => return Err(error),
    };
    let place = format!("{}.{}", module_name.to_string_lossy(), name.to_string_lossy());
    match follow(vm, &module, &path) {
        Ok(found) if found.is(object) => Ok(module_name.to_ref()),
        Ok(_) => Err(unpicklable(vm, object, &format!(": it's not the same object as {place}"))),
        Err(error) if error.is_attribute_error() => {
            Err(unpicklable(vm, object, &format!(": it's not found as {place}")).with_context(error))
        }
        Err(error) => Err(error),
    }
}

/// A module by its name, imported if need be.
pub(super) fn loaded(vm: &Vm, name: &Object<Str>) -> PyResult {
    if let Some(module) = vm.interpreter.modules.get(vm, &name.as_value())?.filter(|module| !is_none(module)) {
        return Ok(module);
    }
    if name.length() == 0 {
        return Err(vm.value_error("Empty module name"));
    }
    match name.as_utf8() {
        Some(name) => import_module(vm, &name),
        None => {
            let shown = vm.repr(&name.as_value())?;
            Err(vm.module_not_found_error(
                format!("No module named {}", shown.to_string_lossy()),
                Some(&name.as_value()),
            ))
        }
    }
}

/// Looks for an object that does not tell its module in all that are loaded.
fn search(vm: &Vm, object: &Value, path: &[Ref<Str>]) -> PyResult<Option<Ref<Str>>> {
    for (name, module) in vm.interpreter.modules.copy().pairs() {
        let Some(name) = name.downcast::<Str>() else { continue };
        if name.equals_str("__main__") || name.equals_str("__mp_main__") || is_none(&module) {
            continue;
        }
        if follow_optional(vm, &module, path)?.is_some_and(|found| found.is(object)) {
            return Ok(Some(name.to_ref()));
        }
    }
    Ok(None)
}
