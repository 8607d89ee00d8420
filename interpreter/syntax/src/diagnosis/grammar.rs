//! The grammar as data, read from the text of `grammar.peg`.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::action::Action;
use crate::token::TokenKind;

static TEXT: &str = include_str!("grammar.peg");

/// All rules.
pub(super) struct Grammar {
    pub rules: Vec<Rule>,
    pub names: HashMap<String, usize>,
}

/// One rule.
pub(super) struct Rule {
    pub alternatives: Vec<Alternative>,
    /// Whether its outcomes are remembered.
    pub is_memoized: bool,
    /// Whether it starts with itself.
    pub is_left_recursive: bool,
    /// Whether wrong forms are not looked for inside of it.
    pub is_without_invalid: bool,
}

/// One alternative of a rule or group.
pub(super) struct Alternative {
    pub items: Vec<(Option<u8>, Item)>,
    /// The one item that makes a value, if there is only one.
    pub only: Option<usize>,
    /// How many labels the items have.
    pub label_count: usize,
    pub action: Action,
    /// The minor version of Python 3 that brought the form, and what to call it.
    pub version: Option<(u8, String)>,
    /// Whether it is a wrong form and nothing else. Those with more to them are tried always, as in CPython.
    pub is_invalid: bool,
}

/// What an alternative is made of.
pub(super) enum Item {
    Token(TokenKind),
    Name,
    Number,
    SoftKeyword,
    Word(String),
    Rule(usize),
    Group(Vec<Alternative>),
    Optional(Box<Item>),
    Repeat { item: Box<Item>, at_least_one: bool },
    Gather { separator: Box<Item>, item: Box<Item> },
    Ahead { item: Box<Item>, is_positive: bool },
    Cut,
    Forced(TokenKind),
}

impl Grammar {
    /// The grammar of Python.
    pub(super) fn get() -> &'static Self {
        static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
        GRAMMAR.get_or_init(|| Self::read(TEXT))
    }

    fn read(text: &str) -> Self {
        let definitions = definitions(text);
        let names: HashMap<String, usize> = definitions
            .iter()
            .enumerate()
            .map(|(index, definition)| (definition.name.to_owned(), index))
            .collect();
        let rules = definitions.iter().map(|definition| definition.rule(&names)).collect();
        Self { rules, names }
    }
}

/// A rule's text.
struct Definition<'a> {
    name: &'a str,
    is_memoized: bool,
    body: String,
}

/// Cuts the text into rules: lines that are not indented start one.
fn definitions(text: &str) -> Vec<Definition<'_>> {
    let mut result: Vec<Definition<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with(' ') {
            if let Some(last) = result.last_mut() {
                last.body.push_str(line);
            }
        } else if let Some((head, body)) = line.split_once(':') {
            let name = head.split(' ').next().unwrap_or(head);
            result.push(Definition { name, is_memoized: head.ends_with("(memo)"), body: body.to_owned() });
        }
    }
    result
}

impl Definition<'_> {
    fn rule(&self, names: &HashMap<String, usize>) -> Rule {
        let mut reader = Reader { words: words(&self.body), at: 0, names };
        if reader.peek() == Some("|") {
            reader.at += 1;
        }
        let alternatives = reader.alternatives();
        let own = names.get(self.name).copied();
        // `attr` starts with itself by way of `name_or_attr`.
        let is_left_recursive = self.name == "attr"
            || alternatives.iter().any(|alternative| {
                matches!(alternative.items.first(), Some((_, Item::Rule(rule))) if Some(*rule) == own)
            });
        Rule {
            alternatives,
            is_memoized: self.is_memoized,
            is_left_recursive,
            is_without_invalid: self.name.ends_with("_without_invalid"),
        }
    }
}

/// Cuts a rule's body into words: names, quoted texts and marks.
fn words(body: &str) -> Vec<String> {
    let mut result = Vec::new();
    let mut characters = body.chars().peekable();
    while let Some(character) = characters.next() {
        let mut word = character.to_string();
        match character {
            ' ' => continue,
            '\'' | '"' => {
                let mut is_escaped = false;
                for next in characters.by_ref() {
                    if is_escaped {
                        word.push(next);
                        is_escaped = false;
                    } else if next == '\\' {
                        is_escaped = true;
                    } else if next == character {
                        break;
                    } else {
                        word.push(next);
                    }
                }
            }
            '=' if characters.peek() == Some(&'>') => {
                characters.next();
                word.push('>');
            }
            '&' if characters.peek() == Some(&'&') => {
                characters.next();
                word.push('&');
            }
            _ if character.is_ascii_alphanumeric() => {
                while let Some(next) = characters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
                {
                    word.push(next);
                }
            }
            _ => {}
        }
        result.push(word);
    }
    result
}

