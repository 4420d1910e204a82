//! `refresh`.

use airbyte_token_core::ProfileName;
use airbyte_token_local::{span::Span, wire::RefreshQuery};

use super::{Daemon, table::lasting};
use crate::{failure::Failure, output};

pub(super) fn run(profile: Option<ProfileName>, wait: Option<Span>, daemon: &Daemon) -> Result<(), Failure> {
    let renewed = daemon.reach_within(wait)?.refresh(&RefreshQuery { profile, wait })?;
    output::text(&format!(
        "renewed: profile {}, token {}, lives {}\n",
        renewed.profile,
        renewed.fingerprint,
        lasting(renewed.expires_in)
    ))
}
