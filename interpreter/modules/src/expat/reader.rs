//! Reading a document in pieces: prolog, elements, references, namespaces, what comes behind.

use std::cell::RefCell;
use std::rc::Rc;

use super::doctype::{Doctype, Entity};
use rspy_runtime::cell::GilCell;

use super::event::{Event, ExternalEntity, Place, Sink};
use super::input::{Input, Text};
use super::problem::{Problem, Step, Stop, wrong};
use super::scan::{self, Cursor, Reference, continues_name, is_character, is_space, predefined};

/// Text that has been converted is told in pieces of so many bytes.
const CONVERTED_PIECE: usize = 1024;

/// Elements may be nested in entities, and entities in entities, so deep.
const DEEPEST: usize = 200;

/// Where in a document reading is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// At the very beginning, where a declaration may stand.
    Start,
    /// Before the root element; whether there was a document type.
    Prolog { doctype: bool },
    /// In the internal subset.
    Subset,
    /// Behind the internal subset.
    BehindSubset,
    /// In the root element, or in an entity that is read apart.
    Content,
    /// Behind the root element.
    Epilog,
    /// In declarations that are read apart.
    Declarations,
}

/// An element that is open.
struct Open {
    /// Its name as it stands in the document.
    raw: String,
    /// Its name as it is told, where it is another.
    name: Option<String>,
    /// How many prefixes it has bound.
    bindings: usize,
}

/// A prefix and what it stands for; the default has no prefix.
struct Binding {
    prefix: Option<String>,
    uri: Option<String>,
}

/// The namespace of `xml:`.
const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// The state of reading.
pub struct Reader {
    stage: Stage,
    pending: String,
    place: Place,
    width: fn(char) -> usize,
    elements: Vec<Open>,
    in_cdata: bool,
    /// Whether elements may be missing: the entity is read apart.
    is_entity: bool,
    pub(super) doctype: Rc<RefCell<Doctype>>,
    pub(super) subset: (Option<String>, Option<String>),
    /// Entities that are being replaced.
    pub(super) open: Vec<String>,
    /// Whether places stay: what is read stands elsewhere.
    pub(super) frozen: bool,
    /// 0 for never, 1 unless the document stands alone, 2 always.
    pub parameter_entities: i32,
    /// Whether a document type is asked for where there is none.
    pub foreign: bool,
    /// What separates namespace and name, where namespaces are told.
    pub separator: Option<String>,
    /// Whether prefixes are told, too.
    pub tells_prefixes: bool,
    /// Whether waiting for the rest of a token may skip looking.
    pub defers: bool,
    waiting: usize,
    bindings: Vec<Binding>,
    at_start: bool,
    given: usize,
    expanded: usize,
    /// How much entities may make of a document, and from how many bytes on that counts.
    pub amplification: f32,
    /// See there.
    pub free_expansion: u64,
    /// Whether the document has another encoding than the text.
    converts: bool,
    /// Whether the document's own declaration must name an encoding with two bytes a character.
    is_wide: bool,
    finished: bool,
    failed: Option<Failure>,
}

/// What was wrong. Whoever reads on nevertheless is told again, each time as far behind the place told before as that
/// was behind the text where reading last began; so does Expat.
struct Failure {
    problem: Problem,
    place: Place,
    text: String,
}

impl Reader {
    /// At the beginning of a document.
    pub fn new(separator: Option<String>) -> Reader {
        Reader {
            stage: Stage::Start,
            pending: String::new(),
            place: Place::START,
            width: char::len_utf8,
            elements: Vec::new(),
            in_cdata: false,
            is_entity: false,
            doctype: Rc::default(),
            subset: (None, None),
            open: Vec::new(),
            frozen: false,
            parameter_entities: 0,
            foreign: false,
            separator,
            tells_prefixes: false,
            defers: true,
            waiting: 0,
            bindings: Vec::new(),
            at_start: true,
            given: 0,
            expanded: 0,
            amplification: 100.0,
            free_expansion: 8 << 20,
            converts: false,
            is_wide: false,
            finished: false,
            failed: None,
        }
    }

