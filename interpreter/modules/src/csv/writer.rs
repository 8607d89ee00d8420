//! `_csv.writer`: from fields to lines.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::complex::Complex;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::Error;
use super::dialect::{Dialect, Quoting};
use super::meanings::{DELIMITER, ESCAPE, LINE_END, QUOTE, TERMINATOR};

/// CSV writer
///
/// Writer objects are responsible for generating tabular data
/// in CSV format from sequence input.
#[pyclass(name = "writer", module = "_csv", tracked, subclassable, no_new)]
pub struct Writer {
    write: Value,
    dialect: Ref<Dialect>,
}

impl Writer {
    /// A writer that hands its lines to a function.
    pub fn make(write: Value, dialect: Ref<Dialect>) -> Ref<Writer> {
        Object::new(Writer { write, dialect })
    }
}

/// A record being written.
struct Record<'a> {
    vm: &'a Vm,
    dialect: &'a Dialect,
    out: StrBuilder,
    count: usize,
}

/// What cannot stand in a field as it is.
const SPECIAL: u8 = DELIMITER | ESCAPE | LINE_END | QUOTE | TERMINATOR;

/// Characters that there is room for at first.
const ROOM: usize = 100;

impl Record<'_> {
    /// Appends what is to be a field; answers whether it is `None`.
    fn push_value(&mut self, field: &Value) -> PyResult<bool> {
        let null = is_none(field);
        let text = field.downcast::<Str>();
        let quoted = match self.dialect.quoting {
            Quoting::NonNumeric => !is_number(field),
            Quoting::All => true,
            Quoting::Strings => text.is_some(),
            Quoting::NotNull => !null,
            Quoting::Minimal | Quoting::Never => false,
        };
        match text {
            Some(text) => self.push(Some(text), quoted)?,
            None if null => self.push(None, quoted)?,
            None => {
                let text = self.vm.str(field)?;
                self.push(Some(&text), quoted)?;
            }
        }
        Ok(null)
    }

    /// Appends a field; nothing stands for `None`.
    fn push(&mut self, field: Option<&Object<Str>>, mut quoted: bool) -> PyResult<()> {
        let dialect = self.dialect;
        if self.count > 0 {
            self.out.push(dialect.delimiter);
        }
        self.count += 1;
        let null_stays_bare =
            field.is_none() && matches!(dialect.quoting, Quoting::Strings | Quoting::NotNull);
        let empty = field.is_none_or(|field| field.length() == 0);
        if empty && dialect.delimiter == ' ' as u32 && dialect.skip_space {
            if dialect.quoting == Quoting::Never || null_stays_bare {
                return Err(Error::error(
                    self.vm,
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quoted = true;
        }
        let text = field.map_or(Characters::One(&[]), |field| field.characters());
        match text {
            Characters::One(data) => self.push_characters(text, data, quoted),
            Characters::Two(data) => self.push_characters(text, data, quoted),
            Characters::Four(data) => self.push_characters(text, data, quoted),
        }
    }

    /// Appends the characters of a field, which are given as a slice as well.
    fn push_characters<C: Copy + Into<u32>>(
        &mut self,
        text: Characters<'_>,
        data: &[C],
        quoted: bool,
    ) -> PyResult<()> {
        let dialect = self.dialect;
        let first = dialect.meanings.length_without(data, SPECIAL);
        let quoted = self.is_quoted(&data[first..], quoted)?;
        let quote = dialect.quote.filter(|_| quoted);
        quote.iter().for_each(|&quote| self.out.push(quote));
        // Characters up to here are written; those from there on are looked at.
        let (mut written, mut at) = (0, first);
        while let Some(&c) = data.get(at) {
            if let Some(prefix) = self.prefix(dialect.meanings.get(c.into())) {
                self.out.push_characters(text.slice(written, at));
                self.out.push(prefix);
                written = at;
            }
            at += 1 + dialect.meanings.length_without(&data[at + 1..], SPECIAL);
        }
        self.out.push_characters(text.slice(written, data.len()));
        quote.iter().for_each(|&quote| self.out.push(quote));
        Ok(())
    }

    /// Whether a special character is escaped, rather than put in quotes.
    fn is_escaped(&self, meaning: u8) -> bool {
        self.dialect.quoting == Quoting::Never
            || if meaning & QUOTE != 0 { !self.dialect.double_quote } else { meaning & ESCAPE != 0 }
    }

    /// What is written in front of a special character: an escape, or a quote in front of another.
    fn prefix(&self, meaning: u8) -> Option<u32> {
        if self.is_escaped(meaning) {
            self.dialect.escape
        } else {
            self.dialect.quote.filter(|_| meaning & QUOTE != 0)
        }
    }

    /// Whether quotes are needed around what begins with a special character.
    ///
    /// # Errors
    /// `Error` where a character needs an escape and there is none.
    fn is_quoted<C: Copy + Into<u32>>(&self, data: &[C], mut quoted: bool) -> PyResult<bool> {
        for &c in data {
            let meaning = self.dialect.meanings.get(c.into());
            if meaning & SPECIAL == 0 {
                continue;
            }
            if !self.is_escaped(meaning) {
                quoted = true;
            } else if self.dialect.escape.is_none() {
                return Err(Error::error(self.vm, "need to escape, but no escapechar set"));
            }
        }
        Ok(quoted)
    }
}

/// Whether a field counts as a number.
fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.get().is_some()
        || slots.int.get().is_some()
        || slots.float.get().is_some()
        || value.downcast::<Complex>().is_some()
}

#[pymethods]
impl Writer {
    #[getter("dialect", member)]
    fn dialect(&self) -> Ref<Dialect> {
        self.dialect.clone()
    }

    /// Construct and write a CSV record from an iterable of fields.
    ///
    /// Non-string elements will be converted to string.
    #[method("writerow(self, row, /)")]
    fn writerow(&self, vm: &Vm, row: &Value) -> PyResult {
        let dialect = &*self.dialect;
        let out = StrBuilder::with_capacity(ROOM);
        let mut record = Record { vm, dialect, out, count: 0 };
        let mut null = false;
        if let Some(list) = row.downcast_exact::<List>() {
            let mut place = 0;
            while let Some(field) = list.get(place) {
                null = record.push_value(&field)?;
                place += 1;
            }
        } else {
            let iterator = vm.iter(row).map_err(|error| {
                if error.is_type_error() {
                    Error::error(vm, format!("iterable expected, not {}", row.type_of().full_name()))
                } else {
                    error
                }
            })?;
            while let Some(field) = vm.next(&iterator)? {
                null = record.push_value(&field)?;
            }
        }
        if record.count > 0 && record.out.is_empty() {
            let bare = matches!(dialect.quoting, Quoting::Strings | Quoting::NotNull) && null;
            if dialect.quoting == Quoting::Never || bare {
                return Err(Error::error(vm, "single empty field record must be quoted"));
            }
            record.count -= 1;
            record.push(None, true)?;
        }
        record.out.push_object(&dialect.terminator);
        vm.call(&self.write, &[record.out.finish().into_value()])
    }

    /// Construct and write a series of iterables to a csv file.
    ///
    /// Non-string elements will be converted to string.
    #[method("writerows(self, rows, /)")]
    fn writerows(&self, vm: &Vm, rows: &Value) -> PyResult<()> {
        let iterator = vm.iter(rows)?;
        while let Some(row) = vm.next(&iterator)? {
            self.writerow(vm, &row)?;
        }
        Ok(())
    }
}
