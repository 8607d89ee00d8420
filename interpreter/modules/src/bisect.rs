//! The module `_bisect`: places of items in sorted sequences.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of the module.
struct Bisect;

/// On which side of equal items the place is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

struct Range<'a> {
    lo: isize,
    hi: Option<isize>,
    key: Option<&'a Value>,
}

fn place(vm: &Vm, a: &Value, x: &Value, range: &Range<'_>, side: Side) -> PyResult<usize> {
    let Ok(mut low) = usize::try_from(range.lo) else { return Err(vm.value_error("lo must be non-negative")) };
    let mut high = match range.hi {
        Some(high) if high != -1 => usize::try_from(high).unwrap_or(0),
        _ => vm.length(a)?,
    };
    while low < high {
        let middle = low.midpoint(high);
        let mut item = match a.downcast_exact::<List>().and_then(|list| list.get(middle)) {
            Some(item) => item,
            None => vm.get_item(a, &int::new(middle as i64))?,
        };
        if let Some(key) = range.key {
            item = vm.call(key, &[item])?;
        }
        let goes_left = match side {
            Side::Left => !vm.less(&item, x)?,
            Side::Right => vm.less(x, &item)?,
        };
        if goes_left {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

fn insert(vm: &Vm, a: &Value, x: &Value, range: &Range<'_>, side: Side) -> PyResult<()> {
    let index = match range.key {
        Some(key) => {
            let key = vm.call(key, std::slice::from_ref(x))?;
            place(vm, a, &key, range, side)?
        }
        None => place(vm, a, x, range, side)?,
    };
    if let Some(list) = a.downcast_exact::<List>() {
        let mut items = list.items().borrow_mut();
        let index = index.min(items.len());
        items.insert(index, x.clone());
        return Ok(());
    }
    vm.call_method_str(a, "insert", &[int::new(index as i64), x.clone()])?;
    Ok(())
}

/// An upper bound that may be `None`.
fn bound(vm: &Vm, hi: Option<&Value>) -> PyResult<Option<isize>> {
    match hi.filter(|hi| !is_none(hi)) {
        None => Ok(None),
        Some(hi) => {
            vm.index_size(hi, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer")).map(Some)
        }
    }
}

#[pyfunctions]
impl Bisect {
    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e <= x, and all e in a[i:] have e > x.  So if x already
    /// appears in the list, a.insert(i, x) will insert just after the rightmost x already there.
    #[function("bisect_right(a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_right(vm: &Vm, a: &Value, x: &Value, lo: isize, hi: Option<&Value>, key: Option<&Value>) -> PyResult<usize> {
        place(vm, a, x, &Range { lo, hi: bound(vm, hi)?, key }, Side::Right)
    }

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the right of the rightmost x.
    #[function("insort_right(a, x, lo=0, hi=None, *, key=None)")]
    fn insort_right(vm: &Vm, a: &Value, x: &Value, lo: isize, hi: Option<&Value>, key: Option<&Value>) -> PyResult<()> {
        insert(vm, a, x, &Range { lo, hi: bound(vm, hi)?, key }, Side::Right)
    }

    /// Return the index where to insert item x in list a, assuming a is sorted.
    ///
    /// The return value i is such that all e in a[:i] have e < x, and all e in a[i:] have e >= x.  So if x already
    /// appears in the list, a.insert(i, x) will insert just before the leftmost x already there.
    #[function("bisect_left(a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_left(vm: &Vm, a: &Value, x: &Value, lo: isize, hi: Option<&Value>, key: Option<&Value>) -> PyResult<usize> {
        place(vm, a, x, &Range { lo, hi: bound(vm, hi)?, key }, Side::Left)
    }

    /// Insert item x in list a, and keep it sorted assuming a is sorted.
    ///
    /// If x is already in a, insert it to the left of the leftmost x.
    #[function("insort_left(a, x, lo=0, hi=None, *, key=None)")]
    fn insort_left(vm: &Vm, a: &Value, x: &Value, lo: isize, hi: Option<&Value>, key: Option<&Value>) -> PyResult<()> {
        insert(vm, a, x, &Range { lo, hi: bound(vm, hi)?, key }, Side::Left)
    }
}

native_module! {
    name: "_bisect",
    doc: "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort the list after each insertion.",
    functions: [Bisect::FUNCTIONS], types: [], execute: |_, _| Ok(())
}
