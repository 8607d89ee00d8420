//! `unicodedata`: what Unicode says of characters.

mod data;
mod normal;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use data::Version;
use normal::Form;

native_module! {
    name: "unicodedata",
    doc: "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data in\nthis database is based on the UnicodeData.txt file version\n16.0.0 which is publicly available from ftp://ftp.unicode.org/.\n\nThe module uses the same names and symbols as defined by the\nUnicodeData File Format 16.0.0.",
    functions: [Functions::FUNCTIONS],
    types: [Database],
    execute: |vm, module| {
        module.set_str(vm, "unidata_version", "16.0.0");
        module.set(vm, "ucd_3_2_0", Object::new(Database { version: Version::Old }).into_value());
        Ok(())
    },
}

/// The one character of an argument.
fn character(vm: &Vm, value: &Value, function: &str, place: &str) -> PyResult<u32> {
    match value.downcast::<Str>() {
        Some(text) if text.length() == 1 => Ok(text.char_at(0)),
        Some(text) => Err(vm.type_error(format!(
            "{function}(): argument{place} must be a unicode character, not a string of length {}",
            text.length()
        ))),
        None => {
            let shown = if rspy_runtime::types::none::is_none(value) {
                "None".to_owned()
            } else {
                value.type_of().full_name()
            };
            Err(vm.type_error(format!("{function}() argument{place} must be a unicode character, not {shown}")))
        }
    }
}

/// What was asked for, or the default, or an error where there is none.
fn or_default(found: Option<Value>, default: Option<&Value>, error: impl FnOnce() -> Exception) -> PyResult {
    found.or_else(|| default.cloned()).ok_or_else(error)
}

fn form_of(vm: &Vm, form: &Object<Str>) -> PyResult<Form> {
    Form::of_name(&form.to_string_lossy()).ok_or_else(|| vm.value_error("invalid normalization form"))
}

/// Names longer than this are those of nothing.
const LONGEST_NAME: usize = 256;

impl Version {
    fn decimal(self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        let number = self.number(character(vm, chr, "decimal", " 1")?).filter(|(_, kind)| *kind == 2);
        let found = number.map(|(number, _)| int::new(number as i64));
        or_default(found, default, || vm.value_error("not a decimal"))
    }

    fn digit(self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        // Digits are told by the current version whatever version is asked.
        let number = Version::Current.number(character(vm, chr, "digit", " 1")?).filter(|(_, kind)| *kind >= 1);
        let found = number.map(|(number, _)| int::new(number as i64));
        or_default(found, default, || vm.value_error("not a digit"))
    }

    fn numeric(self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        let number = self.number(character(vm, chr, "numeric", " 1")?);
        let found = number.map(|(number, _)| rspy_runtime::types::float::new(number));
        or_default(found, default, || vm.value_error("not a numeric character"))
    }

    fn decomposition_text(self, vm: &Vm, chr: &Value) -> PyResult<String> {
        let character = character(vm, chr, "decomposition", "")?;
        if let Some([leading, vowel, trailing]) = normal::hangul_letters(character) {
            let third = if trailing == 0 { String::new() } else { format!(" {trailing:04X}") };
            return Ok(format!("{leading:04X} {vowel:04X}{third}"));
        }
        Ok(self.decomposition(character).to_owned())
    }

    fn name(self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        let code = character(vm, chr, "name", " 1")?;
        let name = char::from_u32(code).filter(|_| self.has(code)).and_then(name_of);
        or_default(name.map(|name| vm.new_str(&name)), default, || vm.value_error("no such name"))
    }

    fn lookup(self, vm: &Vm, name: &Value) -> PyResult {
        let given = match name.downcast::<Str>() {
            Some(text) => text.to_utf8(vm)?.into_owned(),
            None => {
                let view = rspy_runtime::buffer::view(vm, name)?;
                String::from_utf8_lossy(view.as_slice()).into_owned()
            }
        };
        if given.len() > LONGEST_NAME {
            return Err(vm.key_error_message("name too long"));
        }
        let upper = given.to_ascii_uppercase();
        let found = unicode_names2::character(&upper)
            .filter(|&found| name_of(found).is_some_and(|name| name == upper))
            .map(|found| vec![u32::from(found)])
            .or_else(|| if self == Version::Current { data::further_name(&upper) } else { None });
        match found {
            Some(found) if found.iter().all(|&code| self.has(code)) => {
                Ok(Str::from_code_points(&found).into_value())
            }
            _ => Err(vm.key_error_message(format!("undefined character name '{given}'"))),
        }
    }

