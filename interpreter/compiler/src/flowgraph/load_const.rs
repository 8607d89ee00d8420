//! What follows a constant and is known for it: truth tests, conditional jumps, comparisons with `None`.

use rspy_code::Constant;

use super::folding::{constant_value, intern, small_integer};
use super::{Block, Graph};
use crate::constants::{ConstantId, Constants};
use crate::op::Op;

/// Replaces small integers by their own instruction and settles tests of constants.
pub fn optimize(graph: &mut Graph, constants: &mut Vec<ConstantId>, pool: &mut Constants) {
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        optimize_block(&mut graph[block], constants, pool);
    }
}

fn optimize_block(block: &mut Block, constants: &mut Vec<ConstantId>, pool: &mut Constants) {
    let instructions = &mut block.instructions;
    // The load whose value is on top: that of the instruction itself, or of what it copies.
    let (mut op, mut argument) = (Op::CACHE, 0);
    for index in 0..instructions.len() {
        let instruction = &mut instructions[index];
        if instruction.op == Op::LOAD_CONST
            && let Some(value) = small_integer(pool.value(constants[instruction.argument as usize]))
        {
            instruction.set(Op::LOAD_SMALL_INT, value);
        }
        let copies_constant = op == Op::LOAD_CONST && instruction.op == Op::COPY && instruction.argument == 1;
        if !copies_constant {
            (op, argument) = (instruction.op, instruction.argument);
        }
        if op != Op::LOAD_CONST && op != Op::LOAD_SMALL_INT {
            continue;
        }
        let Some(&next) = instructions.get(index + 1) else { continue };
        match next.op {
            Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE | Op::JUMP_IF_FALSE | Op::JUMP_IF_TRUE => {
                let is_true = constant_value(op, argument, constants, pool).is_true();
                if matches!(next.op, Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE) {
                    instructions[index].clear();
                }
                let jumps_if_true = matches!(next.op, Op::POP_JUMP_IF_TRUE | Op::JUMP_IF_TRUE);
                if is_true == jumps_if_true {
                    instructions[index + 1].op = Op::JUMP;
                } else {
                    instructions[index + 1].clear();
                }
            }
            Op::IS_OP => {
                if !matches!(constant_value(op, argument, constants, pool), Constant::None) {
                    continue;
                }
                let mut jump = index + 2;
                if instructions.get(jump).is_some_and(|next| next.op == Op::TO_BOOL) {
                    instructions[jump].clear();
                    jump += 1;
                }
                let is_inverted = next.argument != 0;
                let jumps_if_none = match instructions.get(jump).map(|jump| jump.op) {
                    Some(Op::POP_JUMP_IF_TRUE) => !is_inverted,
                    Some(Op::POP_JUMP_IF_FALSE) => is_inverted,
                    _ => continue,
                };
                instructions[index].clear();
                instructions[index + 1].clear();
                instructions[jump].op =
                    if jumps_if_none { Op::POP_JUMP_IF_NONE } else { Op::POP_JUMP_IF_NOT_NONE };
            }
            Op::TO_BOOL => {
                let is_true = constant_value(op, argument, constants, pool).is_true();
                let place = intern(Constant::Bool(is_true), constants, pool);
                instructions[index].clear();
                instructions[index + 1].set(Op::LOAD_CONST, place);
            }
            _ => {}
        }
    }
}
