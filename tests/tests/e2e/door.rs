//! What a request must look like to come in, how large and how slow they may be, and what everybody else is told.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, Reply};
use serde_json::json;

/// What a caller finds when it may enter: `home`, Airbyte, and a daemon with a token.
fn serving(home: &Home) -> (Airbyte, Daemon) {
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(home));
    daemon.log_in("main", &airbyte, "memory");
    (airbyte, daemon)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

#[test]
fn browsers_proxies_and_requests_for_other_hosts_get_no_token() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let (http, token) = (daemon.http(), airbyte.latest_token());
    let plain = || Call::new("GET", "/v1/token");
    let to = |host: &str| plain().bare().header("host", host);

    let refused = [
        ("origin", "null"),
        ("origin", "http://localhost"),
        ("referer", "http://localhost/"),
        ("cookie", "a=b"),
        ("upgrade", "websocket"),
        ("upgrade", "h2c"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-proto", "http"),
        ("X-Forwarded-Anything", ""),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "127.0.0.1"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    .map(|(name, value)| (plain().header(name, value), 403, "request_refused"));
    let foreign = [
        "evil.example",
        "localhost.evil.example",
        "localhost:80",
        "localhost:8080",
        "localhost@evil.example",
        "localhost, evil.example",
        "127.0.0.1",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "[::1]",
        "2130706433",
        "airbyte-tokend.example",
        "LOCALHOST.",
    ]
    .map(|host| (to(host), 421, "wrong_host"));
    let twice = [
        (plain().header("host", "localhost"), 421, "wrong_host"),
        (plain().header("host", "evil.example"), 421, "wrong_host"),
        (Call::new("GET", "http://evil.example/v1/token"), 421, "wrong_host"),
        (
            Call::new("GET", "http://evil.example/v1/token").bare().header("host", "evil.example"),
            421,
            "wrong_host",
        ),
    ];
    for (call, status, code) in refused.into_iter().chain(foreign).chain(twice) {
        let reply = http.send(&call);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{call:?}");
        assert!(!contains(&reply.body, &token[..16]), "{call:?}");
        assert_kept_by_nobody(&reply);
    }

    let welcome = [
        plain(),
        plain().bare(),
        to(""),
        to("airbyte-tokend"),
        Call::new("GET", "http://localhost/v1/token"),
        plain().header("user-agent", "curl/8").header("accept", "*/*"),
    ];
    for call in welcome {
        let reply = http.send(&call);
        assert_eq!(reply.status, 200, "{call:?}: {}", reply.text());
        assert!(contains(&reply.body, &token), "{call:?}");
        assert_kept_by_nobody(&reply);
    }
}

fn assert_kept_by_nobody(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{reply:?}");
    let invites_pages = reply.headers.iter().any(|(name, _)| name.starts_with("access-control"));
    assert!(!invites_pages, "{reply:?}");
}

#[test]
fn unknown_routes_and_methods_are_told_apart() {
    let home = Home::new();
    let (_airbyte, daemon) = serving(&home);
    let http = daemon.http();
    for (method, target, status, code) in [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/token/", 404, "not_found"),
        ("GET", "//v1/token", 404, "not_found"),
        ("GET", "/v1/secret", 404, "not_found"),
        ("GET", "/v1/profiles/main/secret", 404, "not_found"),
        ("POST", "/v1/token", 405, "method_not_allowed"),
        ("DELETE", "/v1/token", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/token", 405, "method_not_allowed"),
        ("GET", "/v1/token/refresh", 405, "method_not_allowed"),
        ("POST", "/v1/profiles/main", 405, "method_not_allowed"),
        ("GET", "/v1/token?profile=other", 404, "no_such_profile"),
        ("GET", "/v1/token?profile=no%20name", 400, "bad_request"),
        ("GET", "/v1/token?min_ttl=soon", 400, "bad_request"),
        ("GET", "/v1/profiles/other", 404, "no_such_profile"),
        ("DELETE", "/v1/profiles/other", 404, "no_such_profile"),
    ] {
        let reply = http.send(&Call::new(method, target));
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{method} {target}");
        assert_kept_by_nobody(&reply);
    }
    for (target, text) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let reply = http.get(target);
        assert_eq!((reply.status, reply.text().as_str()), (200, text));
        assert_kept_by_nobody(&reply);
    }
}

#[test]
fn a_token_comes_as_json_or_bare_as_the_caller_likes() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let http = daemon.http();
    let bare = http.send(&Call::new("GET", "/v1/token").header("accept", "text/plain"));
    assert_eq!(bare.text(), airbyte.latest_token(), "no line break");
    assert_eq!(bare.header("content-type"), Some("text/plain"));
    let described = http.get("/v1/token");
    assert_eq!(described.header("content-type"), Some("application/json"));
    let described = described.json();
    assert_eq!((&described["token_type"], &described["profile"]), (&json!("Bearer"), &json!("main")));
    assert_eq!(described["access_token"], json!(airbyte.latest_token()));
}

