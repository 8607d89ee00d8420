//! The methods that `bytes` and `bytearray` share.

use rspy_macros::pymethods;

use crate::buffer::{self, BufferView, Hold};
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::bytes::constant::Sought;
use crate::types::bytes::construct::described;
use crate::types::bytes::{ByteArray, Bytes, hex_text, parse_hex, search, text};
use crate::types::list::List;
use crate::types::none::is_none;
use crate::types::slice::search_range;
use crate::types::string::Str;
use crate::types::string::build::from_ascii;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A type whose objects are sequences of bytes.
trait ByteString: Payload {
    /// Calls with the bytes.
    fn with<R>(&self, with: impl FnOnce(&[u8]) -> R) -> R;
    /// A new object of the type itself.
    fn make(data: Vec<u8>) -> Value;
    /// Keeps the number of bytes as it is while Python code runs.
    fn hold(&self) -> Option<Hold<'_>>;
    /// Whether methods may answer the object itself where nothing changes.
    const CONSTANT: bool;
}

impl ByteString for Bytes {
    fn with<R>(&self, with: impl FnOnce(&[u8]) -> R) -> R {
        with(self.as_slice())
    }

    fn make(data: Vec<u8>) -> Value {
        Bytes::new(data).into_value()
    }

    fn hold(&self) -> Option<Hold<'_>> {
        None
    }

    const CONSTANT: bool = true;
}

impl ByteString for ByteArray {
    fn with<R>(&self, with: impl FnOnce(&[u8]) -> R) -> R {
        with(&self.borrow())
    }

    fn make(data: Vec<u8>) -> Value {
        ByteArray::new(data).into_value()
    }

    fn hold(&self) -> Option<Hold<'_>> {
        Some(self.data.hold())
    }

    const CONSTANT: bool = false;
}

/// The result of a method: the object itself where it is constant and all of it is wanted, else a part as new object.
fn part<T: ByteString>(this: &Object<T>, start: usize, end: usize) -> Value {
    let whole = this.with(|data| start == 0 && end == data.len());
    if T::CONSTANT && whole && std::ptr::eq(this.type_of(), T::static_type()) {
        return this.to_value();
    }
    T::make(this.with(|data| data[start..end].to_vec()))
}

fn parts<T: ByteString>(this: &Object<T>, ranges: Vec<(usize, usize)>) -> Value {
    let single = ranges.len() == 1;
    let items = ranges
        .into_iter()
        .map(|(start, end)| {
            if single { part(this, start, end) } else { T::make(this.with(|data| data[start..end].to_vec())) }
        })
        .collect();
    List::from_vec(items).into_value()
}

