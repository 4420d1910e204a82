//! `client add`, `client list` and `client rm`.

use airbyte_token_core::{ClientName, ProfileName};
use airbyte_token_local::{
    ErrorCode,
    wire::{ClientReply, ClientRequest, ClientsReply, NewClientReply},
};

use super::{
    Daemon,
    table::{Table, lasting},
};
use crate::{
    args::NewClient,
    failure::Failure,
    output::{self, shown},
    terminal::Paint,
};

const NO_CLIENTS: &str = "no local clients yet; `airbyte-token client add NAME` makes one\n";

pub(super) fn add(new: NewClient, json: bool, daemon: &Daemon) -> Result<(), Failure> {
    let NewClient { name, profile, mode, read_only } = new;
    let reply = daemon.reach()?.add_client(&ClientRequest { name, profile, mode, read_only })?;
    let told = fit(&reply).and_then(|()| if json { output::json(&reply) } else { tell(&reply) });
    told.map_err(|failure| take_back(&reply.name, failure, daemon))
}

pub(super) fn list(only: Option<&ProfileName>, json: bool, daemon: &Daemon) -> Result<(), Failure> {
    let mut reply = daemon.reach()?.clients()?;
    if let Some(only) = only {
        reply.clients.retain(|client| client.profile == *only);
    }
    if json { output::json(&reply) } else { output::text(&page(&reply, Paint::for_stdout())) }
}

pub(super) fn remove(name: &ClientName, daemon: &Daemon) -> Result<(), Failure> {
    daemon.reach()?.remove_client(name)?;
    output::text(&format!("removed: local client {name} is refused from now on\n"))
}

fn tell(reply: &NewClientReply) -> Result<(), Failure> {
    output::secret_lines(&[
        ["client id:     ", reply.id.as_str()],
        ["client secret: ", reply.secret.expose()],
        ["This secret is not shown again.", ""],
    ])
}

/// A server that may be anybody must not speak to the terminal through it.
fn fit(reply: &NewClientReply) -> Result<(), Failure> {
    let secret = reply.secret.expose().as_bytes();
    if !secret.is_empty() && secret.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    Err(Failure::of_code(ErrorCode::Unknown, "the daemon's answer makes no sense: that is no secret"))
}

/// Nobody has seen the secret, so nobody is to have the client.
fn take_back(name: &ClientName, failure: Failure, daemon: &Daemon) -> Failure {
    let taken_back = daemon.reach().and_then(|client| Ok(client.remove_client(name)?));
    match taken_back {
        Ok(()) => failure.prefixed(&format!("the local client {name} was not made")),
        Err(_) => failure.with_hint(format!("`airbyte-token client rm {name}`, and add it again")),
    }
}

fn page(reply: &ClientsReply, paint: Paint) -> String {
    let problem = reply.problem.as_deref().map(|problem| refused(problem, paint));
    if reply.clients.is_empty() {
        return problem.unwrap_or_else(|| NO_CLIENTS.to_owned());
    }
    let mut table = Table::new(["CLIENT", "PROFILE", "MODE", "LAST USED", "ID"]);
    for client in &reply.clients {
        table.row([
            client.name.to_string(),
            client.profile.to_string(),
            mode(client),
            client.last_used_ago.map_or_else(|| "never".to_owned(), |ago| lasting(ago) + " ago"),
            client.id.to_string(),
        ]);
    }
    problem.unwrap_or_default() + &table.to_string()
}

fn mode(client: &ClientReply) -> String {
    let read_only = if client.read_only { ", read-only" } else { "" };
    format!("{}{read_only}", client.mode)
}

fn refused(problem: &str, paint: Paint) -> String {
    format!(
        "{} all local clients are refused: {}\n{} {}\n",
        paint.warning("warning:"),
        shown(problem),
        paint.faint("hint:"),
        "put the file in order, or move it away and add the clients anew; then restart the daemon"
    )
}