    fn normalize(self, vm: &Vm, form: &Object<Str>, text: &Object<Str>) -> PyResult<Ref<Str>> {
        let form = form_of(vm, form)?;
        if text.is_ascii() {
            return Ok(text.to_exact());
        }
        Ok(Str::from_code_points(&form.of_text(self, text.characters().iter())))
    }

    fn is_normalized(self, vm: &Vm, form: &Object<Str>, text: &Object<Str>) -> PyResult<bool> {
        let form = form_of(vm, form)?;
        Ok(text.is_ascii() || form.of_text(self, text.characters().iter()).into_iter().eq(text.characters().iter()))
    }
}

fn name_of(character: char) -> Option<String> {
    unicode_names2::name(character).map(|name| name.to_string())
}

/// The characters as another version of Unicode has them.
#[pyclass(name = "UCD", module = "unicodedata", no_new)]
pub struct Database {
    version: Version,
}

#[pymethods]
impl Database {
    /// The version of Unicode.
    #[getter("unidata_version", member)]
    fn unidata_version(&self) -> &'static str {
        match self.version {
            Version::Current => "16.0.0",
            Version::Old => "3.2.0",
        }
    }

    /// Returns the general category assigned to the character chr as string.
    #[method("category(self, chr, /)")]
    fn category(&self, vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(self.version.properties(character(vm, chr, "category", "")?).category)
    }

    /// Returns the bidirectional class assigned to the character chr as string.
    #[method("bidirectional(self, chr, /)")]
    fn bidirectional(&self, vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(self.version.properties(character(vm, chr, "bidirectional", "")?).bidirectional)
    }

    /// Returns the canonical combining class assigned to the character chr as integer.
    #[method("combining(self, chr, /)")]
    fn combining(&self, vm: &Vm, chr: &Value) -> PyResult<u8> {
        Ok(self.version.properties(character(vm, chr, "combining", "")?).combining)
    }

    /// Returns the mirrored property assigned to the character chr as integer.
    #[method("mirrored(self, chr, /)")]
    fn mirrored(&self, vm: &Vm, chr: &Value) -> PyResult<u8> {
        Ok(self.version.properties(character(vm, chr, "mirrored", "")?).mirrored)
    }

    /// Returns the east asian width assigned to the character chr as string.
    #[method("east_asian_width(self, chr, /)")]
    fn east_asian_width(&self, vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(self.version.properties(character(vm, chr, "east_asian_width", "")?).width)
    }

    /// Returns the character decomposition mapping assigned to the character chr as string.
    #[method("decomposition(self, chr, /)")]
    fn decomposition(&self, vm: &Vm, chr: &Value) -> PyResult<String> {
        self.version.decomposition_text(vm, chr)
    }

    /// Converts a Unicode character into its equivalent decimal value.
    #[method("decimal(self, chr, default=<unrepresentable>, /)")]
    fn decimal(&self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        self.version.decimal(vm, chr, default)
    }

    /// Converts a Unicode character into its equivalent digit value.
    #[method("digit(self, chr, default=<unrepresentable>, /)")]
    fn digit(&self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        self.version.digit(vm, chr, default)
    }

    /// Converts a Unicode character into its equivalent numeric value.
    #[method("numeric(self, chr, default=<unrepresentable>, /)")]
    fn numeric(&self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        self.version.numeric(vm, chr, default)
    }

    /// Returns the name assigned to the character chr as a string.
    #[method("name(self, chr, default=<unrepresentable>, /)")]
    fn name(&self, vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        self.version.name(vm, chr, default)
    }

    /// Look up character by name.
    #[method("lookup(self, name, /)")]
    fn lookup(&self, vm: &Vm, name: &Value) -> PyResult {
        self.version.lookup(vm, name)
    }

    /// Return the normal form for the Unicode string unistr.
    #[method("normalize(self, form, unistr, /)")]
    fn normalize(&self, vm: &Vm, form: &Object<Str>, unistr: &Object<Str>) -> PyResult<Ref<Str>> {
        self.version.normalize(vm, form, unistr)
    }

    /// Return whether the Unicode string unistr is in the normal form.
    #[method("is_normalized(self, form, unistr, /)")]
    fn is_normalized(&self, vm: &Vm, form: &Object<Str>, unistr: &Object<Str>) -> PyResult<bool> {
        self.version.is_normalized(vm, form, unistr)
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Returns the general category assigned to the character chr as string.
    #[function("category(chr, /)")]
    fn category(vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(Version::Current.properties(character(vm, chr, "category", "")?).category)
    }

    /// Returns the bidirectional class assigned to the character chr as string.
    #[function("bidirectional(chr, /)")]
    fn bidirectional(vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(Version::Current.properties(character(vm, chr, "bidirectional", "")?).bidirectional)
    }

    /// Returns the canonical combining class assigned to the character chr as integer.
    #[function("combining(chr, /)")]
    fn combining(vm: &Vm, chr: &Value) -> PyResult<u8> {
        Ok(Version::Current.properties(character(vm, chr, "combining", "")?).combining)
    }

    /// Returns the mirrored property assigned to the character chr as integer.
    #[function("mirrored(chr, /)")]
    fn mirrored(vm: &Vm, chr: &Value) -> PyResult<u8> {
        Ok(Version::Current.properties(character(vm, chr, "mirrored", "")?).mirrored)
    }

    /// Returns the east asian width assigned to the character chr as string.
    #[function("east_asian_width(chr, /)")]
    fn east_asian_width(vm: &Vm, chr: &Value) -> PyResult<&'static str> {
        Ok(Version::Current.properties(character(vm, chr, "east_asian_width", "")?).width)
    }

    /// Returns the character decomposition mapping assigned to the character chr as string.
    #[function("decomposition(chr, /)")]
    fn decomposition(vm: &Vm, chr: &Value) -> PyResult<String> {
        Version::Current.decomposition_text(vm, chr)
    }

    /// Converts a Unicode character into its equivalent decimal value.
    #[function("decimal(chr, default=<unrepresentable>, /)")]
    fn decimal(vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        Version::Current.decimal(vm, chr, default)
    }

    /// Converts a Unicode character into its equivalent digit value.
    #[function("digit(chr, default=<unrepresentable>, /)")]
    fn digit(vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        Version::Current.digit(vm, chr, default)
    }

    /// Converts a Unicode character into its equivalent numeric value.
    #[function("numeric(chr, default=<unrepresentable>, /)")]
    fn numeric(vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        Version::Current.numeric(vm, chr, default)
    }

    /// Returns the name assigned to the character chr as a string.
    #[function("name(chr, default=<unrepresentable>, /)")]
    fn name(vm: &Vm, chr: &Value, default: Option<&Value>) -> PyResult {
        Version::Current.name(vm, chr, default)
    }

    /// Look up character by name.
    #[function("lookup(name, /)")]
    fn lookup(vm: &Vm, name: &Value) -> PyResult {
        Version::Current.lookup(vm, name)
    }

    /// Return the normal form for the Unicode string unistr.
    #[function("normalize(form, unistr, /)")]
    fn normalize(vm: &Vm, form: &Object<Str>, unistr: &Object<Str>) -> PyResult<Ref<Str>> {
        Version::Current.normalize(vm, form, unistr)
    }

    /// Return whether the Unicode string unistr is in the normal form.
    #[function("is_normalized(form, unistr, /)")]
    fn is_normalized(vm: &Vm, form: &Object<Str>, unistr: &Object<Str>) -> PyResult<bool> {
        Version::Current.is_normalized(vm, form, unistr)
    }
}
