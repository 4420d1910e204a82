//! What went wrong before there was a reply, in words.

use std::{error::Error, io};

use airbyte_token_core::{Detail, Failure, Origin};

use super::{BuildIssuerError, Deadlines, receive::ReceiveError, tls};

/// What an exchange passes through: enough to say where it got stuck.
#[derive(Debug)]
pub(super) struct Route {
    to: String,
    proxied: bool,
    deadlines: Deadlines,
}

impl Route {
    /// The way to an origin.
    pub(super) fn new(origin: &Origin, proxied: bool, deadlines: Deadlines) -> Self {
        Self { to: origin.to_string(), proxied, deadlines }
    }

    /// The failure that an error stands for. All of it may pass.
    pub(super) fn failure(&self, error: &ReceiveError) -> Failure {
        match error {
            ReceiveError::Transport(error) => match tls_fault(error) {
                Some(fault) => tls::failure(fault, &self.to),
                None if is_unreached(error) => Failure::Unreached { detail: Detail::new(&self.words(error)) },
                None => transient(&self.words(error)),
            },
            ReceiveError::HeadersTooLarge => transient("the reply's headers are larger than 16 KiB"),
            ReceiveError::BodyTooLarge => transient("the reply is larger than 64 KiB"),
        }
    }

    fn words(&self, error: &reqwest::Error) -> String {
        let Self { to, proxied, deadlines } = self;
        let whose = if *proxied { "the proxy" } else { "the host" };
        if error.is_dns() {
            return format!("the name of {whose} cannot be resolved, on the way to {to}");
        }
        if error.is_timeout() && error.is_connect() {
            return format!("no connection to {to} within {:?}", deadlines.connect);
        }
        if error.is_timeout() {
            return format!("no whole reply from {to} within {:?}", deadlines.total);
        }
        if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref().and_then(io_words)) {
            return format!("{fault} on the way to {to}");
        }
        if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref().and_then(http_words)) {
            return format!("{fault} on the way to {to}");
        }
        if error.is_connect() && *proxied {
            return format!("the proxy does not connect to {to}");
        }
        format!("the connection to {to} failed")
    }
}

/// Whether the server showed a certificate that the authorities do not vouch for.
pub(super) fn is_distrust(error: &ReceiveError) -> bool {
    match error {
        ReceiveError::Transport(error) => {
            matches!(tls_fault(error), Some(rustls::Error::InvalidCertificate(_)))
        }
        ReceiveError::HeadersTooLarge | ReceiveError::BodyTooLarge => false,
    }
}

/// The failure where the server is not trusted, and whether it should be could not be looked up anew.
pub(super) fn unread(error: &BuildIssuerError) -> Failure {
    Failure::Untrusted { detail: Detail::new(&error.to_string()) }
}

fn tls_fault(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether no connection was so much as asked for, because there is no way to where it would go.
fn is_unreached(error: &reqwest::Error) -> bool {
    let no_way = |error: &io::Error| NO_WAY.contains(&error.kind());
    let is_local = || causes(error).filter_map(|cause| cause.downcast_ref()).any(no_way);
    error.is_dns() || (error.is_connect() && is_local())
}

fn transient(text: &str) -> Failure {
    Failure::Transient { retry_after: None, detail: Detail::new(text) }
}

/// Before the whole reply was here.
const ENDED_EARLY: &str = "connection ended too early";

/// What the operating system says where there is no way to the other end.
const NO_WAY: [io::ErrorKind; 4] = [
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::AddrNotAvailable,
];

/// What the operating system says, as far as people know it by other words.
const IO_WORDS: [(io::ErrorKind, &str); 9] = [
    (io::ErrorKind::ConnectionRefused, "connection refused"),
    (io::ErrorKind::ConnectionReset, "connection cut"),
    (io::ErrorKind::ConnectionAborted, "connection cut"),
    (io::ErrorKind::BrokenPipe, "connection cut"),
    (io::ErrorKind::UnexpectedEof, ENDED_EARLY),
    (io::ErrorKind::NetworkUnreachable, "no network"),
    (io::ErrorKind::HostUnreachable, "no network"),
    (io::ErrorKind::NetworkDown, "no network"),
    (io::ErrorKind::AddrNotAvailable, "no free local address"),
];

fn io_words(error: &io::Error) -> Option<&'static str> {
    IO_WORDS.iter().find(|(kind, _)| *kind == error.kind()).map(|(_, words)| *words)
}

/// What the HTTP library said of the bytes that came.
fn http_words(error: &hyper::Error) -> Option<&'static str> {
    if error.is_parse_too_large() {
        return Some("reply with too many or too large headers");
    }
    if error.is_parse() || error.is_parse_status() {
        return Some("reply that is not HTTP/1.1");
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_body_write_aborted() {
        return Some(ENDED_EARLY);
    }
    None
}

/// An error and what caused it, to the root. `io::Error` hides the error that it was made of from `source`, so that is
/// looked into as well.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::{
        Client,
        dns::{Name, Resolve, Resolving},
    };

    use super::*;

    const NOTHING: Deadlines = Deadlines { connect: Duration::ZERO, total: Duration::ZERO };

    /// A name server that knows nothing.
    struct Ignorant;

    impl Resolve for Ignorant {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }

    fn route(proxied: bool) -> Route {
        Route::new(&"https://airbyte.example.com".parse().unwrap(), proxied, NOTHING)
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_told() {
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let builder = Client::builder().no_proxy().dns_resolver(Ignorant).tls_backend_preconfigured(tls);
        let request = builder.build().unwrap().get("https://airbyte.example.com/?canary=1");
        let error = ReceiveError::from(request.send().await.unwrap_err());
        for (proxied, whose) in [(false, "the host"), (true, "the proxy")] {
            let expected = format!(
                "the name of {whose} cannot be resolved, on the way to https://airbyte.example.com:443"
            );
            let detail = Detail::new(&expected);
            assert_eq!(route(proxied).failure(&error), Failure::Unreached { detail });
        }
    }

    #[test]
    fn an_error_inside_an_io_error_is_found() {
        let inner = io::Error::other(io::Error::new(io::ErrorKind::ConnectionReset, "inner"));
        let kinds: Vec<_> =
            causes(&inner).filter_map(|cause| cause.downcast_ref().map(io::Error::kind)).collect();
        assert_eq!(kinds, [io::ErrorKind::Other, io::ErrorKind::ConnectionReset]);
    }
}
