//! The commands: each asks the daemon, then has the answer printed.

mod audit;
mod client;
mod explain;
mod lock;
mod login;
mod logout;
mod profiles;
mod refresh;
mod reload;
mod status;
mod table;
mod token;
mod trace;
mod wait;

use std::{os::unix::net::UnixStream, path::PathBuf, time::Duration};

use airbyte_token_local::{
    client::{Client, ConnectError, Patience, connect_served_by},
    paths::{ClientEnv, NoPlace, client_socket},
    span::Span,
    wire::DefaultProfileRequest,
};

use crate::{
    args::{self, Command, Invocation},
    failure::Failure,
    output,
};

/// Does what is meant.
pub(crate) fn run(invocation: Invocation) -> Result<(), Failure> {
    match invocation {
        Invocation::Help(verb) => output::text(&args::page(verb)),
        Invocation::Version => output::text(concat!("airbyte-token ", env!("CARGO_PKG_VERSION"), "\n")),
        Invocation::Run { socket, command } => {
            let env = ClientEnv::of_this_process();
            let socket = client_socket(socket.as_deref(), &env, |path| path.exists());
            obey(command, &Daemon { socket, server: env.server })
        }
    }
}

fn obey(command: Command, daemon: &Daemon) -> Result<(), Failure> {
    match command {
        Command::Login(login) => login::run(login, daemon),
        Command::Logout { profile, force } => logout::run(profile, force, daemon),
        Command::Print { query, json: false } => token::print(query, daemon),
        Command::Print { query, json: true } => token::print_json(query, daemon),
        Command::Header(query) => token::header(query, daemon),
        Command::Status { only, json } => status::run(only.as_ref(), json, daemon),
        Command::Explain { profile, json } => explain::run(profile, json, daemon),
        Command::Wait(args) => wait::run(args, daemon),
        Command::Refresh { profile, wait } => refresh::run(profile, wait, daemon),
        Command::Reload => reload::run(daemon),
        Command::Lock => lock::lock(daemon),
        Command::Unlock => lock::unlock(daemon),
        Command::Profiles { only, json } => profiles::run(only.as_ref(), json, daemon),
        Command::ClientAdd { new, json } => client::add(new, json, daemon),
        Command::ClientList { only, json } => client::list(only.as_ref(), json, daemon),
        Command::ClientRm { name } => client::remove(&name, daemon),
        Command::Audit(args) => audit::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Use { profile } => {
            let done = format!("default profile: {profile}\n");
            daemon.reach()?.choose_default(&DefaultProfileRequest { profile })?;
            output::text(&done)
        }
    }
}

/// Where the daemon is.
struct Daemon {
    /// Nowhere, for a command that does not need it.
    socket: Result<PathBuf, NoPlace>,
    /// Who may serve it beside this user and root.
    server: Option<u32>,
}

impl Daemon {
    /// Longer than the daemon takes to answer anything that no person must attend to.
    const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
    /// Somebody may have to unlock keyrings: the daemon waits a minute for each of three steps, and the exchange comes on
    /// top.
    const ATTENDED_WITHIN: Duration = Duration::from_secs(210);
    /// What an answer may take beyond the time that it was asked to take.
    const GRACE: Duration = Duration::from_secs(5);

    /// A connection, or why there is none; or why it is not known where one would be.
    fn connect(
        &self,
        patience: Patience,
        timeout: Duration,
    ) -> Result<Result<Client<UnixStream>, ConnectError>, Failure> {
        let socket = self.socket.as_ref().map_err(|error| *error)?;
        Ok(connect_served_by(socket, self.server, patience, timeout))
    }

    fn reach(&self) -> Result<Client<UnixStream>, Failure> {
        Ok(self.connect(Patience::None, Self::ANSWERS_WITHIN)??)
    }

    fn reach_attended(&self) -> Result<Client<UnixStream>, Failure> {
        Ok(self.connect(Patience::None, Self::ATTENDED_WITHIN)??)
    }

    /// Whoever says how long to wait also waits for a daemon that is starting.
    fn reach_within(&self, wait: Option<Span>) -> Result<Client<UnixStream>, Failure> {
        match wait {
            Some(wait) => Ok(self.connect(Patience::Starting, wait.length() + Self::GRACE)??),
            None => self.reach(),
        }
    }
}
