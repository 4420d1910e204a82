//! A request to the daemon, from any program of this machine that reaches the socket.
//!
//! The bytes are what comes down the connection: any number of requests, whole or not.

mod scene;

use airbyte_token_local::{
    ErrorCode,
    wire::{ErrorReply, TokenReply},
};

use self::scene::Scene;
use crate::{
    broken::{Broken, ensure, insist},
    http::{self, Head, Reply},
    printable,
    watched::{SECRET, TOKEN, shows},
};

/// Headers that only browsers, proxies and protocol upgrades send.
const FORBIDDEN: [&str; 15] = [
    "origin",
    "referer",
    "cookie",
    "upgrade",
    "upgrade-insecure-requests",
    "http2-settings",
    "forwarded",
    "via",
    "max-forwards",
    "cdn-loop",
    "x-real-ip",
    "x-client-ip",
    "x-rewrite-url",
    "true-client-ip",
    "client-ip",
];
const FORBIDDEN_PREFIXES: [&str; 7] =
    ["sec-", "access-control-", "x-forwarded", "x-original-", "x-envoy-", "proxy-", "cf-"];
/// The names that the daemon goes by, and none at all.
const NAMES: [&[u8]; 3] = [b"localhost", b"airbyte-tokend", b""];

/// Sends the bytes to a daemon that has a token and a secret, and looks at all that it says. `hold_clock` is called
/// once, on the daemon's runtime, before anything is sent: `tokio::time::pause`, so that every time limit is kept without
/// waiting for it. The limits themselves are checked too.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8], hold_clock: fn()) {
    let said = Scene::with(hold_clock, |scene| scene.say(bytes));
    assert!(said.is_some(), "a connection did not come to its end");
    insist(&verdict(bytes, &said.unwrap_or_default()));
}

/// What is to be said of a daemon that answers these bytes so.
///
/// # Errors
/// Which promise it breaks:
/// - nothing ever holds eight bytes of the secret in a row;
/// - only a `GET` of `/v1/token` brings a token, whole, and no other answer has eight bytes of it;
/// - no request is granted that names another host, has a header of browsers or proxies, is of HTTP/1.0, or that a
///   second reader cannot make out;
/// - every answer of ours may be kept by nobody, and opens nothing to other origins;
/// - every refusal explains itself in lines that are fit to be shown; what it says of the request is at most 200
///   characters of printable ASCII.
pub fn verdict(bytes: &[u8], said: &[u8]) -> Result<(), Broken> {
    let quotes_us = shows(bytes, SECRET) || shows(bytes, TOKEN);
    ensure!(quotes_us || !shows(said, SECRET), "the secret is in the answer");
    let (mut asked, mut said) = (Some(bytes), said);
    while !said.is_empty() {
        let request = asked.and_then(http::request);
        let to_head = request.as_ref().is_some_and(|(head, _)| head.line.starts_with("HEAD "));
        let reply = http::reply(said, to_head);
        let reply = reply.ok_or_else(|| Broken("the answer is no reply".to_owned()))?;
        said = reply.rest;
        if reply.status == 100 {
            continue;
        }
        answers(request.as_ref().map(|(head, _)| head), &reply, quotes_us)?;
        asked = request.and_then(|(_, after)| after);
    }
    Ok(())
}

/// Looks at one answer and what it answers; none where a second reader could not make that out.
fn answers(request: Option<&Head<'_>>, reply: &Reply<'_>, quotes_us: bool) -> Result<(), Broken> {
    let opens = reply.head.names().find(|name| name.starts_with("access-control"));
    ensure!(opens.is_none(), "other origins are let in by {}", opens.unwrap_or_default());
    if matches!(reply.status, 200..=299) {
        let Some(request) = request else {
            return Err(Broken(format!("{} to what a second reader cannot make out", reply.status)));
        };
        is_granted_to_one_of_us(request)?;
        ensure!(is_kept_by_nobody(reply), "an answer that may be kept");
        if request.line.starts_with("GET ") && path(request) == "/v1/token" {
            return is_whole_token(reply);
        }
    } else {
        explains_itself(reply)?;
    }
    ensure!(quotes_us || !shows(reply.body, TOKEN), "a token where none was asked for: {}", reply.head.line);
    Ok(())
}

