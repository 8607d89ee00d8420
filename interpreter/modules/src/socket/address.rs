//! Socket addresses: from Python tuples and texts to the bytes that the system takes, and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::paths::{OrRaise, decode, encode};
use rspy_runtime::types::bytes::bytearray::ByteArray;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::names;
use super::object::Socket;

/// The family of an address.
pub fn family_of(address: &[u8]) -> i32 {
    match address {
        [low, high, ..] => i32::from(u16::from_ne_bytes([*low, *high])),
        _ => c::AF_UNSPEC,
    }
}

/// The bytes of an IPv4 address.
pub fn of_v4(address: Ipv4Addr, port: u16) -> Vec<u8> {
    let mut out = (c::AF_INET as u16).to_ne_bytes().to_vec();
    out.extend(port.to_be_bytes());
    out.extend(address.octets());
    out.extend([0; 8]);
    out
}

/// The bytes of an IPv6 address.
pub fn of_v6(address: Ipv6Addr, port: u16, flow: u32, scope: u32) -> Vec<u8> {
    let mut out = (c::AF_INET6 as u16).to_ne_bytes().to_vec();
    out.extend(port.to_be_bytes());
    out.extend(flow.to_be_bytes());
    out.extend(address.octets());
    out.extend(scope.to_ne_bytes());
    out
}

/// The text of an IPv6 address as the C library writes it: what embeds an IPv4 address shows it.
pub fn show_v6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            format!("::{}", Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => address.to_string(),
    }
}

/// A host given as text or bytes; texts that are not ASCII go through IDNA.
pub fn host_text(vm: &Vm, host: &Value, wrong_type: impl FnOnce() -> rspy_runtime::exceptions::Exception) -> PyResult<Vec<u8>> {
    let bytes = if let Some(text) = host.downcast::<Str>() {
        if let Some(ascii) = text.as_ascii() {
            ascii.as_bytes().to_vec()
        } else {
            let encoded = vm.call_method_str(host, "encode", &[vm.new_str("idna")])?;
            encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default()
        }
    } else if host.downcast::<Bytes>().is_some() || host.downcast::<ByteArray>().is_some() {
        rspy_runtime::buffer::view(vm, host)?.to_vec()
    } else {
        return Err(wrong_type());
    };
    if bytes.contains(&0) {
        return Err(vm.type_error("host name must not contain null character"));
    }
    Ok(bytes)
}

fn plain_host(vm: &Vm, host: &Value) -> PyResult<Vec<u8>> {
    host_text(vm, host, || {
        vm.type_error(format!("str, bytes or bytearray expected, not {}", host.type_of().full_name()))
    })
}

/// The items of an address that must be a tuple of so many.
fn items<'a>(
    vm: &Vm,
    address: &'a Value,
    caller: &str,
    family: &str,
    counts: std::ops::RangeInclusive<usize>,
    shape: &str,
) -> PyResult<&'a [Value]> {
    let Some(tuple) = address.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "{caller}(): {family} address must be tuple, not {}",
            address.type_of().full_name()
        )));
    };
    let items = tuple.payload().items();
    if !counts.contains(&items.len()) {
        return Err(vm.type_error(format!("{family} address must be {shape}")));
    }
    Ok(items)
}

fn port_of(vm: &Vm, port: &Value, caller: &str) -> PyResult<u16> {
    let port: i32 = match int::to_fixed(vm, &vm.index(port)?, "i") {
        Ok(port) => port,
        Err(error) if error.is_overflow_error() => -1,
        Err(error) => return Err(error),
    };
    u16::try_from(port).map_err(|_| vm.overflow_error(format!("{caller}(): port must be 0-65535.")))
}

fn unsigned(vm: &Vm, value: &Value) -> PyResult<u32> {
    int::to_fixed(vm, &vm.index(value)?, "unsigned int")
}

fn interface_of(vm: &Vm, socket: &Socket, name: &Value) -> PyResult<i32> {
    let _ = socket;
    let name = name_bytes(vm, name)?;
    if name.is_empty() {
        return Ok(0);
    }
    let name = std::ffi::CString::new(name).map_err(|_| vm.value_error("embedded null byte"))?;
    host::interface_index(&name).or_raise(vm).map(|index| index as i32)
}

