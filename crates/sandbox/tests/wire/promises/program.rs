//! The stand-in as a program.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A running program, killed when the test is done with it.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_airbyte-sandbox"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("airbyte-sandbox listening on http://").unwrap().trim().to_owned();
        Self { child, address }
    }

    fn post(&self, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_airbyte-sandbox")).args(arguments).output().unwrap()
}

#[test]
fn it_says_where_it_listens_and_plays_what_the_flags_say() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "from-a-file\n").unwrap();
    let airbyte = Running::start(&[
        "--edition=core",
        "--client-id=me",
        "--client-secret-file",
        secret.to_str().unwrap(),
        "--token-lifetime=3m",
        "--expires-in=-1",
        "--fault=status=503,retry-after=7",
        "--fault=status=429",
    ]);
    let path = "/api/public/v1/applications/token";
    let pair = r#"{"client_id":"me","client_secret":"from-a-file"}"#;
    let struck = airbyte.post(path, pair);
    assert!(struck.starts_with("HTTP/1.1 503 ") && struck.contains("\r\nRetry-After: 7\r\n"));
    assert!(airbyte.post(path, pair).starts_with("HTTP/1.1 429 "));
    assert!(airbyte.post(path, pair).ends_with(r#","token_type":"Bearer","expires_in":-1}"#));
    assert!(airbyte.post(path, r#"{"client_id":"me","client_secret":"x"}"#).starts_with("HTTP/1.1 400 "));
}

#[test]
fn it_ends_well_when_it_is_told_to_stop() {
    let mut airbyte = Running::start(&[]);
    kill_process(Pid::from_child(&airbyte.child), Signal::TERM).unwrap();
    assert!(airbyte.child.wait().unwrap().success());
}

#[test]
fn its_help_shows_examples_editions_and_every_answer() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for shown in
        ["/sandbox/faults", "--fault status=503,retry-after=7,times=2", "keycloak-500", "drip=INTERVAL"]
    {
        assert!(help.contains(shown), "{shown}");
    }
    for canned in airbyte_sandbox::Canned::ALL {
        assert!(help.contains(canned.name()), "{}", canned.name());
    }
}

#[test]
fn what_it_cannot_do_it_says_on_standard_error_only() {
    for (arguments, complaint) in [
        (["--edition", "corr"], "choose one of cloud, core"),
        (["--fault", "status=7"], "expected a status from 200 to 599"),
        (["--client-secret-file", "/nowhere/secret"], "cannot read /nowhere/secret"),
        (["--client-secret-file", "/dev/null"], "holds no client secret"),
        (["--tls-cert", "/dev/null"], "--tls-key"),
        (["--listen", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
    ] {
        let output = run(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(complaint), "{said}");
        assert!(output.stdout.is_empty());
    }
}
