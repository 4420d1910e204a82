//! Who may come in. Every request passes here before it is routed.
//!
//! The kernel says which user connects; that is the wall. The header rules stand behind it: no web page, reverse proxy
//! or forwarded request has business here, and each of them gives itself away by a header that it cannot leave out.

use super::reply::Refusal;
use airbyte_token_local::ErrorCode;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Headers that only browsers, proxies and protocol upgrades send.
const TELL_TALES: [HeaderName; 9] = [
    header::ORIGIN,
    header::REFERER,
    header::COOKIE,
    header::UPGRADE,
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("true-client-ip"),
];

/// Prefixes of such headers.
const TELL_TALE_PREFIXES: [&str; 2] = ["sec-", "x-forwarded"];

/// The names that this daemon goes by.
const OUR_NAMES: [&str; 2] = ["localhost", "airbyte-tokend"];

/// Lets the request through, or refuses it; either way nobody may keep the answer.
pub(super) async fn gate(request: Request, next: Next) -> Response {
    let mut response = match inspect(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    forbid_keeping(response.headers_mut());
    response
}

fn inspect(request: &Request) -> Result<(), Refusal> {
    if let Some(name) = tell_tale(request.headers()) {
        let message = format!("requests with the header `{name}` are refused");
        return Err(Refusal::new(ErrorCode::RequestRefused, message)
            .hint("talk to the socket directly: no browser, no reverse proxy"));
    }
    if !names_us(request) {
        return Err(Refusal::new(
            ErrorCode::WrongHost,
            "the request is addressed to another host".to_owned(),
        )
        .hint("use http://localhost/ or http://airbyte-tokend/ before the path"));
    }
    Ok(())
}

fn tell_tale(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| {
        TELL_TALES.contains(name) || TELL_TALE_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
    })
}

/// Exactly one of our names, without a port, or none at all. A request line with an authority of its own counts too.
fn names_us(request: &Request) -> bool {
    let is_ours = |host: &str| OUR_NAMES.contains(&host);
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host_is_ours = match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => host.is_empty() || host.to_str().is_ok_and(is_ours),
        (Some(_), Some(_)) => false,
    };
    host_is_ours && request.uri().authority().is_none_or(|authority: &Authority| is_ours(authority.as_str()))
}

/// Tells whoever stands between that this answer is for nobody else.
pub(super) fn forbid_keeping(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
