//! The methods of `str`.

use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::exceptions::PyResult;
use crate::format::template::{self, Names};
use crate::object::{Object, Ref};
use crate::slots::KeywordNames;
use crate::types::bytes::text::left_of_center;
use crate::types::dict::Dict;
use crate::types::int;
use crate::types::list::List;
use crate::types::none::{is_none, none};
use crate::types::slice::search_range;
use crate::types::string::build::StrBuilder;
use crate::types::string::unicode::tables::{ALPHA, CONTINUE, DIGIT, LOWER, NUMERIC, START, UPPER};
use crate::types::string::unicode::{Form, has, is_printable, is_space};
use crate::types::string::{Kind, Str, build, case, parts};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The parts of a text that some ranges are, in a list.
fn pieces(text: &Object<Str>, ranges: impl IntoIterator<Item = (usize, usize)>) -> Ref<List> {
    List::from_vec(ranges.into_iter().map(|(start, end)| text.slice(start, end).into_value()).collect())
}

/// The arguments of `find` and its like: what is sought, and where.
fn search_arguments<'a>(
    vm: &Vm,
    function: &str,
    this: &Object<Str>,
    args: &'a [Value],
    names: KeywordNames<'_>,
) -> PyResult<(&'a Object<Str>, (isize, isize))> {
    refuse_keywords(vm, function, names)?;
    let args = crate::arguments::positional(vm, function, args, None, 1, 3)?;
    let Some(sought) = args[0].downcast::<Str>() else {
        let what = if is_none(&args[0]) { "None".to_owned() } else { args[0].type_of().full_name() };
        return Err(vm.type_error(format!("{function}() argument 1 must be str, not {what}")));
    };
    Ok((sought, search_range(vm, args.get(1), args.get(2), this.length())?))
}

fn refuse_keywords(vm: &Vm, function: &str, names: KeywordNames<'_>) -> PyResult<()> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("str.{function}() takes no keyword arguments")));
    }
    Ok(())
}

/// `startswith` and `endswith`.
fn has_affix(
    vm: &Vm,
    function: &str,
    this: &Object<Str>,
    args: &[Value],
    names: KeywordNames<'_>,
    at_end: bool,
) -> PyResult<bool> {
    refuse_keywords(vm, function, names)?;
    let args = crate::arguments::positional(vm, function, args, None, 1, 3)?;
    let range = search_range(vm, args.get(1), args.get(2), this.length())?;
    if let Some(affix) = args[0].downcast::<Str>() {
        return Ok(parts::has_affix(this, affix, range, at_end));
    }
    let Some(several) = args[0].downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "{function} first arg must be str or a tuple of str, not {}",
            args[0].type_of().full_name()
        )));
    };
    for affix in several.items() {
        let Some(affix) = affix.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "tuple for {function} must only contain str, not {}",
                affix.type_of().full_name()
            )));
        };
        if parts::has_affix(this, affix, range, at_end) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The argument `fillchar`.
fn fill_character(vm: &Vm, fill: Option<&Value>) -> PyResult<u32> {
    let Some(fill) = fill else { return Ok(0x20) };
    match fill.downcast::<Str>() {
        Some(text) if text.length() == 1 => Ok(text.char_at(0)),
        Some(_) => Err(vm.type_error("The fill character must be exactly one character long")),
        None => Err(vm.type_error(format!(
            "The fill character must be a unicode character, not {}",
            fill.type_of().full_name()
        ))),
    }
}

fn padded(
    vm: &Vm,
    this: &Object<Str>,
    width: isize,
    left_of: impl FnOnce(usize, usize) -> usize,
    fill: u32,
) -> PyResult<Ref<Str>> {
    let length = this.length();
    let width = width.max(0) as usize;
    if width <= length {
        return Ok(this.to_exact());
    }
    if !crate::heap::can_allocate(width.saturating_mul(4)) {
        return Err(vm.memory_error());
    }
    let left = left_of(width, length);
    let mut out = StrBuilder::with_capacity(width);
    out.push_repeated(fill, left);
    out.push_characters(this.characters());
    out.push_repeated(fill, width - length - left);
    Ok(out.finish())
}

