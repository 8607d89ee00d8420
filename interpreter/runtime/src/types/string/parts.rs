//! Finding, splitting and replacing parts of texts of all widths.

use std::borrow::Cow;

use crate::object::{Object, Ref};
use crate::types::bytes::search::{self, Unit};
use crate::types::string::unicode::{is_line_break, is_space};
use crate::types::string::{Characters, Str, build};

/// The width of a text's characters.
pub(super) trait Width: Unit + Into<u32> {
    /// The characters in this width, if they fit.
    fn convert(characters: Characters<'_>) -> Option<Cow<'_, [Self]>>;
}

impl Width for u8 {
    fn convert(characters: Characters<'_>) -> Option<Cow<'_, [u8]>> {
        match characters {
            Characters::One(data) => Some(Cow::Borrowed(data)),
            _ => None,
        }
    }
}

impl Width for u16 {
    fn convert(characters: Characters<'_>) -> Option<Cow<'_, [u16]>> {
        match characters {
            Characters::One(data) => Some(data.iter().map(|&c| u16::from(c)).collect()),
            Characters::Two(data) => Some(Cow::Borrowed(data)),
            Characters::Four(_) => None,
        }
    }
}

impl Width for u32 {
    fn convert(characters: Characters<'_>) -> Option<Cow<'_, [u32]>> {
        match characters {
            Characters::Four(data) => Some(Cow::Borrowed(data)),
            other => Some(other.iter().collect()),
        }
    }
}

/// Calls with the characters as a slice of their width.
macro_rules! per_width {
    ($characters:expr, $data:ident => $body:expr) => {
        match $characters {
            Characters::One($data) => $body,
            Characters::Two($data) => $body,
            Characters::Four($data) => $body,
        }
    };
}

/// The first or last place of `part` between `start` and `stop`.
pub(super) fn find(
    whole: &Object<Str>,
    part: &Object<Str>,
    (start, stop): (isize, isize),
    from_end: bool,
) -> Option<usize> {
    fn find_in<T: Width>(data: &[T], part: Characters<'_>, from_end: bool) -> Option<usize> {
        let part = T::convert(part)?;
        if from_end { search::rfind(data, &part) } else { search::find(data, &part) }
    }
    if start > stop {
        return None;
    }
    let range = whole.characters().slice(start as usize, stop as usize);
    let found = per_width!(range, data => find_in(data, part.characters(), from_end))?;
    Some(found + start as usize)
}

/// How often `part` is between `start` and `stop`.
pub(super) fn count(whole: &Object<Str>, part: &Object<Str>, (start, stop): (isize, isize)) -> usize {
    fn count_in<T: Width>(data: &[T], part: Characters<'_>) -> usize {
        T::convert(part).map_or(0, |part| search::count(data, &part, usize::MAX))
    }
    if start > stop {
        return 0;
    }
    let range = whole.characters().slice(start as usize, stop as usize);
    per_width!(range, data => count_in(data, part.characters()))
}

/// Whether `part` begins, or ends, what lies between `start` and `stop`.
pub(super) fn has_affix(
    whole: &Object<Str>,
    part: &Object<Str>,
    (start, stop): (isize, isize),
    at_end: bool,
) -> bool {
    let length = part.length();
    if start > stop || length as isize > stop - start {
        return false;
    }
    let from = if at_end { stop as usize - length } else { start as usize };
    same(whole.characters().slice(from, from + length), part.characters())
}

fn same(left: Characters<'_>, right: Characters<'_>) -> bool {
    match (left, right) {
        (Characters::One(left), Characters::One(right)) => left == right,
        (left, right) => left.iter().eq(right.iter()),
    }
}

/// The ranges between separators.
pub(super) fn split(
    whole: &Object<Str>,
    separator: &Object<Str>,
    most: usize,
    from_end: bool,
) -> Vec<(usize, usize)> {
    fn split_in<T: Width>(
        data: &[T],
        separator: Characters<'_>,
        most: usize,
        from_end: bool,
    ) -> Vec<(usize, usize)> {
        match T::convert(separator) {
            None => vec![(0, data.len())],
            Some(separator) if from_end => search::rsplit(data, &separator, most),
            Some(separator) => search::split(data, &separator, most),
        }
    }
    per_width!(whole.characters(), data => split_in(data, separator.characters(), most, from_end))
}

/// The ranges between white space.
pub(super) fn split_spaces(whole: &Object<Str>, most: usize, from_end: bool) -> Vec<(usize, usize)> {
    fn split_in<T: Width>(data: &[T], most: usize, from_end: bool) -> Vec<(usize, usize)> {
        let is_space = |c: T| is_space(c.into());
        if from_end {
            search::rsplit_spaces(data, is_space, most)
        } else {
            search::split_spaces(data, is_space, most)
        }
    }
    per_width!(whole.characters(), data => split_in(data, most, from_end))
}

/// The lines, each with the end of its text and of its line break.
pub(super) fn lines(whole: &Object<Str>) -> Vec<(usize, usize, usize)> {
    fn lines_in<T: Width>(data: &[T]) -> Vec<(usize, usize, usize)> {
        search::lines(data, |c| is_line_break(c.into()), |a, b| a.into() == 0xd && b.into() == 0xa)
    }
    per_width!(whole.characters(), data => lines_in(data))
}

/// The text with at most `most` places of `old` replaced; `None` where there is nothing to do.
pub(super) fn replace(
    whole: &Object<Str>,
    old: &Object<Str>,
    new: &Object<Str>,
    most: usize,
) -> Option<Ref<Str>> {
    if most == 0 || old.same_text(new) || old.length() > whole.length() {
        return None;
    }
    find(whole, old, (0, whole.length() as isize), false)?;
    let kind = whole.kind().max(new.kind());
    let replaced = match (whole.characters(), old.characters(), new.characters()) {
        (Characters::One(whole), Characters::One(old), Characters::One(new)) => {
            let data = search::replace(whole, old, new, most);
            return Some(build::from_latin1(&data));
        }
        (whole, old, new) => {
            let wide = |characters: Characters<'_>| characters.to_vec();
            search::replace(&wide(whole), &wide(old), &wide(new), most)
        }
    };
    Some(build::from_characters_of(Characters::Four(&replaced), kind))
}

/// The range that is left when characters are stripped from the chosen ends.
pub(super) fn stripped(
    whole: &Object<Str>,
    set: Option<&Object<Str>>,
    left: bool,
    right: bool,
) -> (usize, usize) {
    let characters = whole.characters();
    let length = characters.len();
    let in_set = |c: u32| match set {
        None => is_space(c),
        Some(set) => set.characters().iter().any(|other| other == c),
    };
    let start = if left { characters.iter().position(|c| !in_set(c)).unwrap_or(length) } else { 0 };
    if start == length {
        return (length, length);
    }
    let end =
        if right { length - characters.iter().rev().take_while(|&c| in_set(c)).count() } else { length };
    (start, end.max(start))
}
