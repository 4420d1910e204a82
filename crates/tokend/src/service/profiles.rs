//! Profiles: listed, made, removed, chosen. A secret comes in here; none goes out.

use airbyte_token_core::{Detail, Failure, Moment, ProfileName, names::BadProfileName};
use airbyte_token_local::{
    ErrorCode,
    wire::{DefaultProfileRequest, LogoutQuery, ProfileReply, ProfileRequest, ProfilesReply, from_json},
};
use axum::{
    extract::{FromRequestParts, Path, Query, State as Shared, rejection::QueryRejection},
    http::{StatusCode, request::Parts},
};

use super::{
    Caller,
    body::Body,
    clients, no_such,
    reply::{Json, Refusal, bad_query},
};
use crate::{
    audit::{Note, Verb},
    config::{EditError, Profile},
    daemon::{ChangeError, LoggedIn, State},
};

pub(super) async fn list(Shared(state): Shared<State>, caller: Caller) -> Json<ProfilesReply> {
    let config = state.config();
    let held = config.profiles.iter().filter(|(name, _)| caller.scope().holds(name));
    let profiles = held.map(|(name, profile)| describe(name, profile)).collect();
    Json(ProfilesReply {
        default_profile: config.default_profile().filter(|name| caller.scope().holds(name)).cloned(),
        profiles,
    })
}

pub(super) async fn show(
    Shared(state): Shared<State>,
    caller: Caller,
    Name(name): Name,
) -> Result<Json<ProfileReply>, Refusal> {
    caller.admit_to(&name)?;
    let config = state.config();
    let profile = config.profiles.get(&name).ok_or_else(|| no_such(&name))?;
    Ok(Json(describe(&name, profile)))
}

pub(super) async fn log_in(
    Shared(state): Shared<State>,
    caller: Caller,
    Name(name): Name,
    Body(body): Body,
) -> Result<Json<ProfileReply>, Refusal> {
    caller.admit_to(&name)?;
    let request: ProfileRequest = from_json(&body)?;
    let outcome = state.log_in(&name, request).await;
    let outcome = outcome.map_err(|error| caller.spare_details(refusal(&name, &error, state.now())));
    state.audit().note(&caller, &Note::of(Verb::Login).profile(&name).told(&outcome));
    let LoggedIn { profile, left_in } = outcome?;
    Ok(Json(ProfileReply { left_in, ..describe(&name, &profile) }))
}

pub(super) async fn log_out(
    Shared(state): Shared<State>,
    caller: Caller,
    Name(name): Name,
    query: Result<Query<LogoutQuery>, QueryRejection>,
) -> Result<StatusCode, Refusal> {
    caller.admit_to(&name)?;
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let outcome = match state.log_out(&name, query).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(ChangeError::Failed(failure)) => Err(not_logged_out(&name, &failure)),
        Err(error) => Err(caller.spare_details(refusal(&name, &error, state.now()))),
    };
    state.audit().note(&caller, &Note::of(Verb::Logout).profile(&name).told(&outcome));
    outcome
}

pub(super) async fn choose_default(
    Shared(state): Shared<State>,
    caller: Caller,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let DefaultProfileRequest { profile } = from_json(&body)?;
    caller.admit_to(&profile)?;
    let outcome = state.choose_default(&profile).await;
    let outcome = outcome.map_err(|error| caller.spare_details(refusal(&profile, &error, state.now())));
    state.audit().note(&caller, &Note::of(Verb::Use).profile(&profile).told(&outcome));
    outcome.map(|()| StatusCode::NO_CONTENT)
}

/// The profile's name that stands in the path.
pub(super) struct Name(ProfileName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let refused = |text: String| Refusal::new(ErrorCode::BadRequest, Detail::new(&text).as_str());
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|error| refused(error.body_text()))?;
        name.parse().map(Self).map_err(|error: BadProfileName| refused(error.to_string()))
    }
}

/// Why a change was not made.
pub(super) fn refusal(name: &ProfileName, error: &ChangeError, now: Moment) -> Refusal {
    match error {
        ChangeError::NoSuchProfile => no_such(name),
        ChangeError::TooMany | ChangeError::Descriptors(_) => {
            Refusal::new(ErrorCode::ConfigInvalid, error.to_string())
        }
        ChangeError::Endpoint(_) => Refusal::new(ErrorCode::BadRequest, error.to_string()),
        ChangeError::Edit(EditError::Write { .. }) => {
            let refusal = Refusal::new(ErrorCode::ConfigInvalid, error.to_string());
            refusal.hint(
                "nothing was changed; see that the file and its directory can be written and that there is room",
            )
        }
        ChangeError::Issuer(_)
        | ChangeError::Edit(_)
        | ChangeError::NoFileVault
        | ChangeError::FileVault(_)
        | ChangeError::Untrusted(_)
        | ChangeError::Policy(_)
        | ChangeError::Port(_)
        | ChangeError::Socket { .. } => Refusal::new(ErrorCode::ConfigInvalid, error.to_string()),
        ChangeError::Clients(error) => clients::refusal(error),
        ChangeError::Failed(failure) => not_logged_in(failure),
        ChangeError::Locked => Refusal::new(ErrorCode::Locked, error.to_string()),
        ChangeError::Paced(retry_at) => {
            Refusal::new(ErrorCode::Throttled, error.to_string()).retry(*retry_at, now)
        }
        ChangeError::System(_) => Refusal::new(ErrorCode::Busy, error.to_string()),
        ChangeError::Internal(source) => {
            tracing::error!(error = %source, "a change failed");
            Refusal::new(ErrorCode::Internal, "a fault of the daemon's own")
        }
    }
    .of(name)
}

/// Nothing goes on in the background for a login: what the codes advise for a profile would be wrong here.
fn not_logged_in(failure: &Failure) -> Refusal {
    let refusal = Refusal::failed(failure);
    match failure {
        Failure::Transient { .. }
        | Failure::Unreached { .. }
        | Failure::Throttled { .. }
        | Failure::Suspect { .. } => {
            refusal.hint("nothing was changed; check the url, and log in again when Airbyte answers")
        }
        Failure::Untrusted { .. } => refusal.hint("nothing was changed; mend that, and log in again"),
        Failure::Rejected { .. } | Failure::Misdirected { .. } | Failure::Vault { .. } => refusal,
    }
}

/// A vault that is gone for good can be left behind.
fn not_logged_out(name: &ProfileName, failure: &Failure) -> Refusal {
    let refusal = Refusal::failed(failure).of(name);
    let remedy = refusal.reply().hint.clone().unwrap_or_default();
    let force = format!("`airbyte-token logout -p {name} --force`");
    refusal.hint(format!("{remedy}; {force} forgets the profile and leaves the secret where it is"))
}

fn describe(name: &ProfileName, profile: &Profile) -> ProfileReply {
    ProfileReply {
        name: name.clone(),
        service: profile.service,
        url: profile.endpoint.base().to_string(),
        client_id: profile.client_id.clone(),
        organization_id: profile.organization_id.clone(),
        vault: profile.vault,
        ca_file: profile.ca_file.clone(),
        proxy: profile.proxy.clone(),
        left_in: None,
    }
}
