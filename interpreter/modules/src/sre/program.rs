//! [`Program`], a pattern as the engine runs it, and its translation from the code list of `re._compiler`.
//!
//! The list is untrusted: everything in it is checked here, so that the engine need not. The translation walks the
//! list once, with a stack of its own for what is open, so nesting costs no native stack.

use super::analysis;
use super::characters::{Category, Fold};
use super::charset::CharSet;
use super::words::{MAXREPEAT, info, operator, position};

/// The code list is not one that the library's compiler makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidCode;

/// Index of an instruction.
pub type Label = u32;
/// Index of a register. Registers hold positions and counts, and backtracking restores them.
pub type Register = u32;

/// What the engine does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instruction {
    /// The pattern has matched.
    Success,
    /// This way does not match.
    Fail,
    /// One character.
    One(Unit),
    /// Several literal characters: where in [`Program::text`], and how many.
    Text(u32, u32),
    /// Remembers the position in a register.
    Mark(Register),
    /// Asks for a position.
    At(u32),
    /// Goes on elsewhere.
    Jump(Label),
    /// Tries alternatives: the first in [`Program::alternatives`], and how many.
    Branch(u32, u32),
    /// Repeats one character, as often as possible first; index in [`Program::repeats`].
    RepeatOne(u32),
    /// Repeats one character, as rarely as possible first.
    MinRepeatOne(u32),
    /// Repeats one character, as often as possible only.
    PossessiveRepeatOne(u32),
    /// Begins a loop; index in [`Program::loops`].
    Repeat(u32),
    /// The end of a loop's body, which runs as often as possible first.
    MaxUntil(u32),
    /// The end of a loop's body, which runs as rarely as possible first.
    MinUntil(u32),
    /// Begins a loop that gives nothing back.
    PossessiveRepeat(u32),
    /// The end of such a loop's body.
    PossessiveUntil(u32),
    /// Begins a group that is not entered again; the register remembers the number of choices.
    Atomic(Register),
    /// Ends such a group.
    AtomicEnd(Register),
    /// Begins a look-ahead or look-behind; index in [`Program::looks`].
    Assert(u32),
    /// Ends it.
    AssertEnd(u32),
    /// Begins a negative one.
    AssertNot(u32),
    /// Ends it: it has failed.
    AssertNotEnd(u32),
    /// What a group matched, again.
    GroupReference(u32, Fold),
    /// Goes elsewhere if a group has not matched.
    GroupExists(u32, Label),
}

/// A single character's pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// All but a line break.
    Any,
    /// All.
    AnyAll,
    /// One.
    Literal(u32),
    /// All but one.
    NotLiteral(u32),
    /// Those of a set; index in [`Program::sets`].
    Set(u32),
    /// None at all.
    Nothing,
}

/// What is known of the next character, from which some ways are known to fail at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// Nothing.
    None,
    /// It must be there and match the unit.
    Unit(Unit),
}

/// A way of a branch.
#[derive(Clone, Copy, Debug)]
pub struct Alternative {
    /// Where it begins.
    pub label: Label,
    /// What its first character must be.
    pub filter: Filter,
}

/// The repetition of one character.
#[derive(Clone, Copy, Debug)]
pub struct RepeatOne {
    /// The character.
    pub unit: Unit,
    /// At least so often.
    pub least: u32,
    /// At most so often; [`MAXREPEAT`] is without limit.
    pub most: u32,
    /// What must come after it.
    pub after: Filter,
}

/// The repetition of more than a character.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// The first of its registers: how often the body has run, where it ran last, number of choices.
    pub register: Register,
    /// At least so often.
    pub least: u32,
    /// At most so often; [`MAXREPEAT`] is without limit.
    pub most: u32,
    /// The body.
    pub body: Label,
    /// The end of the body.
    pub until: Label,
    /// What follows.
    pub exit: Label,
}

/// A look-ahead or look-behind.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The first of its registers: position, number of choices.
    pub register: Register,
    /// How far back it begins.
    pub back: u32,
    /// What follows.
    pub exit: Label,
}

