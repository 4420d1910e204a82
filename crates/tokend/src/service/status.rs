//! How the daemon and its profiles fare.

use airbyte_token_core::{Moment, ProfileName};
use airbyte_token_local::wire::{ProfileStatus, StatusReply};
use axum::extract::State as Shared;

use super::{
    Caller,
    reply::{Json, last_error},
};
use crate::{cache::ProfileHandle, config::Profile, daemon::State};

pub(super) async fn status(Shared(state): Shared<State>, caller: Caller) -> Json<StatusReply> {
    let (config, cache, now) = (state.config(), state.cache().all(), state.now());
    let profiles = config
        .profiles
        .iter()
        .filter(|(name, _)| caller.scope().holds(name))
        .filter_map(|(name, profile)| Some(describe(name, profile, cache.get(name)?, now)));
    Json(StatusReply {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        default_profile: config.default_profile().filter(|name| caller.scope().holds(name)).cloned(),
        locked: state.is_locked(),
        config_problem: state.config_problem().filter(|_| caller.scope().is_everything()),
        audit_problem: state.audit().problem().filter(|_| caller.scope().is_everything()),
        profiles: profiles.collect(),
    })
}

fn describe(name: &ProfileName, profile: &Profile, handle: &ProfileHandle, now: Moment) -> ProfileStatus {
    let snapshot = handle.snapshot();
    let alive = snapshot.token.as_ref().filter(|token| token.is_alive(now));
    let seconds_until = |moment: Option<Moment>| moment.map(|moment| moment.rest(now).as_secs());
    ProfileStatus {
        name: name.clone(),
        service: profile.service,
        url: profile.endpoint.base().to_string(),
        client_id: profile.client_id.clone(),
        vault: profile.vault,
        state: handle.state(),
        fingerprint: alive.map(|token| token.fingerprint()),
        expires_in: alive.map(|token| token.remaining(now).as_secs()),
        refresh_in: seconds_until(snapshot.refresh_at),
        retry_in: seconds_until(snapshot.retry_at),
        last_error: snapshot.failure.as_ref().map(|failure| last_error(failure, name)),
        clock_skew: handle.history().clock_skew(now),
        exchanges: snapshot.exchanges,
    }
}
