//! What was typed, made into what is meant. Pure, but for one function that fetches what was typed.

mod flag;
mod help;
mod options;
mod usage_error;
mod verb;

pub(crate) use help::page;
pub(crate) use usage_error::UsageError;
pub(crate) use verb::Verb;

use usage_error::Mistake;

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

use airbyte_token_core::{ClientId, ClientName, Fingerprint, ProfileName};
use airbyte_token_local::{
    span::Span,
    wire::{ClientMode, Service, StoreKind},
};

use options::Options;

/// The variable that names a profile where `-p` does not.
pub(crate) const PROFILE_VARIABLE: &str = "AIRBYTE_PROFILE";

/// The longest that `wait` waits.
pub(crate) const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// What is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// The help of a command, or of all.
    Help(Option<Verb>),
    /// The version.
    Version,
    /// A command, and the socket that was named for it.
    Run { socket: Option<PathBuf>, command: Command },
}

/// A command with all that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Login(Login),
    Logout { profile: Option<ProfileName>, force: bool },
    Print { query: TokenArgs, json: bool },
    Header(TokenArgs),
    Status { only: Option<ProfileName>, json: bool },
    Explain { profile: Option<ProfileName>, json: bool },
    Wait(WaitArgs),
    Refresh { profile: Option<ProfileName>, wait: Option<Span> },
    Reload,
    Lock,
    Unlock,
    Profiles { only: Option<ProfileName>, json: bool },
    Use { profile: ProfileName },
    ClientAdd { new: NewClient, json: bool },
    ClientList { only: Option<ProfileName>, json: bool },
    ClientRm { name: ClientName },
    Audit(AuditArgs),
    Trace(TraceArgs),
}

/// What of the audit log is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuditArgs {
    pub(crate) profile: Option<ProfileName>,
    pub(crate) since: Option<Span>,
    pub(crate) json: bool,
    pub(crate) follow: bool,
    pub(crate) state_dir: Option<PathBuf>,
}

/// Which token is looked for in the audit log; none where it comes from standard input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TraceArgs {
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) json: bool,
    pub(crate) state_dir: Option<PathBuf>,
}

/// Which token is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenArgs {
    pub(crate) profile: Option<ProfileName>,
    pub(crate) min_ttl: Option<Span>,
    pub(crate) wait: Option<Span>,
}

/// What is waited for, and how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WaitArgs {
    pub(crate) profile: Option<ProfileName>,
    pub(crate) min_ttl: Option<Span>,
    pub(crate) timeout: Option<Span>,
}

/// Which local client is to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewClient {
    pub(crate) name: ClientName,
    pub(crate) profile: Option<ProfileName>,
    pub(crate) mode: ClientMode,
    pub(crate) read_only: bool,
}

/// Which profile is to be made. The secret is not among it: it is never typed on a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) profile: Option<ProfileName>,
    /// None where nothing was said of it: a profile that exists keeps what it has.
    pub(crate) service: Option<Service>,
    pub(crate) url: Option<String>,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) organization_id: Option<String>,
    pub(crate) vault: Option<StoreKind>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    pub(crate) default: bool,
}

/// What this process was started with.
pub(crate) fn of_this_process() -> Result<Invocation, UsageError> {
    let profile = env::var_os(PROFILE_VARIABLE).filter(|value| !value.is_empty());
    parse(env::args_os().skip(1), profile)
}

/// What these arguments mean, where [`PROFILE_VARIABLE`] has this value.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    profile_variable: Option<OsString>,
) -> Result<Invocation, UsageError> {
    let (mut options, mut verb) = (Options::default(), None);
    let collected = options.collect(lexopt::Parser::from_args(arguments), &mut verb);
    let meaning = collected.and_then(|()| meaning(options, verb, profile_variable));
    meaning.map_err(|mistake| UsageError { mistake, verb })
}

fn meaning(
    mut options: Options,
    verb: Option<Verb>,
    profile_variable: Option<OsString>,
) -> Result<Invocation, Mistake> {
    if options.help {
        return Ok(Invocation::Help(verb));
    }
    if options.version {
        return Ok(Invocation::Version);
    }
    let verb = verb.ok_or(Mistake::NoCommand)?;
    options.check_against(verb)?;
    let socket = options.socket.take();
    let command = command(verb, options, profile_variable)?;
    Ok(Invocation::Run { socket, command })
}

fn command(verb: Verb, mut options: Options, variable: Option<OsString>) -> Result<Command, Mistake> {
    let named = options.profile.take();
    let chosen = |named: Option<ProfileName>| match named {
        Some(profile) => Ok(Some(profile)),
        None => variable.as_deref().map(profile_of_variable).transpose(),
    };
    Ok(match verb {
        Verb::Login => Command::Login(options.login(chosen(named)?)?),
        Verb::Logout => Command::Logout { profile: chosen(named)?, force: options.force },
        Verb::Print => Command::Print { json: options.json, query: options.token(chosen(named)?) },
        Verb::Header => Command::Header(options.token(chosen(named)?)),
        Verb::Status => Command::Status { only: named, json: options.json },
        Verb::Explain => Command::Explain { profile: chosen(named)?, json: options.json },
        Verb::Wait => Command::Wait(options.waiting(chosen(named)?)),
        Verb::Refresh => Command::Refresh { profile: chosen(named)?, wait: options.wait },
        Verb::Reload => Command::Reload,
        Verb::Lock => Command::Lock,
        Verb::Unlock => Command::Unlock,
        Verb::Profiles => Command::Profiles { only: named, json: options.json },
        Verb::Use => Command::Use { profile: options.name.ok_or(Mistake::NoName)? },
        Verb::Client => return Err(Mistake::NoAction),
        Verb::ClientAdd => {
            Command::ClientAdd { json: options.json, new: options.new_client(chosen(named)?)? }
        }
        Verb::ClientList => Command::ClientList { only: named, json: options.json },
        Verb::ClientRm => Command::ClientRm { name: options.client.ok_or(Mistake::NoClientName(verb))? },
        Verb::Audit => Command::Audit(options.audit(named)),
        Verb::Trace => Command::Trace(options.trace()),
    })
}

fn profile_of_variable(value: &OsStr) -> Result<ProfileName, Mistake> {
    let text = value.to_str().unwrap_or_default();
    text.parse().map_err(|reason| Mistake::BadVariable { variable: PROFILE_VARIABLE, reason })
}

#[cfg(test)]
mod tests;