/// A pattern as the engine runs it.
pub struct Program {
    /// The instructions.
    pub code: Vec<Instruction>,
    /// Literal characters.
    pub text: Vec<u32>,
    /// Sets of characters.
    pub sets: Vec<CharSet>,
    /// Ways of branches.
    pub alternatives: Vec<Alternative>,
    /// Repetitions of a character.
    pub repeats: Vec<RepeatOne>,
    /// Repetitions of more.
    pub loops: Vec<Loop>,
    /// Look-aheads and look-behinds.
    pub looks: Vec<Look>,
    /// How many registers the marks of groups take: two a group.
    pub marks: usize,
    /// How many registers there are.
    pub registers: usize,
    /// The shortest text that can match.
    pub least_width: usize,
    /// What every match begins with.
    pub prefix: Vec<u32>,
    /// Looks for the prefix in bytes.
    /// Boxed because vectors make it aligned beyond what an object can hold.
    pub finder: Option<Box<memchr::memmem::Finder<'static>>>,
    /// Whether the prefix is the whole pattern.
    pub only_prefix: bool,
    /// The characters that a match can begin with, where that is known.
    pub first: Option<analysis::FirstCharacters>,
    /// Whether the pattern can match at the beginning of the text alone.
    pub anchored: bool,
}

impl Program {
    /// Translates a code list for a pattern with so many groups.
    pub fn new(words: &[u32], groups: usize) -> Result<Program, InvalidCode> {
        let mut translator = Translator::new(words, groups);
        translator.info()?;
        translator.run()?;
        let mut program = translator.program;
        if program.prefix.len() > 1 && program.prefix.iter().all(|&c| c < 256) {
            let bytes: Vec<u8> = program.prefix.iter().map(|&c| c as u8).collect();
            program.finder = Some(Box::new(memchr::memmem::Finder::new(&bytes).into_owned()));
        }
        analysis::complete(&mut program);
        Ok(program)
    }

    /// Whether a character matches a unit.
    #[inline(always)]
    pub fn unit_matches(&self, unit: Unit, c: u32) -> bool {
        match unit {
            Unit::Any => c != '\n' as u32,
            Unit::AnyAll => true,
            Unit::Literal(literal) => c == literal,
            Unit::NotLiteral(literal) => c != literal,
            Unit::Set(set) => self.sets[set as usize].contains(c),
            Unit::Nothing => false,
        }
    }
}

/// What is open while the list is walked.
enum Open {
    /// The body of a repetition, an assertion or an atomic group.
    Body { end: usize, closing: Closing },
    /// The ways of a branch: index of the instruction, where the next way's length stands, where all ways end.
    Branch { instruction: usize, alternatives: Vec<Label>, next: usize, jumps: Vec<usize>, exit: Option<usize> },
    /// The first way of a condition: index of the instruction, end of the way.
    Condition { instruction: usize, end: usize },
    /// The second way of a condition: index of the jump over it, and its end.
    Otherwise { jump: usize, end: usize },
}

enum Closing {
    /// A loop, greedy or not as its last word says.
    Loop(usize),
    Possessive(usize),
    Atomic(Register),
    Assert { index: usize, negative: bool },
}

struct Translator<'a> {
    words: &'a [u32],
    at: usize,
    groups: usize,
    open: Vec<Open>,
    program: Program,
    /// Whether the last instruction is literal text that further literals may join.
    joinable: bool,
}

impl<'a> Translator<'a> {
    fn new(words: &'a [u32], groups: usize) -> Self {
        let program = Program {
            code: Vec::with_capacity(words.len() / 2),
            text: Vec::new(),
            sets: Vec::new(),
            alternatives: Vec::new(),
            repeats: Vec::new(),
            loops: Vec::new(),
            looks: Vec::new(),
            marks: groups * 2,
            registers: groups * 2,
            least_width: 0,
            prefix: Vec::new(),
            finder: None,
            only_prefix: false,
            first: None,
            anchored: false,
        };
        Translator { words, at: 0, groups, open: Vec::new(), program, joinable: false }
    }

    fn word(&mut self) -> Result<u32, InvalidCode> {
        let word = self.words.get(self.at).copied().ok_or(InvalidCode)?;
        self.at += 1;
        Ok(word)
    }

