//! Functions that pack and unpack the items of a run: those for integers and doubles are made for one width and byte order
//! each, all others go through `item`.

use rspy_runtime::exceptions::hierarchy::OverflowError;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::types::tuple::Places;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::StructError;
use super::item;
use super::layout::{Kind, Run};

/// How the items of a run are packed and unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Codec {
    /// Writes as many values as the run has items to their places in the bytes of the struct.
    pub pack: fn(&Vm, &Run, &[Value], &mut [u8]) -> PyResult<()>,
    /// Reads the items from the bytes of the struct.
    pub unpack: fn(&Run, &[u8], &mut Places<'_>),
}

impl Codec {
    /// The functions for items of a kind and size.
    pub fn of(kind: Kind, size: usize, big_endian: bool) -> Codec {
        match (kind, size) {
            (Kind::Signed, _) => Codec::of_integers::<true>(size, big_endian),
            (Kind::Unsigned, _) => Codec::of_integers::<false>(size, big_endian),
            (Kind::Float, 8) if big_endian => Codec { pack: pack_doubles::<true>, unpack: unpack_doubles::<true> },
            (Kind::Float, 8) => Codec { pack: pack_doubles::<false>, unpack: unpack_doubles::<false> },
            _ => Codec { pack: pack_any, unpack: unpack_any },
        }
    }

    fn of_integers<const SIGNED: bool>(size: usize, big_endian: bool) -> Codec {
        const fn with<const SIGNED: bool, const SIZE: usize, const BIG: bool>() -> Codec {
            Codec { pack: pack_integers::<SIGNED, SIZE, BIG>, unpack: unpack_integers::<SIGNED, SIZE, BIG> }
        }
        match (size, big_endian) {
            (1, _) => with::<SIGNED, 1, false>(),
            (2, false) => with::<SIGNED, 2, false>(),
            (2, true) => with::<SIGNED, 2, true>(),
            (4, false) => with::<SIGNED, 4, false>(),
            (4, true) => with::<SIGNED, 4, true>(),
            (_, false) => with::<SIGNED, 8, false>(),
            (_, true) => with::<SIGNED, 8, true>(),
        }
    }
}

/// The number in some bytes.
#[inline(always)]
fn load<const SIZE: usize, const BIG: bool>(item: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    if BIG {
        bytes[8 - SIZE..].copy_from_slice(item);
        u64::from_be_bytes(bytes)
    } else {
        bytes[..SIZE].copy_from_slice(item);
        u64::from_le_bytes(bytes)
    }
}

/// Writes the lowest bytes of a number.
#[inline(always)]
fn store<const SIZE: usize, const BIG: bool>(item: &mut [u8], number: u64) {
    if BIG {
        item.copy_from_slice(&number.to_be_bytes()[8 - SIZE..]);
    } else {
        item.copy_from_slice(&number.to_le_bytes()[..SIZE]);
    }
}

/// The number that the lowest bytes of another stand for.
#[inline(always)]
fn cut<const SIGNED: bool, const SIZE: usize>(number: i64) -> i64 {
    let unused = 64 - 8 * SIZE as u32;
    if SIGNED { number << unused >> unused } else { ((number as u64) << unused >> unused) as i64 }
}

fn pack_integers<const SIGNED: bool, const SIZE: usize, const BIG: bool>(
    vm: &Vm,
    run: &Run,
    values: &[Value],
    bytes: &mut [u8],
) -> PyResult<()> {
    let items = bytes[run.offset..run.offset + SIZE * run.count].chunks_exact_mut(SIZE);
    for (value, item) in values.iter().zip(items) {
        match value.small_int() {
            Some(number) if cut::<SIGNED, SIZE>(number) == number && (SIGNED || number >= 0) => {
                store::<SIZE, BIG>(item, number as u64);
            }
            _ => pack_one(vm, run, value, item)?,
        }
    }
    Ok(())
}

fn unpack_integers<const SIGNED: bool, const SIZE: usize, const BIG: bool>(
    run: &Run,
    bytes: &[u8],
    values: &mut Places<'_>,
) {
    for item in bytes[run.offset..run.offset + SIZE * run.count].chunks_exact(SIZE) {
        let number = cut::<SIGNED, SIZE>(load::<SIZE, BIG>(item) as i64);
        values.push(if SIGNED || number >= 0 { int::new(number) } else { int::from_i128(i128::from(number as u64)) });
    }
}

fn pack_doubles<const BIG: bool>(vm: &Vm, run: &Run, values: &[Value], bytes: &mut [u8]) -> PyResult<()> {
    let items = bytes[run.offset..run.offset + 8 * run.count].chunks_exact_mut(8);
    for (value, item) in values.iter().zip(items) {
        match value.small_float() {
            Some(number) => store::<8, BIG>(item, number.to_bits()),
            None => pack_one(vm, run, value, item)?,
        }
    }
    Ok(())
}

fn unpack_doubles<const BIG: bool>(run: &Run, bytes: &[u8], values: &mut Places<'_>) {
    for item in bytes[run.offset..run.offset + 8 * run.count].chunks_exact(8) {
        values.push(float::new(f64::from_bits(load::<8, BIG>(item))));
    }
}

fn pack_any(vm: &Vm, run: &Run, values: &[Value], bytes: &mut [u8]) -> PyResult<()> {
    let mut rest = &mut bytes[run.offset..run.offset + run.size * run.count];
    for value in values {
        let (item, behind) = rest.split_at_mut(run.size);
        rest = behind;
        pack_one(vm, run, value, item)?;
    }
    Ok(())
}

fn unpack_any(run: &Run, bytes: &[u8], values: &mut Places<'_>) {
    let mut rest = &bytes[run.offset..run.offset + run.size * run.count];
    for _ in 0..run.count {
        let (item, behind) = rest.split_at(run.size);
        rest = behind;
        values.push(item::unpack(run, item));
    }
}

/// Writes any value as an item.
fn pack_one(vm: &Vm, run: &Run, value: &Value, item: &mut [u8]) -> PyResult<()> {
    item::pack(vm, run, value, item).map_err(|error| overflow(vm, value, error))
}

/// The error for a value that is no item: another one for integers that are too large.
#[cold]
fn overflow(vm: &Vm, value: &Value, error: Exception) -> Exception {
    match error.is_a::<OverflowError>() && int::is_int(value) {
        true => StructError::error(vm, "int too large to convert"),
        false => error,
    }
}
