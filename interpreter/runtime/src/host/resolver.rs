//! Names of hosts and services: `/etc/hosts`, `/etc/services`, `/etc/protocols` and DNS (RFC 1035).
//!
//! A static executable cannot load the C library's name service modules, so that this stands in their place.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Why a name was not found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupError {
    /// There is no such name.
    NotFound,
    /// The name has no address of the kind.
    NoAddress,
    /// No server answered.
    TryAgain,
    /// A server refused.
    Failed,
}

/// What is known of a host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Host {
    /// Its canonical name.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Which addresses are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// IPv4 addresses.
    V4,
    /// IPv6 addresses.
    V6,
    /// Both.
    Both,
}

impl Wanted {
    fn takes(self, address: &IpAddr) -> bool {
        match self {
            Wanted::V4 => address.is_ipv4(),
            Wanted::V6 => address.is_ipv6(),
            Wanted::Both => true,
        }
    }
}

/// A line of a file of names without its comment, split at blanks.
fn entries(path: &str) -> Vec<Vec<String>> {
    let Ok(bytes) = std::fs::read(path) else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .map(|line| line.split('#').next().unwrap_or("").split_whitespace().map(str::to_owned).collect())
        .filter(|words: &Vec<String>| words.len() >= 2)
        .collect()
}

/// The host of a name.
///
/// # Errors
/// Why it was not found.
pub fn find_host(name: &str, wanted: Wanted) -> Result<Host, LookupError> {
    let plain = name.strip_suffix('.').unwrap_or(name);
    if let Some(host) = host_in_file(plain, wanted) {
        return Ok(host);
    }
    let local = plain.eq_ignore_ascii_case("localhost") || plain.to_ascii_lowercase().ends_with(".localhost");
    if local && host_in_file(plain, Wanted::Both).is_some() {
        return Err(LookupError::NoAddress);
    }
    if local {
        // These names are the machine itself without anybody being asked (RFC 6761).
        let both = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let addresses = both.into_iter().filter(|address| wanted.takes(address)).collect();
        return Ok(Host { name: plain.to_owned(), aliases: Vec::new(), addresses });
    }
    Configuration::read().find(name, wanted)
}

fn host_in_file(name: &str, wanted: Wanted) -> Option<Host> {
    let mut found: Option<Host> = None;
    for words in entries("/etc/hosts") {
        let Ok(address) = words[0].parse::<IpAddr>() else { continue };
        if !wanted.takes(&address) || !words[1..].iter().any(|word| word.eq_ignore_ascii_case(name)) {
            continue;
        }
        let host = found.get_or_insert_with(|| Host { name: words[1].clone(), ..Host::default() });
        host.addresses.push(address);
        for word in &words[1..] {
            if *word != host.name && !host.aliases.contains(word) {
                host.aliases.push(word.clone());
            }
        }
    }
    found
}

/// The host that has an address.
///
/// # Errors
/// Why it was not found.
pub fn find_address(address: IpAddr) -> Result<Host, LookupError> {
    for words in entries("/etc/hosts") {
        if words[0].parse() == Ok(address) {
            let aliases = words[2..].to_vec();
            return Ok(Host { name: words[1].clone(), aliases, addresses: vec![address] });
        }
    }
    let question = reverse_name(address);
    let answer = Configuration::read().ask(&question, POINTER)?;
    let mut names = answer.names.into_iter();
    let name = names.next().ok_or(LookupError::NotFound)?;
    Ok(Host { name, aliases: names.collect(), addresses: vec![address] })
}

fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut name = String::new();
            for byte in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
            }
            name + "ip6.arpa"
        }
    }
}

/// A service: its name, port and protocol.
pub type Service = (String, u16, String);

fn services() -> impl Iterator<Item = (Vec<String>, u16, String)> {
    entries("/etc/services").into_iter().filter_map(|words| {
        let (port, protocol) = words[1].split_once('/')?;
        let (port, protocol) = (port.parse().ok()?, protocol.to_owned());
        let mut names = words;
        names.remove(1);
        Some((names, port, protocol))
    })
}

/// The service of a name, for any protocol where none is given.
pub fn find_service(name: &str, protocol: Option<&str>) -> Option<Service> {
    services()
        .find(|(names, _, of)| {
            names.iter().any(|one| one == name) && protocol.is_none_or(|protocol| protocol == of)
        })
        .map(|(mut names, port, protocol)| (names.swap_remove(0), port, protocol))
}