    /// A word that says how far it is from itself to somewhere; answers where.
    fn skip(&mut self) -> Result<usize, InvalidCode> {
        let from = self.at;
        let target = from.checked_add(self.word()? as usize).ok_or(InvalidCode)?;
        if target < self.at || target > self.words.len() { Err(InvalidCode) } else { Ok(target) }
    }

    fn here(&self) -> Label {
        self.program.code.len() as Label
    }

    fn push(&mut self, instruction: Instruction) -> usize {
        self.joinable = false;
        self.program.code.push(instruction);
        self.program.code.len() - 1
    }

    fn registers(&mut self, count: usize) -> Register {
        let first = self.program.registers;
        self.program.registers += count;
        first as Register
    }

    fn set(&mut self, set: CharSet) -> Unit {
        self.program.sets.push(set);
        Unit::Set(self.program.sets.len() as u32 - 1)
    }

    /// The block in front that tells what a search may rely on.
    fn info(&mut self) -> Result<(), InvalidCode> {
        if self.words.first() != Some(&operator::INFO) {
            return Ok(());
        }
        self.at = 1;
        let end = self.skip()?;
        let flags = self.word()?;
        self.program.least_width = self.word()? as usize;
        self.word()?;
        if flags & !(info::PREFIX | info::LITERAL | info::CHARSET) != 0
            || (flags & info::PREFIX != 0 && flags & info::CHARSET != 0)
            || (flags & info::LITERAL != 0 && flags & info::PREFIX == 0)
        {
            return Err(InvalidCode);
        }
        if flags & info::PREFIX != 0 {
            let length = self.word()? as usize;
            let skipped = self.word()? as usize;
            let prefix = self.words.get(self.at..self.at.saturating_add(length)).ok_or(InvalidCode)?;
            let overlap = self.words.get(self.at + length..self.at.saturating_add(length * 2)).ok_or(InvalidCode)?;
            if skipped > length || overlap.iter().any(|&place| place as usize >= length) {
                return Err(InvalidCode);
            }
            self.program.prefix = prefix.to_vec();
            self.program.only_prefix = flags & info::LITERAL != 0;
            self.at += length * 2;
        } else if flags & info::CHARSET != 0 {
            // Which characters come first is found out again, for more patterns, by `analysis`.
            let (_, length) = CharSet::parse(&self.words[self.at..end.max(self.at)], Fold::None)?;
            self.at += length;
        }
        if self.at == end { Ok(()) } else { Err(InvalidCode) }
    }

    fn run(&mut self) -> Result<(), InvalidCode> {
        // The list ends with the `SUCCESS` of the whole.
        let end = self.words.len().checked_sub(1).filter(|&end| end >= self.at).ok_or(InvalidCode)?;
        if self.words[end] != operator::SUCCESS {
            return Err(InvalidCode);
        }
        loop {
            if self.close()? {
                continue;
            }
            if self.at == end && self.open.is_empty() {
                self.push(Instruction::Success);
                return Ok(());
            }
            if self.at >= end {
                return Err(InvalidCode);
            }
            self.instruction()?;
        }
    }

    /// Closes what ends here, if anything does.
    fn close(&mut self) -> Result<bool, InvalidCode> {
        match self.open.last_mut() {
            None => Ok(false),
            Some(Open::Body { end, .. }) => {
                if self.at < *end {
                    return Ok(false);
                }
                if self.at > *end {
                    return Err(InvalidCode);
                }
                let Some(Open::Body { closing, .. }) = self.open.pop() else { return Err(InvalidCode) };
                self.close_body(closing)?;
                Ok(true)
            }
            Some(Open::Condition { end, instruction }) => {
                if self.at + 2 == *end && self.words[self.at] == operator::JUMP {
                    let (instruction, end) = (*instruction, *end);
                    self.at += 1;
                    let after = self.skip()?;
                    let jump = self.push(Instruction::Jump(0));
                    let other = self.here();
                    self.point(instruction, other)?;
                    self.open.pop();
                    if end != self.at {
                        return Err(InvalidCode);
                    }
                    self.open.push(Open::Otherwise { jump, end: after });
                    return Ok(true);
                }
                if self.at < *end {
                    return Ok(false);
                }
                if self.at > *end {
                    return Err(InvalidCode);
                }
                let instruction = *instruction;
                let here = self.here();
                self.point(instruction, here)?;
                self.joinable = false;
                self.open.pop();
                Ok(true)
            }
            Some(Open::Otherwise { jump, end }) => {
                if self.at < *end {
                    return Ok(false);
                }
                if self.at > *end {
                    return Err(InvalidCode);
                }
                let jump = *jump;
                let here = self.here();
                self.point(jump, here)?;
                self.joinable = false;
                self.open.pop();
                Ok(true)
            }
            Some(Open::Branch { next, .. }) => {
                // A way ends with a jump behind all ways.
                if self.at + 2 < *next {
                    return Ok(false);
                }
                self.close_alternative()?;
                Ok(true)
            }
        }
    }

