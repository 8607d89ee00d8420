//! Names and addresses: `getaddrinfo` and its kin.

use std::borrow::Cow;
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::resolver::{self, Host, Wanted};
use rspy_runtime::host::{self, c};
use rspy_runtime::paths::decode;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::address::{self, host_text, show_v6};
use super::{AddressError, host_error};

/// An IPv4 address in any of the forms that `inet_aton` takes: one to four numbers, decimal, octal or hexadecimal.
pub fn parse_v4_loosely(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = Vec::with_capacity(4);
    for part in text.split('.') {
        let number = if let Some(digits) = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            u32::from_str_radix(digits, 16)
        } else if part.len() > 1 && part.starts_with('0') {
            u32::from_str_radix(part, 8)
        } else {
            part.parse()
        };
        if part.starts_with('+') || numbers.len() == 4 {
            return None;
        }
        numbers.push(number.ok()?);
    }
    let last = numbers.pop()?;
    let rest = 8 * (4 - numbers.len() as u32);
    if numbers.iter().any(|&number| number > 255) || rest < 32 && last >> rest != 0 {
        return None;
    }
    let high = numbers.iter().enumerate().fold(0, |high, (place, number)| high | number << (24 - 8 * place));
    Some(Ipv4Addr::from(high | last))
}

/// Whether an address means something on one link alone, so that it goes with an interface.
fn is_of_link(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    first & 0xffc0 == 0xfe80 || first & 0xff0f == 0xff02
}

/// A numeric address with its scope, which only IPv6 has.
fn parse_numeric(text: &str) -> Option<Result<(IpAddr, u32), AddressError>> {
    if let Some(address) = parse_v4_loosely(text) {
        return Some(Ok((address.into(), 0)));
    }
    let (plain, scope) = text.split_once('%').map_or((text, None), |(plain, scope)| (plain, Some(scope)));
    let address: Ipv6Addr = plain.parse().ok()?;
    let Some(scope) = scope else { return Some(Ok((address.into(), 0))) };
    let index = CString::new(scope).ok().and_then(|name| host::interface_index(&name).ok());
    // Names of interfaces mean something only for addresses of the local link.
    let index = index.filter(|_| is_of_link(address));
    Some(index.or_else(|| scope.parse().ok()).map(|scope| (address.into(), scope)).ok_or(AddressError::NoName))
}

/// What `getaddrinfo` is asked.
struct Question<'a> {
    host: Option<Cow<'a, str>>,
    service: Option<Cow<'a, str>>,
    family: i32,
    kind: i32,
    protocol: i32,
    flags: i32,
}

/// One answer of `getaddrinfo`.
struct Entry {
    kind: i32,
    protocol: i32,
    address: IpAddr,
    port: u16,
    scope: u32,
}

/// A kind of socket with its protocol.
struct Transport {
    kind: i32,
    protocol: i32,
    /// The protocol as `/etc/services` names it; empty where there are no services.
    name: &'static str,
    /// Whether it is meant when nothing is said of the kind.
    default: bool,
}

const TRANSPORTS: &[Transport] = &[
    Transport { kind: c::SOCK_STREAM, protocol: c::IPPROTO_TCP, name: "tcp", default: true },
    Transport { kind: c::SOCK_DGRAM, protocol: c::IPPROTO_UDP, name: "udp", default: true },
    Transport { kind: c::SOCK_DCCP, protocol: c::IPPROTO_DCCP, name: "dccp", default: false },
    Transport { kind: c::SOCK_DGRAM, protocol: c::IPPROTO_UDPLITE, name: "udplite", default: false },
    Transport { kind: c::SOCK_STREAM, protocol: c::IPPROTO_SCTP, name: "sctp", default: false },
    Transport { kind: c::SOCK_SEQPACKET, protocol: c::IPPROTO_SCTP, name: "sctp", default: false },
    Transport { kind: c::SOCK_RAW, protocol: 0, name: "", default: true },
];

