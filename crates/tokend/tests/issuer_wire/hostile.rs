//! Replies that are too large, too slow, torn, compressed, or odd.

use std::time::Duration;

use airbyte_sandbox::{Fault, Lie, OddToken, Reply, Sandbox, Trouble, Wire};
use airbyte_token_core::Failure;

use crate::support::{Parrot, SUCCESS, airbyte, exchange, failure, impatient_issuer, issuer, transient};

const SOON: Duration = Duration::from_millis(300);
const MOST_BODY: usize = 64 * 1024;

/// What is said of this fault.
async fn line(fault: impl Into<Fault>) -> String {
    let sandbox = airbyte();
    sandbox.add_fault(fault.into());
    transient(&issuer(&sandbox.url())).await.0
}

/// What is said of a fault that would last for ever.
async fn line_at_the_deadline(fault: impl Into<Fault>) -> String {
    let sandbox = airbyte();
    sandbox.add_fault(fault.into());
    transient(&impatient_issuer(&sandbox.url(), SOON)).await.0
}

fn reply(headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn padded(length: usize) -> String {
    let token = r#"{"access_token":"abcdefghijklmnopqrst"}"#;
    format!("{token}{}", " ".repeat(length - token.len()))
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_deadline() {
    let told = line_at_the_deadline(Fault::hang()).await;
    assert!(told.contains("no whole reply from http://127.0.0.1:"), "{told}");
    let told = line(Trouble::Wire(Wire::HalfClose)).await;
    assert!(told.contains("ended too early"), "{told}");
}

#[tokio::test]
async fn a_body_that_drips_is_cut_at_the_deadline_however_steadily_it_drips() {
    let drip = |interval| Trouble::Wire(Wire::Drip(Duration::from_millis(interval)));
    let told = line_at_the_deadline(drip(20)).await;
    assert!(told.contains("no whole reply"), "{told}");
    let sandbox = airbyte();
    sandbox.add_fault(drip(0));
    exchange(&issuer(&sandbox.url())).await.unwrap();
}

#[tokio::test]
async fn a_late_reply_within_the_deadline_is_taken() {
    let sandbox = airbyte();
    sandbox.add_fault(Fault::delay(Duration::from_millis(20)));
    exchange(&issuer(&sandbox.url())).await.unwrap();
    let told = line_at_the_deadline(Fault::delay(Duration::from_secs(60))).await;
    assert!(told.contains("no whole reply"), "{told}");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_told() {
    for wire in [Wire::ResetOnAccept, Wire::Reset, Wire::ResetMidBody] {
        let line = line(Trouble::Wire(wire)).await;
        assert!(line.starts_with("connection cut") || line.contains("ended too early"), "{wire:?}: {line}");
    }
}

#[tokio::test]
async fn a_torn_body_is_not_read_as_a_whole_one() {
    let told = line(Trouble::Wire(Wire::TornBody)).await;
    assert!(told.contains("connection ended too early"), "{told}");
    let torn = Parrot::start(&SUCCESS.as_bytes()[..SUCCESS.len() - 10]).await;
    assert!(transient(&issuer(&torn.url())).await.0.contains("connection ended too early"));
}

#[tokio::test]
async fn a_body_is_read_to_its_bound_and_no_further() {
    let sized = |length| async move { Parrot::start(reply("", &padded(length))).await };
    exchange(&issuer(&sized(MOST_BODY).await.url())).await.unwrap();
    let told = transient(&issuer(&sized(MOST_BODY + 1).await.url())).await.0;
    assert_eq!(told, "the reply is larger than 64 KiB");
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_waited_for() {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        MOST_BODY + 1
    );
    let server = Parrot::start(head).await;
    assert_eq!(transient(&issuer(&server.url())).await.0, "the reply is larger than 64 KiB");
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_has_the_same_bound() {
    let unsized_reply = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{}",
            padded(length)
        )
    };
    let most = Parrot::start(unsized_reply(MOST_BODY)).await;
    exchange(&issuer(&most.url())).await.unwrap();
    let more = Parrot::start(unsized_reply(MOST_BODY + 1)).await;
    assert_eq!(transient(&issuer(&more.url())).await.0, "the reply is larger than 64 KiB");
    assert_eq!(line(Trouble::Wire(Wire::EndlessBody)).await, "the reply is larger than 64 KiB");
}

#[tokio::test]
async fn headers_have_a_bound_too() {
    let with = |count: usize| {
        let headers = format!("x-filler: {}\r\n", "a".repeat(1_000)).repeat(count);
        reply(&headers, &padded(100))
    };
    exchange(&issuer(&Parrot::start(with(15)).await.url())).await.unwrap();
    let told = transient(&issuer(&Parrot::start(with(17)).await.url())).await.0;
    assert_eq!(told, "the reply's headers are larger than 16 KiB");
    assert!(
        line(Trouble::Wire(Wire::EndlessHeaders)).await.contains("headers on the way to http://127.0.0.1:")
    );
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let sandbox = airbyte();
    sandbox.add_fault(Trouble::Reply(Reply::GzipBomb));
    assert_eq!(transient(&issuer(&sandbox.url())).await.0, "the reply is larger than 64 KiB");
    let small = Parrot::start(reply("content-encoding: gzip\r\n", &padded(100))).await;
    assert!(transient(&issuer(&small.url())).await.0.contains("is compressed"));
    let asked = small.seen().await.concat().to_ascii_lowercase();
    assert!(!asked.contains("accept-encoding"), "{asked}");
}

#[tokio::test]
async fn deep_json_is_refused_without_harm() {
    let told = line(Trouble::Reply(Reply::DeepJson)).await;
    assert!(told.contains("access_token is not text"), "{told}");
}

#[tokio::test]
async fn only_http_1_is_spoken() {
    for answer in
        ["HTTP/2 200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}F", "hello\n\n"]
    {
        let server = Parrot::start(answer).await;
        let (told, _) = transient(&issuer(&server.url())).await;
        assert!(told.contains("not HTTP/1.1 on the way to") || told.contains("a ended too early"), "{told}");
    }
}

#[tokio::test]
async fn odd_tokens_are_refused() {
    let table = [
        (OddToken::Missing, "has no access_token"),
        (OddToken::Empty, "only 0 bytes"),
        (OddToken::Null, "has no access_token"),
        (OddToken::Number, "not text"),
        (OddToken::Crlf, "invalid character at offset"),
        (OddToken::Esc, "invalid character at offset"),
        (OddToken::Nul, "invalid character at offset"),
        (OddToken::Bidi, "invalid character at offset"),
        (OddToken::Huge, "larger than 64 KiB"),
    ];
    for (odd, piece) in table {
        let told = line(Fault::token(odd)).await;
        assert!(told.contains(piece), "{odd:?}: {told}");
    }
    let told = line(Trouble::Lie(Lie::DuplicateKeys)).await;
    assert!(told.contains("has access_token twice"), "{told}");
    let told = line(Trouble::Lie(Lie::TokenType("mac".to_owned()))).await;
    assert!(told.contains("token_type is not Bearer"), "{told}");

    let opaque = airbyte();
    opaque.add_fault(Fault::token(OddToken::Opaque));
    let issued = exchange(&issuer(&opaque.url())).await.unwrap();
    assert_eq!(issued.lifetime.as_secs(), 899);
}

#[tokio::test]
async fn a_server_that_repeats_the_secret_does_not_get_it_shown() {
    let sandbox: Sandbox = airbyte();
    let body = format!(r#"{{"message":"no such secret: {}","errors":[]}}"#, crate::support::SECRET);
    let content = Some(("application/json".to_owned(), body));
    sandbox.add_fault(Trouble::Reply(Reply::Status { code: 400, content }));
    let failure = failure(&issuer(&sandbox.url())).await;
    assert!(
        matches!(&failure, Failure::Rejected { detail } if detail.as_str().contains("not shown")),
        "{failure:?}"
    );
}
