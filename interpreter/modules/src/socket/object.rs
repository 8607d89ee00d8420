//! The socket object: what it is made of, time-outs, and the plain operations.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::audit;
use rspy_runtime::buffer::{BufferView, view, writable_view};
use rspy_runtime::exceptions::{Exception, PyResult, hierarchy, os_error, print};
use rspy_runtime::host::{self, PollDescriptor, c};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::paths::OrRaise;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::address;
use crate::time::{Rounding, nanoseconds_of};

/// The time-out of new sockets in nanoseconds; negative for none.
static DEFAULT_TIMEOUT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(-1);

/// The time-out of new sockets.
pub fn default_timeout() -> i64 {
    DEFAULT_TIMEOUT.load(std::sync::atomic::Ordering::Relaxed)
}

/// Sets the time-out of new sockets.
pub fn set_default_timeout(timeout: i64) {
    DEFAULT_TIMEOUT.store(timeout, std::sync::atomic::Ordering::Relaxed);
}

/// A number of seconds as time-out; `None` is none.
pub fn parse_timeout(vm: &Vm, timeout: &Value) -> PyResult<i64> {
    if is_none(timeout) {
        return Ok(-1);
    }
    if !int::is_int(timeout) && float::as_f64(timeout).is_none() {
        return Err(vm.type_error(format!(
            "'{}' object cannot be interpreted as an integer or float",
            timeout.type_of().full_name()
        )));
    }
    let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up)?;
    if nanoseconds < 0 {
        return Err(vm.value_error("Timeout value out of range"));
    }
    Ok(nanoseconds)
}

/// A time-out as Python number, or `None`.
pub fn show_timeout(timeout: i64) -> Value {
    if timeout < 0 { none() } else { float::new(timeout as f64 / 1e9) }
}

/// A socket: one end of a connection, or what takes connections.
#[pyclass(name = "socket", module = "_socket", tracked, subclassable, methods(MESSAGES))]
pub struct Socket {
    descriptor: Cell<i32>,
    family: Cell<i32>,
    kind: Cell<i32>,
    protocol: Cell<i32>,
    /// Nanoseconds; negative for a socket that blocks, 0 for one that does not.
    timeout: Cell<i64>,
}

/// When an operation is over; reckoned when it first has to wait.
#[derive(Default)]
pub struct Deadline(Option<Instant>);

fn timed_out(vm: &Vm) -> Exception {
    vm.new_exception(os_error::TimeoutError::static_type(), "timed out")
}

impl Socket {
    /// The descriptor; -1 where it is closed.
    pub fn descriptor(&self) -> i32 {
        self.descriptor.get()
    }

    /// The family of its addresses.
    pub fn family(&self) -> i32 {
        self.family.get()
    }

    /// The protocol.
    pub fn protocol(&self) -> i32 {
        self.protocol.get()
    }

    /// Waits until the socket is ready.
    fn wait(&self, vm: &Vm, writing: bool, deadline: &mut Deadline) -> PyResult<()> {
        let timeout = Duration::from_nanos(self.timeout.get() as u64);
        let first = deadline.0.is_none();
        let end = *deadline.0.get_or_insert_with(|| Instant::now() + timeout);
        if !first && Instant::now() >= end {
            return Err(timed_out(vm));
        }
        let events = if writing { c::POLLOUT } else { c::POLLIN };
        let mut waiting = [PollDescriptor { fd: self.descriptor(), events, revents: 0 }];
        loop {
            let ready = vm.blocking(|| {
                let rest = end.saturating_duration_since(Instant::now()).as_nanos().div_ceil(1_000_000);
                host::poll(&mut waiting, i32::try_from(rest).unwrap_or(i32::MAX))
            })?;
            if ready.or_raise(vm)? > 0 {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(timed_out(vm));
            }
        }
    }

