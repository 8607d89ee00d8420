//! Configurations of interpreters as Python sees them: namespaces with the fields of [`Features`].

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::interpreters::Features;
use rspy_runtime::object::Object;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::captured::namespace;

/// The configuration of a name.
fn named(vm: &Vm, name: &str) -> PyResult<Features> {
    match name {
        "" | "default" | "isolated" => Ok(Features::isolated()),
        "legacy" => Ok(Features::unrestricted("shared")),
        "empty" => Ok(Features {
            use_main_obmalloc: false,
            allow_fork: false,
            allow_exec: false,
            allow_threads: false,
            allow_daemon_threads: false,
            check_multi_interp_extensions: false,
            gil: "default".to_owned(),
        }),
        _ => Err(vm.value_error(format!("unsupported config name '{name}'"))),
    }
}

/// Whether an interpreter can be made so. One that shares no memory with the main one must refuse modules that could.
pub fn is_viable(features: &Features) -> bool {
    features.use_main_obmalloc || features.check_multi_interp_extensions
}

/// The configuration as a `types.SimpleNamespace`.
///
/// # Errors
/// None: its keys compare by themselves.
pub fn to_namespace(vm: &Vm, features: &Features) -> PyResult {
    namespace(
        vm,
        [
            ("use_main_obmalloc", bool::boolean(features.use_main_obmalloc)),
            ("allow_fork", bool::boolean(features.allow_fork)),
            ("allow_exec", bool::boolean(features.allow_exec)),
            ("allow_threads", bool::boolean(features.allow_threads)),
            ("allow_daemon_threads", bool::boolean(features.allow_daemon_threads)),
            ("check_multi_interp_extensions", bool::boolean(features.check_multi_interp_extensions)),
            ("gil", vm.new_str(&features.gil)),
        ],
    )
}

/// Replaces the fields that a dict has; with `all` it must have each.
fn update(vm: &Vm, features: &mut Features, dict: &Object<Dict>, all: bool) -> PyResult<()> {
    let rest = Dict::new();
    for (name, value) in dict.pairs() {
        rest.set(vm, &name, value)?;
    }
    let take = |name: &str| match rest.remove_str(&vm.intern(name)) {
        None if all => Err(vm.value_error(format!("missing config key: {name}"))),
        value => Ok(value),
    };
    let wrong = |name: &str| vm.type_error(format!("invalid config type: {name}"));
    let flags: [(&str, &mut bool); 6] = [
        ("use_main_obmalloc", &mut features.use_main_obmalloc),
        ("allow_fork", &mut features.allow_fork),
        ("allow_exec", &mut features.allow_exec),
        ("allow_threads", &mut features.allow_threads),
        ("allow_daemon_threads", &mut features.allow_daemon_threads),
        ("check_multi_interp_extensions", &mut features.check_multi_interp_extensions),
    ];
    for (name, field) in flags {
        if let Some(value) = take(name)? {
            *field = bool::as_bool(&value).ok_or_else(|| wrong(name))?;
        }
    }
    if let Some(value) = take("gil")? {
        let text = value.downcast::<Str>().ok_or_else(|| wrong("gil"))?.to_string_lossy().into_owned();
        if !matches!(text.as_str(), "default" | "shared" | "own") {
            return Err(vm.value_error(format!("unsupported interpreter config .gil value '{text}'")));
        }
        features.gil = text;
    }
    if !rest.is_empty() {
        let count = rest.len();
        let plural = if count == 1 { "" } else { "s" };
        let shown = vm.repr(rest.value())?;
        let shown = shown.to_string_lossy();
        return Err(vm.value_error(format!("config dict has {count} extra item{plural} ({shown})")));
    }
    Ok(())
}

/// The configuration that an argument stands for: nothing, a name, or an object with the fields.
///
/// # Errors
/// `TypeError` and `ValueError` where it is none.
pub fn of_object(vm: &Vm, config: Option<&Value>) -> PyResult<Features> {
    let Some(config) = config else { return Ok(Features::isolated()) };
    if let Some(name) = config.downcast::<Str>() {
        return named(vm, &name.to_utf8(vm)?);
    }
    let dict = vm.get_attribute_optional(config, &vm.intern("__dict__"))?;
    let Some(dict) = dict.as_ref().and_then(|dict| dict.downcast::<Dict>()) else {
        let shown = vm.repr(config)?;
        return Err(vm.type_error(format!("bad config {}", shown.to_string_lossy())));
    };
    let mut features = named(vm, "empty")?;
    update(vm, &mut features, dict, true)?;
    Ok(features)
}

/// The configuration that `new_config` is asked for.
///
/// # Errors
/// `TypeError` and `ValueError` where the arguments do not fit.
pub fn of_call(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Features> {
    let (positional, keywords) = rspy_runtime::arguments::KeywordArguments::of_call(args, names);
    let mut features = match positional {
        [] => Features::isolated(),
        [name] => {
            let Some(name) = name.downcast::<Str>() else {
                let class = name.type_of().full_name();
                let text = format!("_interpreters.new_config() argument 1 must be str, not {class}");
                return Err(vm.type_error(text));
            };
            named(vm, &name.to_string_lossy())?
        }
        more => {
            let text = format!("_interpreters.new_config() takes at most 1 argument ({} given)", more.len());
            return Err(vm.type_error(text));
        }
    };
    let overrides = Dict::new();
    for (name, value) in keywords.iter() {
        overrides.set(vm, name, value.clone())?;
    }
    update(vm, &mut features, &overrides, false)?;
    Ok(features)
}
