//! The document type: entities, attributes by default, notations, content models.

use std::collections::HashMap;

use super::event::{EntityDeclaration, Event, Model, Sink};
use super::problem::{Problem, Step, Stop, wrong};
use super::reader::Reader;
use super::scan::{self, Cursor, Reference, is_space, predefined};

/// A declared entity.
#[derive(Clone, Debug, Default)]
pub struct Entity {
    /// Its replacement text, where it is internal.
    pub text: Option<String>,
    /// Where it is, where it is external.
    pub system: Option<String>,
    /// Its public identifier.
    pub public: Option<String>,
    /// Whether it has a notation: it cannot be read then.
    pub is_unparsed: bool,
}

/// A declared attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Whether its type is `CDATA`: white space stays as it is then.
    pub is_cdata: bool,
    /// Its value where it is not given.
    pub default: Option<String>,
}

/// What declarations have said.
#[derive(Clone, Debug, Default)]
pub struct Doctype {
    /// General entities.
    pub general: HashMap<String, Entity>,
    /// Parameter entities.
    pub parameter: HashMap<String, Entity>,
    /// Attributes by element.
    pub attributes: HashMap<String, Vec<Attribute>>,
    /// Whether the document says that it stands alone.
    pub standalone: bool,
    /// Whether there are declarations elsewhere.
    pub has_external: bool,
}

/// External identifiers: system and public.
type Identifiers = (Option<String>, Option<String>);

fn identifiers(cursor: &mut Cursor<'_>, system_needed: bool) -> Step<Identifiers> {
    if cursor.take("SYSTEM")? {
        require_spaces(cursor)?;
        return Ok((Some(cursor.quoted()?.to_owned()), None));
    }
    if !cursor.take("PUBLIC")? {
        return Ok((None, None));
    }
    require_spaces(cursor)?;
    let start = cursor.at;
    let Some(public) = scan::public_id(cursor.quoted()?) else { return wrong(Problem::PublicId, start) };
    let mut behind = cursor.clone();
    let spaced = behind.spaces()?;
    if matches!(behind.peek()?, '"' | '\'') {
        if !spaced {
            return behind.wrong(Problem::Syntax);
        }
        *cursor = behind;
        return Ok((Some(cursor.quoted()?.to_owned()), Some(public)));
    }
    if system_needed { behind.wrong(Problem::Syntax) } else { Ok((None, Some(public))) }
}

fn require_spaces(cursor: &mut Cursor<'_>) -> Step {
    if cursor.spaces()? { Ok(()) } else { cursor.wrong(Problem::InvalidToken) }
}

/// The end of a declaration.
fn close(cursor: &mut Cursor<'_>) -> Step {
    cursor.spaces()?;
    if cursor.peek()? == '>' {
        cursor.at += 1;
        Ok(())
    } else {
        cursor.wrong(Problem::Syntax)
    }
}

impl Reader {
    /// `<!DOCTYPE …` up to the internal subset or the end; answers how long it is and whether there is a subset.
    pub(super) fn doctype_head(&mut self, text: &str, sink: &mut dyn Sink) -> Step<(usize, bool)> {
        let mut cursor = Cursor::new(text, "<!DOCTYPE".len());
        require_spaces(&mut cursor)?;
        let name = cursor.name()?.to_owned();
        cursor.spaces()?;
        let (system, public) = identifiers(&mut cursor, true)?;
        cursor.spaces()?;
        let internal = match cursor.next()? {
            '[' => true,
            '>' => false,
            _ => return wrong(Problem::Syntax, cursor.at - 1),
        };
        self.mark(&text[..cursor.at - 1], sink);
        if system.is_some() {
            self.doctype.borrow_mut().has_external = true;
            self.ask_for_dependence(sink)?;
        }
        let event = Event::StartDoctype {
            name: &name,
            system: system.as_deref(),
            public: public.as_deref(),
            internal,
        };
        sink.event(event, &text[..cursor.at])?;
        self.subset = (system, public);
        Ok((cursor.at, internal))
    }

