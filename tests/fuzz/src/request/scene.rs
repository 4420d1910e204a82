//! A daemon without its socket, which holds a secret and a live token.

use std::{
    cell::RefCell,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    pin::Pin,
    thread,
    time::Duration,
};

use airbyte_token_core::{ProfileName, Secret};
use airbyte_token_local::wire::{ProfileRequest, Service, StoreKind};
use airbyte_tokend::{
    cache::Remembering,
    config::Config,
    daemon::{Places, State},
    service::{self, BODY_TIMEOUT, LONGEST_WAIT, TURN_TIMEOUT},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    runtime::{Builder, Runtime},
    time,
};

use crate::watched::{SECRET, TOKEN};

/// More than all answers to a request of the fuzzers' size.
const ROOM: usize = 4 * 1024 * 1024;
/// The shortest request has as many bytes: `GET / HTTP/1.0` and two line feeds.
const SHORTEST_REQUEST: usize = 16;

/// The daemon. Its configuration has a mistake since it was read, so that no request can change what it serves.
pub(super) struct Scene {
    serve: Serve,
    state: State,
    runtime: Runtime,
    _home: TempDir,
}

type Serve = Box<dyn Fn(DuplexStream) -> Pin<Box<dyn Future<Output = ()>>>>;

thread_local! {
    static SCENE: RefCell<Option<Scene>> = const { RefCell::new(None) };
}

impl Scene {
    /// Does something with this thread's scene, or with a new one if the old one has no token any more.
    pub(super) fn with<T>(hold_clock: fn(), act: impl FnOnce(&Self) -> T) -> T {
        SCENE.with_borrow_mut(|scene| {
            scene.take_if(|scene| !scene.has_token());
            act(scene.get_or_insert_with(|| Self::new(hold_clock)))
        })
    }

    fn new(hold_clock: fn()) -> Self {
        let home = tempfile::tempdir().expect("there is room for a directory");
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads");
        let state = runtime.block_on(async {
            let state = state(&home);
            state.log_in(&name(), application()).await.expect("nothing is wrong yet");
            fs::write(home.path().join("config.toml"), "a_mistake = 1\n").expect("the directory is ours");
            hold_clock();
            state
        });
        let router = service::router(state.clone());
        let serve: Serve = Box::new(move |stream| Box::pin(service::serve_one(stream, router.clone())));
        Self { serve, state, runtime, _home: home }
    }

    /// All that is answered to these bytes until the daemon closes the connection, which stays open on our side; none
    /// if it takes longer for that than its limits add up to.
    pub(super) fn say(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let requests = u32::try_from(bytes.len() / SHORTEST_REQUEST + 2).ok()?;
        let limit = (TURN_TIMEOUT + BODY_TIMEOUT + LONGEST_WAIT) * requests;
        self.runtime.block_on(async {
            let (mut ours, theirs) = tokio::io::duplex(ROOM);
            let connection = (self.serve)(theirs);
            let talk = async {
                // Whoever is refused in the middle is not heard out: what it was told is there all the same.
                drop(ours.write_all(bytes).await);
                let mut said = Vec::new();
                drop(ours.read_to_end(&mut said).await);
                said
            };
            let both = async { tokio::join!(connection, talk) };
            time::timeout(limit, both).await.ok().map(|(_, said)| said)
        })
    }

    fn has_token(&self) -> bool {
        let handle = self.state.cache().get(&name());
        let token = handle.and_then(|handle| handle.snapshot().token);
        token.is_some_and(|token| token.remaining(self.state.now()) > Duration::from_secs(600))
    }
}

fn name() -> ProfileName {
    "main".parse().expect("this is a profile's name")
}

fn state(home: &TempDir) -> State {
    let path = |name: &str| home.path().join(name);
    let places = Places { config: path("config.toml"), socket: path("api.sock"), state: path("state") };
    let config = Config::load(&places.config).expect("no file means the defaults");
    State::new(places, config, Remembering::load(path("memory.json"))).expect("no profile can fail")
}

fn application() -> ProfileRequest {
    ProfileRequest {
        service: Some(Service::SelfManaged),
        url: Some(airbyte_for_one_exchange()),
        client_id: "an-id".parse().expect("this is an id"),
        client_secret: Secret::new(SECRET.to_owned()),
        organization_id: None,
        vault: Some(StoreKind::Memory),
        ca_file: None,
        proxy: None,
        default: false,
    }
}

/// Answers one exchange with the token, for a day, and is gone: nothing that is sent later leaves this process.
fn airbyte_for_one_exchange() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut request = [0; 4096];
        drop(stream.read(&mut request));
        let body = format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":86400}}"#);
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        drop(stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()));
    });
    url
}
