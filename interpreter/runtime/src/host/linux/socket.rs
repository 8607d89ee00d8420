//! Sockets and network interfaces. Addresses are bytes as the system lays them out, family first.

use std::ffi::CStr;
use std::mem;
use std::ptr;

use super::Result;
use super::call::check;
use crate::host::room::Destination;

/// Room for an address of any family.
const ADDRESS_ROOM: usize = mem::size_of::<libc::sockaddr_storage>();

/// Calls with room for an address; answers the result and what was written.
fn with_address<T>(
    call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> Result<T>,
) -> Result<(T, Vec<u8>)> {
    // SAFETY: all zeros are a storage; it gives the alignment that addresses need.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let mut length = ADDRESS_ROOM as libc::socklen_t;
    let result = call((&raw mut storage).cast(), &raw mut length)?;
    // SAFETY: the storage is initialised from its beginning to its end.
    let bytes = unsafe { std::slice::from_raw_parts((&raw const storage).cast::<u8>(), ADDRESS_ROOM) };
    Ok((result, bytes[..(length as usize).min(ADDRESS_ROOM)].to_vec()))
}

/// A socket; the flags that the type can bear close it on `exec` and make it non-blocking.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<i32> {
    // SAFETY: the call takes numbers only.
    check(unsafe { libc::socket(family, kind, protocol) })
}

/// Two sockets that are connected with each other.
pub fn socket_pair(family: i32, kind: i32, protocol: i32) -> Result<(i32, i32)> {
    let mut pair = [0; 2];
    // SAFETY: two descriptors are written.
    check(unsafe { libc::socketpair(family, kind, protocol, pair.as_mut_ptr()) })?;
    Ok((pair[0], pair[1]))
}

/// Gives a socket its own address.
pub fn bind(descriptor: i32, address: &[u8]) -> Result {
    // SAFETY: the address is as long as said; the system copies it.
    check(unsafe { libc::bind(descriptor, address.as_ptr().cast(), address.len() as _) }).map(drop)
}

/// Connects a socket with an address.
pub fn connect(descriptor: i32, address: &[u8]) -> Result {
    // SAFETY: the address is as long as said; the system copies it.
    check(unsafe { libc::connect(descriptor, address.as_ptr().cast(), address.len() as _) }).map(drop)
}

system_calls! {unit
    /// Makes a socket take connections.
    listen(descriptor: i32, backlog: i32) = libc::listen(descriptor, backlog);
    /// Ends a connection in one or both directions.
    shutdown(descriptor: i32, how: i32) = libc::shutdown(descriptor, how);
}

/// Takes a connection; answers its socket, which is closed on `exec`, and the address of the other end.
pub fn accept(descriptor: i32) -> Result<(i32, Vec<u8>)> {
    with_address(|address, length| {
        // SAFETY: the room for the address is as long as said.
        check(unsafe { libc::accept4(descriptor, address, length, libc::SOCK_CLOEXEC) })
    })
}

/// A socket's own address.
pub fn own_address(descriptor: i32) -> Result<Vec<u8>> {
    with_address(|address, length| {
        // SAFETY: the room for the address is as long as said.
        check(unsafe { libc::getsockname(descriptor, address, length) })
    })
    .map(|(_, address)| address)
}

/// The address of the other end.
pub fn peer_address(descriptor: i32) -> Result<Vec<u8>> {
    with_address(|address, length| {
        // SAFETY: the room for the address is as long as said.
        check(unsafe { libc::getpeername(descriptor, address, length) })
    })
    .map(|(_, address)| address)
}

/// Reads an option into a buffer; answers how long it is.
pub fn socket_option(descriptor: i32, level: i32, option: i32, buffer: &mut [u8]) -> Result<usize> {
    let mut length = buffer.len() as libc::socklen_t;
    // SAFETY: the buffer is as long as said.
    check(unsafe {
        libc::getsockopt(descriptor, level, option, buffer.as_mut_ptr().cast(), &raw mut length)
    })?;
    Ok((length as usize).min(buffer.len()))
}

/// Sets an option.
pub fn set_socket_option(descriptor: i32, level: i32, option: i32, value: &[u8]) -> Result {
    // SAFETY: the value is as long as said.
    check(unsafe { libc::setsockopt(descriptor, level, option, value.as_ptr().cast(), value.len() as _) })
        .map(drop)
}