    /// Asks who is told whether the document may depend on others, unless it stands alone or they are read.
    fn ask_for_dependence(&mut self, sink: &mut dyn Sink) -> Step {
        let asks = !self.doctype.borrow().standalone && self.parameter_entities == 0;
        if asks && !sink.may_depend()? { wrong(Problem::NotStandalone, 0) } else { Ok(()) }
    }

    /// Reads the external subset if it is wanted; tells of the end.
    pub(super) fn doctype_end(&mut self, text: &str, sink: &mut dyn Sink) -> Step {
        let (system, public) = std::mem::take(&mut self.subset);
        let wanted = match self.parameter_entities {
            0 => false,
            1 => !self.doctype.borrow().standalone,
            _ => true,
        };
        if wanted && (system.is_some() || self.foreign) {
            self.doctype.borrow_mut().has_external = true;
            self.refer(sink, None, system.as_deref(), public.as_deref())?;
            if !self.doctype.borrow().standalone && !sink.may_depend()? {
                return wrong(Problem::NotStandalone, 0);
            }
        }
        sink.event(Event::EndDoctype, text)
    }

    /// One piece of the declarations; answers its length.
    pub(super) fn declaration(&mut self, text: &str, sink: &mut dyn Sink) -> Step<usize> {
        let mut cursor = Cursor::new(text, 0);
        let c = cursor.peek()?;
        if is_space(c) {
            let length = text.find(|c| !is_space(c)).unwrap_or(text.len());
            sink.event(Event::Other, &text[..length])?;
            return Ok(length);
        }
        if c == '%' {
            cursor.at += 1;
            let name = cursor.name()?;
            cursor.expect(";")?;
            self.parameter_reference(name, &text[..cursor.at], sink)?;
            return Ok(cursor.at);
        }
        if cursor.take("<!--")? || cursor.take("<?")? {
            return self.comment_or_instruction(text, sink);
        }
        for (word, declare) in [
            ("<!ELEMENT", Reader::declare_element as Declare),
            ("<!ATTLIST", Reader::declare_attributes),
            ("<!ENTITY", Reader::declare_entity),
            ("<!NOTATION", Reader::declare_notation),
        ] {
            if cursor.take(word)? {
                // A declaration is read once it is whole, so that nothing is told twice.
                let end = whole(text)?;
                require_spaces(&mut cursor)?;
                return match declare(self, cursor, sink) {
                    Ok(length) => Ok(length),
                    Err(Stop::More) => wrong(Problem::Syntax, end - 1),
                    Err(stop) => Err(stop),
                };
            }
        }
        if cursor.take("<![")? {
            return self.conditional_section(cursor, sink);
        }
        if cursor.take("<!")? {
            return scan::unknown_declaration(cursor, Problem::Syntax);
        }
        let problem = if c == '<' { Problem::InvalidToken } else { Problem::Syntax };
        wrong(problem, if c == '<' { c.len_utf8() } else { 0 })
    }

    fn conditional_section(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        cursor.spaces()?;
        let included = cursor.take("INCLUDE")?;
        if !included && !cursor.take("IGNORE")? {
            return cursor.wrong(Problem::Syntax);
        }
        cursor.spaces()?;
        cursor.expect("[")?;
        let start = cursor.at;
        let mut depth = 1;
        while depth > 0 {
            let rest = cursor.rest();
            match (rest.find("<!["), rest.find("]]>")) {
                (Some(open), Some(close)) if open < close => {
                    depth += 1;
                    cursor.at += open + 3;
                }
                (_, Some(close)) => {
                    depth -= 1;
                    cursor.at += close + 3;
                }
                _ => return Err(Stop::More),
            }
        }
        if included {
            let inner = &cursor.text[start..cursor.at - 3];
            self.declarations_of(inner, sink)?;
        } else {
            sink.event(Event::Other, &cursor.text[..cursor.at])?;
        }
        Ok(cursor.at)
    }

