//! Searching, splitting and replacing in slices of bytes, numbers or code points.
//!
//! Generic over the width of an item: `bytes` uses it with `u8`, `str` with the width that it keeps.

use memchr::memmem;

/// One item of a sequence that can be searched.
pub trait Unit: Copy + Eq + 'static {
    /// The sequence as bytes, where an item is one.
    fn as_bytes(items: &[Self]) -> Option<&[u8]>;
}

impl Unit for u8 {
    fn as_bytes(items: &[Self]) -> Option<&[u8]> {
        Some(items)
    }
}

impl Unit for u16 {
    fn as_bytes(_: &[Self]) -> Option<&[u8]> {
        None
    }
}

impl Unit for u32 {
    fn as_bytes(_: &[Self]) -> Option<&[u8]> {
        None
    }
}

/// The first place of `part` in `whole`.
pub fn find<T: Unit>(whole: &[T], part: &[T]) -> Option<usize> {
    if part.len() > whole.len() {
        return None;
    }
    if let (Some(whole), Some(part)) = (T::as_bytes(whole), T::as_bytes(part)) {
        return match part {
            [one] => memchr::memchr(*one, whole),
            _ => memmem::find(whole, part),
        };
    }
    let Some((&first, rest)) = part.split_first() else { return Some(0) };
    if rest.is_empty() {
        return whole.iter().position(|&item| item == first);
    }
    horspool(whole, part)
}

/// Boyer-Moore-Horspool with a small table of the last items' low bits, so that long parts skip far.
fn horspool<T: Unit>(whole: &[T], part: &[T]) -> Option<usize> {
    let last = part.len() - 1;
    let tail = part[last];
    // How far the part can move when its last item matched but the rest did not.
    let shift = last - part[..last].iter().rposition(|&item| item == tail).map_or(0, |place| place).min(last);
    let shift = if part[..last].contains(&tail) { shift } else { part.len() };
    let mut at = 0;
    while at + last < whole.len() {
        let Some(skipped) = whole[at + last..].iter().position(|&item| item == tail) else { return None };
        at += skipped;
        if whole[at..at + last] == part[..last] {
            return Some(at);
        }
        at += shift.max(1);
    }
    None
}

/// The last place of `part` in `whole`.
pub fn rfind<T: Unit>(whole: &[T], part: &[T]) -> Option<usize> {
    if part.len() > whole.len() {
        return None;
    }
    if let (Some(whole), Some(part)) = (T::as_bytes(whole), T::as_bytes(part)) {
        return match part {
            [one] => memchr::memrchr(*one, whole),
            _ => memmem::rfind(whole, part),
        };
    }
    if part.is_empty() {
        return Some(whole.len());
    }
    whole.windows(part.len()).rposition(|window| window == part)
}

/// How often `part` is in `whole` without overlapping, at most `most` times.
pub fn count<T: Unit>(whole: &[T], part: &[T], most: usize) -> usize {
    if part.is_empty() {
        return (whole.len() + 1).min(most);
    }
    Matches::new(whole, part).take(most).count()
}

/// The places of a part that do not overlap, from the first.
pub struct Matches<'a, T> {
    whole: &'a [T],
    part: &'a [T],
    finder: Option<memmem::Finder<'a>>,
    at: usize,
}

impl<'a, T: Unit> Matches<'a, T> {
    /// The places of a part that is not empty.
    pub fn new(whole: &'a [T], part: &'a [T]) -> Self {
        let finder = T::as_bytes(part).filter(|part| part.len() > 1).map(memmem::Finder::new);
        Matches { whole, part, finder, at: 0 }
    }
}

impl<T: Unit> Iterator for Matches<'_, T> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let rest = self.whole.get(self.at..)?;
        let found = match (&self.finder, T::as_bytes(rest)) {
            (Some(finder), Some(rest)) => finder.find(rest),
            _ => find(rest, self.part),
        }?;
        let place = self.at + found;
        self.at = place + self.part.len();
        Some(place)
    }
}