    /// At the beginning of an external entity of this document: its content, or declarations where it has no context.
    pub fn for_entity(&self, context: Option<&str>) -> Reader {
        let mut reader = Reader::new(self.separator.clone());
        reader.doctype = Rc::clone(&self.doctype);
        reader.parameter_entities = self.parameter_entities;
        reader.tells_prefixes = self.tells_prefixes;
        reader.defers = self.defers;
        reader.is_entity = true;
        reader.open = self.open.clone();
        reader.open.extend(context.map(str::to_owned));
        reader.bindings = self
            .bindings
            .iter()
            .map(|binding| Binding { prefix: binding.prefix.clone(), uri: binding.uri.clone() })
            .collect();
        reader.stage = if context.is_some() { Stage::Content } else { Stage::Declarations };
        reader
    }

    /// Whether this reads an entity of another document.
    pub const fn is_entity(&self) -> bool {
        self.is_entity
    }

    /// Where reading is.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Whether anything was wrong, so that nothing more is read.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Has nothing more read, since the bytes cannot be read.
    pub fn fail(&mut self, problem: Problem) {
        self.failed = Some(Failure { problem, place: self.place, text: String::new() });
    }

    /// Says where in a token what follows is.
    pub(super) fn mark(&self, before: &str, sink: &mut dyn Sink) {
        if !self.frozen {
            sink.at(self.place.after(before, self.width));
        }
    }

    /// Reads the text of the next bytes, and says what is wrong with those behind it.
    ///
    /// # Errors
    /// As for [`feed`](Self::feed).
    pub fn feed_input(
        &mut self,
        input: &GilCell<Input>,
        text: Text,
        is_final: bool,
        sink: &mut dyn Sink,
    ) -> Result<(), (Stop, Place)> {
        self.width = input.borrow().width();
        self.converts = input.borrow().converts();
        self.is_wide = input.borrow().is_wide();
        if text.mark > 0 {
            // The mark that a document begins with counts as a character.
            self.place.byte += text.mark;
            self.place.column += 1;
        }
        let Some(problem) = text.problem else { return self.feed(&text.text, is_final, sink) };
        // What stands before the bytes that are wrong is read first.
        self.waiting = 0;
        self.feed(&text.text, false, sink)?;
        let place = self.place.after(&self.pending, self.width);
        self.failed = Some(Failure { problem, place, text: std::mem::take(&mut self.pending) });
        Err((Stop::Wrong(problem, 0), place))
    }