    fn point(&mut self, instruction: usize, to: Label) -> Result<(), InvalidCode> {
        match &mut self.program.code[instruction] {
            Instruction::Jump(label) | Instruction::GroupExists(_, label) => *label = to,
            _ => return Err(InvalidCode),
        }
        Ok(())
    }

    fn close_alternative(&mut self) -> Result<(), InvalidCode> {
        let jump = self.push(Instruction::Jump(0));
        let is_jump = self.word()? == operator::JUMP;
        let target = self.skip()?;
        let at = self.at;
        let here = self.here();
        let Some(Open::Branch { alternatives, next, jumps, exit, .. }) = self.open.last_mut() else {
            return Err(InvalidCode);
        };
        if !is_jump || at != *next || exit.is_some_and(|exit| exit != target) {
            return Err(InvalidCode);
        }
        *exit = Some(target);
        jumps.push(jump);
        let length = *self.words.get(at).ok_or(InvalidCode)? as usize;
        if length != 0 {
            *next = at.checked_add(length).filter(|&next| next <= self.words.len()).ok_or(InvalidCode)?;
            if length < 3 {
                return Err(InvalidCode);
            }
            alternatives.push(here);
            self.at += 1;
            return Ok(());
        }
        self.at += 1;
        if target != self.at {
            return Err(InvalidCode);
        }
        let Some(Open::Branch { instruction, alternatives, jumps, .. }) = self.open.pop() else {
            return Err(InvalidCode);
        };
        let first = self.program.alternatives.len() as u32;
        let count = alternatives.len() as u32;
        self.program
            .alternatives
            .extend(alternatives.into_iter().map(|label| Alternative { label, filter: Filter::None }));
        self.program.code[instruction] = Instruction::Branch(first, count);
        for jump in jumps {
            self.point(jump, here)?;
        }
        Ok(())
    }

    fn close_body(&mut self, closing: Closing) -> Result<(), InvalidCode> {
        let last = self.word()?;
        match closing {
            Closing::Loop(index) => {
                let until = match last {
                    operator::MAX_UNTIL => self.push(Instruction::MaxUntil(index as u32)),
                    operator::MIN_UNTIL => self.push(Instruction::MinUntil(index as u32)),
                    _ => return Err(InvalidCode),
                };
                let exit = self.here();
                let the_loop = &mut self.program.loops[index];
                the_loop.until = until as Label;
                the_loop.exit = exit;
                return Ok(());
            }
            _ if last != operator::SUCCESS => return Err(InvalidCode),
            Closing::Possessive(index) => {
                let until = self.push(Instruction::PossessiveUntil(index as u32));
                let exit = self.here();
                let the_loop = &mut self.program.loops[index];
                the_loop.until = until as Label;
                the_loop.exit = exit;
            }
            Closing::Atomic(register) => {
                self.push(Instruction::AtomicEnd(register));
            }
            Closing::Assert { index, negative } => {
                let end = if negative { Instruction::AssertNotEnd } else { Instruction::AssertEnd };
                self.push(end(index as u32));
                self.program.looks[index].exit = self.here();
            }
        }
        Ok(())
    }

