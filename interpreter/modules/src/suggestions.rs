//! `_suggestions`: the name nearest to a mistyped one.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{PyResult, suggestions};
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_suggestions",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Returns the candidate in candidates that's closest to item.
    #[function("_generate_suggestions(candidates, item, /)")]
    fn generate_suggestions(vm: &Vm, candidates: &Value, item: &Object<Str>) -> PyResult<Option<String>> {
        let Some(list) = candidates.downcast_exact::<List>() else {
            return Err(vm.type_error("candidates must be a list"));
        };
        let mut names = Vec::new();
        for candidate in list.to_vec() {
            match candidate.downcast::<Str>() {
                Some(name) => names.push(name.to_string_lossy().into_owned()),
                None => return Err(vm.type_error("all elements in 'candidates' must be strings")),
            }
        }
        Ok(suggestions::closest(&names, &item.to_string_lossy()))
    }
}