/// The service of a port, for any protocol where none is given.
pub fn find_port(port: u16, protocol: Option<&str>) -> Option<Service> {
    services()
        .find(|(_, of_port, of)| *of_port == port && protocol.is_none_or(|protocol| protocol == of))
        .map(|(mut names, port, protocol)| (names.swap_remove(0), port, protocol))
}

/// The number of a protocol.
pub fn find_protocol(name: &str) -> Option<i32> {
    entries("/etc/protocols").into_iter().find_map(|words| {
        let number = words[1].parse().ok()?;
        (words[0] == name || words[2..].iter().any(|alias| alias == name)).then_some(number)
    })
}

const ADDRESS_4: u16 = 1;
const CANONICAL: u16 = 5;
const POINTER: u16 = 12;
const ADDRESS_6: u16 = 28;

/// What `/etc/resolv.conf` says.
struct Configuration {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// Names with as many dots are asked for as they are before the search list is used.
    dots: usize,
    patience: Duration,
    attempts: usize,
}

/// What a server said of a name.
#[derive(Default, Debug)]
struct Answer {
    canonical: Option<String>,
    aliases: Vec<String>,
    addresses: Vec<IpAddr>,
    names: Vec<String>,
}

impl Configuration {
    fn read() -> Configuration {
        let mut configuration = Configuration {
            servers: Vec::new(),
            search: Vec::new(),
            dots: 1,
            patience: Duration::from_secs(5),
            attempts: 2,
        };
        for words in entries("/etc/resolv.conf") {
            match words[0].as_str() {
                "nameserver" if configuration.servers.len() < 3 => {
                    let address = words[1].split('%').next().unwrap_or("");
                    configuration
                        .servers
                        .extend(address.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53)));
                }
                "search" | "domain" => configuration.search = words[1..].to_vec(),
                "options" => words[1..].iter().for_each(|option| configuration.set(option)),
                _ => {}
            }
        }
        if configuration.servers.is_empty() {
            configuration.servers.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53));
        }
        configuration
    }

    fn set(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        match name {
            "ndots" => self.dots = value.min(15) as usize,
            "timeout" => self.patience = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5) as usize,
            _ => {}
        }
    }

    /// The names to ask for in turn.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{}", domain.trim_matches('.')));
        let mut all: Vec<String> = searched.filter(|name| !name.ends_with('.')).collect();
        let place = if name.matches('.').count() >= self.dots { 0 } else { all.len() };
        all.insert(place, name.to_owned());
        all
    }

    fn find(&self, name: &str, wanted: Wanted) -> Result<Host, LookupError> {
        let kinds: &[u16] = match wanted {
            Wanted::V4 => &[ADDRESS_4],
            Wanted::V6 => &[ADDRESS_6],
            Wanted::Both => &[ADDRESS_4, ADDRESS_6],
        };
        let mut worst = LookupError::NotFound;
        for candidate in self.candidates(name) {
            let mut host = Host { name: candidate.clone(), ..Host::default() };
            for &kind in kinds {
                match self.ask(&candidate, kind) {
                    Ok(answer) => {
                        host.addresses.extend(answer.addresses);
                        host.name = answer.canonical.unwrap_or(host.name);
                        if host.aliases.is_empty() {
                            host.aliases = answer.aliases;
                        }
                    }
                    Err(LookupError::NotFound) => {}
                    Err(error) => worst = error,
                }
            }
            if !host.addresses.is_empty() {
                return Ok(host);
            }
            if worst == LookupError::TryAgain {
                break;
            }
        }
        Err(worst)
    }

    /// Asks the servers in turn for the records of one kind.
    fn ask(&self, name: &str, kind: u16) -> Result<Answer, LookupError> {
        let identity = RandomState::new().build_hasher().finish() as u16;
        let question = write_question(identity, name, kind).ok_or(LookupError::NotFound)?;
        let mut worst = LookupError::TryAgain;
        for _ in 0..self.attempts {
            for &server in &self.servers {
                let Some(response) = exchange(server, &question, self.patience) else { continue };
                match read_answer(&response, kind) {
                    Err(LookupError::Failed) => worst = LookupError::TryAgain,
                    result => return result,
                }
            }
        }
        Err(worst)
    }
}

/// A question for the records of a name; nothing for a text that can be no name.
fn write_question(identity: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(name.len() + 18);
    out.extend(identity.to_be_bytes());
    // A plain question that asks for recursion; one question, no records.
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1]);
    (name.len() <= 253).then_some(out)
}

