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

/// The flags of every instruction by its number.
const FLAGS: [Flags; 512] = {
    let mut flags = [Flags::NONE; 512];
    let mut index = 0;
    while index < Opcode::ALL.len() {
        let opcode = Opcode::ALL[index];
        flags[opcode as usize] = opcode.flags();
        index += 1;
    }
    index = 0;
    while index < PseudoOpcode::ALL.len() {
        let opcode = PseudoOpcode::ALL[index];
        flags[opcode as usize] = opcode.flags();
        index += 1;
    }
    flags
};

impl Op {
    /// The real instruction of this number.
    pub fn real(self) -> Option<Opcode> {
        u8::try_from(self.0).ok().and_then(|number| Opcode::try_from(number).ok())
    }

    fn pseudo(self) -> Option<PseudoOpcode> {
        PseudoOpcode::ALL.get(usize::from(self.0).checked_sub(256)?).copied()
    }

    const fn has(self, flag: Flags) -> bool {
        FLAGS[self.0 as usize].contains(flag)
    }

    /// Whether its argument is an index into the constants.
    pub const fn has_const(self) -> bool {
        self.has(Flags::CONST)
    }

    /// Whether it jumps.
    pub const fn has_jump(self) -> bool {
        self.has(Flags::JUMP)
    }

    /// Whether it looks at the evaluation breaker.
    pub const fn has_eval_break(self) -> bool {
        self.has(Flags::EVAL_BREAK)
    }

    /// Whether it starts a protected region.
    pub const fn is_block_push(self) -> bool {
        matches!(self, Self::SETUP_FINALLY | Self::SETUP_WITH | Self::SETUP_CLEANUP)
    }

    /// Whether it names another instruction: to jump there, or as a handler.
    pub const fn has_target(self) -> bool {
        self.has_jump() || self.is_block_push()
    }

    /// Whether nothing is executed after it in its frame, handlers aside.
    pub const fn is_scope_exit(self) -> bool {
        matches!(self, Self::RETURN_VALUE | Self::RAISE_VARARGS | Self::RERAISE)
    }

    /// Whether it must be a block's last instruction.
    pub const fn is_terminator(self) -> bool {
        self.has_jump() || self.is_scope_exit()
    }

    /// Whether it always jumps.
    pub const fn is_unconditional_jump(self) -> bool {
        matches!(
            self,
            Self::JUMP
                | Self::JUMP_NO_INTERRUPT
                | Self::JUMP_FORWARD
                | Self::JUMP_BACKWARD
                | Self::JUMP_BACKWARD_NO_INTERRUPT
        )
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
        self.real().map_or(0, Opcode::cache_entries)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.real().map(Opcode::name).or_else(|| self.pseudo().map(PseudoOpcode::name));
        f.write_str(name.unwrap_or("?"))
    }
}
