//! The method resolution order: the C3 linearisation of the bases.

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::types::native_function::NativeMethod;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, build};
use crate::value::Value;
use crate::vm::Vm;

/// Finds the order of a type anew and sets it, unless finding it has set one already. Answers the order before, or
/// nothing where it is set from within.
///
/// # Errors
/// Those of `mro` and of [`linearize`].
pub fn settle(vm: &Vm, typ: &TypeObject) -> PyResult<Option<Option<Ref<Tuple>>>> {
    let before = typ.current_mro();
    let order = find(vm, typ)?;
    let now = typ.current_mro();
    let same = match (&before, &now) {
        (Some(before), Some(now)) => std::ptr::eq(&**before, &**now),
        (None, None) => true,
        _ => false,
    };
    if !same {
        return Ok(None);
    }
    typ.set_mro(order);
    typ.modified();
    Ok(Some(before))
}

/// What the metaclass's `mro` answers, or the plain order.
fn find(vm: &Vm, typ: &TypeObject) -> PyResult<Ref<Tuple>> {
    let metaclass = typ.header().type_of();
    let custom = if std::ptr::eq(metaclass, Type::static_type()) {
        None
    } else {
        metaclass
            .lookup(vm, &vm.intern("mro"))
            .filter(|found| found.downcast_exact::<NativeMethod>().is_none())
    };
    let Some(method) = custom else {
        return Ok(Tuple::from_values(linearize(vm, typ, &typ.bases())?));
    };
    let result = vm.call_found_method(&method, &typ.to_value(), &[])?;
    let order = vm.collect(&result)?;
    if order.is_empty() {
        return Err(vm.type_error("type MRO must not be empty"));
    }
    for item in &order {
        let Some(base) = item.downcast::<Type>() else {
            return Err(
                vm.type_error(format!("mro() returned a non-class ('{}')", item.type_of().full_name()))
            );
        };
        if !build::has_layout_of(typ, base) {
            return Err(
                vm.type_error(format!("mro() returned base with unsuitable layout ('{}')", base.name()))
            );
        }
    }
    Ok(Tuple::from_values(order))
}

/// The order for a type with these bases, itself first.
///
/// # Errors
/// `TypeError` where the bases' orders contradict each other or a base is given twice.
pub fn linearize(vm: &Vm, typ: &TypeObject, bases: &Object<Tuple>) -> PyResult<Vec<Value>> {
    if let [base] = bases.items()
        && let Some(base) = base.downcast::<Type>()
    {
        let mut order = vec![typ.to_value()];
        order.extend_from_slice(complete_mro(vm, base)?.items());
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
            rows.push(complete_mro(vm, base)?.items().to_vec());
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

fn complete_mro(vm: &Vm, base: &TypeObject) -> PyResult<Ref<Tuple>> {
    let order = base.mro();
    if order.items().is_empty() {
        return Err(vm.type_error(format!("Cannot extend an incomplete type '{}'", base.name())));
    }
    Ok(order)
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
