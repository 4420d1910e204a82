//! A daemon that holds a token of a stand-in Airbyte, and the floor under it, both at rest.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    place::{Place, Running},
    programs::Programs,
    trouble::{Trouble, While as _},
};

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) daemon: Running,
    pub(crate) floor: Running,
    pub(crate) floor_socket: PathBuf,
    /// How long the token is, in bytes.
    pub(crate) token_length: usize,
    _sandbox: Running,
}

impl Scene {
    pub(crate) fn set(place: &Place, programs: &Programs) -> Result<Self, Trouble> {
        let (sandbox, url) = start_sandbox(place, programs)?;
        let (daemon, _) = place.start(place.command(&programs.daemon))?;
        log_in(place, programs, &url)?;
        let token_length = print(place.command(&programs.client))?.len();
        let floor_socket = place.path("floor.sock");
        let (floor, _) = place.start(floor_server(place, programs, &floor_socket, token_length))?;
        Ok(Self { daemon, floor, floor_socket, token_length, _sandbox: sandbox })
    }
}

/// The floor under the daemon, with a reply of this size.
pub(crate) fn floor_server(place: &Place, programs: &Programs, socket: &Path, body: usize) -> Command {
    let mut command = place.command(&programs.bench);
    command.arg("floor-server").arg(socket).arg(body.to_string());
    command
}

/// What a client prints, without the line's end.
pub(crate) fn print(mut client: Command) -> Result<String, Trouble> {
    let name = client.get_program().to_string_lossy().into_owned();
    let ended = client.arg("print").output().when(format!("start {name}"))?;
    let text = String::from_utf8_lossy(&ended.stdout);
    match text.strip_suffix('\n') {
        Some(token) if ended.status.success() => Ok(token.to_owned()),
        Some(_) | None => {
            let said = String::from_utf8_lossy(&ended.stderr);
            Err(Trouble::program(&name, format!("printed no token ({}): {said}", ended.status)))
        }
    }
}

/// Its tokens live long enough that none is renewed while something is measured.
fn start_sandbox(place: &Place, programs: &Programs) -> Result<(Running, String), Trouble> {
    let mut command = place.command(&programs.sandbox);
    command.args(["--edition", "keycloak", "--token-lifetime", "2h"]).stdout(Stdio::piped());
    let mut running = Running(command.spawn().when("start airbyte-sandbox")?);
    let mut line = String::new();
    if let Some(out) = running.0.stdout.take() {
        BufReader::new(out).read_line(&mut line).when("read what airbyte-sandbox says")?;
    }
    let url = line.trim_end().rsplit_once(" listening on ").map(|(_, url)| url.to_owned());
    let url = url.ok_or_else(|| Trouble::program("airbyte-sandbox", "did not say where it listens"))?;
    Ok((running, url))
}

fn log_in(place: &Place, programs: &Programs, url: &str) -> Result<(), Trouble> {
    let mut command = place.command(&programs.client);
    command.args(["login", "--vault", "memory", "--client-id", "sandbox-client-id", "--url", url]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = command.spawn().when("start airbyte-token login")?;
    if let Some(mut input) = running.stdin.take() {
        input.write_all(b"sandbox-client-secret").when("hand airbyte-token login the secret")?;
    }
    let ended = running.wait_with_output().when("wait for airbyte-token login")?;
    if ended.status.success() {
        return Ok(());
    }
    Err(Trouble::program("airbyte-token login", String::from_utf8_lossy(&ended.stderr)))
}
