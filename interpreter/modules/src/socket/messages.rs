//! Messages with control data: `sendmsg`, `recvmsg`, `recvmsg_into`, `sendmsg_afalg`.

use rspy_macros::pymethods;
use rspy_runtime::audit;
use rspy_runtime::buffer::{BufferView, view, writable_view};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, ControlMessage, ReceivedMessage, c};
use rspy_runtime::object::Object;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::address;
use super::object::Socket;

const ALGORITHM_LEVEL: i32 = 279;

/// The buffers of an iterable, to be sent.
fn buffers(vm: &Vm, iterable: &Value) -> PyResult<Vec<BufferView>> {
    let items = vm.collect_or(iterable, || vm.type_error("sendmsg() argument 1 must be an iterable"))?;
    items.iter().map(|item| view(vm, item)).collect()
}

fn control_messages(vm: &Vm, iterable: &Value) -> PyResult<Vec<ControlMessage>> {
    let items = vm.collect_or(iterable, || vm.type_error("sendmsg() argument 2 must be an iterable"))?;
    let mut all = Vec::with_capacity(items.len());
    let mut length = 0usize;
    for item in &items {
        let wrong = |shown: String| {
            vm.type_error(format!("[sendmsg() ancillary data items]() argument must be 3-item tuple, not {shown}"))
        };
        let tuple = item.downcast::<Tuple>().ok_or_else(|| wrong(item.type_of().full_name()))?;
        let [level, kind, data] = tuple.payload().items() else {
            return Err(vm.type_error(format!(
                "[sendmsg() ancillary data items]() takes exactly 3 arguments ({} given)",
                tuple.payload().items().len()
            )));
        };
        let level = int::to_fixed(vm, &vm.index(level)?, "i")?;
        let kind = int::to_fixed(vm, &vm.index(kind)?, "i")?;
        let data = view(vm, data)?.to_vec();
        let Some(space) = host::control_space(data.len()) else {
            return Err(vm.os_error_message("ancillary data item too large"));
        };
        length += space;
        if length > i32::MAX as usize {
            return Err(vm.os_error_message("too much ancillary data"));
        }
        all.push(ControlMessage { level, kind, data });
    }
    Ok(all)
}

fn control_room(vm: &Vm, length: isize) -> PyResult<usize> {
    match usize::try_from(length) {
        Ok(length) if i32::try_from(length).is_ok() => Ok(length),
        _ => Err(vm.value_error("invalid ancillary data buffer length")),
    }
}

/// What `recvmsg` answers behind the data.
fn rest_of(vm: &Vm, socket: &Socket, message: ReceivedMessage) -> [Value; 3] {
    let controls: Vec<Value> = message
        .controls
        .into_iter()
        .map(|control| {
            let data = Bytes::new(control.data).into_value();
            Tuple::from_values([Value::int(control.level), Value::int(control.kind), data]).into_value()
        })
        .collect();
    let controls = rspy_runtime::types::list::List::from_vec(controls).into_value();
    [controls, Value::int(message.flags), address::show(vm, &message.address, socket.protocol())]
}

#[pymethods(MESSAGES)]
impl Socket {
    /// Send normal and ancillary data to the socket; the number of bytes of normal data sent.
    #[method("sendmsg(self, buffers, ancdata=<unrepresentable>, flags=0, address=None, /)")]
    fn sendmsg(
        this: &Object<Socket>,
        vm: &Vm,
        sent: &Value,
        ancdata: Option<&Value>,
        flags: i32,
        target: Option<&Value>,
    ) -> PyResult<usize> {
        let target = target.filter(|target| !is_none(target));
        let address = target.map_or(Ok(Vec::new()), |target| address::parse(vm, this, target, "sendmsg"))?;
        audit::raise_event(vm, "socket.sendmsg", || {
            vec![this.to_value(), target.cloned().unwrap_or_else(rspy_runtime::types::none::none)]
        })?;
        let views = buffers(vm, sent)?;
        let controls = ancdata.map_or(Ok(Vec::new()), |ancdata| control_messages(vm, ancdata))?;
        let parts: Vec<&[u8]> = views.iter().map(BufferView::as_slice).collect();
        this.call_once(vm, true, |descriptor| host::send_message(descriptor, &parts, &controls, flags, &address))
    }

