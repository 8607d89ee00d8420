//! `_locale`: the conventions of the locale. A static executable has the C library's "C" and "POSIX" locales and the
//! encoding of "C.UTF-8"; other locales need files that it must not depend on.

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{PyResult, hierarchy};
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_locale",
    doc: "Support for POSIX locales.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

/// The categories of a locale, by number.
const CATEGORIES: [(&str, i32); 7] = [
    ("LC_CTYPE", 0),
    ("LC_NUMERIC", 1),
    ("LC_TIME", 2),
    ("LC_COLLATE", 3),
    ("LC_MONETARY", 4),
    ("LC_MESSAGES", 5),
    ("LC_ALL", 6),
];

/// What `nl_langinfo` knows of the locale "C": name, number, text.
const ITEMS: &[(&str, i32, &str)] = &[
    ("ABDAY_1", 131072, "Sun"), ("ABDAY_2", 131073, "Mon"), ("ABDAY_3", 131074, "Tue"),
    ("ABDAY_4", 131075, "Wed"), ("ABDAY_5", 131076, "Thu"), ("ABDAY_6", 131077, "Fri"),
    ("ABDAY_7", 131078, "Sat"), ("ABMON_1", 131086, "Jan"), ("ABMON_10", 131095, "Oct"),
    ("ABMON_11", 131096, "Nov"), ("ABMON_12", 131097, "Dec"), ("ABMON_2", 131087, "Feb"),
    ("ABMON_3", 131088, "Mar"), ("ABMON_4", 131089, "Apr"), ("ABMON_5", 131090, "May"),
    ("ABMON_6", 131091, "Jun"), ("ABMON_7", 131092, "Jul"), ("ABMON_8", 131093, "Aug"),
    ("ABMON_9", 131094, "Sep"), ("ALT_DIGITS", 131119, ""), ("AM_STR", 131110, "AM"),
    ("CODESET", 14, "ANSI_X3.4-1968"), ("CRNCYSTR", 262159, "-"), ("DAY_1", 131079, "Sunday"),
    ("DAY_2", 131080, "Monday"), ("DAY_3", 131081, "Tuesday"), ("DAY_4", 131082, "Wednesday"),
    ("DAY_5", 131083, "Thursday"), ("DAY_6", 131084, "Friday"), ("DAY_7", 131085, "Saturday"),
    ("D_FMT", 131113, "%m/%d/%y"), ("D_T_FMT", 131112, "%a %b %e %H:%M:%S %Y"), ("ERA", 131116, ""),
    ("ERA_D_FMT", 131118, ""), ("ERA_D_T_FMT", 131120, ""), ("ERA_T_FMT", 131121, ""),
    ("MON_1", 131098, "January"), ("MON_10", 131107, "October"), ("MON_11", 131108, "November"),
    ("MON_12", 131109, "December"), ("MON_2", 131099, "February"), ("MON_3", 131100, "March"),
    ("MON_4", 131101, "April"), ("MON_5", 131102, "May"), ("MON_6", 131103, "June"),
    ("MON_7", 131104, "July"), ("MON_8", 131105, "August"), ("MON_9", 131106, "September"),
    ("NOEXPR", 327681, "^[nN]"), ("PM_STR", 131111, "PM"), ("RADIXCHAR", 65536, "."),
    ("THOUSEP", 65537, ""), ("T_FMT", 131114, "%H:%M:%S"), ("T_FMT_AMPM", 131115, "%I:%M:%S %p"),
    ("YESEXPR", 327680, "^[yY]"), ("_DATE_FMT", 131180, "%a %b %e %H:%M:%S %Z %Y"),
];

/// The locale of each category but `LC_ALL`.
static CURRENT: GilCell<Option<Locales>> = GilCell::new(None);

