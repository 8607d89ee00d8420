//! The hardware addresses of network interfaces.

/// The address of the first interface that has one.
pub fn hardware_address() -> Option<[u8; 6]> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the list is written by the call and freed once, after the last use of its entries. An entry of the packet
    // family points to an address of that family.
    unsafe {
        if libc::getifaddrs(&raw mut list) != 0 {
            return None;
        }
        let mut found = None;
        let mut entry = list;
        while !entry.is_null() && found.is_none() {
            let address = (*entry).ifa_addr;
            if !address.is_null() && i32::from((*address).sa_family) == libc::AF_PACKET {
                let address = address.cast::<libc::sockaddr_ll>().read_unaligned();
                let [a, b, c, d, e, f, ..] = address.sll_addr;
                let node = [a, b, c, d, e, f];
                found = (address.sll_halen == 6 && node != [0; 6]).then_some(node);
            }
            entry = (*entry).ifa_next;
        }
        libc::freeifaddrs(list);
        found
    }
}
