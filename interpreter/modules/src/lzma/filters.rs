//! Chains of filters as Python describes them: sequences of dicts; and what the filters write down about themselves.

use liblzma::stream::{Error, Filters, LzmaOptions, MatchFinder, Mode};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::dict::{Dict, is_dict};
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::{LzmaError, failed};

/// The filter of the oldest format.
pub const LZMA1: u64 = 0x4000_0000_0000_0001;
/// The filter of today's format.
pub const LZMA2: u64 = 0x21;
/// Differences of bytes.
pub const DELTA: u64 = 3;
/// The filters for machine code, by number.
pub const BRANCH: [(&str, u64); 6] =
    [("X86", 4), ("POWERPC", 5), ("IA64", 6), ("ARM", 7), ("ARMTHUMB", 8), ("SPARC", 9)];

/// The level that is used unless told otherwise.
pub const DEFAULT_PRESET: u32 = 6;
/// The most filters of a chain.
const MOST_FILTERS: usize = 4;

/// The settings of an LZMA filter.
#[derive(Clone, Copy, Debug)]
pub struct Lzma {
    preset: u32,
    dictionary: Option<u32>,
    literal_context: Option<u32>,
    literal_position: Option<u32>,
    position: Option<u32>,
    mode: Option<u32>,
    nice_length: Option<u32>,
    match_finder: Option<u32>,
    depth: Option<u32>,
}

/// A filter with its settings.
#[derive(Clone, Copy, Debug)]
pub enum Filter {
    /// LZMA1, or 2.
    Lzma { second: bool, settings: Lzma },
    /// Differences of bytes so far apart.
    Delta { distance: u32 },
    /// Machine code that begins at an offset.
    Branch { number: u64, start: u32 },
}

/// An unsigned number of so many bits, with the errors of CPython's converters.
pub fn unsigned(vm: &Vm, value: &Value, most: u64, what: &str) -> PyResult<u64> {
    let index = vm.index(value)?;
    if int::sign(&index) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let number = int::borrow_big(&index).and_then(|number| u64::try_from(number.as_ref()).ok());
    number
        .filter(|&number| number <= most)
        .ok_or_else(|| vm.overflow_error(format!("Python int too large for C {what}")))
}

/// The settings of one filter: a mapping that may only have certain keys.
struct Settings<'a> {
    mapping: &'a Value,
    invalid: &'static str,
}

impl Settings<'_> {
    /// Checks that there are no keys but the known ones, as far as the mapping tells.
    fn check(&self, vm: &Vm, known: &[&str]) -> PyResult<()> {
        let Some(dict) = self.mapping.downcast::<Dict>() else { return Ok(()) };
        let is_known =
            |key: &Value| key.downcast::<Str>().is_some_and(|key| known.iter().any(|known| key.equals_str(known)));
        if dict.keys().iter().all(|key| is_known(key)) { Ok(()) } else { Err(vm.value_error(self.invalid)) }
    }

    fn number(&self, vm: &Vm, key: &str) -> PyResult<Option<u32>> {
        let key = vm.new_str(key);
        let value = match vm.get_item(self.mapping, &key) {
            Ok(value) => value,
            Err(error) if error.is_key_error() => return Ok(None),
            Err(error) => return Err(error),
        };
        let number = unsigned(vm, &value, u64::from(u32::MAX), "uint32_t");
        number.map(|number| Some(number as u32)).map_err(|_| vm.value_error(self.invalid))
    }
}

impl Filter {
    /// The filter that a mapping describes.
    ///
    /// # Errors
    /// `TypeError`, `ValueError` and `LZMAError` where it describes none.
    pub fn of_value(vm: &Vm, value: &Value) -> PyResult<Filter> {
        if value.type_of().slots().get_item.get().is_none() {
            return Err(vm.type_error("Filter specifier must be a dict or dict-like object"));
        }
        let id = match vm.get_item(value, &vm.new_str("id")) {
            Ok(id) => id,
            Err(error) if error.is_key_error() => {
                return Err(vm.value_error("Filter specifier must have an \"id\" entry"));
            }
            Err(error) => return Err(error),
        };
        let number = unsigned(vm, &id, u64::MAX, "lzma_vli")?;
        let settings = |invalid| Settings { mapping: value, invalid };
        match number {
            LZMA1 | LZMA2 => {
                let settings = settings("Invalid filter specifier for LZMA filter");
                Ok(Filter::Lzma { second: number == LZMA2, settings: Lzma::of_settings(vm, &settings)? })
            }
            DELTA => {
                let settings = settings("Invalid filter specifier for delta filter");
                settings.check(vm, &["id", "dist"])?;
                Ok(Filter::Delta { distance: settings.number(vm, "dist")?.unwrap_or(1) })
            }
            _ if BRANCH.iter().any(|(_, known)| *known == number) => {
                let settings = settings("Invalid filter specifier for BCJ filter");
                settings.check(vm, &["id", "start_offset"])?;
                Ok(Filter::Branch { number, start: settings.number(vm, "start_offset")?.unwrap_or(0) })
            }
            _ => Err(vm.value_error(format!("Invalid filter ID: {number}"))),
        }
    }