/// The name of a locale that is there, for each category.
type Locales = [&'static str; 6];

fn current() -> Locales {
    CURRENT.get().unwrap_or_else(|| {
        let mut start = ["C"; 6];
        // Like CPython, which sets the encoding's category when it starts.
        start[0] = wanted("LC_CTYPE").and_then(|name| canonical(&name)).unwrap_or("C.UTF-8");
        CURRENT.set(Some(start));
        start
    })
}

/// The locale that the environment names for a category.
fn wanted(category: &str) -> Option<String> {
    ["LC_ALL", category, "LANG"].into_iter().find_map(|name| {
        let name = CString::new(name).ok()?;
        let value = host::variable(&name)?;
        let value = String::from_utf8(value).ok()?;
        (!value.is_empty()).then_some(value)
    })
}

/// The locale that a name means, if it is one of those that are there.
fn canonical(name: &str) -> Option<&'static str> {
    match name {
        "C" => Some("C"),
        "POSIX" => Some("C"),
        "C.UTF-8" | "C.utf8" => Some("C.UTF-8"),
        _ => None,
    }
}

/// The encoding of the locale as `open` uses it. The locales "C" and "POSIX" are taken for UTF-8 too (PEP 538, 540).
pub(crate) fn encoding() -> &'static str {
    "UTF-8"
}

fn shown(locales: &Locales) -> String {
    if locales.iter().all(|locale| *locale == locales[0]) {
        return locales[0].to_owned();
    }
    // The order in which glibc shows them.
    let order = [0, 1, 2, 3, 4, 5];
    let mut parts: Vec<String> =
        order.iter().map(|&index| format!("{}={}", CATEGORIES[index].0, locales[index])).collect();
    for other in ["LC_PAPER", "LC_NAME", "LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION"] {
        parts.push(format!("{other}=C"));
    }
    parts.join(";")
}

/// The locales that a name, as `setlocale` takes it, means for a category.
fn parse(category: usize, name: &str) -> Option<Locales> {
    let mut locales = current();
    if name.contains(';') {
        for part in name.split(';') {
            let (key, value) = part.split_once('=')?;
            if let Some(index) = CATEGORIES[..6].iter().position(|(known, _)| *known == key) {
                locales[index] = canonical(value)?;
            }
        }
        return Some(locales);
    }
    for index in 0..6 {
        if category == 6 || category == index {
            let name = if name.is_empty() {
                wanted(CATEGORIES[index].0).unwrap_or_else(|| "C".to_owned())
            } else {
                name.to_owned()
            };
            locales[index] = canonical(&name)?;
        }
    }
    Some(locales)
}

static ERROR: GilCell<Option<Value>> = GilCell::new(None);

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in CATEGORIES {
        module.set_int(vm, name, i64::from(number));
    }
    module.set_int(vm, "CHAR_MAX", 127);
    for (name, number, _) in ITEMS {
        module.set_int(vm, name, i64::from(*number));
    }
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("locale"));
    let bases = Tuple::from_values([hierarchy::PlainException::static_type().to_value()]);
    let arguments = [vm.new_str("Error"), bases.into_value(), namespace.into_value()];
    let error = vm.call(&Type::static_type().to_value(), &arguments)?;
    ERROR.set(Some(error.clone()));
    module.set(vm, "Error", error);
    Ok(())
}

