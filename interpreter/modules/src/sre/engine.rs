//! The engine: runs a [`Program`] over a text by backtracking, with stacks of its own.
//!
//! A *choice* remembers a way not taken: where, at which position, and how high the *trail* was. The trail holds the
//! registers' values from before they were changed, so going back to a choice restores them. What must not be
//! entered again (an atomic group, an assertion, a possessive loop) forgets its choices when it ends and leaves the
//! trail alone.

use super::characters::{Character, Fold, is_ascii_word, is_line_break, is_locale_word, is_unicode_word, lower_unicode};
use super::program::{Filter, Instruction, Label, Program, RepeatOne, Unit, bound};
use super::words::position;

/// A register that holds nothing.
pub const UNSET: usize = usize::MAX;

/// How many steps are made before interrupts are looked for.
const STEPS: u32 = 4096;

/// The match was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// Asks whether to stop; called every few thousand steps.
pub type Interrupt<'a> = &'a mut dyn FnMut() -> Result<(), Interrupted>;

/// How a match must lie in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It begins at the start.
    Match,
    /// It begins at the start and goes to the end.
    Full,
    /// It begins anywhere from the start on.
    Search,
}

struct Choice {
    label: Label,
    last_group: u32,
    position: usize,
    /// What the instruction at `label` needs to go on.
    extra: usize,
    trail: usize,
}

/// The state of a match, and afterwards its result.
#[derive(Default)]
pub struct State {
    registers: Vec<usize>,
    choices: Vec<Choice>,
    trail: Vec<(u32, usize)>,
    last_group: u32,
    steps: u32,
    /// Where the match begins.
    pub start: usize,
    /// Where the match ends.
    pub end: usize,
}

impl State {
    /// Where a group, counted from 0, has matched.
    pub fn group(&self, index: usize) -> Option<(usize, usize)> {
        match (self.registers[index * 2], self.registers[index * 2 + 1]) {
            (start, end) if start != UNSET && end != UNSET && start <= end => Some((start, end)),
            _ => None,
        }
    }

    /// The number of the group that was closed last, if any was.
    pub fn last_group(&self) -> Option<u32> {
        (self.last_group > 0).then_some(self.last_group)
    }

    /// Looks for a match in `text` from `start` on. A match that has to advance may not be empty at `start`.
    ///
    /// # Errors
    /// `Interrupted` where the interrupt says so.
    pub fn run<C: Character>(
        &mut self,
        program: &Program,
        text: &[C],
        start: usize,
        mode: Mode,
        must_advance: bool,
        interrupt: Interrupt<'_>,
    ) -> Result<bool, Interrupted> {
        if start > text.len() || text.len() - start < program.least_width {
            return Ok(false);
        }
        let full = mode == Mode::Full;
        let mut machine = Machine { program, text, full, forbidden_end: UNSET, state: self, interrupt };
        if must_advance {
            machine.forbidden_end = start;
        }
        match mode {
            Mode::Match | Mode::Full => machine.attempt(start),
            Mode::Search => machine.search(start),
        }
    }

    /// Whether the stacks are small enough to be kept.
    pub fn is_small(&self) -> bool {
        self.choices.capacity() + self.trail.capacity() + self.registers.capacity() <= 4096
    }

    fn reset(&mut self, registers: usize) {
        self.registers.clear();
        self.registers.resize(registers, UNSET);
        self.choices.clear();
        self.trail.clear();
        self.last_group = 0;
    }
}

struct Machine<'a, C> {
    program: &'a Program,
    text: &'a [C],
    /// Whether the match must end with the text.
    full: bool,
    /// Where the match may not end.
    forbidden_end: usize,
    state: &'a mut State,
    interrupt: Interrupt<'a>,
}

