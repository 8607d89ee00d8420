//! What the decompressors of `bz2`, `lzma` and `zstd` do alike: they keep input that is not used yet, stop at a limit of
//! output, and notice the end of the data.

use std::cell::Cell;

use rspy_runtime::cell::GilCell;
use rspy_runtime::object::Ref;
use rspy_runtime::types::bytes::Bytes;

/// What one step of a decompressor did.
pub struct Step {
    /// Bytes of the input that were used.
    pub consumed: usize,
    /// Bytes that were put out.
    pub produced: usize,
    /// Whether the data has ended.
    pub ended: bool,
}

/// The state between calls.
pub struct Feed {
    pending: GilCell<Vec<u8>>,
    unused: GilCell<Vec<u8>>,
    ended: Cell<bool>,
    needs_input: Cell<bool>,
    failed: Cell<bool>,
    /// Whether output may be left inside where exactly as much came out as was asked for.
    keeps_output: bool,
}

/// The least room that is made for output.
const SMALLEST_ROOM: usize = 32 * 1024;

impl Feed {
    /// Nothing was read so far.
    pub fn new(keeps_output: bool) -> Feed {
        Feed {
            pending: GilCell::default(),
            unused: GilCell::default(),
            ended: Cell::new(false),
            needs_input: Cell::new(true),
            failed: Cell::new(false),
            keeps_output,
        }
    }

    /// Whether the data has ended.
    pub fn ended(&self) -> bool {
        self.ended.get()
    }

    /// Whether more output needs more input.
    pub fn needs_input(&self) -> bool {
        self.needs_input.get()
    }

    /// Whether the data was damaged.
    pub fn failed(&self) -> bool {
        self.failed.get()
    }

    /// What stood behind the data.
    pub fn unused(&self) -> Ref<Bytes> {
        Bytes::new(self.unused.get())
    }

    /// Decompresses what is there, up to `most` bytes.
    ///
    /// # Errors
    /// Those of the steps; nothing is to be expected from the decompressor then.
    pub fn run<E>(
        &self,
        data: &[u8],
        most: usize,
        mut step: impl FnMut(&[u8], &mut [u8]) -> Result<Step, E>,
    ) -> Result<Vec<u8>, E> {
        let mut input = self.pending.take();
        input.extend_from_slice(data);
        let mut used = 0;
        let mut out: Vec<u8> = Vec::new();
        let mut is_full;
        loop {
            let before = out.len();
            let room = before.max(SMALLEST_ROOM).min(most - before);
            out.resize(before + room, 0);
            let done = step(&input[used..], &mut out[before..]).inspect_err(|_| self.failed.set(true))?;
            out.truncate(before + done.produced);
            used += done.consumed;
            is_full = done.produced == room;
            if done.ended {
                self.ended.set(true);
                break;
            }
            let is_stuck = !is_full && (used == input.len() || done.consumed + done.produced == 0);
            if is_stuck || out.len() == most {
                break;
            }
        }
        input.drain(..used);
        if self.ended.get() {
            self.needs_input.set(false);
            drop(self.unused.replace(input));
        } else {
            self.needs_input.set(input.is_empty() && !(self.keeps_output && is_full));
            drop(self.pending.replace(input));
        }
        Ok(out)
    }
}
