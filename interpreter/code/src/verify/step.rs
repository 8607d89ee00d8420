//! What each instruction needs, and what it does to the abstract frame.

use crate::Opcode;
use crate::code_object::{flags, local_kind};
use crate::opcode::Flags;
use crate::operation::CommonConstant;
use crate::verify::Subject;
use crate::verify::instructions::{Decoded, Distance, jump_distance};
use crate::verify::state::{BOOL, CELL, COMPARED, EMPTY, LIST, OBJECT, Origin, Slot, State, can_be_cell};

/// Where it goes after an instruction.
#[derive(Clone, Copy)]
pub(super) enum After {
    /// To the next one.
    GoesOn,
    /// Elsewhere.
    Jumps(Distance),
    /// To the next one or elsewhere.
    MayJump(Distance),
    /// Nowhere in this code.
    Ends,
}

type Step<T = ()> = Result<T, &'static str>;

/// Executes instructions on abstract frames.
pub(super) struct Machine<'a> {
    pub subject: &'a Subject<'a>,
    /// A borrowed word was found that may outlive what it is borrowed from.
    pub needs_owned_loads: bool,
    free_variables: usize,
}

impl<'a> Machine<'a> {
    pub fn new(subject: &'a Subject<'a>) -> Self {
        let kinds = subject.variable_kinds.iter();
        let free_variables = kinds.filter(|&&kind| kind & local_kind::FREE != 0).count();
        Machine { subject, needs_owned_loads: false, free_variables }
    }

    /// Does an instruction.
    pub fn step(&mut self, instruction: Decoded, state: &mut State) -> Step<After> {
        let Some(opcode) = instruction.opcode else { return Ok(After::Ends) };
        let oparg = instruction.oparg;
        if instruction.is_cut {
            return Err("inline cache cut short");
        }
        if oparg > i32::MAX as u32 / 4 {
            return Err("argument out of range");
        }
        self.check_name(opcode, oparg)?;
        match opcode {
            Opcode::JumpForward | Opcode::JumpBackward | Opcode::JumpBackwardNoInterrupt => {
                return Ok(After::Jumps(jump_distance(instruction).unwrap_or(0)));
            }
            Opcode::PopJumpIfFalse
            | Opcode::PopJumpIfTrue
            | Opcode::PopJumpIfNone
            | Opcode::PopJumpIfNotNone
            | Opcode::ForIter
            | Opcode::Send => {
                branch(opcode, state)?;
                return Ok(After::MayJump(jump_distance(instruction).unwrap_or(0)));
            }
            Opcode::ReturnValue => {
                take_value(state)?;
                return Ok(After::Ends);
            }
            Opcode::RaiseVarargs => {
                if oparg > 2 {
                    return Err("argument out of range");
                }
                take_values(state, oparg as usize)?;
                return Ok(After::Ends);
            }
            Opcode::Reraise => {
                take_value(state)?;
                if oparg > 0 {
                    look_value(state, oparg as usize)?;
                }
                return Ok(After::Ends);
            }
            _ => {}
        }
        if !self.variable(opcode, oparg as usize, state)?
            && !stack_word(opcode, oparg as usize, state)?
            && !self.call(opcode, oparg as usize, state)?
            && !self.other(opcode, oparg, state)?
        {
            let popped = opcode.popped(oparg as i32) as usize;
            let pushed = opcode.pushed(oparg as i32) as usize;
            take_values(state, popped)?;
            self.push_values(state, pushed)?;
        }
        Ok(After::GoesOn)
    }

    /// Undoes what a branching instruction does only where it does not jump.
    pub fn not_fallen_through(&self, instruction: Decoded, state: &mut State) {
        if instruction.opcode == Some(Opcode::ForIter) {
            state.stack.pop();
        }
    }

    /// How deep the stack still is when the instruction raises.
    pub fn lowest_depth(&self, instruction: Decoded, depth: usize) -> usize {
        let Some(opcode) = instruction.opcode else { return depth };
        let raises = opcode.flags().contains(Flags::ERROR) || opcode.flags().contains(Flags::JUMP);
        if !raises || instruction.oparg > i32::MAX as u32 / 4 {
            return depth;
        }
        let taken = match opcode {
            Opcode::ForIter
            | Opcode::WithExceptStart
            | Opcode::GetLen
            | Opcode::MatchKeys
            | Opcode::ImportFrom
            | Opcode::GetAnext => 0,
            Opcode::CheckExcMatch
            | Opcode::Send
            | Opcode::ListAppend
            | Opcode::ListExtend
            | Opcode::SetAdd
            | Opcode::SetUpdate
            | Opcode::DictMerge
            | Opcode::DictUpdate
            | Opcode::Reraise => 1,
            Opcode::MapAdd => 2,
            _ => opcode.popped(instruction.oparg as i32) as usize,
        };
        depth.saturating_sub(taken)
    }

