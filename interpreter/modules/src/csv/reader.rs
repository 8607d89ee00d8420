//! `_csv.reader`: from lines to fields.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::float::Float;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::dialect::{Dialect, Quoting};
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
}

impl Reader {
    /// A reader of lines.
    pub fn make(lines: Value, dialect: Ref<Dialect>) -> Ref<Reader> {
        Object::new(Reader { lines, dialect, line: Cell::new(0) })
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

/// A record being parsed.
struct Parser<'a> {
    vm: &'a Vm,
    dialect: &'a Dialect,
    state: State,
    field: StrBuilder,
    unquoted: bool,
    fields: Vec<Value>,
    limit: i64,
}

const LINE_FEED: u32 = '\n' as u32;
const CARRIAGE_RETURN: u32 = '\r' as u32;

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

    fn save(&mut self) -> PyResult<()> {
        let text = std::mem::take(&mut self.field).finish();
        self.save_text(text)
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
    fn end_field(&mut self, c: Option<u32>) -> PyResult<()> {
        self.save()?;
        self.state = if c.is_none() { State::RecordStart } else { State::LineEnd };
        Ok(())
    }

    /// Takes a line, its end included.
    fn take_line(&mut self, line: &Object<Str>) -> PyResult<()> {
        let characters = line.characters();
        let mut at = 0;
        while at < characters.len() {
            let end = self.end_of_plain(characters, at);
            if end == at {
                self.take(Some(characters.get(at)))?;
                at += 1;
                continue;
            }
            self.check_limit(end - at)?;
            match self.state {
                State::InField | State::InQuotes => self.field.push_characters(characters.slice(at, end)),
                _ => {
                    self.unquoted = true;
                    if end < characters.len() && characters.get(end) == self.dialect.delimiter {
                        // The whole field, as most are.
                        self.save_text(line.slice(at, end))?;
                        self.state = State::FieldStart;
                        at = end + 1;
                        continue;
                    }
                    self.state = State::InField;
                    self.field.push_characters(characters.slice(at, end));
                }
            }
            at = end;
        }
        self.take(None)
    }

    /// Where the characters from `at` on end that only belong to the field.
    fn end_of_plain(&self, characters: Characters<'_>, at: usize) -> usize {
        let dialect = self.dialect;
        let none = dialect.delimiter;
        let quote = dialect.quote.filter(|_| dialect.quoting != Quoting::Never).unwrap_or(none);
        let escape = dialect.escape.unwrap_or(none);
        let stops = match self.state {
            State::InField => [dialect.delimiter, escape, escape, LINE_FEED, CARRIAGE_RETURN],
            // Without a quote or an escape the field goes on.
            State::InQuotes => match (dialect.quote, dialect.escape) {
                (Some(quote), escape) => [quote, escape.unwrap_or(quote), quote, quote, quote],
                _ => return at,
            },
            State::RecordStart | State::FieldStart if !dialect.skip_space => {
                [dialect.delimiter, escape, quote, LINE_FEED, CARRIAGE_RETURN]
            }
            _ => return at,
        };
        at + match characters {
            Characters::One(data) => length_without(&data[at..], stops),
            Characters::Two(data) => length_without(&data[at..], stops),
            Characters::Four(data) => length_without(&data[at..], stops),
        }
    }

    /// Takes a character, or the end of the line.
    fn take(&mut self, c: Option<u32>) -> PyResult<()> {
        let dialect = self.dialect;
        let line_ends = matches!(c, None | Some(LINE_FEED | CARRIAGE_RETURN));
        let quoting = dialect.quoting != Quoting::Never;
        let is_quote = quoting && c.is_some() && c == dialect.quote;
        let is_escape = c.is_some() && c == dialect.escape;
        let is_delimiter = c == Some(dialect.delimiter);
        if self.state == State::RecordStart {
            match c {
                None => return Ok(()),
                Some(LINE_FEED | CARRIAGE_RETURN) => {
                    self.state = State::LineEnd;
                    return Ok(());
                }
                Some(_) => self.state = State::FieldStart,
            }
        }
        match self.state {
            State::RecordStart | State::FieldStart => {
                self.unquoted = true;
                if line_ends {
                    self.end_field(c)?;
                } else if is_quote {
                    self.unquoted = false;
                    self.state = State::InQuotes;
                } else if is_escape {
                    self.state = State::Escaped;
                } else if c == Some(' ' as u32) && dialect.skip_space {
                    // Space in front of a field is skipped.
                } else if is_delimiter {
                    self.save()?;
                } else if let Some(c) = c {
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::Escaped => {
                let is_line_end = matches!(c, Some(LINE_FEED | CARRIAGE_RETURN));
                self.push(c.unwrap_or(LINE_FEED))?;
                self.state = if is_line_end { State::AfterEscapedLineEnd } else { State::InField };
            }
            State::AfterEscapedLineEnd if c.is_none() => {}
            State::AfterEscapedLineEnd | State::InField => {
                if line_ends {
                    self.end_field(c)?;
                } else if is_escape {
                    self.state = State::Escaped;
                } else if is_delimiter {
                    self.save()?;
                    self.state = State::FieldStart;
                } else if let Some(c) = c {
                    // Behind an escaped end of a line, the end of the next does not count either.
                    self.push(c)?;
                }
            }
            State::InQuotes => {
                if is_escape {
                    self.state = State::EscapedInQuotes;
                } else if is_quote {
                    self.state = if dialect.double_quote { State::QuoteInQuotes } else { State::InField };
                } else if let Some(c) = c {
                    self.push(c)?;
                }
            }
            State::EscapedInQuotes => {
                self.push(c.unwrap_or(LINE_FEED))?;
                self.state = State::InQuotes;
            }
            State::QuoteInQuotes => {
                if is_quote {
                    self.push(c.unwrap_or_default())?;
                    self.state = State::InQuotes;
                } else if is_delimiter {
                    self.save()?;
                    self.state = State::FieldStart;
                } else if line_ends {
                    self.end_field(c)?;
                } else if let Some(c) = c {
                    if dialect.strict {
                        let shown = |c: u32| char::from_u32(c).unwrap_or('\u{fffd}');
                        return Err(Error::error(
                            self.vm,
                            format!(
                                "'{}' expected after '{}'",
                                shown(dialect.delimiter),
                                shown(dialect.quote.unwrap_or_default())
                            ),
                        ));
                    }
                    self.push(c)?;
                    self.state = State::InField;
                }
            }
            State::LineEnd => {
                if c.is_none() {
                    self.state = State::RecordStart;
                } else if !line_ends {
                    return Err(Error::error(
                        self.vm,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// How many characters come before the first of some.
fn length_without<C: Copy + Into<u32>>(characters: &[C], stops: [u32; 5]) -> usize {
    let is_stop = |c: &C| {
        let c = (*c).into();
        stops.iter().any(|&stop| stop == c)
    };
    characters.iter().position(is_stop).unwrap_or(characters.len())
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
        let mut parser = Parser {
            vm,
            dialect: &self.dialect,
            state: State::RecordStart,
            field: StrBuilder::new(),
            unquoted: false,
            fields: Vec::new(),
            limit: FIELD_LIMIT.load(Ordering::Relaxed),
        };
        loop {
            let Some(line) = vm.next(&self.lines)? else {
                if parser.field.is_empty() && parser.state != State::InQuotes {
                    return Ok(None);
                }
                if self.dialect.strict {
                    return Err(Error::error(vm, "unexpected end of data"));
                }
                parser.save()?;
                break;
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
                break;
            }
        }
        Ok(Some(List::from_vec(parser.fields).into_value()))
    }
}
