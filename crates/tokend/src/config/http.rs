//! Where loopback HTTP is to be had, if anywhere: an address that no other machine can reach, and nothing else.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// `127.0.0.1:PORT` or `[::1]:PORT`.
///
/// There is no other address to be had: not `0.0.0.0`, which is every network of the machine, not `localhost`, which is
/// whatever the resolver says, not the rest of `127.0.0.0/8`, which no `Host` of ours names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoopbackAddress(SocketAddr);

impl LoopbackAddress {
    /// The address, for `bind(2)`.
    #[must_use]
    pub const fn socket_addr(self) -> SocketAddr {
        self.0
    }

    /// The port.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.0.port()
    }

    /// Whether both are addresses of IPv4, or both of IPv6.
    #[must_use]
    pub const fn is_of_the_family_of(self, other: Self) -> bool {
        self.0.is_ipv4() == other.0.is_ipv4()
    }

    /// Whether a request with this `Host` is addressed to this endpoint: the address itself or `localhost`, with the
    /// port, to the letter. Clients leave out the port of `http`, 80 (RFC 9110 §4.2.1).
    #[must_use]
    pub fn is_named(self, host: &str) -> bool {
        let named = |host: &str| host == "localhost" || host == self.written_ip();
        match host.rsplit_once(':') {
            Some((name, port)) if port == self.port().to_string() => named(name),
            Some(_) | None => self.port() == 80 && named(host),
        }
    }

    const fn written_ip(self) -> &'static str {
        match self.0 {
            SocketAddr::V4(_) => "127.0.0.1",
            SocketAddr::V6(_) => "[::1]",
        }
    }
}

impl fmt::Display for LoopbackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.written_ip(), self.port())
    }
}

impl FromStr for LoopbackAddress {
    type Err = NotLoopback;

    fn from_str(text: &str) -> Result<Self, NotLoopback> {
        let address: SocketAddr = text.parse().map_err(|_| NotLoopback)?;
        let is_loopback =
            matches!(address.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(Ipv6Addr::LOCALHOST));
        let loopback = Self(address);
        // What is written in another way than ours is another address to some other reader.
        let is_plain = is_loopback && address.port() != 0 && loopback.to_string() == text;
        if is_plain { Ok(loopback) } else { Err(NotLoopback) }
    }
}

/// It is no address of loopback HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "only this machine may reach it: write \"127.0.0.1:PORT\" or \"[::1]:PORT\", with a port from 1 to 65535"
)]
pub struct NotLoopback;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> LoopbackAddress {
        text.parse().unwrap()
    }

    #[test]
    fn only_loopback_with_a_port_is_an_address() {
        for text in ["127.0.0.1:1", "127.0.0.1:8797", "[::1]:65535"] {
            assert_eq!(address(text).to_string(), text);
        }
        for text in [
            "",
            "8797",
            ":8797",
            "*:8797",
            "127.0.0.1",
            "[::1]",
            "127.0.0.1:",
            "127.0.0.1:0",
            "[::1]:0",
            "127.0.0.1:65536",
            "127.0.0.1:08797",
            "127.0.0.1:+8797",
            "127.0.0.1:-1",
            " 127.0.0.1:8797",
            "127.0.0.1:8797 ",
            "127.0.0.1:8797/",
            "http://127.0.0.1:8797",
            "0.0.0.0:8797",
            "[::]:8797",
            "127.0.0.2:8797",
            "127.1:8797",
            "2130706433:8797",
            "0x7f000001:8797",
            "0177.0.0.1:8797",
            "127.0.0.1.:8797",
            "192.0.2.1:8797",
            "localhost:8797",
            "::1:8797",
            "[0:0:0:0:0:0:0:1]:8797",
            "[::1%1]:8797",
            "[::1%lo]:8797",
            "[::ffff:127.0.0.1]:8797",
            "[fe80::1]:8797",
        ] {
            assert_eq!(text.parse::<LoopbackAddress>(), Err(NotLoopback), "{text}");
        }
    }

    #[test]
    fn an_endpoint_goes_by_two_names_and_its_port() {
        for (endpoint, names) in [
            ("127.0.0.1:8797", ["127.0.0.1:8797", "localhost:8797"]),
            ("[::1]:8797", ["[::1]:8797", "localhost:8797"]),
            ("127.0.0.1:80", ["127.0.0.1", "localhost:80"]),
        ] {
            assert!(names.into_iter().all(|name| address(endpoint).is_named(name)), "{endpoint}");
        }
        for other in [
            "",
            ":8797",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "[::1]:8797",
            "::1:8797",
            "0.0.0.0:8797",
            "LOCALHOST:8797",
            "localhost.:8797",
            "localhost:08797",
            "localhost:8797:8797",
            "me@localhost:8797",
            "localhost:8797@evil.example",
            "localhost :8797",
            "127.0.0.1.evil.example:8797",
        ] {
            assert!(!address("127.0.0.1:8797").is_named(other), "{other}");
        }
    }
}
