//! What the alternatives of the grammar make, and the errors they report.

use std::rc::Rc;

use super::engine::Engine;
use super::grammar::Reader;
use crate::error::ErrorKind;
use crate::literal::{self, DecodeError, InvalidEscape, StringLiteral};
use crate::parser::escape_warning;
use crate::token::{Token, TokenKind};

/// What matching makes.
#[derive(Clone)]
pub(super) enum Value {
    Nothing,
    Token(Token),
    Node(Rc<Node>),
    List(Rc<Vec<Value>>),
}

/// Just enough of a syntax node to speak about it.
pub(super) struct Node {
    pub kind: NodeKind,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
    pub children: Vec<Value>,
}

/// The kinds of nodes, of expressions mostly, with what messages call them.
macro_rules! node_kinds {
    ($( $kind:ident $name:literal ),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum NodeKind { $( $kind ),* }

        impl NodeKind {
            fn from_name(name: &str) -> Option<Self> {
                match name { $( stringify!($kind) => Some(Self::$kind), )* _ => None }
            }

            /// What messages call an expression of this kind.
            fn description(self) -> &'static str {
                match self { $( Self::$kind => $name ),* }
            }
        }
    };
}

node_kinds! {
    Attribute "attribute", Subscript "subscript", Starred "starred", Name "name", List "list", Tuple "tuple",
    Lambda "lambda", Call "function call", BoolOp "expression", BinOp "expression", UnaryOp "expression",
    GeneratorExp "generator expression", Yield "yield expression", Await "await expression",
    ListComp "list comprehension", SetComp "set comprehension", DictComp "dict comprehension", Dict "dict literal",
    Set "set display", JoinedStr "f-string expression", TemplateStr "t-string expression", None "None",
    True "True", False "False", Ellipsis "ellipsis", Literal "literal", Bytes "literal", Imaginary "literal",
    Compare "comparison", IfExp "conditional expression", NamedExpr "named expression", Slice "slice",
    Statement "statement", Dotted "name", Parameters "parameters", Parameter "parameter", Handler "handler",
    Pattern "pattern", TypeParameters "type parameters", In "in", Field "f-string expression", Spec "f-string expression",
    Elements "elements", Clause "clause", Arguments "arguments", Keyword "keyword", Mapping "mapping",
}

impl Value {
    pub(super) fn node(kind: NodeKind, first: Token, last: Token) -> Self {
        Self::Node(Rc::new(Node {
            kind,
            line: first.line,
            column: first.column,
            end_line: last.end_line,
            end_column: last.end_column,
            children: Vec::new(),
        }))
    }

    /// Line, column, end line and end column; the column is -1 for tokens without one.
    pub(super) fn place(&self) -> (i64, i64, i64, i64) {
        let column = |column: u32| if column == Token::NO_COLUMN { -1 } else { i64::from(column) };
        match self {
            Self::Token(token) => (
                i64::from(token.line),
                column(token.column),
                i64::from(token.end_line),
                column(token.end_column),
            ),
            Self::Node(node) => {
                (i64::from(node.line), column(node.column), i64::from(node.end_line), column(node.end_column))
            }
            Self::List(values) => values.first().map_or((0, 0, 0, 0), Self::place),
            Self::Nothing => (0, 0, 0, 0),
        }
    }

    fn kind(&self) -> Option<NodeKind> {
        match self {
            Self::Node(node) => Some(node.kind),
            _ => None,
        }
    }

    fn children(&self) -> &[Value] {
        match self {
            Self::Node(node) => &node.children,
            Self::List(values) => values,
            _ => &[],
        }
    }

    /// What messages call it.
    fn description(&self) -> &'static str {
        self.kind().map_or("expression", NodeKind::description)
    }
}

/// What an alternative does once its items have matched.
pub(super) enum Action {
    /// Hands on the value of its only item.
    Default,
    Value(u8),
    Node(NodeKind, Vec<u8>),
    At(Argument, String),
    Range(Argument, Argument, String),
    From(Argument, String),
    Here(String),
    Next(String),
    Indent(String, Option<u8>),
    /// One of the actions with a meaning of their own.
    Special {
        name: String,
        arguments: Vec<u8>,
        text: String,
    },
}

/// A labelled value, or one that is part of it.
pub(super) struct Argument {
    label: u8,
    part: Part,
}