/// What is sought and in which part, from the arguments of `find` and its like.
fn search_arguments<T: ByteString>(
    vm: &Vm,
    function: &str,
    this: &T,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<(Sought, isize, isize)> {
    let args = match crate::arguments::positional(vm, function, args, None, 1, 3) {
        Ok(_) if names.is_some() => {
            return Err(
                vm.type_error(format!("{}.{function}() takes no keyword arguments", T::static_type().name()))
            );
        }
        result => result?,
    };
    let _hold = this.hold();
    let sought = Sought::from_argument(vm, &args[0])?;
    let length = this.with(<[u8]>::len);
    let (start, stop) = search_range(vm, args.get(1), args.get(2), length)?;
    Ok((sought, start, stop))
}

fn find<T: ByteString>(
    vm: &Vm,
    function: &str,
    this: &T,
    args: &[Value],
    names: KeywordNames<'_>,
    from_end: bool,
) -> PyResult<Option<usize>> {
    let (sought, start, stop) = search_arguments(vm, function, this, args, names)?;
    if start > stop {
        return Ok(None);
    }
    let start = start as usize;
    Ok(this.with(|data| {
        let range = &data[start..stop as usize];
        let found = if from_end {
            search::rfind(range, sought.as_slice())
        } else {
            search::find(range, sought.as_slice())
        };
        found.map(|place| place + start)
    }))
}

/// `startswith` and `endswith`.
fn has_affix<T: ByteString>(
    vm: &Vm,
    function: &str,
    this: &T,
    args: &[Value],
    names: KeywordNames<'_>,
    matches: fn(&[u8], &[u8]) -> bool,
) -> PyResult<bool> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(
            vm.type_error(format!("{}.{function}() takes no keyword arguments", T::static_type().name()))
        );
    }
    let args = crate::arguments::positional(vm, function, args, None, 1, 3)?;
    let (start, stop) = search_range(vm, args.get(1), args.get(2), this.with(<[u8]>::len))?;
    let test = |affix: &Value| -> PyResult<bool> {
        let affix = buffer::view(vm, affix)?;
        Ok(start <= stop && this.with(|data| matches(&data[start as usize..stop as usize], affix.as_slice())))
    };
    if let Some(several) = args[0].downcast::<Tuple>() {
        for affix in several.items() {
            if test(affix)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if !buffer::has_buffer(&args[0]) {
        return Err(vm.type_error(format!(
            "{function} first arg must be bytes or a tuple of bytes, not {}",
            args[0].type_of().full_name()
        )));
    }
    test(&args[0])
}

/// The argument `fillchar`.
fn fill_byte(vm: &Vm, function: &str, fill: Option<&Value>) -> PyResult<u8> {
    let Some(fill) = fill else { return Ok(b' ') };
    let wrong = |what: &str, length: usize| {
        vm.type_error(format!(
            "{function}(): argument 2 must be a byte string of length 1, not a {what} object of length {length}"
        ))
    };
    if let Some(bytes) = fill.downcast::<Bytes>() {
        return match bytes.as_slice() {
            [byte] => Ok(*byte),
            other => Err(wrong("bytes", other.len())),
        };
    }
    if let Some(array) = fill.downcast::<ByteArray>() {
        return match &array.borrow()[..] {
            [byte] => Ok(*byte),
            other => Err(wrong("bytearray", other.len())),
        };
    }
    Err(vm.type_error(format!(
        "{function}() argument 2 must be a byte string of length 1, not {}",
        described(fill)
    )))
}

fn padded<T: ByteString>(
    vm: &Vm,
    this: &Object<T>,
    width: isize,
    left_of: impl FnOnce(usize, usize) -> usize,
    fill: u8,
) -> PyResult {
    let length = this.with(<[u8]>::len);
    let width = width.max(0) as usize;
    if width <= length {
        return Ok(part(this, 0, length));
    }
    if !crate::heap::can_allocate(width) {
        return Err(vm.memory_error());
    }
    let left = left_of(width, length);
    Ok(T::make(this.with(|data| text::pad(data, left, width - length - left, fill))))
}

/// The bytes to be stripped; nothing stands for white space.
fn strip_set(vm: &Vm, bytes: Option<&Value>) -> PyResult<Option<BufferView>> {
    bytes.map(|bytes| buffer::view(vm, bytes)).transpose()
}

fn strip<T: ByteString>(
    vm: &Vm,
    this: &Object<T>,
    bytes: Option<&Value>,
    left: bool,
    right: bool,
) -> PyResult {
    let set = strip_set(vm, bytes)?;
    let (start, end) = this.with(|data| match &set {
        Some(set) => text::stripped(data, |byte| set.as_slice().contains(&byte), left, right),
        None => text::stripped(data, text::is_space, left, right),
    });
    Ok(part(this, start, end))
}

fn split<T: ByteString>(
    vm: &Vm,
    this: &Object<T>,
    sep: Option<&Value>,
    most: isize,
    from_end: bool,
) -> PyResult {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let ranges =
        match sep {
            None if from_end => this.with(|data| search::rsplit_spaces(data, text::is_space, most)),
            None => this.with(|data| search::split_spaces(data, text::is_space, most)),
            Some(sep) => {
                let _hold = this.hold();
                let sep = buffer::view(vm, sep)?;
                if sep.is_empty() {
                    return Err(vm.value_error("empty separator"));
                }
                let sep = sep.as_slice();
                this.with(|data| {
                    if from_end { search::rsplit(data, sep, most) } else { search::split(data, sep, most) }
                })
            }
        };
    Ok(parts(this, ranges))
}

fn partition<T: ByteString>(vm: &Vm, this: &Object<T>, sep: &Value, from_end: bool) -> PyResult {
    let view = buffer::view(vm, sep)?;
    if view.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let wanted = view.as_slice();
    let found =
        this.with(|data| if from_end { search::rfind(data, wanted) } else { search::find(data, wanted) });
    let length = this.with(<[u8]>::len);
    let three = match found {
        Some(place) => {
            let middle = if T::CONSTANT { sep.clone() } else { T::make(wanted.to_vec()) };
            let tail = this.with(|data| data[place + wanted.len()..].to_vec());
            [T::make(this.with(|data| data[..place].to_vec())), middle, T::make(tail)]
        }
        None if from_end => [T::make(Vec::new()), T::make(Vec::new()), part(this, 0, length)],
        None => [part(this, 0, length), T::make(Vec::new()), T::make(Vec::new())],
    };
    Ok(Tuple::from_values(three).into_value())
}

fn join(vm: &Vm, separator: &[u8], iterable: &Value) -> PyResult<Vec<u8>> {
    let items = vm.collect_or(iterable, || vm.type_error("can only join an iterable"))?;
    let mut views = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if !buffer::has_buffer(item) {
            return Err(vm.type_error(format!(
                "sequence item {index}: expected a bytes-like object, {} found",
                item.type_of().full_name()
            )));
        }
        views.push(buffer::view(vm, item)?);
        if let Some(list) = iterable.downcast::<List>()
            && list.len() != items.len()
        {
            return Err(vm.runtime_error("sequence changed size during iteration"));
        }
    }
    let total: usize =
        views.iter().map(BufferView::len).sum::<usize>() + separator.len() * views.len().saturating_sub(1);
    if !crate::heap::can_allocate(total) {
        return Err(vm.memory_error());
    }
    let mut out = Vec::with_capacity(total);
    for (index, view) in views.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(view.as_slice());
    }
    Ok(out)
}

