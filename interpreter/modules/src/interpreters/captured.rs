//! What is left of an exception outside its interpreter: texts.

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import::import_module;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::namespace::Namespace;
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// A snapshot of an exception.
pub struct Captured {
    name: String,
    qualified_name: String,
    module: Option<String>,
    message: Option<String>,
    /// The traceback as it would be shown.
    pub display: Option<String>,
}

impl Captured {
    /// The snapshot of an exception in its own interpreter.
    pub fn of(vm: &Vm, error: &Exception) -> Captured {
        let class = error.type_of().to_value();
        let text = |name: &str| {
            let value = vm.get_attribute_str(&class, name).ok()?;
            Some(vm.str(&value).ok()?.to_string_lossy().into_owned())
        };
        let message = vm.str(error.value()).ok().map(|text| text.to_string_lossy().into_owned());
        Captured {
            name: text("__name__").unwrap_or_default(),
            qualified_name: text("__qualname__").unwrap_or_default(),
            module: text("__module__"),
            message,
            display: display(vm, error).ok(),
        }
    }

    /// The last line of the traceback.
    pub fn formatted(&self) -> String {
        let module = self.module.as_deref().filter(|module| !matches!(*module, "builtins" | "__main__"));
        let name = match module {
            Some(module) => format!("{module}.{}", self.qualified_name),
            None => self.qualified_name.clone(),
        };
        match &self.message {
            Some(message) => format!("{name}: {message}"),
            None => name,
        }
    }

    /// The snapshot as Python sees it.
    ///
    /// # Errors
    /// Comparing keys raises nothing, so none.
    pub fn to_namespace(&self, vm: &Vm) -> PyResult {
        let optional = |text: &Option<String>| text.as_ref().map_or_else(none, |text| vm.new_str(text));
        let class = namespace(
            vm,
            [
                ("__name__", vm.new_str(&self.name)),
                ("__qualname__", vm.new_str(&self.qualified_name)),
                ("__module__", optional(&self.module)),
            ],
        )?;
        namespace(
            vm,
            [
                ("type", class),
                ("msg", optional(&self.message)),
                ("formatted", vm.new_str(&self.formatted())),
                ("errdisplay", optional(&self.display)),
            ],
        )
    }

    /// An exception that stands for the captured one where only its text matters.
    pub fn to_exception(&self, vm: &Vm) -> Exception {
        let text = self.display.clone().unwrap_or_else(|| self.formatted());
        vm.new_exception(plain_exception(), text)
    }
}

fn plain_exception() -> &'static rspy_runtime::object::TypeObject {
    <rspy_runtime::exceptions::hierarchy::PlainException as rspy_runtime::object::Payload>::static_type()
}

/// A `types.SimpleNamespace`.
pub fn namespace<const N: usize>(vm: &Vm, attributes: [(&str, Value); N]) -> PyResult {
    let dict = Dict::new();
    for (name, value) in attributes {
        dict.set_str(&vm.intern(name), value);
    }
    Namespace::from_dict(vm, &dict)
}

fn display(vm: &Vm, error: &Exception) -> PyResult<String> {
    let traceback = import_module(vm, "traceback")?;
    let class = vm.get_attribute_str(&traceback, "TracebackException")?;
    let snapshot = vm.call_method_str(&class, "from_exception", std::slice::from_ref(error.value()))?;
    let lines = vm.call_method_str(&snapshot, "format", &[])?;
    let mut text = String::new();
    for line in vm.collect(&lines)? {
        text.push_str(&vm.str(&line)?.to_string_lossy());
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
