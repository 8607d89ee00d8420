//! Functions of `_socket` that need no names: pairs, byte order, addresses as text, interfaces, time-outs.

use std::net::{Ipv4Addr, Ipv6Addr};

use rspy_macros::pyfunctions;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::object::Ref;
use rspy_runtime::paths::{OrRaise, decode};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::address::show_v6;
use super::object::{Socket, default_timeout, parse_timeout, set_default_timeout, show_timeout};

/// An unsigned number of so many bits.
fn unsigned(vm: &Vm, value: &Value, most: u64, typ: &str) -> PyResult<u64> {
    let number = vm.index(value)?;
    if int::sign(&number) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::small_value(&number)
        .map(|number| number as u64)
        .filter(|&number| number <= most)
        .ok_or_else(|| vm.overflow_error(format!("Python int too large for C {typ}")))
}

fn short(vm: &Vm, value: &Value) -> PyResult<u16> {
    unsigned(vm, value, 0xffff, "uint16_t").map(|number| number as u16)
}

fn word(vm: &Vm, value: &Value) -> PyResult<u32> {
    unsigned(vm, value, 0xffff_ffff, "uint32_t").map(|number| number as u32)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Close an integer socket file descriptor.
    #[function("close(object, /)")]
    fn close(vm: &Vm, object: i32) -> PyResult<()> {
        match vm.allow_threads(|| host::close(object)) {
            Err(error) if error.0 == c::ECONNRESET => Ok(()),
            result => result.or_raise(vm),
        }
    }

    /// Duplicate an integer socket file descriptor.
    #[function("dup(object, /)")]
    fn dup(vm: &Vm, object: i32) -> PyResult<i32> {
        host::control(object, c::F_DUPFD_CLOEXEC, 0).or_raise(vm)
    }

    /// Create a pair of socket objects.
    #[function("socketpair(family=<unrepresentable>, type=1, proto=0, /)")]
    fn socketpair(vm: &Vm, family: Option<i32>, kind: i32, protocol: i32) -> PyResult<(Ref<Socket>, Ref<Socket>)> {
        let family = family.unwrap_or(c::AF_UNIX);
        let pair = vm.allow_threads(|| host::socket_pair(family, kind | c::SOCK_CLOEXEC, protocol));
        let (first, second) = pair.or_raise(vm)?;
        let of = |descriptor: i32| Socket::of_descriptor(vm, descriptor, family, kind, protocol);
        let close = |error, descriptor| {
            let _ = host::close(descriptor);
            error
        };
        let first = of(first).map_err(|error| close(close(error, first), second))?;
        let second = of(second).map_err(|error| close(error, second))?;
        Ok((first, second))
    }

    /// Convert a 16-bit unsigned integer from network to host byte order.
    #[function("ntohs(integer, /)")]
    fn ntohs(vm: &Vm, integer: &Value) -> PyResult<u16> {
        short(vm, integer).map(u16::from_be)
    }

    /// Convert a 32-bit unsigned integer from network to host byte order.
    #[function("ntohl(integer, /)")]
    fn ntohl(vm: &Vm, integer: &Value) -> PyResult<u32> {
        word(vm, integer).map(u32::from_be)
    }

    /// Convert a 16-bit unsigned integer from host to network byte order.
    #[function("htons(integer, /)")]
    fn htons(vm: &Vm, integer: &Value) -> PyResult<u16> {
        short(vm, integer).map(u16::to_be)
    }

    /// Convert a 32-bit unsigned integer from host to network byte order.
    #[function("htonl(integer, /)")]
    fn htonl(vm: &Vm, integer: &Value) -> PyResult<u32> {
        word(vm, integer).map(u32::to_be)
    }

    /// Convert an IP address in string format (123.45.67.89) to the 32-bit packed binary format.
    #[function("inet_aton(ip_addr, /)")]
    fn inet_aton(vm: &Vm, ip_addr: String) -> PyResult {
        // The C library's function takes anything behind a blank.
        let text = ip_addr.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
        match super::names::parse_v4_loosely(text) {
            Some(address) => Ok(Bytes::new(address.octets().to_vec()).into_value()),
            None => Err(vm.os_error_message("illegal IP address string passed to inet_aton")),
        }
    }

    /// Convert an IP address from 32-bit packed binary format to string format.
    #[function("inet_ntoa(packed_ip, /)")]
    fn inet_ntoa(vm: &Vm, packed_ip: BufferView) -> PyResult<String> {
        match <[u8; 4]>::try_from(packed_ip.as_slice()) {
            Ok(octets) => Ok(Ipv4Addr::from(octets).to_string()),
            Err(_) => Err(vm.os_error_message("packed IP wrong length for inet_ntoa")),
        }
    }

    /// Convert an IP address from string format to a packed string.
    #[function("inet_pton(af, ip, /)")]
    fn inet_pton(vm: &Vm, af: i32, ip: String) -> PyResult {
        let packed = match af {
            c::AF_INET => ip.parse::<Ipv4Addr>().map(|address| address.octets().to_vec()),
            c::AF_INET6 => ip.parse::<Ipv6Addr>().map(|address| address.octets().to_vec()),
            _ => return Err(vm.os_error(c::EAFNOSUPPORT, None, None)),
        };
        match packed {
            Ok(packed) => Ok(Bytes::new(packed).into_value()),
            Err(_) => Err(vm.os_error_message("illegal IP address string passed to inet_pton")),
        }
    }

    /// Convert a packed IP address of the given family to string format.
    #[function("inet_ntop(af, packed_ip, /)")]
    fn inet_ntop(vm: &Vm, af: i32, packed_ip: BufferView) -> PyResult<String> {
        let packed = packed_ip.as_slice();
        let shown = match af {
            c::AF_INET => <[u8; 4]>::try_from(packed).map(|octets| Ipv4Addr::from(octets).to_string()),
            c::AF_INET6 => <[u8; 16]>::try_from(packed).map(|octets| show_v6(octets.into())),
            _ => return Err(vm.value_error(format!("unknown address family {af}"))),
        };
        shown.map_err(|_| vm.value_error("invalid length of packed IP address string"))
    }

    /// Returns the default timeout in seconds (float) for new socket objects.
    #[function("getdefaulttimeout()")]
    fn getdefaulttimeout() -> Value {
        show_timeout(default_timeout())
    }

    /// Set the default timeout in seconds (float) for new socket objects.
    #[function("setdefaulttimeout(object, /)")]
    fn setdefaulttimeout(vm: &Vm, object: &Value) -> PyResult<()> {
        set_default_timeout(parse_timeout(vm, object)?);
        Ok(())
    }

    /// Returns a list of network interface information (index, name) tuples.
    #[function("if_nameindex()")]
    fn if_nameindex(vm: &Vm) -> PyResult<Vec<(u32, Value)>> {
        let all = vm.allow_threads(host::interfaces).or_raise(vm)?;
        Ok(all.into_iter().map(|(index, name)| (index, decode(&name).into_value())).collect())
    }

    /// Returns the interface index corresponding to the interface name.
    #[function("if_nametoindex(oname, /)")]
    fn if_nametoindex(vm: &Vm, oname: &Value) -> PyResult<u32> {
        let name = rspy_runtime::paths::to_system(vm, oname)?;
        host::interface_index(&name).or_raise(vm)
    }

    /// Returns the interface name corresponding to the interface index.
    #[function("if_indextoname(if_index, /)")]
    fn if_indextoname(vm: &Vm, if_index: &Value) -> PyResult {
        let index = unsigned(vm, if_index, 0xffff_ffff, "unsigned int")? as u32;
        Ok(decode(&host::interface_name(index).or_raise(vm)?).into_value())
    }

    /// The total length, without trailing padding, of a control message with this much data.
    #[function("CMSG_LEN(length, /)")]
    fn cmsg_len(vm: &Vm, length: isize) -> PyResult<usize> {
        let found = usize::try_from(length).ok().and_then(host::control_length);
        found.ok_or_else(|| vm.overflow_error("CMSG_LEN() argument out of range"))
    }

    /// The buffer size needed for a control message with this much data, with padding.
    #[function("CMSG_SPACE(length, /)")]
    fn cmsg_space(vm: &Vm, length: isize) -> PyResult<usize> {
        let found = usize::try_from(length).ok().and_then(host::control_space);
        found.ok_or_else(|| vm.overflow_error("CMSG_SPACE() argument out of range"))
    }
}
