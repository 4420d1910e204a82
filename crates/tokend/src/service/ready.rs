//! Whether a profile can serve: for whoever starts something that needs a token, and hands none out.

use std::time::Duration;

use airbyte_token_core::ProfileName;
use airbyte_token_local::{
    span::Span,
    wire::{ReadyQuery, RefreshReply},
};
use axum::extract::{Query, State as Shared, rejection::QueryRejection};

use super::{
    Caller, find,
    reply::{Json, Refusal, bad_query},
    token::{patience, refusal, successor},
};
use crate::{cache::Shortfall, daemon::State};

pub(super) async fn ready(
    Shared(state): Shared<State>,
    caller: Caller,
    query: Result<Query<ReadyQuery>, QueryRejection>,
) -> Result<Json<RefreshReply>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let (name, profile) = find(&state, &caller, query.profile)?;
    let min_ttl = query.min_ttl.map_or(Duration::ZERO, Span::length);
    let wait = patience(query.wait);
    let deadline = state.now().after(wait);
    let outcome = profile.ready(min_ttl, wait).await;
    let outcome = match successor(&state, &name, &outcome) {
        Some(profile) => profile.ready(min_ttl, deadline.rest(state.now())).await,
        None => outcome,
    };
    let token = outcome.map_err(|shortfall| unready(&state, &name, &shortfall))?;
    let expires_in = token.remaining(state.now()).as_secs();
    Ok(Json(RefreshReply { profile: name, fingerprint: token.fingerprint(), expires_in }))
}

/// Here a time for another try is told where waiting may help, and only there.
fn unready(state: &State, name: &ProfileName, shortfall: &Shortfall) -> Refusal {
    let refusal = refusal(state, name, shortfall);
    match state.cache().get(name).is_some_and(|profile| profile.may_pass(shortfall)) {
        true if refusal.reply().retry_in.is_none() => refusal.retry(Some(state.now()), state.now()),
        true => refusal,
        false => refusal.never_retry(),
    }
}
