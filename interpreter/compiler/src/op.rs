//! [`Op`]: an opcode or a pseudo instruction, as the compiler handles them until the code is assembled.

use std::fmt;

use rspy_code::{Flags, Opcode, PseudoOpcode, for_each_instruction, for_each_pseudo_instruction};

/// The number of a real or a pseudo instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op(u16);

macro_rules! define_ops {
    ($(
        $(#[$documentation:meta])*
        $variant:ident = $number:literal, $name:ident, caches $caches:literal, pops $pops:expr, pushes $pushes:expr,
        flags $(Flags::$flag:ident)|+ $(, specialises $family:ident)?;
    )*) => {
        #[allow(dead_code)]
        impl Op {
            $($(#[$documentation])* pub const $name: Self = Self($number);)*
        }
    };
}

for_each_instruction!(define_ops);
for_each_pseudo_instruction!(define_ops);

/// What is asked about an instruction most often, as bits.
mod traits {
    pub const CONST: u8 = 1;
    pub const JUMP: u8 = 1 << 1;
    pub const EVAL_BREAK: u8 = 1 << 2;
    pub const BLOCK_PUSH: u8 = 1 << 3;
    pub const SCOPE_EXIT: u8 = 1 << 4;
    pub const UNCONDITIONAL_JUMP: u8 = 1 << 5;
}

const COUNT: usize = 512;

/// The [`traits`] of every instruction by its number.
static TRAITS: [u8; COUNT] = {
    let mut table = [0; COUNT];
    let mut index = 0;
    while index < Opcode::ALL.len() {
        let opcode = Opcode::ALL[index];
        table[opcode as usize] = traits_of(Op(opcode as u16), opcode.flags());
        index += 1;
    }
    index = 0;
    while index < PseudoOpcode::ALL.len() {
        let opcode = PseudoOpcode::ALL[index];
        table[opcode as usize] = traits_of(Op(opcode as u16), opcode.flags());
        index += 1;
    }
    table
};

const fn traits_of(op: Op, flags: Flags) -> u8 {
    let mut bits = match op {
        Op::SETUP_FINALLY | Op::SETUP_WITH | Op::SETUP_CLEANUP => traits::BLOCK_PUSH,
        Op::RETURN_VALUE | Op::RAISE_VARARGS | Op::RERAISE => traits::SCOPE_EXIT,
        Op::JUMP
        | Op::JUMP_NO_INTERRUPT
        | Op::JUMP_FORWARD
        | Op::JUMP_BACKWARD
        | Op::JUMP_BACKWARD_NO_INTERRUPT => traits::UNCONDITIONAL_JUMP,
        _ => 0,
    };
    if flags.contains(Flags::CONST) {
        bits |= traits::CONST;
    }
    if flags.contains(Flags::JUMP) {
        bits |= traits::JUMP;
    }
    if flags.contains(Flags::EVAL_BREAK) {
        bits |= traits::EVAL_BREAK;
    }
    bits
}

/// How many code units of inline cache follow each instruction.
static CACHE_ENTRIES: [u8; COUNT] = {
    let mut table = [0; COUNT];
    let mut index = 0;
    while index < Opcode::ALL.len() {
        let opcode = Opcode::ALL[index];
        table[opcode as usize] = opcode.cache_entries() as u8;
        index += 1;
    }
    table
};

impl Op {
    /// The real or pseudo instruction of a number.
    pub fn from_number(number: u16) -> Option<Self> {
        let op = Self(number);
        (op.real().is_some() || op.pseudo().is_some()).then_some(op)
    }

    /// Whether its argument is the number of a cell or free variable.
    pub fn names_cell(self) -> bool {
        matches!(
            self,
            Op::MAKE_CELL
                | Op::LOAD_CLOSURE
                | Op::LOAD_DEREF
                | Op::STORE_DEREF
                | Op::DELETE_DEREF
                | Op::LOAD_FROM_DICT_OR_DEREF
        )
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// The real instruction of this number.
    pub fn real(self) -> Option<Opcode> {
        u8::try_from(self.0).ok().and_then(|number| Opcode::try_from(number).ok())
    }

    fn pseudo(self) -> Option<PseudoOpcode> {
        PseudoOpcode::ALL.get(usize::from(self.0).checked_sub(256)?).copied()
    }

    fn is(self, bits: u8) -> bool {
        TRAITS[usize::from(self.0) % COUNT] & bits != 0
    }

    /// Whether it has an argument.
    pub fn has_argument(self) -> bool {
        match self.real() {
            Some(opcode) => opcode.has_argument(),
            None => self.pseudo().is_some_and(|opcode| opcode.flags().contains(Flags::ARG)),
        }
    }

    /// Whether its argument is an index into the constants.
    pub fn has_const(self) -> bool {
        self.is(traits::CONST)
    }

    /// Whether it jumps.
    pub fn has_jump(self) -> bool {
        self.is(traits::JUMP)
    }

    /// Whether it looks at the evaluation breaker.
    pub fn has_eval_break(self) -> bool {
        self.is(traits::EVAL_BREAK)
    }

    /// Whether it starts a protected region.
    pub fn is_block_push(self) -> bool {
        self.is(traits::BLOCK_PUSH)
    }

    /// Whether it names another instruction: to jump there, or as a handler.
    pub fn has_target(self) -> bool {
        self.is(traits::JUMP | traits::BLOCK_PUSH)
    }

    /// Whether nothing is executed after it in its frame, handlers aside.
    pub fn is_scope_exit(self) -> bool {
        self.is(traits::SCOPE_EXIT)
    }

    /// Whether it must be a block's last instruction.
    pub fn is_terminator(self) -> bool {
        self.is(traits::JUMP | traits::SCOPE_EXIT)
    }

    /// Whether it always jumps.
    pub fn is_unconditional_jump(self) -> bool {
        self.is(traits::UNCONDITIONAL_JUMP)
    }

    /// Whether the block that ends with it does not lead on to the following one.
    pub fn ends_flow(self) -> bool {
        self.is(traits::SCOPE_EXIT | traits::UNCONDITIONAL_JUMP)
    }

    /// The conditional jump that jumps when this one does not.
    pub const fn inverted_jump(self) -> Option<Self> {
        Some(match self {
            Self::POP_JUMP_IF_NOT_NONE => Self::POP_JUMP_IF_NONE,
            Self::POP_JUMP_IF_NONE => Self::POP_JUMP_IF_NOT_NONE,
            Self::POP_JUMP_IF_FALSE => Self::POP_JUMP_IF_TRUE,
            Self::POP_JUMP_IF_TRUE => Self::POP_JUMP_IF_FALSE,
            _ => return None,
        })
    }

    /// How many items it takes from the stack.
    pub fn popped(self, argument: i32) -> i32 {
        match self.real() {
            Some(opcode) => opcode.popped(argument),
            None => self.pseudo().map_or(0, |opcode| opcode.popped(argument)),
        }
    }

    /// How many items it leaves on the stack; for a `SETUP_…`, on that of its handler.
    pub fn pushed(self, argument: i32) -> i32 {
        match self.real() {
            Some(opcode) => opcode.pushed(argument),
            None => self.pseudo().map_or(0, |opcode| opcode.pushed(argument)),
        }
    }

    /// How many code units of inline cache follow it.
    pub fn cache_entries(self) -> usize {
        usize::from(CACHE_ENTRIES[usize::from(self.0) % COUNT])
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.real().map(Opcode::name).or_else(|| self.pseudo().map(PseudoOpcode::name));
        f.write_str(name.unwrap_or("?"))
    }
}
