//! Other users of the machine, who reach the port as well as anybody.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    thread,
    time::Duration,
};

use airbyte_tokend_tests::{Ended, Home, Person, Process, timed};

use crate::gate::{Scene, connect, shows};

/// What curl finds at the endpoint when another user runs it, with this as its configuration (so that no credential
/// stands in its arguments).
fn ask_as(person: Person, home: &Home, scene: &Scene, config: &str) -> Ended {
    let mut curl = home.command_of(person, "curl".as_ref());
    curl.current_dir("/").args(["--silent", "--max-time", "60", "--include", "--config", "-"]);
    let url = format!("http://{}/v1/token", scene.address);
    Process::start(curl.arg(url), config.as_bytes()).wait()
}

/// T8: another user asks at the port; the credential decides, not who asks.
#[test]
fn another_user_without_a_bearer_gets_nothing() {
    let home = Home::of(Person::owner());
    let scene = Scene::new(&home);
    let token = scene.airbyte.latest_token();
    let refused = ask_as(Person::stranger(), &home, &scene, "");
    assert!(refused.text().starts_with("HTTP/1.1 401 "), "{}", refused.text());
    assert!(!shows(&refused.stdout, &token));
    let bearer = format!("header = \"Authorization: Bearer {}\"\n", scene.client.secret);
    let served = ask_as(Person::stranger(), &home, &scene, &bearer);
    assert!(shows(&served.stdout, &token), "the control: {}", served.text());
}

/// T8: another user looks where the daemon keeps what it knows of local clients.
#[test]
fn another_user_cannot_read_the_file_of_local_clients_and_no_secret_is_in_it() {
    let home = Home::of(Person::owner());
    let scene = Scene::new(&home);
    let file = home.state().join("clients.json");
    let read = |person: Person| Process::start(person.command("cat").arg(&file), b"").wait();
    assert_ne!(read(Person::stranger()).code(), Some(0));
    let own = read(Person::owner());
    assert!(own.text().contains("tool"), "the control: {}", own.text());
    assert!(!shows(&own.stdout, &scene.client.secret));
}

/// T8: another user tries ten thousand secrets while a good client goes on asking.
#[test]
fn ten_thousand_wrong_bearers_keep_no_good_client_waiting() {
    const ATTEMPTS: usize = 10_000;
    const ATTACKERS: usize = 4;
    let home = Home::new();
    let scene = Scene::new(&home);
    let ask = scene.ask();
    let slowest_of = |count: usize| {
        let times = (0..count).map(|_| {
            let (reply, time) = timed(|| scene.send(&ask));
            assert_eq!(reply.status, 200, "{}", reply.text());
            time
        });
        times.max().unwrap_or_default()
    };
    let attack = || {
        for number in 0..ATTEMPTS / ATTACKERS {
            let wrong = scene.ask_without_bearer().bearer(&format!("wrong-{number}"));
            assert_eq!(scene.send(&wrong).status, 401);
        }
    };
    let slowest = thread::scope(|threads| {
        let attacks: Vec<_> = (0..ATTACKERS).map(|_| threads.spawn(attack)).collect();
        let slowest = slowest_of(200);
        attacks.into_iter().for_each(|attack| attack.join().expect("each is answered"));
        slowest
    });
    assert_eq!(scene.refused("credential"), ATTEMPTS as u64);
    assert!(slowest < Duration::from_secs(5), "a good client waited for {slowest:?}");
}

/// T8: another user takes every seat at the port and asks nothing.
#[test]
fn whoever_fills_the_port_keeps_nobody_from_the_socket_and_no_good_client_from_its_token() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let mut idle: Vec<_> = (0..300).map(|_| connect(scene.address)).collect();
    for stream in &mut idle {
        // Those that were sent away for a later one find the connection closed.
        stream.write_all(b"GET /v1/token HTTP/1.1\r\nHost: ").unwrap_or(());
    }
    assert_eq!(scene.daemon.http().token(), scene.airbyte.latest_token());
    assert_eq!(scene.send(&scene.ask()).status, 200);
    assert!(!scene.daemon.log().to_string().contains("could not be accepted"), "{}", scene.daemon.log());
}

/// T8: another user sends requests without measure or end.
#[test]
fn at_the_port_heads_are_as_small_and_callers_as_quick_as_at_the_socket() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let padded = |length: usize| {
        let mut ask = scene.ask();
        ask.add("X-Padding", &"x".repeat(length));
        String::from_utf8_lossy(&scene.loopback().raw(&ask.bytes())).into_owned()
    };
    assert!(padded(10_000).starts_with("HTTP/1.1 200 "), "the control");
    assert!(padded(20_000).starts_with("HTTP/1.1 431 "));
    let silent = connect(scene.address);
    let mut in_head = connect(scene.address);
    in_head.write_all(b"GET /v1/token HTTP/1.1\r\nHost: 127.").expect("it listens");
    for mut stream in [silent, in_head] {
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => assert!(!shows(&answer, &scene.airbyte.latest_token())),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is not cut off"),
        }
    }
    assert_eq!(scene.send(&scene.ask()).status, 200, "others are served");
}
