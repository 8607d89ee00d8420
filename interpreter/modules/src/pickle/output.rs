//! The bytes of a pickle while it is written, in frames from protocol 4 on (PEP 3154).

use super::opcodes::FRAME;

/// Opcode and length of a frame.
const HEADER: usize = 9;
/// Frames shorter than this go without their header.
const SHORTEST: usize = 4;
/// A frame ends where it has become this long, and bytes of this length stay outside of frames.
pub const FRAME_TARGET: usize = 64 * 1024;

/// One growing buffer.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    framing: bool,
    /// Where the frame being written begins, with room for its header.
    frame: Option<usize>,
}

impl Output {
    /// Nothing written yet.
    pub fn new() -> Output {
        Output { bytes: Vec::with_capacity(256), framing: false, frame: None }
    }

    /// From here on bytes belong to frames.
    pub fn begin_framing(&mut self) {
        self.framing = true;
        self.begin_frame();
    }

    /// From here on bytes belong to no frames.
    pub fn end_framing(&mut self) {
        self.framing = false;
        self.frame = None;
    }

    /// Begins the next frame, where there are frames.
    pub fn begin_frame(&mut self) {
        if self.framing {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; HEADER]);
        }
    }

    /// Writes an opcode.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes an opcode and its argument of up to eight bytes, at once.
    #[inline(always)]
    pub fn opcode<const N: usize>(&mut self, opcode: u8, argument: [u8; N]) {
        let mut both = [opcode; 9];
        both[1..=N].copy_from_slice(&argument);
        self.bytes.extend_from_slice(&both[..=N]);
    }

    /// Whether the frame is long enough to end here.
    #[inline]
    pub fn is_frame_full(&self) -> bool {
        self.frame.is_some_and(|start| self.bytes.len() - start - HEADER >= FRAME_TARGET)
    }

    /// Ends the frame; what follows belongs to none until another begins.
    pub fn end_frame(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let length = self.bytes.len() - start - HEADER;
        if length >= SHORTEST {
            self.bytes[start] = FRAME;
            self.bytes[start + 1..start + HEADER].copy_from_slice(&(length as u64).to_le_bytes());
        } else {
            self.bytes.drain(start..start + HEADER);
        }
    }

    /// The bytes so far, and nothing is written any more.
    pub fn take(&mut self) -> Vec<u8> {
        self.frame = None;
        std::mem::take(&mut self.bytes)
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frame = None;
        self.framing = false;
    }

    /// How much room is taken.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