/// Sets an option to nothing with a length.
pub fn set_socket_option_length(descriptor: i32, level: i32, option: i32, length: u32) -> Result {
    // SAFETY: the system takes no value from a null pointer.
    check(unsafe { libc::setsockopt(descriptor, level, option, ptr::null(), length) }).map(drop)
}

/// Receives bytes.
pub fn receive(descriptor: i32, buffer: &mut (impl Destination + ?Sized), flags: i32) -> Result<usize> {
    let (place, length) = buffer.place();
    // SAFETY: the place is as long as said. With `MSG_TRUNC` the system may tell of more than it wrote.
    unsafe {
        let count = check(libc::recv(descriptor, place.cast(), length, flags))? as usize;
        buffer.written(count.min(length));
        Ok(count)
    }
}

/// Receives bytes; answers how many and from where.
pub fn receive_from(
    descriptor: i32,
    buffer: &mut (impl Destination + ?Sized),
    flags: i32,
) -> Result<(usize, Vec<u8>)> {
    let (place, room) = buffer.place();
    with_address(|address, length| {
        // SAFETY: place and address are as long as said. With `MSG_TRUNC` the system may tell of more than it wrote.
        unsafe {
            let count =
                check(libc::recvfrom(descriptor, place.cast(), room, flags, address, length))? as usize;
            buffer.written(count.min(room));
            Ok(count)
        }
    })
}

/// Sends bytes; answers how many.
pub fn send(descriptor: i32, bytes: &[u8], flags: i32) -> Result<usize> {
    // SAFETY: the bytes are as many as said.
    check(unsafe { libc::send(descriptor, bytes.as_ptr().cast(), bytes.len(), flags) })
        .map(|count| count as usize)
}

/// Sends bytes to an address; answers how many.
pub fn send_to(descriptor: i32, bytes: &[u8], flags: i32, address: &[u8]) -> Result<usize> {
    // SAFETY: bytes and address are as long as said.
    check(unsafe {
        libc::sendto(
            descriptor,
            bytes.as_ptr().cast(),
            bytes.len(),
            flags,
            address.as_ptr().cast(),
            address.len() as _,
        )
    })
    .map(|count| count as usize)
}

/// What goes with the bytes of a message.
pub struct ControlMessage {
    /// The protocol that it belongs to.
    pub level: i32,
    /// What it is.
    pub kind: i32,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// How much room a control message with this much data takes, without the padding behind it.
pub fn control_length(length: usize) -> Option<usize> {
    let whole = control_space(0)?.checked_add(length)?;
    (whole <= i32::MAX as usize).then_some(whole)
}

/// How much room a control message with this much data takes in a sequence of them.
pub fn control_space(length: usize) -> Option<usize> {
    // SAFETY: the macro only reckons.
    let space = |length: usize| unsafe { libc::CMSG_SPACE(length as u32) } as usize;
    (length <= i32::MAX as usize - space(1)).then(|| space(length))
}

/// Words, so that headers of control messages are aligned.
fn control_room(length: usize) -> Vec<u64> {
    vec![0; length.div_ceil(8)]
}

/// Sends the bytes of several slices with control messages, to an address unless it is empty.
pub fn send_message(
    descriptor: i32,
    parts: &[&[u8]],
    controls: &[ControlMessage],
    flags: i32,
    address: &[u8],
) -> Result<usize> {
    let mut vectors: Vec<libc::iovec> = parts
        .iter()
        .map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() })
        .collect();
    let length = controls.iter().map(|control| control_space(control.data.len()).unwrap_or(0)).sum();
    let mut room = control_room(length);
    // SAFETY: the header refers to live memory with its lengths. Each control message is written at the place that the
    // system's macros reckon; the room has space for all of them.
    unsafe {
        let mut header: libc::msghdr = mem::zeroed();
        if !address.is_empty() {
            header.msg_name = address.as_ptr().cast_mut().cast();
            header.msg_namelen = address.len() as _;
        }
        header.msg_iov = vectors.as_mut_ptr();
        header.msg_iovlen = vectors.len() as _;
        if length > 0 {
            header.msg_control = room.as_mut_ptr().cast();
            header.msg_controllen = length as _;
            let mut place = libc::CMSG_FIRSTHDR(&raw const header);
            for control in controls {
                if place.is_null() {
                    break;
                }
                (*place).cmsg_level = control.level;
                (*place).cmsg_type = control.kind;
                (*place).cmsg_len = libc::CMSG_LEN(control.data.len() as u32) as _;
                ptr::copy_nonoverlapping(control.data.as_ptr(), libc::CMSG_DATA(place), control.data.len());
                place = libc::CMSG_NXTHDR(&raw const header, place);
            }
        }
        check(libc::sendmsg(descriptor, &raw const header, flags)).map(|count| count as usize)
    }
}