fn is_granted_to_one_of_us(request: &Head<'_>) -> Result<(), Broken> {
    let hosts = request.values("host");
    let is_ours = hosts.len() <= 1 && hosts.iter().all(|host| NAMES.contains(host));
    let hosts: Vec<_> = hosts.into_iter().map(String::from_utf8_lossy).collect();
    ensure!(is_ours, "granted to the host {hosts:?}");
    let authority = authority(request);
    ensure!(NAMES.contains(&authority.as_bytes()), "granted to the authority {authority}");
    let forbidden = request.names().find(|name| {
        FORBIDDEN.contains(name) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    ensure!(forbidden.is_none(), "granted with the header {}", forbidden.unwrap_or_default());
    ensure!(request.line.ends_with(" HTTP/1.1"), "granted: {}", request.line);
    let (method, path) = (request.line.split(' ').next().unwrap_or_default(), path(request));
    ensure!(is_known(method, &path), "granted: {}", request.line);
    Ok(())
}

/// Whether there is such a request. None that changes anything can be granted by a daemon whose file has a mistake.
fn is_known(method: &str, path: &str) -> bool {
    let reads = matches!(method, "GET" | "HEAD");
    match path {
        "/v1/token" | "/v1/ready" | "/v1/status" | "/v1/timeline" | "/v1/profiles" => reads,
        "/metrics" | "/healthz" | "/readyz" => reads,
        "/v1/token/refresh" | "/v1/token/reject" => method == "POST",
        _ => reads && path.strip_prefix("/v1/profiles/").is_some_and(|name| !name.contains('/')),
    }
}

/// What is asked for, without its query, and without the scheme and authority that it may begin with (RFC 9112 §3.2.2).
fn path(request: &Head<'_>) -> String {
    let target = target(request);
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    target.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn authority<'a>(request: &'a Head<'_>) -> &'a str {
    let rest = target(request).split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn target<'a>(request: &'a Head<'_>) -> &'a str {
    request.line.split(' ').nth(1).unwrap_or_default()
}

fn is_kept_by_nobody(reply: &Reply<'_>) -> bool {
    reply.head.values("cache-control") == [b"no-store"]
        && reply.head.values("x-content-type-options") == [b"nosniff"]
        && reply.head.values("content-security-policy") == [b"default-src 'none'"]
}

/// The token and nothing else, or as JSON with what is known of it.
fn is_whole_token(reply: &Reply<'_>) -> Result<(), Broken> {
    let is_json = reply.head.values("content-type") == [b"application/json"];
    let token = if is_json {
        let told: TokenReply = airbyte_token_local::wire::from_json(reply.body)
            .map_err(|error| Broken(format!("a token reply that is none: {error}")))?;
        told.access_token.expose().as_bytes().to_vec()
    } else {
        reply.body.to_vec()
    };
    ensure!(token == TOKEN.as_bytes(), "another token than the daemon's");
    Ok(())
}

/// A reply of the HTTP library's own has no body; each of ours is an error of the local API, as one printable line.
fn explains_itself(reply: &Reply<'_>) -> Result<(), Broken> {
    if reply.body.is_empty() {
        return Ok(());
    }
    ensure!(is_kept_by_nobody(reply), "a refusal that may be kept");
    let error: ErrorReply = airbyte_token_local::wire::from_json(reply.body)
        .map_err(|error| Broken(format!("a refusal that does not explain itself: {error}")))?;
    let is_its_own = error.code.http_status() == reply.status;
    ensure!(is_its_own, "{} comes with {}", error.code, reply.status);
    if error.code == ErrorCode::BadRequest {
        printable::line(&error.message)?;
    }
    printable::tame_lines(&error.message)?;
    error.hint.as_deref().map_or(Ok(()), printable::tame)
}