    fn check_name(&self, opcode: Opcode, oparg: u32) -> Step {
        let index = match opcode {
            Opcode::LoadAttr | Opcode::LoadGlobal => oparg >> 1,
            Opcode::LoadSuperAttr => oparg >> 2,
            _ if opcode.flags().contains(Flags::NAME) => oparg,
            _ => return Ok(()),
        };
        if index as usize >= self.subject.names { Err("name out of range") } else { Ok(()) }
    }

    /// Instructions on variables.
    fn variable(&mut self, opcode: Opcode, oparg: usize, state: &mut State) -> Step<bool> {
        let (first, second) = (oparg >> 4, oparg & 15);
        match opcode {
            Opcode::LoadFast => self.load(state, oparg, false)?,
            Opcode::LoadFastBorrow => self.load(state, oparg, true)?,
            Opcode::LoadFastLoadFast => {
                self.load(state, first, false)?;
                self.load(state, second, false)?;
            }
            Opcode::LoadFastBorrowLoadFastBorrow => {
                self.load(state, first, true)?;
                self.load(state, second, true)?;
            }
            Opcode::LoadFastCheck => {
                let may = self.look_variable(state, oparg)? & !EMPTY;
                state.set_variable(oparg, if may == 0 { OBJECT } else { may });
                self.load(state, oparg, false)?;
            }
            Opcode::LoadFastAndClear => {
                let may = self.look_variable(state, oparg)?;
                self.overwrite(state, oparg, EMPTY)?;
                state.stack.push(Slot::of(may));
            }
            Opcode::StoreFast => self.store(state, oparg)?,
            Opcode::StoreFastLoadFast => {
                self.store(state, first)?;
                self.load(state, second, false)?;
            }
            Opcode::StoreFastStoreFast => {
                self.store(state, first)?;
                self.store(state, second)?;
            }
            Opcode::DeleteFast => self.overwrite(state, oparg, EMPTY)?,
            Opcode::MakeCell => {
                if !self.subject.variable_kinds.get(oparg).is_some_and(|&kind| can_be_cell(kind)) {
                    return Err("variable is no cell variable");
                }
                self.overwrite(state, oparg, CELL)?;
            }
            Opcode::CopyFreeVars => {
                let kinds = self.subject.variable_kinds;
                let first = kinds.len().checked_sub(oparg).ok_or("variable out of range")?;
                let all_free = kinds[first..].iter().all(|kind| kind & local_kind::FREE != 0);
                if !all_free || oparg != self.free_variables {
                    return Err("wrong number of free variables");
                }
                for index in first..kinds.len() {
                    self.overwrite(state, index, CELL)?;
                }
            }
            Opcode::LoadDeref => {
                self.need_cell(state, oparg)?;
                state.stack.push(Slot::VALUE);
            }
            Opcode::StoreDeref => {
                self.need_cell(state, oparg)?;
                take_value(state)?;
            }
            Opcode::DeleteDeref => self.need_cell(state, oparg)?,
            Opcode::LoadFromDictOrDeref => {
                self.need_cell(state, oparg)?;
                take_value(state)?;
                state.stack.push(Slot::VALUE);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Calls, whose place for `self` may be empty.
    fn call(&mut self, opcode: Opcode, oparg: usize, state: &mut State) -> Step<bool> {
        match opcode {
            Opcode::Call => take_values(state, oparg)?,
            Opcode::CallKw => {
                let names = take_value(state)?;
                let Origin::Constant(index) = names.origin else {
                    return Err("keyword names are no constant");
                };
                match (self.subject.keyword_names)(index as usize) {
                    Some(count) if count <= oparg => {}
                    _ => return Err("keyword names do not fit the call"),
                }
                take_values(state, oparg)?;
            }
            Opcode::CallFunctionEx => {
                take(state)?;
                take_value(state)?;
            }
            _ => return Ok(false),
        }
        take(state)?;
        take_value(state)?;
        state.stack.push(Slot::VALUE);
        Ok(true)
    }

    /// Instructions that need or leave something particular.
    fn other(&mut self, opcode: Opcode, oparg: u32, state: &mut State) -> Step<bool> {
        let count = oparg as usize;
        match opcode {
            Opcode::LoadConst => {
                if count >= self.subject.constants {
                    return Err("constant out of range");
                }
                state.stack.push(Slot { may: OBJECT, origin: Origin::Constant(oparg) });
            }
            Opcode::LoadCommonConstant if CommonConstant::from_number(oparg).is_none() => {
                return Err("argument out of range");
            }
            Opcode::LoadGlobal => {
                state.stack.push(Slot::VALUE);
                if oparg & 1 != 0 {
                    state.stack.push(Slot::EMPTY);
                }
            }
            Opcode::LoadAttr => {
                let owner = take_value(state)?;
                state.stack.push(Slot::VALUE);
                if oparg & 1 != 0 {
                    state.stack.push(Slot { may: EMPTY | OBJECT, ..owner });
                }
            }
            Opcode::LoadSuperAttr => {
                take_values(state, 3)?;
                state.stack.push(Slot::VALUE);
                if oparg & 1 != 0 {
                    state.stack.push(Slot::of(EMPTY | OBJECT));
                }
            }
            Opcode::LoadSpecial => {
                take_value(state)?;
                state.stack.extend([Slot::VALUE, Slot::of(EMPTY | OBJECT)]);
            }
            Opcode::BuildList => {
                take_values(state, count)?;
                state.stack.push(Slot::of(LIST));
            }
            Opcode::BuildSlice if !(2..=3).contains(&oparg) => return Err("argument out of range"),
            Opcode::ListAppend => {
                take_value(state)?;
                if look(state, count)?.may != LIST {
                    return Err("LIST_APPEND to what may be no list");
                }
            }
            Opcode::ListExtend | Opcode::SetAdd | Opcode::SetUpdate | Opcode::DictUpdate => {
                take_value(state)?;
                look_value(state, count)?;
            }
            Opcode::DictMerge => {
                take_value(state)?;
                look_value(state, count)?;
                look_value(state, count + 3)?;
            }
            Opcode::MapAdd => {
                take_values(state, 2)?;
                look_value(state, count)?;
            }
            Opcode::UnaryNot => {
                need_bool(take_value(state)?)?;
                state.stack.push(Slot::of(BOOL));
            }
            Opcode::ToBool => {
                take_value(state)?;
                state.stack.push(Slot::of(BOOL));
            }
            Opcode::CompareOp | Opcode::IsOp | Opcode::ContainsOp => {
                take_values(state, 2)?;
                let is_bool =
                    opcode != Opcode::CompareOp || oparg & crate::operation::Comparison::TO_BOOL != 0;
                state.stack.push(Slot::of(if is_bool { BOOL } else { COMPARED }));
            }
            Opcode::CheckExcMatch => {
                take_value(state)?;
                look_value(state, 1)?;
                state.stack.push(Slot::of(BOOL));
            }
            Opcode::MatchMapping | Opcode::MatchSequence => {
                look_value(state, 1)?;
                state.stack.push(Slot::of(BOOL));
            }
            Opcode::GetLen | Opcode::ImportFrom | Opcode::GetAnext => {
                look_value(state, 1)?;
                state.stack.push(Slot::VALUE);
            }
            Opcode::MatchKeys => {
                look_value(state, 1)?;
                look_value(state, 2)?;
                state.stack.push(Slot::VALUE);
            }
            Opcode::WithExceptStart => {
                look_value(state, 1)?;
                look_value(state, 5)?;
                state.stack.push(Slot::VALUE);
            }
            Opcode::FormatSimple | Opcode::GetYieldFromIter => {
                // These may leave the word as it is.
                let word = take_value(state)?;
                state.stack.push(Slot { may: OBJECT, ..word });
            }
            Opcode::ReturnGenerator => {
                let generator = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;
                if state.in_generator || self.subject.flags & generator == 0 || !state.stack.is_empty() {
                    return Err("RETURN_GENERATOR out of place");
                }
                state.in_generator = true;
                state.stack.push(Slot::VALUE);
            }
            Opcode::YieldValue => {
                if !state.in_generator {
                    return Err("YIELD_VALUE outside of a generator");
                }
                take_value(state)?;
                if oparg & 1 != 0 {
                    look_value(state, 1)?;
                }
                state.stack.push(Slot::VALUE);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn push_values(&self, state: &mut State, count: usize) -> Step {
        if state.stack.len() + count > self.subject.stack_size as usize {
            return Err("stack overflow");
        }
        state.stack.extend(std::iter::repeat_n(Slot::VALUE, count));
        Ok(())
    }

    fn look_variable(&self, state: &State, index: usize) -> Step<u8> {
        state.variables.get(index).copied().ok_or("variable out of range")
    }

    fn load(&mut self, state: &mut State, index: usize, borrows: bool) -> Step {
        let may = self.look_variable(state, index)?;
        if may & EMPTY != 0 {
            return Err("variable may be unbound");
        }
        let origin = if borrows { Origin::Borrowed(index as u32) } else { Origin::Other };
        state.stack.push(Slot { may, origin });
        Ok(())
    }

    fn store(&mut self, state: &mut State, index: usize) -> Step {
        let word = take(state)?;
        let may = word.may & (EMPTY | OBJECT | CELL);
        let is_object = word.may & (LIST | BOOL | COMPARED) != 0;
        self.overwrite(state, index, if is_object { may | OBJECT } else { may })
    }

    /// Gives a variable another value; words borrowed from the old one must not be left.
    fn overwrite(&mut self, state: &mut State, index: usize, may: u8) -> Step {
        self.look_variable(state, index)?;
        if !self.needs_owned_loads {
            let borrowed = Origin::Borrowed(index as u32);
            self.needs_owned_loads = state.stack.iter().any(|slot| slot.origin == borrowed);
        }
        state.set_variable(index, may);
        Ok(())
    }

    fn need_cell(&self, state: &State, index: usize) -> Step {
        if self.look_variable(state, index)? == CELL { Ok(()) } else { Err("variable may be no cell") }
    }
}

/// Instructions that only move words.
fn stack_word(opcode: Opcode, depth: usize, state: &mut State) -> Step<bool> {
    match opcode {
        Opcode::PopTop | Opcode::PopIter | Opcode::EndFor => {
            take(state)?;
        }
        Opcode::EndSend => {
            let value = take(state)?;
            take(state)?;
            state.stack.push(value);
        }
        Opcode::PushNull => state.stack.push(Slot::EMPTY),
        Opcode::Copy => {
            let word = look(state, depth)?;
            state.stack.push(word);
        }
        Opcode::Swap => {
            look(state, depth)?;
            let top = state.stack.len() - 1;
            state.stack.swap(top, top + 1 - depth);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// What a conditional jump takes and leaves.
fn branch(opcode: Opcode, state: &mut State) -> Step {
    match opcode {
        Opcode::PopJumpIfFalse | Opcode::PopJumpIfTrue => need_bool(take_value(state)?)?,
        Opcode::PopJumpIfNone | Opcode::PopJumpIfNotNone => {
            take_value(state)?;
        }
        Opcode::ForIter => {
            look_value(state, 1)?;
            state.stack.push(Slot::VALUE);
        }
        _ => {
            take_value(state)?;
            look_value(state, 1)?;
            state.stack.push(Slot::VALUE);
        }
    }
    Ok(())
}

fn need_bool(word: Slot) -> Step {
    if word.may & !(BOOL | COMPARED) == 0 { Ok(()) } else { Err("word may be no truth value") }
}

fn need_value(word: Slot) -> Step<Slot> {
    if word.may & EMPTY == 0 { Ok(word) } else { Err("word may be empty") }
}

fn take(state: &mut State) -> Step<Slot> {
    state.stack.pop().ok_or("stack underflow")
}

fn take_value(state: &mut State) -> Step<Slot> {
    need_value(take(state)?)
}

fn take_values(state: &mut State, count: usize) -> Step {
    let left = state.stack.len().checked_sub(count).ok_or("stack underflow")?;
    state.stack[left..].iter().try_for_each(|&word| need_value(word).map(drop))?;
    state.stack.truncate(left);
    Ok(())
}

/// The word at a depth: 1 is the top.
fn look(state: &State, depth: usize) -> Step<Slot> {
    if depth == 0 {
        return Err("argument out of range");
    }
    let index = state.stack.len().checked_sub(depth).ok_or("stack underflow")?;
    Ok(state.stack[index])
}

fn look_value(state: &State, depth: usize) -> Step<Slot> {
    need_value(look(state, depth)?)
}