/// What was received.
pub struct ReceivedMessage {
    /// How many bytes.
    pub count: usize,
    /// What came with them.
    pub controls: Vec<ControlMessage>,
    /// What the system says about the message.
    pub flags: i32,
    /// Where it came from.
    pub address: Vec<u8>,
}

/// Receives bytes into several slices, and control messages for which there is so much room.
pub fn receive_message(
    descriptor: i32,
    parts: &mut [&mut [u8]],
    control_length: usize,
    flags: i32,
) -> Result<ReceivedMessage> {
    let mut vectors: Vec<libc::iovec> = parts
        .iter_mut()
        .map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() })
        .collect();
    let mut room = control_room(control_length);
    // SAFETY: the header refers to live memory with its lengths; control messages are read where the system's macros
    // find them inside what was written, cut to the end of that.
    unsafe {
        let mut storage: libc::sockaddr_storage = mem::zeroed();
        let mut header: libc::msghdr = mem::zeroed();
        header.msg_name = (&raw mut storage).cast();
        header.msg_namelen = ADDRESS_ROOM as _;
        header.msg_iov = vectors.as_mut_ptr();
        header.msg_iovlen = vectors.len() as _;
        if control_length > 0 {
            header.msg_control = room.as_mut_ptr().cast();
            header.msg_controllen = control_length as _;
        }
        let count = check(libc::recvmsg(descriptor, &raw mut header, flags))? as usize;
        let mut controls = Vec::new();
        let start = room.as_ptr() as usize;
        let end = start + (header.msg_controllen as usize).min(control_length);
        let mut place =
            if header.msg_controllen > 0 { libc::CMSG_FIRSTHDR(&raw const header) } else { ptr::null_mut() };
        while !place.is_null() {
            let data = libc::CMSG_DATA(place);
            let said = ((*place).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            let length = said.min(end.saturating_sub(data as usize));
            controls.push(ControlMessage {
                level: (*place).cmsg_level,
                kind: (*place).cmsg_type,
                data: std::slice::from_raw_parts(data, length).to_vec(),
            });
            place = libc::CMSG_NXTHDR(&raw const header, place);
        }
        let bytes = std::slice::from_raw_parts((&raw const storage).cast::<u8>(), ADDRESS_ROOM);
        let address = bytes[..(header.msg_namelen as usize).min(ADDRESS_ROOM)].to_vec();
        Ok(ReceivedMessage { count, controls, flags: header.msg_flags, address })
    }
}

/// The number of a network interface.
pub fn interface_index(name: &CStr) -> Result<u32> {
    // SAFETY: the name ends with a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(super::Errno::last()),
        index => Ok(index),
    }
}

/// The name of a network interface.
pub fn interface_name(index: u32) -> Result<Vec<u8>> {
    let mut name = [0 as libc::c_char; libc::IF_NAMESIZE];
    // SAFETY: the room is as long as the call demands, and the name ends with a zero byte.
    unsafe {
        if libc::if_indextoname(index, name.as_mut_ptr()).is_null() {
            return Err(super::Errno::last());
        }
        Ok(CStr::from_ptr(name.as_ptr()).to_bytes().to_vec())
    }
}

/// All network interfaces.
pub fn interfaces() -> Result<Vec<(u32, Vec<u8>)>> {
    let mut all = Vec::new();
    // SAFETY: the array ends with an entry of zeros and is given back once.
    unsafe {
        let first = libc::if_nameindex();
        if first.is_null() {
            return Err(super::Errno::last());
        }
        let mut place = first;
        while (*place).if_index != 0 {
            all.push(((*place).if_index, CStr::from_ptr((*place).if_name).to_bytes().to_vec()));
            place = place.add(1);
        }
        libc::if_freenameindex(first);
    }
    Ok(all)
}

/// The name of the machine.
pub fn host_name() -> Result<Vec<u8>> {
    let mut name = [0u8; 1024];
    // SAFETY: one byte less than there is room is given, so that a zero byte remains.
    check(unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) })?;
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(0);
    Ok(name[..end].to_vec())
}

/// Gives the machine a name.
pub fn set_host_name(name: &[u8]) -> Result {
    // SAFETY: the name is as long as said.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}
