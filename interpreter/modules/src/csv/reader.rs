//! `_csv.reader`: from lines to fields.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::float::Float;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::build::{from_ascii, from_characters};
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::dialect::{Dialect, Quoting};
use super::meanings::{DELIMITER, ESCAPE, LINE_END, QUOTE, SPACE};
use super::{Error, FIELD_LIMIT};

/// CSV reader
///
/// Reader objects are responsible for reading and parsing tabular data
/// in CSV format.
#[pyclass(name = "reader", module = "_csv", tracked, subclassable, no_new)]
pub struct Reader {
    lines: Value,
    dialect: Ref<Dialect>,
    line: Cell<u64>,
    /// How many fields the last record had; the next will have as many.
    columns: Cell<usize>,
    /// Room for the characters of a field.
    #[untraced]
    room: GilCell<Vec<u32>>,
}

impl Reader {
    /// A reader of lines.
    pub fn make(lines: Value, dialect: Ref<Dialect>) -> Ref<Reader> {
        Object::new(Reader { lines, dialect, line: Cell::new(0), columns: Cell::new(0), room: GilCell::default() })
    }
}

/// Where in a record the parser is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    RecordStart,
    FieldStart,
    Escaped,
    InField,
    InQuotes,
    EscapedInQuotes,
    QuoteInQuotes,
    LineEnd,
    AfterEscapedLineEnd,
}

/// The end of a line as the iterator gives it, where no character stands.
const END: u8 = 128;
const LINE_FEED: u32 = '\n' as u32;

/// What has a meaning in a field without quotes, and in quotes.
const IN_FIELD: u8 = DELIMITER | ESCAPE | LINE_END;
const IN_QUOTES: u8 = QUOTE | ESCAPE;

/// A record being parsed.
struct Parser<'a> {
    vm: &'a Vm,
    dialect: &'a Dialect,
    /// The meanings that count: there are no quotes where nothing is quoted.
    counted: u8,
    state: State,
    field: Vec<u32>,
    unquoted: bool,
    fields: Vec<Value>,
    limit: i64,
}

