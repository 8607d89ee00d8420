//! The method resolution order: the C3 linearisation of the bases.

use crate::exceptions::PyResult;
use crate::object::{Object, TypeObject};
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// The order for a type with these bases, itself first.
///
/// # Errors
/// `TypeError` where the bases' orders contradict each other or a base is given twice.
pub fn linearize(vm: &Vm, typ: &TypeObject, bases: &Object<Tuple>) -> PyResult<Vec<Value>> {
    if let [base] = bases.items()
        && let Some(base) = base.downcast::<Type>()
    {
        let mut order = vec![typ.to_value()];
        order.extend_from_slice(base.mro().items());
        return Ok(order);
    }
    for (index, base) in bases.items().iter().enumerate() {
        if bases.items()[..index].iter().any(|other| other.is(base)) {
            let name = base.downcast::<Type>().map_or_else(String::new, |base| base.name());
            return Err(vm.type_error(format!("duplicate base class {name}")));
        }
    }
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for base in bases.items() {
        if let Some(base) = base.downcast::<Type>() {
            rows.push(base.mro().items().to_vec());
        }
    }
    rows.push(bases.items().to_vec());
    let mut heads = vec![0usize; rows.len()];
    let mut order = vec![typ.to_value()];
    loop {
        if rows.iter().zip(&heads).all(|(row, &head)| head >= row.len()) {
            return Ok(order);
        }
        let in_tail = |candidate: &Value| {
            rows.iter()
                .zip(&heads)
                .any(|(row, &head)| row.iter().skip(head + 1).any(|other| other.is(candidate)))
        };
        let next = rows
            .iter()
            .zip(&heads)
            .filter_map(|(row, &head)| row.get(head))
            .find(|candidate| !in_tail(candidate))
            .cloned();
        let Some(next) = next else {
            return Err(contradiction(vm, &rows, &heads));
        };
        for (row, head) in rows.iter().zip(&mut heads) {
            if row.get(*head).is_some_and(|value| value.is(&next)) {
                *head += 1;
            }
        }
        order.push(next);
    }
}

fn contradiction(vm: &Vm, rows: &[Vec<Value>], heads: &[usize]) -> crate::exceptions::Exception {
    let mut names: Vec<String> = Vec::new();
    let mut seen: Vec<u64> = Vec::new();
    for (row, &head) in rows.iter().zip(heads) {
        if let Some(candidate) = row.get(head)
            && !seen.contains(&candidate.bits())
        {
            seen.push(candidate.bits());
            names.push(candidate.downcast::<Type>().map_or_else(String::new, |typ| typ.name()));
        }
    }
    vm.type_error(format!(
        "Cannot create a consistent method resolution order (MRO) for bases {}",
        names.join(", ")
    ))
}
