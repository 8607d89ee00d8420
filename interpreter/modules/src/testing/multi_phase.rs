//! `_testmultiphase`: modules that are initialised in several phases (PEP 489), for tests of imports.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::import::extension::single_phase;
use rspy_runtime::import::extension::{Answer, ExtensionFile, Initialized, Interpreters, Slot};
use rspy_runtime::native::NativeModule;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::namespace::Namespace;
use rspy_runtime::types::none::none;
use rspy_runtime::types::object;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::extensions::new_class;
use super::misbehaving;

/// The file.
pub const FILE: ExtensionFile = ExtensionFile::Exports {
    name: "_testmultiphase",
    symbols: &[
        ("PyInit__testmultiphase", |_| described(&MAIN)),
        ("PyInit_x", |_| described(&MAIN)),
        ("PyInit__testmultiphase_nonmodule", |_| described(&NO_MODULE)),
        ("PyInit__testmultiphase_nonmodule_with_methods", |_| described(&NO_MODULE_WITH_METHODS)),
        ("PyInit__testmultiphase_null_slots", |_| described(&NO_SLOTS)),
        ("PyInitU__testmultiphase_zkouka_naten_evc07gi8e", |_| described(&CZECH)),
        ("PyInitU_eckzbwbhc6jpgzcx415x", |_| described(&JAPANESE)),
        ("PyInit__test_non_isolated", |_| described(&MAIN_INTERPRETER_ALONE)),
        ("PyInit__test_shared_gil_only", |_| described(&SHARED_LOCK)),
        ("PyInit__test_no_multiple_interpreter_slot", |_| described(&NOTHING_SAID)),
        ("PyInit__testmultiphase_bad_slot_large", |_| described(&misbehaving::LARGE_SLOT)),
        ("PyInit__testmultiphase_bad_slot_negative", |_| described(&misbehaving::NEGATIVE_SLOT)),
        ("PyInit__testmultiphase_create_int_with_state", |_| described(&misbehaving::STATE_WITHOUT_MODULE)),
        ("PyInit__testmultiphase_negative_size", |_| described(&misbehaving::NEGATIVE_SIZE)),
        ("PyInit__testmultiphase_export_null", |_| Answer { result: None, raised: None }),
        ("PyInit__testmultiphase_export_uninitialized", |_| Ok(Initialized::Raw).into()),
        ("PyInit__testmultiphase_export_raise", |vm| Err(misbehaving::error(vm, "export")).into()),
        ("PyInit__testmultiphase_export_unreported_exception", |vm| Answer {
            result: Some(Initialized::Description(&MAIN)),
            raised: Some(misbehaving::error(vm, "export")),
        }),
        ("PyInit__testmultiphase_create_null", |_| described(&misbehaving::CREATES_NOTHING)),
        ("PyInit__testmultiphase_create_raise", |_| described(&misbehaving::CREATE_RAISES)),
        ("PyInit__testmultiphase_create_unreported_exception", |_| {
            described(&misbehaving::CREATE_RAISES_TOO)
        }),
        ("PyInit__testmultiphase_nonmodule_with_exec_slots", |_| described(&misbehaving::EXECUTES_NO_MODULE)),
        ("PyInit__testmultiphase_exec_err", |_| described(&misbehaving::EXECUTION_FAILS)),
        ("PyInit__testmultiphase_exec_raise", |_| described(&misbehaving::EXECUTION_RAISES)),
        ("PyInit__testmultiphase_exec_unreported_exception", |_| {
            described(&misbehaving::EXECUTION_RAISES_TOO)
        }),
        ("PyInit__testmultiphase_multiple_create_slots", |_| described(&misbehaving::CREATES_TWICE)),
        ("PyInit__testmultiphase_multiple_multiple_interpreters_slots", |_| {
            described(&misbehaving::SAYS_INTERPRETERS_TWICE)
        }),
        ("PyInit__test_module_state_shared", |vm| Ok(shared(vm)).into()),
    ],
};

fn described(description: &'static NativeModule) -> Answer<Initialized> {
    Ok(Initialized::Description(description)).into()
}

static MAIN: NativeModule = NativeModule {
    name: "main",
    doc: "Test module main",
    functions: &[Functions::FUNCTIONS],
    execute: fill,
    slots: &[Slot::Interpreters(Interpreters::Any)],
    ..NativeModule::EMPTY
};

static NO_SLOTS: NativeModule = NativeModule {
    name: "_testmultiphase_null_slots",
    doc: "Test module _testmultiphase_null_slots",
    ..NativeModule::EMPTY
};

static CZECH: NativeModule = NativeModule {
    name: "_testmultiphase_nonascii_latin",
    doc: "Module named in Czech",
    ..NativeModule::EMPTY
};

static JAPANESE: NativeModule = NativeModule {
    name: "_testmultiphase_nonascii_kana",
    doc: "Module named in Japanese",
    ..NativeModule::EMPTY
};

static MAIN_INTERPRETER_ALONE: NativeModule = NativeModule {
    name: "_test_non_isolated",
    doc: "Test module _test_non_isolated",
    functions: &[Functions::FUNCTIONS],
    execute: fill,
    slots: &[Slot::Interpreters(Interpreters::Main)],
    ..NativeModule::EMPTY
};