    /// What the filter writes down about itself.
    ///
    /// # Errors
    /// `LZMAError` for settings that do not exist.
    pub fn properties(&self, vm: &Vm) -> PyResult<Vec<u8>> {
        match *self {
            Filter::Lzma { second, settings } => {
                settings.options(vm)?;
                let level = Level::of_preset(settings.preset);
                let dictionary = settings.dictionary.unwrap_or(level.dictionary);
                if second {
                    return Ok(vec![dictionary_code(dictionary)]);
                }
                let context = settings.literal_context.unwrap_or(3);
                let literal = settings.literal_position.unwrap_or(0);
                let position = settings.position.unwrap_or(2);
                if context > 4 || literal > 4 || context + literal > 4 || position > 4 {
                    return Err(failed(vm, Error::Program));
                }
                let mut properties = vec![((position * 5 + literal) * 9 + context) as u8];
                properties.extend(dictionary.to_le_bytes());
                Ok(properties)
            }
            Filter::Delta { distance: distance @ 1..=256 } => Ok(vec![(distance - 1) as u8]),
            Filter::Delta { .. } => Err(failed(vm, Error::Program)),
            Filter::Branch { start: 0, .. } => Ok(Vec::new()),
            Filter::Branch { start, .. } => Ok(start.to_le_bytes().to_vec()),
        }
    }

    /// The filter of a number with what it wrote down about itself, as a dict.
    ///
    /// # Errors
    /// `LZMAError` where it does not write so.
    pub fn described(vm: &Vm, number: u64, properties: &[u8]) -> PyResult {
        let wrong = || failed(vm, Error::Options);
        let mut entries = vec![("id", number)];
        match (number, properties) {
            (LZMA1, [first, dictionary @ ..]) if *first < 225 => {
                let dictionary: [u8; 4] = dictionary.try_into().map_err(|_| wrong())?;
                let (rest, context) = (first / 9, first % 9);
                let (position, literal) = (rest / 5, rest % 5);
                if context + literal > 4 {
                    return Err(wrong());
                }
                entries.extend([("lc", u64::from(context)), ("lp", u64::from(literal))]);
                entries.push(("pb", u64::from(position)));
                entries.push(("dict_size", u64::from(u32::from_le_bytes(dictionary))));
            }
            (LZMA2, [code @ 0..=40]) => entries.push(("dict_size", dictionary_of_code(*code))),
            (DELTA, [distance]) => entries.push(("dist", u64::from(*distance) + 1)),
            (4..=9, []) => {}
            (4..=9, properties) => {
                let start = u32::from_le_bytes(properties.try_into().map_err(|_| wrong())?);
                if start != 0 {
                    entries.push(("start_offset", u64::from(start)));
                }
            }
            _ => return Err(wrong()),
        }
        let dict = Dict::new();
        for (name, number) in entries {
            dict.set_str(&vm.intern(name), int::from_i128(i128::from(number)));
        }
        Ok(dict.into_value())
    }
}

/// The size of dictionaries as LZMA2 writes it down: two or three times a power of two, rounded up.
fn dictionary_code(size: u32) -> u8 {
    (0..40).find(|&code| dictionary_of_code(code) >= u64::from(size)).unwrap_or(40)
}

fn dictionary_of_code(code: u8) -> u64 {
    if code == 40 { u64::from(u32::MAX) } else { (2 | u64::from(code & 1)) << (code / 2 + 11) }
}

/// What a preset level means, as far as it is written down.
struct Level {
    dictionary: u32,
}

impl Level {
    fn of_preset(preset: u32) -> Level {
        const POWERS: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];
        Level { dictionary: 1 << POWERS[(preset & 31).min(9) as usize] }
    }
}

impl Lzma {
    /// What a preset level means.
    pub fn of_preset(preset: u32) -> Lzma {
        Lzma {
            preset,
            dictionary: None,
            literal_context: None,
            literal_position: None,
            position: None,
            mode: None,
            nice_length: None,
            match_finder: None,
            depth: None,
        }
    }