    /// Reads declarations that are whole.
    fn declarations_of(&mut self, text: &str, sink: &mut dyn Sink) -> Step {
        let frozen = std::mem::replace(&mut self.frozen, true);
        let mut rest = text;
        let mut outcome = Ok(());
        while !rest.is_empty() {
            match self.declaration(rest, sink) {
                Ok(length) => rest = &rest[length..],
                Err(Stop::More) => {
                    outcome = wrong(Problem::UnclosedToken, 0);
                    break;
                }
                Err(Stop::Wrong(problem, _)) => {
                    outcome = wrong(problem, 0);
                    break;
                }
                Err(stop) => {
                    outcome = Err(stop);
                    break;
                }
            }
        }
        self.frozen = frozen;
        outcome
    }

    fn parameter_reference(&mut self, name: &str, text: &str, sink: &mut dyn Sink) -> Step {
        self.doctype.borrow_mut().has_external = true;
        let entity = self.doctype.borrow().parameter.get(name).cloned();
        let reads = self.parameter_entities > 0;
        match entity {
            Some(_) if self.open.iter().any(|open| *open == format!("%{name}")) => {
                wrong(Problem::RecursiveEntity, 0)
            }
            Some(Entity { text: Some(replacement), .. }) if reads => {
                self.count_expansion(replacement.len())?;
                self.open.push(format!("%{name}"));
                let outcome = self.declarations_of(&replacement, sink);
                self.open.pop();
                outcome
            }
            Some(entity) if reads => {
                self.refer(sink, None, entity.system.as_deref(), entity.public.as_deref())?;
                self.ask_for_dependence(sink)
            }
            _ => sink.event(Event::SkippedEntity { name, is_parameter: true }, text),
        }
    }

    fn declare_entity(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        let is_parameter = cursor.peek()? == '%';
        if is_parameter {
            cursor.at += 1;
            require_spaces(&mut cursor)?;
        }
        let name = cursor.name()?.to_owned();
        require_spaces(&mut cursor)?;
        let mut entity = Entity::default();
        let mut notation = None;
        let mut told_at = None;
        if matches!(cursor.peek()?, '"' | '\'') {
            let start = cursor.at;
            told_at = Some(start);
            let value = cursor.quoted()?;
            entity.text = Some(self.entity_value(value, start)?);
        } else {
            (entity.system, entity.public) = identifiers(&mut cursor, true)?;
            if entity.system.is_none() {
                return cursor.wrong(Problem::Syntax);
            }
            let mut behind = cursor.clone();
            if behind.spaces()? && !is_parameter && behind.take("NDATA")? {
                require_spaces(&mut behind)?;
                told_at = Some(behind.at);
                notation = Some(behind.name()?.to_owned());
                entity.is_unparsed = true;
                cursor = behind;
            }
        }
        close(&mut cursor)?;
        self.mark(&cursor.text[..told_at.unwrap_or(cursor.at - 1)], sink);
        let event = Event::Entity(EntityDeclaration {
            name: &name,
            is_parameter,
            value: entity.text.as_deref(),
            system: entity.system.as_deref(),
            public: entity.public.as_deref(),
            notation: notation.as_deref(),
        });
        let is_new = {
            let doctype = self.doctype.borrow();
            let known = if is_parameter { &doctype.parameter } else { &doctype.general };
            !known.contains_key(&name) && (is_parameter || predefined(&name).is_none())
        };
        if is_new {
            sink.event(event, &cursor.text[..cursor.at])?;
            let mut doctype = self.doctype.borrow_mut();
            let known = if is_parameter { &mut doctype.parameter } else { &mut doctype.general };
            known.insert(name, entity);
        } else {
            sink.event(Event::Other, &cursor.text[..cursor.at])?;
        }
        Ok(cursor.at)
    }

