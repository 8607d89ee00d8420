//! Tokens: what the lexer makes of source text, with CPython's own numbering.

/// Defines [`TokenKind`] with the names and numbers of CPython's `token` module, the operators' spelling, and
/// the keywords.
macro_rules! define_tokens {
    (
        kinds { $( $kind:ident = $number:literal $name:literal $( $spelling:literal )? ),* $(,)? }
        keywords { $( $keyword:ident = $keyword_number:literal $word:literal ),* $(,)? }
    ) => {
        /// What kind of token it is. The numbers up to `ErrorToken` are those of Python's `token` module; keywords,
        /// which that module calls `NAME`, have numbers of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum TokenKind {
            $( $kind = $number, )*
            $( $keyword = $keyword_number, )*
        }

        impl TokenKind {
            /// The name in Python's `token` module.
            pub fn name(self) -> &'static str {
                match self {
                    $( Self::$kind => $name, )*
                    $( Self::$keyword => "NAME", )*
                }
            }

            /// How the operator or keyword is written, if it is always written the same.
            pub fn spelling(self) -> Option<&'static str> {
                match self {
                    $( $( Self::$kind => Some($spelling), )? )*
                    $( Self::$keyword => Some($word), )*
                    _ => None,
                }
            }

            /// The kind of token always written like this.
            pub(crate) fn from_spelling(spelling: &str) -> Option<Self> {
                match spelling {
                    $( $( $spelling => Some(Self::$kind), )? )*
                    $( $word => Some(Self::$keyword), )*
                    _ => None,
                }
            }

            /// The kind of token with this name in Python's `token` module.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $name => Some(Self::$kind), )*
                    _ => None,
                }
            }
        }

        const KEYWORDS: &[(&str, TokenKind)] = &[$( ($word, TokenKind::$keyword) ),*];
    };
}

define_tokens! {
    kinds {
        EndMarker = 0 "ENDMARKER",
        Name = 1 "NAME",
        Number = 2 "NUMBER",
        String = 3 "STRING",
        Newline = 4 "NEWLINE",
        Indent = 5 "INDENT",
        Dedent = 6 "DEDENT",
        LeftParen = 7 "LPAR" "(",
        RightParen = 8 "RPAR" ")",
        LeftBracket = 9 "LSQB" "[",
        RightBracket = 10 "RSQB" "]",
        Colon = 11 "COLON" ":",
        Comma = 12 "COMMA" ",",
        Semicolon = 13 "SEMI" ";",
        Plus = 14 "PLUS" "+",
        Minus = 15 "MINUS" "-",
        Star = 16 "STAR" "*",
        Slash = 17 "SLASH" "/",
        Bar = 18 "VBAR" "|",
        Ampersand = 19 "AMPER" "&",
        Less = 20 "LESS" "<",
        Greater = 21 "GREATER" ">",
        Equal = 22 "EQUAL" "=",
        Dot = 23 "DOT" ".",
        Percent = 24 "PERCENT" "%",
        LeftBrace = 25 "LBRACE" "{",
        RightBrace = 26 "RBRACE" "}",
        EqualEqual = 27 "EQEQUAL" "==",
        NotEqual = 28 "NOTEQUAL" "!=",
        LessEqual = 29 "LESSEQUAL" "<=",
        GreaterEqual = 30 "GREATEREQUAL" ">=",
        Tilde = 31 "TILDE" "~",
        Circumflex = 32 "CIRCUMFLEX" "^",
        LeftShift = 33 "LEFTSHIFT" "<<",
        RightShift = 34 "RIGHTSHIFT" ">>",
        DoubleStar = 35 "DOUBLESTAR" "**",
        PlusEqual = 36 "PLUSEQUAL" "+=",
        MinusEqual = 37 "MINEQUAL" "-=",
        StarEqual = 38 "STAREQUAL" "*=",
        SlashEqual = 39 "SLASHEQUAL" "/=",
        PercentEqual = 40 "PERCENTEQUAL" "%=",
        AmpersandEqual = 41 "AMPEREQUAL" "&=",
        BarEqual = 42 "VBAREQUAL" "|=",
        CircumflexEqual = 43 "CIRCUMFLEXEQUAL" "^=",
        LeftShiftEqual = 44 "LEFTSHIFTEQUAL" "<<=",
        RightShiftEqual = 45 "RIGHTSHIFTEQUAL" ">>=",
        DoubleStarEqual = 46 "DOUBLESTAREQUAL" "**=",
        DoubleSlash = 47 "DOUBLESLASH" "//",
        DoubleSlashEqual = 48 "DOUBLESLASHEQUAL" "//=",
        At = 49 "AT" "@",
        AtEqual = 50 "ATEQUAL" "@=",
        Arrow = 51 "RARROW" "->",
        Ellipsis = 52 "ELLIPSIS" "...",
        ColonEqual = 53 "COLONEQUAL" ":=",
        Exclamation = 54 "EXCLAMATION" "!",
        Operator = 55 "OP",
        TypeIgnore = 56 "TYPE_IGNORE",
        TypeComment = 57 "TYPE_COMMENT",
        SoftKeyword = 58 "SOFT_KEYWORD",
        FStringStart = 59 "FSTRING_START",
        FStringMiddle = 60 "FSTRING_MIDDLE",
        FStringEnd = 61 "FSTRING_END",
        TStringStart = 62 "TSTRING_START",
        TStringMiddle = 63 "TSTRING_MIDDLE",
        TStringEnd = 64 "TSTRING_END",
        Comment = 65 "COMMENT",
        NonLogicalNewline = 66 "NL",
        ErrorToken = 67 "ERRORTOKEN",
    }
    keywords {
        False = 100 "False", None = 101 "None", True = 102 "True", And = 103 "and", As = 104 "as",
        Assert = 105 "assert", Async = 106 "async", Await = 107 "await", Break = 108 "break", Class = 109 "class",
        Continue = 110 "continue", Def = 111 "def", Del = 112 "del", Elif = 113 "elif", Else = 114 "else",
        Except = 115 "except", Finally = 116 "finally", For = 117 "for", From = 118 "from", Global = 119 "global",
        If = 120 "if", Import = 121 "import", In = 122 "in", Is = 123 "is", Lambda = 124 "lambda",
        Nonlocal = 125 "nonlocal", Not = 126 "not", Or = 127 "or", Pass = 128 "pass", Raise = 129 "raise",
        Return = 130 "return", Try = 131 "try", While = 132 "while", With = 133 "with", Yield = 134 "yield",
    }
}

