//! What can be known of a program before it runs: the characters that it can begin with, which repetitions never
//! need to give back, and which ways of a branch a character rules out.

use super::program::{Filter, Instruction, Label, Program, Unit};
use super::words::position;

/// The characters that a match can begin with.
pub struct FirstCharacters {
    latin: [bool; 256],
    /// Whether any character from 256 on can be one.
    beyond: bool,
    /// The bytes, where there are at most three of them.
    few: Vec<u8>,
}

impl FirstCharacters {
    /// Whether the character can be one.
    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        if c < 256 { self.latin[c as usize] } else { self.beyond }
    }

    /// The characters below 256, where there are at most three.
    pub fn few(&self) -> &[u8] {
        &self.few
    }

    /// Whether any character from 256 on can be one.
    pub fn beyond(&self) -> bool {
        self.beyond
    }

    /// Whether it tells nothing.
    fn is_everything(&self) -> bool {
        self.beyond && self.latin.iter().all(|&inside| inside)
    }
}

/// Fills in what the translation left open.
pub fn complete(program: &mut Program) {
    for index in 0..program.code.len() {
        match program.code[index] {
            Instruction::RepeatOne(repeat) => {
                let after = next_filter(program, index as Label + 1);
                program.repeats[repeat as usize].after = after;
                let unit = program.repeats[repeat as usize].unit;
                // What must follow is nothing that was repeated: giving back cannot help.
                if let Filter::Unit(after) = after
                    && are_disjoint(program, unit, after)
                {
                    program.code[index] = Instruction::PossessiveRepeatOne(repeat);
                }
            }
            Instruction::MinRepeatOne(repeat) => {
                program.repeats[repeat as usize].after = next_filter(program, index as Label + 1);
            }
            Instruction::Branch(first, count) => {
                for way in first..first + count {
                    let label = program.alternatives[way as usize].label;
                    program.alternatives[way as usize].filter = next_filter(program, label);
                }
            }
            _ => {}
        }
    }
    program.anchored = matches!(
        program.code.first(),
        Some(Instruction::At(position::BEGINNING | position::BEGINNING_STRING))
    );
    if program.prefix.is_empty() {
        program.first = first_characters(program).filter(|first| !first.is_everything());
    }
}

/// What the next character must be from an instruction on, where one way leads there.
fn next_filter(program: &Program, mut label: Label) -> Filter {
    // Jumps only lead forwards, so this ends. The end of an atomic group is not passed: what is inside does not
    // look at what follows.
    loop {
        match program.code[label as usize] {
            Instruction::Mark(_) | Instruction::At(_) | Instruction::Atomic(_) => label += 1,
            Instruction::Jump(to) => label = to,
            Instruction::One(unit) => return Filter::Unit(unit),
            Instruction::Text(start, _) => return Filter::Unit(Unit::Literal(program.text[start as usize])),
            Instruction::RepeatOne(repeat)
            | Instruction::MinRepeatOne(repeat)
            | Instruction::PossessiveRepeatOne(repeat)
                if program.repeats[repeat as usize].least > 0 =>
            {
                return Filter::Unit(program.repeats[repeat as usize].unit);
            }
            Instruction::Repeat(index) | Instruction::PossessiveRepeat(index)
                if program.loops[index as usize].least > 0 =>
            {
                label += 1;
            }
            _ => return Filter::None,
        }
    }
}

/// Whether no character matches both.
fn are_disjoint(program: &Program, one: Unit, other: Unit) -> bool {
    let (Some(a), Some(b)) = (beyond(program, one), beyond(program, other)) else {
        // One literal beyond Latin-1 can be asked for, sets cannot be enumerated.
        return match (one, other) {
            (unit, Unit::Literal(c)) | (Unit::Literal(c), unit) => !program.unit_matches(unit, c),
            _ => false,
        };
    };
    !(a && b) && (0..256).all(|c| !(program.unit_matches(one, c) && program.unit_matches(other, c)))
}

/// What characters from 256 on are to a unit, where it is the same for all.
fn beyond(program: &Program, unit: Unit) -> Option<bool> {
    match unit {
        Unit::Any | Unit::AnyAll => Some(true),
        Unit::Literal(c) => (c < 256).then_some(false),
        Unit::NotLiteral(c) => (c < 256).then_some(true),
        Unit::Set(set) => program.sets[set as usize].beyond(),
        Unit::Nothing => Some(false),
    }
}

/// The characters that a match can begin with; `None` where it can be empty or that is not known.
fn first_characters(program: &Program) -> Option<FirstCharacters> {
    let mut first = FirstCharacters { latin: [false; 256], beyond: false, few: Vec::new() };
    let mut visited = vec![false; program.code.len()];
    let mut pending = vec![0 as Label];
    while let Some(label) = pending.pop() {
        if std::mem::replace(&mut visited[label as usize], true) {
            continue;
        }
        match program.code[label as usize] {
            Instruction::Success => return None,
            Instruction::Fail => {}
            Instruction::One(unit) => add(program, &mut first, unit),
            Instruction::Text(start, _) => add(program, &mut first, Unit::Literal(program.text[start as usize])),
            Instruction::RepeatOne(repeat)
            | Instruction::MinRepeatOne(repeat)
            | Instruction::PossessiveRepeatOne(repeat) => {
                let repeat = &program.repeats[repeat as usize];
                if repeat.most > 0 {
                    add(program, &mut first, repeat.unit);
                }
                if repeat.least == 0 {
                    pending.push(label + 1);
                }
            }
            Instruction::Mark(_) | Instruction::At(_) | Instruction::Atomic(_) | Instruction::AtomicEnd(_) => {
                pending.push(label + 1);
            }
            Instruction::Jump(to) => pending.push(to),
            Instruction::Branch(start, count) => {
                pending.extend((start..start + count).map(|way| program.alternatives[way as usize].label));
            }
            Instruction::Repeat(index) | Instruction::PossessiveRepeat(index) => {
                let the_loop = &program.loops[index as usize];
                pending.push(the_loop.body);
                if the_loop.least == 0 {
                    pending.push(the_loop.exit);
                }
            }
            // The body can be empty.
            Instruction::MaxUntil(index) | Instruction::MinUntil(index) | Instruction::PossessiveUntil(index) => {
                pending.push(program.loops[index as usize].exit);
            }
            Instruction::Assert(index) | Instruction::AssertNot(index) => {
                pending.push(program.looks[index as usize].exit);
            }
            Instruction::GroupExists(_, other) => pending.extend([label + 1, other]),
            Instruction::GroupReference(..) | Instruction::AssertEnd(_) | Instruction::AssertNotEnd(_) => {
                return None;
            }
        }
    }
    let members = (0..=255u8).filter(|&c| first.latin[c as usize]);
    let few: Vec<u8> = members.take(4).collect();
    if few.len() <= 3 {
        first.few = few;
    }
    Some(first)
}

fn add(program: &Program, first: &mut FirstCharacters, unit: Unit) {
    for c in 0..256 {
        first.latin[c as usize] |= program.unit_matches(unit, c);
    }
    first.beyond |= match unit {
        Unit::Literal(c) => c >= 256,
        _ => beyond(program, unit).unwrap_or(true),
    };
}