static SHARED_LOCK: NativeModule = NativeModule {
    name: "_test_shared_gil_only",
    doc: "Test module _test_shared_gil_only",
    functions: &[Functions::FUNCTIONS],
    execute: fill,
    slots: &[Slot::Interpreters(Interpreters::SharedLock)],
    ..NativeModule::EMPTY
};

static NOTHING_SAID: NativeModule = NativeModule {
    name: "_test_no_multiple_interpreter_slot",
    doc: "Test module _test_no_multiple_interpreter_slot",
    functions: &[Functions::FUNCTIONS],
    execute: fill,
    ..NativeModule::EMPTY
};

static NO_MODULE: NativeModule = NativeModule {
    name: "_testmultiphase_nonmodule",
    doc: "Test module _testmultiphase_nonmodule",
    slots: &[Slot::Create(create_namespace)],
    ..NativeModule::EMPTY
};

static NO_MODULE_WITH_METHODS: NativeModule = NativeModule {
    name: "_testmultiphase_nonmodule_with_methods",
    doc: "Test module _testmultiphase_nonmodule_with_methods",
    functions: &[Methods::FUNCTIONS],
    slots: &[Slot::Create(create_namespace)],
    ..NativeModule::EMPTY
};

/// A module of a single phase that has no description of its own but for its name.
static SHARED: NativeModule = NativeModule {
    name: "_test_module_state_shared",
    doc: "Regression Test module for single-phase init.",
    state_size: -1,
    ..NativeModule::EMPTY
};

fn shared(vm: &Vm) -> Initialized {
    let module = Module::from_native(vm, &SHARED);
    module.set(vm, "Error", PlainException::static_type().to_value());
    Initialized::Module(module)
}

/// Makes a namespace where a module is expected.
pub(super) fn create_namespace(vm: &Vm, _spec: &Value, description: &'static NativeModule) -> Answer<Value> {
    let own = [&NO_MODULE, &NO_MODULE_WITH_METHODS].iter().any(|known| std::ptr::eq(*known, description));
    if !own {
        return Err(vm.system_error("def does not match")).into();
    }
    let names = Dict::new();
    names.set_str(&vm.intern("three"), Value::int(3));
    Namespace::from_dict(vm, &names).into()
}

fn fill(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    module.set(vm, "Example", Example::static_type().to_value());
    let exception = PlainException::static_type().to_value();
    module.set(vm, "error", new_class(vm, "_testimportexec", "error", exception)?);
    module.set(vm, "Str", new_class(vm, "_testimportexec", "Str", Str::static_type().to_value())?);
    module.set_int(vm, "int_const", 1969);
    module.set_str(vm, "str_const", "something different");
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// foo(i,j)
    ///
    /// Return the sum of i and j.
    #[function("foo(i, j, /)")]
    fn foo(i: i64, j: i64) -> i64 {
        i.wrapping_add(j)
    }

    /// register_state(0): call PyState_FindModule()
    /// register_state(1): call PyState_AddModule()
    /// register_state(2): call PyState_RemoveModule()
    #[method("call_state_registration_func(module, i, /)")]
    fn call_state_registration_func(this: &Value, vm: &Vm, i: i32) -> PyResult {
        let description = this.downcast::<Module>().and_then(|module| module.native());
        let refused = match (description, i) {
            (Some(description), 0) => {
                return Ok(single_phase::module_of(vm, description).map_or_else(none, Ref::into_value));
            }
            (Some(_), 1) => "PyState_AddModule called on module with slots",
            (Some(_), 2) => "PyState_RemoveModule called on module with slots",
            _ => return Ok(none()),
        };
        Err(vm.system_error(refused))
    }
}

/// The methods of what is no module.
pub struct Methods;

#[pyfunctions]
impl Methods {
    /// bar(i,j)
    ///
    /// Return the difference of i - j.
    #[method("bar(module, i, j, /)")]
    fn bar(_this: &Value, i: i64, j: i64) -> i64 {
        i.wrapping_sub(j)
    }
}

/// The Example type
#[pyclass(name = "Example", module = "_testimportexec", tracked)]
pub struct Example {
    attributes: GilCell<Option<Ref<Dict>>>,
}

#[pymethods]
impl Example {
    #[slot(new)]
    fn new(
        _vm: &Vm,
        cls: &TypeObject,
        _args: &[Value],
        _names: rspy_runtime::slots::KeywordNames<'_>,
    ) -> PyResult {
        Ok(Object::with_type(cls, Example { attributes: GilCell::default() }).into_value())
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Example>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let own = this.attributes.borrow().as_ref().and_then(|attributes| attributes.get_str(name));
        match own {
            Some(value) => Ok(value),
            None => object::generic_get_attribute(vm, &this.as_value(), name),
        }
    }

    #[slot(setattribute)]
    fn setattribute(
        this: &Object<Example>,
        vm: &Vm,
        name: &Object<Str>,
        value: Option<&Value>,
    ) -> PyResult<()> {
        let attributes = this.attributes.borrow_mut().get_or_insert_with(Dict::new).clone();
        match value {
            Some(value) => attributes.set_str(name, value.clone()),
            None if attributes.remove_str(name).is_some() => {}
            None => {
                let message = "delete non-existing Example attribute";
                return Err(vm.attribute_error(message, &none(), name));
            }
        }
        Ok(())
    }

    /// demo() -> None
    #[method("demo(self, argument=None, /)")]
    fn demo(&self, argument: Option<&Value>) -> Option<Value> {
        argument.filter(|argument| argument.downcast::<Str>().is_some()).cloned()
    }
}
