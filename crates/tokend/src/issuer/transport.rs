//! What went wrong before there was a reply, in words.

use std::{error::Error, io};

use airbyte_token_core::{Detail, Failure, Origin};

use super::{Deadlines, receive::ReceiveError, tls};

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

    /// The failure that an error stands for. All of it may pass; what is wrong with a certificate is asked again only
    /// after a minute, because it heals when somebody mends it and not before.
    pub(super) fn failure(&self, error: &ReceiveError) -> Failure {
        let error = match error {
            ReceiveError::Transport(error) => error,
            ReceiveError::HeadersTooLarge => return transient("the reply's headers are larger than 16 KiB"),
            ReceiveError::BodyTooLarge => return transient("the reply is larger than 64 KiB"),
        };
        match causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            Some(cause) => Failure::Transient {
                retry_after: Some(tls::PATIENCE),
                detail: Detail::new(&tls::explain(cause, &self.to)),
            },
            None => transient(&self.words(error)),
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
        if let Some(fault) =
            causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).and_then(io_words)
        {
            return format!("{fault} on the way to {to}");
        }
        if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref()).and_then(http_words) {
            return format!("{fault} from {to}");
        }
        if error.is_connect() && *proxied {
            return format!("the proxy does not connect to {to}");
        }
        format!("the connection to {to} failed")
    }
}

fn transient(text: &str) -> Failure {
    Failure::Transient { retry_after: None, detail: Detail::new(text) }
}

/// What the operating system said, where it says something that people know.
fn io_words(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "connection cut"
        }
        io::ErrorKind::UnexpectedEof => "connection closed too early",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
            "no network"
        }
        io::ErrorKind::AddrNotAvailable => "no free local address",
        _ => return None,
    })
}

/// What the HTTP library said of the bytes that came.
fn http_words(error: &hyper::Error) -> Option<&'static str> {
    if error.is_parse_too_large() {
        return Some("headers too large");
    }
    if error.is_parse() || error.is_parse_status() {
        return Some("something else than HTTP/1.1");
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_body_write_aborted() {
        return Some("only a part of the reply");
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
