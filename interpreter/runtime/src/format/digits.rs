//! Decimal digits of all scripts, and white space, as Unicode knows them.

/// The zeros of the scripts; the digits up to nine follow each.
const ZEROS: [u32; 76] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0,
    0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0,
    0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script.
pub fn decimal_value(c: u32) -> Option<u32> {
    if c < 0x80 {
        return (0x30..0x3a).contains(&c).then(|| c - 0x30);
    }
    let index = ZEROS.partition_point(|&zero| zero <= c).checked_sub(1)?;
    let value = c - ZEROS[index];
    (value < 10).then_some(value)
}

/// Whether a character is white space, as `str.isspace` says.
pub const fn is_space(c: u32) -> bool {
    matches!(
        c,
        0x9..=0xd | 0x1c..=0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// Whether white space around a number is left out: of ASCII only what C takes for it.
pub(super) const fn is_stripped(c: u32) -> bool {
    if c < 0x80 { matches!(c, 0x9..=0xd | 0x20) } else { is_space(c) }
}

/// The text of a number as ASCII: digits of all scripts become ASCII digits, white space becomes blanks and other
/// characters question marks, which no number has. White space at both ends is left out.
pub fn to_ascii(characters: impl DoubleEndedIterator<Item = u32> + Clone) -> String {
    let start = characters.clone().take_while(|&c| is_stripped(c)).count();
    let end = characters.clone().rev().take_while(|&c| is_stripped(c)).count();
    let length = characters.clone().count();
    if start == length {
        return String::new();
    }
    characters
        .skip(start)
        .take(length - start - end)
        .map(|c| match c {
            0..=0x7f => c as u8 as char,
            _ if is_space(c) => ' ',
            _ => decimal_value(c).map_or('?', |value| (b'0' + value as u8) as char),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts() {
        assert_eq!(decimal_value('7' as u32), Some(7));
        assert_eq!(decimal_value('٣' as u32), Some(3));
        assert_eq!(decimal_value('²' as u32), None);
        assert_eq!(decimal_value(0x1fbf9), Some(9));
        assert_eq!(to_ascii("\u{2003}١٢ é\n".chars().map(|c| c as u32)), "12 ?");
    }
}
