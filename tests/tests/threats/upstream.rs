//! Between the daemon and Airbyte: a server that is hostile, somebody in the middle, an environment that lies.

mod environment;
mod hostile;
mod terminal;
mod tls;

use std::{net::TcpStream, process::Command};

use airbyte_tokend_tests::{Airbyte, Daemon, Ended, Home, Process, Reply};

/// Where the token endpoint of a self-managed Airbyte is.
const ENDPOINT: &str = "/api/v1/applications/token";

/// A program that makes the exchange in the daemon's stead, with these arguments beside what it takes for that.
fn curl(airbyte: &Airbyte, arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--max-time",
        "30",
        "--data-binary",
        "@-",
        "--header",
        "content-type: application/json",
    ]);
    command.args(arguments).arg(format!("{}{ENDPOINT}", airbyte.url()));
    command
}

/// Runs it with what a login sends.
fn exchange(mut command: Command, airbyte: &Airbyte) -> Ended {
    Process::start(&mut command, airbyte.profile("memory").to_string().as_bytes()).wait()
}

/// A daemon with the profile `main` and a token of this Airbyte.
fn warm(home: &Home, airbyte: &Airbyte) -> Daemon {
    let daemon = Daemon::start(home);
    daemon.log_in("main", airbyte, "memory");
    daemon
}

/// Somebody asks for a new token, and gets none.
fn fail_to_refresh(daemon: &Daemon) -> Reply {
    let reply = daemon.http().post("/v1/token/refresh?profile=main&wait=60s");
    assert!(reply.status >= 400, "it was renewed: {}", reply.text());
    reply
}

fn connect(airbyte: &Airbyte) -> TcpStream {
    TcpStream::connect(airbyte.address()).expect("it listens")
}