    fn instruction(&mut self) -> Result<(), InvalidCode> {
        let start = self.at;
        if let Some(unit) = self.unit()? {
            match unit {
                Unit::Literal(c) => self.literal(c),
                Unit::Nothing => {
                    self.push(Instruction::Fail);
                }
                unit => {
                    self.push(Instruction::One(unit));
                }
            }
            return Ok(());
        }
        self.at = start;
        match self.word()? {
            operator::MARK => {
                let mark = self.word()?;
                if mark as usize >= self.groups * 2 {
                    return Err(InvalidCode);
                }
                self.push(Instruction::Mark(mark));
            }
            operator::AT => {
                let at = self.word()?;
                if at > position::UNI_NON_BOUNDARY {
                    return Err(InvalidCode);
                }
                self.push(Instruction::At(at));
            }
            operator::GROUPREF => self.group_reference(Fold::None)?,
            operator::GROUPREF_IGNORE => self.group_reference(Fold::Ascii)?,
            operator::GROUPREF_LOC_IGNORE => self.group_reference(Fold::Locale)?,
            operator::GROUPREF_UNI_IGNORE => self.group_reference(Fold::Unicode)?,
            operator::GROUPREF_EXISTS => {
                let group = self.group()?;
                // The way is counted from the word before.
                let end = self.skip()?.checked_sub(1).filter(|&end| end >= self.at).ok_or(InvalidCode)?;
                let instruction = self.push(Instruction::GroupExists(group, 0));
                self.open.push(Open::Condition { instruction, end });
            }
            operator::BRANCH => {
                let next = self.skip()?;
                if next < self.at + 2 {
                    return Err(InvalidCode);
                }
                let instruction = self.push(Instruction::Branch(0, 0));
                let alternatives = vec![self.here()];
                self.open.push(Open::Branch { instruction, alternatives, next, jumps: Vec::new(), exit: None });
            }
            operator::REPEAT => {
                let (end, index) = self.begin_loop()?;
                self.push(Instruction::Repeat(index as u32));
                self.open.push(Open::Body { end, closing: Closing::Loop(index) });
            }
            operator::POSSESSIVE_REPEAT => {
                let (end, index) = self.begin_loop()?;
                self.push(Instruction::PossessiveRepeat(index as u32));
                self.open.push(Open::Body { end, closing: Closing::Possessive(index) });
            }
            operator::REPEAT_ONE => self.repeat_one(Instruction::RepeatOne)?,
            operator::MIN_REPEAT_ONE => self.repeat_one(Instruction::MinRepeatOne)?,
            operator::POSSESSIVE_REPEAT_ONE => self.repeat_one(Instruction::PossessiveRepeatOne)?,
            operator::ATOMIC_GROUP => {
                let end = self.skip()?.checked_sub(1).filter(|&end| end >= self.at).ok_or(InvalidCode)?;
                let register = self.registers(1);
                self.push(Instruction::Atomic(register));
                self.open.push(Open::Body { end, closing: Closing::Atomic(register) });
            }
            operator::ASSERT => self.assertion(false)?,
            operator::ASSERT_NOT => self.assertion(true)?,
            _ => return Err(InvalidCode),
        }
        Ok(())
    }

    fn literal(&mut self, c: u32) {
        if self.joinable {
            match self.program.code.last_mut() {
                Some(Instruction::Text(_, length)) => {
                    *length += 1;
                    self.program.text.push(c);
                    return;
                }
                Some(last) => {
                    if let Instruction::One(Unit::Literal(before)) = *last {
                        *last = Instruction::Text(self.program.text.len() as u32, 2);
                        self.program.text.extend([before, c]);
                        return;
                    }
                }
                None => {}
            }
        }
        self.push(Instruction::One(Unit::Literal(c)));
        self.joinable = true;
    }

