//! Bytecode taken apart: instructions with their whole arguments, and which code units they begin at.

use crate::Opcode;

/// An instruction with what `EXTENDED_ARG` adds to its argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded {
    /// Where it begins: at its first `EXTENDED_ARG`, if it has any.
    pub unit: u32,
    /// Where its opcode stands.
    pub opcode_unit: u32,
    /// Behind its inline cache.
    pub next: u32,
    /// The argument.
    pub oparg: u32,
    /// The unspecialised instruction; nothing where the number is no opcode that code may hold.
    pub opcode: Option<Opcode>,
    /// Whether the code ends before its inline cache does.
    pub is_cut: bool,
}

/// How far a jump goes, in code units from behind the instruction.
pub(super) type Distance = i64;

/// All instructions of a piece of code.
pub(super) struct Instructions {
    list: Vec<Decoded>,
    /// By code unit, the instruction that begins there, or `NONE`.
    starts: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Instructions {
    pub fn decode(code: &[u8]) -> Self {
        let units: Vec<[u8; 2]> = code.chunks_exact(2).map(|unit| [unit[0], unit[1]]).collect();
        let mut list = Vec::with_capacity(units.len() / 2);
        let mut starts = vec![NONE; units.len()];
        let mut at = 0;
        while at < units.len() {
            let first = at;
            let mut oparg = u32::from(units[at][1]);
            while units[at][0] == Opcode::ExtendedArg as u8 && at + 1 < units.len() {
                at += 1;
                oparg = oparg << 8 | u32::from(units[at][1]);
            }
            let opcode = Opcode::try_from(units[at][0]).ok().map(Opcode::base);
            let next = at + 1 + opcode.map_or(0, Opcode::cache_entries);
            starts[first] = list.len() as u32;
            list.push(Decoded {
                unit: first as u32,
                opcode_unit: at as u32,
                next: next as u32,
                oparg,
                opcode: opcode.filter(|&opcode| is_executable(opcode)),
                is_cut: next > units.len(),
            });
            at = next;
        }
        Instructions { list, starts }
    }

    /// The instructions in their order.
    pub fn list(&self) -> &[Decoded] {
        &self.list
    }

    /// How many code units there are.
    pub fn units(&self) -> usize {
        self.starts.len()
    }

    /// The instruction that begins at a code unit.
    pub fn at_unit(&self, unit: usize) -> Option<usize> {
        self.starts.get(unit).filter(|&&index| index != NONE).map(|&index| index as usize)
    }

    /// Where a jump goes.
    pub fn target(&self, from: Decoded, distance: Distance) -> Option<usize> {
        usize::try_from(i64::from(from.next) + distance).ok().and_then(|unit| self.at_unit(unit))
    }

    /// Where a loop that ends goes on: behind the `END_FOR` it names, which is stepped over.
    pub fn behind_loop(&self, target: usize) -> Option<usize> {
        let end = self.list.get(target)?;
        (end.opcode == Some(Opcode::EndFor) && end.unit == end.opcode_unit)
            .then(|| self.at_unit(end.next as usize))
            .flatten()
    }

    /// Which instructions are jumped to.
    pub fn targets(&self) -> Vec<bool> {
        let mut targets = vec![false; self.list.len()];
        for &instruction in &self.list {
            let Some(distance) = jump_distance(instruction) else { continue };
            let Some(target) = self.target(instruction, distance) else { continue };
            targets[target] = true;
            if let Some(behind) = self.behind_loop(target) {
                targets[behind] = true;
            }
        }
        targets
    }
}

/// Whether the evaluator does something else with it than raise `SystemError`.
fn is_executable(opcode: Opcode) -> bool {
    !opcode.is_instrumented()
        && !matches!(
            opcode,
            Opcode::Cache
                | Opcode::Reserved
                | Opcode::EnterExecutor
                | Opcode::InterpreterExit
                | Opcode::ExtendedArg
        )
}

/// How far an instruction jumps, if it is one that does.
pub(super) fn jump_distance(instruction: Decoded) -> Option<Distance> {
    let oparg = Distance::from(instruction.oparg);
    match instruction.opcode? {
        Opcode::JumpForward
        | Opcode::PopJumpIfFalse
        | Opcode::PopJumpIfTrue
        | Opcode::PopJumpIfNone
        | Opcode::PopJumpIfNotNone
        | Opcode::ForIter
        | Opcode::Send => Some(oparg),
        Opcode::JumpBackward | Opcode::JumpBackwardNoInterrupt => Some(-oparg),
        _ => None,
    }
}