fn translate<T: ByteString>(vm: &Vm, this: &Object<T>, table: &Value, delete: Option<&Value>) -> PyResult {
    let table = if is_none(table) { None } else { Some(buffer::view(vm, table)?) };
    if table.as_ref().is_some_and(|table| table.len() != 256) {
        return Err(vm.value_error("translation table must be 256 characters long"));
    }
    let delete = delete.map(|delete| buffer::view(vm, delete)).transpose()?;
    let mut deleted = [false; 256];
    for &byte in delete.as_ref().map_or(&[][..], |delete| delete.as_slice()) {
        deleted[byte as usize] = true;
    }
    let new: Vec<u8> = this.with(|data| {
        data.iter()
            .filter(|&&byte| !deleted[byte as usize])
            .map(|&byte| table.as_ref().map_or(byte, |table| table.as_slice()[byte as usize]))
            .collect()
    });
    if this.with(|data| data == new) {
        let length = new.len();
        return Ok(part(this, 0, length));
    }
    Ok(T::make(new))
}

/// What `maketrans` answers.
fn make_table(vm: &Vm, from: &Value, to: &Value) -> PyResult {
    let (from, to) = (buffer::view(vm, from)?, buffer::view(vm, to)?);
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (&from, &to) in from.as_slice().iter().zip(to.as_slice()) {
        table[from as usize] = to;
    }
    Ok(Bytes::new(table).into_value())
}

