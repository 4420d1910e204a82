//! Where a secret may go.

use std::{fmt, net::IpAddr, str::FromStr};

/// Scheme, host and port of a URL (RFC 6454): what a secret is bound to. `https` to anywhere, or `http` to loopback.
///
/// Written `https://api.airbyte.com:443`, always with its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The host, in lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    /// Reads `scheme://host[:port]`, as the URL standard serialises it, and nothing after it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, authority) = text.split_once("://").ok_or(BadOrigin::Malformed)?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(BadOrigin::Scheme),
        };
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(digits) => digits.parse().map_err(|_| BadOrigin::Malformed)?,
            None if https => 443,
            None => 80,
        };
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err(BadOrigin::Malformed);
        }
        if !https && !is_loopback(&host) {
            return Err(BadOrigin::PlainHttp);
        }
        Ok(Self { https, host, port })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), BadOrigin> {
    let host_end = if authority.starts_with('[') {
        authority.find(']').ok_or(BadOrigin::Malformed)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(BadOrigin::Malformed),
    }
}

fn is_host(host: &str) -> bool {
    match bracketed(host) {
        Some(inner) => matches!(inner.parse(), Ok(IpAddr::V6(_))),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = bracketed(host).unwrap_or(host);
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Why a text is no origin that a secret may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// It is not `scheme://host[:port]`.
    #[error("not of the form https://host[:port]")]
    Malformed,
    /// The scheme is neither `https` nor `http`.
    #[error("the scheme must be https (or http, to this machine only)")]
    Scheme,
    /// A secret would travel in clear.
    #[error("plain http is allowed to this machine only (localhost, 127.0.0.1, [::1]); use https")]
    PlainHttp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (text, https, host, port) in [
            ("https://api.airbyte.com", true, "api.airbyte.com", 443),
            ("https://API.airbyte.COM:443", true, "api.airbyte.com", 443),
            ("https://my_host-1:8443", true, "my_host-1", 8443),
            ("https://10.1.2.3:65535", true, "10.1.2.3", 65535),
            ("https://[2001:db8::1]", true, "[2001:db8::1]", 443),
            ("http://localhost:8000", false, "localhost", 8000),
            ("http://127.0.0.1", false, "127.0.0.1", 80),
            ("http://127.9.9.9:1", false, "127.9.9.9", 1),
            ("http://[::1]:8000", false, "[::1]", 8000),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.is_https(), origin.host(), origin.port()), (https, host, port), "{text}");
        }
    }

    #[test]
    fn an_origin_is_written_with_its_port_and_reads_back_the_same() {
        for (text, written) in [
            ("https://api.airbyte.com", "https://api.airbyte.com:443"),
            ("http://localhost", "http://localhost:80"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), written);
            assert_eq!(written.parse(), Ok(origin));
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_never() {
        for text in
            ["http://airbyte.example", "http://10.0.0.1", "http://[2001:db8::1]", "http://localhost.example"]
        {
            assert_eq!(text.parse::<Origin>(), Err(BadOrigin::PlainHttp), "{text}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["ftp://host", "HTTPS://host", "://host", "file://host"] {
            assert_eq!(text.parse::<Origin>(), Err(BadOrigin::Scheme), "{text}");
        }
    }

    #[test]
    fn nothing_may_follow_or_hide_in_an_origin() {
        for text in [
            "",
            "host",
            "https:/host",
            "https://",
            "https://:443",
            "https://host/",
            "https://host?q",
            "https://host#f",
            "https://user@host",
            "https://host:",
            "https://host:x",
            "https://host:65536",
            "https://host:-1",
            "https://a:1:2",
            "https://h\u{f6}st",
            "https://ho st",
            "https://[::1",
            "https://[::1]x",
            "https://[::1]x:1",
            "https://[127.0.0.1]",
            "https://[]",
            "https://::1",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(BadOrigin::Malformed), "{text}");
        }
    }
}
