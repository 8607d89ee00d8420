//! `SWAP`s: a run of them becomes the shortest one with the same effect, and some are undone by swapping instructions.

use super::Instruction;
use crate::op::Op;

/// Replaces a run of `SWAP`s and `NOP`s that starts at `start` by the shortest one that does the same. Returns the index
/// of the run's last instruction.
pub fn shorten_run(instructions: &mut [Instruction], start: usize) -> usize {
    let run = &mut instructions[start..];
    let length = run.iter().take_while(|next| matches!(next.op, Op::SWAP | Op::NOP)).count();
    let run = &mut run[..length];
    let swaps = || run.iter().filter(|instruction| instruction.op == Op::SWAP);
    if swaps().count() < 2 {
        return start;
    }
    let depth = swaps().map(|swap| swap.argument as usize).max().unwrap_or(0);
    // What the run does to a stack, its top first.
    let mut stack: Vec<Option<usize>> = (0..depth).map(Some).collect();
    for swap in run.iter().filter(|instruction| instruction.op == Op::SWAP) {
        stack.swap(0, swap.argument as usize - 1);
    }
    // Every cycle of that permutation is made by swapping along it through the top. The run is filled from its end.
    let mut free = length;
    for item in 0..depth {
        if stack[item].is_none_or(|source| source == item) {
            continue;
        }
        let mut position = item;
        loop {
            if position != 0 {
                free -= 1;
                run[free].op = Op::SWAP;
                run[free].argument = position as i32 + 1;
            }
            match stack[position].take() {
                Some(source) => position = source,
                None => break,
            }
        }
    }
    for unused in &mut run[..free] {
        unused.clear();
    }
    start + length - 1
}

fn is_swappable(op: Op) -> bool {
    matches!(op, Op::STORE_FAST | Op::STORE_FAST_MAYBE_NULL | Op::POP_TOP)
}

fn stored_local(instruction: &Instruction) -> Option<i32> {
    matches!(instruction.op, Op::STORE_FAST | Op::STORE_FAST_MAYBE_NULL).then_some(instruction.argument)
}

/// The next instruction that may trade places with another; on `line`, if one is given.
fn next_swappable(instructions: &[Instruction], index: usize, line: Option<i32>) -> Option<usize> {
    for (offset, instruction) in instructions[index + 1..].iter().enumerate() {
        // Trading places across lines could be seen while tracing.
        if line.is_some_and(|line| line >= 0 && instruction.line() != line) {
            return None;
        }
        if instruction.op == Op::NOP {
            continue;
        }
        return is_swappable(instruction.op).then_some(index + 1 + offset);
    }
    None
}

/// Applies the `SWAP` at `index`, and those before it, to the instructions that take what it swaps.
pub fn apply_statically(instructions: &mut [Instruction], index: usize) {
    for position in (0..=index).rev() {
        let swap = instructions[position];
        if swap.op != Op::SWAP {
            if swap.op == Op::NOP || is_swappable(swap.op) {
                continue;
            }
            return;
        }
        let Some(first) = next_swappable(instructions, position, None) else { return };
        let line = instructions[first].line();
        let mut second = first;
        for _ in 1..swap.argument {
            match next_swappable(instructions, second, Some(line)) {
                Some(next) => second = next,
                None => return,
            }
        }
        let stored = [stored_local(&instructions[first]), stored_local(&instructions[second])];
        if stored != [None, None] {
            if stored[0] == stored[1] {
                return;
            }
            let between = &instructions[first + 1..second];
            if between
                .iter()
                .any(|other| stored_local(other).is_some_and(|local| stored.contains(&Some(local))))
            {
                return;
            }
        }
        instructions[position].clear();
        instructions.swap(first, second);
    }
}