fn name_bytes(vm: &Vm, name: &Value) -> PyResult<Vec<u8>> {
    match name.downcast::<Str>() {
        Some(text) => encode(vm, text),
        None => rspy_runtime::paths::to_bytes(vm, name),
    }
}

/// The bytes of an address given to a method of a socket.
pub fn parse(vm: &Vm, socket: &Socket, address: &Value, caller: &str) -> PyResult<Vec<u8>> {
    let family = socket.family();
    let start = (family as u16).to_ne_bytes().to_vec();
    match family {
        c::AF_UNIX => parse_unix(vm, address, start),
        c::AF_INET => {
            let items = items(vm, address, caller, "AF_INET", 2..=2, "a pair (host, port)")?;
            let host = plain_host(vm, &items[0])?;
            let port = port_of(vm, &items[1], caller)?;
            let (address, _) = names::resolve(vm, &host, c::AF_INET)?;
            match address {
                std::net::IpAddr::V4(address) => Ok(of_v4(address, port)),
                std::net::IpAddr::V6(_) => Err(vm.os_error_message("address family mismatched")),
            }
        }
        c::AF_INET6 => {
            let shape = "a tuple (host, port[, flowinfo[, scopeid]])";
            let items = items(vm, address, caller, "AF_INET6", 2..=4, shape)?;
            let host = plain_host(vm, &items[0])?;
            let port = port_of(vm, &items[1], caller)?;
            let flow = items.get(2).map_or(Ok(0), |flow| unsigned(vm, flow))?;
            let scope = items.get(3).map_or(Ok(0), |scope| unsigned(vm, scope))?;
            if flow > 0xf_ffff {
                return Err(vm.overflow_error(format!("{caller}(): flowinfo must be 0-1048575.")));
            }
            let (address, of_name) = names::resolve(vm, &host, c::AF_INET6)?;
            match address {
                std::net::IpAddr::V6(address) => {
                    Ok(of_v6(address, port, flow, if scope == 0 { of_name } else { scope }))
                }
                std::net::IpAddr::V4(_) => Err(vm.os_error_message("address family mismatched")),
            }
        }
        c::AF_NETLINK => {
            let items = items(vm, address, caller, "AF_NETLINK", 2..=2, "a pair (pid, groups)")?;
            let (process, groups) = (unsigned(vm, &items[0])?, unsigned(vm, &items[1])?);
            let mut out = start;
            out.extend([0; 2]);
            out.extend(process.to_ne_bytes());
            out.extend(groups.to_ne_bytes());
            Ok(out)
        }
        c::AF_VSOCK => {
            let Some(tuple) = address.downcast::<Tuple>() else {
                return Err(vm.type_error(format!(
                    "getsockaddrarg: AF_VSOCK address must be tuple, not {}",
                    address.type_of().full_name()
                )));
            };
            let [context, port] = tuple.payload().items() else {
                return Err(vm.type_error("getsockaddrarg: AF_VSOCK address must be a pair (CID, port)"));
            };
            let (context, port) = (unsigned(vm, context)?, unsigned(vm, port)?);
            let mut out = start;
            out.extend([0; 2]);
            out.extend(port.to_ne_bytes());
            out.extend(context.to_ne_bytes());
            out.extend([0; 4]);
            Ok(out)
        }
        c::AF_PACKET => parse_packet(vm, socket, address, caller, start),
        c::AF_CAN => parse_can(vm, socket, address, caller, start),
        c::AF_ALG => parse_algorithm(vm, address, caller, start),
        QIPCRTR => {
            let items = items(vm, address, caller, "AF_QIPCRTR", 2..=2, "a pair (node, port)")?;
            let (node, port) = (unsigned(vm, &items[0])?, unsigned(vm, &items[1])?);
            let mut out = start;
            out.extend([0; 2]);
            out.extend(node.to_ne_bytes());
            out.extend(port.to_ne_bytes());
            Ok(out)
        }
        _ => Err(vm.os_error_message(format!("{caller}(): bad family"))),
    }
}

