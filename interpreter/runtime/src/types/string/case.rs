//! Texts in another case: `lower`, `upper`, `title`, `capitalize`, `swapcase` and `casefold`.

use crate::object::{Object, Ref};
use crate::types::string::build::{StrBuilder, from_ascii};
use crate::types::string::unicode::tables::{CASED, IGNORABLE, LOWER, TITLE, UPPER};
use crate::types::string::unicode::{Form, has};
use crate::types::string::{Characters, Str};

const CAPITAL_SIGMA: u32 = 0x3a3;
const FINAL_SIGMA: u32 = 0x3c2;
const SMALL_SIGMA: u32 = 0x3c3;

/// Every character in one form.
pub(super) fn in_form(text: &Object<Str>, form: Form) -> Ref<Str> {
    if text.is_ascii() {
        let bytes = text.bytes();
        return from_ascii(&match form {
            Form::Lower | Form::Folded => bytes.to_ascii_lowercase(),
            Form::Upper | Form::Title => bytes.to_ascii_uppercase(),
        });
    }
    let characters = text.characters();
    let mut out = StrBuilder::with_capacity(characters.len());
    for (index, c) in characters.iter().enumerate() {
        match form {
            Form::Lower => push_lower(&mut out, characters, index, c),
            other => other.of(c, |c| out.push(c)),
        }
    }
    out.finish()
}

/// Appends the lower form of a character; that of capital sigma depends on where it stands.
fn push_lower(out: &mut StrBuilder, text: Characters<'_>, index: usize, c: u32) {
    if c == CAPITAL_SIGMA {
        out.push(if ends_word(text, index) { FINAL_SIGMA } else { SMALL_SIGMA });
    } else {
        Form::Lower.of(c, |c| out.push(c));
    }
}

/// Whether a cased character stands before the place and none behind it, but for characters that do not count.
fn ends_word(text: Characters<'_>, index: usize) -> bool {
    let counts = |&c: &u32| !has(c, IGNORABLE);
    let before = text.slice(0, index);
    let behind = text.slice(index + 1, text.len());
    let cased_before = before.iter().rev().find(counts).is_some_and(|c| has(c, CASED));
    let cased_behind = behind.iter().find(counts).is_some_and(|c| has(c, CASED));
    cased_before && !cased_behind
}

/// The first letter of each word in title case, the others in lower case.
pub(super) fn title(text: &Object<Str>) -> Ref<Str> {
    let characters = text.characters();
    let mut out = StrBuilder::with_capacity(characters.len());
    let mut inside = false;
    for (index, c) in characters.iter().enumerate() {
        if inside {
            push_lower(&mut out, characters, index, c);
        } else {
            Form::Title.of(c, |c| out.push(c));
        }
        inside = has(c, CASED);
    }
    out.finish()
}

/// The first character in title case, the others in lower case.
pub(super) fn capitalize(text: &Object<Str>) -> Ref<Str> {
    let characters = text.characters();
    let mut out = StrBuilder::with_capacity(characters.len());
    for (index, c) in characters.iter().enumerate() {
        if index == 0 {
            Form::Title.of(c, |c| out.push(c));
        } else {
            push_lower(&mut out, characters, index, c);
        }
    }
    out.finish()
}

/// Upper case in lower case and the other way round.
pub(super) fn swapcase(text: &Object<Str>) -> Ref<Str> {
    let characters = text.characters();
    let mut out = StrBuilder::with_capacity(characters.len());
    for (index, c) in characters.iter().enumerate() {
        if has(c, UPPER) {
            push_lower(&mut out, characters, index, c);
        } else if has(c, LOWER) {
            Form::Upper.of(c, |c| out.push(c));
        } else {
            out.push(c);
        }
    }
    out.finish()
}

/// Whether there are characters of one case and none of another or of title case.
pub(super) fn is_of_case(text: &Object<Str>, case: u32, other: u32) -> bool {
    let mut seen = false;
    for c in text.characters().iter() {
        if has(c, other | TITLE) {
            return false;
        }
        seen |= has(c, case);
    }
    seen
}

/// Whether words begin in upper or title case and only there, and there is a cased character.
pub(super) fn is_title(text: &Object<Str>) -> bool {
    let (mut inside, mut seen) = (false, false);
    for c in text.characters().iter() {
        if has(c, UPPER | TITLE) {
            if inside {
                return false;
            }
            (inside, seen) = (true, true);
        } else if has(c, LOWER) {
            if !inside {
                return false;
            }
            seen = true;
        } else {
            inside = false;
        }
    }
    seen
}
