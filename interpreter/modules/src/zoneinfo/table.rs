//! What is known of a zone: its transitions so far, and the rule for those to come.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::object::Ref;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::rules::{Changes, parse};
use crate::datetime::TimeDelta;

/// Offset, daylight saving time and name for some time.
#[derive(Clone)]
pub struct Kind {
    /// What is answered for the offset from UTC.
    pub offset: Ref<TimeDelta>,
    /// What is answered for the daylight saving part of it.
    pub saved: Ref<TimeDelta>,
    /// What is answered for the name.
    pub name: Value,
    /// The offset in seconds.
    pub seconds: i64,
}

impl Kind {
    fn new(vm: &Vm, seconds: i64, saved: i64, name: Value) -> PyResult<Kind> {
        Ok(Kind { offset: delta(vm, seconds)?, saved: delta(vm, saved)?, name, seconds })
    }

    fn same_as(&self, vm: &Vm, other: &Kind) -> PyResult<bool> {
        Ok(self.offset.parts() == other.offset.parts()
            && self.saved.parts() == other.saved.parts()
            && vm.equal(&self.name, &other.name)?)
    }
}

fn delta(vm: &Vm, seconds: i64) -> PyResult<Ref<TimeDelta>> {
    TimeDelta::of_seconds(vm, seconds, 0)?
        .downcast_into()
        .map_err(|_| vm.type_error("a timedelta is expected"))
}

/// What holds behind the last transition.
enum After {
    /// Always the same.
    Same(Kind),
    /// Standard and daylight saving time by turns.
    Changing { standard: Kind, daylight: Kind, difference: i64, changes: Changes },
}

impl After {
    fn standard(&self) -> &Kind {
        match self {
            After::Same(kind) | After::Changing { standard: kind, .. } => kind,
        }
    }

    /// What holds at a local time.
    fn at_local(&self, time: i64, fold: bool, year: i32) -> &Kind {
        let After::Changing { standard, daylight, difference, changes } = self else { return self.standard() };
        let (mut start, mut end) = (changes.start.in_year(year), changes.end.in_year(year));
        // Which of the two changes repeats local times, and for which of the folds it comes later.
        if fold == (*difference >= 0) {
            end -= difference;
        } else {
            start += difference;
        }
        if is_between(time, start, end) { daylight } else { standard }
    }

    /// What holds at a time in UTC, and whether its local time comes the second time.
    fn at_universal(&self, time: i64, year: i32) -> (&Kind, bool) {
        let After::Changing { standard, daylight, difference, changes } = self else {
            return (self.standard(), false);
        };
        let start = changes.start.in_year(year) - standard.seconds;
        let end = changes.end.in_year(year) - daylight.seconds;
        let repeated =
            if *difference > 0 { end..end + difference } else { start..start - difference };
        (if is_between(time, start, end) { daylight } else { standard }, repeated.contains(&time))
    }
}

/// Whether a time lies from one moment of the year to another, over the turn of the year if need be.
fn is_between(time: i64, start: i64, end: i64) -> bool {
    if start < end { start <= time && time < end } else { !(end <= time && time < start) }
}