/// The family of Qualcomm's IPC router, for which the C library has no name.
const QIPCRTR: i32 = 42;

fn parse_unix(vm: &Vm, address: &Value, mut out: Vec<u8>) -> PyResult<Vec<u8>> {
    const ROOM: usize = 108;
    let path = match address.downcast::<Str>() {
        Some(text) => encode(vm, text)?,
        None => rspy_runtime::buffer::view(vm, address)?.to_vec(),
    };
    // A path ends with a zero byte; an abstract name, which begins with one, has its very length.
    let fits = if path.first() == Some(&0) { path.len() <= ROOM } else { path.len() < ROOM };
    if !fits {
        return Err(vm.os_error_message("AF_UNIX path too long"));
    }
    out.extend(&path);
    if !path.is_empty() && path[0] != 0 {
        out.push(0);
    }
    Ok(out)
}

fn parse_packet(vm: &Vm, socket: &Socket, address: &Value, caller: &str, mut out: Vec<u8>) -> PyResult<Vec<u8>> {
    let shape = "a tuple of two to five elements";
    let items = items(vm, address, caller, "AF_PACKET", 2..=5, shape)?;
    let number = |place: usize| -> PyResult<i32> {
        items.get(place).map_or(Ok(0), |value| int::to_fixed(vm, &vm.index(value)?, "i"))
    };
    let (protocol, kind, hardware) = (number(1)?, number(2)?, number(3)?);
    let Ok(protocol) = u16::try_from(protocol) else {
        return Err(vm.overflow_error(format!("{caller}(): proto argument must be 0-65535")));
    };
    let own = items.get(4).map_or(Ok(Vec::new()), |own| Ok(rspy_runtime::buffer::view(vm, own)?.to_vec()))?;
    if own.len() > 8 {
        return Err(vm.value_error("hardware address must be 8 bytes or less"));
    }
    let interface = interface_of(vm, socket, &items[0])?;
    out.extend(protocol.to_be_bytes());
    out.extend(interface.to_ne_bytes());
    out.extend((hardware as u16).to_ne_bytes());
    out.extend([kind as u8, own.len() as u8]);
    out.extend(&own);
    out.resize(20, 0);
    Ok(out)
}

fn parse_can(vm: &Vm, socket: &Socket, address: &Value, caller: &str, mut out: Vec<u8>) -> PyResult<Vec<u8>> {
    const ISOTP: i32 = 6;
    const J1939: i32 = 7;
    let protocol = socket.protocol();
    let (counts, shape) = match protocol {
        ISOTP => (3..=3, "a tuple (interface, rx_addr, tx_addr)"),
        J1939 => (4..=4, "a tuple (interface, name, pgn, addr)"),
        1 | 2 => (1..=1, "a tuple (interface, )"),
        _ => return Err(vm.os_error_message(format!("{caller}(): unsupported CAN protocol"))),
    };
    let items = items(vm, address, caller, "AF_CAN", counts, shape)?;
    let interface = interface_of(vm, socket, &items[0])?;
    out.extend([0; 2]);
    out.extend(interface.to_ne_bytes());
    match protocol {
        ISOTP => {
            out.extend(unsigned(vm, &items[1])?.to_ne_bytes());
            out.extend(unsigned(vm, &items[2])?.to_ne_bytes());
        }
        J1939 => {
            let name: u64 = int::to_fixed(vm, &vm.index(&items[1])?, "unsigned long long")?;
            out.extend(name.to_ne_bytes());
            out.extend(unsigned(vm, &items[2])?.to_ne_bytes());
            out.push(int::to_fixed(vm, &vm.index(&items[3])?, "unsigned byte integer")?);
        }
        _ => {}
    }
    out.resize(24, 0);
    Ok(out)
}