enum Part {
    Whole,
    First,
    Last,
    /// The last expression of comprehension clauses.
    LastClause,
}

impl Action {
    /// Reads an action; `labels` are the labels of its alternative.
    pub(super) fn read(reader: &mut Reader<'_>, labels: &[String]) -> Self {
        let name = reader.next();
        if !matches!(name.as_str(), "here" | "next" | "indent") && reader.peek() != Some("(") {
            return Self::Value(label(&name, labels));
        }
        let mut arguments = Vec::new();
        if reader.eat("(") {
            while !reader.eat(")") {
                arguments.push(read_argument(reader, labels));
                reader.eat(",");
            }
        }
        let text = match reader.peek() {
            Some(word) if word.starts_with('"') => reader.next()[1..].to_owned(),
            _ => String::new(),
        };
        if let Some(kind) = NodeKind::from_name(&name) {
            return Self::Node(kind, arguments.iter().map(|argument| argument.label).collect());
        }
        let mentioned = text.split_once('{').map(|(_, rest)| label(&rest[..1], labels));
        let mut arguments = arguments.into_iter();
        match (name.as_str(), arguments.next(), arguments.next()) {
            ("at", Some(argument), None) => Self::At(argument, text),
            ("range", Some(first), Some(last)) => Self::Range(first, last, text),
            ("from", Some(argument), None) => Self::From(argument, text),
            ("here", None, None) => Self::Here(text),
            ("next", None, None) => Self::Next(text),
            ("indent", None, None) => Self::Indent(text, mentioned),
            (_, first, second) => {
                let rest = first.into_iter().chain(second).chain(arguments);
                Self::Special { name, arguments: rest.map(|argument| argument.label).collect(), text }
            }
        }
    }
}

fn read_argument(reader: &mut Reader<'_>, labels: &[String]) -> Argument {
    let word = reader.next();
    let part = match word.as_str() {
        "first" => Part::First,
        "last" => Part::Last,
        "last_clause" => Part::LastClause,
        _ => return Argument { label: label(&word, labels), part: Part::Whole },
    };
    reader.eat("(");
    let label = label(&reader.next(), labels);
    reader.eat(")");
    Argument { label, part }
}

fn label(name: &str, labels: &[String]) -> u8 {
    labels.iter().position(|label| label == name).unwrap_or_default() as u8
}

impl Argument {
    fn of(&self, values: &[Value]) -> Value {
        let value = &values[usize::from(self.label)];
        match self.part {
            Part::Whole => value.clone(),
            Part::First => value.children().first().unwrap_or(value).clone(),
            Part::Last => value.children().last().unwrap_or(value).clone(),
            Part::LastClause => last_expression_of_clauses(value),
        }
    }
}

/// The last condition of the last clause, or what it goes through.
fn last_expression_of_clauses(clauses: &Value) -> Value {
    let Some(clause) = clauses.children().last() else { return Value::Nothing };
    match clause.children() {
        [iterable, conditions] => conditions.children().last().unwrap_or(iterable).clone(),
        _ => clause.clone(),
    }
}

