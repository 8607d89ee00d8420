//! What a reader tells of a document.

use super::problem::Step;
use super::reader::Reader;

/// The content model of an element.
#[derive(Clone, Debug)]
pub struct Model {
    /// `XML_CTYPE_…`
    pub kind: i32,
    /// `XML_CQUANT_…`
    pub quantifier: i32,
    /// The element's name, where the model is one.
    pub name: Option<String>,
    /// What it is made of.
    pub children: Vec<Model>,
}

/// Something in a document.
#[allow(missing_docs)]
pub enum Event<'a> {
    /// The attributes that were given come first, then those by default.
    StartElement { name: &'a str, attributes: &'a [(String, String)], given: usize },
    EndElement { name: &'a str },
    Characters(&'a str),
    Comment(&'a str),
    Instruction { target: &'a str, data: &'a str },
    StartCdata,
    EndCdata,
    StartNamespace { prefix: Option<&'a str>, uri: Option<&'a str> },
    EndNamespace { prefix: Option<&'a str> },
    XmlDeclaration { version: Option<&'a str>, encoding: Option<&'a str>, standalone: i32 },
    StartDoctype { name: &'a str, system: Option<&'a str>, public: Option<&'a str>, internal: bool },
    EndDoctype,
    Element { name: &'a str, model: &'a Model },
    Attribute { element: &'a str, name: &'a str, kind: &'a str, default: Option<&'a str>, required: bool },
    Entity(EntityDeclaration<'a>),
    Notation { name: &'a str, system: Option<&'a str>, public: Option<&'a str> },
    SkippedEntity { name: &'a str, is_parameter: bool },
    /// What no event tells of.
    Other,
}

/// The declaration of an entity.
pub struct EntityDeclaration<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is for use in declarations.
    pub is_parameter: bool,
    /// Its text, where it is internal.
    pub value: Option<&'a str>,
    /// Where it is, where it is external.
    pub system: Option<&'a str>,
    /// Its public identifier.
    pub public: Option<&'a str>,
    /// The notation of an unparsed one.
    pub notation: Option<&'a str>,
}

/// An external entity that is referred to.
pub struct ExternalEntity<'a> {
    /// The entity's name, nothing for the document type.
    pub context: Option<&'a str>,
    /// Where it is.
    pub system: Option<&'a str>,
    /// Its public identifier.
    pub public: Option<&'a str>,
}

/// Who is told.
pub trait Sink {
    /// Tells of an event; the text is how it stands in the document.
    ///
    /// # Errors
    /// What the handler raises.
    fn event(&mut self, event: Event<'_>, text: &str) -> Step;

    /// Hands over an external entity; answers nothing where nobody wants any, and else whether it went well.
    ///
    /// # Errors
    /// What the handler raises.
    fn external(&mut self, entity: &ExternalEntity<'_>, reader: &Reader) -> Step<Option<bool>>;

    /// Asks whether a document that depends on others is welcome.
    ///
    /// # Errors
    /// What the handler raises.
    fn may_depend(&mut self) -> Step<bool>;

    /// Whether references to internal entities are replaced.
    fn expands_entities(&self) -> bool;

    /// Learns where reading is: line, column, byte.
    fn at(&mut self, place: Place);
}

/// A place in a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 0, in characters.
    pub column: usize,
    /// From 0.
    pub byte: usize,
}

impl Place {
    /// The beginning.
    pub const START: Place = Place { line: 1, column: 0, byte: 0 };

    /// Behind a text.
    #[must_use]
    pub fn after(mut self, text: &str, width: fn(char) -> usize) -> Place {
        if self.pass_plain(text.as_bytes(), width('a')) {
            return self;
        }
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            self.byte += width(c);
            match c {
                '\n' => (self.line, self.column) = (self.line + 1, 0),
                '\r' if characters.peek() != Some(&'\n') => (self.line, self.column) = (self.line + 1, 0),
                '\r' => {}
                _ => self.column += 1,
            }
        }
        self
    }

    /// Goes behind a text of ASCII characters, whose lines end in newlines; answers whether it was such a text.
    fn pass_plain(&mut self, text: &[u8], width: usize) -> bool {
        let (mut lines, mut line_start) = (0, None);
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'\n' => (lines, line_start) = (lines + 1, Some(at + 1)),
                b'\r' | 0x80.. => return false,
                _ => {}
            }
        }
        self.line += lines;
        self.column = line_start.map_or(self.column + text.len(), |start| text.len() - start);
        self.byte += text.len() * width;
        true
    }
}