    /// Reads on; at the end what is not whole is wrong. An error comes with its place.
    ///
    /// # Errors
    /// What is wrong with the document, or what a handler raises.
    pub fn feed(&mut self, text: &str, is_final: bool, sink: &mut dyn Sink) -> Result<(), (Stop, Place)> {
        if let Some(failure) = &mut self.failed {
            failure.place = failure.place.after(&failure.text, self.width);
            return Err((Stop::Wrong(failure.problem, 0), failure.place));
        }
        if self.finished {
            return Err((Stop::Wrong(Problem::Finished, 0), self.place));
        }
        self.given += text.len();
        self.pending.push_str(text);
        if self.defers && !is_final && self.waiting > 0 && self.pending.len() < 2 * self.waiting {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_str();
        let outcome = loop {
            if rest.is_empty() {
                break Ok(());
            }
            sink.at(self.place);
            match self.step(rest, is_final, sink) {
                Ok(length) => {
                    self.at_start = false;
                    self.advance(&rest[..length]);
                    rest = &rest[length..];
                }
                Err(Stop::More) if !is_final => break Ok(()),
                Err(Stop::More) => {
                    let (problem, at) = self.cut(rest);
                    break Err((Stop::Wrong(problem, at), self.place.after(&rest[..at], self.width)));
                }
                Err(Stop::Wrong(problem, at)) => {
                    let place = if self.frozen { self.place } else { self.place.after(&rest[..at], self.width) };
                    break Err((Stop::Wrong(problem, at), place));
                }
                Err(stop) => break Err((stop, self.place)),
            }
        };
        if let Err((Stop::Wrong(problem, at), place)) = outcome {
            let at = if self.frozen { 0 } else { at };
            let text = pending[..pending.len() - rest.len() + at].to_owned();
            self.failed = Some(Failure { problem, place, text });
        }
        self.waiting = if rest.len() == pending.len() { rest.len() } else { 0 };
        self.pending = rest.to_owned();
        sink.at(self.place);
        outcome?;
        if is_final {
            if let Err(stop) = self.end() {
                if let Stop::Wrong(problem, _) = stop {
                    self.failed = Some(Failure { problem, place: self.place, text: String::new() });
                }
                return Err((stop, self.place));
            }
            self.finished = true;
        }
        Ok(())
    }

    /// What is wrong with a text that is no whole token, and where. Declarations are many tokens: names and quoted texts.
    fn cut(&self, rest: &str) -> (Problem, usize) {
        if self.in_cdata {
            return (Problem::UnclosedCdata, 0);
        }
        let declares = rest.starts_with("<!") && !rest.starts_with("<!-") && rest.contains(is_space);
        if !declares || self.is_entity || self.stage == Stage::Content {
            return (Problem::UnclosedToken, 0);
        }
        let mut quote: Option<(char, usize)> = None;
        for (at, c) in rest.char_indices().filter(|(_, c)| matches!(c, '"' | '\'')) {
            quote = match quote {
                None => Some((c, at)),
                Some((open, _)) if open == c => None,
                open => open,
            };
        }
        quote.map_or((Problem::NoElements, rest.len()), |(_, at)| (Problem::UnclosedToken, at))
    }

    /// Whether the document may end here.
    fn end(&self) -> Step {
        let whole = match self.stage {
            Stage::Epilog | Stage::Declarations => true,
            Stage::Content if self.in_cdata => return wrong(Problem::UnclosedCdata, 0),
            Stage::Content if self.is_entity && self.elements.is_empty() => true,
            Stage::Content if self.is_entity => return wrong(Problem::AsynchronousEntity, 0),
            _ => false,
        };
        if whole { Ok(()) } else { wrong(Problem::NoElements, 0) }
    }

    fn advance(&mut self, text: &str) {
        if !self.frozen {
            self.place = self.place.after(text, self.width);
        }
    }

    /// Reads one token; answers its length.
    fn step(&mut self, text: &str, is_final: bool, sink: &mut dyn Sink) -> Step<usize> {
        if self.in_cdata {
            return self.cdata(text, sink);
        }
        if self.at_start && self.may_declare(text)? {
            return self.xml_declaration(text, sink);
        }
        match self.stage {
            Stage::Content => self.content(text, is_final, sink),
            Stage::Declarations => self.declaration(text, sink),
            Stage::Subset if text.starts_with(']') => {
                sink.event(Event::Other, "]")?;
                self.stage = Stage::BehindSubset;
                Ok(1)
            }
            Stage::Subset => self.declaration(text, sink),
            Stage::BehindSubset => self.behind_subset(text, sink),
            Stage::Start | Stage::Prolog { .. } | Stage::Epilog => self.outside(text, sink),
        }
    }

    /// Whether an XML declaration stands here.
    fn may_declare(&mut self, text: &str) -> Step<bool> {
        let mut cursor = Cursor::new(text, 0);
        if !cursor.take("<?xml")? {
            if self.stage == Stage::Start {
                self.stage = Stage::Prolog { doctype: false };
            }
            return Ok(false);
        }
        let declares = matches!(cursor.peek()?, ' ' | '\t' | '\n' | '\r' | '?');
        if self.stage == Stage::Start {
            self.stage = Stage::Prolog { doctype: false };
        }
        Ok(declares)
    }

    fn xml_declaration(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let problem = if self.is_entity { Problem::TextDeclaration } else { Problem::XmlDeclaration };
        let mut whole = Cursor::new(text, 0);
        let body_end = whole.until("?>")?.len();
        let mut values: [Option<&str>; 3] = [None, None, None];
        let mut cursor = Cursor::new(&text[..body_end + 2], "<?xml".len());
        let mut next = 0;
        let mut encoding_at = None;
        loop {
            let spaced = cursor.spaces().map_err(|_| Stop::Wrong(problem, body_end))?;
            if cursor.rest().starts_with("?>") {
                break;
            }
            let start = cursor.at;
            let Ok((name, value)) = cursor.assignment() else { return wrong(problem, cursor.at) };
            let place = ["version", "encoding", "standalone"].iter().position(|known| *known == name);
            let Some(place) = place.filter(|&place| spaced && place >= next) else {
                return wrong(problem, start);
            };
            if place > 0 && values[0].is_none() && !self.is_entity {
                return wrong(problem, start);
            }
            if place == 2 && !matches!(value, "yes" | "no") {
                return wrong(problem, cursor.at - 1 - value.len());
            }
            let of_value = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if let Some(bad) = value.find(|c| !of_value(c)) {
                return wrong(problem, cursor.at - 1 - value.len() + bad);
            }
            if place == 1 && self.is_wide && !value.to_ascii_lowercase().starts_with("utf-16") {
                encoding_at = Some(cursor.at - 1 - value.len());
            }
            values[place] = Some(value);
            next = place + 1;
        }
        let [version, encoding, standalone] = values;
        let lacks = if self.is_entity { encoding.is_none() } else { version.is_none() };
        let standalone = standalone.map_or(-1, |standalone| i32::from(standalone == "yes"));
        if lacks || self.is_entity && standalone >= 0 {
            return wrong(problem, body_end);
        }
        if let Some(at) = encoding_at {
            return wrong(Problem::IncorrectEncoding, at);
        }
        if standalone == 1 {
            self.doctype.borrow_mut().standalone = true;
        }
        sink.event(Event::XmlDeclaration { version, encoding, standalone }, &text[..body_end + 2])?;
        Ok(body_end + 2)
    }

    fn behind_subset(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let mut cursor = Cursor::new(text, 0);
        cursor.spaces()?;
        cursor.expect(">")?;
        self.mark(&text[..cursor.at - 1], sink);
        self.doctype_end(&text[..cursor.at], sink)?;
        self.stage = Stage::Prolog { doctype: true };
        Ok(cursor.at)
    }

    /// Before and behind the root element.
    fn outside(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let junk = if self.stage == Stage::Epilog { Problem::JunkAfterDocument } else { Problem::Syntax };
        let mut cursor = Cursor::new(text, 0);
        let c = cursor.peek()?;
        if is_space(c) {
            let length = text.find(|c| !is_space(c)).unwrap_or(text.len());
            sink.event(Event::Other, &text[..length])?;
            return Ok(length);
        }
        if c != '<' {
            let is_token = continues_name(c) || "\"'%,[]()|>#".contains(c);
            let problem = if is_token || self.stage == Stage::Epilog { junk } else { Problem::InvalidToken };
            return wrong(problem, 0);
        }
        if cursor.take("<!--")? || cursor.take("<?")? {
            return self.comment_or_instruction(text, sink);
        }
        if cursor.take("<!DOCTYPE")? {
            if self.stage != (Stage::Prolog { doctype: false }) {
                return wrong(junk, 0);
            }
            let (length, internal) = self.doctype_head(text, sink)?;
            if internal {
                self.stage = Stage::Subset;
            } else {
                self.mark(&text[..length - 1], sink);
                self.doctype_end("", sink)?;
                self.stage = Stage::Prolog { doctype: true };
            }
            return Ok(length);
        }
        cursor.at = 1;
        if cursor.peek()? == '!' {
            cursor.at = 2;
            return scan::unknown_declaration(cursor, junk);
        }
        if !scan::begins_name(cursor.peek()?) {
            return cursor.wrong(Problem::InvalidToken);
        }
        if self.stage == Stage::Epilog {
            return wrong(junk, 0);
        }
        if self.foreign && self.stage == (Stage::Prolog { doctype: false }) {
            self.doctype_end("", &mut Quiet(sink))?;
        }
        self.stage = Stage::Content;
        match self.start_tag(text, sink) {
            Err(Stop::More) => {
                self.stage = Stage::Prolog { doctype: true };
                Err(Stop::More)
            }
            outcome => outcome,
        }
    }

    /// `<!-- … -->` or `<? … ?>`.
    pub(super) fn comment_or_instruction(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let mut cursor = Cursor::new(text, 0);
        if cursor.take("<!--")? {
            let start = cursor.at;
            let body = cursor.until("--")?;
            if cursor.peek()? != '>' {
                return wrong(Problem::InvalidToken, start + body.len() + 2);
            }
            cursor.at += 1;
            sink.event(Event::Comment(&scan::with_newlines(body)), &text[..cursor.at])?;
            return Ok(cursor.at);
        }
        cursor.at = 2;
        let target = cursor.name()?;
        if !is_space(cursor.peek()?) && cursor.peek()? != '?' {
            return cursor.wrong(Problem::InvalidToken);
        }
        if target.eq_ignore_ascii_case("xml") {
            return wrong(
                if target == "xml" { Problem::MisplacedDeclaration } else { Problem::InvalidToken },
                if target == "xml" { 0 } else { cursor.at },
            );
        }
        let spaced = cursor.spaces()?;
        if !spaced && !cursor.take("?>")? {
            return cursor.wrong(Problem::InvalidToken);
        }
        let data = if spaced { cursor.until("?>")? } else { "" };
        let event = Event::Instruction { target, data: &scan::with_newlines(data) };
        sink.event(event, &text[..cursor.at])?;
        Ok(cursor.at)
    }

    // ----- content -----

    fn content(&mut self, text: &str, is_final: bool, sink: &mut dyn Sink) -> Step<usize> {
        let mut cursor = Cursor::new(text, 0);
        match cursor.peek()? {
            '<' => {
                if cursor.take("<!--")? || cursor.take("<?")? {
                    return self.comment_or_instruction(text, sink);
                }
                if cursor.take("</")? {
                    return self.end_tag(cursor, sink);
                }
                if cursor.take("<![CDATA[")? {
                    self.in_cdata = true;
                    sink.event(Event::StartCdata, &text[..cursor.at])?;
                    return Ok(cursor.at);
                }
                if cursor.take("<!")? {
                    return cursor.wrong(Problem::InvalidToken);
                }
                self.start_tag(text, sink)
            }
            '&' => {
                cursor.at = 1;
                match cursor.reference()? {
                    Reference::Character(c) => {
                        sink.event(Event::Characters(c.encode_utf8(&mut [0; 4])), &text[..cursor.at])?;
                    }
                    Reference::Entity(name) => self.entity(name, &text[..cursor.at], sink)?,
                }
                Ok(cursor.at)
            }
            _ => {
                let end = memchr::memchr2(b'<', b'&', text.as_bytes()).unwrap_or(text.len());
                if text[..end].contains(']')
                    && let Some(bad) = text[..end].find("]]>")
                {
                    if bad > 0 {
                        return self.characters(text, bad, true, sink);
                    }
                    return wrong(Problem::InvalidToken, bad + 2);
                }
                self.characters(text, end, is_final, sink)
            }
        }
    }

    fn cdata(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        if text.starts_with("]]>") {
            self.in_cdata = false;
            sink.event(Event::EndCdata, "]]>")?;
            return Ok(3);
        }
        if text.len() < 3 && "]]>".starts_with(text) {
            return Err(Stop::More);
        }
        // A bracket begins a piece of its own.
        let first = usize::from(text.starts_with(']'));
        let end = memchr::memchr(b']', &text.as_bytes()[first..]).map_or(text.len(), |at| first + at);
        self.characters(text, end, false, sink)
    }

    fn entity(&mut self, name: &str, text: &str, sink: &mut dyn Sink) -> Step {
        if let Some(c) = predefined(name) {
            return sink.event(Event::Characters(c.encode_utf8(&mut [0; 4])), text);
        }
        let entity = self.doctype.borrow().general.get(name).cloned();
        let Some(entity) = entity else {
            let doctype = self.doctype.borrow();
            if !doctype.has_external || doctype.standalone {
                return wrong(Problem::UndefinedEntity, 0);
            }
            drop(doctype);
            return sink.event(Event::SkippedEntity { name, is_parameter: false }, text);
        };
        if self.open.iter().any(|open| open == name) {
            return wrong(Problem::RecursiveEntity, 0);
        }
        if entity.is_unparsed {
            return wrong(Problem::BinaryEntity, 0);
        }
        let Entity { text: Some(replacement), .. } = entity else {
            let told = self.refer(sink, Some(name), entity.system.as_deref(), entity.public.as_deref())?;
            return if told { Ok(()) } else { sink.event(Event::Other, text) };
        };
        if !sink.expands_entities() {
            return sink.event(Event::SkippedEntity { name, is_parameter: false }, text);
        }
        self.replace(name, &replacement, sink)
    }

    /// Reads the text that an entity is replaced with: elements end where they began.
    fn replace(&mut self, name: &str, replacement: &str, sink: &mut dyn Sink) -> Step {
        self.count_expansion(replacement.len())?;
        if self.open.len() > DEEPEST {
            return wrong(Problem::RecursiveEntity, 0);
        }
        self.open.push(name.to_owned());
        let frozen = std::mem::replace(&mut self.frozen, true);
        let depth = self.elements.len();
        let mut rest = replacement;
        let mut outcome = Ok(());
        while !rest.is_empty() {
            let step = if self.in_cdata { self.cdata(rest, sink) } else { self.content(rest, true, sink) };
            match step {
                Ok(length) if self.elements.len() >= depth => rest = &rest[length..],
                Ok(_) => outcome = wrong(Problem::AsynchronousEntity, 0),
                Err(Stop::More) => outcome = wrong(Problem::UnclosedToken, 0),
                Err(Stop::Wrong(problem, _)) => outcome = wrong(problem, 0),
                Err(stop) => outcome = Err(stop),
            }
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() && self.elements.len() != depth {
            outcome = wrong(Problem::AsynchronousEntity, 0);
        }
        self.frozen = frozen;
        self.open.pop();
        outcome
    }

    pub(super) fn count_expansion(&mut self, length: usize) -> Step {
        self.expanded += length;
        let total = (self.given + self.expanded) as u64;
        if total >= self.free_expansion && total as f32 / self.given.max(1) as f32 > self.amplification {
            return wrong(Problem::Amplification, 0);
        }
        Ok(())
    }

    /// Hands over an external entity; answers whether anybody wanted it.
    pub(super) fn refer(
        &mut self,
        sink: &mut dyn Sink,
        context: Option<&str>,
        system: Option<&str>,
        public: Option<&str>,
    ) -> Step<bool> {
        match sink.external(&ExternalEntity { context, system, public }, self)? {
            None => Ok(false),
            Some(true) => Ok(true),
            Some(false) => wrong(Problem::ExternalEntityHandling, 0),
        }
    }

    // ----- tags -----

    fn start_tag(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let mut cursor = Cursor::new(text, 1);
        let raw = cursor.name()?;
        let mut attributes: Vec<(String, String)> = Vec::new();
        let mut places = Vec::new();
        let is_empty = loop {
            let spaced = cursor.spaces()?;
            match cursor.peek()? {
                '>' => {
                    cursor.at += 1;
                    break false;
                }
                '/' => {
                    cursor.at += 1;
                    cursor.expect(">")?;
                    break true;
                }
                _ if !spaced => return cursor.wrong(Problem::InvalidToken),
                _ => {}
            }
            let start = cursor.at;
            let name = cursor.name()?;
            cursor.spaces()?;
            cursor.expect("=")?;
            cursor.spaces()?;
            let value_start = cursor.at;
            let value = cursor.quoted()?;
            if let Some(bad) = value.find('<') {
                return wrong(Problem::InvalidToken, value_start + 1 + bad);
            }
            if attributes.iter().any(|(known, _)| known == name) {
                return wrong(Problem::DuplicateAttribute, start);
            }
            let is_cdata = self.is_cdata(raw, name);
            attributes.push((name.to_owned(), self.attribute_value(value, value_start, is_cdata)?));
            places.push(start);
        };
        let given = attributes.len();
        if let Some(declared) = self.doctype.borrow().attributes.get(raw) {
            for attribute in declared {
                if let Some(default) = &attribute.default
                    && !attributes.iter().any(|(name, _)| *name == attribute.name)
                {
                    attributes.push((attribute.name.clone(), default.clone()));
                }
            }
        }
        let (name, given, bindings) = self.bind(raw, &mut attributes, given, sink)?;
        let whole = &text[..cursor.at];
        let shown = name.as_deref().unwrap_or(raw);
        sink.event(Event::StartElement { name: shown, attributes: &attributes, given }, whole)?;
        if is_empty {
            self.mark(whole, sink);
            sink.event(Event::EndElement { name: shown }, "")?;
            self.unbind(bindings, sink)?;
            if self.elements.is_empty() {
                self.root_ends();
            }
        } else {
            self.elements.push(Open { raw: raw.to_owned(), name, bindings });
        }
        Ok(cursor.at)
    }

    fn root_ends(&mut self) {
        if !self.is_entity && self.open.is_empty() {
            self.stage = Stage::Epilog;
        }
    }

    fn end_tag(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        let start = cursor.at;
        let raw = cursor.name()?;
        cursor.spaces()?;
        cursor.expect(">")?;
        let Some(open) = self.elements.pop() else {
            return wrong(if self.is_entity { Problem::AsynchronousEntity } else { Problem::TagMismatch }, start);
        };
        if open.raw != raw {
            self.elements.push(open);
            return wrong(Problem::TagMismatch, start);
        }
        let name = open.name.as_deref().unwrap_or(raw);
        sink.event(Event::EndElement { name }, &cursor.text[..cursor.at])?;
        self.unbind(open.bindings, sink)?;
        if self.elements.is_empty() {
            self.root_ends();
        }
        Ok(cursor.at)
    }

    fn is_cdata(&self, element: &str, name: &str) -> bool {
        let doctype = self.doctype.borrow();
        let declared = doctype.attributes.get(element);
        declared
            .and_then(|attributes| attributes.iter().find(|attribute| attribute.name == name))
            .is_none_or(|attribute| attribute.is_cdata)
    }

    /// The value of an attribute: references replaced, white space as spaces, single ones unless it is `CDATA`.
    pub(super) fn attribute_value(&mut self, value: &str, start: usize, is_cdata: bool) -> Step<String> {
        if is_cdata && !value.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'\n' | b'\t' | b'\r')) {
            return Ok(value.to_owned());
        }
        let mut out = String::new();
        self.append_value(value, start, &mut out)?;
        if is_cdata {
            return Ok(out);
        }
        Ok(out.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
    }

    fn append_value(&mut self, value: &str, start: usize, out: &mut String) -> Step {
        let mut cursor = Cursor::new(value, 0);
        while let Ok(c) = cursor.next() {
            match c {
                '\r' if cursor.rest().starts_with('\n') => {}
                '\n' | '\t' | '\r' => out.push(' '),
                // Of an entity.
                '<' => return wrong(Problem::InvalidToken, 0),
                '&' => match cursor.reference() {
                    Ok(Reference::Character(c)) => out.push(c),
                    Ok(Reference::Entity(name)) => self.append_entity(name, start, out)?,
                    Err(Stop::Wrong(problem @ Problem::BadCharacterReference, _)) => return wrong(problem, start),
                    Err(_) => return wrong(Problem::InvalidToken, start + 1 + cursor.at),
                },
                c => out.push(c),
            }
        }
        Ok(())
    }

    fn append_entity(&mut self, name: &str, start: usize, out: &mut String) -> Step {
        if let Some(c) = predefined(name) {
            out.push(c);
            return Ok(());
        }
        let entity = self.doctype.borrow().general.get(name).cloned();
        let Some(entity) = entity else {
            let doctype = self.doctype.borrow();
            // Where declarations are elsewhere it may be declared there: it is left out.
            let excused = doctype.has_external && !doctype.standalone;
            return if excused { Ok(()) } else { wrong(Problem::UndefinedEntity, 0) };
        };
        if self.open.iter().any(|open| open == name) {
            return wrong(Problem::RecursiveEntity, start);
        }
        if entity.is_unparsed {
            return wrong(Problem::BinaryEntity, start);
        }
        let Some(text) = entity.text else { return wrong(Problem::ExternalEntityInAttribute, start) };
        self.count_expansion(text.len())?;
        self.open.push(name.to_owned());
        let outcome = self.append_value(&text, start, out);
        self.open.pop();
        outcome
    }

    // ----- namespaces -----

    /// Binds the prefixes that attributes declare, and puts names with their namespaces in the place of those with
    /// prefixes. Answers the element's name, how many attributes were given, and how many prefixes were bound.
    fn bind(
        &mut self,
        raw: &str,
        attributes: &mut Vec<(String, String)>,
        given: usize,
        sink: &mut dyn Sink,
    ) -> Step<(Option<String>, usize, usize)> {
        if self.separator.is_none() {
            return Ok((None, given, 0));
        }
        if !attributes.iter().any(|(name, _)| name == "xmlns" || name.contains(':')) {
            return Ok((self.qualified_element(raw)?, given, 0));
        }
        let mut given = given;
        let mut bound = 0;
        let mut kept = Vec::with_capacity(attributes.len());
        for (index, (name, value)) in std::mem::take(attributes).into_iter().enumerate() {
            let prefix = match name.strip_prefix("xmlns:") {
                Some(prefix) => Some(Some(prefix.to_owned())),
                None if name == "xmlns" => Some(None),
                None => None,
            };
            match prefix {
                Some(prefix) => {
                    self.bind_prefix(prefix, &value, sink)?;
                    bound += 1;
                    if index < given {
                        given -= 1;
                        // Those behind move up by one.
                    }
                }
                None => kept.push((name, value, index)),
            }
        }
        let mut qualified: Vec<(String, String)> = Vec::with_capacity(kept.len());
        for (name, value, _) in kept {
            let name = if name.contains(':') { self.qualified(&name, false)? } else { name };
            if qualified.iter().any(|(known, _)| *known == name) {
                return wrong(Problem::DuplicateAttribute, 0);
            }
            qualified.push((name, value));
        }
        *attributes = qualified;
        Ok((self.qualified_element(raw)?, given.min(attributes.len()), bound))
    }

    /// The name of an element with its namespace, where that is another name.
    fn qualified_element(&self, raw: &str) -> Step<Option<String>> {
        let is_plain = self.bindings.is_empty() && !raw.contains(':');
        if is_plain { Ok(None) } else { self.qualified(raw, true).map(Some) }
    }

    fn bind_prefix(&mut self, prefix: Option<String>, uri: &str, sink: &mut dyn Sink) -> Step {
        match prefix.as_deref() {
            Some("xmlns") => return wrong(Problem::ReservedPrefixXmlns, 0),
            Some("xml") if uri != XML_NAMESPACE => return wrong(Problem::ReservedPrefixXml, 0),
            Some("xml") => {}
            _ if uri == XML_NAMESPACE || uri == XMLNS_NAMESPACE => return wrong(Problem::ReservedNamespace, 0),
            Some(_) if uri.is_empty() => return wrong(Problem::UndeclaringPrefix, 0),
            _ => {}
        }
        let uri = (!uri.is_empty()).then(|| uri.to_owned());
        let event = Event::StartNamespace { prefix: prefix.as_deref(), uri: uri.as_deref() };
        sink.event(event, "")?;
        self.bindings.push(Binding { prefix, uri });
        Ok(())
    }

    fn unbind(&mut self, count: usize, sink: &mut dyn Sink) -> Step {
        for _ in 0..count {
            if let Some(binding) = self.bindings.pop() {
                sink.event(Event::EndNamespace { prefix: binding.prefix.as_deref() }, "")?;
            }
        }
        Ok(())
    }

    fn qualified(&self, raw: &str, is_element: bool) -> Step<String> {
        let Some(separator) = &self.separator else { return Ok(raw.to_owned()) };
        let (prefix, local) = match raw.split_once(':') {
            Some((prefix, local)) => (Some(prefix), local),
            None if is_element => (None, raw),
            None => return Ok(raw.to_owned()),
        };
        let binding = self.bindings.iter().rev().find(|binding| binding.prefix.as_deref() == prefix);
        let uri = match binding {
            Some(binding) => binding.uri.as_deref(),
            None if prefix == Some("xml") => Some(XML_NAMESPACE),
            None if prefix.is_some() => return wrong(Problem::UnboundPrefix, 0),
            None => None,
        };
        let Some(uri) = uri else { return Ok(local.to_owned()) };
        let mut name = format!("{uri}{separator}{local}");
        if self.tells_prefixes
            && let Some(prefix) = prefix
        {
            name.push_str(separator);
            name.push_str(prefix);
        }
        Ok(name)
    }
}

impl Reader {
    /// Tells of text up to an end: line ends apart from the rest, and nothing that may belong to what follows.
    fn characters(&self, text: &str, end: usize, is_final: bool, sink: &mut dyn Sink) -> Step<usize> {
        let mut end = end;
        if end == text.len() && !is_final {
            // The end of a section, or of a line, may be cut in two here.
            end = text.trim_end_matches(']').len().max(text.len().saturating_sub(2));
            if text[..end].ends_with('\r') {
                end -= 1;
            }
        }
        if self.converts {
            end = end.min(CONVERTED_PIECE);
        }
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let part = &text[..end];
        let first = part.chars().next().ok_or(Stop::More)?;
        if !is_character(first) {
            return wrong(Problem::InvalidToken, 0);
        }
        let line = memchr::memchr2(b'\n', b'\r', part.as_bytes()).unwrap_or(part.len());
        let stop = scan::find_bad(&part[..line]).or((line < part.len()).then_some(line));
        let length = match stop {
            Some(0) if part.starts_with("\r\n") => 2,
            Some(0) => 1,
            Some(length) => length,
            None => part.len(),
        };
        tell(&part[..length], sink)?;
        Ok(length)
    }
}

fn tell(part: &str, sink: &mut dyn Sink) -> Step {
    let is_line_end = part.starts_with(['\n', '\r']);
    sink.event(Event::Characters(if is_line_end { "\n" } else { part }), part)
}

/// Hears nothing of a document type that the document does not have.
struct Quiet<'a>(&'a mut dyn Sink);

impl Sink for Quiet<'_> {
    fn event(&mut self, _: Event<'_>, _: &str) -> Step {
        Ok(())
    }

    fn external(&mut self, entity: &ExternalEntity<'_>, reader: &Reader) -> Step<Option<bool>> {
        self.0.external(entity, reader)
    }

    fn may_depend(&mut self) -> Step<bool> {
        self.0.may_depend()
    }

    fn expands_entities(&self) -> bool {
        self.0.expands_entities()
    }

    fn at(&mut self, place: Place) {
        self.0.at(place);
    }
}
