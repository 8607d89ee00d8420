//! Running the grammar: a PEG parser that reads tokens only when it needs them.

use std::collections::HashMap;
use std::rc::Rc;

use super::action::{Node, NodeKind, Value};
use super::grammar::{Alternative, Grammar, Item};
use crate::error::{ErrorKind, SyntaxError, Warning};
use crate::lexer::Lexer;
use crate::literal;
use crate::token::{Token, TokenKind};
use crate::{Mode, ParseOptions};

/// Deepest nesting of rules. CPython's limit is 6000, of which its way into the grammar takes seven.
const MAX_LEVEL: u32 = 5993;

/// A rule's remembered outcome: what it made, and where it ended.
type Memo = (Option<Value>, usize);

/// See the module's text.
pub(super) struct Engine<'a> {
    pub source: &'a str,
    pub lexer: Lexer<&'a str>,
    pub mode: Mode,
    pub options: ParseOptions,
    grammar: &'static Grammar,
    pub tokens: Vec<Token>,
    pub mark: usize,
    memos: HashMap<(usize, usize), Memo>,
    level: u32,
    pub call_invalid_rules: bool,
    /// Whether parsing must stop.
    pub is_stopped: bool,
    pub error: Option<SyntaxError>,
    pub warnings: Vec<Warning>,
    is_started: bool,
    pub barry_as_flufl: bool,
    pub last_statement: (u32, u32),
}

impl<'a> Engine<'a> {
    pub(super) fn new(source: &'a str, lexer: Lexer<&'a str>, mode: Mode, options: ParseOptions) -> Self {
        Self {
            source,
            lexer,
            mode,
            options,
            grammar: Grammar::get(),
            tokens: Vec::new(),
            mark: 0,
            memos: HashMap::new(),
            level: 0,
            call_invalid_rules: false,
            is_stopped: false,
            error: None,
            warnings: Vec::new(),
            is_started: false,
            barry_as_flufl: options.barry_as_flufl,
            last_statement: (0, 0),
        }
    }

    /// Runs the grammar from a rule. Says whether the source matched.
    pub(super) fn run(&mut self, rule: &str) -> bool {
        self.rule(self.grammar.names[rule]).is_some()
    }

    /// Goes back to the start to look for wrong forms.
    pub(super) fn start_second_pass(&mut self) {
        self.memos.clear();
        self.mark = 0;
        self.call_invalid_rules = true;
        self.last_statement = (0, 0);
    }

    /// The last token read.
    pub(super) fn last_token(&self) -> Option<Token> {
        self.tokens.last().copied()
    }

