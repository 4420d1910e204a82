//! `logout`.

use airbyte_token_core::ProfileName;
use airbyte_token_local::{ErrorCode, wire::LogoutQuery};

use super::Daemon;
use crate::{failure::Failure, output};

pub(super) fn run(profile: Option<ProfileName>, force: bool, daemon: &Daemon) -> Result<(), Failure> {
    let profile = match profile {
        Some(profile) => profile,
        None => default_profile(daemon)?,
    };
    daemon.reach_attended()?.delete_profile(&profile, LogoutQuery { force })?;
    output::text(&if force {
        format!(
            "logged out: profile {profile} is forgotten, and so is its secret, unless its vault is out of reach\n"
        )
    } else {
        format!("logged out: profile {profile} and its secret are forgotten\n")
    })
}

fn default_profile(daemon: &Daemon) -> Result<ProfileName, Failure> {
    let default = daemon.reach()?.profiles()?.default_profile;
    default.ok_or_else(|| {
        Failure::of_code(ErrorCode::NoProfileChosen, "no profile is named and there is no default")
    })
}