    /// The text that an entity is replaced with: characters by number and parameter entities are put in now.
    fn entity_value(&mut self, value: &str, start: usize) -> Step<String> {
        let mut out = String::new();
        let mut cursor = Cursor::new(value, 0);
        while let Ok(c) = cursor.next() {
            match c {
                '&' => {
                    let from = cursor.at - 1;
                    match cursor.reference() {
                        Ok(Reference::Character(c)) => out.push(c),
                        Ok(Reference::Entity(_)) => out.push_str(&value[from..cursor.at]),
                        Err(Stop::Wrong(problem, _)) => return wrong(problem, start),
                        Err(_) => return wrong(Problem::InvalidToken, start),
                    }
                }
                '%' => {
                    let name = cursor.name().map_err(|_| Stop::Wrong(Problem::InvalidToken, start))?;
                    cursor.expect(";").map_err(|_| Stop::Wrong(Problem::InvalidToken, start))?;
                    let text = self.doctype.borrow().parameter.get(name).and_then(|entity| entity.text.clone());
                    match text {
                        Some(text) => out.push_str(&text),
                        None => return wrong(Problem::UndefinedEntity, start),
                    }
                }
                c => out.push(c),
            }
        }
        Ok(scan::with_newlines(&out))
    }

    fn declare_notation(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        let name = cursor.name()?.to_owned();
        require_spaces(&mut cursor)?;
        let (system, public) = identifiers(&mut cursor, false)?;
        if system.is_none() && public.is_none() {
            return cursor.wrong(Problem::Syntax);
        }
        let system_at = system.as_ref().map(|system| cursor.at - system.len() - 2);
        close(&mut cursor)?;
        self.mark(&cursor.text[..system_at.unwrap_or(cursor.at - 1)], sink);
        let event = Event::Notation { name: &name, system: system.as_deref(), public: public.as_deref() };
        sink.event(event, &cursor.text[..cursor.at])?;
        Ok(cursor.at)
    }

    fn declare_attributes(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        let element = cursor.name()?.to_owned();
        let mut told = 0;
        loop {
            let spaced = cursor.spaces()?;
            if cursor.peek()? == '>' {
                cursor.at += 1;
                sink.event(Event::Other, &cursor.text[told..cursor.at])?;
                return Ok(cursor.at);
            }
            if !spaced {
                return cursor.wrong(Problem::InvalidToken);
            }
            let name = cursor.name()?.to_owned();
            require_spaces(&mut cursor)?;
            let kind = attribute_type(&mut cursor)?;
            require_spaces(&mut cursor)?;
            let mut told_at = cursor.at;
            let required = cursor.take("#REQUIRED")?;
            let mut default = None;
            if !required && !cursor.take("#IMPLIED")? {
                let fixed = cursor.take("#FIXED")?;
                if fixed {
                    require_spaces(&mut cursor)?;
                }
                let start = cursor.at;
                told_at = start;
                let value = cursor.quoted()?;
                default = Some((self.attribute_value(value, start, kind == "CDATA")?, fixed));
            }
            let is_cdata = kind == "CDATA";
            let value = default.as_ref().map(|(value, _)| value.as_str());
            let is_required = required || default.as_ref().is_some_and(|(_, fixed)| *fixed);
            let event =
                Event::Attribute { element: &element, name: &name, kind: &kind, default: value, required: is_required };
            let known = self.doctype.borrow().attributes.get(&element).is_some_and(|attributes| {
                attributes.iter().any(|attribute| attribute.name == name)
            });
            if !known {
                self.mark(&cursor.text[..told_at], sink);
                sink.event(event, &cursor.text[told..cursor.at])?;
                told = cursor.at;
                let attribute = Attribute { name, is_cdata, default: default.map(|(value, _)| value) };
                self.doctype.borrow_mut().attributes.entry(element.clone()).or_default().push(attribute);
            }
        }
    }

