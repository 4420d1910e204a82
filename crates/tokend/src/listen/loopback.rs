//! A TCP port that only this machine reaches.

use std::{io, net::TcpListener, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    net::{self, AddressFamily, SocketFlags, SocketType, sockopt},
};

use super::BACKLOG;
use crate::config::LoopbackAddress;

/// Opens the port.
///
/// `SO_REUSEADDR` is set, `SO_REUSEPORT` is not. On Linux the first shares nothing that is in use: while one socket
/// listens, no other can be bound to its port on the same address or on all addresses, whatever options it has
/// (socket(7)); without it, the connections of a daemon that was just stopped would keep the port for a minute (`TIME_WAIT`,
/// tcp(7)). The second is what shares a port.
///
/// # Errors
/// When somebody else has the port, or the system refuses it.
pub fn open(address: LoopbackAddress) -> Result<TcpListener, PortError> {
    bind(address).map_err(|source| PortError::of(address, source))
}

fn bind(address: LoopbackAddress) -> io::Result<TcpListener> {
    let address = address.socket_addr();
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd = net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// The port is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody listens there.
    #[error(
        "loopback HTTP cannot be served at {address}: another program has port {port} (`ss -ltnp 'sport = :{port}'` shows \
         which); stop it, or choose another port in [http] listen", port = address.port()
    )]
    Taken {
        /// Where.
        address: LoopbackAddress,
    },
    /// Only root may have it (`ip_unprivileged_port_start`, ip(7)).
    #[error(
        "loopback HTTP cannot be served at {address}: the port is for root; choose one from 1024 on in [http] listen"
    )]
    Forbidden {
        /// Where.
        address: LoopbackAddress,
    },
    /// There is no IPv6 on this machine, or no descriptor left, or no memory.
    #[error("loopback HTTP cannot be served at {address}: {source}; [http] listen says where")]
    Refused {
        /// Where.
        address: LoopbackAddress,
        /// What the system said.
        source: io::Error,
    },
}

impl PortError {
    fn of(address: LoopbackAddress, source: io::Error) -> Self {
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ADDRINUSE) => Self::Taken { address },
            Some(Errno::ACCESS) => Self::Forbidden { address },
            Some(_) | None => Self::Refused { address, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    /// A port that is free, and an address with it.
    fn free() -> LoopbackAddress {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().to_string().parse().unwrap()
    }

    /// Binds and listens with every option that shares a port.
    fn share(address: std::net::SocketAddr) -> io::Result<TcpListener> {
        let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        sockopt::set_socket_reuseport(&socket, true)?;
        net::bind(&socket, &address)?;
        net::listen(&socket, 1)?;
        Ok(socket.into())
    }

    #[test]
    fn a_port_is_open_to_callers_and_closed_to_those_who_would_share_it() {
        let address = free();
        let _listener = open(address).unwrap();
        assert!(TcpStream::connect(address.socket_addr()).is_ok());
        for shared in [address.socket_addr(), (Ipv4Addr::UNSPECIFIED, address.port()).into()] {
            assert_eq!(share(shared).unwrap_err().kind(), io::ErrorKind::AddrInUse, "{shared}");
        }
    }

    #[test]
    fn ports_are_shared_among_those_who_both_want_that() {
        let address = free().socket_addr();
        let first = share(address).unwrap();
        assert!(share(address).is_ok(), "the control");
        drop(first);
    }

    #[test]
    fn a_port_that_was_just_closed_is_to_be_had_at_once() {
        let address = free();
        let listener = open(address).unwrap();
        let caller = TcpStream::connect(address.socket_addr()).unwrap();
        listener.set_nonblocking(false).unwrap();
        drop(listener.accept().unwrap());
        drop((caller, listener));
        assert!(open(address).is_ok());
    }

    #[test]
    fn whoever_has_the_port_is_to_be_found() {
        let address = free();
        let _first = open(address).unwrap();
        let error = open(address).unwrap_err().to_string();
        let expected =
            format!("{address}: another program has port {0} (`ss -ltnp 'sport = :{0}'`", address.port());
        assert!(error.contains(&expected), "{error}");
    }
}
