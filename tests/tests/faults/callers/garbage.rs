//! What no client of ours would send.

use std::io::{Read as _, Write as _};

use airbyte_tokend_tests::{Airbyte, Daemon, Home, Http};

use super::kibibytes;

/// A name, what is sent, and the statuses that come back, in their order, before the daemon hangs up.
type Case = (&'static str, Vec<u8>, &'static [u16]);

fn case(name: &'static str, request: impl AsRef<[u8]>, statuses: &'static [u16]) -> Case {
    (name, request.as_ref().to_vec(), statuses)
}

const CLOSE: &str = "host: localhost\r\nconnection: close\r\n";

/// `GET` of this, after which the connection is to be closed.
fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{CLOSE}{headers}\r\n")
}

/// A report of a token, with this for a body.
fn report(headers: &str, body: &str) -> String {
    format!("POST /v1/token/reject HTTP/1.1\r\n{CLOSE}{headers}\r\n{body}")
}

/// The same with a body in chunks.
fn chunked(body: &str) -> String {
    report("transfer-encoding: chunked\r\n", body)
}

fn assert_answered(http: &Http, cases: &[Case]) {
    for (name, request, statuses) in cases {
        let answer = http.raw(request);
        assert_eq!(statuses_in(&answer), *statuses, "{name}: {}", String::from_utf8_lossy(&answer));
    }
}

/// The statuses of all replies.
fn statuses_in(answer: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answer);
    let replies = text.split("HTTP/1.").skip(1).filter_map(|reply| reply.get(2..5));
    replies.map(|status| status.parse().expect("a status")).collect()
}

/// Serves one good client before and one after, and keeps its size.
fn among_good_clients(work: impl FnOnce(&Http)) {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let http = daemon.http();
    assert_eq!(http.token(), airbyte.latest_token());
    let before = kibibytes(daemon.pid(), "VmRSS:");
    work(&http);
    assert_eq!(http.token(), airbyte.latest_token());
    assert_eq!(airbyte.exchanges(), 1);
    let after = kibibytes(daemon.pid(), "VmRSS:");
    assert!(after < before + 8 * 1024, "it grew from {before} to {after} KiB");
    assert!(!daemon.log().to_string().contains("internal fault"), "{}", daemon.log());
}

