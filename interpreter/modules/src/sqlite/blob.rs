//! `sqlite3.Blob`: the blob of a row, read and written in place.

use std::cell::Cell;
use std::rc::Rc;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::slice::Slice;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::connection::Connection;
use super::errors::{self, ProgrammingError};
use super::library;

#[pyclass(name = "Blob", module = "sqlite3", tracked, weak, no_new)]
pub struct Blob {
    connection: Ref<Connection>,
    #[untraced]
    inner: GilCell<Option<Rc<library::Blob>>>,
    offset: Cell<usize>,
}

impl Blob {
    /// A blob of a connection.
    pub fn make(connection: Ref<Connection>, inner: Rc<library::Blob>) -> Ref<Blob> {
        Object::new(Blob { connection, inner: GilCell::new(Some(inner)), offset: Cell::new(0) })
    }

    /// Closes the blob.
    pub fn end(&self) {
        self.inner.set(None);
    }

    fn open(&self, vm: &Vm) -> PyResult<Rc<library::Blob>> {
        self.connection.database(vm)?;
        self.connection.check_thread(vm)?;
        self.inner.get().ok_or_else(|| ProgrammingError::error(vm, "Cannot operate on a closed blob."))
    }

    fn raise(&self, vm: &Vm, result: i32) -> PyResult<()> {
        errors::raise_last(vm, &*self.connection.database(vm)?)?;
        errors::raise_result(vm, result)
    }

    fn read_at(&self, vm: &Vm, blob: &library::Blob, offset: usize, length: usize) -> PyResult<Vec<u8>> {
        let mut bytes = vec![0; length];
        if length > 0
            && let Err(result) = blob.read(vm, offset, &mut bytes)
        {
            self.raise(vm, result)?;
        }
        Ok(bytes)
    }

    fn write_at(&self, vm: &Vm, blob: &library::Blob, offset: usize, data: &[u8]) -> PyResult<()> {
        if data.len() > blob.len().saturating_sub(offset) {
            return Err(vm.value_error("data longer than blob length"));
        }
        blob.write(vm, offset, data).or_else(|result| self.raise(vm, result))
    }

    fn place(vm: &Vm, blob: &library::Blob, key: &Value) -> PyResult<usize> {
        let index = vm.index_size(key, |vm| {
            let name = key.type_of().full_name();
            vm.index_error(format!("cannot fit '{name}' into an index-sized integer"))
        })?;
        let length = blob.len();
        let place = if index < 0 { index + length as isize } else { index };
        match usize::try_from(place) {
            Ok(place) if place < length => Ok(place),
            _ => Err(vm.index_error("Blob index out of range")),
        }
    }

    /// The places that a slice picks.
    fn places(vm: &Vm, blob: &library::Blob, slice: &Slice) -> PyResult<Vec<usize>> {
        Ok(slice.indices(vm, blob.len())?.iter().collect())
    }

    /// The first and the last of some places, if there are any.
    fn ends(vm: &Vm, places: &[usize]) -> PyResult<Option<(usize, usize)>> {
        match (places.first(), places.last()) {
            (Some(&first), Some(&last)) if first > last => {
                Err(vm.value_error("Blob doesn't support slices with a negative step"))
            }
            (Some(&first), Some(&last)) => Ok(Some((first, last))),
            _ => Ok(None),
        }
    }

    fn set_slice(&self, vm: &Vm, blob: &library::Blob, slice: &Slice, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("Blob doesn't support slice deletion")) };
        let places = Blob::places(vm, blob, slice)?;
        let view: BufferView = buffer::view(vm, value)?;
        let new = view.as_slice();
        if new.len() != places.len() {
            return Err(vm.index_error("Blob slice assignment is wrong size"));
        }
        let Some((first, last)) = Blob::ends(vm, &places)? else { return Ok(()) };
        let length = last - first + 1;
        if length == places.len() {
            return self.write_at(vm, blob, first, new);
        }
        let mut bytes = self.read_at(vm, blob, first, length)?;
        for (place, byte) in places.iter().zip(new) {
            bytes[place - first] = *byte;
        }
        self.write_at(vm, blob, first, &bytes)
    }
}