fn split(
    vm: &Vm,
    this: &Object<Str>,
    separator: Option<&Value>,
    most: isize,
    from_end: bool,
) -> PyResult<Ref<List>> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let Some(separator) = separator else {
        return Ok(pieces(this, parts::split_spaces(this, most, from_end)));
    };
    let Some(separator) = separator.downcast::<Str>() else {
        return Err(vm.type_error(format!("must be str or None, not {}", separator.type_of().full_name())));
    };
    if separator.length() == 0 {
        return Err(vm.value_error("empty separator"));
    }
    Ok(pieces(this, parts::split(this, separator, most, from_end)))
}

fn partition(vm: &Vm, this: &Object<Str>, separator: &Value, from_end: bool) -> PyResult<Ref<Tuple>> {
    let Some(text) = separator.downcast::<Str>() else {
        return Err(vm.type_error(format!("must be str, not {}", separator.type_of().full_name())));
    };
    if text.length() == 0 {
        return Err(vm.value_error("empty separator"));
    }
    let length = this.length();
    Ok(match parts::find(this, text, (0, length as isize), from_end) {
        Some(place) => Tuple::from_values([
            this.slice(0, place).into_value(),
            separator.clone(),
            this.slice(place + text.length(), length).into_value(),
        ]),
        None => {
            let (whole, empty) = (this.to_value(), Str::empty().into_value());
            if from_end {
                Tuple::from_values([empty.clone(), empty, whole])
            } else {
                Tuple::from_values([whole, empty.clone(), empty])
            }
        }
    })
}

fn strip(
    vm: &Vm,
    function: &str,
    this: &Object<Str>,
    set: Option<&Value>,
    left: bool,
    right: bool,
) -> PyResult<Ref<Str>> {
    let set = match set {
        None => None,
        Some(set) => Some(
            set.downcast::<Str>()
                .ok_or_else(|| vm.type_error(format!("{function} arg must be None or str")))?,
        ),
    };
    let (start, end) = parts::stripped(this, set, left, right);
    Ok(this.slice(start, end))
}

fn join(vm: &Vm, separator: &Object<Str>, iterable: &Value) -> PyResult<Ref<Str>> {
    let items = vm.collect_or(iterable, || vm.type_error("can only join an iterable"))?;
    if let [only] = &items[..]
        && let Some(only) = only.downcast_exact::<Str>()
    {
        return Ok(only.to_ref());
    }
    let mut kind = if items.len() > 1 { separator.kind() } else { Kind::Ascii };
    let mut all = Vec::with_capacity(items.len() * 2);
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "sequence item {index}: expected str instance, {} found",
                item.type_of().full_name()
            )));
        };
        if index > 0 && separator.length() > 0 {
            all.push(separator.characters());
        }
        kind = kind.max(text.kind());
        all.push(text.characters());
    }
    if separator.length() == 0 {
        kind = items
            .iter()
            .filter_map(|item| item.downcast::<Str>())
            .map(|text| text.kind())
            .max()
            .unwrap_or(kind);
    }
    Ok(build::join(&all, kind))
}

