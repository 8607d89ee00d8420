//! How error messages about calls name the callable: `module.qualname()`.

use crate::names;
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// The callable's text in a message; whatever goes wrong on the way is passed over.
pub fn callable_text(vm: &Vm, callable: &Value) -> String {
    let Ok(Some(qualified_name)) = vm.get_attribute_optional(callable, &names::__qualname__) else {
        return text_of(vm, callable);
    };
    let name = text_of(vm, &qualified_name);
    match vm.get_attribute_optional(callable, &names::__module__) {
        Ok(Some(module)) if !is_none(&module) && !is_builtins(&module) => {
            format!("{}.{name}()", text_of(vm, &module))
        }
        _ => format!("{name}()"),
    }
}

fn is_builtins(module: &Value) -> bool {
    module.downcast::<Str>().is_some_and(|module| module.equals_str("builtins"))
}

fn text_of(vm: &Vm, value: &Value) -> String {
    vm.str(value).map_or_else(|_| value.type_of().name(), |text| text.to_string_lossy().into_owned())
}
