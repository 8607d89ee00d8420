//! Properties and case of characters as Unicode 16.0 and CPython define them.

pub mod tables;

use tables::*;

/// The flags of a code point; see the constants of [`tables`].
#[inline]
pub fn properties(c: u32) -> u32 {
    let mask = (1 << FLAG_BITS) - 1;
    let after = PROPERTIES.partition_point(|&run| run >> FLAG_BITS <= c);
    PROPERTIES[after - 1] & mask
}

/// Whether a code point has one of some properties.
#[inline]
pub fn has(c: u32, flags: u32) -> bool {
    properties(c) & flags != 0
}

/// Whether a character is white space.
#[inline]
pub const fn is_space(c: u32) -> bool {
    matches!(
        c,
        0x9..=0xd | 0x1c..=0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// Whether a character ends a line.
#[inline]
pub const fn is_line_break(c: u32) -> bool {
    matches!(c, 0xa..=0xd | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029)
}

/// Whether a character is shown as it is in `repr`.
#[inline]
pub fn is_printable(c: u32) -> bool {
    if c < 0x7f { c >= 0x20 } else { has(c, PRINTABLE) }
}

/// A case of which every character has a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Title case.
    Title,
    /// Case folding, for comparisons without case.
    Folded,
}

impl Form {
    fn runs(self) -> &'static [(u32, u16, u8, i32)] {
        match self {
            Form::Lower => &LOWER_RUNS,
            Form::Upper => &UPPER_RUNS,
            Form::Title => &TITLE_RUNS,
            Form::Folded => &FOLD_RUNS,
        }
    }

    fn several(self) -> &'static [(u32, [u32; 3])] {
        match self {
            Form::Lower => &LOWER_SEVERAL,
            Form::Upper => &UPPER_SEVERAL,
            Form::Title => &TITLE_SEVERAL,
            Form::Folded => &FOLD_SEVERAL,
        }
    }

    /// Calls with each character of the form of `c`.
    #[inline]
    pub fn of(self, c: u32, mut push: impl FnMut(u32)) {
        if c < 0x80 {
            let c = c as u8;
            push(u32::from(match self {
                Form::Lower | Form::Folded => c.to_ascii_lowercase(),
                Form::Upper | Form::Title => c.to_ascii_uppercase(),
            }));
            return;
        }
        if let Ok(at) = self.several().binary_search_by_key(&c, |&(from, _)| from) {
            self.several()[at].1.into_iter().filter(|&c| c != 0).for_each(push);
            return;
        }
        push(self.single(c).unwrap_or(c));
    }

    /// The form where it is one other character.
    fn single(self, c: u32) -> Option<u32> {
        /// Runs with a stride can overlap this many others.
        const OVERLAP: usize = 6;
        let runs = self.runs();
        let after = runs.partition_point(|&(start, ..)| start <= c);
        runs[after.saturating_sub(OVERLAP)..after].iter().rev().find_map(
            |&(start, count, stride, distance)| {
                let offset = c - start;
                let inside =
                    offset.is_multiple_of(u32::from(stride)) && offset / u32::from(stride) < u32::from(count);
                inside.then(|| c.wrapping_add_signed(distance))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_found() {
        for form in [Form::Lower, Form::Upper, Form::Title, Form::Folded] {
            for &(start, count, stride, distance) in form.runs() {
                for number in 0..u32::from(count) {
                    let c = start + number * u32::from(stride);
                    assert_eq!(form.single(c), Some(c.wrapping_add_signed(distance)), "{form:?} {c:#x}");
                }
            }
        }
    }

    #[test]
    fn ascii_agrees_with_the_tables() {
        for c in 0..0x80u32 {
            let ascii = c as u8;
            assert_eq!(has(c, ALPHA), ascii.is_ascii_alphabetic());
            assert_eq!(has(c, PRINTABLE), is_printable(c));
            assert_eq!(has(c, LOWER), ascii.is_ascii_lowercase());
            assert_eq!(has(c, NUMERIC), ascii.is_ascii_digit());
        }
    }
}