impl<C: Character> Machine<'_, C> {
    fn search(&mut self, start: usize) -> Result<bool, Interrupted> {
        let program = self.program;
        if !program.prefix.is_empty() {
            return self.search_prefix(start);
        }
        if program.anchored {
            return self.attempt(start);
        }
        let last = self.text.len() - program.least_width;
        let mut at = start;
        loop {
            if let Some(first) = &program.first {
                match self.find_first(first, at, last) {
                    Some(found) => at = found,
                    None => return Ok(false),
                }
            }
            if self.attempt(at)? {
                return Ok(true);
            }
            self.forbidden_end = UNSET;
            if at >= last {
                return Ok(false);
            }
            at += 1;
        }
    }

    /// The next position at which a match can begin, `last` being the last possible one.
    fn find_first(&self, first: &super::analysis::FirstCharacters, at: usize, last: usize) -> Option<usize> {
        let rest = &self.text[at..self.text.len().min(last + 1)];
        let found = match *first.few() {
            [one] if !first.beyond() => C::find(rest, C::from_code(u32::from(one))?),
            _ => rest.iter().position(|c| first.contains(c.code())),
        };
        found.map(|place| at + place)
    }

    fn search_prefix(&mut self, start: usize) -> Result<bool, Interrupted> {
        let program = self.program;
        let mut at = start;
        loop {
            let rest = &self.text[at..];
            let found = match program.prefix[..] {
                [one] => C::from_code(one).and_then(|one| C::find(rest, one)),
                _ => C::find_all(rest, &program.prefix, program.finder.as_deref()),
            };
            let Some(place) = found else { return Ok(false) };
            at += place;
            if program.only_prefix {
                self.state.reset(program.registers);
                self.state.start = at;
                self.state.end = at + program.prefix.len();
                return Ok(true);
            }
            if self.attempt(at)? {
                return Ok(true);
            }
            self.forbidden_end = UNSET;
            at += 1;
        }
    }

    #[inline(always)]
    fn step(&mut self) -> Result<(), Interrupted> {
        self.state.steps = self.state.steps.wrapping_add(1);
        if self.state.steps.is_multiple_of(STEPS) { (self.interrupt)() } else { Ok(()) }
    }

    #[inline(always)]
    fn register(&self, register: u32) -> usize {
        self.state.registers[register as usize]
    }

    /// Changes a register so that going back undoes it.
    #[inline(always)]
    fn set(&mut self, register: u32, value: usize) {
        let place = &mut self.state.registers[register as usize];
        if !self.state.choices.is_empty() {
            self.state.trail.push((register, *place));
        }
        *place = value;
    }

    #[inline(always)]
    fn choose(&mut self, label: Label, position: usize, extra: usize) {
        let trail = self.state.trail.len();
        self.state.choices.push(Choice { label, last_group: self.state.last_group, position, extra, trail });
    }

    /// Forgets the choices made since there were `count`.
    #[inline(always)]
    fn commit(&mut self, count: usize) {
        self.state.choices.truncate(count);
        if count == 0 {
            self.state.trail.clear();
        }
    }

    /// Undoes the changes made since the last choice, and says what it was.
    #[inline(always)]
    fn restore(&mut self) -> Option<(Label, usize, usize)> {
        let State { choices, trail, registers, last_group, .. } = &mut *self.state;
        let choice = choices.last()?;
        while trail.len() > choice.trail {
            if let Some((register, value)) = trail.pop() {
                registers[register as usize] = value;
            }
        }
        *last_group = choice.last_group;
        Some((choice.label, choice.position, choice.extra))
    }

    #[inline(always)]
    fn code_at(&self, position: usize) -> Option<u32> {
        self.text.get(position).map(|c| c.code())
    }

    #[inline(always)]
    fn passes(&self, filter: Filter, position: usize) -> bool {
        match filter {
            Filter::None => true,
            Filter::Unit(unit) => self.code_at(position).is_some_and(|c| self.program.unit_matches(unit, c)),
        }
    }

    /// Tries to match at one position.
    fn attempt(&mut self, start: usize) -> Result<bool, Interrupted> {
        let program = self.program;
        self.state.reset(program.registers);
        self.state.start = start;
        self.step()?;
        let mut position = start;
        let mut label: Label = 0;
        loop {
            let going_on = match program.code[label as usize] {
                Instruction::One(unit) => match self.code_at(position) {
                    Some(c) if program.unit_matches(unit, c) => {
                        position += 1;
                        label += 1;
                        true
                    }
                    _ => false,
                },
                Instruction::Text(first, length) => {
                    let wanted = &program.text[first as usize..(first + length) as usize];
                    match self.text.get(position..position + wanted.len()) {
                        Some(found) if found.iter().zip(wanted).all(|(c, w)| c.code() == *w) => {
                            position += wanted.len();
                            label += 1;
                            true
                        }
                        _ => false,
                    }
                }
                Instruction::Mark(register) => {
                    self.set(register, position);
                    if register & 1 != 0 {
                        self.state.last_group = register / 2 + 1;
                    }
                    label += 1;
                    true
                }
                Instruction::At(at) => {
                    label += 1;
                    self.is_at(at, position)
                }
                Instruction::Jump(to) => {
                    label = to;
                    true
                }
                Instruction::Branch(..) => self.branch(&mut label, position, 0),
                Instruction::RepeatOne(index) => self.repeat_one(index, &mut label, &mut position),
                Instruction::PossessiveRepeatOne(index) => {
                    let repeat = &program.repeats[index as usize];
                    let count = self.count(repeat.unit, position, bound(repeat.most));
                    position += count;
                    label += 1;
                    count >= repeat.least as usize
                }
                Instruction::MinRepeatOne(index) => self.min_repeat_one(index, &mut label, &mut position),
                Instruction::Repeat(index) => {
                    let register = program.loops[index as usize].register;
                    // The body is counted when it begins, so that 0 stands for its first time.
                    self.set(register, 0);
                    self.set(register + 1, UNSET);
                    self.until(index, &mut label, position)
                }
                Instruction::MaxUntil(index) | Instruction::MinUntil(index) => {
                    self.step()?;
                    self.until(index, &mut label, position)
                }
                Instruction::PossessiveRepeat(index) => {
                    let register = program.loops[index as usize].register;
                    self.set(register, 0);
                    self.set(register + 1, UNSET);
                    self.set(register + 2, self.state.choices.len());
                    self.possessive(index, &mut label, position)
                }
                Instruction::PossessiveUntil(index) => {
                    self.step()?;
                    let register = program.loops[index as usize].register;
                    self.commit(self.register(register + 2));
                    self.set(register, self.register(register) + 1);
                    self.possessive(index, &mut label, position)
                }
                Instruction::Atomic(register) => {
                    self.set(register, self.state.choices.len());
                    label += 1;
                    true
                }
                Instruction::AtomicEnd(register) => {
                    self.commit(self.register(register));
                    label += 1;
                    true
                }
                Instruction::Assert(index) => {
                    let look = &program.looks[index as usize];
                    self.set(look.register, position);
                    self.set(look.register + 1, self.state.choices.len());
                    label += 1;
                    let before = position.checked_sub(look.back as usize);
                    position = before.unwrap_or(position);
                    before.is_some()
                }
                Instruction::AssertEnd(index) => {
                    let register = program.looks[index as usize].register;
                    position = self.register(register);
                    self.commit(self.register(register + 1));
                    label += 1;
                    true
                }
                Instruction::AssertNot(index) => {
                    let look = &program.looks[index as usize];
                    match position.checked_sub(look.back as usize) {
                        None => label = look.exit,
                        Some(before) => {
                            self.set(look.register + 1, self.state.choices.len());
                            self.choose(label, position, 0);
                            position = before;
                            label += 1;
                        }
                    }
                    true
                }
                Instruction::AssertNotEnd(index) => {
                    let register = program.looks[index as usize].register;
                    self.commit(self.register(register + 1));
                    false
                }
                Instruction::GroupReference(group, fold) => {
                    label += 1;
                    match self.state.group(group as usize) {
                        Some((from, to)) if self.same_text(from, to, position, fold) => {
                            position += to - from;
                            true
                        }
                        _ => false,
                    }
                }
                Instruction::GroupExists(group, other) => {
                    label = if self.state.group(group as usize).is_some() { label + 1 } else { other };
                    true
                }
                Instruction::Success => {
                    if position != self.forbidden_end && (!self.full || position == self.text.len()) {
                        self.state.end = position;
                        return Ok(true);
                    }
                    false
                }
                Instruction::Fail => false,
            };
            if !going_on && !self.backtrack(&mut label, &mut position)? {
                return Ok(false);
            }
        }
    }

    /// Takes the next way not yet taken. Answers whether there was one.
    fn backtrack(&mut self, label: &mut Label, position: &mut usize) -> Result<bool, Interrupted> {
        let program = self.program;
        loop {
            self.step()?;
            let Some((at, place, extra)) = self.restore() else { return Ok(false) };
            *position = place;
            let going_on = match program.code[at as usize] {
                Instruction::RepeatOne(index) => {
                    let repeat = &program.repeats[index as usize];
                    // One character less, as long as enough are left; `extra` is the first position that is enough.
                    match self.last_fitting(repeat, extra, place) {
                        Some(end) => {
                            *position = end;
                            *label = at + 1;
                            self.keep_or_drop(end, end > extra);
                            true
                        }
                        None => {
                            self.state.choices.pop();
                            false
                        }
                    }
                }
                Instruction::MinRepeatOne(index) => {
                    let repeat = &program.repeats[index as usize];
                    // One character more; `extra` is how many more there may be.
                    match self.one_more(repeat, place, extra) {
                        Some(count) => {
                            *position = place + count;
                            *label = at + 1;
                            let left = extra - count;
                            if left == 0 {
                                self.state.choices.pop();
                            } else if let Some(choice) = self.state.choices.last_mut() {
                                choice.position = *position;
                                choice.extra = left;
                            }
                            true
                        }
                        None => {
                            self.state.choices.pop();
                            false
                        }
                    }
                }
                Instruction::Branch(..) => {
                    self.state.choices.pop();
                    *label = at;
                    self.branch(label, place, extra)
                }
                Instruction::MaxUntil(index) => {
                    // The body did not match once more: what follows may.
                    self.state.choices.pop();
                    *label = program.loops[index as usize].exit;
                    true
                }
                Instruction::MinUntil(index) => {
                    // What follows did not match: the body may once more.
                    self.state.choices.pop();
                    let the_loop = &program.loops[index as usize];
                    let count = self.register(the_loop.register);
                    if count >= bound(the_loop.most) || self.register(the_loop.register + 1) == place {
                        false
                    } else {
                        self.set(the_loop.register, count + 1);
                        self.set(the_loop.register + 1, place);
                        *label = the_loop.body;
                        true
                    }
                }
                Instruction::PossessiveUntil(index) => {
                    self.state.choices.pop();
                    *label = program.loops[index as usize].exit;
                    true
                }
                Instruction::AssertNot(index) => {
                    self.state.choices.pop();
                    *label = program.looks[index as usize].exit;
                    true
                }
                _ => {
                    self.state.choices.pop();
                    false
                }
            };
            if going_on {
                return Ok(true);
            }
        }
    }

    #[inline(always)]
    fn keep_or_drop(&mut self, position: usize, keep: bool) {
        if !keep {
            self.state.choices.pop();
        } else if let Some(choice) = self.state.choices.last_mut() {
            choice.position = position;
        }
    }

    /// Goes the first way from `from` on that the next character allows.
    #[inline]
    fn branch(&mut self, label: &mut Label, position: usize, from: usize) -> bool {
        let program = self.program;
        let Instruction::Branch(first, count) = program.code[*label as usize] else { return false };
        let ways = &program.alternatives[first as usize..(first + count) as usize];
        let fits = |machine: &Self, from: usize| {
            (from..ways.len()).find(|&way| machine.passes(ways[way].filter, position))
        };
        let Some(way) = fits(self, from) else { return false };
        if let Some(other) = fits(self, way + 1) {
            self.choose(*label, position, other);
        }
        *label = ways[way].label;
        true
    }

    #[inline]
    fn repeat_one(&mut self, index: u32, label: &mut Label, position: &mut usize) -> bool {
        let repeat = &self.program.repeats[index as usize];
        let count = self.count(repeat.unit, *position, bound(repeat.most));
        if count < repeat.least as usize {
            return false;
        }
        let least_end = *position + repeat.least as usize;
        let Some(end) = self.last_fitting(repeat, least_end, *position + count + 1) else { return false };
        if end > least_end {
            self.choose(*label, end, least_end);
        }
        *position = end;
        *label += 1;
        true
    }

    /// The last position below `before` and not below `least` at which what follows can match.
    #[inline]
    fn last_fitting(&self, repeat: &RepeatOne, least: usize, before: usize) -> Option<usize> {
        match repeat.after {
            Filter::None => (before > least).then(|| before - 1),
            Filter::Unit(Unit::Literal(c)) => {
                let wanted = C::from_code(c)?;
                let end = before.min(self.text.len());
                if end <= least {
                    return None;
                }
                C::find_last(&self.text[least..end], wanted).map(|place| least + place)
            }
            filter => (least..before).rev().find(|&end| self.passes(filter, end)),
        }
    }

    #[inline]
    fn min_repeat_one(&mut self, index: u32, label: &mut Label, position: &mut usize) -> bool {
        let repeat = &self.program.repeats[index as usize];
        let least = repeat.least as usize;
        if least > 0 {
            if self.count(repeat.unit, *position, least) < least {
                return false;
            }
            *position += least;
        }
        let mut left = bound(repeat.most) - least;
        if !self.passes(repeat.after, *position) {
            match self.one_more(repeat, *position, left) {
                Some(count) => {
                    *position += count;
                    left -= count;
                }
                None => return false,
            }
        }
        if left > 0 {
            self.choose(*label, *position, left);
        }
        *label += 1;
        true
    }

    /// How many characters more bring the repetition to where what follows can match: at least one, at most `most`.
    #[inline]
    fn one_more(&self, repeat: &RepeatOne, position: usize, most: usize) -> Option<usize> {
        let rest = &self.text[position..];
        let mut count = 0;
        while count < most && count < rest.len() {
            if !self.program.unit_matches(repeat.unit, rest[count].code()) {
                return None;
            }
            count += 1;
            if self.passes(repeat.after, position + count) {
                return Some(count);
            }
        }
        None
    }

    /// Another time through a loop's body, or on to what follows it.
    #[inline]
    fn until(&mut self, index: u32, label: &mut Label, position: usize) -> bool {
        let the_loop = &self.program.loops[index as usize];
        let count = self.register(the_loop.register);
        if count < the_loop.least as usize {
            self.set(the_loop.register, count + 1);
            *label = the_loop.body;
            return true;
        }
        if matches!(self.program.code[the_loop.until as usize], Instruction::MinUntil(_)) {
            self.choose(the_loop.until, position, 0);
            *label = the_loop.exit;
            return true;
        }
        // A body that matched nothing is not tried again.
        if count < bound(the_loop.most) && self.register(the_loop.register + 1) != position {
            self.choose(the_loop.until, position, 0);
            self.set(the_loop.register, count + 1);
            self.set(the_loop.register + 1, position);
            *label = the_loop.body;
        } else {
            *label = the_loop.exit;
        }
        true
    }

    /// The same for a loop that gives nothing back. The body is counted when it has matched.
    #[inline]
    fn possessive(&mut self, index: u32, label: &mut Label, position: usize) -> bool {
        let the_loop = &self.program.loops[index as usize];
        let count = self.register(the_loop.register);
        if count < the_loop.least as usize {
            *label = the_loop.body;
        } else if count < bound(the_loop.most) && self.register(the_loop.register + 1) != position {
            self.choose(the_loop.until, position, 0);
            self.set(the_loop.register + 1, position);
            *label = the_loop.body;
        } else {
            *label = the_loop.exit;
        }
        true
    }

    /// How often a unit matches from a position on, at most so often.
    #[inline]
    fn count(&self, unit: Unit, position: usize, most: usize) -> usize {
        let rest = &self.text[position..];
        let rest = if most < rest.len() { &rest[..most] } else { rest };
        let stop = match unit {
            Unit::AnyAll => None,
            Unit::Nothing => Some(0),
            Unit::Any => C::from_code('\n' as u32).and_then(|c| C::find(rest, c)),
            Unit::NotLiteral(c) => C::from_code(c).and_then(|c| C::find(rest, c)),
            Unit::Literal(c) => match C::from_code(c) {
                Some(c) => rest.iter().position(|&d| d != c),
                None => Some(0),
            },
            Unit::Set(set) => {
                let set = &self.program.sets[set as usize];
                if size_of::<C>() == 1 {
                    let latin = set.latin();
                    rest.iter().position(|c| !latin[(c.code() & 255) as usize])
                } else {
                    rest.iter().position(|c| !set.contains(c.code()))
                }
            }
        };
        stop.unwrap_or(rest.len())
    }

    fn same_text(&self, from: usize, to: usize, position: usize, fold: Fold) -> bool {
        let Some(found) = self.text.get(position..position + (to - from)) else { return false };
        let group = &self.text[from..to];
        match fold {
            Fold::None => group == found,
            Fold::Unicode => {
                group.iter().zip(found).all(|(a, b)| a == b || lower_unicode(a.code()) == lower_unicode(b.code()))
            }
            fold => group.iter().zip(found).all(|(a, b)| fold.lower(a.code()) == fold.lower(b.code())),
        }
    }

    fn is_at(&self, at: u32, position: usize) -> bool {
        let end = self.text.len();
        let after = self.code_at(position);
        let before = position.checked_sub(1).and_then(|place| self.code_at(place));
        match at {
            position::BEGINNING | position::BEGINNING_STRING => position == 0,
            position::BEGINNING_LINE => before.is_none_or(is_line_break),
            position::END => position == end || (position + 1 == end && after.is_some_and(is_line_break)),
            position::END_LINE => after.is_none_or(is_line_break),
            position::END_STRING => position == end,
            _ => {
                let is_word = match at {
                    position::BOUNDARY | position::NON_BOUNDARY => is_ascii_word,
                    position::LOC_BOUNDARY | position::LOC_NON_BOUNDARY => is_locale_word,
                    _ => is_unicode_word,
                };
                let boundary = before.is_some_and(is_word) != after.is_some_and(is_word);
                match at {
                    position::NON_BOUNDARY | position::LOC_NON_BOUNDARY | position::UNI_NON_BOUNDARY => !boundary,
                    _ => boundary,
                }
            }
        }
    }
}
