//! The credential of a local client, and what is to be had without a good one: nothing.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use airbyte_tokend_tests::{Airbyte, Call, Home, Reply};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::gate::{
    Ask, Credential, Scene, add_client, assert_opens_nothing, connect, lasting_headers, shows,
};

const OPENAPI: &str = include_str!("../../../../crates/tokend/openapi.json");

fn pair(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// T19: who tries secrets learns nothing from what it is told.
#[test]
fn every_credential_that_is_not_good_is_told_the_same_to_the_byte() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let Credential { id, secret } = scene.client.clone();
    let revoked = add_client(&scene.daemon, "revoked", "main", "token");
    let bare = scene.ask_without_bearer();
    assert_eq!(scene.send(&bare.clone().bearer(&revoked.secret)).status, 200, "not yet");
    let removed = scene.daemon.http().send(&Call::new("DELETE", "/v1/clients/revoked"));
    assert_eq!(removed.status, 204, "{}", removed.text());

    let flipped = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('x') { 'y' } else { 'x' });
    let values = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        "Bearer x".into(),
        format!("Bearer {flipped}"),
        format!("Bearer {}", &secret[..secret.len() - 1]),
        format!("Bearer {secret}x"),
        format!("Bearer {}", secret.to_uppercase()),
        format!("Bearer {secret}, Bearer {secret}"),
        format!("Bearer {}", revoked.secret),
        format!("Bearer {id}"),
        format!("Bearer {id}:{secret}"),
        format!("Bearer {}", "x".repeat(5000)),
        format!("Token {secret}"),
        format!("Bearer{secret}"),
        secret.clone(),
        format!("Basic {secret}"),
        pair(&id, &flipped),
        pair(&id, ""),
        pair("", &secret),
        pair(&revoked.id, &revoked.secret),
        pair(&revoked.id, &secret),
        pair(&id, &revoked.secret),
        STANDARD.encode(format!("{id}:{secret}")),
        "Negotiate abc".into(),
    ];
    let with = |value: &String| {
        let mut ask = bare.clone();
        ask.set("Authorization", value);
        ask
    };
    let twice = {
        let mut ask = scene.ask();
        ask.add("Authorization", &format!("Bearer {secret}"));
        ask
    };
    let asks = values.iter().map(with).chain([bare.clone(), twice]);
    let before = scene.refused("credential");
    let replies: Vec<_> = asks.map(|ask| scene.send(&ask)).collect();
    let challenge = Some("Bearer realm=\"airbyte-tokend\"");
    for reply in &replies {
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, challenge), "{}", reply.text());
        assert_opens_nothing(reply);
    }
    assert_eq!(
        replies.iter().map(|reply| (lasting_headers(reply), &reply.body)).collect::<BTreeSet<_>>().len(),
        1
    );
    assert_eq!(scene.refused("credential") - before, replies.len() as u64);

    for good in [format!("Bearer {secret}"), format!("bearer  {secret}"), pair(&id, &secret)] {
        assert_eq!(scene.send(&with(&good)).status, 200, "the control");
    }
}

/// One request after the other on the same connection.
fn ask_on(stream: &mut TcpStream, ask: &Ask) -> u16 {
    stream.write_all(&ask.bytes()).expect("it listens");
    let (mut bytes, mut room) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut room).expect("it answers");
        assert_ne!(count, 0, "it hung up");
        bytes.extend_from_slice(&room[..count]);
        if let Some(reply) = Reply::parse(&bytes) {
            return reply.status;
        }
    }
}

/// T8: somebody goes on with the credential of a client that was removed, on a connection that was made before.
#[test]
fn a_client_that_is_removed_is_refused_on_the_connection_that_it_has() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let stays = add_client(&scene.daemon, "stays", "main", "token");
    let kept = |credential: &Credential| {
        let mut ask = scene.ask_without_bearer().bearer(&credential.secret);
        ask.unset("Connection");
        ask
    };
    let mut stream = connect(scene.address);
    assert_eq!(ask_on(&mut stream, &kept(&scene.client)), 200);
    assert_eq!(scene.daemon.http().send(&Call::new("DELETE", "/v1/clients/tool")).status, 204);
    assert_eq!(ask_on(&mut stream, &kept(&scene.client)), 401);
    assert_eq!(ask_on(&mut stream, &kept(&stays)), 200, "the control: it alone");
}

