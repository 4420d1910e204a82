//! A socket that somebody else opened, as systemd does (`sd_listen_fds(3)`).

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{
            fs::MetadataExt as _,
            net::{UnixDatagram, UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use airbyte_tokend_tests::{Airbyte, Binary, Call, Daemon, Home, Http, PATIENCE, Process, Reply, eventually};
use rustix::process::{Pid, Signal, kill_process};

/// A daemon that was passed something in place of binding for itself; killed when dropped.
struct Passed(Child);

impl Passed {
    /// This is its third descriptor and its fourth, of which it is told to take so many.
    fn start(home: &Home, passed: &OwnedFd, how_many: &str, for_whom: &str) -> Self {
        let script = format!(
            "exec 3<&0 4<&0 </dev/null; LISTEN_PID={for_whom} LISTEN_FDS={how_many}; export LISTEN_PID LISTEN_FDS; exec \"$0\""
        );
        let mut command = home.command_of(home.person(), Path::new("/bin/sh"));
        command.arg("-c").arg(script).arg(Binary::Daemon.path());
        command.stdin(passed.try_clone().expect("there are descriptors left")).stderr(Stdio::piped());
        Self(command.spawn().expect("there is a shell"))
    }

    /// One that serves this socket.
    fn serve(home: &Home, listener: &UnixListener) -> Self {
        Self::start(
            home,
            &OwnedFd::from(listener.try_clone().expect("there are descriptors left")),
            "1",
            "$$",
        )
    }

    fn end_by(&mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it runs");
        self.0.wait().expect("it is our child");
    }

    /// What it exits with and says when it does not serve.
    fn refusal(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.0.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
        (self.0.wait().expect("it is our child").code(), said)
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A socket where the daemon would bind its own, and a sealed secret for whoever serves it.
fn opened(home: &Home) -> (UnixListener, Airbyte) {
    let airbyte = Airbyte::start();
    let daemon = Daemon::start_cold(home, &airbyte);
    assert_eq!(daemon.stop().code(), Some(0));
    (UnixListener::bind(home.socket()).expect("there is room"), airbyte)
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).expect("it is there").ino()
}

/// A request that is sent, and the connection on which its answer will come.
fn send(home: &Home, call: &Call) -> UnixStream {
    let mut stream = Http::over(&home.socket()).connect().expect("somebody listens");
    stream.write_all(&call.bytes()).expect("there is room in the socket");
    stream
}

fn receive(mut stream: UnixStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer and an end");
    Reply::parse(&bytes).expect("an answer")
}

/// Fault 26: callers come while the daemon is restarted.
#[test]
fn whoever_asks_while_nobody_serves_the_socket_is_answered_by_the_next_who_does() {
    let home = Home::new().with_file_vault();
    let (listener, airbyte) = opened(&home);
    let before = inode(&home.socket());
    let token = || Call::new("GET", "/v1/token?wait=60s");
    let early = send(&home, &token());
    let first = Passed::serve(&home, &listener);
    assert_eq!(receive(early).status, 200, "it had come before anybody served");
    drop(first);
    for signal in [Signal::KILL, Signal::TERM] {
        let mut daemon = Passed::serve(&home, &listener);
        assert_eq!(Http::over(&home.socket()).token(), airbyte.latest_token());
        daemon.end_by(signal);
        assert_eq!(inode(&home.socket()), before, "it is not the daemon's to take away");
        let queued: Vec<_> = (0..20).map(|_| send(&home, &token())).collect();
        let _next = Passed::serve(&home, &listener);
        for stream in queued {
            let reply = receive(stream);
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.json()["access_token"], airbyte.latest_token());
        }
    }
    assert_eq!(inode(&home.socket()), before);
}

/// Fault 26: as `systemd-socket-activate(1)` does it.
#[test]
fn the_first_caller_starts_the_daemon_and_the_socket_outlives_it() {
    let home = Home::new().with_file_vault();
    let (listener, airbyte) = opened(&home);
    drop(listener);
    fs::remove_file(home.socket()).expect("it is ours");
    let mut command = home.command_of(home.person(), Path::new("systemd-socket-activate"));
    pass_on_environment(&mut command);
    command.arg("--listen").arg(home.socket()).arg(Binary::Daemon.path());
    let manager = Process::start(&mut command, b"");
    eventually("it listens", PATIENCE, || home.socket().exists().then_some(()));
    let before = inode(&home.socket());
    assert!(!manager.stderr().to_string().contains("serving"), "the daemon waits for its first caller");
    assert_eq!(Http::over(&home.socket()).token(), airbyte.latest_token());
    assert!(manager.stderr().wait_for("serving").contains(home.socket().to_str().expect("it is text")));
    manager.signal(Signal::TERM);
    assert_eq!(manager.wait().code(), Some(0));
    assert_eq!(inode(&home.socket()), before);
}

/// It hands on only what it is told to.
fn pass_on_environment(command: &mut Command) {
    let variables: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    for (name, value) in variables {
        command.arg(format!("--setenv={name}={value}"));
    }
}

/// Fault 26: the descriptors are for another process.
#[test]
fn descriptors_that_are_for_another_process_are_left_alone() {
    let home = Home::new();
    let elsewhere = home.path().join("elsewhere.sock");
    let listener = UnixListener::bind(&elsewhere).expect("there is room");
    let others = OwnedFd::from(listener.try_clone().expect("there are descriptors left"));
    let _daemon = Passed::start(&home, &others, "1", "1");
    eventually("it binds its own", PATIENCE, || UnixStream::connect(home.socket()).is_ok().then_some(()));
    assert_eq!(Http::over(&home.socket()).get("/readyz").status, 200);
    let caller = UnixStream::connect(&elsewhere).expect("somebody listens");
    listener.set_nonblocking(true).expect("it is a socket");
    let (_accepted, _) = listener.accept().expect("nobody else took the caller");
    drop(caller);
}

/// Fault 26: what is passed is no listening Unix socket, or not one alone.
#[test]
fn what_is_passed_in_place_of_a_listening_socket_is_refused_with_its_reason() {
    let home = Home::new();
    let named = |name: &str| -> PathBuf { home.path().join(name) };
    let file = File::create(named("file")).expect("there is room");
    let (connection, _caller) = UnixStream::pair().expect("there are descriptors left");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let datagram = UnixDatagram::bind(named("datagram")).expect("there is room");
    let one = UnixListener::bind(named("one")).expect("there is room");
    let rows: [(OwnedFd, &str, &str); 5] = [
        (file.into(), "1", "cannot be used"),
        (connection.into(), "1", "set Accept=no"),
        (tcp.into(), "1", "cannot be used"),
        (datagram.into(), "1", "cannot be used"),
        (one.into(), "2", "leave one ListenStream="),
    ];
    for (passed, how_many, reason) in rows {
        let (code, said) = Passed::start(&home, &passed, how_many, "$$").refusal();
        assert_eq!(code, Some(78), "another start would find the same: {said}");
        assert!(said.contains("the socket that systemd passed") && said.contains(reason), "{said}");
    }
    assert!(!home.socket().exists(), "nothing was bound in its place");
}
