//! Checks that bytecode of unknown origin keeps the promises the evaluator relies on.
//!
//! Our own compiler keeps them by construction. A damaged `.pyc` file, hand-made marshal data or `code.replace()` need
//! not, and CPython runs such code until it crashes. [`verify`] follows every path through the instructions with an
//! abstract stack and abstract variables, in time proportional to the code's size, and refuses what
//!
//! * jumps out of the code or into the middle of an instruction,
//! * names constants, names, variables or cells that do not exist,
//! * takes from the stack what is not there, or puts more on it than `co_stacksize`,
//! * uses a variable or a word that may be unbound, or may not be what the instruction needs (a cell, a truth value,
//!   the list of a comprehension, a tuple of keyword names),
//! * comes with an exception table that is no table.
//!
//! Opcodes that do not exist are no reason to refuse: the evaluator raises where it meets one.
//!
//! [`instructions`] takes the code apart, [`state`] has the abstract values, [`step`] what each instruction does to them.

mod instructions;
mod state;
mod step;

use crate::exception_table::{self, Entry};
use crate::verify::instructions::{Decoded, Instructions};
use crate::verify::state::{Slot, State};
use crate::verify::step::{After, Machine};
use crate::{CodeObject, Constant};

/// The parts of a code object that are checked against each other.
pub struct Subject<'a> {
    /// The bytecode.
    pub code: &'a [u8],
    /// `co_flags`.
    pub flags: u32,
    /// `co_stacksize`.
    pub stack_size: u32,
    /// How many variables are bound when the code starts: the parameters.
    pub parameters: usize,
    /// What kind of variable each is, as bits of [`local_kind`](crate::code_object::local_kind).
    pub variable_kinds: &'a [u8],
    /// How many constants there are.
    pub constants: usize,
    /// How many names there are.
    pub names: usize,
    /// The exception table.
    pub exception_table: &'a [u8],
    /// The length of a constant, if it is a tuple of strings: what keyword arguments are named by.
    pub keyword_names: &'a dyn Fn(usize) -> Option<usize>,
}

/// How the code may load its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// As it is written.
    AsWritten,
    /// Only with references of their own: a borrowed load may outlive the variable's value.
    Owned,
}

/// Why code is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code unit where that shows.
    pub unit: u32,
    /// What is wrong.
    pub reason: &'static str,
}

/// Checks a code object.
///
/// # Errors
/// What is wrong with it, and where.
pub fn verify(subject: &Subject<'_>) -> Result<Loads, Refusal> {
    let instructions = Instructions::decode(subject.code);
    let entries = guarded(subject, &instructions)?;
    let mut verifier = Verifier::new(subject, &instructions, &entries);
    verifier.run()?;
    Ok(if verifier.machine.needs_owned_loads { Loads::Owned } else { Loads::AsWritten })
}

/// Checks plain code, but not the code nested in it.
///
/// # Errors
/// As for [`verify`].
pub fn verify_code(code: &CodeObject) -> Result<Loads, Refusal> {
    let keyword_names = |index: usize| match code.constants.get(index) {
        Some(Constant::Tuple(names)) => {
            names.iter().all(|name| matches!(name, Constant::Str(_))).then_some(names.len())
        }
        _ => None,
    };
    verify(&Subject {
        code: &code.code,
        flags: code.flags,
        stack_size: code.stack_size,
        parameters: code.total_arg_count(),
        variable_kinds: &code.locals_plus_kinds,
        constants: code.constants.len(),
        names: code.names.len(),
        exception_table: &code.exception_table,
        keyword_names: &keyword_names,
    })
}

/// Checks plain code that our compiler made, and the code nested in it.
///
/// # Errors
/// As for [`verify`].
pub fn verify_all(code: &CodeObject) -> Result<(), Refusal> {
    if verify_code(code)? == Loads::Owned {
        return Err(Refusal { unit: 0, reason: "borrowed load that outlives its variable" });
    }
    code.constants.iter().try_for_each(|constant| match constant {
        Constant::Code(code) => verify_all(code),
        _ => Ok(()),
    })
}

