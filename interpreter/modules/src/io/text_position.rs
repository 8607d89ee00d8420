//! Positions in text: `tell` and `seek` of `TextIOWrapper`, whose numbers hold the state of the decoder too.

use num_bigint::BigInt;
use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::text::TextIOWrapper;
use super::text_codec::{Decoder, DecoderState, Encoder};
use super::unsupported;

/// What a position says: where to seek to, and what to do there before the text goes on.
#[derive(Clone, Copy, Default)]
struct Cookie {
    start: u64,
    flags: i32,
    bytes_to_feed: i32,
    characters_to_skip: i32,
    need_end: bool,
}

impl Cookie {
    /// The position as one number: plain where only the place in the file matters.
    fn value(self) -> Value {
        if self.flags == 0 && self.bytes_to_feed == 0 && self.characters_to_skip == 0 && !self.need_end {
            return int::from_i128(i128::from(self.start));
        }
        let parts = [
            (u64::from(self.need_end), 160),
            (u64::from(self.characters_to_skip as u32), 128),
            (u64::from(self.bytes_to_feed as u32), 96),
            (u64::from(self.flags as u32), 64),
            (self.start, 0),
        ];
        int::from_big(parts.into_iter().fold(BigInt::from(0), |all, (part, shift)| all | BigInt::from(part) << shift))
    }

    fn parse(number: &BigInt) -> Cookie {
        let digits = number.to_bytes_le().1;
        let mut bytes = [0u8; 24];
        for (place, digit) in bytes.iter_mut().zip(digits) {
            *place = digit;
        }
        let word = |at: usize| i32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut start = [0u8; 8];
        start.copy_from_slice(&bytes[..8]);
        Cookie {
            start: u64::from_le_bytes(start),
            flags: word(8),
            bytes_to_feed: word(12),
            characters_to_skip: word(16),
            need_end: bytes[20] != 0,
        }
    }
}

/// Finds a place in a chunk from which few bytes must be decoded to get behind `skip` characters.
fn find_start(vm: &Vm, decoder: &Decoder, position: u64, flags: i64, chunk: &[u8], skip: usize) -> PyResult<Cookie> {
    let from_start = DecoderState { pending: Vec::new(), flags };
    decoder.set_state(vm, &from_start)?;
    let mut cookie = Cookie { start: position, flags: flags as i32, ..Cookie::default() };
    let mut decoded = 0;
    let mut fed = 0;
    let mut left = skip;
    for (index, byte) in chunk.iter().enumerate() {
        fed += 1;
        decoded += decoder.decode(vm, std::slice::from_ref(byte), false)?.length();
        let state = decoder.state(vm)?;
        if state.pending.is_empty() && decoded <= left {
            // The decoder holds nothing back: positions can start here.
            cookie.start = position + index as u64 + 1;
            cookie.flags = state.flags as i32;
            left -= decoded;
            decoded = 0;
            fed = 0;
        }
        if decoded >= left {
            break;
        }
    }
    if decoded < left {
        decoded += decoder.decode(vm, &[], true)?.length();
        cookie.need_end = true;
        if decoded < left {
            return Err(vm.os_error_message("can't reconstruct logical file position"));
        }
    }
    cookie.bytes_to_feed = fed;
    cookie.characters_to_skip = left as i32;
    Ok(cookie)
}

impl TextIOWrapper {
    fn decoder_at(&self, vm: &Vm, cookie: &Cookie) -> PyResult<()> {
        let Some(decoder) = self.decoder.get() else { return Ok(()) };
        if cookie.start == 0 && cookie.flags == 0 {
            return decoder.reset(vm);
        }
        decoder.set_state(vm, &DecoderState { pending: Vec::new(), flags: i64::from(cookie.flags) })
    }

    fn encoder_at(&self, vm: &Vm, at_start: bool) -> PyResult<()> {
        let Some(Encoder::Object(encoder)) = self.encoder.borrow().as_ref().map(Encoder::share) else {
            return Ok(());
        };
        if at_start {
            vm.call_method_str(&encoder, "reset", &[]).map(drop)
        } else {
            vm.call_method_str(&encoder, "setstate", &[Value::int(0)]).map(drop)
        }
    }

