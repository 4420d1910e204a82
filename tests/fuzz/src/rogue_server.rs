//! The client's reading of a reply, from whoever sits where the daemon should be.
//!
//! The bytes are the reply as it comes.

use std::io::{self, Cursor, Read, Write};

use airbyte_token_core::{AccessToken, Fingerprint, ProfileName};
use airbyte_token_local::{
    client::{BODY_LIMIT, BadReply, CallError, Client, HEAD_LIMIT},
    wire::{LogoutQuery, RefreshQuery, RejectQuery, RejectRequest, TimelineQuery, TokenQuery},
};

use crate::{
    broken::{Broken, ensure, insist},
    http, printable,
};

/// The most room that a client may make for a reply.
const MOST_ROOM: usize = HEAD_LIMIT + BODY_LIMIT;

/// Lets the client read the bytes in pieces of several sizes and by every verb, and looks at what it has then.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    insist(&verdict(bytes, |stream| Client::over(stream).bare_token(&TokenQuery::default())));
    insist(&every_verb(bytes));
}

/// What is to be said of a client that reads a bare token so.
///
/// # Errors
/// Which promise it breaks:
/// - no panic; the room made for a reply is bounded;
/// - a token is the whole body of one plain reply with status 200, and a bearer token;
/// - however the reply is cut into pieces, the same comes of it;
/// - what is told of anything else is bounded and fit to be shown.
pub fn verdict(
    bytes: &[u8],
    read: impl Fn(&mut Server<'_>) -> Result<AccessToken, CallError>,
) -> Result<(), Broken> {
    let mut told = Vec::new();
    for step in [usize::MAX, 1 + bytes.len() % 61] {
        let mut server = Server::new(bytes, step);
        match read(&mut server) {
            Ok(token) => {
                ensure!(is_whole_token(bytes, token.expose()), "this is no whole token: {}", token.expose());
                told.push(token.expose().to_owned());
            }
            Err(error) => {
                is_fit_to_be_told(&error)?;
                told.extend((!depends_on_the_pieces(&error)).then(|| error.to_string()));
            }
        }
        ensure!(server.most_room <= MOST_ROOM, "room for {} bytes", server.most_room);
    }
    ensure!(told.windows(2).all(|pair| pair[0] == pair[1]), "whole and in pieces: {told:?}");
    Ok(())
}

/// Whether more than was said is seen, and whether there were too many pieces, is up to how it comes.
const fn depends_on_the_pieces(error: &CallError) -> bool {
    matches!(error, CallError::BadReply(BadReply::Overlong | BadReply::Dripping | BadReply::HeadTooLong))
}

type Verb = fn(Client<&mut Server<'_>>) -> Result<(), CallError>;

/// Nothing that a server says moves any verb to a panic, to much room, or to words that are not fit for people.
fn every_verb(bytes: &[u8]) -> Result<(), Broken> {
    let verbs: [Verb; 9] = [
        |client| client.token(&TokenQuery::default()).map(drop),
        |client| client.refresh(&RefreshQuery::default()).map(drop),
        |client| client.reject(&RejectQuery::default(), &a_rejection()).map(drop),
        |client| client.status().map(drop),
        |client| client.profiles().map(drop),
        |client| client.profile(&a_name()).map(drop),
        |client| client.delete_profile(&a_name(), LogoutQuery::default()),
        |client| client.timeline(&TimelineQuery::default()).map(drop),
        |client| client.reload(),
    ];
    for verb in verbs {
        let mut server = Server::new(bytes, usize::MAX);
        if let Err(error) = verb(Client::over(&mut server)) {
            is_fit_to_be_told(&error)?;
        }
        ensure!(server.most_room <= MOST_ROOM, "room for {} bytes", server.most_room);
    }
    Ok(())
}

fn a_name() -> ProfileName {
    "main".parse().expect("this is a profile's name")
}

fn a_rejection() -> RejectRequest {
    RejectRequest { fingerprint: Fingerprint::from_sha256([7; 32]) }
}

/// Whether this is the one plain reply that a token may come in.
fn is_whole_token(bytes: &[u8], token: &str) -> bool {
    let Some(reply) = http::reply(bytes, false) else { return false };
    let types = reply.head.values("content-type");
    let is_text = types.last().is_some_and(|kind| {
        kind.split(|&byte| byte == b';')
            .next()
            .is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/plain"))
    });
    let inner = token.trim_end_matches('=');
    let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    reply.status == 200
        && is_text
        && reply.body == token.as_bytes()
        && (20..=8_192).contains(&token.len())
        && !inner.is_empty()
        && inner.bytes().all(is_b64token)
}

fn is_fit_to_be_told(error: &CallError) -> Result<(), Broken> {
    match error {
        CallError::Refused(reply) => {
            let more = [&reply.hint, &reply.profile, &reply.retry_at].into_iter().flatten();
            printable::tame_lines(&error.to_string())?;
            more.map(String::as_str).chain([error.hint()]).try_for_each(printable::tame)
        }
        CallError::Unsent(_)
        | CallError::BadReply(_)
        | CallError::Unsayable(_)
        | CallError::BadJson(_)
        | CallError::BadToken(_) => {
            printable::line(&error.to_string())?;
            printable::line(error.hint())
        }
    }
}

/// Whoever answers: says these bytes in pieces of at most so many, then hangs up. Looks at the room it is given.
#[derive(Debug)]
pub struct Server<'a> {
    answer: Cursor<&'a [u8]>,
    step: usize,
    most_room: usize,
}

impl<'a> Server<'a> {
    const fn new(answer: &'a [u8], step: usize) -> Self {
        Self { answer: Cursor::new(answer), step, most_room: 0 }
    }
}

impl Read for Server<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.most_room = self.most_room.max(room.len());
        let step = self.step.min(room.len());
        self.answer.read(&mut room[..step])
    }
}

impl Write for Server<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
