//! Whatever a server sends, the client has one valid token or an error that does not quote the server; never a panic.

use std::io::{self, Cursor, Read, Write};

use airbyte_token_core::{AccessToken, Secret};
use airbyte_token_local::{
    client::{CallError, Client},
    wire::{LogoutQuery, ReadyQuery, TimelineQuery, TokenQuery},
};
use proptest::prelude::*;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.canary-token";

struct Rogue {
    answer: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Rogue {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(room.len());
        self.answer.read(&mut room[..step])
    }
}

impl Write for Rogue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn client(answer: &[u8], step: usize) -> Client<Rogue> {
    Client::over(Rogue { answer: Cursor::new(answer.to_vec()), step })
}

/// The token that either call believes in, if any.
fn tokens(answer: &[u8], step: usize) -> Vec<Result<AccessToken, CallError>> {
    let query = TokenQuery::default();
    let bare = client(answer, step).bare_token(&query);
    let full = client(answer, step).token(&query).map(|reply| reply.access_token);
    vec![bare, full]
}

fn is_well_formed(token: &AccessToken) -> bool {
    AccessToken::parse(Secret::new(token.expose().to_owned())).is_ok()
}

fn text(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\n{headers}\r\n\r\n{body}")
}

fn sized(body: &str) -> String {
    text("200 OK", &format!("content-length: {}", body.len()), body)
}

#[test]
fn an_honest_answer_is_believed() {
    let honest = tokens(sized(TOKEN).as_bytes(), usize::MAX);
    assert_eq!(honest[0].as_ref().unwrap().expose(), TOKEN);
}

#[test]
fn no_answer_of_the_corpus_yields_a_token() {
    let corpus = [
        sized(&format!("{TOKEN}\n")),
        sized(&format!("{TOKEN}\r\nX-Injected: yes")),
        sized(&format!("{TOKEN}\0")),
        sized(&format!("\u{1b}]0;owned\u{7}{TOKEN}")),
        sized(&format!("{TOKEN}\u{202e}")),
        sized(&format!("{TOKEN} {TOKEN}")),
        sized(&format!("\"{TOKEN}\"")),
        sized("too-short"),
        sized(&"x".repeat(AccessToken::LONGEST + 1)),
        sized("===================="),
        sized("<html><body>log in</body></html>"),
        text("200 OK", &format!("content-length: {}", TOKEN.len() + 1), TOKEN),
        text("200 OK", "content-length: 38\r\ncontent-length: 20", TOKEN),
        text("200 OK", "transfer-encoding: chunked", &format!("26\r\n{TOKEN}\r\n0\r\n\r\n")),
        text("200 OK", "connection: close", TOKEN),
        text("204 No Content", "", TOKEN),
        text("206 Partial Content", &format!("content-length: {}", TOKEN.len()), TOKEN),
        text(
            "302 Found",
            &format!("location: http://evil.example/\r\ncontent-length: {}", TOKEN.len()),
            TOKEN,
        ),
        text("401 Unauthorized", &format!("content-length: {}", TOKEN.len()), TOKEN),
        format!("HTTP/1.1 100 Continue\r\n\r\n{}", sized(TOKEN)),
        sized(TOKEN).replace("HTTP/1.1", "HTTP/9.9"),
        sized(TOKEN).replace("text/plain", "text/html"),
        format!("\r\n\r\n{TOKEN}"),
        TOKEN.to_owned(),
        String::new(),
    ];
    for answer in corpus {
        for step in [1, usize::MAX] {
            for outcome in tokens(answer.as_bytes(), step) {
                let error = outcome.map(|_| answer.clone()).unwrap_err();
                assert!(!format!("{error} {error:?} {}", error.hint()).contains("canary"), "{error:?}");
            }
        }
    }
}

/// An honest answer with pieces cut out, doubled, or overwritten.
fn nearly_honest() -> impl Strategy<Value = Vec<u8>> {
    let json = format!(
        r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":9,"profile":"a","fingerprint":"0123456789abcdef"}}"#
    );
    let honest = prop_oneof![
        Just(sized(TOKEN)),
        Just(sized(&json).replace("text/plain", "application/json")),
        Just(sized(r#"{"code":"busy","message":"m"}"#).replace("200 OK", "503 Busy")),
    ];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6);
    (honest, damage).prop_map(|(honest, damage)| {
        let mut bytes = honest.into_bytes();
        for (place, byte, kind) in damage {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                _ if bytes.is_empty() => bytes.push(byte),
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn noise_is_an_error(answer in prop::collection::vec(any::<u8>(), 0..2_000), step in 1..64_usize) {
        for outcome in tokens(&answer, step) {
            prop_assert!(outcome.is_err());
        }
    }

    #[test]
    fn a_nearly_honest_answer_is_one_well_formed_token_or_an_error(answer in nearly_honest(), step in 1..300_usize) {
        for outcome in tokens(&answer, step) {
            match outcome {
                Ok(token) => prop_assert!(is_well_formed(&token)),
                Err(error) => {
                    let told = format!("{error} {} {}", error.hint(), error.exit_status().code());
                    prop_assert!(!told.contains("canary-token"), "{}", told);
                }
            }
        }
    }

    #[test]
    fn no_verb_panics(answer in nearly_honest(), step in 1..300_usize) {
        drop(client(&answer, step).status());
        drop(client(&answer, step).profiles());
        drop(client(&answer, step).timeline(&TimelineQuery::default()));
        drop(client(&answer, step).ready(&ReadyQuery::default()));
        drop(client(&answer, step).reload());
        drop(client(&answer, step).delete_profile(&"a".parse().unwrap(), LogoutQuery::default()));
    }
}