const KNOWN_FLAGS: i32 = 0x7ff;

impl Question<'_> {
    fn is(&self, flag: i32) -> bool {
        self.flags & flag != 0
    }

    fn answer(&self) -> Result<(Vec<Entry>, Option<String>), AddressError> {
        if self.host.is_none() && self.service.is_none() {
            return Err(AddressError::NoName);
        }
        if self.flags & !KNOWN_FLAGS != 0 || self.is(c::AI_CANONNAME) && self.host.is_none() {
            return Err(AddressError::BadFlags);
        }
        if ![c::AF_UNSPEC, c::AF_INET, c::AF_INET6].contains(&self.family) {
            return Err(AddressError::Family);
        }
        let transports = self.transports()?;
        let (addresses, name) = self.addresses()?;
        let mut entries = Vec::new();
        for (address, scope) in sorted(addresses) {
            for &(kind, protocol, port) in &transports {
                entries.push(Entry { kind, protocol, address, port, scope });
            }
        }
        Ok((entries, name.filter(|_| self.is(c::AI_CANONNAME))))
    }

    /// Kinds, protocols and ports.
    fn transports(&self) -> Result<Vec<(i32, i32, u16)>, AddressError> {
        let fits = |transport: &&Transport| {
            (self.kind == 0 || self.kind == transport.kind)
                && (self.protocol == 0
                    || self.protocol == transport.protocol
                    || transport.kind == c::SOCK_RAW)
        };
        let stated = self.kind != 0 || self.protocol != 0;
        let fitting: Vec<&Transport> = TRANSPORTS.iter().filter(fits).collect();
        if fitting.is_empty() {
            return Err(if self.kind != 0 { AddressError::SocketType } else { AddressError::Service });
        }
        let protocol_of = |transport: &Transport| {
            if transport.kind == c::SOCK_RAW { self.protocol } else { transport.protocol }
        };
        let Some(service) = &self.service else { return Ok(self.all_with(0, &fitting, stated, protocol_of)) };
        let digits = service.trim_start();
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // The C library takes the low bits of numbers that are no ports.
            let port = digits.bytes().fold(0u64, |number, digit| {
                number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
            });
            return Ok(self.all_with(port as u16, &fitting, stated, protocol_of));
        }
        if self.is(c::AI_NUMERICSERV) {
            return Err(AddressError::NoName);
        }
        let found: Vec<(i32, i32, u16)> = fitting
            .iter()
            .take(if stated { 1 } else { usize::MAX })
            .filter(|transport| !transport.name.is_empty())
            .filter_map(|transport| {
                let (_, port, _) = resolver::find_service(service, Some(transport.name))?;
                Some((transport.kind, transport.protocol, port))
            })
            .collect();
        if found.is_empty() { Err(AddressError::Service) } else { Ok(found) }
    }

    fn all_with(
        &self,
        port: u16,
        fitting: &[&Transport],
        stated: bool,
        protocol_of: impl Fn(&Transport) -> i32,
    ) -> Vec<(i32, i32, u16)> {
        if stated {
            return vec![(fitting[0].kind, protocol_of(fitting[0]), port)];
        }
        let default = fitting.iter().filter(|transport| transport.default);
        default.map(|transport| (transport.kind, transport.protocol, port)).collect()
    }

    /// Addresses with their scopes, and the canonical name.
    fn addresses(&self) -> Result<(Vec<(IpAddr, u32)>, Option<String>), AddressError> {
        let Some(name) = &self.host else { return Ok((self.local(), None)) };
        if let Some(numeric) = parse_numeric(name) {
            let (address, scope) = numeric?;
            let address = match (self.family, address) {
                (c::AF_INET6, IpAddr::V4(v4)) if self.is(c::AI_V4MAPPED) => v4.to_ipv6_mapped().into(),
                (c::AF_INET, IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
                    Some(v4) => v4.into(),
                    None => return Err(AddressError::AddressFamily),
                },
                (c::AF_INET6, IpAddr::V4(_)) => return Err(AddressError::AddressFamily),
                (_, address) => address,
            };
            return Ok((vec![(address, scope)], Some(name.to_string())));
        }
        if self.is(c::AI_NUMERICHOST) {
            return Err(AddressError::NoName);
        }
        let wanted = match self.family {
            c::AF_INET => Wanted::V4,
            c::AF_INET6 => Wanted::V6,
            _ => Wanted::Both,
        };
        let found = match resolver::find_host(name, wanted) {
            Err(_) if wanted == Wanted::V6 && self.is(c::AI_V4MAPPED) => {
                let mut host = resolver::find_host(name, Wanted::V4)?;
                for address in &mut host.addresses {
                    if let IpAddr::V4(v4) = address {
                        *address = v4.to_ipv6_mapped().into();
                    }
                }
                host
            }
            found => found?,
        };
        let mut addresses: Vec<(IpAddr, u32)> = Vec::new();
        for address in found.addresses {
            if !addresses.contains(&(address, 0)) {
                addresses.push((address, 0));
            }
        }
        Ok((addresses, Some(found.name)))
    }

    /// The addresses where there is no name: any for a server, the machine itself for a client.
    fn local(&self) -> Vec<(IpAddr, u32)> {
        let (v4, v6) = if self.is(c::AI_PASSIVE) {
            (Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)
        } else {
            (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
        };
        let mut all: Vec<(IpAddr, u32)> = Vec::new();
        if self.family != c::AF_INET {
            all.push((v6.into(), 0));
        }
        if self.family != c::AF_INET6 {
            all.push((v4.into(), 0));
        }
        all
    }
}

