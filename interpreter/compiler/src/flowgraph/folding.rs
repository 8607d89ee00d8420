//! Constant folding: expressions, tuples, lists and sets of constants become constants.

use rspy_code::Constant;
use rspy_code::operation::{Binary, UnaryIntrinsic};

use super::{Graph, Instruction};
use crate::arithmetic;
use crate::constants::{ConstantId, Constants};
use crate::op::Op;

/// How many items may be on the stack before displays are built piece by piece.
pub const STACK_USE_GUIDELINE: usize = 30;

/// Displays of fewer constants are built item by item.
const MINIMUM_SEQUENCE: usize = 3;

/// The list of a code object's constants with the pool they come from.
pub struct Folder<'a> {
    /// The code object's constants.
    pub constants: &'a mut Vec<ConstantId>,
    /// Every constant.
    pub pool: &'a mut Constants,
}

/// The argument of an instruction of its own for small integers.
pub fn small_integer(value: &Constant) -> Option<i32> {
    match value {
        Constant::Int(value @ 0..256) => Some(*value as i32),
        _ => None,
    }
}

/// The value that an instruction loads.
pub fn constant_value(op: Op, argument: i32, constants: &[ConstantId], pool: &Constants) -> Constant {
    if op == Op::LOAD_SMALL_INT {
        Constant::Int(i64::from(argument))
    } else {
        pool.value(constants[argument as usize]).clone()
    }
}

/// The place of a constant in the code object's list, which is extended if need be.
pub fn intern(value: Constant, constants: &mut Vec<ConstantId>, pool: &mut Constants) -> i32 {
    let id = pool.intern(value);
    let place = constants.iter().position(|&known| known == id).unwrap_or_else(|| {
        constants.push(id);
        constants.len() - 1
    });
    place as i32
}

fn loads_constant(op: Op) -> bool {
    op.has_const() || op == Op::LOAD_SMALL_INT
}

/// The indices of the `count` instructions before `end` that load constants, with nothing but `NOP`s between.
fn constant_loads(instructions: &[Instruction], end: usize, count: usize) -> Option<Vec<usize>> {
    let does_something = |&index: &usize| instructions[index].op != Op::NOP;
    let last = (0..end).rev().filter(does_something).take(count);
    // Most of what is looked at is not constant.
    let all = last.clone().all(|index| loads_constant(instructions[index].op));
    if !all {
        return None;
    }
    let mut loads: Vec<usize> = last.collect();
    loads.reverse();
    (loads.len() == count).then_some(loads)
}

fn erase(instructions: &mut [Instruction], indices: &[usize]) {
    for &index in indices {
        instructions[index].erase();
    }
}

/// Where the building of a list or set of constants starts that ends before `end`, and the loads of its items.
fn appended_constants(instructions: &[Instruction], end: usize) -> Option<(usize, Vec<usize>)> {
    let mut loads = Vec::new();
    let mut expects_append = true;
    for position in (0..end).rev() {
        let Instruction { op, argument, .. } = instructions[position];
        match op {
            Op::NOP => continue,
            Op::BUILD_LIST | Op::BUILD_SET if argument == 0 && expects_append => {
                loads.reverse();
                return Some((position, loads));
            }
            Op::LIST_APPEND | Op::SET_ADD if argument == 1 && expects_append => {}
            _ if loads_constant(op) && !expects_append => loads.push(position),
            _ => return None,
        }
        expects_append = !expects_append;
    }
    None
}

/// Erases the instructions from `start` to `end` that do something.
fn erase_from(instructions: &mut [Instruction], start: usize, end: usize) {
    for instruction in &mut instructions[start..end] {
        if instruction.op != Op::NOP {
            instruction.erase();
        }
    }
}