impl TokenKind {
    /// The keyword spelled `word`.
    #[inline]
    pub(crate) fn keyword(word: &[u8]) -> Option<Self> {
        if word.len() < 2 || word.len() > 8 {
            return None;
        }
        let entry = KEYWORD_TABLE[keyword_hash(word)];
        let &(spelling, kind) = KEYWORDS.get(usize::from(entry))?;
        (spelling.as_bytes() == word).then_some(kind)
    }

    /// Whether a token of this kind may span lines, so that its line is that of its first character.
    pub fn is_string_part(self) -> bool {
        use TokenKind::{
            FStringEnd, FStringMiddle, FStringStart, String, TStringEnd, TStringMiddle, TStringStart,
        };
        matches!(
            self,
            String | FStringStart | FStringMiddle | FStringEnd | TStringStart | TStringMiddle | TStringEnd
        )
    }
}

/// A token and where it stands. Columns are UTF-8 bytes from the start of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// How many brackets are open after it.
    pub level: u8,
    /// Byte offset of its text.
    pub start: u32,
    /// Byte offset just after its text.
    pub end: u32,
    /// Line of its first character.
    pub line: u32,
    /// Column of its first character, or [`Token::NO_COLUMN`].
    pub column: u32,
    /// Line of its end.
    pub end_line: u32,
    /// Column of its end, or [`Token::NO_COLUMN`].
    pub end_column: u32,
}

impl Token {
    /// The column of tokens that stand for no text: `INDENT`, `DEDENT`, `ENDMARKER`.
    pub const NO_COLUMN: u32 = u32::MAX;
}

/// A hash under which no two keywords meet; [`KEYWORD_TABLE`] checks that when compiled.
const fn keyword_hash(word: &[u8]) -> usize {
    let (first, second, last) = (word[0] as usize, word[1] as usize, word[word.len() - 1] as usize);
    (first + second + last + word.len() * 15) & (KEYWORD_TABLE_SIZE - 1)
}

const KEYWORD_TABLE_SIZE: usize = 1 << 7;

/// Index into [`KEYWORDS`] by hash.
static KEYWORD_TABLE: [u8; KEYWORD_TABLE_SIZE] = {
    let mut table = [u8::MAX; KEYWORD_TABLE_SIZE];
    let mut index = 0;
    while index < KEYWORDS.len() {
        let hash = keyword_hash(KEYWORDS[index].0.as_bytes());
        assert!(table[hash] == u8::MAX, "two keywords with one hash");
        table[hash] = index as u8;
        index += 1;
    }
    table
};
