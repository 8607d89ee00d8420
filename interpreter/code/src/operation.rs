//! What the arguments of instructions mean: operators, comparisons, intrinsics and the other small enumerations.

/// Makes an enumeration whose variants are the numbers 0, 1, 2… of an instruction's argument.
macro_rules! arguments {
    ($(
        $(#[$documentation:meta])*
        $name:ident { $($(#[$variant_documentation:meta])* $variant:ident = $text:literal,)* }
    )*) => {
        $(
            $(#[$documentation])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[repr(u8)]
            pub enum $name {
                $($(#[$variant_documentation])* $variant,)*
            }

            impl $name {
                /// Every one of them, in the order of their numbers.
                pub const ALL: &[Self] = &[$(Self::$variant),*];

                /// How it is written.
                pub const fn name(self) -> &'static str {
                    match self {
                        $(Self::$variant => $text,)*
                    }
                }

                /// The one with this number.
                pub fn from_number(number: u32) -> Option<Self> {
                    Self::ALL.get(number as usize).copied()
                }
            }
        )*
    };
}

arguments! {
    /// The argument of `BINARY_OP`.
    Binary {
        /// `+`
        Add = "+",
        /// `&`
        And = "&",
        /// `//`
        FloorDivide = "//",
        /// `<<`
        LeftShift = "<<",
        /// `@`
        MatrixMultiply = "@",
        /// `*`
        Multiply = "*",
        /// `%`
        Remainder = "%",
        /// `|`
        Or = "|",
        /// `**`
        Power = "**",
        /// `>>`
        RightShift = ">>",
        /// `-`
        Subtract = "-",
        /// `/`
        TrueDivide = "/",
        /// `^`
        Xor = "^",
        /// `+=`
        InplaceAdd = "+=",
        /// `&=`
        InplaceAnd = "&=",
        /// `//=`
        InplaceFloorDivide = "//=",
        /// `<<=`
        InplaceLeftShift = "<<=",
        /// `@=`
        InplaceMatrixMultiply = "@=",
        /// `*=`
        InplaceMultiply = "*=",
        /// `%=`
        InplaceRemainder = "%=",
        /// `|=`
        InplaceOr = "|=",
        /// `**=`
        InplacePower = "**=",
        /// `>>=`
        InplaceRightShift = ">>=",
        /// `-=`
        InplaceSubtract = "-=",
        /// `/=`
        InplaceTrueDivide = "/=",
        /// `^=`
        InplaceXor = "^=",
        /// `container[key]`
        Subscript = "[]",
    }

    /// The comparison in the argument of `COMPARE_OP`; see [`Comparison::argument`].
    Comparison {
        /// `<`
        Less = "<",
        /// `<=`
        LessEqual = "<=",
        /// `==`
        Equal = "==",
        /// `!=`
        NotEqual = "!=",
        /// `>`
        Greater = ">",
        /// `>=`
        GreaterEqual = ">=",
    }

    /// The argument of `CALL_INTRINSIC_1`.
    UnaryIntrinsic {
        /// No intrinsic.
        Invalid = "INTRINSIC_1_INVALID",
        /// `sys.displayhook`, at the prompt.
        Print = "INTRINSIC_PRINT",
        /// `from module import *`.
        ImportStar = "INTRINSIC_IMPORT_STAR",
        /// Turns a `StopIteration` that leaves a generator into a `RuntimeError` (PEP 479).
        StopIterationError = "INTRINSIC_STOPITERATION_ERROR",
        /// Wraps what an asynchronous generator yields.
        AsyncGeneratorWrap = "INTRINSIC_ASYNC_GEN_WRAP",
        /// `+value`.
        UnaryPositive = "INTRINSIC_UNARY_POSITIVE",
        /// Makes a tuple of a list.
        ListToTuple = "INTRINSIC_LIST_TO_TUPLE",
        /// Makes a `TypeVar`.
        TypeVar = "INTRINSIC_TYPEVAR",
        /// Makes a `ParamSpec`.
        ParamSpec = "INTRINSIC_PARAMSPEC",
        /// Makes a `TypeVarTuple`.
        TypeVarTuple = "INTRINSIC_TYPEVARTUPLE",
        /// Makes `Generic[…]`.
        SubscriptGeneric = "INTRINSIC_SUBSCRIPT_GENERIC",
        /// Makes a `TypeAliasType`.
        TypeAlias = "INTRINSIC_TYPEALIAS",
    }

    /// The argument of `CALL_INTRINSIC_2`.
    BinaryIntrinsic {
        /// No intrinsic.
        Invalid = "INTRINSIC_2_INVALID",
        /// Puts together what `except*` has to raise again.
        PrepareReraiseStar = "INTRINSIC_PREP_RERAISE_STAR",
        /// Makes a `TypeVar` with a bound.
        TypeVarWithBound = "INTRINSIC_TYPEVAR_WITH_BOUND",
        /// Makes a `TypeVar` with constraints.
        TypeVarWithConstraints = "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS",
        /// Sets `__type_params__` of a function.
        SetFunctionTypeParameters = "INTRINSIC_SET_FUNCTION_TYPE_PARAMS",
        /// Sets the default of a type parameter (PEP 696).
        SetTypeParameterDefault = "INTRINSIC_SET_TYPEPARAM_DEFAULT",
    }

    /// The argument of `LOAD_COMMON_CONSTANT`.
    CommonConstant {
        /// `AssertionError`
        AssertionError = "AssertionError",
        /// `NotImplementedError`
        NotImplementedError = "NotImplementedError",
        /// `tuple`
        Tuple = "tuple",
        /// `all`
        All = "all",
        /// `any`
        Any = "any",
    }

    /// The argument of `LOAD_SPECIAL`.
    SpecialMethod {
        /// `__enter__`
        Enter = "__enter__",
        /// `__exit__`
        Exit = "__exit__",
        /// `__aenter__`
        AsyncEnter = "__aenter__",
        /// `__aexit__`
        AsyncExit = "__aexit__",
    }

    /// Where in a frame a `RESUME` stands: the lowest two bits of its argument.
    Resume {
        /// At the start of a function.
        FunctionStart = "start",
        /// After `yield`.
        AfterYield = "yield",
        /// After `yield from`.
        AfterYieldFrom = "yield from",
        /// After `await`.
        AfterAwait = "await",
    }
}

impl Binary {
    /// The augmented form of a binary operator, which writes `a += b` for `a + b`.
    pub fn inplace(self) -> Option<Self> {
        let number = self as u32;
        (number <= Self::Xor as u32).then(|| Self::from_number(number + Self::InplaceAdd as u32)).flatten()
    }

    /// The plain form of an augmented operator; other operators are their own.
    pub fn plain(self) -> Self {
        let number = self as u32;
        if (Self::InplaceAdd as u32..=Self::InplaceXor as u32).contains(&number) {
            Self::ALL[(number - Self::InplaceAdd as u32) as usize]
        } else {
            self
        }
    }
}

impl Comparison {
    /// Set in the argument of `COMPARE_OP` if the result is wanted as a truth value.
    pub const TO_BOOL: u32 = 16;

    /// The argument of `COMPARE_OP`: the comparison's number above five bits, and below it, for the specialised
    /// forms, the outcomes for which it is true.
    pub const fn argument(self) -> u32 {
        (self as u32) << 5 | self.outcomes()
    }

    /// The comparison named by an argument of `COMPARE_OP`.
    pub fn from_argument(argument: u32) -> Option<Self> {
        Self::from_number(argument >> 5)
    }

    /// The set of outcomes for which it is true: 1 unordered, 2 less, 4 greater, 8 equal.
    pub const fn outcomes(self) -> u32 {
        match self {
            Self::Less => 2,
            Self::LessEqual => 2 | 8,
            Self::Equal => 8,
            Self::NotEqual => 1 | 2 | 4,
            Self::Greater => 4,
            Self::GreaterEqual => 4 | 8,
        }
    }
}

impl Resume {
    /// The bits of a `RESUME` argument that are a [`Resume`].
    pub const MASK: u32 = 3;
    /// Set in a `RESUME` argument if no `try` surrounds the `yield`.
    pub const DEPTH_ONE: u32 = 4;
}

/// The argument of `CONVERT_VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Conversion {
    /// `!s`
    Str = 1,
    /// `!r`
    Repr = 2,
    /// `!a`
    Ascii = 3,
}

impl Conversion {
    /// The conversion with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Str, Self::Repr, Self::Ascii].into_iter().find(|&conversion| conversion as u32 == number)
    }
}

/// The argument of `SET_FUNCTION_ATTRIBUTE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FunctionAttribute {
    /// `__defaults__`
    Defaults = 0x01,
    /// `__kwdefaults__`
    KeywordDefaults = 0x02,
    /// `__annotations__`
    Annotations = 0x04,
    /// `__closure__`
    Closure = 0x08,
    /// `__annotate__`
    Annotate = 0x10,
}

impl FunctionAttribute {
    /// The attribute with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Defaults, Self::KeywordDefaults, Self::Annotations, Self::Closure, Self::Annotate]
            .into_iter()
            .find(|&attribute| attribute as u32 == number)
    }
}
