//! A reverse proxy in front, as somebody sets it up who wants the endpoint elsewhere too.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
};

use airbyte_tokend_tests::Home;

use crate::gate::{Ask, Scene, Way, connect, shows};

/// What is done to the head of a request for whoever is behind.
type Change = fn(&mut String, SocketAddr);

/// Passes requests on to `upstream`, each changed so, and what comes back as it is; for as long as the test runs.
fn proxy(upstream: SocketAddr, change: Change) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (mut head, mut room) = (Vec::new(), [0; 4096]);
            while !head.ends_with(b"\r\n\r\n") {
                let count = client.read(&mut room).expect("it asks");
                head.extend_from_slice(&room[..count]);
            }
            let mut head = String::from_utf8(head).expect("it is text");
            change(&mut head, upstream);
            let (mut server, mut answer) = (connect(upstream), Vec::new());
            server.write_all(head.as_bytes()).expect("it listens");
            server.read_to_end(&mut answer).expect("it answers");
            client.write_all(&answer).expect("it listens");
        }
    });
    address
}

fn add(head: &mut String, header: &str) {
    head.insert_str(head.len() - 2, &format!("{header}\r\n"));
}

/// What all of them do: the host is the one behind.
fn name_upstream(head: &mut String, upstream: SocketAddr) {
    let lines = head
        .split("\r\n")
        .map(|line| if line.starts_with("Host: ") { format!("Host: {upstream}") } else { line.to_owned() });
    *head = lines.collect::<Vec<_>>().join("\r\n");
}

/// T7: a reverse proxy passes on what the network asks, a good bearer with it.
#[test]
fn through_a_reverse_proxy_nothing_is_to_be_had() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let proxies: [(&str, Change); 4] = [
        ("that says for whom", |head, upstream| {
            name_upstream(head, upstream);
            add(head, "X-Forwarded-For: 192.0.2.1");
        }),
        ("that says that it is one", |head, upstream| {
            name_upstream(head, upstream);
            add(head, "Via: 1.1 proxy");
        }),
        ("that keeps the host", |_, _| {}),
        ("that speaks HTTP/1.0", |head, upstream| {
            name_upstream(head, upstream);
            *head = head.replace("HTTP/1.1", "HTTP/1.0");
        }),
    ];
    let through = |front: SocketAddr| {
        Way::Loopback(front).send(&Ask::token(&front.to_string()).bearer(&scene.client.secret))
    };
    for (what, change) in proxies {
        let reply = through(proxy(scene.address, change));
        assert_eq!((reply.status, reply.code().as_str()), (403, "request_refused"), "one {what}");
        assert!(!shows(&reply.body, &scene.airbyte.latest_token()), "one {what}");
    }
    let unseen = through(proxy(scene.address, name_upstream));
    assert_eq!(
        unseen.status, 200,
        "the control: one that hides what it is, and has a good bearer to pass on"
    );
}
