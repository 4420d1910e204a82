//! How the daemon and its profiles fare.

use airbyte_token_core::{Moment, Phase, ProfileName, Snapshot};
use airbyte_token_local::wire::{LastError, ProfileState, ProfileStatus, StatusReply};
use axum::extract::State as Shared;

use super::reply::{Json, Refusal};
use crate::{config::Profile, daemon::State};

pub(super) async fn status(Shared(state): Shared<State>) -> Json<StatusReply> {
    let (config, cache, now) = (state.config(), state.cache().all(), state.now());
    let profiles = config.profiles.iter().filter_map(|(name, profile)| {
        let snapshot = cache.get(name)?.snapshot();
        Some(describe(name, profile, &snapshot, now))
    });
    Json(StatusReply {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        default_profile: config.default_profile().cloned(),
        profiles: profiles.collect(),
    })
}

fn describe(name: &ProfileName, profile: &Profile, snapshot: &Snapshot, now: Moment) -> ProfileStatus {
    let alive = snapshot.token.as_ref().filter(|token| token.is_alive(now));
    let seconds_until = |moment: Option<Moment>| moment.map(|moment| moment.rest(now).as_secs());
    ProfileStatus {
        name: name.clone(),
        service: profile.service,
        url: profile.endpoint.base().to_string(),
        client_id: profile.client_id.clone(),
        vault: profile.vault,
        state: state_of(snapshot.phase),
        fingerprint: alive.map(|token| token.fingerprint()),
        expires_in: alive.map(|token| token.remaining(now).as_secs()),
        refresh_in: seconds_until(snapshot.refresh_at),
        retry_in: seconds_until(snapshot.retry_at),
        last_error: snapshot.failure.as_ref().map(|failure| {
            let reply = Refusal::failed(failure).of(name).reply().clone();
            LastError { code: reply.code, message: reply.message, hint: reply.hint }
        }),
        exchanges: snapshot.exchanges,
    }
}

const fn state_of(phase: Phase) -> ProfileState {
    match phase {
        Phase::Idle => ProfileState::Idle,
        Phase::Fresh => ProfileState::Fresh,
        Phase::Refreshing => ProfileState::Refreshing,
        Phase::Degraded => ProfileState::Degraded,
        Phase::Expired => ProfileState::Expired,
        Phase::Blocked => ProfileState::Blocked,
        Phase::VaultTrouble => ProfileState::VaultTrouble,
    }
}