    /// Makes a call that can block, within the time-out.
    pub fn call<T>(
        &self,
        vm: &Vm,
        writing: bool,
        deadline: &mut Deadline,
        mut call: impl FnMut(i32) -> host::Result<T>,
    ) -> PyResult<T> {
        loop {
            let waits = self.timeout.get() > 0;
            if waits {
                self.wait(vm, writing, deadline)?;
            }
            match vm.blocking(|| call(self.descriptor()))? {
                Err(error) if waits && (error.0 == c::EWOULDBLOCK || error.0 == c::EAGAIN) => {}
                result => return result.or_raise(vm),
            }
        }
    }

    /// Makes a call with a new deadline.
    pub fn call_once<T>(&self, vm: &Vm, writing: bool, call: impl FnMut(i32) -> host::Result<T>) -> PyResult<T> {
        self.call(vm, writing, &mut Deadline::default(), call)
    }

    fn number_option(&self, vm: &Vm, option: i32) -> PyResult<i32> {
        let mut value = [0; 4];
        host::socket_option(self.descriptor(), c::SOL_SOCKET, option, &mut value).or_raise(vm)?;
        Ok(i32::from_ne_bytes(value))
    }

    fn empty() -> Socket {
        Socket {
            descriptor: Cell::new(-1),
            family: Cell::new(0),
            kind: Cell::new(0),
            protocol: Cell::new(0),
            timeout: Cell::new(-1),
        }
    }

    /// A socket of a descriptor that the system has just made.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn of_descriptor(
        vm: &Vm,
        descriptor: i32,
        family: i32,
        kind: i32,
        protocol: i32,
    ) -> PyResult<Ref<Socket>> {
        let socket = Object::new(Socket::empty());
        socket.set_up(vm, descriptor, family, kind, protocol)?;
        Ok(socket)
    }

    /// Takes a descriptor over; what the caller did not say is asked of the system.
    fn adopt(&self, vm: &Vm, descriptor: i32, family: i32, kind: i32, protocol: i32) -> PyResult<()> {
        if descriptor < 0 {
            return Err(vm.value_error("negative file descriptor"));
        }
        let mut family = family;
        match host::own_address(descriptor) {
            Ok(own) if family == -1 => family = address::family_of(&own),
            Err(error) if family == -1 || error.0 == c::EBADF || error.0 == c::ENOTSOCK => {
                return Err(vm.os_error(error.0, None, None));
            }
            _ => {}
        }
        let asked = Socket {
            descriptor: Cell::new(descriptor),
            family: Cell::new(family),
            kind: Cell::new(kind),
            protocol: Cell::new(protocol),
            timeout: Cell::new(-1),
        };
        let kind = if kind == -1 { asked.number_option(vm, c::SO_TYPE)? } else { kind };
        let protocol = if protocol == -1 { asked.number_option(vm, c::SO_PROTOCOL)? } else { protocol };
        self.set_up(vm, descriptor, family, kind, protocol)
    }

    fn set_up(&self, vm: &Vm, descriptor: i32, family: i32, kind: i32, protocol: i32) -> PyResult<()> {
        self.descriptor.set(descriptor);
        self.family.set(family);
        self.kind.set(kind & !(c::SOCK_NONBLOCK | c::SOCK_CLOEXEC));
        self.protocol.set(protocol);
        if kind & c::SOCK_NONBLOCK != 0 {
            self.timeout.set(0);
            return Ok(());
        }
        self.timeout.set(default_timeout());
        if default_timeout() >= 0 {
            host::set_blocking(descriptor, false).or_raise(vm)?;
        }
        Ok(())
    }

    /// Connects; the inner result has the system's error.
    fn connect_now(&self, vm: &Vm, address: &[u8]) -> PyResult<host::Result> {
        let descriptor = self.descriptor();
        match vm.allow_threads(|| host::connect(descriptor, address)) {
            Ok(()) => return Ok(Ok(())),
            Err(error) if error.is_interruption() => {
                // The connection goes on being made; without a time-out there is nothing to wait for.
                if self.timeout.get() == 0 {
                    return Ok(Err(error));
                }
                vm.check_signals()?;
            }
            Err(error) if error.0 == c::EINPROGRESS && self.timeout.get() > 0 => {}
            Err(error) => return Ok(Err(error)),
        }
        if self.timeout.get() > 0 {
            self.wait(vm, true, &mut Deadline::default())?;
        } else {
            let mut waiting = [PollDescriptor { fd: descriptor, events: c::POLLOUT, revents: 0 }];
            vm.blocking(|| host::poll(&mut waiting, -1))?.or_raise(vm)?;
        }
        match self.number_option(vm, c::SO_ERROR)? {
            0 => Ok(Ok(())),
            c::EISCONN => Ok(Ok(())),
            error => Ok(Err(host::Errno(error))),
        }
    }

    fn close_now(&self, vm: &Vm) -> PyResult<()> {
        let descriptor = self.descriptor.replace(-1);
        if descriptor == -1 {
            return Ok(());
        }
        match vm.allow_threads(|| host::close(descriptor)) {
            // The other end went away first, which does not matter any more.
            Err(error) if error.0 == c::ECONNRESET => Ok(()),
            result => result.or_raise(vm),
        }
    }

    fn length_argument(vm: &Vm, length: isize, method: &str) -> PyResult<usize> {
        usize::try_from(length).map_err(|_| vm.value_error(format!("negative buffersize in {method}")))
    }
}