/// Addresses with those first that are most likely to be reached (RFC 3484).
fn sorted(mut addresses: Vec<(IpAddr, u32)>) -> Vec<(IpAddr, u32)> {
    if addresses.len() > 1 {
        addresses.sort_by_cached_key(|(address, _)| (!is_reachable(*address), -precedence(*address)));
    }
    addresses
}

/// Whether there is a way to an address: connecting a datagram socket sends nothing.
fn is_reachable(address: IpAddr) -> bool {
    let own: SocketAddr = match address {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(own).and_then(|socket| socket.connect((address, 9))).is_ok()
}

fn precedence(address: IpAddr) -> i32 {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => 50,
        [0x2002, ..] => 30,
        [0, 0, 0, 0, 0, 0xffff, ..] => 10,
        [0, 0, 0, 0, 0, 0, ..] => 20,
        _ => 40,
    }
}

/// The address of a host for a socket of a family, with its scope.
pub fn resolve(vm: &Vm, host: &[u8], family: i32) -> PyResult<(IpAddr, u32)> {
    if host.is_empty() {
        let any: IpAddr =
            if family == c::AF_INET6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        return Ok((any, 0));
    }
    if host == b"<broadcast>" || host == b"255.255.255.255" {
        if family == c::AF_INET6 {
            return Err(vm.os_error_message("address family mismatched"));
        }
        return Ok((Ipv4Addr::BROADCAST.into(), 0));
    }
    let name = String::from_utf8_lossy(host);
    let question = Question { host: Some(name), service: None, family, kind: c::SOCK_STREAM, protocol: 0, flags: 0 };
    let (entries, _) = vm.allow_threads(|| question.answer()).map_err(|error| error.raise(vm))?;
    entries.first().map(|entry| (entry.address, entry.scope)).ok_or_else(|| AddressError::NoName.raise(vm))
}

fn name_argument(vm: &Vm, name: &Value, function: &str) -> PyResult<Vec<u8>> {
    host_text(vm, name, || {
        let shown = if is_none(name) { "None".to_owned() } else { name.type_of().full_name() };
        vm.type_error(format!("{function}() argument 1 must be str, bytes or bytearray, not {shown}"))
    })
}