fn parse_algorithm(vm: &Vm, address: &Value, caller: &str, mut out: Vec<u8>) -> PyResult<Vec<u8>> {
    let shape = "a tuple of two to four elements";
    let items = items(vm, address, caller, "AF_ALG", 2..=4, shape)?;
    let (kind, name) = (name_bytes(vm, &items[0])?, name_bytes(vm, &items[1])?);
    if kind.len() >= 14 {
        return Err(vm.value_error("AF_ALG type too long."));
    }
    if name.len() >= 64 {
        return Err(vm.value_error("AF_ALG name too long."));
    }
    let feature = items.get(2).map_or(Ok(0), |value| unsigned(vm, value))?;
    let mask = items.get(3).map_or(Ok(0), |value| unsigned(vm, value))?;
    out.extend(&kind);
    out.resize(16, 0);
    out.extend(feature.to_ne_bytes());
    out.extend(mask.to_ne_bytes());
    out.extend(&name);
    out.resize(88, 0);
    Ok(out)
}

/// Reads numbers out of an address; what lies behind its end is zero.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, place: usize) -> [u8; N] {
        std::array::from_fn(|index| self.0.get(place + index).copied().unwrap_or(0))
    }

    fn u32(&self, place: usize) -> u32 {
        u32::from_ne_bytes(self.bytes(place))
    }

    fn port(&self) -> u16 {
        u16::from_be_bytes(self.bytes(2))
    }

    fn text(&self, start: usize, end: usize) -> Value {
        let part = self.0.get(start..end.min(self.0.len())).unwrap_or_default();
        decode(part.split(|&byte| byte == 0).next().unwrap_or_default()).into_value()
    }
}

/// The Python object for an address from the system.
pub fn show(vm: &Vm, address: &[u8], protocol: i32) -> Value {
    if address.is_empty() {
        return none();
    }
    let fields = Fields(address);
    let tuple = |values: Vec<Value>| Tuple::from_values(values).into_value();
    let interface = || {
        let index = fields.u32(4);
        let name = if index == 0 { Vec::new() } else { host::interface_name(index).unwrap_or_default() };
        decode(&name).into_value()
    };
    match family_of(address) {
        c::AF_INET => {
            let host = Ipv4Addr::from(fields.bytes::<4>(4)).to_string();
            tuple(vec![vm.new_str(&host), Value::int(i32::from(fields.port()))])
        }
        c::AF_INET6 => {
            let host = show_v6(Ipv6Addr::from(fields.bytes::<16>(8)));
            tuple(vec![
                vm.new_str(&host),
                Value::int(i32::from(fields.port())),
                int::new(i64::from(u32::from_be_bytes(fields.bytes(4)))),
                int::new(i64::from(fields.u32(24))),
            ])
        }
        c::AF_UNIX => match &address[2..] {
            [] => vm.new_str(""),
            abstract_name @ [0, ..] => Bytes::new(abstract_name.to_vec()).into_value(),
            _ => fields.text(2, address.len()),
        },
        c::AF_NETLINK | QIPCRTR => {
            tuple(vec![int::new(i64::from(fields.u32(4))), int::new(i64::from(fields.u32(8)))])
        }
        c::AF_VSOCK => tuple(vec![int::new(i64::from(fields.u32(8))), int::new(i64::from(fields.u32(4)))]),
        c::AF_PACKET => {
            let length = usize::from(fields.bytes::<1>(11)[0]);
            let end = (12 + length).min(address.len());
            tuple(vec![
                interface(),
                Value::int(i32::from(fields.port())),
                Value::int(i32::from(fields.bytes::<1>(10)[0])),
                Value::int(i32::from(u16::from_ne_bytes(fields.bytes(8)))),
                Bytes::new(address.get(12..end).unwrap_or_default().to_vec()).into_value(),
            ])
        }
        c::AF_CAN => match protocol {
            6 => tuple(vec![interface(), int::new(i64::from(fields.u32(8))), int::new(i64::from(fields.u32(12)))]),
            7 => tuple(vec![
                interface(),
                int::from_i128(i128::from(u64::from_ne_bytes(fields.bytes(8)))),
                int::new(i64::from(fields.u32(16))),
                Value::int(i32::from(fields.bytes::<1>(20)[0])),
            ]),
            _ => tuple(vec![interface()]),
        },
        c::AF_ALG => tuple(vec![fields.text(2, 16), fields.text(24, 88)]),
        family => tuple(vec![Value::int(family), Bytes::new(address[2..].to_vec()).into_value()]),
    }
}
