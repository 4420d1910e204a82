//! Ports that one can give up for somebody else.

use std::net::TcpListener;

use crate::random;

/// Those that the kernel gives to nobody who does not ask for them by number (`ip_local_port_range`, ip(7)).
const RESERVED: std::ops::Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that is free, and will most likely still be so when the listener is dropped.
#[must_use]
pub fn free_port() -> (TcpListener, u16) {
    loop {
        let offset = u16::from_ne_bytes(random::bytes()) % (RESERVED.end - RESERVED.start);
        let port = RESERVED.start + offset;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return (listener, port);
        }
    }
}
