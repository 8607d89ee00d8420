//! `str.format` and `str.format_map`.

use crate::arguments::KeywordArguments;
use crate::exceptions::PyResult;
use crate::format::builtin::format_exact;
use crate::format::markup::{Field, Key, Markup, Step, Steps};
use crate::object::{Object, Ref};
use crate::types::int;
use crate::types::string::build::StrBuilder;
use crate::types::string::{Str, same_or_made};
use crate::value::Value;
use crate::vm::Vm;

/// Where the names of fields are looked up.
#[derive(Clone, Copy)]
pub enum Names<'a> {
    /// The keyword arguments of `str.format`.
    Keywords(&'a KeywordArguments<'a>),
    /// The mapping of `str.format_map`, which takes no positions.
    Mapping(&'a Value),
}

/// Fields within fields within the format string are one too many.
const MOST_NESTED: u32 = 2;

/// How fields without a number are counted.
enum Numbering {
    Undecided,
    Automatic(usize),
    Manual,
}

/// `format.format(*args, **names)`.
///
/// # Errors
/// What is wrong with the format, and what looking up and formatting the values raises.
pub fn format(vm: &Vm, format: &Object<Str>, args: &[Value], names: Names<'_>) -> PyResult<Ref<Str>> {
    let characters: Vec<u32> = format.characters().to_vec();
    let mut formatter = Formatter { vm, args, names, numbering: Numbering::Undecided };
    let out = formatter.expand(&characters, MOST_NESTED)?;
    Ok(match args {
        [] => same_or_made(format, out),
        [only] => match only.downcast_exact::<Str>() {
            Some(only) => same_or_made(only, out),
            None => out,
        },
        _ => out,
    })
}

struct Formatter<'a> {
    vm: &'a Vm,
    args: &'a [Value],
    names: Names<'a>,
    numbering: Numbering,
}

impl Formatter<'_> {
    fn expand(&mut self, text: &[u32], depth: u32) -> PyResult<Ref<Str>> {
        if depth == 0 {
            return Err(self.vm.value_error("Max string recursion exceeded"));
        }
        let mut out = StrBuilder::with_capacity(text.len());
        let mut markup = Markup::new(text, 0);
        while let Some(piece) = markup.next_piece().map_err(|message| self.vm.value_error(message))? {
            piece.literal.iter().for_each(|&c| out.push(c));
            if let Some(field) = &piece.field {
                let text = self.field(field, depth)?;
                out.push_object(&text);
            }
        }
        Ok(out.finish())
    }

    fn field(&mut self, field: &Field<'_>, depth: u32) -> PyResult<Ref<Str>> {
        let vm = self.vm;
        let mut value = self.look_up(field.name)?;
        if let Some(conversion) = field.conversion {
            value = self.convert(&value, conversion)?.into_value();
        }
        let spec = if field.nested {
            self.expand(field.spec, depth - 1)?
        } else {
            Str::from_code_points(field.spec)
        };
        match format_exact(vm, &value, &spec) {
            Some(formatted) => formatted,
            None => vm.format(&value, &spec),
        }
    }

    fn convert(&self, value: &Value, conversion: u32) -> PyResult<Ref<Str>> {
        match char::from_u32(conversion) {
            Some('r') => self.vm.repr(value),
            Some('s') => self.vm.str(value),
            Some('a') => self.vm.ascii(value),
            Some(c @ '!'..='~') => Err(self.vm.value_error(format!("Unknown conversion specifier {c}"))),
            _ => Err(self.vm.value_error(format!("Unknown conversion specifier \\x{conversion:x}"))),
        }
    }

    /// The value that a field's name means.
    fn look_up(&mut self, name: &[u32]) -> PyResult {
        let vm = self.vm;
        let (first, mut steps) = Steps::split(name).map_err(|message| vm.value_error(message))?;
        let mut value = match self.number(first)? {
            Key::Index(index) => self.positional(index)?,
            Key::Name(name) => self.named(name)?,
        };
        while let Some(step) = steps.next_step().map_err(|message| vm.value_error(message))? {
            value = match step {
                Step::Attribute(name) => vm.get_attribute(&value, &Str::from_code_points(name))?,
                Step::Item(Key::Index(index)) => vm.get_item(&value, &int::new(index as i64))?,
                Step::Item(Key::Name(name)) => {
                    vm.get_item(&value, &Str::from_code_points(name).into_value())?
                }
            };
        }
        Ok(value)
    }

    /// Numbers a field without a name; positions are either all given or all counted.
    fn number<'k>(&mut self, first: Key<'k>) -> PyResult<Key<'k>> {
        match (first, &mut self.numbering) {
            (Key::Name([]), Numbering::Manual) => Err(self
                .vm
                .value_error("cannot switch from manual field specification to automatic field numbering")),
            (Key::Name([]), Numbering::Automatic(next)) => {
                *next += 1;
                Ok(Key::Index(*next - 1))
            }
            (Key::Name([]), Numbering::Undecided) => {
                self.numbering = Numbering::Automatic(1);
                Ok(Key::Index(0))
            }
            (Key::Index(_), Numbering::Automatic(_)) => Err(self
                .vm
                .value_error("cannot switch from automatic field numbering to manual field specification")),
            (Key::Index(index), _) => {
                self.numbering = Numbering::Manual;
                Ok(Key::Index(index))
            }
            (name, _) => Ok(name),
        }
    }

    fn positional(&self, index: usize) -> PyResult {
        if matches!(self.names, Names::Mapping(_)) {
            return Err(self.vm.value_error("Format string contains positional fields"));
        }
        self.args.get(index).cloned().ok_or_else(|| {
            self.vm.index_error(format!("Replacement index {index} out of range for positional args tuple"))
        })
    }

    fn named(&self, name: &[u32]) -> PyResult {
        let name = Str::from_code_points(name);
        match self.names {
            Names::Mapping(mapping) => self.vm.get_item(mapping, name.value()),
            Names::Keywords(keywords) => {
                let found = keywords
                    .iter()
                    .find(|(key, _)| key.downcast::<Str>().is_some_and(|key| key.same_text(&name)))
                    .map(|(_, value)| value.clone());
                found.ok_or_else(|| self.vm.key_error(name.value()))
            }
        }
    }
}
