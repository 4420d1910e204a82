//! `profiles`.

use airbyte_token_core::ProfileName;
use airbyte_token_local::wire::ProfilesReply;

use super::{
    Daemon,
    table::{NO_PROFILES, Table, no_such_profile, starred},
};
use crate::{failure::Failure, output};

pub(super) fn run(only: Option<&ProfileName>, json: bool, daemon: &Daemon) -> Result<(), Failure> {
    let mut reply = daemon.reach()?.profiles()?;
    if let Some(only) = only {
        reply.profiles.retain(|profile| profile.name == *only);
        if reply.profiles.is_empty() {
            return Err(no_such_profile(only));
        }
    }
    if json { output::json(&reply) } else { output::text(&page(&reply)) }
}

fn page(reply: &ProfilesReply) -> String {
    if reply.profiles.is_empty() {
        return NO_PROFILES.to_owned();
    }
    let mut table = Table::new(["  PROFILE", "SERVICE", "URL", "CLIENT ID", "VAULT"]);
    for profile in &reply.profiles {
        table.row([
            starred(&profile.name, reply.default_profile.as_ref()),
            profile.service.to_string(),
            profile.url.clone(),
            profile.client_id.to_string(),
            profile.vault.to_string(),
        ]);
    }
    table.to_string()
}