fn expand_tabs(vm: &Vm, this: &Object<Str>, size: i32) -> PyResult<Ref<Str>> {
    let mut out = StrBuilder::with_capacity(this.length());
    let mut column = 0usize;
    for c in this.characters().iter() {
        match c {
            0x9 if size > 0 => {
                let fill = size as usize - column % size as usize;
                if !crate::heap::can_allocate(out.len() + fill) {
                    return Err(vm.memory_error());
                }
                column += fill;
                out.push_repeated(0x20, fill);
            }
            0x9 => {}
            _ => {
                column = if matches!(c, 0xa | 0xd) { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    Ok(out.finish())
}

/// What `translate` makes of one character.
fn translated(vm: &Vm, table: &Value, c: u32, out: &mut StrBuilder) -> PyResult<()> {
    let mapped = match vm.get_item(table, &int::new(i64::from(c))) {
        Err(error) if error.is_lookup_error() => {
            out.push(c);
            return Ok(());
        }
        result => result?,
    };
    if is_none(&mapped) {
        return Ok(());
    }
    if let Some(text) = mapped.downcast::<Str>() {
        out.push_object(text);
        return Ok(());
    }
    if !int::is_int(&mapped) {
        return Err(vm.type_error("character mapping must return integer, None or str"));
    }
    match int::small_value(&mapped).and_then(|c| u32::try_from(c).ok()).filter(|&c| c <= 0x10_ffff) {
        Some(c) => {
            out.push(c);
            Ok(())
        }
        None => Err(vm.value_error("character mapping must be in range(0x110000)")),
    }
}

fn table_of_dict(vm: &Vm, mapping: &Object<Dict>) -> PyResult<Ref<Dict>> {
    let table = Dict::new();
    for (key, value) in mapping.pairs() {
        if let Some(text) = key.downcast::<Str>() {
            if text.length() != 1 {
                return Err(vm.value_error("string keys in translatetable must be of length 1"));
            }
            table.set(vm, &int::new(i64::from(text.char_at(0))), value)?;
        } else if int::is_int(&key) {
            table.set(vm, &key, value)?;
        } else {
            return Err(vm.type_error("keys in translate table mustbe strings or integers"));
        }
    }
    Ok(table)
}

fn make_table(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Dict>> {
    refuse_keywords(vm, "maketrans", names)?;
    let args = crate::arguments::positional(vm, "maketrans", args, None, 1, 3)?;
    let text = |index: usize| match args.get(index) {
        None => Ok(None),
        Some(value) => value.downcast::<Str>().map(Some).ok_or_else(|| {
            vm.type_error(format!(
                "maketrans() argument {} must be str, not {}",
                index + 1,
                value.type_of().full_name()
            ))
        }),
    };
    let (to, removed) = (text(1)?, text(2)?);
    let Some(to) = to else {
        return match args[0].downcast::<Dict>() {
            Some(mapping) => table_of_dict(vm, mapping),
            None => Err(vm.type_error("if you give only one argument to maketrans it must be a dict")),
        };
    };
    let Some(from) = args[0].downcast::<Str>() else {
        return Err(vm.type_error("first maketrans argument must be a string if there is a second argument"));
    };
    if from.length() != to.length() {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    let table = Dict::new();
    let number = |c: u32| int::new(i64::from(c));
    for (from, to) in from.characters().iter().zip(to.characters().iter()) {
        table.set(vm, &number(from), number(to))?;
    }
    for c in removed.into_iter().flat_map(|removed| removed.characters().iter().collect::<Vec<u32>>()) {
        table.set(vm, &number(c), none())?;
    }
    Ok(table)
}

/// Whether there are characters and all are of a kind.
fn all(this: &Object<Str>, is_kind: impl FnMut(u32) -> bool) -> bool {
    this.length() > 0 && this.characters().iter().all(is_kind)
}

#[pymethods(TEXT_METHODS)]
impl Str {
    /// Encode the string using the codec registered for encoding.
    ///
    /// The default of errors is 'strict': encoding errors raise a UnicodeEncodeError.
    #[method("encode(self, /, encoding='utf-8', errors='strict')")]
    fn encode(
        this: &Object<Str>,
        vm: &Vm,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
    ) -> PyResult {
        let encoding = encoding.map(Object::to_value);
        let errors = errors.map(Object::to_value);
        crate::codecs::encode_text(vm, &this.as_value(), encoding.as_ref(), errors.as_ref())
    }

    /// Return a copy with all occurrences of substring old replaced by new.
    ///
    /// If count is given, only the first count occurrences are replaced.
    #[method("replace(self, old, new, /, count=-1)")]
    fn replace(this: &Object<Str>, old: &Object<Str>, new: &Object<Str>, count: isize) -> Ref<Str> {
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        parts::replace(this, old, new, most).unwrap_or_else(|| this.to_exact())
    }

    /// Return a list of the substrings in the string, using sep as the separator string.
    ///
    /// With sep None, splits at white space and leaves empty strings out.
    #[method("split(self, /, sep=None, maxsplit=-1)")]
    fn split(this: &Object<Str>, vm: &Vm, sep: Option<&Value>, maxsplit: isize) -> PyResult<Ref<List>> {
        split(vm, this, sep, maxsplit, false)
    }

    /// Return a list of the substrings in the string, using sep as the separator string, from the end.
    #[method("rsplit(self, /, sep=None, maxsplit=-1)")]
    fn rsplit(this: &Object<Str>, vm: &Vm, sep: Option<&Value>, maxsplit: isize) -> PyResult<Ref<List>> {
        split(vm, this, sep, maxsplit, true)
    }

    /// Concatenate any number of strings, with this string between each pair.
    #[method("join(self, iterable, /)")]
    fn join(this: &Object<Str>, vm: &Vm, iterable: &Value) -> PyResult<Ref<Str>> {
        join(vm, this, iterable)
    }

    /// Return a capitalized version of the string: the first character upper case, the rest lower case.
    #[method("capitalize(self, /)")]
    fn capitalize(this: &Object<Str>) -> Ref<Str> {
        case::capitalize(this)
    }

    /// Return a version of the string suitable for caseless comparisons.
    #[method("casefold(self, /)")]
    fn casefold(this: &Object<Str>) -> Ref<Str> {
        case::in_form(this, Form::Folded)
    }

    /// Return a version of the string where each word is titlecased.
    #[method("title(self, /)")]
    fn title(this: &Object<Str>) -> Ref<Str> {
        case::title(this)
    }

    /// Return a centered string of length width, padded with the fill character.
    #[method("center(self, width, fillchar=' ', /)")]
    fn center(this: &Object<Str>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult<Ref<Str>> {
        padded(vm, this, width, left_of_center, fill_character(vm, fillchar)?)
    }

    /// Return the number of non-overlapping occurrences of substring sub.
    #[method("count(self, sub[, start[, end]], /)")]
    fn count(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        let (sought, range) = search_arguments(vm, "count", this, args, names)?;
        Ok(parts::count(this, sought, range))
    }

    /// Return a copy where all tab characters are expanded using spaces.
    #[method("expandtabs(self, /, tabsize=8)")]
    fn expandtabs(this: &Object<Str>, vm: &Vm, tabsize: i32) -> PyResult<Ref<Str>> {
        expand_tabs(vm, this, tabsize)
    }

    /// Return the lowest index in the string where substring sub is found, or -1.
    #[method("find(self, sub[, start[, end]], /)")]
    fn find(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<isize> {
        let (sought, range) = search_arguments(vm, "find", this, args, names)?;
        Ok(parts::find(this, sought, range, false).map_or(-1, |place| place as isize))
    }

    /// Partition the string into three parts using the given separator, searched from the beginning.
    #[method("partition(self, sep, /)")]
    fn partition(this: &Object<Str>, vm: &Vm, sep: &Value) -> PyResult<Ref<Tuple>> {
        partition(vm, this, sep, false)
    }

    /// Return the lowest index in the string where substring sub is found.
    ///
    /// Raises ValueError when the substring is not found.
    #[method("index(self, sub[, start[, end]], /)")]
    fn index(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        let (sought, range) = search_arguments(vm, "index", this, args, names)?;
        parts::find(this, sought, range, false).ok_or_else(|| vm.value_error("substring not found"))
    }

    /// Return a left-justified string of length width, padded with the fill character.
    #[method("ljust(self, width, fillchar=' ', /)")]
    fn ljust(this: &Object<Str>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult<Ref<Str>> {
        padded(vm, this, width, |_, _| 0, fill_character(vm, fillchar)?)
    }

    /// Return a copy of the string converted to lowercase.
    #[method("lower(self, /)")]
    fn lower(this: &Object<Str>) -> Ref<Str> {
        case::in_form(this, Form::Lower)
    }

    /// Return a copy of the string with leading whitespace, or the given characters, removed.
    #[method("lstrip(self, chars=None, /)")]
    fn lstrip(this: &Object<Str>, vm: &Vm, chars: Option<&Value>) -> PyResult<Ref<Str>> {
        strip(vm, "lstrip", this, chars, true, false)
    }

    /// Return the highest index in the string where substring sub is found, or -1.
    #[method("rfind(self, sub[, start[, end]], /)")]
    fn rfind(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<isize> {
        let (sought, range) = search_arguments(vm, "rfind", this, args, names)?;
        Ok(parts::find(this, sought, range, true).map_or(-1, |place| place as isize))
    }

    /// Return the highest index in the string where substring sub is found.
    ///
    /// Raises ValueError when the substring is not found.
    #[method("rindex(self, sub[, start[, end]], /)")]
    fn rindex(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        let (sought, range) = search_arguments(vm, "rindex", this, args, names)?;
        parts::find(this, sought, range, true).ok_or_else(|| vm.value_error("substring not found"))
    }

    /// Return a right-justified string of length width, padded with the fill character.
    #[method("rjust(self, width, fillchar=' ', /)")]
    fn rjust(this: &Object<Str>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult<Ref<Str>> {
        padded(vm, this, width, |width, length| width - length, fill_character(vm, fillchar)?)
    }

    /// Return a copy of the string with trailing whitespace, or the given characters, removed.
    #[method("rstrip(self, chars=None, /)")]
    fn rstrip(this: &Object<Str>, vm: &Vm, chars: Option<&Value>) -> PyResult<Ref<Str>> {
        strip(vm, "rstrip", this, chars, false, true)
    }

    /// Partition the string into three parts using the given separator, searched from the end.
    #[method("rpartition(self, sep, /)")]
    fn rpartition(this: &Object<Str>, vm: &Vm, sep: &Value) -> PyResult<Ref<Tuple>> {
        partition(vm, this, sep, true)
    }

    /// Return a list of the lines in the string, breaking at line boundaries.
    ///
    /// Line breaks are not included in the resulting list unless keepends is given and true.
    #[method("splitlines(self, /, keepends=False)")]
    fn splitlines(this: &Object<Str>, keepends: bool) -> Ref<List> {
        let lines = parts::lines(this);
        pieces(this, lines.into_iter().map(|(start, end, next)| (start, if keepends { next } else { end })))
    }

    /// Return a copy of the string with leading and trailing whitespace, or the given characters, removed.
    #[method("strip(self, chars=None, /)")]
    fn strip(this: &Object<Str>, vm: &Vm, chars: Option<&Value>) -> PyResult<Ref<Str>> {
        strip(vm, "strip", this, chars, true, true)
    }

    /// Convert uppercase characters to lowercase and lowercase characters to uppercase.
    #[method("swapcase(self, /)")]
    fn swapcase(this: &Object<Str>) -> Ref<Str> {
        case::swapcase(this)
    }

    /// Replace each character in the string using the given translation table.
    ///
    /// The table maps ordinals to ordinals, strings or None; what it does not map stays as it is.
    #[method("translate(self, table, /)")]
    fn translate(this: &Object<Str>, vm: &Vm, table: &Value) -> PyResult<Ref<Str>> {
        let mut out = StrBuilder::with_capacity(this.length());
        for c in this.characters().iter() {
            translated(vm, table, c, &mut out)?;
        }
        Ok(out.finish())
    }

    /// Return a copy of the string converted to uppercase.
    #[method("upper(self, /)")]
    fn upper(this: &Object<Str>) -> Ref<Str> {
        case::in_form(this, Form::Upper)
    }

    /// Return True if the string starts with the specified prefix, False otherwise.
    #[method("startswith(self, prefix[, start[, end]], /)")]
    fn startswith(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        has_affix(vm, "startswith", this, args, names, false)
    }

    /// Return True if the string ends with the specified suffix, False otherwise.
    #[method("endswith(self, suffix[, start[, end]], /)")]
    fn endswith(this: &Object<Str>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        has_affix(vm, "endswith", this, args, names, true)
    }

    /// Return a str without the given prefix string if the string starts with it.
    #[method("removeprefix(self, prefix, /)")]
    fn removeprefix(this: &Object<Str>, prefix: &Object<Str>) -> Ref<Str> {
        let length = this.length();
        let starts = parts::has_affix(this, prefix, (0, length as isize), false);
        this.slice(if starts { prefix.length() } else { 0 }, length)
    }

    /// Return a str without the given suffix string if the string ends with it.
    #[method("removesuffix(self, suffix, /)")]
    fn removesuffix(this: &Object<Str>, suffix: &Object<Str>) -> Ref<Str> {
        let length = this.length();
        let ends = parts::has_affix(this, suffix, (0, length as isize), true);
        this.slice(0, if ends { length - suffix.length() } else { length })
    }

    /// Return True if all characters in the string are ASCII, also where there are none.
    #[method("isascii(self, /)")]
    fn isascii(this: &Object<Str>) -> bool {
        this.is_ascii()
    }

    /// Return True if all cased characters are lowercase and there is at least one.
    #[method("islower(self, /)")]
    fn islower(this: &Object<Str>) -> bool {
        case::is_of_case(this, LOWER, UPPER)
    }

    /// Return True if all cased characters are uppercase and there is at least one.
    #[method("isupper(self, /)")]
    fn isupper(this: &Object<Str>) -> bool {
        case::is_of_case(this, UPPER, LOWER)
    }

    /// Return True if the string is titlecased and there is at least one cased character.
    #[method("istitle(self, /)")]
    fn istitle(this: &Object<Str>) -> bool {
        case::is_title(this)
    }

    /// Return True if all characters are whitespace and there is at least one.
    #[method("isspace(self, /)")]
    fn isspace(this: &Object<Str>) -> bool {
        all(this, is_space)
    }

    /// Return True if all characters are decimal digits and there is at least one.
    #[method("isdecimal(self, /)")]
    fn isdecimal(this: &Object<Str>) -> bool {
        all(this, |c| crate::format::digits::decimal_value(c).is_some())
    }

    /// Return True if all characters are digits and there is at least one.
    #[method("isdigit(self, /)")]
    fn isdigit(this: &Object<Str>) -> bool {
        all(this, |c| has(c, DIGIT))
    }

    /// Return True if all characters are numeric and there is at least one.
    #[method("isnumeric(self, /)")]
    fn isnumeric(this: &Object<Str>) -> bool {
        all(this, |c| has(c, NUMERIC))
    }

    /// Return True if all characters are alphabetic and there is at least one.
    #[method("isalpha(self, /)")]
    fn isalpha(this: &Object<Str>) -> bool {
        all(this, |c| has(c, ALPHA))
    }

    /// Return True if all characters are alphabetic or numeric and there is at least one.
    #[method("isalnum(self, /)")]
    fn isalnum(this: &Object<Str>) -> bool {
        all(this, |c| has(c, ALPHA | NUMERIC))
    }

    /// Return True if the string is a valid Python identifier, False otherwise.
    ///
    /// Call keyword.iskeyword(s) to test whether it is a reserved word.
    #[method("isidentifier(self, /)")]
    pub fn isidentifier(this: &Object<Str>) -> bool {
        let mut first = true;
        all(this, |c| has(c, if std::mem::take(&mut first) { START } else { CONTINUE }))
    }

    /// Return True if all characters are printable, also where there are none.
    #[method("isprintable(self, /)")]
    fn isprintable(this: &Object<Str>) -> bool {
        this.characters().iter().all(is_printable)
    }

    /// Pad a numeric string with zeros on the left, to fill a field of the given width.
    #[method("zfill(self, width, /)")]
    fn zfill(this: &Object<Str>, vm: &Vm, width: isize) -> PyResult<Ref<Str>> {
        let length = this.length();
        let width = width.max(0) as usize;
        if width <= length {
            return Ok(this.to_exact());
        }
        if !crate::heap::can_allocate(width.saturating_mul(4)) {
            return Err(vm.memory_error());
        }
        let characters = this.characters();
        let signed = length > 0 && matches!(characters.get(0), 0x2b | 0x2d);
        let mut out = StrBuilder::with_capacity(width);
        out.push_characters(characters.slice(0, usize::from(signed)));
        out.push_repeated(0x30, width - length);
        out.push_characters(characters.slice(usize::from(signed), length));
        Ok(out.finish())
    }

    /// Return a formatted version of the string, using substitutions from args and kwargs.
    #[method("format(self, /, *args, **kwargs)")]
    fn format(
        this: &Object<Str>,
        vm: &Vm,
        positional: &[Value],
        keywords: KeywordArguments<'_>,
    ) -> PyResult<Ref<Str>> {
        template::format(vm, this, positional, Names::Keywords(&keywords))
    }

    /// Return a formatted version of the string, using substitutions from mapping.
    #[method("format_map(self, mapping, /)")]
    fn format_map(this: &Object<Str>, vm: &Vm, mapping: &Value) -> PyResult<Ref<Str>> {
        template::format(vm, this, &[], Names::Mapping(mapping))
    }

    /// Return a formatted version of the string as described by format_spec.
    #[method("__format__(self, format_spec, /)")]
    fn dunder_format(this: &Object<Str>, vm: &Vm, format_spec: &Object<Str>) -> PyResult<Ref<Str>> {
        crate::format::builtin::format_str(vm, this, format_spec)
    }

    /// Return a translation table usable for str.translate().
    ///
    /// With one argument, a dict of ordinals or characters; with two, strings of equal length; with three, the last
    /// are the characters to be removed.
    #[staticmethod("maketrans")]
    fn maketrans(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Dict>> {
        make_table(vm, args, names)
    }

    /// Return the size of the string in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Str>) -> usize {
        let (base, width) = if this.is_ascii() { (40, 1) } else { (56, this.kind().width()) };
        base + (this.length() + 1) * width
    }

    /// How to copy and pickle it.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(this: &Object<Str>) -> (Ref<Str>,) {
        (super::build::from_characters_of(this.characters(), this.kind()),)
    }
}