/// Fault 31: what is no HTTP/1.1, or another dialect of it.
#[test]
fn other_protocols_and_dialects_are_refused() {
    let cases = [
        case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
        case("SSH", "SSH-2.0-OpenSSH_9.2\r\n", &[400]),
        case("JSON", "{\"method\":\"token\"}\r\n\r\n", &[400]),
        case("NULs", [0; 64], &[400]),
        case("HTTP/0.9", "GET /v1/token\r\n\r\n", &[400]),
        case("HTTP/1.0", "GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n", &[403]),
        case("HTTP/9.9", "GET /v1/token HTTP/9.9\r\nhost: localhost\r\n\r\n", &[400]),
        case("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[]),
        case("an upgrade to HTTP/2", get("/v1/token", "upgrade: h2c\r\n"), &[403]),
        case("CONNECT", format!("CONNECT evil.example:443 HTTP/1.1\r\n{CLOSE}\r\n"), &[421]),
        case("TRACE", format!("TRACE /v1/token HTTP/1.1\r\n{CLOSE}\r\n"), &[405]),
        case("OPTIONS *", format!("OPTIONS * HTTP/1.1\r\n{CLOSE}\r\n"), &[404]),
        case("a method in lower case", format!("get /v1/token HTTP/1.1\r\n{CLOSE}\r\n"), &[405]),
        case(
            "a method that nobody knows",
            format!("{} /v1/token HTTP/1.1\r\n{CLOSE}\r\n", "A".repeat(500)),
            &[405],
        ),
        case("a full URL is understood", get("http://localhost/healthz", ""), &[200]),
        case("another's full URL", get("http://evil.example/v1/token", ""), &[421]),
    ];
    among_good_clients(|http| assert_answered(http, &cases));
}

/// Fault 31: heads that are broken or too large.
#[test]
fn broken_and_oversized_heads_are_refused() {
    let many = |count| (0..count).map(|number| format!("x-{number}: x\r\n")).collect::<String>();
    let padding = |length| format!("x: {}\r\n", "x".repeat(length));
    let cases = [
        case("a folded header", get("/v1/token", "x: a\r\n b\r\n"), &[400]),
        case("a space before the colon", get("/v1/token", "x : a\r\n"), &[400]),
        case("a header without a colon", get("/v1/token", "x\r\n"), &[400]),
        case("a header without a name", get("/v1/token", ": x\r\n"), &[400]),
        case("a NUL in a header", get("/v1/token", "x: a\0b\r\n"), &[400]),
        case("a NUL in the path", get("/v1/to\0ken", ""), &[400]),
        case("a space in the path", get("/v1/ token", ""), &[400]),
        case("a backslash in the path", get("\\v1\\token", ""), &[400]),
        case("two spaces", "GET  /v1/token HTTP/1.1\r\nhost: localhost\r\n\r\n", &[400]),
        case("returns for ends of lines", "GET /v1/token HTTP/1.1\rhost: localhost\r\r", &[400]),
        case("29 headers more are understood", get("/healthz", &many(29)), &[200]),
        case("100 headers more", get("/v1/token", &many(100)), &[431]),
        case("10 kB are understood", get("/healthz", &padding(10_000)), &[200]),
        case("20 kB", get("/v1/token", &padding(20_000)), &[431]),
        case("a path of 20 kB", get(&format!("/{}", "a".repeat(20_000)), ""), &[431]),
        case("a line of 1 MB", "A".repeat(1_000_000), &[431]),
        case("nothing but ends of lines", "\r\n".repeat(20_000), &[431]),
    ];
    among_good_clients(|http| assert_answered(http, &cases));
}

/// Fault 31: bodies that are broken, too large, or end in two places.
#[test]
fn broken_oversized_and_ambiguous_bodies_are_refused() {
    let good = "{\"fingerprint\":\"0123456789abcdef\"}";
    let in_chunks = format!("{:x}\r\n{good}\r\n0\r\n\r\n", good.len());
    let length = |length: &str| format!("content-length: {length}\r\n");
    let whole = length(&good.len().to_string());
    let smuggled = get("/v1/status", "");
    let both = |body: &str| {
        let head = "POST /v1/token/reject HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n";
        format!("{head}{whole}\r\n{body}")
    };
    let cases = [
        case("a good body is understood", report(&whole, good), &[200]),
        case("in chunks too", chunked(&in_chunks), &[200]),
        // Chunks count then, and the connection ends there (RFC 9112 §6.3): nothing can hide behind.
        case("a length and chunks", both(&in_chunks), &[200]),
        case("both and a request behind", both(&(in_chunks.clone() + &smuggled)), &[200]),
        case("both and one more", both(&format!("0\r\n\r\n{smuggled}")), &[400]),
        case("two lengths", report(&(whole.clone() + &length("6")), good), &[400]),
        case("a list of lengths", report(&length("34, 34"), good), &[400]),
        case("a length below zero", report(&length("-1"), good), &[400]),
        case("a length with a sign", report(&length("+34"), good), &[400]),
        case("a length beyond 64 bits", report(&length("99999999999999999999"), ""), &[400]),
        case("a length beyond all disks", report(&length("1000000000000000000"), ""), &[413]),
        case("a coding that is no coding", report("transfer-encoding: identity\r\n", ""), &[400]),
        case("chunks not last", report("transfer-encoding: chunked, gzip\r\n", &in_chunks), &[400]),
        case(
            "another coding before chunks, and a request behind",
            report("transfer-encoding: gzip, chunked\r\n", &(in_chunks.clone() + &smuggled)),
            &[403],
        ),
        case(
            "two codings in two headers, and a request behind",
            report(
                "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n",
                &(in_chunks.clone() + &smuggled),
            ),
            &[403],
        ),
        case("a size that is no number", chunked("zz\r\nab\r\n0\r\n\r\n"), &[400]),
        case("a size beyond 64 bits", chunked("fffffffffffffffff\r\nab\r\n0\r\n\r\n"), &[400]),
        case("a chunk longer than its size", chunked("2\r\nabX\r\n0\r\n\r\n"), &[400]),
        case("100 kB of a chunk's extension", chunked(&format!("2;{}\r\n", "x".repeat(100_000))), &[400]),
        case("100 kB of trailers", chunked(&format!("0\r\n{}\r\n", "x: y\r\n".repeat(16_000))), &[400]),
        case("100 kB in chunks", chunked(&format!("1000\r\n{}\r\n", "a".repeat(4096)).repeat(25)), &[413]),
    ];
    among_good_clients(|http| assert_answered(http, &cases));
}

/// Fault 31: several requests at once.
#[test]
fn pipelined_requests_are_answered_in_their_order_up_to_the_first_that_is_garbage() {
    let ask = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let last = get("/healthz", "");
    let cases = [
        case("three", [ask("/healthz"), ask("/nowhere"), last.clone()].concat(), &[200, 404, 200]),
        case("garbage between two", [&ask("/healthz"), "\x01\x02\r\n\r\n", &last].concat(), &[200, 400]),
        case("more behind a last one", [&last, "\x01\x02\r\n\r\n"].concat(), &[200]),
        case("a refused one and another", [ask("/v1/token?min_ttl=x"), last].concat(), &[400, 200]),
    ];
    among_good_clients(|http| assert_answered(http, &cases));
}

/// Fault 31: requests without end on one connection.
#[test]
fn a_hundred_thousand_requests_on_one_connection_are_answered_and_nothing_grows() {
    const AT_ONCE: usize = 500;
    const ROUNDS: usize = 200;
    among_good_clients(|http| {
        let mut stream = http.connect().expect("somebody listens");
        let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        // All answers are of the same length: the date in them has a fixed one (RFC 9110 §5.6.7).
        stream.write_all(request).expect("it listens");
        let mut first = vec![0; 4096];
        let length = stream.read(&mut first).expect("it answers");
        let (requests, mut replies) = (request.repeat(AT_ONCE), vec![0; length * AT_ONCE]);
        for round in 0..ROUNDS {
            stream.write_all(&requests).expect("it listens");
            stream.read_exact(&mut replies).expect("it answers all");
            let are_good = replies
                .chunks(length)
                .all(|reply| reply.starts_with(b"HTTP/1.1 200 OK\r\n") && reply.ends_with(b"\r\n\r\nok"));
            assert!(are_good, "round {round}");
        }
    });
}
