//! `login`: what was typed and a secret, handed to the daemon, which proves them before it keeps them.

use std::path;

use airbyte_token_core::{ClientId, ProfileName};
use airbyte_token_local::{
    ErrorCode, ExitStatus,
    client::CallError,
    wire::{ProfileReply, ProfileRequest, ProfilesReply},
};

use super::Daemon;
use crate::{
    args::Login,
    failure::Failure,
    output::{self, shown},
    terminal,
};

/// What a profile is called that nobody named.
const UNNAMED: &str = "default";

pub(super) fn run(login: Login, daemon: &Daemon) -> Result<(), Failure> {
    // Asked first, so that nobody types a secret for a daemon that is not there.
    let ProfilesReply { default_profile, profiles } = daemon.reach()?.profiles()?;
    let name = name(login.profile.clone())?;
    let existing = profiles.into_iter().find(|profile| profile.name == name);
    if let Some(profile) = &existing {
        output::progress(&format!("a new secret for {}", whereabouts(profile, &login)));
    }
    let mut request = request(login, existing)?;
    request.default |= default_profile.is_none();
    output::progress("proving the pair with one exchange ...");
    let outcome = daemon.reach_attended()?.put_profile(&name, &request);
    drop(request);
    let profile = outcome.map_err(explained)?;
    output::text(&format!("logged in: {}\n{}", described(&profile), left_over(&profile)))
}

fn name(profile: Option<ProfileName>) -> Result<ProfileName, Failure> {
    match profile {
        Some(profile) => Ok(profile),
        None => UNNAMED
            .parse()
            .map_err(|error| Failure::new(ExitStatus::Usage, format!("{error}"), "name it with -p")),
    }
}

/// What is about to be replaced, so that nobody types a secret for another Airbyte than they think of.
fn whereabouts(profile: &ProfileReply, login: &Login) -> String {
    let ProfileReply { name, service, url, .. } = profile;
    let moved = if login.service.is_some() { ", which is replaced" } else { "" };
    format!("profile {name} ({service}, {}){moved}", shown(url))
}

fn request(login: Login, existing: Option<ProfileReply>) -> Result<ProfileRequest, Failure> {
    let ca_file = login.ca_file.map(path::absolute).transpose().map_err(|error| {
        Failure::new(
            ExitStatus::Usage,
            format!("the path of --ca-file cannot be used: {error}"),
            "give the whole path",
        )
    })?;
    let kept = existing.filter(|_| login.service.is_none()).map(|profile| profile.client_id);
    let client_id = match login.client_id.or(kept) {
        Some(client_id) => client_id,
        None => ask_client_id()?,
    };
    Ok(ProfileRequest {
        service: login.service,
        url: login.url,
        client_id,
        client_secret: terminal::secret("Client secret (not shown): ")?,
        organization_id: login.organization_id,
        vault: login.vault,
        ca_file,
        proxy: login.proxy,
        default: login.default,
    })
}

fn ask_client_id() -> Result<ClientId, Failure> {
    if !terminal::is_attended() {
        let what = "the client id is missing, and nobody is at the terminal to ask";
        return Err(Failure::new(ExitStatus::Usage, what, "add --client-id ID"));
    }
    let typed = terminal::ask("Client id: ")?;
    typed.parse().map_err(|error| {
        Failure::new(ExitStatus::Usage, format!("{error}"), "copy it from Airbyte's settings")
    })
}

/// A wrong secret and a wrong URL are the two things that go wrong here, and look alike to whoever typed them.
fn explained(error: CallError) -> Failure {
    let prefix = match error.code() {
        Some(ErrorCode::Rejected) => "client id or secret refused, nothing is stored",
        Some(ErrorCode::Misdirected) => "wrong URL or service, nothing is stored",
        Some(_) | None => "nothing is stored",
    };
    Failure::from(error).prefixed(prefix)
}

fn described(profile: &ProfileReply) -> String {
    let ProfileReply { name, service, url, vault, .. } = profile;
    format!("profile {name} ({service}, {}), its secret is kept by: {vault}", shown(url))
}

/// The vault that kept the secret before may have been locked or gone.
fn left_over(profile: &ProfileReply) -> String {
    let say = |vault| format!("the old secret could not be deleted and is still kept by: {vault}\n");
    profile.left_in.map(say).unwrap_or_default()
}