    pub(super) fn text(&self, token: Token) -> &'a str {
        &self.source[token.start as usize..token.end as usize]
    }

    /// Makes sure that there is a token at the mark.
    pub(super) fn fill(&mut self) -> Option<Token> {
        if self.mark == self.tokens.len() && !self.read_token() {
            self.is_stopped = true;
            return None;
        }
        Some(self.tokens[self.mark])
    }

    fn read_token(&mut self) -> bool {
        let mut token = self.lexer.next_token();
        while token.kind == TokenKind::TypeIgnore {
            token = self.lexer.next_token();
        }
        if self.mode == Mode::Interactive && token.kind == TokenKind::EndMarker && self.is_started {
            token.kind = TokenKind::Newline;
            self.is_started = false;
            if !self.options.dont_imply_dedent {
                self.lexer.close_blocks();
            }
        } else {
            self.is_started = true;
        }
        self.warnings.append(&mut self.lexer.warnings);
        self.tokens.push(token);
        if token.kind == TokenKind::ErrorToken {
            self.raise_lexer_error();
            return false;
        }
        true
    }

    fn expect(&mut self, kind: TokenKind) -> Option<Value> {
        let token = self.fill()?;
        if kind == TokenKind::Name && token.kind == kind && self.refuses_identifier(token) {
            return None;
        }
        (token.kind == kind).then(|| {
            self.mark += 1;
            Value::Token(token)
        })
    }

    fn enter(&mut self) -> bool {
        self.level += 1;
        if self.level > MAX_LEVEL {
            self.is_stopped = true;
            self.error = Some(SyntaxError::without_place(
                ErrorKind::Memory,
                "Parser stack overflowed - Python source too complex to parse",
            ));
        }
        !self.is_stopped
    }

    fn rule(&mut self, index: usize) -> Option<Value> {
        if !self.enter() {
            self.level -= 1;
            return None;
        }
        let rule = &self.grammar.rules[index];
        let result = if rule.is_left_recursive {
            self.left_recursive_rule(index)
        } else if rule.is_memoized {
            self.memoized_rule(index)
        } else if rule.is_without_invalid {
            let before = std::mem::replace(&mut self.call_invalid_rules, false);
            let result = self.alternatives(&rule.alternatives);
            self.call_invalid_rules = before;
            result
        } else {
            self.alternatives(&rule.alternatives)
        };
        self.level -= 1;
        result
    }

    /// The remembered outcome of a rule at the mark.
    fn recall(&mut self, index: usize) -> Result<Option<Value>, ()> {
        if self.fill().is_none() {
            return Ok(None);
        }
        let Some((value, end)) = self.memos.get(&(index, self.mark)) else { return Err(()) };
        self.mark = *end;
        Ok(value.clone())
    }

    fn memoized_rule(&mut self, index: usize) -> Option<Value> {
        if let Ok(outcome) = self.recall(index) {
            return outcome;
        }
        let start = self.mark;
        let result = self.alternatives(&self.grammar.rules[index].alternatives);
        if self.is_stopped {
            return None;
        }
        self.memos.insert((index, start), (result.clone(), self.mark));
        result
    }

    /// Grows the outcome of a rule that starts with itself, from nothing to the longest.
    fn left_recursive_rule(&mut self, index: usize) -> Option<Value> {
        if let Ok(outcome) = self.recall(index) {
            return outcome;
        }
        let start = self.mark;
        let (mut result, mut end) = (None, start);
        loop {
            self.memos.insert((index, start), (result.clone(), end));
            self.mark = start;
            let grown = self.alternatives(&self.grammar.rules[index].alternatives);
            if self.is_stopped {
                return None;
            }
            if grown.is_none() || self.mark <= end {
                break;
            }
            (result, end) = (grown, self.mark);
        }
        self.mark = end;
        result
    }

    fn alternatives(&mut self, alternatives: &'static [Alternative]) -> Option<Value> {
        let start = self.mark;
        for alternative in alternatives {
            if alternative.is_invalid && !self.call_invalid_rules {
                continue;
            }
            match self.alternative(alternative, start) {
                Outcome::Matched(value) => return value,
                Outcome::Cut => return None,
                Outcome::Failed if self.is_stopped => return None,
                Outcome::Failed => {}
            }
        }
        None
    }

    fn alternative(&mut self, alternative: &'static Alternative, start: usize) -> Outcome {
        let mut values = vec![Value::Nothing; alternative.label_count];
        let mut only = Value::Nothing;
        let mut is_cut = false;
        for (index, (label, item)) in alternative.items.iter().enumerate() {
            if matches!(item, Item::Cut) {
                is_cut = true;
                continue;
            }
            let Some(value) = self.item(item) else {
                self.mark = start;
                return if is_cut { Outcome::Cut } else { Outcome::Failed };
            };
            match label {
                Some(label) => values[usize::from(*label)] = value,
                None if alternative.only == Some(index) => only = value,
                None => {}
            }
        }
        if let Some((minor, what)) = &alternative.version
            && self.options.feature_version < *minor
        {
            let message = format!("{what} only supported in Python 3.{minor} and greater");
            self.raise_here(ErrorKind::Syntax, &message);
            return Outcome::Failed;
        }
        Outcome::Matched(self.act(&alternative.action, start, &values, only))
    }

    fn item(&mut self, item: &'static Item) -> Option<Value> {
        if self.is_stopped {
            return None;
        }
        match item {
            Item::Token(kind) => self.expect(*kind),
            Item::Name => self.name(),
            Item::Number => self.number(),
            Item::SoftKeyword => self.word(|text| matches!(text, "_" | "case" | "match" | "type")),
            Item::Word(word) => self.word(|text| text == word),
            Item::Rule(index) => self.rule(*index),
            Item::Group(alternatives) => self.group(alternatives),
            Item::Optional(item) => {
                let value = self.item(item);
                if self.is_stopped { None } else { Some(value.unwrap_or(Value::Nothing)) }
            }
            Item::Repeat { item, at_least_one } => self.repeat(None, item, *at_least_one),
            Item::Gather { separator, item } => self.repeat(Some(separator), item, true),
            Item::Ahead { item, is_positive } => {
                let mark = self.mark;
                let is_there = self.item(item).is_some();
                self.mark = mark;
                (is_there == *is_positive && !self.is_stopped).then_some(Value::Nothing)
            }
            Item::Cut => Some(Value::Nothing),
            Item::Forced(kind) => {
                let token = self.fill()?;
                if token.kind != *kind {
                    self.raise_at_token(
                        token,
                        &format!("expected '{}'", kind.spelling().unwrap_or_default()),
                    );
                    return None;
                }
                self.mark += 1;
                Some(Value::Token(token))
            }
        }
    }

    fn group(&mut self, alternatives: &'static [Alternative]) -> Option<Value> {
        let result = if self.enter() { self.alternatives(alternatives) } else { None };
        self.level -= 1;
        result
    }

    fn repeat(
        &mut self,
        separator: Option<&'static Item>,
        item: &'static Item,
        at_least_one: bool,
    ) -> Option<Value> {
        if !self.enter() {
            self.level -= 1;
            return None;
        }
        let mut values = Vec::new();
        let mut end = self.mark;
        loop {
            if !values.is_empty() && separator.is_some_and(|separator| self.item(separator).is_none()) {
                break;
            }
            let Some(value) = self.item(item) else { break };
            values.push(value);
            end = self.mark;
        }
        self.mark = end;
        self.level -= 1;
        let is_enough = !at_least_one || !values.is_empty();
        (is_enough && !self.is_stopped).then(|| Value::List(Rc::new(values)))
    }

    fn name(&mut self) -> Option<Value> {
        let token = self.fill()?;
        if token.kind != TokenKind::Name || self.refuses_identifier(token) {
            return None;
        }
        self.mark += 1;
        Some(Value::node(NodeKind::Name, token, token))
    }

    fn word(&mut self, is_wanted: impl Fn(&str) -> bool) -> Option<Value> {
        let token = self.fill()?;
        if token.kind != TokenKind::Name || !is_wanted(self.text(token)) {
            return None;
        }
        self.mark += 1;
        Some(Value::node(NodeKind::Name, token, token))
    }

    fn number(&mut self) -> Option<Value> {
        let token = self.fill()?;
        if token.kind != TokenKind::Number {
            return None;
        }
        self.mark += 1;
        let text = self.text(token);
        if self.options.feature_version < 6 && text.contains('_') {
            let message = "Underscores in numeric literals are only supported in Python 3.6 and greater";
            self.raise_here(ErrorKind::Syntax, message);
            return None;
        }
        if let Err(error) = literal::parse_number(text, self.options.int_max_str_digits) {
            self.raise_huge_number(token, error.digits);
            return None;
        }
        let is_complex = text.ends_with(['j', 'J']) && !text.starts_with("0x");
        let kind = if is_complex { NodeKind::Imaginary } else { NodeKind::Literal };
        Some(Value::node(kind, token, token))
    }

    /// The last token before the mark that is no line end or indentation.
    fn last_visible_token(&self) -> Option<Token> {
        let is_layout = |kind| {
            matches!(kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::EndMarker)
        };
        self.tokens[..self.mark].iter().rev().find(|token| !is_layout(token.kind)).copied()
    }

    /// A node of everything from the token at `start` to the mark.
    pub(super) fn node(&self, kind: NodeKind, start: usize, children: Vec<Value>) -> Value {
        let first = self.tokens[start];
        let last = self.last_visible_token().unwrap_or(first);
        Value::Node(Rc::new(Node {
            kind,
            line: first.line,
            column: first.column,
            end_line: last.end_line,
            end_column: last.end_column,
            children,
        }))
    }
}

enum Outcome {
    /// All items were there; the action may still have refused.
    Matched(Option<Value>),
    Failed,
    /// A failure that ends the rule.
    Cut,
}