macro_rules! shared_methods {
    ($($typ:ident),*) => {$(
        #[pymethods(SHARED_METHODS)]
        impl $typ {
            /// Return a copy with only its first character capitalized and the rest lower-cased.
            #[method("capitalize(self, /)")]
            fn capitalize(&self) -> Value {
                $typ::make(self.with(text::capitalize))
            }

            /// Return a centered string of length width, padded with the given fill character.
            #[method("center(self, width, fillchar=b' ', /)")]
            fn center(this: &Object<$typ>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult {
                padded(vm, this, width, text::left_of_center, fill_byte(vm, "center", fillchar)?)
            }

            /// Return the number of non-overlapping occurrences of subsection sub.
            #[method("count(self, sub[, start[, end]], /)")]
            fn count(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
                let (sought, start, stop) = search_arguments(vm, "count", self, args, names)?;
                if start > stop {
                    return Ok(0);
                }
                let part = sought.as_slice();
                Ok(self.with(|data| search::count(&data[start as usize..stop as usize], part, usize::MAX)))
            }

            /// Decode the bytes using the codec registered for encoding.
            #[method("decode(self, /, encoding='utf-8', errors='strict')")]
            fn decode(
                this: &Object<$typ>,
                vm: &Vm,
                encoding: Option<&Object<Str>>,
                errors: Option<&Object<Str>>,
            ) -> PyResult {
                let encoding = encoding.map(Object::to_value);
                let errors = errors.map(Object::to_value);
                crate::codecs::decode_bytes(vm, &this.as_value(), encoding.as_ref(), errors.as_ref())
            }

            /// Return True if the bytes end with the specified suffix, False otherwise.
            #[method("endswith(self, suffix[, start[, end]], /)")]
            fn endswith(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
                has_affix(vm, "endswith", self, args, names, <[u8]>::ends_with)
            }

            /// Return a copy where all tab characters are expanded using spaces.
            #[method("expandtabs(self, /, tabsize=8)")]
            fn expandtabs(&self, vm: &Vm, tabsize: i32) -> PyResult {
                let expanded = self.with(|data| text::expand_tabs(data, tabsize));
                expanded.map($typ::make).ok_or_else(|| vm.memory_error())
            }

            /// Return the lowest index in the bytes where subsection sub is found, or -1.
            #[method("find(self, sub[, start[, end]], /)")]
            fn find(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<isize> {
                Ok(find(vm, "find", self, args, names, false)?.map_or(-1, |place| place as isize))
            }

            /// Create an object from a string of hexadecimal numbers.
            ///
            /// Spaces between two numbers are accepted.
            #[classmethod("fromhex(type, string, /)")]
            fn fromhex(cls: &TypeObject, vm: &Vm, string: &Value) -> PyResult {
                let made = $typ::make(parse_hex(vm, string)?);
                if std::ptr::eq(cls, $typ::static_type()) { Ok(made) } else { cls.construct(vm, &[made]) }
            }

            /// Create a string of hexadecimal numbers from the bytes.
            ///
            /// A separator goes between groups of bytes, which are counted from the right unless bytes_per_sep is negative.
            ///
            /// >>> bytes(b'spam').hex(' ', 3), bytearray(b'spam').hex(' ', -3)
            /// ('73 70616d', '737061 6d')
            #[method("hex(self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
            fn hex(&self, vm: &Vm, sep: Option<&Value>, bytes_per_sep: i32) -> PyResult<Ref<Str>> {
                let _hold = self.hold();
                let data = self.with(<[u8]>::to_vec);
                Ok(from_ascii(&hex_text(vm, &data, sep, bytes_per_sep)?))
            }

            /// Return the lowest index in the bytes where subsection sub is found.
            ///
            /// Raise ValueError if the subsection is not found.
            #[method("index(self, sub[, start[, end]], /)")]
            fn index(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
                find(vm, "index", self, args, names, false)?.ok_or_else(|| vm.value_error("subsection not found"))
            }

            /// Return True if all characters are alphanumeric and there is at least one.
            #[method("isalnum(self, /)")]
            fn isalnum(&self) -> bool {
                self.with(|data| text::all(data, |byte| byte.is_ascii_alphanumeric()))
            }

            /// Return True if all characters are alphabetic and there is at least one.
            #[method("isalpha(self, /)")]
            fn isalpha(&self) -> bool {
                self.with(|data| text::all(data, |byte| byte.is_ascii_alphabetic()))
            }

            /// Return True if there are no characters or all are ASCII.
            #[method("isascii(self, /)")]
            fn isascii(&self) -> bool {
                self.with(<[u8]>::is_ascii)
            }

            /// Return True if all characters are digits and there is at least one.
            #[method("isdigit(self, /)")]
            fn isdigit(&self) -> bool {
                self.with(|data| text::all(data, |byte| byte.is_ascii_digit()))
            }

            /// Return True if all cased characters are lowercase and there is at least one.
            #[method("islower(self, /)")]
            fn islower(&self) -> bool {
                self.with(|data| text::is_of_case(data, u8::is_ascii_lowercase, u8::is_ascii_uppercase))
            }

            /// Return True if all characters are whitespace and there is at least one.
            #[method("isspace(self, /)")]
            fn isspace(&self) -> bool {
                self.with(|data| text::all(data, text::is_space))
            }

            /// Return True if the bytes are titlecased and there is at least one letter.
            #[method("istitle(self, /)")]
            fn istitle(&self) -> bool {
                self.with(text::is_title)
            }

            /// Return True if all cased characters are uppercase and there is at least one.
            #[method("isupper(self, /)")]
            fn isupper(&self) -> bool {
                self.with(|data| text::is_of_case(data, u8::is_ascii_uppercase, u8::is_ascii_lowercase))
            }

            /// Concatenate any number of bytes objects, with these bytes between each pair.
            #[method("join(self, iterable_of_bytes, /)")]
            fn join(&self, vm: &Vm, iterable_of_bytes: &Value) -> PyResult {
                let _hold = self.hold();
                let separator = self.with(<[u8]>::to_vec);
                if $typ::CONSTANT
                    && let Some(list) = iterable_of_bytes.downcast_exact::<List>()
                    && list.len() == 1
                    && let Some(only) = list.get(0)
                    && only.downcast_exact::<Bytes>().is_some()
                {
                    return Ok(only);
                }
                join(vm, &separator, iterable_of_bytes).map($typ::make)
            }

            /// Return a left-justified string of length width, padded with the given fill character.
            #[method("ljust(self, width, fillchar=b' ', /)")]
            fn ljust(this: &Object<$typ>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult {
                padded(vm, this, width, |_, _| 0, fill_byte(vm, "ljust", fillchar)?)
            }

            /// Return a copy with all ASCII characters converted to lowercase.
            #[method("lower(self, /)")]
            fn lower(&self) -> Value {
                $typ::make(self.with(text::lower))
            }

            /// Strip leading bytes contained in the argument; whitespace if it is None or missing.
            #[method("lstrip(self, bytes=None, /)")]
            fn lstrip(this: &Object<$typ>, vm: &Vm, bytes: Option<&Value>) -> PyResult {
                strip(vm, this, bytes, true, false)
            }

            /// Return a translation table usable for the bytes or bytearray translate method.
            #[staticmethod("maketrans(frm, to, /)")]
            fn maketrans(vm: &Vm, frm: &Value, to: &Value) -> PyResult {
                make_table(vm, frm, to)
            }

            /// Partition the bytes into three parts using the given separator, searched from the beginning.
            #[method("partition(self, sep, /)")]
            fn partition(this: &Object<$typ>, vm: &Vm, sep: &Value) -> PyResult {
                partition(vm, this, sep, false)
            }

            /// Return a copy with all occurrences of substring old replaced by new.
            ///
            /// If count is given, only the first count occurrences are replaced.
            #[method("replace(self, old, new, count=-1, /)")]
            fn replace(this: &Object<$typ>, vm: &Vm, old: &Value, new: &Value, count: isize) -> PyResult {
                let (old, new) = (buffer::view(vm, old)?, buffer::view(vm, new)?);
                let most = usize::try_from(count).unwrap_or(usize::MAX);
                let (old, new) = (old.as_slice(), new.as_slice());
                let untouched = most == 0
                    || this.with(|data| if old.is_empty() { new.is_empty() } else { search::find(data, old).is_none() });
                if untouched {
                    return Ok(part(this, 0, this.with(<[u8]>::len)));
                }
                Ok($typ::make(this.with(|data| search::replace(data, old, new, most))))
            }

            /// Return the bytes without the given prefix if they start with it.
            #[method("removeprefix(self, prefix, /)")]
            fn removeprefix(this: &Object<$typ>, vm: &Vm, prefix: &Value) -> PyResult {
                let prefix = buffer::view(vm, prefix)?;
                let (length, starts) = this.with(|data| (data.len(), data.starts_with(prefix.as_slice())));
                Ok(part(this, if starts { prefix.len() } else { 0 }, length))
            }

            /// Return the bytes without the given suffix if they end with it.
            #[method("removesuffix(self, suffix, /)")]
            fn removesuffix(this: &Object<$typ>, vm: &Vm, suffix: &Value) -> PyResult {
                let suffix = buffer::view(vm, suffix)?;
                let (length, ends) = this.with(|data| (data.len(), data.ends_with(suffix.as_slice())));
                Ok(part(this, 0, if ends { length - suffix.len() } else { length }))
            }

            /// Return the highest index in the bytes where subsection sub is found, or -1.
            #[method("rfind(self, sub[, start[, end]], /)")]
            fn rfind(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<isize> {
                Ok(find(vm, "rfind", self, args, names, true)?.map_or(-1, |place| place as isize))
            }

            /// Return the highest index in the bytes where subsection sub is found.
            ///
            /// Raise ValueError if the subsection is not found.
            #[method("rindex(self, sub[, start[, end]], /)")]
            fn rindex(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
                find(vm, "rindex", self, args, names, true)?.ok_or_else(|| vm.value_error("subsection not found"))
            }

            /// Return a right-justified string of length width, padded with the given fill character.
            #[method("rjust(self, width, fillchar=b' ', /)")]
            fn rjust(this: &Object<$typ>, vm: &Vm, width: isize, fillchar: Option<&Value>) -> PyResult {
                padded(vm, this, width, |width, length| width - length, fill_byte(vm, "rjust", fillchar)?)
            }

            /// Partition the bytes into three parts using the given separator, searched from the end.
            #[method("rpartition(self, sep, /)")]
            fn rpartition(this: &Object<$typ>, vm: &Vm, sep: &Value) -> PyResult {
                partition(vm, this, sep, true)
            }

            /// Return a list of the sections in the bytes, using sep as the delimiter, from the end.
            #[method("rsplit(self, /, sep=None, maxsplit=-1)")]
            fn rsplit(this: &Object<$typ>, vm: &Vm, sep: Option<&Value>, maxsplit: isize) -> PyResult {
                split(vm, this, sep, maxsplit, true)
            }

            /// Strip trailing bytes contained in the argument; whitespace if it is None or missing.
            #[method("rstrip(self, bytes=None, /)")]
            fn rstrip(this: &Object<$typ>, vm: &Vm, bytes: Option<&Value>) -> PyResult {
                strip(vm, this, bytes, false, true)
            }

            /// Return a list of the sections in the bytes, using sep as the delimiter.
            #[method("split(self, /, sep=None, maxsplit=-1)")]
            fn split(this: &Object<$typ>, vm: &Vm, sep: Option<&Value>, maxsplit: isize) -> PyResult {
                split(vm, this, sep, maxsplit, false)
            }

            /// Return a list of the lines in the bytes, breaking at line boundaries.
            ///
            /// Line breaks are not included in the resulting list unless keepends is given and true.
            #[method("splitlines(self, /, keepends=False)")]
            fn splitlines(this: &Object<$typ>, keepends: bool) -> Value {
                let lines = this.with(|data| {
                    search::lines(data, |byte| matches!(byte, b'\n' | b'\r'), |a, b| a == b'\r' && b == b'\n')
                });
                parts(
                    this,
                    lines.into_iter().map(|(start, end, next)| (start, if keepends { next } else { end })).collect(),
                )
            }

            /// Return True if the bytes start with the specified prefix, False otherwise.
            #[method("startswith(self, prefix[, start[, end]], /)")]
            fn startswith(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
                has_affix(vm, "startswith", self, args, names, <[u8]>::starts_with)
            }

            /// Strip leading and trailing bytes contained in the argument; whitespace if it is None or missing.
            #[method("strip(self, bytes=None, /)")]
            fn strip(this: &Object<$typ>, vm: &Vm, bytes: Option<&Value>) -> PyResult {
                strip(vm, this, bytes, true, true)
            }

            /// Return a copy with uppercase ASCII characters converted to lowercase and vice versa.
            #[method("swapcase(self, /)")]
            fn swapcase(&self) -> Value {
                $typ::make(self.with(text::swapcase))
            }

            /// Return a titlecased version: words start with uppercase characters.
            #[method("title(self, /)")]
            fn title(&self) -> Value {
                $typ::make(self.with(text::title))
            }

            /// Return a copy with each character mapped by the given translation table.
            ///
            /// All characters occurring in the optional argument delete are removed.
            #[method("translate(self, table, /, delete=b'')")]
            fn translate(this: &Object<$typ>, vm: &Vm, table: &Value, delete: Option<&Value>) -> PyResult {
                translate(vm, this, table, delete)
            }

            /// Return a copy with all ASCII characters converted to uppercase.
            #[method("upper(self, /)")]
            fn upper(&self) -> Value {
                $typ::make(self.with(text::upper))
            }

            /// Pad a numeric string with zeros on the left, to fill a field of the given width.
            #[method("zfill(self, width, /)")]
            fn zfill(this: &Object<$typ>, vm: &Vm, width: isize) -> PyResult {
                let length = this.with(<[u8]>::len);
                let width = width.max(0) as usize;
                if width <= length {
                    return Ok(part(this, 0, length));
                }
                if !crate::heap::can_allocate(width) {
                    return Err(vm.memory_error());
                }
                Ok($typ::make(this.with(|data| text::zfill(data, width))))
            }
        }
    )*};
}
shared_methods!(Bytes, ByteArray);