/// Reads alternatives from words.
pub(super) struct Reader<'a> {
    words: Vec<String>,
    at: usize,
    names: &'a HashMap<String, usize>,
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    pub(super) fn next(&mut self) -> String {
        let word = self.words.get(self.at).cloned().unwrap_or_default();
        self.at += 1;
        word
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_there = self.peek() == Some(word);
        self.at += usize::from(is_there);
        is_there
    }

    fn alternatives(&mut self) -> Vec<Alternative> {
        let mut result = vec![self.alternative()];
        while self.eat("|") {
            result.push(self.alternative());
        }
        result
    }

    fn alternative(&mut self) -> Alternative {
        let mut items = Vec::new();
        let mut labels = Vec::new();
        while !matches!(self.peek(), None | Some("|" | ")" | "]" | "=>")) {
            let label = match self.words.get(self.at + 1).map(String::as_str) {
                Some("=") => {
                    labels.push(self.next());
                    self.at += 1;
                    Some(labels.len() as u8 - 1)
                }
                _ => None,
            };
            items.push((label, self.item()));
        }
        let mut version = None;
        let mut action = Action::Default;
        if self.eat("=>") {
            if self.eat("@") {
                let minor = self.next().parse().unwrap_or_default();
                version = Some((minor, self.next()[1..].to_owned()));
            }
            action = Action::read(self, &labels);
        }
        let is_invalid = matches!(items.as_slice(), [(_, Item::Rule(rule))] if self.is_invalid(*rule));
        let makes_value = |item: &Item| !matches!(item, Item::Ahead { .. } | Item::Cut);
        let mut makers = (0..items.len()).filter(|&index| makes_value(&items[index].1));
        let only = makers.next().filter(|_| makers.next().is_none());
        Alternative { items, only, label_count: labels.len(), action, version, is_invalid }
    }

    fn is_invalid(&self, rule: usize) -> bool {
        self.names.iter().any(|(name, &index)| index == rule && name.starts_with("invalid_"))
    }

    fn item(&mut self) -> Item {
        let word = self.next();
        let item = match word.as_str() {
            "&&" => return Item::Forced(token_kind(&self.next()[1..])),
            "&" => return Item::Ahead { item: Box::new(self.item()), is_positive: true },
            "!" => return Item::Ahead { item: Box::new(self.item()), is_positive: false },
            "~" => return Item::Cut,
            "(" => {
                let group = Item::Group(self.alternatives());
                self.eat(")");
                group
            }
            "[" => {
                let mut alternatives = self.alternatives();
                self.eat("]");
                let inner = match alternatives.as_mut_slice() {
                    [Alternative { items, action: Action::Default, .. }] if items.len() == 1 => {
                        items.remove(0).1
                    }
                    _ => Item::Group(alternatives),
                };
                Item::Optional(Box::new(inner))
            }
            _ => self.atom(&word),
        };
        if self.eat("?") {
            Item::Optional(Box::new(item))
        } else if self.eat("*") {
            Item::Repeat { item: Box::new(item), at_least_one: false }
        } else if self.eat("+") {
            Item::Repeat { item: Box::new(item), at_least_one: true }
        } else if self.eat(".") {
            let element = self.item();
            match element {
                Item::Repeat { item: element, .. } => {
                    Item::Gather { separator: Box::new(item), item: element }
                }
                other => other,
            }
        } else {
            item
        }
    }

    fn atom(&self, word: &str) -> Item {
        if let Some(spelling) = word.strip_prefix('\'') {
            return Item::Token(token_kind(spelling));
        }
        if let Some(spelling) = word.strip_prefix('"') {
            return match TokenKind::from_spelling(spelling) {
                Some(kind) => Item::Token(kind),
                None => Item::Word(spelling.to_owned()),
            };
        }
        match word {
            "NAME" => Item::Name,
            "NUMBER" => Item::Number,
            "SOFT_KEYWORD" => Item::SoftKeyword,
            _ => match (self.names.get(word), TokenKind::from_name(word)) {
                (Some(&rule), _) => Item::Rule(rule),
                (None, Some(kind)) => Item::Token(kind),
                (None, None) => unreachable!("the grammar names no {word}"),
            },
        }
    }
}

fn token_kind(spelling: &str) -> TokenKind {
    TokenKind::from_spelling(spelling).unwrap_or(TokenKind::ErrorToken)
}

#[cfg(test)]
mod tests {
    use super::Grammar;

    #[test]
    fn the_grammar_can_be_read() {
        let grammar = Grammar::get();
        assert!(grammar.names.contains_key("file"));
        assert!(grammar.rules.len() > 250);
        assert!(grammar.rules[grammar.names["sum"]].is_left_recursive);
    }
}
