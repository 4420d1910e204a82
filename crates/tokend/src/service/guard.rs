//! Who may come in. Every request passes here before it is routed, whichever door it came by.
//!
//! On the Unix socket the kernel says which user connects; that is the wall. On loopback a local client's credential is.
//! Before either stand the same rules: no web page, reverse proxy or forwarded request has business here, and each of them
//! gives itself away by the host that it names or by a header that it cannot leave out.

mod credential;
mod rebuffs;
mod tell_tale;

pub(super) use credential::Credential;
pub use rebuffs::{Rebuffs, Why};

use airbyte_token_core::Detail;
use airbyte_token_local::ErrorCode;
use axum::{
    body::HttpBody as _,
    extract::{Request, State as Asked},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Caller, Refusal, Who, loopback};
use crate::{
    audit::{Note, Verb},
    config::LoopbackAddress,
    daemon::State,
    door::Kind,
};

/// The names that this daemon goes by on its Unix sockets.
const OUR_NAMES: [&str; 2] = ["localhost", "airbyte-tokend"];

/// What every answer has, whatever it says: nobody may keep it, and no page may show, run or read it. There is no header
/// that opens it to another origin (the Fetch standard's `Access-Control-*`), not for `OPTIONS` either.
pub(super) const SHIELDS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'"),
    ("x-frame-options", "DENY"),
];

/// Lets the request through, or refuses it. At a door where the kernel says who comes, the reason is told; on loopback
/// only the log has it, and everybody is told the same.
pub(super) async fn gate(Asked(state): Asked<State>, request: Request, next: Next) -> Response {
    let kind = request.extensions().get().map_or(Kind::Socket, Caller::kind);
    let is_delimited = is_delimited(request.headers());
    let mut response = match (inspect(&request, kind), kind) {
        (Ok(()), Kind::Socket) => next.run(request).await,
        (Ok(()), Kind::Loopback(_)) => loopback::answer(&state, kind, request, next).await,
        (Err(flaw), Kind::Socket) => {
            let refusal = flaw.told();
            if let Some(caller) = request.extensions().get() {
                state.audit().note(caller, &Note::of(Verb::Refused).refused(refusal.reply().code));
            }
            refusal.into_response()
        }
        (Err(flaw), Kind::Loopback(address)) => {
            state.rebuffs().note(flaw.why(), &flaw.logged());
            loopback::note_rebuff(&state, &Who::Unnamed, ErrorCode::RequestRefused);
            no_matter_why(address).into_response()
        }
    };
    forbid_keeping(response.headers_mut());
    if !is_delimited {
        // What comes after it is nobody's request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Tells whoever stands between that this answer is for nobody else.
pub(super) fn forbid_keeping(headers: &mut HeaderMap) {
    for (name, value) in SHIELDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// What is wrong with a request before anybody asks what it is for.
#[derive(Debug, thiserror::Error)]
enum Flaw {
    /// HTTP/1.0 is what nginx (before 1.29.7) and others speak to what stands behind them, unless told otherwise.
    /// Programs do not.
    #[error("requests of a version of HTTP before 1.1 are refused")]
    Version,
    #[error("requests with the header `{0:.60}` are refused")]
    Header(HeaderName),
    #[error("requests to speak another protocol are refused")]
    Switch,
    #[error("the request is addressed to another host")]
    Host(Detail),
    /// That is for a proxy.
    #[error("requests to connect to somebody else are refused")]
    Connect,
    /// There is nothing on loopback that takes one, and two readers may disagree on where it ends (RFC 9110 §9.3.1).
    #[error("requests with a body are refused")]
    Body,
    /// Two readers may disagree on where it ends (RFC 9112 §6.3), and so on where the next request begins.
    #[error("requests with another transfer coding than `chunked` are refused")]
    Coding,
}

impl Flaw {
    fn told(&self) -> Refusal {
        match self {
            Self::Version | Self::Header(_) | Self::Switch | Self::Connect | Self::Body | Self::Coding => {
                Refusal::new(ErrorCode::RequestRefused, self.to_string())
                    .hint("talk to the socket directly: no browser, no reverse proxy")
            }
            Self::Host(_) => Refusal::new(ErrorCode::WrongHost, self.to_string())
                .hint("use http://localhost/ or http://airbyte-tokend/ before the path"),
        }
    }

    fn logged(&self) -> String {
        match self {
            Self::Host(host) => format!("`{host}`"),
            Self::Version | Self::Header(_) | Self::Switch | Self::Connect | Self::Body | Self::Coding => {
                self.to_string()
            }
        }
    }

    const fn why(&self) -> Why {
        match self {
            Self::Host(_) => Why::Host,
            Self::Version | Self::Header(_) | Self::Switch | Self::Connect | Self::Body | Self::Coding => {
                Why::Shape
            }
        }
    }
}

/// The same for every flaw, to the byte: a stranger learns nothing about which it was.
fn no_matter_why(address: LoopbackAddress) -> Refusal {
    Refusal::new(ErrorCode::RequestRefused, "the request is refused").hint(format!(
        "send it to http://{address} straight from a program, without the headers of browsers and proxies"
    ))
}

fn inspect(request: &Request, kind: Kind) -> Result<(), Flaw> {
    if request.version() != Version::HTTP_11 {
        return Err(Flaw::Version);
    }
    if let Some(name) = tell_tale::find(request.headers()) {
        return Err(Flaw::Header(name.clone()));
    }
    if tell_tale::asks_to_switch(request.headers()) {
        return Err(Flaw::Switch);
    }
    if !is_delimited(request.headers()) {
        return Err(Flaw::Coding);
    }
    if !names_us(request, kind) {
        return Err(Flaw::Host(host_for_log(request.headers())));
    }
    match kind {
        _ if *request.method() == Method::CONNECT => Err(Flaw::Connect),
        Kind::Loopback(_) if !request.body().is_end_stream() => Err(Flaw::Body),
        Kind::Loopback(_) | Kind::Socket => Ok(()),
    }
}

/// Whether its end is where every reader sees it: as its length says, or chunked and nothing besides.
fn is_delimited(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the host is ours to the letter. A socket has no port, and needs no host to be told apart; on loopback exactly
/// one must be named. A request line with an authority of its own must name the same.
fn names_us(request: &Request, kind: Kind) -> bool {
    let is_ours = |host: &str| match kind {
        Kind::Socket => OUR_NAMES.contains(&host),
        Kind::Loopback(address) => address.is_named(host),
    };
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => Some(""),
        (Some(host), None) => host.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let Some(host) = host else { return false };
    let may_be_nameless = kind == Kind::Socket;
    let is_named = is_ours(host) || (may_be_nameless && host.is_empty());
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let agrees = |authority: &str| is_ours(authority) && (host.is_empty() || host == authority);
    let is_http = request.uri().scheme_str().is_none_or(|scheme| scheme == "http");
    is_named && is_http && authority.is_none_or(agrees)
}

fn host_for_log(headers: &HeaderMap) -> Detail {
    let hosts = headers.get_all(header::HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()));
    Detail::new(&hosts.collect::<Vec<_>>().join(" and "))
}