impl Folder<'_> {
    fn value(&self, instruction: &Instruction) -> Constant {
        constant_value(instruction.op, instruction.argument, self.constants, self.pool)
    }

    fn values(&self, instructions: &[Instruction], indices: &[usize]) -> Vec<Constant> {
        indices.iter().map(|&index| self.value(&instructions[index])).collect()
    }

    fn intern(&mut self, value: Constant) -> i32 {
        intern(value, self.constants, self.pool)
    }

    fn make_load(&mut self, instruction: &mut Instruction, value: Constant) {
        match small_integer(&value) {
            Some(small) => instruction.set(Op::LOAD_SMALL_INT, small),
            None => instruction.set(Op::LOAD_CONST, self.intern(value)),
        }
    }

    /// `BUILD_TUPLE` of constants.
    pub fn tuple(&mut self, instructions: &mut [Instruction], index: usize) {
        let count = instructions[index].argument as usize;
        if count > STACK_USE_GUIDELINE {
            return;
        }
        let Some(loads) = constant_loads(instructions, index, count) else { return };
        let tuple = Constant::tuple(self.values(instructions, &loads));
        erase(instructions, &loads);
        self.make_load(&mut instructions[index], tuple);
    }

    /// A tuple that was made by appending constants to a list one by one.
    pub fn tuple_from_list(&mut self, instructions: &mut [Instruction], index: usize) {
        let Some((start, loads)) = appended_constants(instructions, index) else { return };
        let tuple = Constant::tuple(self.values(instructions, &loads));
        erase_from(instructions, start, index);
        self.make_load(&mut instructions[index], tuple);
    }

    /// A list or set of constants that is built by appending, the last at `index`, and then only iterated or searched.
    pub fn appended_display(&mut self, instructions: &mut [Instruction], index: usize) {
        let Some((start, loads)) = appended_constants(instructions, index + 1) else { return };
        let items = self.values(instructions, &loads);
        let display = if instructions[index].op == Op::SET_ADD {
            match arithmetic::frozen_set(items) {
                Some(set) => set,
                None => return,
            }
        } else {
            Constant::tuple(items)
        };
        erase_from(instructions, start, index + 1);
        let place = self.intern(display);
        instructions[index].set(Op::LOAD_CONST, place);
    }

    /// A list or set display: constant if it is only iterated or searched, else built from a constant.
    pub fn list_or_set(&mut self, instructions: &mut [Instruction], index: usize) {
        let next = instructions.get(index + 1).map(|next| next.op);
        let is_only_read = matches!(next, Some(Op::GET_ITER | Op::CONTAINS_OP));
        let Instruction { op, argument, location, .. } = instructions[index];
        let count = argument as usize;
        if count > STACK_USE_GUIDELINE || count < MINIMUM_SEQUENCE && !is_only_read {
            return;
        }
        let Some(loads) = constant_loads(instructions, index, count) else {
            if is_only_read && op == Op::BUILD_LIST {
                instructions[index].op = Op::BUILD_TUPLE;
            }
            return;
        };
        let items = self.values(instructions, &loads);
        let display = if op == Op::BUILD_SET {
            match arithmetic::frozen_set(items) {
                Some(set) => set,
                None => return,
            }
        } else {
            Constant::tuple(items)
        };
        let place = self.intern(display);
        erase(instructions, &loads);
        if is_only_read {
            instructions[index].set(Op::LOAD_CONST, place);
        } else {
            instructions[index - 2].location = location;
            instructions[index - 2].set(op, 0);
            instructions[index - 1].set(Op::LOAD_CONST, place);
            let extend = if op == Op::BUILD_LIST { Op::LIST_EXTEND } else { Op::SET_UPDATE };
            instructions[index].set(extend, 1);
        }
    }

    /// `BINARY_OP` of constants.
    pub fn binary(&mut self, instructions: &mut [Instruction], index: usize) {
        let Some(operation) = Binary::from_number(instructions[index].argument as u32) else { return };
        let Some(loads) = constant_loads(instructions, index, 2) else { return };
        let [left, right] = [loads[0], loads[1]].map(|load| self.value(&instructions[load]));
        let Some(result) = arithmetic::binary(operation, &left, &right) else { return };
        erase(instructions, &loads);
        self.make_load(&mut instructions[index], result);
    }

    /// A unary operation on a constant.
    pub fn unary(&mut self, instructions: &mut [Instruction], index: usize) {
        let Some(loads) = constant_loads(instructions, index, 1) else { return };
        let operand = self.value(&instructions[loads[0]]);
        let result = match instructions[index].op {
            Op::UNARY_NEGATIVE => arithmetic::negative(&operand),
            Op::UNARY_INVERT => arithmetic::invert(&operand),
            Op::UNARY_NOT => Some(Constant::Bool(!operand.is_true())),
            Op::CALL_INTRINSIC_1 => {
                debug_assert_eq!(instructions[index].argument, UnaryIntrinsic::UnaryPositive as i32);
                arithmetic::positive(&operand)
            }
            _ => None,
        };
        let Some(result) = result else { return };
        erase(instructions, &loads);
        self.make_load(&mut instructions[index], result);
    }
}

/// Removes the constants that no instruction loads. The first may be documentation and stays.
pub fn remove_unused_constants(graph: &mut Graph, constants: &mut Vec<ConstantId>) {
    if constants.is_empty() {
        return;
    }
    let mut is_used = vec![false; constants.len()];
    is_used[0] = true;
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        for instruction in &graph[block].instructions {
            if instruction.op.has_const() {
                is_used[instruction.argument as usize] = true;
            }
        }
    }
    if is_used.iter().all(|&used| used) {
        return;
    }
    let mut places = Vec::with_capacity(constants.len());
    let mut count = 0;
    for &used in &is_used {
        places.push(count);
        count += i32::from(used);
    }
    let mut used = is_used.into_iter();
    constants.retain(|_| used.next().unwrap_or(true));
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        for instruction in &mut graph[block].instructions {
            if instruction.op.has_const() {
                instruction.argument = places[instruction.argument as usize];
            }
        }
    }
}