fn failure(vm: &Vm, message: &str) -> rspy_runtime::Exception {
    match ERROR.get() {
        Some(class) => match class.downcast::<Type>() {
            Some(class) => vm.new_exception(class, message),
            None => vm.system_error(message),
        },
        None => vm.system_error(message),
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Activates/queries locale processing.
    #[function("setlocale(category, locale=None, /)")]
    fn setlocale(vm: &Vm, category: i32, locale: Option<&Object<Str>>) -> PyResult<String> {
        if !(0..=6).contains(&category) {
            return Err(failure(vm, "invalid locale category"));
        }
        let index = category as usize;
        let Some(locale) = locale else {
            let now = current();
            return Ok(if index == 6 { shown(&now) } else { now[index].to_owned() });
        };
        let Some(new) = parse(index, &locale.to_string_lossy()) else {
            return Err(failure(vm, "unsupported locale setting"));
        };
        CURRENT.set(Some(new));
        Ok(if index == 6 { shown(&new) } else { new[index].to_owned() })
    }

    /// Returns numeric and monetary locale-specific parameters.
    #[function("localeconv()")]
    fn localeconv(vm: &Vm) -> Ref<Dict> {
        let dict = Dict::new();
        let texts = [
            ("decimal_point", "."),
            ("thousands_sep", ""),
            ("int_curr_symbol", ""),
            ("currency_symbol", ""),
            ("mon_decimal_point", ""),
            ("mon_thousands_sep", ""),
            ("positive_sign", ""),
            ("negative_sign", ""),
        ];
        let numbers = [
            "int_frac_digits", "frac_digits", "p_cs_precedes", "p_sep_by_space", "n_cs_precedes", "n_sep_by_space",
            "p_sign_posn", "n_sign_posn",
        ];
        for name in numbers {
            dict.set_str(&vm.intern(name), Value::int(127));
        }
        for (name, text) in texts {
            dict.set_str(&vm.intern(name), vm.new_str(text));
        }
        for name in ["grouping", "mon_grouping"] {
            dict.set_str(&vm.intern(name), List::new().into_value());
        }
        dict
    }

    /// Return the value for the locale information associated with key.
    #[function("nl_langinfo(key, /)")]
    fn nl_langinfo(vm: &Vm, key: i32) -> PyResult<String> {
        let Some((name, _, text)) = ITEMS.iter().find(|(_, number, _)| *number == key) else {
            return Err(vm.value_error("unsupported langinfo constant"));
        };
        if *name == "CODESET" {
            let encoding = if current()[0] == "C" { "ANSI_X3.4-1968" } else { "UTF-8" };
            return Ok(encoding.to_owned());
        }
        Ok((*text).to_owned())
    }

    /// Compares two strings according to the locale.
    #[function("strcoll(os1, os2, /)")]
    fn strcoll(os1: &Object<Str>, os2: &Object<Str>) -> i32 {
        os1.order(os2) as i32
    }

    /// Return a string that can be used as a key for locale-aware comparisons.
    #[function("strxfrm(string, /)")]
    fn strxfrm(vm: &Vm, string: &Object<Str>) -> PyResult<Ref<Str>> {
        if string.characters().iter().any(|c| c == 0) {
            return Err(vm.value_error("embedded null character"));
        }
        Ok(string.to_exact())
    }

    /// Get the current locale encoding.
    #[function("getencoding()")]
    fn getencoding() -> &'static str {
        encoding()
    }

    /// Return translation of msg.
    #[function("gettext(msg, /)")]
    fn gettext(msg: &Object<Str>) -> Ref<Str> {
        msg.to_exact()
    }

    /// Return translation of msg in domain.
    #[function("dgettext(domain, msg, /)")]
    fn dgettext(domain: &Value, msg: &Object<Str>) -> Ref<Str> {
        let _ = domain;
        msg.to_exact()
    }

    /// Return translation of msg in domain and category.
    #[function("dcgettext(domain, msg, category, /)")]
    fn dcgettext(domain: &Value, msg: &Object<Str>, category: i32) -> Ref<Str> {
        let _ = (domain, category);
        msg.to_exact()
    }

    /// Set the C library's textdomain to domain, returning the new domain.
    #[function("textdomain(domain, /)")]
    fn textdomain(vm: &Vm, domain: &Value) -> PyResult {
        static DOMAIN: GilCell<Option<Value>> = GilCell::new(None);
        if !is_none(domain) {
            if domain.downcast::<Str>().is_none() {
                let given = domain.type_of().full_name();
                return Err(vm.type_error(format!("textdomain() argument must be str or None, not {given}")));
            }
            DOMAIN.set(Some(domain.clone()));
        }
        Ok(DOMAIN.get().unwrap_or_else(|| vm.new_str("messages")))
    }
}
