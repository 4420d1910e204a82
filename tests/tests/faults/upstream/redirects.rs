//! Replies that point elsewhere, where the secret does not go.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Canary, Process};

use super::World;

/// The word that stands in the path of where it points.
const PATH: &str = "collected-by-a-stranger";

/// Somebody who keeps what is sent.
struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let (address, kept) = (listener.local_addr().expect("it is bound"), Arc::default());
        let keeper: Arc<Mutex<Vec<u8>>> = Arc::clone(&kept);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut room = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut room) {
                    let mut kept = keeper.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&room[..count]);
                    if kept.ends_with(b"}") {
                        break;
                    }
                }
                let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(reply).unwrap_or(());
            }
        });
        Self { address, kept }
    }

    fn kept(&self) -> Vec<u8> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A client that does what it is told hands the secret on.
fn follow(world: &World) {
    let url = format!("{}/api/public/v1/applications/token", world.airbyte.url());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--location", "--post301", "--post302", "--post303", "--data-binary", "@-", &url]);
    let body = world.airbyte.profile("memory").to_string();
    assert_eq!(Process::start(&mut curl, body.as_bytes()).wait().code(), Some(0));
}

/// Fault 6: every redirect there is.
#[test]
fn no_redirect_moves_the_secret() {
    let (world, canary) = (World::warm(), Canary::new("location"));
    let alive = world.airbyte.latest_token();
    for code in [301, 302, 303, 307, 308] {
        let collector = Collector::start();
        let place = format!("http://{}", collector.address);
        let target = format!("{place}/{PATH}?canary={}", canary.expose());
        world.airbyte.add_fault(Fault::redirect(code, target).forever());

        let told = world.fail_to_refresh();
        assert_eq!((told.status, told.code().as_str()), (424, "misdirected"), "{}", told.text());
        let words = format!("the url redirects to {place} ({code}), where the secret is not sent");
        assert!(told.text().contains(&words), "{}", told.text());
        assert!(!told.text().contains(PATH), "only the host is named: {}", told.text());
        canary.assert_absent("the error", told.text().as_bytes());
        assert!(collector.kept().is_empty(), "{code}: something was sent on");

        follow(&world);
        let kept = collector.kept();
        assert!(world.airbyte.secret().found_in(&kept).is_some(), "{code} takes others' secrets");
        world.airbyte.clear_faults();
    }
    world.serves(&alive);
    canary.assert_absent("the log", &world.daemon.log().bytes());
    canary.assert_absent_under(&world.home.state());
    world.pass(Duration::from_secs(60));
    world.await_state("fresh");
}

/// Fault 6: each kind of target has its own advice.
#[test]
fn a_redirect_is_told_with_what_to_do_about_it() {
    let world = World::warm();
    let port = world.airbyte.address().port();
    for (target, advice) in [
        ("/login".to_owned(), "check the path of the url"),
        (format!("https://127.0.0.1:{port}/api/v1/applications/token"), "begin the url with https://"),
        ("https://login.example/realms/airbyte".to_owned(), "if Airbyte is there, set the url to it"),
    ] {
        world.airbyte.add_fault(Fault::redirect(302, target));
        let told = world.fail_to_refresh();
        assert!(told.text().contains(advice), "{}", told.text());
    }
}