/// The exception table as the evaluator's search finds its entries: sorted, apart, and each marked where it begins.
fn guarded(subject: &Subject<'_>, instructions: &Instructions) -> Result<Vec<Entry>, Refusal> {
    let wrong = Refusal { unit: 0, reason: "malformed exception table" };
    // The search begins at any mark, so marks must stand where entries begin, and nowhere else.
    if !exception_table::is_marked(subject.exception_table) {
        return Err(wrong);
    }
    let entries: Vec<Entry> = exception_table::Decoder::new(subject.exception_table).collect();
    let mut end = 0;
    for &entry in &entries {
        if entry.start < end || entry.end <= entry.start || entry.end as usize > instructions.units() {
            return Err(wrong);
        }
        if instructions.at_unit(entry.handler as usize).is_none() {
            return Err(Refusal { unit: entry.handler, reason: "exception handler inside an instruction" });
        }
        end = entry.end;
    }
    Ok(entries)
}

/// Follows all paths until nothing new is learnt.
struct Verifier<'a> {
    machine: Machine<'a>,
    instructions: &'a Instructions,
    entries: &'a [Entry],
    /// What is known where paths meet, by instruction.
    known: Vec<Option<Box<State>>>,
    /// Instructions from which to go on, and whether an instruction is among them.
    waiting: Vec<usize>,
    is_waiting: Vec<bool>,
    /// How many words may still be looked at.
    budget: usize,
}

impl<'a> Verifier<'a> {
    fn new(subject: &'a Subject<'a>, instructions: &'a Instructions, entries: &'a [Entry]) -> Self {
        let count = instructions.list().len();
        let size = instructions.units() + subject.variable_kinds.len() + subject.exception_table.len();
        Verifier {
            machine: Machine::new(subject),
            instructions,
            entries,
            known: vec![None; count],
            waiting: Vec::new(),
            is_waiting: vec![false; count],
            budget: size.saturating_mul(8_000).saturating_add(1_000_000),
        }
    }

    fn run(&mut self) -> Result<(), Refusal> {
        if self.instructions.list().is_empty() {
            return Ok(());
        }
        let mut targets = self.instructions.targets();
        for entry in self.entries {
            if let Some(handler) = self.instructions.at_unit(entry.handler as usize) {
                targets[handler] = true;
            }
        }
        let start = State::at_start(self.machine.subject);
        self.reach(0, start)?;
        while let Some(at) = self.waiting.pop() {
            self.is_waiting[at] = false;
            if let Some(state) = &self.known[at] {
                let state = (**state).clone();
                self.follow(at, state, &targets)?;
            }
        }
        Ok(())
    }

    /// Goes on from an instruction, up to one where paths meet.
    fn follow(&mut self, mut at: usize, mut state: State, targets: &[bool]) -> Result<(), Refusal> {
        self.spend(state.size())?;
        // What a handler was told last; telling it again changes nothing while variables keep their kinds.
        let mut told: Option<(u32, u32)> = None;
        loop {
            let Some(&instruction) = self.instructions.list().get(at) else { return Ok(()) };
            let refuse = |reason| Refusal { unit: instruction.unit, reason };
            self.tell_handlers(instruction, &state, &mut told)?;
            let depth = state.stack.len();
            let after = self.machine.step(instruction, &mut state).map_err(refuse)?;
            self.spend(1 + depth.abs_diff(state.stack.len()))?;
            if state.stack.len() > self.machine.subject.stack_size as usize {
                return Err(refuse("stack overflow"));
            }
            let jump = match after {
                After::Ends => return Ok(()),
                After::GoesOn => None,
                After::Jumps(distance) | After::MayJump(distance) => Some(
                    self.instructions
                        .target(instruction, distance)
                        .ok_or_else(|| refuse("jump target out of the code or inside an instruction"))?,
                ),
            };
            if let Some(target) = jump {
                let target = match instruction.opcode {
                    Some(crate::Opcode::ForIter) => {
                        self.instructions.behind_loop(target).ok_or_else(|| refuse("loop without END_FOR"))?
                    }
                    _ => target,
                };
                if let After::Jumps(_) = after {
                    return self.reach(target, state);
                }
                let mut jumping = state.clone();
                self.spend(state.size())?;
                self.machine.not_fallen_through(instruction, &mut jumping);
                self.reach(target, jumping)?;
            }
            at += 1;
            if targets.get(at).copied().unwrap_or(false) {
                return self.reach(at, state);
            }
        }
    }

    /// Notes a state in which an instruction is reached.
    fn reach(&mut self, at: usize, state: State) -> Result<(), Refusal> {
        let Some(&instruction) = self.instructions.list().get(at) else { return Ok(()) };
        self.spend(state.size())?;
        let changed = match &mut self.known[at] {
            Some(known) => known
                .join(&state, &mut self.machine.needs_owned_loads)
                .map_err(|reason| Refusal { unit: instruction.unit, reason })?,
            empty => {
                *empty = Some(Box::new(state));
                true
            }
        };
        if changed && !self.is_waiting[at] {
            self.is_waiting[at] = true;
            self.waiting.push(at);
        }
        Ok(())
    }