impl Engine<'_> {
    /// Does what an alternative wants done.
    pub(super) fn act(
        &mut self,
        action: &Action,
        start: usize,
        values: &[Value],
        only: Value,
    ) -> Option<Value> {
        match action {
            Action::Default => return Some(only),
            Action::Value(label) => return Some(values[usize::from(*label)].clone()),
            Action::Node(kind, labels) => {
                let children = labels.iter().map(|&label| values[usize::from(label)].clone()).collect();
                return Some(self.node(*kind, start, children));
            }
            Action::At(place, message) => {
                let place = place.of(values);
                let message = self.fill_in(message, &place);
                self.raise_range(&place, &place, &message);
            }
            Action::Range(first, last, message) => {
                let (first, last) = (first.of(values), last.of(values));
                let message = self.fill_in(message, &first);
                self.raise_range(&first, &last, &message);
            }
            Action::From(place, message) => self.raise_from(&place.of(values), message),
            Action::Here(message) => self.raise_here(ErrorKind::Syntax, message),
            Action::Next(message) => self.raise_next(message),
            Action::Indent(message, label) => {
                let message = match label {
                    Some(label) => self.fill_in(message, &values[usize::from(*label)]),
                    None => message.clone(),
                };
                self.raise_here(ErrorKind::Indentation, &message);
            }
            Action::Special { name, arguments, text } => {
                let arguments: Vec<Value> =
                    arguments.iter().map(|&label| values[usize::from(label)].clone()).collect();
                return self.special(name, start, &arguments, text);
            }
        }
        None
    }

    /// A message with what it says about a value.
    fn fill_in(&self, message: &str, value: &Value) -> String {
        let (Some(open), Some(close)) = (message.find('{'), message.find('}')) else {
            return message.to_owned();
        };
        if !matches!(&message[open..=close], "{a}" | "{a.text}" | "{a.line}") {
            return message.to_owned();
        }
        let shown = match (&message[open + 1..close], value) {
            ("a.text", Value::Token(token)) => self.text(*token).to_owned(),
            ("a.line", _) => value.place().0.to_string(),
            _ => value.description().to_owned(),
        };
        format!("{}{shown}{}", &message[..open], &message[close + 1..])
    }

    fn special(&mut self, name: &str, start: usize, values: &[Value], text: &str) -> Option<Value> {
        match (name, values) {
            ("register", [statement]) => {
                if self.call_invalid_rules {
                    let (line, column, _, _) = statement.place();
                    self.last_statement = (line as u32, column.max(0) as u32);
                }
                Some(statement.clone())
            }
            ("interactive_exit", _) => None,
            ("future_import", [dots, module, names]) => {
                self.note_future_import(dots, module, names);
                Some(self.node(NodeKind::Statement, start, Vec::new()))
            }
            ("real", [number]) => self.check_number(number, NodeKind::Literal, "real"),
            ("imaginary", [number]) => self.check_number(number, NodeKind::Imaginary, "imaginary"),
            ("check_barry", [operator]) if self.barry_as_flufl => {
                let _ = operator;
                self.raise_here(ErrorKind::Syntax, "with Barry as BDFL, use '<>' instead of '!='");
                None
            }
            ("check_barry", [operator]) => Some(operator.clone()),
            ("barry", [less, greater]) => self.barry(less, greater),
            ("legacy_statement", [name, arguments]) => self.legacy_statement(name, arguments),
            ("missing_comma", [first, second]) => self.missing_comma(first, second),
            ("bounded_variadic", [colon, bound]) => {
                let what = if bound.kind() == Some(NodeKind::Tuple) { "constraints" } else { "bound" };
                self.raise_from(colon, &format!("cannot use {what} with {text}"));
                None
            }
            ("invalid_target", [target]) => self.invalid_target(target, text),
            ("generator_in_call", [arguments, clauses]) => self.generator_in_call(arguments, clauses),
            ("argument_order", [arguments]) => self.argument_order(arguments),
            ("missing_colon", [key]) => {
                self.raise_missing_colon(key);
                None
            }
            ("text", [token]) => Some(token.clone()),
            ("spec_text", [Value::Token(token)]) => self.spec_text(*token),
            ("conversion", [Value::Token(mark), name]) => self.conversion(*mark, name),
            ("joined_string", [Value::Token(opening), parts, Value::Token(closing)]) => {
                self.joined_string(*opening, parts, *closing, start)
            }
            ("string", [Value::Token(token)]) => self.string(*token),
            ("concatenate", [parts]) => self.concatenate(parts, start),
            _ => unreachable!("the grammar has no action {name}"),
        }
    }

    fn note_future_import(&mut self, dots: &Value, module: &Value, names: &Value) {
        let text = |engine: &Self, value: &Value| match value {
            Value::Node(node) => {
                let is_name = |token: &&Token| (token.line, token.column) == (node.line, node.column);
                engine.tokens.iter().find(is_name).map(|token| engine.text(*token).to_owned())
            }
            _ => None,
        };
        let is_future = dots.children().is_empty() && text(self, module).as_deref() == Some("__future__");
        if is_future
            && names.children().iter().any(|name| text(self, name).as_deref() == Some("barry_as_FLUFL"))
        {
            self.barry_as_flufl = true;
        }
    }

    fn check_number(&mut self, number: &Value, wanted: NodeKind, name: &str) -> Option<Value> {
        if number.kind() == Some(wanted) {
            return Some(number.clone());
        }
        self.raise_range(number, number, &format!("{name} number required in complex literal"));
        None
    }

    /// `<>`, which is two tokens.
    fn barry(&mut self, less: &Value, greater: &Value) -> Option<Value> {
        let (Value::Token(first), Value::Token(second)) = (less, greater) else { return None };
        if first.end != second.start {
            return None;
        }
        if self.barry_as_flufl {
            return Some(less.clone());
        }
        if self.call_invalid_rules {
            self.raise_range(less, greater, "invalid syntax.  Maybe you meant '!=' instead of '<>'?");
        }
        None
    }

    fn name_text(&self, name: &Value) -> &str {
        let (line, column, _, _) = name.place();
        let is_it = |token: &&Token| (i64::from(token.line), i64::from(token.column)) == (line, column);
        self.tokens.iter().rev().find(is_it).map_or("", |token| self.text(*token))
    }

    fn legacy_statement(&mut self, name: &Value, arguments: &Value) -> Option<Value> {
        let word = self.name_text(name).to_owned();
        if word == "print" || word == "exec" {
            let message = format!("Missing parentheses in call to '{word}'. Did you mean {word}(...)?");
            self.raise_range(name, arguments, &message);
        }
        None
    }

    fn missing_comma(&mut self, first: &Value, second: &Value) -> Option<Value> {
        let is_legacy =
            first.kind() == Some(NodeKind::Name) && matches!(self.name_text(first), "print" | "exec");
        let level = self.tokens[self.mark - 1].level;
        if !is_legacy && level > 0 {
            self.raise_range(first, second, "invalid syntax. Perhaps you forgot a comma?");
        }
        None
    }

    /// Reports the part of an expression that cannot be a target. `text` says what is done to it.
    fn invalid_target(&mut self, target: &Value, text: &str) -> Option<Value> {
        let wrong = find_invalid_target(target, text)?;
        let verb = if text == "delete" { "delete" } else { "assign to" };
        self.raise_range(&wrong, &wrong, &format!("cannot {verb} {}", wrong.description()));
        None
    }

    fn generator_in_call(&mut self, arguments: &Value, clauses: &Value) -> Option<Value> {
        let positional = positional_arguments(arguments);
        if positional.len() > 1 {
            let last = last_expression_of_clauses(clauses);
            self.raise_range(
                &positional[positional.len() - 1],
                &last,
                "Generator expression must be parenthesized",
            );
        }
        None
    }

    fn argument_order(&mut self, arguments: &Value) -> Option<Value> {
        let has_mapping = flatten(arguments).iter().any(|value| value.kind() == Some(NodeKind::Mapping));
        self.raise_here(
            ErrorKind::Syntax,
            if has_mapping {
                "positional argument follows keyword argument unpacking"
            } else {
                "positional argument follows keyword argument"
            },
        );
        None
    }

    fn string(&mut self, token: Token) -> Option<Value> {
        let literal = StringLiteral::new(self.text(token));
        if literal.is_bytes {
            if !literal.body.is_ascii() {
                let place = Value::Token(token);
                self.raise_range(&place, &place, "bytes can only contain ASCII literal characters");
                return None;
            }
            if !literal.is_raw {
                match literal::decode_bytes(literal.body) {
                    Ok((_, invalid)) => self.warn_of_escape(token, invalid),
                    Err(error) => return self.fail_to_decode("value error", token, error),
                }
            }
            return Some(Value::node(NodeKind::Bytes, token, token));
        }
        if !literal.is_raw
            && let Err(error) = self.decode(literal.body, token)
        {
            return self.fail_to_decode("unicode error", token, error);
        }
        Some(Value::node(NodeKind::Literal, token, token))
    }

    /// Decodes text; a warning about it is placed at the token `warned`.
    fn decode(&mut self, body: &str, warned: Token) -> Result<(), DecodeError> {
        let (_, invalid) = literal::decode_text(body, self.options.character_names)?;
        self.warn_of_escape(warned, invalid);
        Ok(())
    }

    fn fail_to_decode(&mut self, what: &str, token: Token, error: DecodeError) -> Option<Value> {
        self.raise_at_token(token, &format!("({what}) {error}"));
        None
    }

    fn warn_of_escape(&mut self, token: Token, invalid: Option<InvalidEscape>) {
        if self.call_invalid_rules {
            return;
        }
        let Some(invalid) = invalid else { return };
        let text = self.text(token);
        self.warnings.extend(escape_warning(token, text, invalid, self.options.feature_version));
    }

    fn spec_text(&mut self, token: Token) -> Option<Value> {
        let text = self.text(token);
        if text.contains('\\')
            && let Err(error) = self.decode(text, token)
        {
            self.raise_unicode_error(error);
            return None;
        }
        Some(Value::Token(token))
    }

    fn conversion(&mut self, mark: Token, name: &Value) -> Option<Value> {
        let (line, column, _, _) = name.place();
        let prefix = self.lexer.string_prefix();
        if i64::from(mark.line) != line || i64::from(mark.end_column) != column {
            let message =
                format!("{prefix}-string: conversion type must come right after the exclamation mark");
            self.raise_range(&Value::Token(mark), name, &message);
            return None;
        }
        let letter = self.name_text(name).to_owned();
        if !matches!(letter.as_str(), "s" | "r" | "a") {
            let message = format!(
                "{prefix}-string: invalid conversion character '{letter}': expected 's', 'r', or 'a'"
            );
            self.raise_range(name, name, &message);
            return None;
        }
        Some(name.clone())
    }

    fn joined_string(
        &mut self,
        opening: Token,
        parts: &Value,
        closing: Token,
        start: usize,
    ) -> Option<Value> {
        let is_raw = self.text(opening).bytes().any(|byte| byte | 0x20 == b'r');
        for part in parts.children() {
            let Value::Token(token) = part else { continue };
            let text = self.text(*token);
            if !is_raw
                && text.contains('\\')
                && let Err(error) = self.decode(text, closing)
            {
                return self.fail_to_decode("unicode error", *token, error);
            }
        }
        let kind =
            if opening.kind == TokenKind::TStringStart { NodeKind::TemplateStr } else { NodeKind::JoinedStr };
        Some(self.node(kind, start, Vec::new()))
    }

    fn concatenate(&mut self, parts: &Value, start: usize) -> Option<Value> {
        let parts = parts.children();
        let has = |kind| parts.iter().any(|part| part.kind() == Some(kind));
        let has_bytes = has(NodeKind::Bytes);
        if has_bytes && (has(NodeKind::Literal) || has(NodeKind::JoinedStr)) {
            self.raise_here(ErrorKind::Syntax, "cannot mix bytes and nonbytes literals");
            return None;
        }
        let kind = match (has_bytes, has(NodeKind::JoinedStr)) {
            (true, _) => NodeKind::Bytes,
            (false, true) => NodeKind::JoinedStr,
            (false, false) => NodeKind::Literal,
        };
        Some(self.node(kind, start, Vec::new()))
    }
}

