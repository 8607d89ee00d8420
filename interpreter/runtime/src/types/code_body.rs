//! The body of a code object: its instructions, and what they refer to.

use std::cell::Cell;
use std::sync::OnceLock;

use rspy_code::opcode::Opcode;

use crate::object::Ref;
use crate::types::bytes::Bytes;
use crate::types::tuple::Tuple;

/// A code unit: opcode in the low byte and argument in the high one, or a cell of an inline cache.
pub type Unit = Cell<u16>;

/// What of a code object only running it and looking into it needs.
pub struct Body {
    units: Box<[Unit]>,
    /// `co_consts`.
    pub constants: Ref<Tuple>,
    /// `co_names`, all of them strings.
    pub names: Ref<Tuple>,
    /// Names of locals, cells and free variables, in the order of the frame, all of them strings.
    pub variable_names: Ref<Tuple>,
    /// What kind of variable each is.
    pub variable_kinds: Box<[u8]>,
    /// `co_linetable`.
    pub line_table: Ref<Bytes>,
    /// `co_exceptiontable`.
    pub exception_table: Ref<Bytes>,
}

impl Body {
    /// Where the units are in it, for those who read the memory of another process.
    pub(super) const UNITS: usize = std::mem::offset_of!(Body, units);

    /// A body of what a code object shows of it; `code` is `co_code`.
    pub fn new(
        code: &[u8],
        constants: Ref<Tuple>,
        names: Ref<Tuple>,
        variable_names: Ref<Tuple>,
        variable_kinds: Box<[u8]>,
        line_table: Ref<Bytes>,
        exception_table: Ref<Bytes>,
    ) -> Body {
        let units = quicken(code);
        Body { units, constants, names, variable_names, variable_kinds, line_table, exception_table }
    }

    /// The first instruction.
    #[inline(always)]
    pub(super) fn start(&self) -> *const Unit {
        // One unit of padding lies before it, where a frame that has not begun points to.
        self.units.as_ptr().wrapping_add(1)
    }

    /// The instructions and caches as they stand now.
    pub(super) fn units(&self) -> &[Unit] {
        &self.units[1..self.units.len() - 1]
    }
}

/// The counter with which inline caches begin: the second execution specialises.
const WARMUP: u16 = 1 << 4 | 1;

/// What an instruction is without specialisation and watching, and how many units of cache follow it: by opcode. Looked up
/// for every instruction of every module that is imported.
pub(super) fn plain_opcodes() -> &'static [(u8, u8); 256] {
    static PLAIN: OnceLock<[(u8, u8); 256]> = OnceLock::new();
    PLAIN.get_or_init(|| {
        std::array::from_fn(|number| match Opcode::try_from(number as u8) {
            Ok(opcode) => (opcode.base() as u8, opcode.base().cache_entries() as u8),
            Err(_) => (number as u8, 0),
        })
    })
}

/// The units of a byte string of code, with counters in the caches, a unit of padding before and one that ends the
/// code behind.
fn quicken(code: &[u8]) -> Box<[Unit]> {
    let plain = plain_opcodes();
    let mut units: Vec<Unit> = Vec::with_capacity(code.len() / 2 + 2);
    units.push(Cell::new(0));
    // All of it at once, then what is to be different: most units stay as they are.
    units.extend(code.chunks_exact(2).map(|pair| Cell::new(u16::from_le_bytes([pair[0], pair[1]]))));
    let mut rest = &mut units[1..];
    while let Some((unit, behind)) = rest.split_first_mut() {
        let [number, operand] = unit.get().to_le_bytes();
        let (opcode, caches) = plain[usize::from(number)];
        if opcode != number {
            unit.set(u16::from_le_bytes([opcode, operand]));
        }
        let (caches, behind) = behind.split_at_mut(usize::from(caches).min(behind.len()));
        if let Some((counter, others)) = caches.split_first_mut() {
            counter.set(WARMUP);
            others.iter_mut().for_each(|unit| unit.set(0));
        }
        rest = behind;
    }
    units.push(Cell::new(Opcode::Reserved as u16));
    units.into_boxed_slice()
}
