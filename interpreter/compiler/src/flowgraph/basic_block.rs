//! Peephole optimisation inside each block, and jumps to jumps.

use rspy_code::operation::UnaryIntrinsic;

use super::folding::Folder;
use super::{BlockId, Graph, Instruction, swaps};
use crate::constants::{ConstantId, Constants};
use crate::op::Op;

/// Optimises every block.
pub fn optimize(graph: &mut Graph, constants: &mut Vec<ConstantId>, pool: &mut Constants) {
    let mut folder = Folder { constants, pool };
    let mut order = graph.order();
    while let Some(block) = order.next(graph) {
        let mut index = 0;
        while index < graph[block].instructions.len() {
            index = match optimize_jump(graph, block, index) {
                Some(Again::Same) => index,
                Some(Again::Next) => index + 1,
                None => {
                    optimize_at(&mut graph[block].instructions, index, &mut folder);
                    index + 1
                }
            };
        }
        optimize_swaps(&mut graph[block].instructions);
    }
}

fn optimize_swaps(instructions: &mut [Instruction]) {
    let mut index = 0;
    while index < instructions.len() {
        if instructions[index].op == Op::SWAP {
            index = swaps::shorten_run(instructions, index);
            swaps::apply_statically(instructions, index);
        }
        index += 1;
    }
}

/// Where to go on after a jump was looked at.
enum Again {
    /// At the same instruction, which changed.
    Same,
    /// At the next instruction.
    Next,
}

/// Makes a jump to a jump go to the latter's target.
fn optimize_jump(graph: &mut Graph, block: BlockId, index: usize) -> Option<Again> {
    let jump = graph[block].instructions[index];
    let target_block = jump.target?;
    let target = *graph[target_block].instructions.first()?;
    let through = match (jump.op, target.op) {
        (
            Op::POP_JUMP_IF_NOT_NONE | Op::POP_JUMP_IF_NONE | Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE,
            Op::JUMP,
        ) => jump.op,
        (Op::JUMP_IF_FALSE, Op::JUMP | Op::JUMP_IF_FALSE)
        | (Op::JUMP_IF_TRUE, Op::JUMP | Op::JUMP_IF_TRUE) => jump.op,
        (Op::JUMP_IF_FALSE, Op::JUMP_IF_TRUE) | (Op::JUMP_IF_TRUE, Op::JUMP_IF_FALSE) => {
            // The other test fails for sure.
            let next = graph[target_block].next;
            graph[block].instructions[index].target = next;
            return Some(Again::Same);
        }
        (Op::JUMP | Op::JUMP_NO_INTERRUPT, Op::JUMP) => Op::JUMP,
        (Op::JUMP | Op::JUMP_NO_INTERRUPT, Op::JUMP_NO_INTERRUPT) => jump.op,
        _ => return None,
    };
    if jump.target == target.target {
        return Some(Again::Next);
    }
    let source = &mut graph[block];
    source.instructions[index].clear();
    source.instructions[index].target = None;
    let mut threaded = Instruction::new(through, 0, target.location);
    threaded.target = target.target;
    source.append(threaded);
    Some(Again::Same)
}

fn optimize_at(instructions: &mut [Instruction], index: usize, folder: &mut Folder<'_>) {
    let Instruction { op, argument, .. } = instructions[index];
    let next = instructions.get(index + 1).copied();
    let next_op = next.map_or(Op::CACHE, |next| next.op);
    match op {
        Op::BUILD_TUPLE => {
            if let Some(next) =
                next.filter(|next| next.op == Op::UNPACK_SEQUENCE && next.argument == argument)
            {
                match next.argument {
                    1 => {
                        instructions[index].clear();
                        instructions[index + 1].clear();
                        return;
                    }
                    2 | 3 => {
                        instructions[index].clear();
                        instructions[index + 1].op = Op::SWAP;
                        return;
                    }
                    _ => {}
                }
            }
            folder.tuple(instructions, index);
        }
        Op::BUILD_LIST | Op::BUILD_SET => folder.list_or_set(instructions, index),
        Op::LIST_APPEND | Op::SET_ADD
            if argument == 1 && matches!(next_op, Op::GET_ITER | Op::CONTAINS_OP) =>
        {
            folder.appended_display(instructions, index);
        }
        // Of two stores to the same variable on the same line, the first is for nothing.
        Op::STORE_FAST
            if next.is_some_and(|next| {
                next.op == op && next.argument == argument && next.line() == instructions[index].line()
            }) =>
        {
            instructions[index].set(Op::POP_TOP, 0);
        }
        Op::SWAP if argument == 1 => instructions[index].clear(),
        Op::LOAD_GLOBAL if next_op == Op::PUSH_NULL && argument & 1 == 0 => {
            instructions[index].argument |= 1;
            instructions[index + 1].clear();
        }
        Op::COMPARE_OP if next_op == Op::TO_BOOL => {
            instructions[index].clear();
            instructions[index + 1].set(Op::COMPARE_OP, argument | 16);
        }
        Op::CONTAINS_OP | Op::IS_OP if next_op == Op::TO_BOOL => {
            instructions[index].clear();
            instructions[index + 1].set(op, argument);
        }
        Op::CONTAINS_OP | Op::IS_OP if next_op == Op::UNARY_NOT => {
            instructions[index].clear();
            instructions[index + 1].set(op, argument ^ 1);
        }
        Op::TO_BOOL if next_op == Op::TO_BOOL => instructions[index].clear(),
        Op::UNARY_NOT if next_op == Op::TO_BOOL => {
            instructions[index].clear();
            instructions[index + 1].set(Op::UNARY_NOT, 0);
        }
        Op::UNARY_NOT if next_op == Op::UNARY_NOT => {
            instructions[index].clear();
            instructions[index + 1].clear();
        }
        Op::UNARY_NOT | Op::UNARY_INVERT | Op::UNARY_NEGATIVE => folder.unary(instructions, index),
        Op::CALL_INTRINSIC_1 if argument == UnaryIntrinsic::ListToTuple as i32 => {
            folder.tuple_from_list(instructions, index);
            if next_op == Op::GET_ITER && instructions[index].op == op {
                instructions[index].clear();
            }
        }
        Op::CALL_INTRINSIC_1 if argument == UnaryIntrinsic::UnaryPositive as i32 => {
            folder.unary(instructions, index);
        }
        Op::BINARY_OP => folder.binary(instructions, index),
        _ => {}
    }
}
