//! What a socket for others gives, and what it does not.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use airbyte_tokend_tests::{Airbyte, Binary, Call, Home, Http, Process, Reply};
use serde_json::{Value, json};

use super::{Scene, socket_for};

const API: &str = include_str!("../../../../crates/tokend/openapi.json");

/// Every route and method of the API, as its document has them.
fn routes() -> Vec<(String, String)> {
    let api: Value = serde_json::from_str(API).expect("it is JSON");
    let paths = api["paths"].as_object().expect("it has paths");
    let methods = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("they are named").keys();
        methods.filter(|method| *method != "parameters").map(|m| (m.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(|found| -> Vec<_> { methods(found) }).collect()
}

/// T9: of all that the API has, a socket for tokens of one profile gives those, and nothing else.
#[test]
fn a_socket_for_tokens_of_one_profile_gives_those_and_nothing_else() {
    let scene = Scene::new();
    let socket = scene.open_directory().join("api.sock");
    scene.reload(&socket_for(&socket, &[]));
    let (narrow, main) = (Http::over(&socket), scene.daemon.http());
    assert_eq!(narrow.token(), scene.ci.latest_token(), "the only profile is the one that is meant");
    assert_eq!(narrow.get("/v1/ready").status, 200);
    for (method, path) in routes() {
        if ["/v1/token", "/v1/ready", "/healthz", "/readyz"].contains(&path.as_str()) {
            continue;
        }
        let call = Call::new(&method, &path.replace("{name}", "ci")).json(&json!({}));
        let refused = narrow.send(&call);
        assert_eq!((refused.status, refused.code().as_str()), (403, "not_allowed"), "{method} {path}");
        scene.assert_no_token(&refused.text());
    }
    assert_eq!(main.get("/v1/status").status, 200, "the same is to be had at the main socket");
    assert_eq!(main.post("/v1/token/refresh?profile=production").status, 200);
}

/// T9: what another profile is called is not to be found out.
#[test]
fn a_profile_that_is_not_to_be_had_is_like_one_that_is_not_there() {
    let scene = Scene::new();
    let socket = scene.open_directory().join("api.sock");
    let verbs = "verbs = [\"token\", \"status\", \"refresh\", \"manage\"]\n";
    scene.reload(&(socket_for(&socket, &[]) + verbs));
    let narrow = Http::over(&socket);
    for (method, target) in [
        ("GET", "/v1/token?profile=NAME"),
        ("GET", "/v1/ready?profile=NAME"),
        ("POST", "/v1/token/refresh?profile=NAME"),
        ("GET", "/v1/timeline?profile=NAME"),
        ("GET", "/v1/profiles/NAME"),
        ("DELETE", "/v1/profiles/NAME"),
        ("PUT", "/v1/profiles/NAME"),
    ] {
        let ask = |name: &str| {
            let body = scene.ci.profile("memory");
            let reply = narrow.send(&Call::new(method, &target.replace("NAME", name)).json(&body));
            (reply.status, reply.code(), reply.text().replace(name, "NAME"))
        };
        let (there, absent) = (ask("production"), ask("nowhere"));
        assert_eq!((there.0, there.1.as_str()), (403, "not_allowed"), "{method} {target}");
        assert_eq!(there, absent, "{method} {target}");
    }
    assert_eq!(scene.daemon.http().get("/v1/token?profile=production").status, 200);
}

/// T9: of the daemon itself and of other profiles, nothing is said.
#[test]
fn a_narrow_socket_says_nothing_of_what_is_not_to_be_had_there() {
    let scene = Scene::new();
    let socket = scene.open_directory().join("api.sock");
    let verbs = "verbs = [\"token\", \"status\", \"refresh\", \"manage\"]\n";
    scene.reload(&(socket_for(&socket, &[]) + verbs));
    let (narrow, main, good) = (Http::over(&socket), scene.daemon.http(), scene.home.config());
    scene.home.write_config(&format!("a_mistake = 1\n{good}"));
    let refused = narrow.post("/v1/reload");
    assert_eq!(refused.code(), "config_invalid");

    let tells = |reply: &Reply| {
        let text = reply.text();
        ["production", "a_mistake", "config_problem\"", "default_profile"]
            .into_iter()
            .find(|word| text.contains(word))
    };
    assert_eq!(tells(&refused), None, "{}", refused.text());
    for target in ["/v1/status", "/v1/profiles", "/metrics", "/v1/timeline", "/v1/clients"] {
        let reply = narrow.get(target);
        assert_eq!((reply.status, tells(&reply)), (200, None), "{target}: {}", reply.text());
    }
    assert!(narrow.get("/v1/status").text().contains("\"ci\""));
    assert!(tells(&main.get("/v1/status")).is_some(), "all of it is said at the main socket");
    assert!(main.post("/v1/reload").text().contains("a_mistake"));
}

/// T9: who may no longer come, or may have less, notices it on the connection that is open already.
#[test]
fn a_socket_that_is_narrowed_further_holds_for_those_who_are_in_already() {
    let scene = Scene::new();
    let socket = scene.open_directory().join("api.sock");
    scene.reload(&(socket_for(&socket, &[]) + "verbs = [\"token\", \"status\"]\n"));
    let mut connection = Http::over(&socket).connect().expect("somebody listens");
    assert_eq!(ask(&mut connection, "/v1/status"), 200);
    let config = scene.home.config().replace("\"token\", \"status\"", "\"token\"");
    scene.home.write_config(&config);
    scene.reload("");
    assert_eq!(ask(&mut connection, "/v1/status"), 403);
    assert_eq!(ask(&mut connection, "/v1/token"), 200);
    let table = config.find("[sockets.ci]").expect("it is there");
    scene.home.write_config(&config[..table]);
    scene.reload("");
    assert_eq!(ask(&mut connection, "/v1/token"), 403);
    assert!(!socket.exists());
}

/// The status of one request on a connection that stays open.
fn ask(connection: &mut UnixStream, target: &str) -> u16 {
    let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    connection.write_all(head.as_bytes()).expect("it listens");
    let (mut bytes, mut room) = (Vec::new(), [0; 1024]);
    loop {
        let count = connection.read(&mut room).expect("it answers");
        assert_ne!(count, 0, "it hung up");
        bytes.extend_from_slice(&room[..count]);
        if let Some(reply) = Reply::parse(&bytes) {
            return reply.status;
        }
    }
}

/// Few enough descriptors that a door has some 15 seats.
const FEW: &str = "--nofile=72:72";
/// More callers than that.
const MANY: usize = 40;

fn serves(socket: &Path, callers: usize) -> Vec<UnixStream> {
    let call = |_| {
        let mut connection = Http::over(socket).connect().expect("somebody listens");
        assert_eq!(ask(&mut connection, "/healthz"), 200);
        connection
    };
    (0..callers).map(call).collect()
}

fn is_still_served(mut connection: &UnixStream) -> bool {
    connection.set_nonblocking(true).expect("it is a socket");
    let kept = connection.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    connection.set_nonblocking(false).expect("it is a socket");
    kept
}

/// T9: a container that takes every seat there is takes none at the main socket.
#[test]
fn a_crowd_at_a_narrow_socket_takes_no_seat_of_the_main_one() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let profile = airbyte.profile_in_config("ci", "memory");
    home.write_config(&(profile + "[sockets.ci]\nprofiles = [\"ci\"]\n"));
    let mut command = home.command_of(home.person(), "prlimit".as_ref());
    command.arg(FEW).arg(Binary::Daemon.path());
    let daemon = Process::start(&mut command, b"");
    daemon.stderr().wait_for("serving socket=");
    let narrow = home.run().join("airbyte-tokend/ci/api.sock");

    let first = serves(&home.socket(), 1);
    let crowd = serves(&narrow, MANY);
    assert!(!is_still_served(&crowd[0]), "there are fewer seats than that");
    assert!(is_still_served(&first[0]));
    let _crowd = serves(&home.socket(), MANY);
    assert!(!is_still_served(&first[0]), "a crowd at the main socket does take it");
}
