//! Every verb of the client: what it sends, and what it makes of the answer.

use std::io::{self, Cursor, Read, Write};

use airbyte_token_core::Secret;
use airbyte_token_local::{
    ErrorCode, ExitStatus, ProfileState,
    client::{CallError, Client},
    wire::{
        DefaultProfileRequest, LogoutQuery, ProfileRequest, ReadyQuery, RefreshQuery, RejectQuery,
        RejectRequest, Service, StoreKind, TimelineQuery, TokenQuery,
    },
};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.canary-token";
const FINGERPRINT: &str = "0123456789abcdef";

/// A server that has its answer ready.
struct Script<'a> {
    heard: &'a mut Vec<u8>,
    answer: Cursor<Vec<u8>>,
}

impl Read for Script<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.answer.read(room)
    }
}

impl Write for Script<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a verb makes of this answer, and the first line and the body of what it sent.
fn play<T>(
    status: &str,
    media: &str,
    body: &str,
    verb: impl FnOnce(Client<Script<'_>>) -> Result<T, CallError>,
) -> (Result<T, CallError>, String, String) {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut heard = Vec::new();
    let outcome =
        verb(Client::over(Script { heard: &mut heard, answer: Cursor::new((head + body).into_bytes()) }));
    let heard = String::from_utf8(heard).expect("a request of ours is text");
    let (head, sent) = heard.split_once("\r\n\r\n").expect("a request has a head");
    (outcome, head.lines().next().expect("a head has a line").to_owned(), sent.to_owned())
}

fn json<T>(body: &str, verb: impl FnOnce(Client<Script<'_>>) -> Result<T, CallError>) -> (T, String, String) {
    let (outcome, line, sent) = play("200 OK", "application/json", body, verb);
    (outcome.expect("the answer is a success"), line, sent)
}

fn refused(status: &str, body: &str) -> CallError {
    play(status, "application/json", body, |client| client.status()).0.expect_err("the answer is a refusal")
}

#[test]
fn a_bare_token_is_asked_for_as_text() {
    let query = TokenQuery { min_ttl: Some("5m".parse().unwrap()), ..TokenQuery::default() };
    let (token, line, _) =
        play("200 OK", "text/plain; charset=utf-8", TOKEN, |client| client.bare_token(&query));
    assert_eq!(token.unwrap().expose(), TOKEN);
    assert_eq!(line, "GET /v1/token?min_ttl=300 HTTP/1.1");
}

#[test]
fn a_token_comes_with_what_is_known_of_it() {
    let body = format!(
        r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":9,"profile":"a","fingerprint":"{FINGERPRINT}"}}"#
    );
    let (reply, line, _) = json(&body, |client| client.token(&TokenQuery::default()));
    assert_eq!((reply.access_token.expose(), reply.expires_in), (TOKEN, 9));
    assert_eq!(line, "GET /v1/token HTTP/1.1");
}

#[test]
fn a_token_is_renewed_and_reported() {
    let body = format!(r#"{{"profile":"a","fingerprint":"{FINGERPRINT}","expires_in":899}}"#);
    let (reply, line, _) = json(&body, |client| client.refresh(&RefreshQuery::default()));
    assert_eq!((reply.fingerprint.to_string().as_str(), reply.expires_in), (FINGERPRINT, 899));
    assert_eq!(line, "POST /v1/token/refresh HTTP/1.1");

    let report = RejectRequest { fingerprint: FINGERPRINT.parse().unwrap() };
    let (reply, line, sent) =
        json(r#"{"current":true}"#, |client| client.reject(&RejectQuery::default(), &report));
    assert!(reply.current);
    assert_eq!(line, "POST /v1/token/reject HTTP/1.1");
    assert_eq!(sent, format!(r#"{{"fingerprint":"{FINGERPRINT}"}}"#));
}

#[test]
fn readiness_and_a_timeline_are_asked_for_and_hold_no_token() {
    let body = format!(r#"{{"profile":"a","fingerprint":"{FINGERPRINT}","expires_in":899}}"#);
    let query = ReadyQuery { wait: Some("1s".parse().unwrap()), ..ReadyQuery::default() };
    let (reply, line, _) = json(&body, |client| client.ready(&query));
    assert_eq!((reply.fingerprint.to_string().as_str(), reply.expires_in), (FINGERPRINT, 899));
    assert_eq!(line, "GET /v1/ready?wait=1 HTTP/1.1");

    let body = r#"{"profile":"a","now":"2030-01-01T00:00:00Z","state":"idle","events":[]}"#;
    let (reply, line, _) = json(body, |client| client.timeline(&TimelineQuery::default()));
    assert_eq!((reply.state, reply.events.len()), (ProfileState::Idle, 0));
    assert_eq!(line, "GET /v1/timeline HTTP/1.1");
}

#[test]
fn a_reload_says_nothing_when_it_is_done() {
    let (done, line, sent) = play("204 No Content", "", "", |client| client.reload());
    done.unwrap();
    assert_eq!((line.as_str(), sent.as_str()), ("POST /v1/reload HTTP/1.1", ""));
}

#[test]
fn profiles_are_listed_made_chosen_and_forgotten() {
    let profile =
        r#"{"name":"a","service":"cloud","url":"https://api.airbyte.com","client_id":"id","vault":"memory"}"#;
    let name = "a".parse().unwrap();
    let (reply, line, _) = json(&format!(r#"{{"profiles":[{profile}]}}"#), |client| client.profiles());
    assert_eq!((reply.profiles.len(), line.as_str()), (1, "GET /v1/profiles HTTP/1.1"));
    let (reply, line, _) = json(profile, |client| client.profile(&name));
    assert_eq!((reply.vault, line.as_str()), (StoreKind::Memory, "GET /v1/profiles/a HTTP/1.1"));

    let request = ProfileRequest {
        service: Some(Service::Cloud),
        url: None,
        client_id: "id".parse().unwrap(),
        client_secret: Secret::new("s".into()),
        organization_id: None,
        vault: None,
        ca_file: None,
        proxy: None,
        default: true,
    };
    let (_, line, sent) = json(profile, |client| client.put_profile(&name, &request));
    assert_eq!(line, "PUT /v1/profiles/a HTTP/1.1");
    assert_eq!(sent, r#"{"service":"cloud","client_id":"id","client_secret":"s","default":true}"#);

    let choice = DefaultProfileRequest { profile: name.clone() };
    let (done, line, sent) = play("204 No Content", "", "", |client| client.choose_default(&choice));
    done.unwrap();
    assert_eq!((line.as_str(), sent.as_str()), ("PUT /v1/default-profile HTTP/1.1", r#"{"profile":"a"}"#));
    let (done, line, _) =
        play("204 No Content", "", "", |client| client.delete_profile(&name, LogoutQuery::default()));
    done.unwrap();
    assert_eq!(line, "DELETE /v1/profiles/a HTTP/1.1");
    let force = LogoutQuery { force: true };
    let (done, line, _) = play("204 No Content", "", "", |client| client.delete_profile(&name, force));
    done.unwrap();
    assert_eq!(line, "DELETE /v1/profiles/a?force=true HTTP/1.1");
}

#[test]
fn a_refusal_keeps_the_daemon_s_words_and_decides_the_exit_status() {
    let error = refused(
        "424 Failed Dependency",
        r#"{"code":"rejected","message":"airbyte refuses","hint":"log in"}"#,
    );
    assert_eq!((error.to_string().as_str(), error.hint()), ("airbyte refuses", "log in"));
    assert_eq!((error.code(), error.exit_status()), (Some(ErrorCode::Rejected), ExitStatus::Refused));
}

#[test]
fn a_refusal_without_a_hint_gets_its_code_s_remedy() {
    let error = refused("503 Service Unavailable", r#"{"code":"keyring_locked","message":"m"}"#);
    assert_eq!(error.hint(), "unlock the keyring");
}

#[test]
fn a_refusal_that_this_build_does_not_know_asks_for_an_update() {
    let error =
        refused("418 I'm a teapot", r#"{"code":"teapot","message":"short and stout","hint":"tip me over"}"#);
    assert_eq!(error.exit_status(), ExitStatus::Mismatch);
    assert!(error.hint().contains("update airbyte-token"));
}

#[test]
fn a_failure_without_an_explanation_is_a_mismatch() {
    for body in ["", "<html>", "{}", "null"] {
        let error = refused("502 Bad Gateway", body);
        assert_eq!(error.exit_status(), ExitStatus::Mismatch, "{body}");
        assert!(error.to_string().contains("502"), "{error}");
    }
}

#[test]
fn an_answer_of_the_wrong_kind_is_a_mismatch() {
    let query = TokenQuery::default();
    for media in ["application/json", "text/html", ""] {
        let (outcome, ..) = play("200 OK", media, TOKEN, |client| client.bare_token(&query));
        assert_eq!(outcome.unwrap_err().exit_status(), ExitStatus::Mismatch, "{media}");
    }
    let (outcome, ..) = play("200 OK", "text/plain", r#"{"current":true}"#, |client| client.status());
    assert_eq!(outcome.unwrap_err().exit_status(), ExitStatus::Mismatch);
}

#[test]
fn an_answer_that_came_before_the_request_was_read_is_heard() {
    struct HangsUp(Cursor<Vec<u8>>);
    impl Read for HangsUp {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.0.read(room)
        }
    }
    impl Write for HangsUp {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let body = r#"{"code":"too_large","message":"m"}"#;
    let head =
        format!("HTTP/1.1 413 x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let told = Client::over(HangsUp(Cursor::new((head + body).into_bytes()))).status().unwrap_err();
    assert_eq!(told.code(), Some(ErrorCode::TooLarge));
    let untold = Client::over(HangsUp(Cursor::default())).status().unwrap_err();
    assert!(matches!(untold, CallError::Unsent(_)), "{untold}");
    assert_eq!(untold.exit_status(), ExitStatus::TryAgain);
}