/// How many transitions have come by a time. In damaged files they may be in any order: this way of looking gives what
/// CPython gives, too.
fn behind(transitions: &[i64], time: i64) -> usize {
    let (mut low, mut high) = (0, transitions.len());
    while low < high {
        let middle = (low + high) / 2;
        if transitions[middle] > time {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

/// The transitions of a zone.
pub struct Table {
    /// When they are, in UTC.
    universal: Vec<i64>,
    /// When they are in local time, for both folds.
    local: [Vec<i64>; 2],
    /// What holds from each on.
    kinds: Vec<Kind>,
    before: Option<Kind>,
    after: After,
    /// Whether nothing ever changes.
    pub is_fixed: bool,
}

/// The data of a zone file.
struct Raw {
    indexes: Vec<usize>,
    universal: Vec<i64>,
    offsets: Vec<i64>,
    saving: Vec<bool>,
    names: Vec<Value>,
    rule: Value,
}

impl Raw {
    /// Has `zoneinfo._common` read a file.
    fn read(vm: &Vm, file: &Value) -> PyResult<Raw> {
        let common = import_module(vm, "zoneinfo._common")?;
        let data = vm.call_method_str(&common, "load_data", std::slice::from_ref(file))?;
        let Some([indexes, universal, offsets, saving, names, rule]) =
            data.downcast_exact::<Tuple>().map(|data| data.items())
        else {
            let shown = vm.repr(&data)?;
            return Err(vm.type_error(format!("Invalid data result type: {}", shown.to_string_lossy())));
        };
        let numbers = |values: &Value| -> PyResult<Vec<i64>> {
            let values = vm.collect(values)?;
            let number = |value| vm.small_int(value, || vm.overflow_error("int too large to convert"));
            values.iter().map(number).collect()
        };
        let offsets = numbers(offsets)?;
        let mut raw = Raw {
            indexes: Vec::new(),
            universal: numbers(universal)?,
            saving: Vec::new(),
            names: vm.collect(names)?,
            rule: rule.clone(),
            offsets,
        };
        for index in numbers(indexes)? {
            let valid = usize::try_from(index).ok().filter(|&index| index < raw.offsets.len());
            let Some(valid) = valid else {
                let message = format!("Invalid transition index found while reading TZif: {index}");
                return Err(vm.value_error(message));
            };
            raw.indexes.push(valid);
        }
        for saving in vm.collect(saving)? {
            raw.saving.push(vm.is_true(&saving)?);
        }
        let kinds = raw.offsets.len();
        if raw.indexes.len() < raw.universal.len() || raw.saving.len() < kinds || raw.names.len() < kinds {
            return Err(vm.index_error("tuple index out of range"));
        }
        raw.indexes.truncate(raw.universal.len());
        Ok(raw)
    }

    /// How much of each offset is daylight saving. The file does not tell, so that it is guessed from the standard time
    /// before or behind; an hour where nothing is found.
    fn saved(&self) -> Vec<i64> {
        let mut saved = vec![0; self.offsets.len()];
        for at in 1..self.indexes.len() {
            let index = self.indexes[at];
            if !self.saving[index] || saved[index] != 0 {
                continue;
            }
            let offset = self.offsets[index];
            let previous = self.indexes[at - 1];
            let mut found = if self.saving[previous] { 0 } else { offset - self.offsets[previous] };
            if found == 0
                && index + 1 < self.offsets.len()
                && let Some(&next) = self.indexes.get(at + 1)
            {
                if self.saving[next] {
                    continue;
                }
                found = offset - self.offsets[next];
            }
            saved[index] = found;
        }
        for (saved, &saving) in saved.iter_mut().zip(&self.saving) {
            if saving && *saved == 0 {
                *saved = 3600;
            }
        }
        saved
    }

    /// The transitions in local time: for times that come twice the later and the earlier of both.
    fn local(&self) -> [Vec<i64>; 2] {
        let mut local = [self.universal.clone(), self.universal.clone()];
        for (at, &index) in self.indexes.iter().enumerate() {
            let before = if at == 0 { 0 } else { self.indexes[at - 1] };
            let (before, behind) = (self.offsets[before], self.offsets[index]);
            local[0][at] = local[0][at].saturating_add(before.max(behind));
            local[1][at] = local[1][at].saturating_add(before.min(behind));
        }
        local
    }
}

impl Table {
    /// Reads a zone file.
    ///
    /// # Errors
    /// `ValueError` where it is damaged, and what reading raises.
    pub fn read(vm: &Vm, file: &Value) -> PyResult<Table> {
        let raw = Raw::read(vm, file)?;
        let mut kinds = Vec::with_capacity(raw.offsets.len());
        for (index, saved) in raw.saved().into_iter().enumerate() {
            kinds.push(Kind::new(vm, raw.offsets[index], saved, raw.names[index].clone())?);
        }
        let first_standard = raw.saving.iter().position(|&saving| !saving).unwrap_or(0);
        let after = if !is_none(&raw.rule) && vm.is_true(&raw.rule)? {
            after_by_rule(vm, &raw.rule)?
        } else {
            let last = raw.indexes.last().copied().or_else(|| kinds.len().checked_sub(1));
            match last.map(|last| kinds[last].clone()) {
                Some(kind) => After::Same(kind),
                None => return Err(vm.value_error("No time zone information found.")),
            }
        };
        let is_fixed = match (kinds.as_slice(), &after) {
            ([], After::Same(_)) => true,
            ([only], After::Same(after)) => only.same_as(vm, after)?,
            _ => false,
        };
        Ok(Table {
            local: raw.local(),
            before: kinds.get(first_standard).cloned(),
            kinds: raw.indexes.iter().map(|&index| kinds[index].clone()).collect(),
            universal: raw.universal,
            after,
            is_fixed,
        })
    }

    /// What holds where nothing changes.
    pub fn standard(&self) -> &Kind {
        self.after.standard()
    }

    /// What holds at a local time, in seconds since 1970.
    pub fn at_local(&self, time: i64, fold: bool, year: i32) -> &Kind {
        let local = &self.local[usize::from(fold)];
        match (local.first(), local.last(), &self.before) {
            (Some(&first), _, Some(before)) if time < first => before,
            (_, Some(&last), _) if time <= last => {
                let index = behind(local, time);
                &self.kinds[index.max(1) - 1]
            }
            _ => self.after.at_local(time, fold, year),
        }
    }

    /// What holds at a time in UTC, in seconds since 1970, and whether its local time comes the second time.
    pub fn at_universal(&self, time: i64, year: i32) -> (&Kind, bool) {
        let count = self.universal.len();
        let (Some(&first), Some(&last)) = (self.universal.first(), self.universal.last()) else {
            return self.after.at_universal(time, year);
        };
        let previous = |index: usize| if index >= 2 { Some(&self.kinds[index - 2]) } else { self.before.as_ref() };
        let standard = self.standard();
        if time < first {
            return (self.before.as_ref().unwrap_or(standard), false);
        }
        if time > last {
            let (kind, fold) = self.after.at_universal(time, year);
            // Right behind the last transition it counts what held before that.
            let shift = previous(count).map_or(0, |previous| previous.seconds - kind.seconds);
            return (kind, fold || shift > 0 && time < last.saturating_add(shift));
        }
        let index = behind(&self.universal, time);
        let kind = &self.kinds[index - 1];
        let shift = previous(index).map_or(0, |previous| previous.seconds - kind.seconds);
        (kind, shift > time.saturating_sub(self.universal[index - 1]))
    }
}

fn after_by_rule(vm: &Vm, rule: &Value) -> PyResult<After> {
    let Some(text) = rule.downcast::<Bytes>() else {
        return Err(vm.type_error(format!("expected bytes, {} found", rule.type_of().full_name())));
    };
    let parsed = match parse(text.as_slice()) {
        Ok(parsed) => parsed,
        Err(malformed) => {
            let shown = vm.repr(rule)?;
            return Err(vm.value_error(format!("{} {}", malformed.message(), shown.to_string_lossy())));
        }
    };
    let standard = Kind::new(vm, parsed.offset, 0, vm.new_str(&parsed.standard))?;
    let Some((name, offset, changes)) = parsed.daylight else { return Ok(After::Same(standard)) };
    let difference = offset - parsed.offset;
    let daylight = Kind::new(vm, offset, difference, vm.new_str(&name))?;
    Ok(After::Changing { standard, daylight, difference, changes })
}

/// The number that an attribute or method of a moment gives.
pub fn number(vm: &Vm, value: &Value) -> PyResult<i64> {
    let index = vm.index(value)?;
    int::small_value(&index).ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))
}