/// All values in a tree of lists and elements.
fn flatten(value: &Value) -> Vec<Value> {
    match value {
        Value::List(values) => values.iter().flat_map(flatten).collect(),
        Value::Node(node) if matches!(node.kind, NodeKind::Arguments | NodeKind::Elements) => {
            node.children.iter().flat_map(flatten).collect()
        }
        Value::Nothing => Vec::new(),
        _ => vec![value.clone()],
    }
}

fn positional_arguments(arguments: &Value) -> Vec<Value> {
    let is_keyword = |value: &Value| matches!(value.kind(), Some(NodeKind::Keyword | NodeKind::Mapping));
    flatten(arguments).into_iter().filter(|value| !is_keyword(value)).collect()
}

/// The part of an expression that cannot be assigned to, deleted, or looped over.
fn find_invalid_target(target: &Value, action: &str) -> Option<Value> {
    let Value::Node(node) = target else { return None };
    match node.kind {
        NodeKind::List | NodeKind::Tuple => {
            let elements = node.children.iter().flat_map(flatten);
            elements.into_iter().find_map(|element| find_invalid_target(&element, action))
        }
        NodeKind::Starred if action != "delete" => find_invalid_target(node.children.first()?, action),
        NodeKind::Compare if action == "for" => match node.children.as_slice() {
            [left, operators] if operators.children().first().and_then(Value::kind) == Some(NodeKind::In) => {
                find_invalid_target(left, action)
            }
            _ => None,
        },
        NodeKind::Name | NodeKind::Subscript | NodeKind::Attribute => None,
        _ => Some(target.clone()),
    }
}
