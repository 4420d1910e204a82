//! A daemon that is told to stop ends within its time, whatever hangs, and leaves nobody without an answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use airbyte_token_core::Secret;
use airbyte_tokend::vault::{ATTENDED, FileSettings, KeySource, StoredSecret, Vault};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What a machine may take that has other things to do.
const SLOWNESS: Duration = Duration::from_secs(3);

/// A daemon with one profile, `main`, and an Airbyte that takes every request and never answers.
struct Scene {
    home: TempDir,
    airbyte: TcpListener,
    daemon: Child,
}

impl Scene {
    fn start() -> Self {
        let (home, airbyte) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let path = |name: &str| home.path().join(name);
        let url = format!("http://{}", airbyte.local_addr().unwrap());
        fs::write(path("key"), [b'k'; 32]).unwrap();
        fs::set_permissions(path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        let (key, secrets) = (path("key"), path("secrets"));
        let config = format!(
            "[vault.file]\npath = \"{}\"\nkey_file = \"{}\"\n\
             [profiles.main]\nservice = \"self-managed\"\nurl = \"{url}\"\nclient_id = \"x\"\nvault = \"file\"\n",
            secrets.display(),
            key.display(),
        );
        fs::write(path("config.toml"), config).unwrap();
        store(secrets, key, &url);
        let daemon = spawn(&home);
        Self { home, airbyte, daemon }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.daemon);
        kill_process(pid, signal).unwrap();
    }

    /// Sends a request, and gives back who will wait for the whole answer.
    fn ask(&self, request: String) -> thread::JoinHandle<String> {
        let mut stream = UnixStream::connect(self.home.path().join("run/api.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        thread::spawn(move || {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer).unwrap_or_default()
        })
    }

    /// Ends when the daemon has connected to Airbyte, and keeps it hanging on.
    fn exchange(&self) -> std::net::TcpStream {
        self.airbyte.accept().unwrap().0
    }

    /// Waits for the end. It is killed when it is late.
    fn end(mut self) -> std::process::ExitStatus {
        let (limit, pid) = (Duration::from_secs(5) + SLOWNESS, Pid::from_child(&self.daemon));
        let (ended, late) = std::sync::mpsc::channel::<()>();
        let killer = thread::spawn(move || {
            if late.recv_timeout(limit).is_err() {
                kill_process(pid, Signal::KILL).unwrap();
            }
        });
        let status = self.daemon.wait().unwrap();
        ended.send(()).unwrap_or_default();
        killer.join().unwrap();
        status
    }
}

fn store(path: PathBuf, key: PathBuf, url: &str) {
    let vault = Vault::file(FileSettings { path, key: KeySource::File(key) }).unwrap();
    let secret = StoredSecret { origin: url.parse().unwrap(), client_secret: Secret::new("s3cret".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(vault.write(&"main".parse().unwrap(), secret, ATTENDED)).unwrap();
}

/// Starts it and waits until it says that it serves.
fn spawn(home: &TempDir) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airbyte-tokend"));
    command.arg("--config").arg(home.path().join("config.toml"));
    command.arg("--socket").arg(home.path().join("run/api.sock"));
    command.env_clear().env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path());
    let mut daemon = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serving")), "it does not start");
    thread::spawn(move || lines.for_each(drop));
    daemon
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

#[test]
fn whoever_would_wait_beyond_the_end_is_told_to_try_again() {
    let scene = Scene::start();
    let answer = scene.ask(get("/v1/token?wait=300s"));
    let _hanging = scene.exchange();
    scene.signal(Signal::TERM);
    assert_eq!(scene.end().code(), Some(0));
    let answer = answer.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"shutting_down\""), "{answer:?}");
}

#[test]
fn a_stop_does_not_wait_for_a_reload_that_waits_for_a_login() {
    let scene = Scene::start();
    let url = format!("http://{}", scene.airbyte.local_addr().unwrap());
    let body = format!(
        r#"{{"service":"self-managed","url":"{url}","client_id":"x","client_secret":"s3cret","vault":"memory"}}"#
    );
    let login = format!(
        "PUT /v1/profiles/other HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = scene.ask(login);
    let _hanging = scene.exchange();
    scene.signal(Signal::HUP);
    scene.signal(Signal::TERM);
    assert_eq!(scene.end().code(), Some(0));
    assert!(!answer.join().unwrap().starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_state_directory_that_cannot_be_made_does_not_turn_a_stop_into_a_failure() {
    let scene = Scene::start();
    let (place, elsewhere) = (scene.home.path().join(".local"), scene.home.path().join("elsewhere"));
    // Whatever writes there first makes the directory, before or after this looks.
    while fs::write(&place, "in the way").is_err() {
        drop(fs::rename(&place, &elsewhere));
    }
    scene.signal(Signal::TERM);
    assert_eq!(scene.end().code(), Some(0));
}

/// Whoever opens a pipe to write waits for a reader, as for a disk that does not answer.
#[test]
fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let scene = Scene::start();
    let state = scene.home.path().join(".local/state/airbyte-tokend");
    fs::create_dir_all(&state).unwrap();
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, state.join("memory.new"), kind, mode, 0).unwrap();
    let _answer = scene.ask(get("/v1/token?wait=0s"));
    let hanging = scene.exchange();
    scene.signal(Signal::TERM);
    assert_eq!(scene.end().code(), Some(0));
    drop(hanging);
}
