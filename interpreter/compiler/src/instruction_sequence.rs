//! [`InstructionSequence`]: what code generation writes, instructions in a row with labels.

use rspy_code::Location;

use crate::op::Op;

/// A place in an instruction sequence, chosen before it is known where it will be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label(u32);

/// An instruction. The argument of one with a target is a label's number.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Its argument.
    pub argument: i32,
    /// Where it stands in the source.
    pub location: Location,
}

/// Instructions in a row.
#[derive(Debug, Default)]
pub struct InstructionSequence {
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// For each label the index of the instruction it stands before.
    labels: Vec<u32>,
    /// What replaces the placeholder for deferred annotations.
    pub annotations: Option<Box<InstructionSequence>>,
}

impl InstructionSequence {
    /// An empty sequence that keeps the memory of this one.
    pub fn emptied(mut self) -> Self {
        self.instructions.clear();
        self.labels.clear();
        Self { instructions: self.instructions, labels: self.labels, annotations: None }
    }

    /// A sequence of instructions whose targets are given by index.
    pub fn with_targets(instructions: Vec<Instruction>) -> Self {
        let labels = (0..=instructions.len() as u32).collect();
        Self { instructions, labels, annotations: None }
    }

    /// The instructions, with targets given by index.
    pub fn resolved(&self) -> Vec<Instruction> {
        let resolve = |instruction: &Instruction| {
            let has_target = instruction.op.has_target();
            let argument = if has_target { self.target(instruction) as i32 } else { instruction.argument };
            Instruction { argument, ..*instruction }
        };
        self.instructions.iter().map(resolve).collect()
    }

    /// A label that stands nowhere yet.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(u32::MAX);
        Label(self.labels.len() as u32 - 1)
    }

    /// Puts the label before the next instruction.
    pub fn use_label(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.instructions.len() as u32;
    }

    /// Appends an instruction.
    pub fn push(&mut self, op: Op, argument: i32, location: Location) {
        self.instructions.push(Instruction { op, argument, location });
    }

    /// Appends an instruction with a target.
    pub fn push_jump(&mut self, op: Op, label: Label, location: Location) {
        self.push(op, label.0 as i32, location);
    }

    /// Puts an instruction with a target before all others.
    pub fn insert_first(&mut self, op: Op, target: Label, location: Location) {
        self.instructions.insert(0, Instruction { op, argument: target.0 as i32, location });
        for place in &mut self.labels {
            *place = place.saturating_add(1);
        }
    }

    /// The index of the instruction that an instruction's target stands before.
    pub fn target(&self, instruction: &Instruction) -> usize {
        self.labels[instruction.argument as usize] as usize
    }
}