    fn declare_element(&mut self, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Step<usize> {
        let name = cursor.name()?.to_owned();
        require_spaces(&mut cursor)?;
        let start = cursor.at;
        let model = if cursor.take("EMPTY")? {
            Model { kind: EMPTY, quantifier: 0, name: None, children: Vec::new() }
        } else if cursor.take("ANY")? {
            Model { kind: ANY, quantifier: 0, name: None, children: Vec::new() }
        } else if cursor.peek()? == '(' {
            content_model(&mut cursor, 0)?
        } else {
            return cursor.wrong(Problem::Syntax);
        };
        // A model is told of where its last parenthesis is.
        let told_at = cursor.text[start..cursor.at].rfind(')').map_or(start, |last| start + last);
        close(&mut cursor)?;
        self.mark(&cursor.text[..told_at], sink);
        sink.event(Event::Element { name: &name, model: &model }, &cursor.text[..cursor.at])?;
        Ok(cursor.at)
    }
}

/// A function that reads one kind of declaration.
type Declare = fn(&mut Reader, Cursor<'_>, &mut dyn Sink) -> Step<usize>;

const EMPTY: i32 = 1;
const ANY: i32 = 2;
const MIXED: i32 = 3;
const NAME: i32 = 4;
const CHOICE: i32 = 5;
const SEQUENCE: i32 = 6;
/// Models that are nested deeper are refused.
const DEEPEST: usize = 500;

/// Waits for the end of a declaration: the first `>` outside quotes.
fn whole(text: &str) -> Step<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '>' => return Ok(at + 1),
            None => {}
        }
    }
    Err(Stop::More)
}

fn quantifier(cursor: &mut Cursor<'_>) -> Step<i32> {
    let found = match cursor.peek()? {
        '?' => 1,
        '*' => 2,
        '+' => 3,
        _ => return Ok(0),
    };
    cursor.at += 1;
    Ok(found)
}

fn content_model(cursor: &mut Cursor<'_>, depth: usize) -> Step<Model> {
    if depth > DEEPEST {
        return cursor.wrong(Problem::Syntax);
    }
    cursor.expect("(")?;
    cursor.spaces()?;
    let mixed = depth == 0 && cursor.take("#PCDATA")?;
    let mut separator = if mixed { Some('|') } else { None };
    let mut children = Vec::new();
    if !mixed {
        children.push(particle(cursor, depth)?);
    }
    loop {
        cursor.spaces()?;
        match cursor.next()? {
            ')' => break,
            c @ ('|' | ',') if separator.is_none_or(|separator| separator == c) => separator = Some(c),
            _ => return wrong(Problem::Syntax, cursor.at - 1),
        }
        cursor.spaces()?;
        if mixed {
            let name = Some(cursor.name()?.to_owned());
            children.push(Model { kind: NAME, quantifier: 0, name, children: Vec::new() });
        } else {
            children.push(particle(cursor, depth)?);
        }
    }
    let kind = match separator {
        _ if mixed => MIXED,
        Some('|') => CHOICE,
        _ => SEQUENCE,
    };
    let quantifier = quantifier(cursor)?;
    Ok(Model { kind, quantifier, name: None, children })
}

fn particle(cursor: &mut Cursor<'_>, depth: usize) -> Step<Model> {
    if cursor.peek()? == '(' {
        return content_model(cursor, depth + 1);
    }
    let name = Some(cursor.name()?.to_owned());
    Ok(Model { kind: NAME, quantifier: quantifier(cursor)?, name, children: Vec::new() })
}

/// The type of an attribute, as it is told: lists without spaces.
fn attribute_type(cursor: &mut Cursor<'_>) -> Step<String> {
    let mut kind = String::new();
    if cursor.peek()? != '(' {
        let word = cursor.name()?;
        match word {
            "CDATA" | "ID" | "IDREF" | "IDREFS" | "ENTITY" | "ENTITIES" | "NMTOKEN" | "NMTOKENS" => {
                return Ok(word.to_owned());
            }
            "NOTATION" => kind.push_str("NOTATION"),
            _ => return cursor.wrong(Problem::Syntax),
        }
        require_spaces(cursor)?;
    }
    cursor.expect("(")?;
    kind.push('(');
    loop {
        cursor.spaces()?;
        let start = cursor.at;
        while scan::continues_name(cursor.peek()?) {
            cursor.next()?;
        }
        if cursor.at == start {
            return cursor.wrong(Problem::Syntax);
        }
        kind.push_str(&cursor.text[start..cursor.at]);
        cursor.spaces()?;
        match cursor.next()? {
            ')' => {
                kind.push(')');
                return Ok(kind);
            }
            '|' => kind.push('|'),
            _ => return wrong(Problem::Syntax, cursor.at - 1),
        }
    }
}