fn host_triple(vm: &Vm, host: &Host) -> (Value, Vec<Value>, Vec<Value>) {
    let aliases = host.aliases.iter().map(|alias| vm.new_str(alias)).collect();
    let addresses = host.addresses.iter().map(|address| vm.new_str(&show_address(address))).collect();
    (vm.new_str(&host.name), aliases, addresses)
}

fn show_address(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => show_v6(*address),
    }
}

/// The service that `getaddrinfo` is asked for.
fn service_argument(vm: &Vm, port: &Value) -> PyResult<Option<String>> {
    if is_none(port) {
        return Ok(None);
    }
    if int::is_int(port) {
        return Ok(Some(int::to_big(vm, port)?.to_string()));
    }
    if let Some(text) = port.downcast::<Str>() {
        return text.to_utf8(vm).map(|text| Some(text.into_owned()));
    }
    if let Some(bytes) = port.downcast::<Bytes>() {
        return Ok(Some(String::from_utf8_lossy(bytes.as_slice()).into_owned()));
    }
    Err(vm.os_error_message("Int or String expected"))
}

/// The name of the host of an address as `getnameinfo` shows it.
fn host_name_of(address: IpAddr, scope: u32, flags: i32) -> Result<String, AddressError> {
    if flags & c::NI_NUMERICHOST == 0 {
        match resolver::find_address(address) {
            Ok(host) => {
                let short = flags & c::NI_NOFQDN != 0;
                let name = if short { host.name.split('.').next().unwrap_or_default() } else { &host.name };
                return Ok(name.to_owned());
            }
            Err(resolver::LookupError::TryAgain) if flags & c::NI_NAMEREQD != 0 => return Err(AddressError::Again),
            Err(_) if flags & c::NI_NAMEREQD != 0 => return Err(AddressError::NoName),
            Err(_) => {}
        }
    } else if flags & c::NI_NAMEREQD != 0 {
        return Err(AddressError::NoName);
    }
    let mut shown = show_address(&address);
    if scope != 0 {
        let local = matches!(address, IpAddr::V6(address) if is_of_link(address));
        let name = host::interface_name(scope).ok().filter(|_| local);
        shown.push('%');
        shown.push_str(&name.map_or_else(|| scope.to_string(), |name| String::from_utf8_lossy(&name).into_owned()));
    }
    Ok(shown)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Resolve host and port into a list of (family, type, proto, canonname, sockaddr).
    #[function("getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)")]
    fn getaddrinfo(
        vm: &Vm,
        host: &Value,
        port: &Value,
        family: i32,
        kind: i32,
        protocol: i32,
        flags: i32,
    ) -> PyResult<Vec<Value>> {
        let name = if is_none(host) {
            None
        } else {
            let wrong = || vm.type_error("getaddrinfo() argument 1 must be string or None");
            Some(String::from_utf8_lossy(&host_text(vm, host, wrong)?).into_owned())
        };
        let service = service_argument(vm, port)?;
        audit::raise_event(vm, "socket.getaddrinfo", || {
            vec![host.clone(), port.clone(), Value::int(family), Value::int(kind), Value::int(protocol)]
        })?;
        let question =
            Question { host: name.map(Cow::Owned), service: service.map(Cow::Owned), family, kind, protocol, flags };
        let (entries, name) = vm.allow_threads(|| question.answer()).map_err(|error| error.raise(vm))?;
        let mut name = name.unwrap_or_default();
        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            let (family, bytes) = match entry.address {
                IpAddr::V4(address) => (c::AF_INET, address::of_v4(address, entry.port)),
                IpAddr::V6(address) => (c::AF_INET6, address::of_v6(address, entry.port, 0, entry.scope)),
            };
            let items = [
                Value::int(family),
                Value::int(entry.kind),
                Value::int(entry.protocol),
                // The canonical name stands with the first answer alone.
                vm.new_str(&std::mem::take(&mut name)),
                address::show(vm, &bytes, 0),
            ];
            results.push(Tuple::from_values(items).into_value());
        }
        Ok(results)
    }

    /// Get host and port for a sockaddr.
    #[function("getnameinfo(sockaddr, flags, /)")]
    fn getnameinfo(vm: &Vm, sockaddr: &Value, flags: i32) -> PyResult<(String, String)> {
        let Some(tuple) = sockaddr.downcast::<Tuple>() else {
            return Err(vm.type_error("getnameinfo() argument 1 must be a tuple"));
        };
        let illegal = || vm.type_error("getnameinfo(): illegal sockaddr argument");
        let items = tuple.payload().items();
        if !(2..=4).contains(&items.len()) {
            return Err(illegal());
        }
        let host = items[0].downcast::<Str>().ok_or_else(illegal)?.to_utf8(vm)?.into_owned();
        let port: i32 = int::to_fixed(vm, &vm.index(&items[1])?, "i")?;
        let number = |place: usize| -> PyResult<u32> {
            items.get(place).map_or(Ok(0), |value| int::to_fixed(vm, &vm.index(value)?, "unsigned int"))
        };
        let (flow, scope) = (number(2)?, number(3)?);
        if flow > 0xf_ffff {
            return Err(vm.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
        }
        audit::raise_event(vm, "socket.getnameinfo", || vec![sockaddr.clone()])?;
        let question = Question {
            host: Some(Cow::Owned(host)),
            service: Some(Cow::Owned(port.to_string())),
            family: c::AF_UNSPEC,
            kind: c::SOCK_DGRAM,
            protocol: 0,
            flags: c::AI_NUMERICHOST,
        };
        let (entries, _) = question.answer().map_err(|error| error.raise(vm))?;
        let [entry] = entries.as_slice() else {
            return Err(vm.os_error_message("sockaddr resolved to multiple addresses"));
        };
        if entry.address.is_ipv4() && items.len() != 2 {
            return Err(vm.os_error_message("IPv4 sockaddr must be 2 tuple"));
        }
        let scope = if scope == 0 { entry.scope } else { scope };
        let name = vm.allow_threads(|| host_name_of(entry.address, scope, flags)).map_err(|error| error.raise(vm))?;
        let protocol = if flags & c::NI_DGRAM != 0 { "udp" } else { "tcp" };
        let service = if flags & c::NI_NUMERICSERV != 0 { None } else { resolver::find_port(entry.port, Some(protocol)) };
        Ok((name, service.map_or_else(|| entry.port.to_string(), |(name, _, _)| name)))
    }

    /// Return the IP address (a string of the form '255.255.255.255') for a host.
    #[function("gethostbyname")]
    fn gethostbyname(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult<String> {
        crate::support::no_keywords(vm, "_socket.gethostbyname", names)?;
        let [host] = args else {
            return Err(vm.type_error(format!("gethostbyname() takes exactly 1 argument ({} given)", args.len())));
        };
        let name = name_argument(vm, host, "gethostbyname")?;
        audit::raise_event(vm, "socket.gethostbyname", || vec![host.clone()])?;
        let (address, _) = resolve(vm, &name, c::AF_INET)?;
        Ok(show_address(&address))
    }

    /// Return the true host name, a list of aliases, and a list of IP addresses, for a host.
    #[function("gethostbyname_ex")]
    fn gethostbyname_ex(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult<(Value, Vec<Value>, Vec<Value>)> {
        crate::support::no_keywords(vm, "_socket.gethostbyname_ex", names)?;
        let [host] = args else {
            return Err(vm.type_error(format!("gethostbyname_ex() takes exactly 1 argument ({} given)", args.len())));
        };
        let name = name_argument(vm, host, "gethostbyname_ex")?;
        audit::raise_event(vm, "socket.gethostbyname", || vec![host.clone()])?;
        resolve(vm, &name, c::AF_INET)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if let Some(address) = parse_v4_loosely(&name) {
            let host = Host { name, aliases: Vec::new(), addresses: vec![address.into()] };
            return Ok(host_triple(vm, &host));
        }
        let found = vm.allow_threads(|| resolver::find_host(&name, Wanted::V4));
        found.map(|host| host_triple(vm, &host)).map_err(|error| host_error(vm, error))
    }

    /// Return the true host name, a list of aliases, and a list of IP addresses, for a host by name or number.
    #[function("gethostbyaddr")]
    fn gethostbyaddr(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult<(Value, Vec<Value>, Vec<Value>)> {
        crate::support::no_keywords(vm, "_socket.gethostbyaddr", names)?;
        let [host] = args else {
            return Err(vm.type_error(format!("gethostbyaddr() takes exactly 1 argument ({} given)", args.len())));
        };
        let name = name_argument(vm, host, "gethostbyaddr")?;
        audit::raise_event(vm, "socket.gethostbyaddr", || vec![host.clone()])?;
        let (address, _) = resolve(vm, &name, c::AF_UNSPEC)?;
        let found = vm.allow_threads(|| resolver::find_address(address));
        found.map(|host| host_triple(vm, &host)).map_err(|error| host_error(vm, error))
    }

    /// Return the port number of a service.
    #[function("getservbyname(servicename, protocolname=<unrepresentable>, /)")]
    fn getservbyname(vm: &Vm, servicename: String, protocolname: Option<String>) -> PyResult<i32> {
        audit::raise_event(vm, "socket.getservbyname", || {
            vec![vm.new_str(&servicename), vm.new_str(protocolname.as_deref().unwrap_or(""))]
        })?;
        let found = vm.allow_threads(|| resolver::find_service(&servicename, protocolname.as_deref()));
        found.map(|(_, port, _)| i32::from(port)).ok_or_else(|| vm.os_error_message("service/proto not found"))
    }

    /// Return the service name of a port.
    #[function("getservbyport(port, protocolname=<unrepresentable>, /)")]
    fn getservbyport(vm: &Vm, port: i32, protocolname: Option<String>) -> PyResult<String> {
        let Ok(port) = u16::try_from(port) else {
            return Err(vm.overflow_error("getservbyport: port must be 0-65535."));
        };
        audit::raise_event(vm, "socket.getservbyport", || {
            vec![Value::int(i32::from(port)), vm.new_str(protocolname.as_deref().unwrap_or(""))]
        })?;
        let found = vm.allow_threads(|| resolver::find_port(port, protocolname.as_deref()));
        found.map(|(name, _, _)| name).ok_or_else(|| vm.os_error_message("port/proto not found"))
    }

    /// Return the protocol number for the named protocol.
    #[function("getprotobyname(name, /)")]
    fn getprotobyname(vm: &Vm, name: String) -> PyResult<i32> {
        let found = vm.allow_threads(|| resolver::find_protocol(&name));
        found.ok_or_else(|| vm.os_error_message("protocol not found"))
    }

    /// Return the current host name.
    #[function("gethostname()")]
    fn gethostname(vm: &Vm) -> PyResult {
        use rspy_runtime::paths::OrRaise;
        audit::raise_event(vm, "socket.gethostname", Vec::new)?;
        let name = vm.allow_threads(host::host_name).or_raise(vm)?;
        Ok(decode(&name).into_value())
    }

    /// Sets the hostname to name.
    #[function("sethostname(name, /)")]
    fn sethostname(vm: &Vm, name: &Value) -> PyResult {
        use rspy_runtime::paths::OrRaise;
        let bytes = rspy_runtime::paths::to_bytes(vm, name)?;
        audit::raise_event(vm, "socket.sethostname", || vec![name.clone()])?;
        vm.allow_threads(|| host::set_host_name(&bytes)).or_raise(vm)?;
        Ok(none())
    }
}
