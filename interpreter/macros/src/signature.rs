//! Python signatures as the marks of native functions give them: `name(self, a, b=0, /, *args, c, **kwargs)`.

use proc_macro2::Span;

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    pub default: Option<String>,
    pub kind: ParameterKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterKind {
    PositionalOnly,
    Positional,
    KeywordOnly,
    Rest,
    Keywords,
}

/// A parsed signature.
#[derive(Clone, Debug)]
pub struct Signature {
    pub name: String,
    /// Whether the mark has a parameter list at all; without one there is no `__text_signature__`.
    pub shown: bool,
    /// The first parameter's name if it is `self`, `cls` or `type`.
    pub receiver: Option<String>,
    pub parameters: Vec<Parameter>,
}

impl Signature {
    /// Parses the text of a mark; that of a bound function begins with its receiver.
    pub fn parse(text: &str, span: Span, bound: bool) -> syn::Result<Signature> {
        let fail = |why: &str| syn::Error::new(span, format!("{why} in signature {text:?}"));
        let Some(open) = text.find('(') else {
            return Ok(Signature {
                name: text.to_owned(),
                shown: false,
                receiver: None,
                parameters: Vec::new(),
            });
        };
        let name = text[..open].to_owned();
        let inner = text[open + 1..].strip_suffix(')').ok_or_else(|| fail("missing )"))?;
        let mut signature = Signature { name, shown: true, receiver: None, parameters: Vec::new() };
        let mut kind = ParameterKind::Positional;
        for (index, part) in split(inner).into_iter().enumerate() {
            let part = part.trim();
            if index == 0 && (part == "module" || bound && matches!(part, "self" | "cls" | "type")) {
                signature.receiver = Some(part.to_owned());
            } else if part == "/" {
                for parameter in &mut signature.parameters {
                    parameter.kind = ParameterKind::PositionalOnly;
                }
            } else if part == "*" {
                kind = ParameterKind::KeywordOnly;
            } else if let Some(name) = part.strip_prefix("**") {
                signature.push(name, None, ParameterKind::Keywords);
            } else if let Some(name) = part.strip_prefix('*') {
                signature.push(name, None, ParameterKind::Rest);
                kind = ParameterKind::KeywordOnly;
            } else if let Some((name, default)) = part.split_once('=') {
                signature.push(name, Some(default.to_owned()), kind);
            } else if part.is_empty() {
                return Err(fail("empty parameter"));
            } else {
                signature.push(part, None, kind);
            }
        }
        Ok(signature)
    }

    fn push(&mut self, name: &str, default: Option<String>, kind: ParameterKind) {
        self.parameters.push(Parameter { name: name.to_owned(), default, kind });
    }

    /// `__text_signature__`.
    pub fn text_signature(&self, receiver: Option<&str>) -> String {
        if !self.shown {
            return String::new();
        }
        let mut parts: Vec<String> = receiver.map(|name| format!("${name}")).into_iter().collect();
        let mut star = false;
        let last_positional_only =
            self.parameters.iter().rposition(|parameter| parameter.kind == ParameterKind::PositionalOnly);
        if receiver.is_some() && last_positional_only.is_none() {
            parts.push("/".to_owned());
        }
        for (index, parameter) in self.parameters.iter().enumerate() {
            match parameter.kind {
                ParameterKind::Rest => {
                    star = true;
                    parts.push(format!("*{}", parameter.name));
                    continue;
                }
                ParameterKind::Keywords => {
                    parts.push(format!("**{}", parameter.name));
                    continue;
                }
                ParameterKind::KeywordOnly if !star => {
                    star = true;
                    parts.push("*".to_owned());
                }
                _ => {}
            }
            parts.push(match &parameter.default {
                Some(default) => format!("{}={default}", parameter.name),
                None => parameter.name.clone(),
            });
            if Some(index) == last_positional_only {
                parts.push("/".to_owned());
            }
        }
        format!("({})", parts.join(", "))
    }
}

/// Splits at commas outside brackets and quotes.
fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut quote = None;
    let mut part = String::new();
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{' | '<') => depth += 1,
            (None, ')' | ']' | '}' | '>') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    if !part.trim().is_empty() {
        parts.push(part);
    }
    parts
}