#[test]
fn one_connection_serves_one_request_after_the_other() {
    let home = Home::new();
    let (_airbyte, daemon) = serving(&home);
    let mut stream = daemon.http().connect().expect("somebody listens");
    for _ in 0..3 {
        assert_eq!(ask_for_health(&mut stream), "ok");
    }
}

/// One request on a connection that stays open.
fn ask_for_health(stream: &mut UnixStream) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("it listens");
    let mut bytes = Vec::new();
    let mut room = [0; 1024];
    loop {
        let count = stream.read(&mut room).expect("it answers");
        assert_ne!(count, 0, "it hung up");
        bytes.extend_from_slice(&room[..count]);
        if let Some(reply) = Reply::parse(&bytes) {
            return reply.text();
        }
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let http = daemon.http();
    let token = |call: Call| http.send(&call);
    let long = token(Call::new("GET", "/v1/token").header("x-padding", &"x".repeat(20_000)));
    assert_eq!(long.status, 431);
    let many = (0..40).fold(Call::new("GET", "/v1/token"), |call, n| call.header(&format!("x-{n}"), "x"));
    assert_eq!(token(many).status, 431);
    let few = (0..20).fold(Call::new("GET", "/v1/token"), |call, n| call.header(&format!("x-{n}"), "x"));
    assert_eq!(token(few).status, 200, "the same with fewer");
    assert_eq!(token(Call::new("GET", "/v1/token").header("x-padding", &"x".repeat(10_000))).status, 200);

    let put = |length: usize| {
        let mut profile = airbyte.profile("memory");
        profile["organization_id"] = json!("x".repeat(length));
        http.put("/v1/profiles/large", &profile)
    };
    let reply = put(70_000);
    assert_eq!((reply.status, reply.code().as_str()), (413, "too_large"));
    assert_ne!(put(60_000).status, 413, "the same, smaller");
}

#[test]
fn a_body_that_is_not_what_was_agreed_is_refused_without_being_quoted() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let http = daemon.http();
    let secret = airbyte.secret();
    let mut misspelt = airbyte.profile("memory");
    misspelt["client-secret"] = misspelt["client_secret"].take();
    let torn = airbyte.profile("memory").to_string();
    let bodies = [
        misspelt.to_string(),
        torn[..torn.len() - 2].to_owned(),
        format!("client_secret={}", secret.expose()),
        json!([secret.expose()]).to_string(),
        json!(secret.expose()).to_string(),
    ];
    for body in bodies {
        let reply = http.send(&Call::new("PUT", "/v1/profiles/x").body(body.into_bytes()));
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_request"));
        secret.assert_absent("the reply", &reply.body);
    }
    assert_eq!(airbyte.exchanges(), 1, "the login at the beginning");
}

#[test]
fn whoever_dawdles_is_cut_off() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let http = daemon.http();
    let body = airbyte.profile("memory").to_string();
    let head =
        format!("PUT /v1/profiles/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    let silent = http.connect().expect("somebody listens");
    let mut in_head = http.connect().expect("somebody listens");
    in_head.write_all(b"GET /v1/token HTTP/1.1\r\nhost: loc").expect("it listens");
    let mut in_body = http.connect().expect("somebody listens");
    in_body.write_all(format!("{head}{}", &body[..20]).as_bytes()).expect("it listens");
    let mut idle = http.connect().expect("somebody listens");
    assert_eq!(ask_for_health(&mut idle), "ok");
    for mut stream in [silent, in_head, in_body, idle] {
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Ok(_) => assert!(!contains(&rest, " 200 "), "{}", String::from_utf8_lossy(&rest)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it was cut off"),
        }
    }
    assert_eq!(airbyte.exchanges(), 1, "the login at the beginning");
    assert_eq!(http.get("/v1/token").status, 200);
}

#[test]
fn garbage_is_refused_and_harms_nobody() {
    let home = Home::new();
    let (airbyte, daemon) = serving(&home);
    let http = daemon.http();
    let token = airbyte.latest_token();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET /v1/token\r\n\r\n",
        b"GET /v1/token HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"GET /v1/token HTTP/1.1\r\nhost : localhost\r\n\r\n",
        b"GET /v1/token HTTP/1.1\r\nhost: localhost\r\n folded\r\n\r\n",
        b"GET /v1/to\0ken HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/token/reject HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
        b"POST /v1/token/reject HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = http.raw(garbage);
        assert!(!contains(&answer, " 200 ") && !contains(&answer, &token[..16]), "{garbage:?}");
    }
    assert_eq!(http.token(), token);
}
