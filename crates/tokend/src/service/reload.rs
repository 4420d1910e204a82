//! Reading the configuration anew, because a caller says so.

use airbyte_token_local::ErrorCode;
use axum::{extract::State as Shared, http::StatusCode};

use super::{Caller, Refusal};
use crate::{
    audit::{Note, Verb},
    daemon::{self, ChangeError, State},
};

pub(super) async fn reload(Shared(state): Shared<State>, caller: Caller) -> Result<StatusCode, Refusal> {
    let outcome = daemon::reload_for_caller(&state).await;
    let outcome = outcome.map_err(|error| caller.spare_details(refusal(&error)));
    state.audit().note(&caller, &Note::of(Verb::Reload).told(&outcome));
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// Every mistake has a line of its own in the message.
fn refusal(error: &ChangeError) -> Refusal {
    match error {
        ChangeError::Edit(_)
        | ChangeError::Endpoint(_)
        | ChangeError::Issuer(_)
        | ChangeError::NoFileVault
        | ChangeError::FileVault(_)
        | ChangeError::Untrusted(_)
        | ChangeError::Policy(_)
        | ChangeError::Port(_)
        | ChangeError::Socket { .. }
        | ChangeError::Descriptors(_)
        | ChangeError::TooMany => Refusal::new(ErrorCode::ConfigInvalid, error.to_string())
            .hint("correct it and reload again; until then the old configuration stays in force"),
        ChangeError::System(_) => Refusal::new(ErrorCode::Busy, error.to_string()),
        ChangeError::NoSuchProfile
        | ChangeError::Clients(_)
        | ChangeError::Failed(_)
        | ChangeError::Locked
        | ChangeError::Paced(_)
        | ChangeError::Internal(_) => {
            tracing::error!(%error, "a reload failed");
            Refusal::new(ErrorCode::Internal, "a fault of the daemon's own")
        }
    }
}
