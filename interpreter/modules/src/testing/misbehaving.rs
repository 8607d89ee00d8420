//! Modules of `_testmultiphase` that break the rules of PEP 489, each in its own way.

use rspy_runtime::exceptions::Exception;
use rspy_runtime::import::extension::{Answer, Interpreters, Slot};
use rspy_runtime::native::NativeModule;
use rspy_runtime::types::module::Module;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::multi_phase::create_namespace;

/// What a function of such a module raises.
pub fn error(vm: &Vm, function: &str) -> Exception {
    vm.system_error(format!("bad {function} function"))
}

/// Declares modules by their names and slots.
macro_rules! modules {
    ($($(#[$meta:meta])* $module:ident $name:literal $slots:expr;)*) => {
        $(
            $(#[$meta])*
            pub static $module: NativeModule = NativeModule {
                name: concat!("_testmultiphase_", $name),
                doc: concat!("Test module _testmultiphase_", $name),
                slots: $slots,
                ..NativeModule::EMPTY
            };
        )*
    };
}

/// The number behind the last slot that CPython knows.
const UNKNOWN_SLOT: i32 = 5;

modules! {
    /// Has a slot that there is not.
    LARGE_SLOT "bad_slot_large" &[Slot::Other(UNKNOWN_SLOT)];
    /// Has a slot that there cannot be.
    NEGATIVE_SLOT "bad_slot_negative" &[Slot::Other(-1)];
    /// Makes nothing and says nothing.
    CREATES_NOTHING "create_null" &[Slot::Create(|_, _, _| Answer { result: None, raised: None })];
    /// Raises instead of making a module.
    CREATE_RAISES "create_null" &[Slot::Create(|vm, _, _| Err(error(vm, "create")).into())];
    /// Raises although it makes a module.
    CREATE_RAISES_TOO "create_unreported_exception" &[Slot::Create(|vm, _, _| Answer {
        result: Some(new_module(vm, "foo")),
        raised: Some(error(vm, "create")),
    })];
    /// Wants to run what is no module.
    EXECUTES_NO_MODULE "nonmodule_with_exec_slots" &[
        Slot::Create(create_namespace),
        Slot::Execute(|_, _| Ok(()).into()),
        Slot::Interpreters(Interpreters::Any),
    ];
    /// Fails and does not say why.
    EXECUTION_FAILS "exec_err" &[
        Slot::Execute(|_, _| Answer { result: None, raised: None }),
        Slot::Interpreters(Interpreters::Any),
    ];
    /// Fails.
    EXECUTION_RAISES "exec_raise" &[
        Slot::Execute(|vm, _| Err(error(vm, "exec")).into()),
        Slot::Interpreters(Interpreters::Any),
    ];
    /// Raises although it says that all is well.
    EXECUTION_RAISES_TOO "exec_unreported_exception" &[
        Slot::Execute(|vm, _| Answer { result: Some(()), raised: Some(error(vm, "exec")) }),
        Slot::Interpreters(Interpreters::Any),
    ];
    /// Has two ways to be made.
    CREATES_TWICE "multiple_create_slots" &[Slot::Create(create_spam), Slot::Create(create_spam)];
    /// Says twice where it can be imported.
    SAYS_INTERPRETERS_TWICE "multiple_multiple_interpreters_slots" &[
        Slot::Interpreters(Interpreters::Any), Slot::Interpreters(Interpreters::Any),
    ];
}

/// Has state, but not of a module.
pub static STATE_WITHOUT_MODULE: NativeModule = NativeModule {
    name: "create_with_state",
    doc: "Not a PyModuleObject object, but requests per-module state",
    slots: &[Slot::Create(create_namespace)],
    state_size: 10,
    ..NativeModule::EMPTY
};

/// Has less than no state.
pub static NEGATIVE_SIZE: NativeModule = NativeModule {
    name: "negative_size",
    doc: "PyModuleDef with negative m_size",
    slots: &[Slot::Create(create_namespace)],
    state_size: -1,
    ..NativeModule::EMPTY
};

fn new_module(vm: &Vm, name: &str) -> Value {
    Module::new(vm, name).into_value()
}

fn create_spam(vm: &Vm, _spec: &Value, _description: &'static NativeModule) -> Answer<Value> {
    Ok(new_module(vm, "spam")).into()
}