    fn seek_to_cookie(&self, vm: &Vm, buffer: &Value, cookie: &Cookie) -> PyResult<()> {
        vm.call_method_str(buffer, "seek", &[int::from_i128(i128::from(cookie.start))])?;
        self.forget_decoded();
        self.snapshot.set(None);
        self.decoder_at(vm, cookie)?;
        if cookie.characters_to_skip > 0 {
            let Some(decoder) = self.decoder.get() else { return Ok(()) };
            let chunk = vm.call_method_str(buffer, "read", &[Value::int(cookie.bytes_to_feed)])?;
            let bytes = super::base::expect_bytes(vm, &chunk, "underlying read()")?;
            self.snapshot.set(Some((i64::from(cookie.flags), bytes.to_vec())));
            let text = decoder.decode(vm, bytes, cookie.need_end)?;
            let skip = cookie.characters_to_skip as usize;
            if text.length() < skip {
                return Err(vm.os_error_message("can't restore logical file position"));
            }
            self.set_decoded(text);
            self.taken.set(skip);
        } else {
            self.snapshot.set(Some((i64::from(cookie.flags), Vec::new())));
        }
        self.encoder_at(vm, cookie.start == 0 && cookie.flags == 0)
    }
}

#[pymethods(POSITION_METHODS)]
impl TextIOWrapper {
    /// Return the stream position as an opaque number.
    #[method("tell(self, /)")]
    fn tell(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let buffer = stream.check_open(vm)?;
        if !stream.seekable.get() {
            return Err(unsupported(vm, "underlying stream is not seekable"));
        }
        if !stream.telling.get() {
            return Err(vm.os_error_message("telling position disabled by next() call"));
        }
        stream.hand_on(vm, &buffer)?;
        vm.call_method_str(this, "flush", &[])?;
        let position = vm.call_method_str(&buffer, "tell", &[])?;
        let (Some(decoder), Some((flags, chunk))) = (stream.decoder.get(), stream.snapshot.get()) else {
            return Ok(position);
        };
        let position: i64 = int::to_fixed(vm, &position, "long")?;
        let start = (position - chunk.len() as i64) as u64;
        let taken = stream.taken.get();
        if taken == 0 {
            return Ok(Cookie { start, flags: flags as i32, ..Cookie::default() }.value());
        }
        let saved = decoder.state(vm)?;
        let found = find_start(vm, &decoder, start, flags, &chunk, taken);
        decoder.set_state(vm, &saved)?;
        Ok(found?.value())
    }

    /// Set the stream position, and return the new stream position.
    #[method("seek(self, cookie, whence=os.SEEK_SET, /)")]
    fn seek(vm: &Vm, this: &Value, cookie: &Value, whence: Option<i32>) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let buffer = stream.check_open(vm)?;
        if !stream.seekable.get() {
            return Err(unsupported(vm, "underlying stream is not seekable"));
        }
        let mut cookie = cookie.clone();
        match whence.unwrap_or(0) {
            0 => {}
            1 => {
                if !vm.equal(&cookie, &Value::int(0))? {
                    return Err(unsupported(vm, "can't do nonzero cur-relative seeks"));
                }
                vm.call_method_str(this, "flush", &[])?;
                cookie = vm.call_method_str(this, "tell", &[])?;
            }
            2 => {
                if !vm.equal(&cookie, &Value::int(0))? {
                    return Err(unsupported(vm, "can't do nonzero end-relative seeks"));
                }
                vm.call_method_str(this, "flush", &[])?;
                stream.forget_decoded();
                stream.snapshot.set(None);
                if let Some(decoder) = stream.decoder.get() {
                    decoder.reset(vm)?;
                }
                let end = vm.call_method_str(&buffer, "seek", &[Value::int(0), Value::int(2)])?;
                stream.encoder_at(vm, vm.equal(&end, &Value::int(0))?)?;
                return Ok(end);
            }
            other => return Err(vm.value_error(format!("invalid whence ({other}, should be 0, 1 or 2)"))),
        }
        if vm.less(&cookie, &Value::int(0))? {
            let shown = vm.repr(&cookie)?;
            return Err(vm.value_error(format!("negative seek position {}", shown.to_string_lossy())));
        }
        vm.call_method_str(this, "flush", &[])?;
        let number = int::to_big(vm, &cookie)?;
        stream.seek_to_cookie(vm, &buffer, &Cookie::parse(&number))?;
        Ok(cookie)
    }

    /// Truncate the file to the given position, the present one by default.
    #[method("truncate(self, pos=None, /)")]
    fn truncate(vm: &Vm, this: &Value, pos: Option<&Value>) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let buffer = stream.check_ready(vm)?;
        vm.call_method_str(this, "flush", &[])?;
        match pos.filter(|pos| !is_none(pos)) {
            Some(pos) => vm.call_method_str(&buffer, "truncate", std::slice::from_ref(pos)),
            None => vm.call_method_str(&buffer, "truncate", &[]),
        }
    }
}
