//! The module `_uuid`: identifiers made of the time and the machine (RFC 9562, version 1).

use std::sync::{Mutex, PoisonError};

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::vm::Vm;

/// Steps of 100 ns from the beginning of the Gregorian calendar to 1970.
const SINCE_1582: u64 = 0x01b2_1dd2_1381_4000;

/// What makes identifiers of one process differ.
struct Clock {
    /// The last time that was given out, in steps of 100 ns.
    last: u64,
    /// Changes whenever the clock goes back.
    sequence: u16,
    node: [u8; 6],
}

static CLOCK: Mutex<Option<Clock>> = Mutex::new(None);

impl Clock {
    fn new() -> Clock {
        let mut random = [0; 8];
        host::random_bytes(&mut random);
        let [a, b, node @ ..] = random;
        let node = host::hardware_address().unwrap_or_else(|| {
            // A random node says so in the bit for group addresses, which no interface has.
            let mut node = node;
            node[0] |= 1;
            node
        });
        Clock { last: 0, sequence: u16::from_be_bytes([a, b]) & 0x3fff, node }
    }

    /// The next identifier at a time.
    fn next(&mut self, now: u64) -> [u8; 16] {
        // A little ahead of the clock is fine; where it was set back the sequence changes.
        const AHEAD: u64 = 10_000;
        if now > self.last {
            self.last = now;
        } else if self.last - now < AHEAD {
            self.last += 1;
        } else {
            self.last = now;
            self.sequence = (self.sequence + 1) & 0x3fff;
        }
        let time = self.last;
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&(time as u32).to_be_bytes());
        bytes[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
        bytes[6..8].copy_from_slice(&((time >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
        bytes[8..10].copy_from_slice(&(self.sequence | 0x8000).to_be_bytes());
        bytes[10..].copy_from_slice(&self.node);
        bytes
    }
}

/// The functions of `_uuid`.
struct Functions;

#[pyfunctions]
impl Functions {
    #[function("generate_time_safe(module, /)")]
    fn generate_time_safe(vm: &Vm) -> PyResult<Ref<Tuple>> {
        let (seconds, nanoseconds) = host::read_clock(c::CLOCK_REALTIME).or_raise(vm)?;
        let now = (seconds as u64).wrapping_mul(10_000_000).wrapping_add(nanoseconds as u64 / 100);
        let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = clock.get_or_insert_with(Clock::new).next(now.wrapping_add(SINCE_1582));
        // Other processes are not asked, so that the result is not known to be safe.
        Ok(Tuple::from_values([Bytes::new(bytes).into_value(), int::new(-1)]))
    }
}

native_module! {
    name: "_uuid",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        module.set_int(vm, "has_uuid_generate_time_safe", 1);
        module.set_int(vm, "has_stable_extractable_node", 0);
        Ok(())
    }
}