    /// A pattern of one character, if that is what stands here.
    fn unit(&mut self) -> Result<Option<Unit>, InvalidCode> {
        let operator = self.word()?;
        let unit = match operator {
            operator::FAILURE => Unit::Nothing,
            operator::ANY => Unit::Any,
            operator::ANY_ALL => Unit::AnyAll,
            operator::LITERAL => Unit::Literal(self.word()?),
            operator::NOT_LITERAL => Unit::NotLiteral(self.word()?),
            operator::LITERAL_IGNORE => self.folded_literal(Fold::Ascii, false)?,
            operator::NOT_LITERAL_IGNORE => self.folded_literal(Fold::Ascii, true)?,
            operator::LITERAL_LOC_IGNORE => self.folded_literal(Fold::Locale, false)?,
            operator::NOT_LITERAL_LOC_IGNORE => self.folded_literal(Fold::Locale, true)?,
            operator::LITERAL_UNI_IGNORE => self.folded_literal(Fold::Unicode, false)?,
            operator::NOT_LITERAL_UNI_IGNORE => self.folded_literal(Fold::Unicode, true)?,
            operator::CATEGORY => {
                let category = Category::new(self.word()?).ok_or(InvalidCode)?;
                self.set(CharSet::category(category))
            }
            operator::IN => self.charset(Fold::None)?,
            operator::IN_IGNORE => self.charset(Fold::Ascii)?,
            operator::IN_LOC_IGNORE => self.charset(Fold::Locale)?,
            operator::IN_UNI_IGNORE => self.charset(Fold::Unicode)?,
            _ => return Ok(None),
        };
        Ok(Some(unit))
    }

    fn folded_literal(&mut self, fold: Fold, negate: bool) -> Result<Unit, InvalidCode> {
        let literal = self.word()?;
        Ok(self.set(CharSet::literal(literal, fold, negate)))
    }

    fn charset(&mut self, fold: Fold) -> Result<Unit, InvalidCode> {
        let end = self.skip()?;
        let (set, length) = CharSet::parse(self.words.get(self.at..end).ok_or(InvalidCode)?, fold)?;
        self.at += length;
        if self.at == end { Ok(self.set(set)) } else { Err(InvalidCode) }
    }

    fn group(&mut self) -> Result<u32, InvalidCode> {
        let group = self.word()?;
        if (group as usize) < self.groups { Ok(group) } else { Err(InvalidCode) }
    }

    fn group_reference(&mut self, fold: Fold) -> Result<(), InvalidCode> {
        let group = self.group()?;
        self.push(Instruction::GroupReference(group, fold));
        Ok(())
    }

    fn bounds(&mut self) -> Result<(u32, u32), InvalidCode> {
        let (least, most) = (self.word()?, self.word()?);
        if least > most { Err(InvalidCode) } else { Ok((least, most)) }
    }

    fn begin_loop(&mut self) -> Result<(usize, usize), InvalidCode> {
        let end = self.skip()?;
        let (least, most) = self.bounds()?;
        let register = self.registers(3);
        let body = self.here() + 1;
        self.program.loops.push(Loop { register, least, most, body, until: 0, exit: 0 });
        // Where a possessive loop's body ends, the skip points at its last word, as for the others.
        Ok((end, self.program.loops.len() - 1))
    }

    fn repeat_one(&mut self, make: fn(u32) -> Instruction) -> Result<(), InvalidCode> {
        let end = self.skip()?;
        let (least, most) = self.bounds()?;
        let unit = self.unit()?.ok_or(InvalidCode)?;
        if self.word()? != operator::SUCCESS || self.at != end {
            return Err(InvalidCode);
        }
        self.program.repeats.push(RepeatOne { unit, least, most, after: Filter::None });
        let index = self.program.repeats.len() as u32 - 1;
        self.push(make(index));
        Ok(())
    }

    fn assertion(&mut self, negative: bool) -> Result<(), InvalidCode> {
        let end = self.skip()?.checked_sub(1).ok_or(InvalidCode)?;
        let back = self.word()?;
        if end < self.at {
            return Err(InvalidCode);
        }
        let register = self.registers(2);
        self.program.looks.push(Look { register, back, exit: 0 });
        let index = self.program.looks.len() - 1;
        self.push(if negative { Instruction::AssertNot(index as u32) } else { Instruction::Assert(index as u32) });
        self.open.push(Open::Body { end, closing: Closing::Assert { index, negative } });
        Ok(())
    }
}

/// The upper bound of a repetition as a count.
#[inline(always)]
pub fn bound(most: u32) -> usize {
    if most == MAXREPEAT { usize::MAX } else { most as usize }
}