/// T7: a program is talked into putting the bearer into a URL, where logs and histories keep it.
#[test]
fn a_bearer_in_the_query_is_refused_whether_it_is_good_or_not() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let secret = &scene.client.secret;
    for name in ["access_token", "token", "bearer", "authorization", "secret", "key"] {
        for value in [secret.as_str(), "x"] {
            for mut ask in [scene.ask_without_bearer(), scene.ask()] {
                ask.target = format!("/v1/token?{name}={value}");
                let reply = scene.send(&ask);
                assert_eq!((reply.status, reply.code().as_str()), (400, "bad_request"), "{name}");
                assert!(!shows(&reply.body, secret), "it is told again: {}", reply.text());
            }
        }
    }
    for target in [format!("/v1/token/{secret}"), format!("/{secret}")] {
        assert_eq!(scene.send(&Ask { target, ..scene.ask() }).status, 404);
    }
    assert!(!shows(scene.daemon.log().to_string().as_bytes(), secret), "it is in the log");
    assert_eq!(scene.send(&scene.ask()).status, 200, "the control");
}

/// T7: a local client asks for more than was meant for it.
#[test]
fn a_local_client_gets_its_own_profile_s_token_and_no_other() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let other = Airbyte::start();
    scene.daemon.log_in("other", &other, "memory");
    let mine = add_client(&scene.daemon, "mine", "other", "token");
    let ask = |credential: &Credential, query: &str| {
        let mut ask = scene.ask_without_bearer().bearer(&credential.secret);
        ask.target += query;
        scene.send(&ask)
    };
    for (credential, airbyte, own) in [(&scene.client, &scene.airbyte, "main"), (&mine, &other, "other")] {
        for query in ["", &format!("?profile={own}")] {
            let reply = ask(credential, query);
            assert_eq!(reply.json()["access_token"], json!(airbyte.latest_token()), "{own}{query}");
        }
    }
    let refusals = ["other", "there-is-none"].map(|name| {
        let reply = ask(&scene.client, &format!("?profile={name}"));
        assert_eq!((reply.status, reply.code().as_str()), (403, "not_allowed"), "{name}");
        assert!(!shows(&reply.body, &other.latest_token()));
        reply.text().replace(name, "NAME")
    });
    assert_eq!(refusals[0], refusals[1], "nobody is told which profiles there are");
}

/// T7: a tool that was made for the proxied API asks for a token to take away.
#[test]
fn a_local_client_of_mode_proxy_gets_no_token() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let proxied = add_client(&scene.daemon, "proxied", "main", "proxy");
    let reply = scene.send(&scene.ask_without_bearer().bearer(&proxied.secret));
    assert_eq!((reply.status, reply.code().as_str()), (403, "not_allowed"));
    assert!(
        reply.json()["hint"].as_str().is_some_and(|hint| hint.contains("--mode token")),
        "{}",
        reply.text()
    );
    assert!(!shows(&reply.body, &scene.airbyte.latest_token()));
    assert_eq!(scene.refused("scope"), 1);
    assert_eq!(scene.send(&scene.ask()).status, 200, "the control");
}

/// T8: whoever reaches the port looks for what manages, tells, or changes anything.
#[test]
fn nothing_but_the_token_is_to_be_had_over_loopback_with_a_bearer_or_without() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let document: Value = serde_json::from_str(OPENAPI).expect("it is JSON");
    let paths = document["paths"].as_object().expect("it is a table").keys().cloned();
    let paths: Vec<_> =
        paths.chain(["/".into(), "/admin".into(), "/proxy/main/v1/workspaces".into()]).collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths.iter().filter(|path| *path != "/v1/token") {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
            let replies = [scene.ask(), scene.ask_without_bearer()].map(|ask| {
                let target = path.replace("{name}", "main");
                let reply = scene.loopback().raw(&Ask { method: method.into(), target, ..ask }.bytes());
                let reply = String::from_utf8(reply).expect("it is text");
                assert!(reply.starts_with("HTTP/1.1 404 "), "{method} {path}: {reply}");
                reply.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
            });
            assert_eq!(replies[0], replies[1], "{method} {path}");
        }
    }
    assert_eq!(scene.daemon.http().status_of("main")["name"], json!("main"), "nothing was changed");
}

/// T8: what is refused is told of in the log, and cannot fill it.
#[test]
fn wrong_bearers_are_logged_once_and_counted() {
    let home = Home::new();
    let scene = Scene::new(&home);
    for number in 0..50 {
        let reply = scene.send(&scene.ask_without_bearer().bearer(&format!("wrong-{number}")));
        assert_eq!(reply.status, 401);
    }
    assert_eq!(scene.refused("credential"), 50);
    let log = scene.daemon.log().to_string();
    let lines = log.lines().filter(|line| line.contains("without a valid credential")).count();
    assert!((1..=2).contains(&lines), "a line a minute:\n{log}");
    assert!(!log.contains("wrong-"), "what was presented is in the log:\n{log}");
}