/// Sends a question and waits for its answer; over TCP where the answer does not fit a datagram.
fn exchange(server: SocketAddr, question: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(local).ok()?;
    socket.connect(server).ok()?;
    socket.send(question).ok()?;
    let end = Instant::now() + patience;
    let mut room = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        socket.set_read_timeout(Some(left)).ok()?;
        let length = match socket.recv(&mut room) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        let response = &room[..length];
        // What is no answer to this very question is somebody else's.
        if length < question.len()
            || response[..2] != question[..2]
            || response[2] & 0x80 == 0
            || !response[12..question.len()].eq_ignore_ascii_case(&question[12..])
        {
            continue;
        }
        if response[2] & 2 != 0 {
            return exchange_by_stream(server, question, patience);
        }
        return Some(response.to_vec());
    }
}

fn exchange_by_stream(server: SocketAddr, question: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let mut message = (question.len() as u16).to_be_bytes().to_vec();
    message.extend(question);
    stream.write_all(&message).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut response).ok()?;
    (response.len() >= 12 && response[..2] == question[..2]).then_some(response)
}

fn number(message: &[u8], place: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*message.get(place)?, *message.get(place + 1)?]))
}

/// The name at a place, and where what follows it begins.
fn read_name(message: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut place, mut after) = (start, None);
    let mut name = String::new();
    // Each jump goes to another place, so that there are no more than this without a circle.
    for _ in 0..128 {
        let length = usize::from(*message.get(place)?);
        if length == 0 {
            return Some((name, after.unwrap_or(place + 1)));
        }
        if length & 0xc0 == 0xc0 {
            after.get_or_insert(place + 2);
            place = usize::from(number(message, place)? & 0x3fff);
            continue;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(message.get(place + 1..place + 1 + length)?));
        place += 1 + length;
    }
    None
}

/// What an answer says.
fn read_answer(message: &[u8], kind: u16) -> Result<Answer, LookupError> {
    match message.get(3).map(|byte| byte & 15) {
        Some(0) => {}
        Some(3) => return Err(LookupError::NotFound),
        _ => return Err(LookupError::Failed),
    }
    let answer = read_records(message, kind).ok_or(LookupError::Failed)?;
    if answer.addresses.is_empty() && answer.names.is_empty() {
        return Err(LookupError::NoAddress);
    }
    Ok(answer)
}

fn read_records(message: &[u8], kind: u16) -> Option<Answer> {
    let (questions, records) = (number(message, 4)?, number(message, 6)?);
    let mut place = 12;
    for _ in 0..questions {
        place = read_name(message, place)?.1 + 4;
    }
    let mut answer = Answer::default();
    for _ in 0..records {
        let (owner, after) = read_name(message, place)?;
        let record = number(message, after)?;
        let length = usize::from(number(message, after + 8)?);
        let data = message.get(after + 10..after + 10 + length)?;
        match record {
            CANONICAL => {
                answer.aliases.push(owner);
                answer.canonical = Some(read_name(message, after + 10)?.0);
            }
            POINTER if kind == POINTER => answer.names.push(read_name(message, after + 10)?.0),
            ADDRESS_4 if kind == ADDRESS_4 => {
                answer.addresses.push(<[u8; 4]>::try_from(data).ok()?.into());
            }
            ADDRESS_6 if kind == ADDRESS_6 => {
                answer.addresses.push(<[u8; 16]>::try_from(data).ok()?.into());
            }
            _ => {}
        }
        place = after + 10 + length;
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_compressed_names_are_read() {
        let mut message = write_question(7, "www.example.org", ADDRESS_4).expect("a name");
        message[2] = 0x81;
        message[7] = 2;
        // www.example.org is an alias of a.example.org, …
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'a', 0xc0, 16]);
        // … which has an address.
        message.extend([0xc0, 45, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        let answer = read_answer(&message, ADDRESS_4).expect("an answer");
        assert_eq!(answer.canonical.as_deref(), Some("a.example.org"));
        assert_eq!(answer.aliases, ["www.example.org"]);
        assert_eq!(answer.addresses, [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]);
    }

    #[test]
    fn circles_of_names_are_refused() {
        assert!(read_name(&[0xc0, 0], 0).is_none());
    }

    #[test]
    fn addresses_have_names_to_be_asked_for() {
        assert_eq!(reverse_name(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))), "1.2.0.192.in-addr.arpa");
        assert!(reverse_name(IpAddr::V6(Ipv6Addr::LOCALHOST)).starts_with("1.0.0.0."));
    }
}
