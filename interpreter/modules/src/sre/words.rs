//! The numbers in the code lists that `re._compiler` emits: operators, positions, categories and flags
//! (`re._constants`).

/// What `re._constants.MAGIC` must be for the numbers here to hold.
pub const MAGIC: i32 = 20230612;
/// A repetition without upper bound.
pub const MAXREPEAT: u32 = u32::MAX;
/// The most groups a pattern may have.
pub const MAXGROUPS: u32 = (1 << 30) - 1;

macro_rules! numbers {
    ($(#[$meta:meta])* mod $module:ident { $($name:ident = $number:literal),* $(,)? }) => {
        $(#[$meta])*
        #[allow(missing_docs, dead_code)]
        pub mod $module {
            $(pub const $name: u32 = $number;)*
        }
    };
}

numbers! {
    /// Operators.
    mod operator {
        FAILURE = 0, SUCCESS = 1, ANY = 2, ANY_ALL = 3, ASSERT = 4, ASSERT_NOT = 5, AT = 6, BRANCH = 7, CATEGORY = 8,
        CHARSET = 9, BIGCHARSET = 10, GROUPREF = 11, GROUPREF_EXISTS = 12, IN = 13, INFO = 14, JUMP = 15,
        LITERAL = 16, MARK = 17, MAX_UNTIL = 18, MIN_UNTIL = 19, NOT_LITERAL = 20, NEGATE = 21, RANGE = 22,
        REPEAT = 23, REPEAT_ONE = 24, SUBPATTERN = 25, MIN_REPEAT_ONE = 26, ATOMIC_GROUP = 27,
        POSSESSIVE_REPEAT = 28, POSSESSIVE_REPEAT_ONE = 29, GROUPREF_IGNORE = 30, IN_IGNORE = 31,
        LITERAL_IGNORE = 32, NOT_LITERAL_IGNORE = 33, GROUPREF_LOC_IGNORE = 34, IN_LOC_IGNORE = 35,
        LITERAL_LOC_IGNORE = 36, NOT_LITERAL_LOC_IGNORE = 37, GROUPREF_UNI_IGNORE = 38, IN_UNI_IGNORE = 39,
        LITERAL_UNI_IGNORE = 40, NOT_LITERAL_UNI_IGNORE = 41, RANGE_UNI_IGNORE = 42,
    }
}

numbers! {
    /// Positions.
    mod position {
        BEGINNING = 0, BEGINNING_LINE = 1, BEGINNING_STRING = 2, BOUNDARY = 3, NON_BOUNDARY = 4, END = 5,
        END_LINE = 6, END_STRING = 7, LOC_BOUNDARY = 8, LOC_NON_BOUNDARY = 9, UNI_BOUNDARY = 10,
        UNI_NON_BOUNDARY = 11,
    }
}

/// Flags of a pattern.
pub mod flag {
    /// Case does not matter.
    pub const IGNORECASE: i32 = 2;
    /// Letters are those of the locale.
    pub const LOCALE: i32 = 4;
    /// `^` and `$` match at lines.
    pub const MULTILINE: i32 = 8;
    /// `.` matches line breaks.
    pub const DOTALL: i32 = 16;
    /// Letters are those of Unicode.
    pub const UNICODE: i32 = 32;
    /// White space and comments in the pattern are skipped.
    pub const VERBOSE: i32 = 64;
    /// The compiler shows what it does.
    pub const DEBUG: i32 = 128;
    /// Letters are those of ASCII.
    pub const ASCII: i32 = 256;
}

/// Flags of the `INFO` operator.
pub mod info {
    /// The pattern begins with known characters.
    pub const PREFIX: u32 = 1;
    /// The pattern is nothing but its prefix.
    pub const LITERAL: u32 = 2;
    /// The pattern begins with a character of a set.
    pub const CHARSET: u32 = 4;
}