    /// Set mode, IV and number of associated data bytes for an AF_ALG operation, and send data.
    #[method("sendmsg_afalg(self, msg=<unrepresentable>, *, op=-1, iv=<unrepresentable>, assoclen=<unrepresentable>, flags=0)")]
    fn sendmsg_afalg(
        this: &Object<Socket>,
        vm: &Vm,
        sent: Option<&Value>,
        operation: i32,
        vector: Option<BufferView>,
        associated: Option<&Value>,
        flags: i32,
    ) -> PyResult<usize> {
        if this.family() != c::AF_ALG {
            return Err(vm.os_error_message("algset is only supported for AF_ALG"));
        }
        if operation < 0 {
            return Err(vm.type_error("Invalid or missing argument 'op'"));
        }
        let control = |kind, data| ControlMessage { level: ALGORITHM_LEVEL, kind, data };
        let mut controls = vec![control(c::ALG_SET_OP, (operation as u32).to_ne_bytes().to_vec())];
        if let Some(vector) = vector {
            let mut data = (vector.len() as u32).to_ne_bytes().to_vec();
            data.extend(vector.as_slice());
            controls.push(control(c::ALG_SET_IV, data));
        }
        if let Some(associated) = associated {
            let length: i32 = int::to_fixed(vm, &vm.index(associated)?, "i")?;
            let length = u32::try_from(length).map_err(|_| vm.type_error("assoclen must be positive"))?;
            controls.push(control(c::ALG_SET_AEAD_ASSOCLEN, length.to_ne_bytes().to_vec()));
        }
        let views = sent.map_or(Ok(Vec::new()), |sent| buffers(vm, sent))?;
        let parts: Vec<&[u8]> = views.iter().map(BufferView::as_slice).collect();
        this.call_once(vm, true, |descriptor| host::send_message(descriptor, &parts, &controls, flags, &[]))
    }

    /// Receive normal data and ancillary data from the socket.
    #[method("recvmsg(self, bufsize, ancbufsize=0, flags=0, /)")]
    fn recvmsg(
        &self,
        vm: &Vm,
        bufsize: isize,
        ancbufsize: isize,
        flags: i32,
    ) -> PyResult<(Value, Value, Value, Value)> {
        let Ok(length) = usize::try_from(bufsize) else {
            return Err(vm.value_error("negative buffer size in recvmsg()"));
        };
        let controls = control_room(vm, ancbufsize)?;
        let mut room = crate::posix::zeros(vm, length)?;
        let message = self.call_once(vm, false, |descriptor| {
            host::receive_message(descriptor, &mut [&mut room], controls, flags)
        })?;
        room.truncate(message.count);
        room.shrink_to_fit();
        let [controls, flags, address] = rest_of(vm, self, message);
        Ok((Bytes::new(room).into_value(), controls, flags, address))
    }

    /// Receive normal data into buffers, and ancillary data, from the socket.
    #[method("recvmsg_into(self, buffers, ancbufsize=0, flags=0, /)")]
    fn recvmsg_into(
        &self,
        vm: &Vm,
        rooms: &Value,
        ancbufsize: isize,
        flags: i32,
    ) -> PyResult<(usize, Value, Value, Value)> {
        let items = vm.collect_or(rooms, || vm.type_error("recvmsg_into() argument 1 must be an iterable"))?;
        let mut views = Vec::with_capacity(items.len());
        for item in &items {
            views.push(writable_view(vm, item).map_err(|_| {
                vm.type_error("recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers")
            })?);
        }
        let controls = control_room(vm, ancbufsize)?;
        let mut parts: Vec<&mut [u8]> = views.iter_mut().map(BufferView::as_mut_slice).collect();
        let message = self.call_once(vm, false, |descriptor| {
            host::receive_message(descriptor, &mut parts, controls, flags)
        })?;
        let count = message.count;
        let [controls, flags, address] = rest_of(vm, self, message);
        Ok((count, controls, flags, address))
    }
}