impl Parser<'_> {
    fn check_limit(&self, more: usize) -> PyResult<()> {
        if (self.field.len() + more) as i64 > self.limit {
            return Err(Error::error(self.vm, format!("field larger than field limit ({})", self.limit)));
        }
        Ok(())
    }

    fn push(&mut self, c: u32) -> PyResult<()> {
        self.check_limit(1)?;
        self.field.push(c);
        Ok(())
    }

    fn push_all<C: Copy + Into<u32>>(&mut self, characters: &[C]) -> PyResult<()> {
        self.check_limit(characters.len())?;
        self.field.extend(characters.iter().map(|&c| c.into()));
        Ok(())
    }

    fn save(&mut self) -> PyResult<()> {
        let text = from_characters(Characters::Four(&self.field));
        self.field.clear();
        self.save_text(text)
    }

    /// Saves characters of a line as a field of their own.
    fn save_slice(&mut self, line: &Object<Str>, start: usize, end: usize) -> PyResult<()> {
        self.check_limit(end - start)?;
        let ascii = line.as_ascii().and_then(|ascii| ascii.as_bytes().get(start..end));
        self.save_text(ascii.map_or_else(|| line.slice(start, end), from_ascii))
    }

    fn save_text(&mut self, text: Ref<Str>) -> PyResult<()> {
        let quoting = self.dialect.quoting;
        let empty = text.length() == 0;
        if self.unquoted && empty && matches!(quoting, Quoting::NotNull | Quoting::Strings) {
            self.fields.push(none());
            return Ok(());
        }
        let text = text.into_value();
        if self.unquoted && !empty && matches!(quoting, Quoting::NonNumeric | Quoting::Strings) {
            self.fields.push(Float::static_type().construct(self.vm, &[text])?);
        } else {
            self.fields.push(text);
        }
        Ok(())
    }

    /// Ends the field, and with it the record where the line ends.
    fn end_field(&mut self, meaning: u8) -> PyResult<()> {
        self.save()?;
        self.state = if meaning & END != 0 { State::RecordStart } else { State::LineEnd };
        Ok(())
    }

    /// Takes a line, its end included.
    fn take_line(&mut self, line: &Object<Str>) -> PyResult<()> {
        match line.characters() {
            Characters::One(data) => self.take_characters(line, data)?,
            Characters::Two(data) => self.take_characters(line, data)?,
            Characters::Four(data) => self.take_characters(line, data)?,
        }
        self.take(LINE_FEED, LINE_END | END)
    }

    fn meaning<C: Copy + Into<u32>>(&self, character: C) -> u8 {
        self.dialect.meanings.get(character.into()) & self.counted
    }

    fn take_characters<C: Copy + Into<u32>>(&mut self, line: &Object<Str>, data: &[C]) -> PyResult<()> {
        let meanings = &self.dialect.meanings;
        let mut at = 0;
        while let Some(&c) = data.get(at) {
            let meaning = self.meaning(c);
            at += match self.state {
                State::RecordStart | State::FieldStart => self.take_field(line, data, at)?,
                State::InField if meaning & IN_FIELD == 0 => {
                    let plain = meanings.length_without(&data[at..], IN_FIELD);
                    self.push_all(&data[at..at + plain])?;
                    plain
                }
                State::InQuotes if meaning & IN_QUOTES == 0 => {
                    let plain = meanings.length_without(&data[at..], IN_QUOTES & self.counted);
                    self.push_all(&data[at..at + plain])?;
                    plain
                }
                _ => {
                    self.take(c.into(), meaning)?;
                    1
                }
            };
        }
        Ok(())
    }

    /// Takes a field from its start, the delimiter or end of the line behind it included, or as much of it as is of one
    /// kind; answers how many characters that were.
    fn take_field<C: Copy + Into<u32>>(&mut self, line: &Object<Str>, data: &[C], at: usize) -> PyResult<usize> {
        let meaning = self.meaning(data[at]);
        let is_quoted = meaning & QUOTE != 0;
        if !is_quoted && meaning & (IN_FIELD | SPACE) != 0 {
            self.take(data[at].into(), meaning)?;
            return Ok(1);
        }
        let start = at + usize::from(is_quoted);
        let stops = if is_quoted { IN_QUOTES & self.counted } else { IN_FIELD };
        let end = start + self.dialect.meanings.length_without(&data[start..], stops);
        self.unquoted = !is_quoted;
        // The whole field, as most are: it ends here.
        let behind = if is_quoted && end < data.len() && self.meaning(data[end]) & QUOTE != 0 { end + 1 } else { end };
        let closed = !is_quoted || behind > end;
        if let Some(&c) = data.get(behind)
            && closed
            && self.meaning(c) & (DELIMITER | LINE_END) != 0
        {
            self.save_slice(line, start, end)?;
            let goes_on = self.meaning(c) & DELIMITER != 0;
            self.state = if goes_on { State::FieldStart } else { State::LineEnd };
            return Ok(behind + 1 - at);
        }
        self.state = if is_quoted { State::InQuotes } else { State::InField };
        self.push_all(&data[start..end])?;
        Ok(end - at)
    }

    /// Takes a character that means something, or the end of the line.
    fn take(&mut self, c: u32, meaning: u8) -> PyResult<()> {
        let means = |what: u8| meaning & what != 0;
        if self.state == State::RecordStart {
            if means(LINE_END) {
                self.state = if means(END) { State::RecordStart } else { State::LineEnd };
                return Ok(());
            }
            self.state = State::FieldStart;
        }
        match self.state {
            State::RecordStart | State::FieldStart => {
                self.unquoted = true;
                if means(LINE_END) {
                    self.end_field(meaning)?;
                } else if means(QUOTE) {
                    self.unquoted = false;
                    self.state = State::InQuotes;
                } else if means(ESCAPE) {
                    self.state = State::Escaped;
                } else if means(SPACE) {
                    // Space in front of a field is skipped.
                } else if means(DELIMITER) {
                    self.save()?;
                } else {
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::Escaped => {
                self.push(c)?;
                let at_line_end = means(LINE_END) && !means(END);
                self.state = if at_line_end { State::AfterEscapedLineEnd } else { State::InField };
            }
            State::AfterEscapedLineEnd if means(END) => {}
            State::AfterEscapedLineEnd | State::InField => {
                if means(LINE_END) {
                    self.end_field(meaning)?;
                } else if means(ESCAPE) {
                    self.state = State::Escaped;
                } else if means(DELIMITER) {
                    self.save()?;
                    self.state = State::FieldStart;
                } else {
                    // Behind an escaped end of a line, the end of the next does not count either.
                    self.push(c)?;
                }
            }
            State::InQuotes => {
                if means(ESCAPE) {
                    self.state = State::EscapedInQuotes;
                } else if means(QUOTE) {
                    self.state = if self.dialect.double_quote { State::QuoteInQuotes } else { State::InField };
                } else if !means(END) {
                    self.push(c)?;
                }
            }
            State::EscapedInQuotes => {
                self.push(c)?;
                self.state = State::InQuotes;
            }
            State::QuoteInQuotes => {
                if means(QUOTE) {
                    self.push(c)?;
                    self.state = State::InQuotes;
                } else if means(DELIMITER) {
                    self.save()?;
                    self.state = State::FieldStart;
                } else if means(LINE_END) {
                    self.end_field(meaning)?;
                } else if self.dialect.strict {
                    return Err(self.quote_inside());
                } else {
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::LineEnd => {
                if means(END) {
                    self.state = State::RecordStart;
                } else if !means(LINE_END) {
                    return Err(Error::error(
                        self.vm,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn quote_inside(&self) -> Exception {
        let shown = |c: u32| char::from_u32(c).unwrap_or('\u{fffd}');
        let (delimiter, quote) = (self.dialect.delimiter, self.dialect.quote.unwrap_or_default());
        Error::error(self.vm, format!("'{}' expected after '{}'", shown(delimiter), shown(quote)))
    }
}

#[pymethods]
impl Reader {
    #[getter("dialect", member)]
    fn dialect(&self) -> Ref<Dialect> {
        self.dialect.clone()
    }

    #[getter("line_num", member)]
    fn line_num(&self) -> u64 {
        self.line.get()
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let mut field = self.room.take();
        field.clear();
        let mut parser = Parser {
            vm,
            dialect: &self.dialect,
            counted: if self.dialect.quoting == Quoting::Never { !QUOTE } else { !0 },
            state: State::RecordStart,
            field,
            unquoted: false,
            fields: Vec::with_capacity(self.columns.get()),
            limit: FIELD_LIMIT.load(Ordering::Relaxed),
        };
        let found = self.read_record(&mut parser)?;
        self.room.set(parser.field);
        self.columns.set(parser.fields.len());
        Ok(found.then(|| List::from_vec(parser.fields).into_value()))
    }
}

impl Reader {
    /// Reads lines until the record is complete; answers whether there was one.
    fn read_record(&self, parser: &mut Parser<'_>) -> PyResult<bool> {
        let vm = parser.vm;
        loop {
            let Some(line) = vm.next(&self.lines)? else {
                if parser.field.is_empty() && parser.state != State::InQuotes {
                    return Ok(false);
                }
                if self.dialect.strict {
                    return Err(Error::error(vm, "unexpected end of data"));
                }
                parser.save()?;
                return Ok(true);
            };
            let Some(text) = line.downcast::<Str>() else {
                return Err(Error::error(
                    vm,
                    format!(
                        "iterator should return strings, not {} (the file should be opened in text mode)",
                        line.type_of().full_name()
                    ),
                ));
            };
            self.line.set(self.line.get() + 1);
            parser.take_line(text)?;
            if parser.state == State::RecordStart {
                return Ok(true);
            }
        }
    }
}