#[pymethods]
impl Blob {
    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        Ok(self.open(vm)?.len())
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        let blob = self.open(vm)?;
        if key.type_of().slots().index.get().is_some() {
            let place = Blob::place(vm, &blob, key)?;
            return Ok(int::new(i64::from(self.read_at(vm, &blob, place, 1)?[0])));
        }
        let Some(slice) = key.downcast::<Slice>() else {
            return Err(vm.type_error("Blob indices must be integers"));
        };
        let places = Blob::places(vm, &blob, slice)?;
        let Some((first, last)) = Blob::ends(vm, &places)? else { return Ok(Bytes::empty().into_value()) };
        let bytes = self.read_at(vm, &blob, first, last - first + 1)?;
        let picked: Vec<u8> = places.iter().map(|place| bytes[place - first]).collect();
        Ok(Bytes::new(picked).into_value())
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let blob = self.open(vm)?;
        if key.type_of().slots().index.get().is_none() {
            return match key.downcast::<Slice>() {
                Some(slice) => self.set_slice(vm, &blob, slice, value),
                None => Err(vm.type_error("Blob indices must be integers")),
            };
        }
        let Some(value) = value else { return Err(vm.type_error("Blob doesn't support item deletion")) };
        if !int::is_int(value) {
            let name = value.type_of().full_name();
            return Err(vm.type_error(format!("'{name}' object cannot be interpreted as an integer")));
        }
        let place = Blob::place(vm, &blob, key)?;
        match int::small_value(value).and_then(|value| u8::try_from(value).ok()) {
            Some(byte) => self.write_at(vm, &blob, place, &[byte]),
            None => Err(vm.value_error("byte must be in range(0, 256)")),
        }
    }

    /// Close the blob.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        self.connection.database(vm)?;
        self.connection.check_thread(vm)?;
        self.end();
        Ok(())
    }

    /// Blob context manager enter.
    #[method("__enter__(self, /)")]
    fn enter(this: &Object<Blob>, vm: &Vm) -> PyResult {
        this.open(vm)?;
        Ok(this.to_value())
    }

    /// Blob context manager exit.
    #[method("__exit__(self, type, val, tb, /)")]
    fn exit(&self, vm: &Vm, _typ: &Value, _value: &Value, _traceback: &Value) -> PyResult<bool> {
        self.open(vm)?;
        self.end();
        Ok(false)
    }

    /// Read data at the current offset position.
    ///
    ///   length
    ///     Read length in bytes.
    ///
    /// If the end of the blob is reached, the data up to end of file will
    /// be returned.  When length is not specified, or is negative,
    /// Blob.read() will read until the end of the blob.
    #[method("read(self, length=-1, /)")]
    fn read(&self, vm: &Vm, length: i32) -> PyResult<Ref<Bytes>> {
        let blob = self.open(vm)?;
        let offset = self.offset.get();
        let left = blob.len().saturating_sub(offset);
        let length = usize::try_from(length).map_or(left, |length| length.min(left));
        let bytes = self.read_at(vm, &blob, offset, length)?;
        self.offset.set(offset + length);
        Ok(Bytes::new(bytes))
    }

    /// Set the current access position to offset.
    ///
    /// The origin argument defaults to os.SEEK_SET (absolute blob
    /// positioning).  Other values for origin are os.SEEK_CUR (seek
    /// relative to the current position) and os.SEEK_END (seek relative to
    /// the blob's end).
    #[method("seek(self, offset, origin=0, /)")]
    fn seek(&self, vm: &Vm, offset: i32, origin: i32) -> PyResult<()> {
        let blob = self.open(vm)?;
        let base = match origin {
            0 => 0,
            1 => self.offset.get() as i64,
            2 => blob.len() as i64,
            _ => {
                let message = "'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END";
                return Err(vm.value_error(message));
            }
        };
        let place = base + i64::from(offset);
        if place > i64::from(i32::MAX) {
            return Err(vm.overflow_error("seek offset results in overflow"));
        }
        match usize::try_from(place) {
            Ok(place) if place <= blob.len() => {
                self.offset.set(place);
                Ok(())
            }
            _ => Err(vm.value_error("offset out of blob range")),
        }
    }

    /// Return the current access position for the blob.
    #[method("tell(self, /)")]
    fn tell(&self, vm: &Vm) -> PyResult<usize> {
        self.open(vm)?;
        Ok(self.offset.get())
    }

    /// Write data at the current offset.
    ///
    /// This function cannot change the blob length.  Writing beyond the end
    /// of the blob will result in an exception being raised.
    #[method("write(self, data, /)")]
    fn write(&self, vm: &Vm, data: BufferView) -> PyResult<()> {
        let blob = self.open(vm)?;
        let offset = self.offset.get();
        self.write_at(vm, &blob, offset, data.as_slice())?;
        self.offset.set(offset + data.len());
        Ok(())
    }
}
