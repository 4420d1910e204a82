//! Tokens: handed out, renewed, reported as refused.

use std::{sync::Arc, time::Duration};

use airbyte_token_core::{ProfileName, Token};
use airbyte_token_local::span::Span;
use airbyte_token_local::wire::{
    RefreshQuery, RefreshReply, RejectQuery, RejectReply, RejectRequest, TokenQuery, TokenReply, TokenType,
    from_json,
};
use axum::{
    extract::{Query, State as Shared, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use super::{
    Caller, DEFAULT_WAIT, LONGEST_WAIT,
    body::Body,
    find,
    reply::{Json, Refusal, bad_query},
};
use crate::{
    audit::{Note, Verb},
    cache::{ProfileHandle, Shortfall},
    daemon::State,
};

pub(super) async fn token(
    Shared(state): Shared<State>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let (name, profile) = find(&state, &caller, query.profile)?;
    let min_ttl = query.min_ttl.map_or(Duration::ZERO, Span::length);
    let wait = patience(query.wait);
    let deadline = state.now().after(wait);
    let outcome = profile.token(min_ttl, wait).await;
    let outcome = match successor(&state, &name, &outcome) {
        Some(profile) => profile.token(min_ttl, deadline.rest(state.now())).await,
        None => outcome,
    };
    let token = outcome.map_err(|shortfall| refusal(&state, &name, &shortfall))?;
    state.audit().note(&caller, &Note::of(Verb::Token).profile(&name).token(&token));
    Ok(if wants_text(&headers) {
        bare(&token)
    } else {
        Json(described(&state, name, &token)).into_response()
    })
}

pub(super) async fn refresh(
    Shared(state): Shared<State>,
    caller: Caller,
    query: Result<Query<RefreshQuery>, QueryRejection>,
) -> Result<Json<RefreshReply>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let (name, profile) = find(&state, &caller, query.profile)?;
    let outcome = profile.refresh(patience(query.wait)).await;
    let outcome = outcome.map_err(|shortfall| refusal(&state, &name, &shortfall));
    let note = Note::of(Verb::Refresh).profile(&name).told(&outcome);
    state.audit().note(&caller, &outcome.iter().fold(note, |note, token| note.token(token)));
    let token = outcome?;
    let expires_in = token.remaining(state.now()).as_secs();
    Ok(Json(RefreshReply { profile: name, fingerprint: token.fingerprint(), expires_in }))
}

pub(super) async fn reject(
    Shared(state): Shared<State>,
    caller: Caller,
    query: Result<Query<RejectQuery>, QueryRejection>,
    Body(body): Body,
) -> Result<Json<RejectReply>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let RejectRequest { fingerprint } = from_json(&body)?;
    let (name, profile) = find(&state, &caller, query.profile)?;
    let outcome = profile.reject(fingerprint).await;
    let outcome = outcome.map_err(|shortfall| refusal(&state, &name, &shortfall));
    let note = Note::of(Verb::Reject).profile(&name).fingerprint(fingerprint);
    state.audit().note(&caller, &note.told(&outcome));
    let current = outcome?;
    // A thousand callers may say so at once; the one exchange that it leads to is told of.
    tracing::debug!(profile = %name, %fingerprint, current, "a caller says that Airbyte refused a token");
    Ok(Json(RejectReply { current }))
}

/// A caller that waits while somebody logs in again is served by whoever serves the profile then.
pub(super) fn successor<T>(
    state: &State,
    name: &ProfileName,
    outcome: &Result<T, Shortfall>,
) -> Option<ProfileHandle> {
    let is_gone = matches!(outcome, Err(Shortfall::Gone));
    state.cache().get(name).filter(|_| is_gone)
}

/// How long a caller waits who asked for so much.
pub(super) fn patience(asked: Option<Span>) -> Duration {
    asked.map_or(DEFAULT_WAIT, Span::length).min(LONGEST_WAIT)
}

/// What a caller is told who got less than it asked for.
pub(super) fn refusal(state: &State, profile: &ProfileName, shortfall: &Shortfall) -> Refusal {
    let refusal = Refusal::shortfall(shortfall, state.now()).of(profile);
    match state.cache().get(profile) {
        Some(handle) => refusal.state(handle.state()),
        None => refusal,
    }
}

/// Whether plain text is what the caller names first (RFC 9110 §12.5.1). Who lists several reads JSON too.
fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
}

fn bare(token: &Arc<Token>) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    ([kind], token.access_token().expose().to_owned()).into_response()
}

fn described<'token>(
    state: &State,
    profile: ProfileName,
    token: &'token Token,
) -> TokenReply<&'token airbyte_token_core::AccessToken> {
    TokenReply {
        access_token: token.access_token(),
        token_type: TokenType::Bearer,
        expires_in: token.remaining(state.now()).as_secs(),
        profile,
        fingerprint: token.fingerprint(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &str) -> HeaderMap {
        [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn plain_text_is_for_those_who_name_it_first() {
        for accept in ["text/plain", "Text/Plain", "text/plain;charset=utf-8", "text/plain , */*;q=0.1"] {
            assert!(wants_text(&accepting(accept)), "{accept}");
        }
        for accept in ["", "*/*", "application/json", "application/json, text/plain", "text/plainer"] {
            assert!(!wants_text(&accepting(accept)), "{accept}");
        }
        assert!(!wants_text(&HeaderMap::new()));
    }
}
