//! Locking the daemon and unlocking it.

use airbyte_token_local::{ErrorCode, wire::LockReply};
use axum::extract::State as Shared;

use super::{Caller, Refusal, reply::Json};
use crate::{
    audit::{Note, Verb},
    daemon::{Locking, State},
};

/// To the end, even if the caller hangs up in the middle.
pub(super) async fn lock(Shared(state): Shared<State>, caller: Caller) -> Result<Json<LockReply>, Refusal> {
    may_lock(&caller)?;
    let locked = state.clone();
    let locking = tokio::spawn(async move { locked.lock().await }).await;
    state.audit().note(&caller, &Note::of(Verb::Lock));
    Ok(told(&state, locking.ok()))
}

pub(super) async fn unlock(Shared(state): Shared<State>, caller: Caller) -> Result<Json<LockReply>, Refusal> {
    may_lock(&caller)?;
    let locked = state.clone();
    let locking = tokio::spawn(async move { locked.unlock().await }).await;
    state.audit().note(&caller, &Note::of(Verb::Unlock));
    Ok(told(&state, locking.ok()))
}

/// The lock holds for all profiles: whoever may have some of them only may not touch it.
fn may_lock(caller: &Caller) -> Result<(), Refusal> {
    if caller.scope().is_everything() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::NotAllowed, "the lock is for all profiles, and not to be had here"))
}

fn told(state: &State, locking: Option<Locking>) -> Json<LockReply> {
    let (lasting, forgotten) =
        locking.map_or((false, Vec::new()), |locking| (locking.lasting, locking.forgotten));
    let forgotten = forgotten.iter().map(ToString::to_string).collect();
    Json(LockReply { locked: state.is_locked(), lasting, forgotten })
}