    fn of_settings(vm: &Vm, settings: &Settings<'_>) -> PyResult<Lzma> {
        let preset = match vm.get_item(settings.mapping, &vm.new_str("preset")) {
            Ok(preset) => unsigned(vm, &preset, u64::from(u32::MAX), "uint32_t")? as u32,
            Err(error) if error.is_key_error() => DEFAULT_PRESET,
            Err(error) => return Err(error),
        };
        let mut lzma = Lzma::of_preset(preset);
        lzma.options(vm)?;
        settings.check(
            vm,
            &["id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"],
        )?;
        for (name, place) in [
            ("dict_size", &mut lzma.dictionary),
            ("lc", &mut lzma.literal_context),
            ("lp", &mut lzma.literal_position),
            ("pb", &mut lzma.position),
            ("mode", &mut lzma.mode),
            ("nice_len", &mut lzma.nice_length),
            ("mf", &mut lzma.match_finder),
            ("depth", &mut lzma.depth),
        ] {
            *place = settings.number(vm, name)?;
        }
        Ok(lzma)
    }

    /// The settings as the library takes them.
    ///
    /// # Errors
    /// `LZMAError` for settings that do not exist.
    pub fn options(&self, vm: &Vm) -> PyResult<LzmaOptions> {
        let mut options = LzmaOptions::new_preset(self.preset).map_err(|_| {
            LzmaError::error(vm, format!("Invalid compression preset: {}", self.preset))
        })?;
        let unknown = || failed(vm, Error::Options);
        if let Some(size) = self.dictionary {
            options.dict_size(size);
        }
        if let Some(bits) = self.literal_context {
            options.literal_context_bits(bits);
        }
        if let Some(bits) = self.literal_position {
            options.literal_position_bits(bits);
        }
        if let Some(bits) = self.position {
            options.position_bits(bits);
        }
        match self.mode {
            None => {}
            Some(1) => drop(options.mode(Mode::Fast)),
            Some(2) => drop(options.mode(Mode::Normal)),
            Some(_) => return Err(unknown()),
        }
        if let Some(length) = self.nice_length {
            options.nice_len(length);
        }
        if let Some(finder) = self.match_finder {
            let finder = match finder {
                3 => MatchFinder::HashChain3,
                4 => MatchFinder::HashChain4,
                18 => MatchFinder::BinaryTree2,
                19 => MatchFinder::BinaryTree3,
                20 => MatchFinder::BinaryTree4,
                _ => return Err(unknown()),
            };
            options.match_finder(finder);
        }
        if let Some(depth) = self.depth {
            options.depth(depth);
        }
        Ok(options)
    }
}

/// The filters that a sequence describes.
///
/// # Errors
/// As for [`Filter::of_value`], and where there are too many.
pub fn chain(vm: &Vm, filters: &Value) -> PyResult<Vec<Filter>> {
    if is_dict(filters) {
        return Err(vm.type_error(format!("{} is not a sequence", filters.type_of().full_name())));
    }
    let length = vm.length(filters)?;
    if length > MOST_FILTERS {
        return Err(vm.value_error(format!("Too many filters - liblzma supports a maximum of {MOST_FILTERS}")));
    }
    let filters = vm.collect(filters)?;
    filters.iter().map(|filter| Filter::of_value(vm, filter)).collect()
}

/// The chain as the library takes it.
///
/// # Errors
/// `LZMAError` for settings that do not exist, and for no filter at all.
pub fn prepared(vm: &Vm, chain: &[Filter]) -> PyResult<Filters> {
    if chain.is_empty() {
        return Err(failed(vm, Error::Program));
    }
    let mut filters = Filters::new();
    for filter in chain {
        let added = match filter {
            Filter::Lzma { second, settings } => {
                let options = settings.options(vm)?;
                if *second { filters.lzma2(&options) } else { filters.lzma1(&options) };
                Ok(())
            }
            Filter::Delta { distance: distance @ 1..=256 } => {
                filters.delta_properties(&[(distance - 1) as u8]).map(drop)
            }
            Filter::Delta { .. } => Err(Error::Options),
            Filter::Branch { number, start } => {
                let start: &[u8] = if *start == 0 { &[] } else { &start.to_le_bytes() };
                match number {
                    4 => filters.x86_properties(start),
                    5 => filters.powerpc_properties(start),
                    6 => filters.ia64_properties(start),
                    7 => filters.arm_properties(start),
                    8 => filters.arm_thumb_properties(start),
                    _ => filters.sparc_properties(start),
                }
                .map(drop)
            }
        };
        added.map_err(|error| failed(vm, error))?;
    }
    Ok(filters)
}

/// An optional argument that is not `None`.
pub fn given(argument: Option<&Value>) -> Option<&Value> {
    argument.filter(|argument| !is_none(argument))
}