/// The ranges between the places of a separator, at most `most` of which are used.
pub fn split<T: Unit>(whole: &[T], separator: &[T], most: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut start = 0;
    for place in Matches::new(whole, separator).take(most) {
        parts.push((start, place));
        start = place + separator.len();
    }
    parts.push((start, whole.len()));
    parts
}

/// As [`split`], counting the separators from the end.
pub fn rsplit<T: Unit>(whole: &[T], separator: &[T], most: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut end = whole.len();
    while parts.len() < most
        && let Some(place) = rfind(&whole[..end], separator)
    {
        parts.push((place + separator.len(), end));
        end = place;
    }
    parts.push((0, end));
    parts.reverse();
    parts
}

/// The ranges of items that are no space, split at most `most` times; the last has all that follows.
pub fn split_spaces<T: Copy>(whole: &[T], is_space: impl Fn(T) -> bool, most: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        let Some(start) = whole[at..].iter().position(|&item| !is_space(item)).map(|skip| at + skip) else {
            return parts;
        };
        if parts.len() == most {
            parts.push((start, whole.len()));
            return parts;
        }
        let end = whole[start..]
            .iter()
            .position(|&item| is_space(item))
            .map_or(whole.len(), |length| start + length);
        parts.push((start, end));
        at = end;
    }
}

/// As [`split_spaces`] from the end; the first range has everything that is left.
pub fn rsplit_spaces<T: Copy>(whole: &[T], is_space: impl Fn(T) -> bool, most: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut end = whole.len();
    while let Some(last) = whole[..end].iter().rposition(|&item| !is_space(item)) {
        if parts.len() == most {
            parts.push((0, last + 1));
            break;
        }
        let start = whole[..last].iter().rposition(|&item| is_space(item)).map_or(0, |space| space + 1);
        parts.push((start, last + 1));
        end = start;
    }
    parts.reverse();
    parts
}

/// The lines, each with the end of its text and the end of its line break.
pub fn lines<T: Copy>(
    whole: &[T],
    is_break: impl Fn(T) -> bool,
    is_return_newline: impl Fn(T, T) -> bool,
) -> Vec<(usize, usize, usize)> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < whole.len() {
        let end = whole[start..]
            .iter()
            .position(|&item| is_break(item))
            .map_or(whole.len(), |length| start + length);
        let next = match (whole.get(end), whole.get(end + 1)) {
            (Some(&first), Some(&second)) if is_return_newline(first, second) => end + 2,
            (Some(_), _) => end + 1,
            (None, _) => end,
        };
        lines.push((start, end, next));
        start = next;
    }
    lines
}

/// The whole with each of at most `most` places of `old` replaced.
pub fn replace<T: Unit>(whole: &[T], old: &[T], new: &[T], most: usize) -> Vec<T> {
    if old.is_empty() {
        let mut out = Vec::with_capacity(whole.len() + (whole.len() + 1).min(most) * new.len());
        for (index, &item) in whole.iter().enumerate() {
            if index < most {
                out.extend_from_slice(new);
            }
            out.push(item);
        }
        if whole.len() < most {
            out.extend_from_slice(new);
        }
        return out;
    }
    let mut out = Vec::with_capacity(whole.len());
    let mut start = 0;
    for place in Matches::new(whole, old).take(most) {
        out.extend_from_slice(&whole[start..place]);
        out.extend_from_slice(new);
        start = place + old.len();
    }
    out.extend_from_slice(&whole[start..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn wide_search_agrees_with_narrow() {
        let texts = ["", "a", "aab", "abaab", "aabaabaabab", "xyzxyzzy", "bbbbabbbbabbbba"];
        let parts = ["", "a", "b", "ab", "ba", "aab", "abab", "zzy", "bba", "abba", "bbbba"];
        for text in texts {
            for part in parts {
                let (w, p) = (wide(text), wide(part));
                assert_eq!(find(&w, &p), text.find(part), "{text} {part}");
                assert_eq!(rfind(&w, &p), text.rfind(part), "{text} {part}");
                assert_eq!(find(text.as_bytes(), part.as_bytes()), text.find(part));
                if !part.is_empty() {
                    assert_eq!(count(&w, &p, usize::MAX), text.matches(part).count());
                }
            }
        }
    }
}
