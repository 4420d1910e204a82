//! Loopback HTTP: what a local client gets that shows its own credential, and what everybody else is told, which is
//! always the same.
//!
//! Any user of the machine and any page in a browser reaches a port, and the kernel does not say who it is. So nothing is
//! to be had here that manages or tells anything, and a credential is asked for that no page can send unasked.

use std::sync::Arc;

use airbyte_token_core::Detail;
use airbyte_token_local::{
    ErrorCode,
    wire::{ClientMode, TokenQuery, route},
};
use axum::{
    extract::{Query, Request},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{
    Caller, Refusal, Who,
    caller::HTTP,
    guard::{Credential, Why},
    reply::bad_query,
};
use crate::{
    audit::{self, Note},
    clients::Client,
    daemon::State,
    door::{Kind, Scope, Verb},
};

/// There is no challenge for `Basic`, although it is understood: browsers would ask their user for a password.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"airbyte-tokend\"");

/// Answers a request that came over loopback and has passed the gate.
pub(super) async fn answer(state: &State, kind: Kind, request: Request, next: Next) -> Response {
    let asked = Detail::new(&format!("{} {}", request.method(), request.uri().path()));
    match admit(state, kind, request) {
        Ok(request) => next.run(request).await,
        Err((why, response)) => {
            state.rebuffs().note(why, &format!("`{asked}`"));
            note_rebuff(state, response.extensions().get().copied().unwrap_or(ErrorCode::RequestRefused));
            response
        }
    }
}

/// Who it was, nobody knows: only that it came to the port.
pub(super) fn note_rebuff(state: &State, code: ErrorCode) {
    state.audit().note_at(HTTP, &Who::Unnamed, &Note::of(audit::Verb::Refused).refused(code));
}

/// The order is that of what a stranger may know: which routes there are, before who may use them.
fn admit(state: &State, kind: Kind, mut request: Request) -> Result<Request, (Why, Response)> {
    is_served(&request).map_err(|refusal| (Why::Route, refusal.into_response()))?;
    let client = client_of(state, &request).ok_or_else(|| (Why::Credential, unauthorized()))?;
    let caller = caller(state, kind, client).map_err(|refusal| (Why::Scope, refusal.into_response()))?;
    request.extensions_mut().insert(caller);
    Ok(request)
}

fn is_served(request: &Request) -> Result<(), Refusal> {
    if request.uri().path() != route::TOKEN {
        return Err(Refusal::new(ErrorCode::NotFound, "there is no such route on loopback HTTP")
            .hint("everything else is to be had over the Unix socket"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::new(ErrorCode::MethodNotAllowed, "this route has no such method"));
    }
    Query::<TokenQuery>::try_from_uri(request.uri()).map(drop).map_err(|error| bad_query(&error))
}

fn client_of(state: &State, request: &Request) -> Option<Client> {
    match Credential::of(request.headers())? {
        Credential::Bearer(secret) => state.clients().by_bearer(&secret),
        Credential::Pair { id, secret } => state.clients().by_pair(&id, &secret),
    }
}

/// The same for every credential that is not good, to the byte.
fn unauthorized() -> Response {
    let mut response =
        Refusal::new(ErrorCode::Unauthorized, "a local client's credential is needed here").into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
    response
}

fn caller(state: &State, kind: Kind, client: Client) -> Result<Caller, Refusal> {
    match client.mode {
        ClientMode::Token => {
            state.clients().note_use(&client.name, state.now());
            let scope = Scope::narrow([client.profile], [Verb::Token]);
            Ok(Caller::new(kind, Arc::new(scope), Who::Client(client.name)))
        }
        ClientMode::Proxy => {
            let message = format!("the local client `{}` is not for tokens", client.name);
            Err(Refusal::new(ErrorCode::NotAllowed, message)
                .hint("make one that is: `airbyte-token client add NAME --mode token`"))
        }
    }
}