    /// Tells the handlers that guard an instruction what they may find.
    fn tell_handlers(
        &mut self,
        instruction: Decoded,
        state: &State,
        told: &mut Option<(u32, u32)>,
    ) -> Result<(), Refusal> {
        // Where the argument takes several units, whoever watches may raise at the first.
        for unit in instruction.unit..=instruction.opcode_unit {
            let Some(entry) = self.entry_of(unit) else { continue };
            let lowest = self.machine.lowest_depth(instruction, state.stack.len());
            let now = Some((entry.start, state.changes));
            if lowest >= entry.depth as usize && *told == now {
                continue;
            }
            if state.stack.len() < entry.depth as usize || lowest < entry.depth as usize {
                return Err(Refusal { unit, reason: "exception handler expects more than is on the stack" });
            }
            *told = now;
            let mut handled = state.clone();
            self.spend(state.size())?;
            handled.stack.truncate(entry.depth as usize);
            if entry.push_last_instruction {
                handled.stack.push(Slot::VALUE);
            }
            handled.stack.push(Slot::VALUE);
            if handled.stack.len() > self.machine.subject.stack_size as usize {
                return Err(Refusal { unit: entry.handler, reason: "stack overflow" });
            }
            if let Some(handler) = self.instructions.at_unit(entry.handler as usize) {
                self.reach(handler, handled)?;
            }
        }
        Ok(())
    }

    fn entry_of(&self, unit: u32) -> Option<Entry> {
        let index = self.entries.partition_point(|entry| entry.end <= unit);
        self.entries.get(index).copied().filter(|entry| entry.start <= unit)
    }

    fn spend(&mut self, words: usize) -> Result<(), Refusal> {
        match self.budget.checked_sub(words) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Refusal { unit: 0, reason: "too many paths" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opcode::{self, *};
    use crate::code_object::local_kind::LOCAL;

    fn code(instructions: &[(Opcode, u8)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &(opcode, oparg) in instructions {
            bytes.extend([opcode as u8, oparg]);
            bytes.extend(std::iter::repeat_n(0, opcode.cache_entries() * 2));
        }
        bytes
    }

    fn check(instructions: &[(Opcode, u8)]) -> Result<Loads, &'static str> {
        let subject = Subject {
            code: &code(instructions),
            flags: 0,
            stack_size: 4,
            parameters: 1,
            variable_kinds: &[LOCAL, LOCAL],
            constants: 1,
            names: 1,
            exception_table: &[],
            keyword_names: &|_| None,
        };
        verify(&subject).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn sound_code_passes() {
        let add = [(Resume, 0), (LoadFastBorrow, 0), (LoadConst, 0), (BinaryOp, 0), (ReturnValue, 0)];
        assert_eq!(check(&add), Ok(Loads::AsWritten));
        assert_eq!(check(&[]), Ok(Loads::AsWritten));
    }

    #[test]
    fn unsound_code_is_refused() {
        assert_eq!(check(&[(ReturnValue, 0)]), Err("stack underflow"));
        assert_eq!(check(&[(LoadConst, 1)]), Err("constant out of range"));
        assert_eq!(check(&[(LoadFast, 1), (ReturnValue, 0)]), Err("variable may be unbound"));
        assert_eq!(check(&[(LoadFast, 7)]), Err("variable out of range"));
        assert_eq!(check(&[(LoadDeref, 0)]), Err("variable may be no cell"));
        assert_eq!(check(&[(PushNull, 0), (ReturnValue, 0)]), Err("word may be empty"));
        assert_eq!(check(&[(LoadConst, 0); 5]), Err("stack overflow"));
        let far = "jump target out of the code or inside an instruction";
        assert_eq!(check(&[(JumpForward, 9)]), Err(far));
        assert_eq!(check(&[(JumpForward, 1), (LoadGlobal, 0)]), Err(far));
        assert_eq!(check(&[(LoadConst, 0)]), Ok(Loads::AsWritten));
        let two = [(LoadConst, 0), (JumpBackward, 3)];
        assert_eq!(check(&two), Err("stack depth differs between paths"));
    }

    #[test]
    fn loads_that_outlive_their_variable_are_owned() {
        let code = [(LoadFastBorrow, 0), (LoadConst, 0), (StoreFast, 0), (ReturnValue, 0)];
        assert_eq!(check(&code), Ok(Loads::Owned));
    }
}