/// A buffer that can be written.
pub fn writable(vm: &Vm, method: &str, buffer: &Value) -> PyResult<BufferView> {
    writable_view(vm, buffer).map_err(|_| {
        vm.type_error(format!(
            "{method}() argument 1 must be read-write bytes-like object, not {}",
            buffer.type_of().full_name()
        ))
    })
}

#[pymethods]
impl Socket {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Socket::empty()).into_value())
    }

    #[init("socket(family=-1, type=-1, proto=-1, fileno=None)")]
    fn init(
        this: &Object<Socket>,
        vm: &Vm,
        family: i32,
        kind: i32,
        protocol: i32,
        fileno: Option<&Value>,
    ) -> PyResult<()> {
        audit::raise_event(vm, "socket.__new__", || {
            vec![this.to_value(), Value::int(family), Value::int(kind), Value::int(protocol)]
        })?;
        if let Some(fileno) = fileno {
            let descriptor = int::to_fixed(vm, &vm.index(fileno)?, "i")?;
            return this.adopt(vm, descriptor, family, kind, protocol);
        }
        let or = |number, default| if number == -1 { default } else { number };
        let (family, kind) = (or(family, c::AF_INET), or(kind, c::SOCK_STREAM));
        let protocol = or(protocol, 0);
        let descriptor =
            vm.allow_threads(|| host::socket(family, kind | c::SOCK_CLOEXEC, protocol)).or_raise(vm)?;
        this.set_up(vm, descriptor, family, kind, protocol)
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!(
            "<socket object, fd={}, family={}, type={}, proto={}>",
            self.descriptor(),
            self.family(),
            self.kind.get(),
            self.protocol()
        )
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        let Some(socket) = this.downcast::<Socket>() else { return };
        if socket.descriptor() == -1 {
            return;
        }
        let warned = vm.repr(this).and_then(|shown| {
            let message = format!("unclosed {}", shown.to_string_lossy());
            rspy_runtime::warnings::resource_warning(vm, this, &message, 1)
        });
        if let Err(error) = warned
            && error.is(hierarchy::Warning::static_type())
        {
            print::write_unraisable(vm, error, None, Some(this));
        }
        // Nobody is left to be told of an error.
        let _ = socket.close_now(vm);
    }

    /// the socket family
    #[getter("family", member)]
    fn family_member(&self) -> i32 {
        self.family()
    }

    /// the socket type
    #[getter("type", member)]
    fn kind_member(&self) -> i32 {
        self.kind.get()
    }

    /// the socket protocol
    #[getter("proto", member)]
    fn protocol_member(&self) -> i32 {
        self.protocol()
    }

    /// the socket timeout
    #[getter("timeout")]
    fn timeout_attribute(&self) -> Value {
        show_timeout(self.timeout.get())
    }

    /// Wait for an incoming connection; the new descriptor and the address of the client.
    #[method("_accept(self, /)")]
    fn accept(&self, vm: &Vm) -> PyResult<(i32, Value)> {
        let (descriptor, address) = self.call_once(vm, false, host::accept)?;
        Ok((descriptor, address::show(vm, &address, self.protocol())))
    }

    /// Bind the socket to a local address.
    #[method("bind(self, object, /)")]
    fn bind(this: &Object<Socket>, vm: &Vm, object: &Value) -> PyResult<()> {
        let address = address::parse(vm, this, object, "bind")?;
        audit::raise_event(vm, "socket.bind", || vec![this.to_value(), object.clone()])?;
        vm.allow_threads(|| host::bind(this.descriptor(), &address)).or_raise(vm)
    }

    /// Close the socket. It cannot be used after this call.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        self.close_now(vm)
    }

    /// Connect the socket to a remote address.
    #[method("connect(self, object, /)")]
    fn connect(this: &Object<Socket>, vm: &Vm, object: &Value) -> PyResult<()> {
        let address = address::parse(vm, this, object, "connect")?;
        audit::raise_event(vm, "socket.connect", || vec![this.to_value(), object.clone()])?;
        this.connect_now(vm, &address)?.or_raise(vm)
    }

    /// Like connect(address), but return an error code instead of raising an exception.
    #[method("connect_ex(self, object, /)")]
    fn connect_ex(this: &Object<Socket>, vm: &Vm, object: &Value) -> PyResult<i32> {
        let address = address::parse(vm, this, object, "connect_ex")?;
        audit::raise_event(vm, "socket.connect", || vec![this.to_value(), object.clone()])?;
        match this.connect_now(vm, &address) {
            Ok(Ok(())) => Ok(0),
            Ok(Err(error)) => Ok(error.0),
            // A time-out is told as what the system says of an operation that would block.
            Err(error) if error.is_a::<os_error::TimeoutError>() => Ok(c::EWOULDBLOCK),
            Err(error) => Err(error),
        }
    }

    /// Close the socket object without closing the underlying file descriptor.
    #[method("detach(self, /)")]
    fn detach(&self) -> i32 {
        self.descriptor.replace(-1)
    }

    /// Return the integer file descriptor of the socket.
    #[method("fileno(self, /)")]
    fn fileno(&self) -> i32 {
        self.descriptor()
    }

    /// Return the address of the remote endpoint.
    #[method("getpeername(self, /)")]
    fn getpeername(&self, vm: &Vm) -> PyResult {
        let descriptor = self.descriptor();
        let address = vm.allow_threads(|| host::peer_address(descriptor)).or_raise(vm)?;
        Ok(address::show(vm, &address, self.protocol()))
    }

    /// Return the address of the local endpoint.
    #[method("getsockname(self, /)")]
    fn getsockname(&self, vm: &Vm) -> PyResult {
        let descriptor = self.descriptor();
        let address = vm.allow_threads(|| host::own_address(descriptor)).or_raise(vm)?;
        Ok(address::show(vm, &address, self.protocol()))
    }

    /// Get a socket option: an int, or bytes where a buffer's length is given.
    #[method("getsockopt(self, level, option, buffersize=0, /)")]
    fn getsockopt(&self, vm: &Vm, level: i32, option: i32, buffersize: i32) -> PyResult {
        if buffersize == 0 {
            let mut value = [0; 8];
            let room = if self.family() == c::AF_VSOCK { &mut value[..] } else { &mut value[..4] };
            host::socket_option(self.descriptor(), level, option, room).or_raise(vm)?;
            if self.family() == c::AF_VSOCK {
                return Ok(int::from_i128(i128::from(u64::from_ne_bytes(value))));
            }
            let [a, b, c, d, ..] = value;
            return Ok(Value::int(i32::from_ne_bytes([a, b, c, d])));
        }
        if self.family() == c::AF_VSOCK {
            return Err(vm.os_error_message("getsockopt string buffer not allowed"));
        }
        if !(1..=1024).contains(&buffersize) {
            return Err(vm.os_error_message("getsockopt buflen out of range"));
        }
        let mut value = vec![0; buffersize as usize];
        let length = host::socket_option(self.descriptor(), level, option, &mut value).or_raise(vm)?;
        value.truncate(length);
        Ok(Bytes::new(value).into_value())
    }

    /// Set a socket option: to an int, to a buffer, or to nothing with a length.
    #[method("setsockopt")]
    fn setsockopt(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        crate::support::no_keywords(vm, "socket.setsockopt", names)?;
        if !(3..=4).contains(&args.len()) {
            return Err(vm.type_error(format!("setsockopt() takes exactly 3 arguments ({} given)", args.len())));
        }
        let level: i32 = int::to_fixed(vm, &vm.index(&args[0])?, "i")?;
        let option: i32 = int::to_fixed(vm, &vm.index(&args[1])?, "i")?;
        let descriptor = self.descriptor();
        let value = &args[2];
        if let Some(length) = args.get(3) {
            if !is_none(value) {
                return Err(vm.type_error("setsockopt() takes exactly 3 arguments (4 given)"));
            }
            let length: u32 = int::to_fixed(vm, &vm.index(length)?, "unsigned int")?;
            return host::set_socket_option_length(descriptor, level, option, length).or_raise(vm);
        }
        if self.family() == c::AF_VSOCK && int::is_int(value) {
            let number: u64 = int::to_fixed(vm, value, "unsigned long")?;
            return host::set_socket_option(descriptor, level, option, &number.to_ne_bytes()).or_raise(vm);
        }
        if int::is_int(value)
            && let Ok(number) = int::to_fixed::<i32>(vm, value, "i")
        {
            return host::set_socket_option(descriptor, level, option, &number.to_ne_bytes()).or_raise(vm);
        }
        let value = view(vm, value)?;
        host::set_socket_option(descriptor, level, option, value.as_slice()).or_raise(vm)
    }

    /// Enable a server to accept connections.
    #[method("listen(self, backlog=<unrepresentable>, /)")]
    fn listen(&self, vm: &Vm, backlog: Option<i32>) -> PyResult<()> {
        let backlog = backlog.unwrap_or(128).max(0);
        let descriptor = self.descriptor();
        vm.allow_threads(|| host::listen(descriptor, backlog)).or_raise(vm)
    }

    /// Shut down the reading side, the writing side, or both sides of the connection.
    #[method("shutdown(self, object, /)")]
    fn shutdown(&self, vm: &Vm, object: i32) -> PyResult<()> {
        let descriptor = self.descriptor();
        vm.allow_threads(|| host::shutdown(descriptor, object)).or_raise(vm)
    }

    /// Set the socket to blocking (flag is true) or non-blocking (false).
    #[method("setblocking(self, object, /)")]
    fn setblocking(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let blocking = vm.is_true(object)?;
        self.timeout.set(if blocking { -1 } else { 0 });
        host::set_blocking(self.descriptor(), blocking).or_raise(vm)
    }

    /// Returns True if socket is in blocking mode, or False if it is in non-blocking mode.
    #[method("getblocking(self, /)")]
    fn getblocking(&self) -> bool {
        self.timeout.get() != 0
    }

    /// Set a timeout on socket operations; None for no timeout.
    #[method("settimeout(self, object, /)")]
    fn settimeout(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let timeout = parse_timeout(vm, object)?;
        self.timeout.set(timeout);
        host::set_blocking(self.descriptor(), timeout < 0).or_raise(vm)
    }

    /// Returns the timeout in seconds (float) associated with socket operations.
    #[method("gettimeout(self, /)")]
    fn gettimeout(&self) -> Value {
        show_timeout(self.timeout.get())
    }

    /// Receive up to buffersize bytes from the socket.
    #[method("recv(self, buffersize, flags=0, /)")]
    fn recv(&self, vm: &Vm, buffersize: isize, flags: i32) -> PyResult {
        crate::posix::read_bytes(vm, Socket::length_argument(vm, buffersize, "recv")?, |room| {
            self.call_once(vm, false, |descriptor| host::receive(descriptor, room, flags)).map(drop)
        })
    }

    /// Receive bytes from the socket into a buffer; the number of bytes.
    #[method("recv_into(self, buffer, nbytes=0, flags=0)")]
    fn recv_into(&self, vm: &Vm, buffer: &Value, nbytes: isize, flags: i32) -> PyResult<usize> {
        let mut view = writable(vm, "recv_into", buffer)?;
        let length = match usize::try_from(nbytes) {
            Err(_) => return Err(vm.value_error("negative buffersize in recv_into")),
            Ok(0) => view.len(),
            Ok(length) if length > view.len() => {
                return Err(vm.value_error("buffer too small for requested bytes"));
            }
            Ok(length) => length,
        };
        let room = &mut view.as_mut_slice()[..length];
        self.call_once(vm, false, |descriptor| host::receive(descriptor, room, flags))
    }

    /// Like recv(buffersize, flags) but also return the sender's address info.
    #[method("recvfrom(self, buffersize, flags=0, /)")]
    fn recvfrom(&self, vm: &Vm, buffersize: isize, flags: i32) -> PyResult<(Value, Value)> {
        let mut address = Vec::new();
        let bytes = crate::posix::read_bytes(vm, Socket::length_argument(vm, buffersize, "recvfrom")?, |room| {
            (_, address) = self.call_once(vm, false, |descriptor| host::receive_from(descriptor, room, flags))?;
            Ok(())
        })?;
        Ok((bytes, address::show(vm, &address, self.protocol())))
    }

    /// Like recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info.
    #[method("recvfrom_into(self, buffer, nbytes=0, flags=0)")]
    fn recvfrom_into(&self, vm: &Vm, buffer: &Value, nbytes: isize, flags: i32) -> PyResult<(usize, Value)> {
        let mut view = writable(vm, "recvfrom_into", buffer)?;
        let length = match usize::try_from(nbytes) {
            Err(_) => return Err(vm.value_error("negative buffersize in recvfrom_into")),
            Ok(0) => view.len(),
            Ok(length) if length > view.len() => {
                return Err(vm.value_error("nbytes is greater than the length of the buffer"));
            }
            Ok(length) => length,
        };
        let room = &mut view.as_mut_slice()[..length];
        let (count, address) =
            self.call_once(vm, false, |descriptor| host::receive_from(descriptor, room, flags))?;
        Ok((count, address::show(vm, &address, self.protocol())))
    }

    /// Send a data string to the socket; the number of bytes sent.
    #[method("send(self, data, flags=0, /)")]
    fn send(&self, vm: &Vm, data: BufferView, flags: i32) -> PyResult<usize> {
        self.call_once(vm, true, |descriptor| host::send(descriptor, data.as_slice(), flags))
    }

    /// Send a data string to the socket until all of it is sent.
    #[method("sendall(self, data, flags=0, /)")]
    fn sendall(&self, vm: &Vm, data: BufferView, flags: i32) -> PyResult<()> {
        let mut rest = data.as_slice();
        let mut deadline = Deadline::default();
        while !rest.is_empty() {
            let count = self.call(vm, true, &mut deadline, |descriptor| host::send(descriptor, rest, flags))?;
            rest = &rest[count..];
            vm.check_signals()?;
        }
        Ok(())
    }

    /// Like send(data, flags) but allows specifying the destination address.
    #[method("sendto")]
    fn sendto(this: &Object<Socket>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        crate::support::no_keywords(vm, "socket.sendto", names)?;
        let (data, flags, target) = match args {
            [data, target] => (data, 0, target),
            [data, flags, target] => (data, int::to_fixed(vm, &vm.index(flags)?, "i")?, target),
            _ => {
                let given = args.len();
                return Err(vm.type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
            }
        };
        let data = view(vm, data)?;
        let address = address::parse(vm, this, target, "sendto")?;
        audit::raise_event(vm, "socket.sendto", || vec![this.to_value(), target.clone()])?;
        this.call_once(vm, true, |descriptor| host::send_to(descriptor, data.as_slice(), flags, &address))
    }
}
