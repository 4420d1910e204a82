//! Loopback HTTP: what a local client gets that shows its own credential, and what everybody else is told, which is
//! always the same.
//!
//! Any user of the machine and any page in a browser reaches a port, and the kernel does not say who it is. So nothing is
//! to be had here that manages or tells anything, and a credential is asked for that no page can send unasked.

use std::sync::Arc;

use airbyte_token_core::ClientName;
use airbyte_token_local::{
    ErrorCode,
    wire::{ClientMode, TokenQuery, route},
};
use axum::{
    extract::{Query, Request, rejection::QueryRejection},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
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

const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD");
/// There is no challenge for `Basic`, although it is understood: browsers would ask their user for a password.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"airbyte-tokend\"");

/// Answers a request that came over loopback and has passed the gate.
pub(super) async fn answer(state: &State, kind: Kind, request: Request, next: Next) -> Response {
    match admit(state, kind, request) {
        Ok(request) => next.run(request).await,
        Err(rebuff) => {
            state.rebuffs().note(rebuff.why(), &rebuff.logged());
            note_rebuff(state, &rebuff.who(), rebuff.told().reply().code);
            rebuff.into_response()
        }
    }
}

/// Notes in the audit log that somebody was sent away; who it was, nobody knows, unless it showed a credential.
pub(super) fn note_rebuff(state: &State, who: &Who, code: ErrorCode) {
    state.audit().note_at(HTTP, who, &Note::of(audit::Verb::Refused).refused(code));
}

/// The order is that of what a stranger may know: which routes there are, before who may use them.
fn admit(state: &State, kind: Kind, mut request: Request) -> Result<Request, Rebuff> {
    is_served(&request)?;
    let client = client_of(state, &request).ok_or(Rebuff::NoCredential)?;
    let Client { name, profile, mode, .. } = client;
    match mode {
        ClientMode::Token => {
            state.clients().note_use(&name, state.now());
            let scope = Arc::new(Scope::narrow([profile], [Verb::Token]));
            request.extensions_mut().insert(Caller::new(kind, scope, Who::Client(name)));
            Ok(request)
        }
        ClientMode::Proxy => Err(Rebuff::NotForTokens(name)),
    }
}

fn is_served(request: &Request) -> Result<(), Rebuff> {
    if request.uri().path() != route::TOKEN {
        return Err(Rebuff::NoRoute);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Rebuff::NoMethod);
    }
    Query::<TokenQuery>::try_from_uri(request.uri()).map(drop).map_err(Rebuff::BadQuery)
}

fn client_of(state: &State, request: &Request) -> Option<Client> {
    match Credential::of(request.headers())? {
        Credential::Bearer(secret) => state.clients().by_bearer(&secret),
        Credential::Pair { id, secret } => state.clients().by_pair(&id, &secret),
    }
}

/// Why a request gets nothing here.
#[derive(Debug)]
enum Rebuff {
    NoRoute,
    NoMethod,
    BadQuery(QueryRejection),
    /// Whichever way it is not good: what is told is the same to the byte.
    NoCredential,
    NotForTokens(ClientName),
}

impl Rebuff {
    const fn why(&self) -> Why {
        match self {
            Self::NoRoute | Self::NoMethod | Self::BadQuery(_) => Why::Route,
            Self::NoCredential => Why::Credential,
            Self::NotForTokens(_) => Why::Scope,
        }
    }

    /// Nothing of what was asked: a tool that is set up wrongly may have put its credential there.
    fn logged(&self) -> String {
        match self {
            Self::NoRoute => "no such route".to_owned(),
            Self::NoMethod => "no such method".to_owned(),
            Self::BadQuery(_) => "no such query".to_owned(),
            Self::NoCredential => "none, or none that is known".to_owned(),
            Self::NotForTokens(name) => format!("{name} is of mode proxy"),
        }
    }

    fn who(&self) -> Who {
        match self {
            Self::NoRoute | Self::NoMethod | Self::BadQuery(_) | Self::NoCredential => Who::Unnamed,
            Self::NotForTokens(name) => Who::Client(name.clone()),
        }
    }

    fn told(&self) -> Refusal {
        match self {
            Self::NoRoute => Refusal::new(ErrorCode::NotFound, "there is no such route on loopback HTTP")
                .hint("everything else is to be had over the Unix socket"),
            Self::NoMethod => Refusal::new(ErrorCode::MethodNotAllowed, "this route has no such method"),
            Self::BadQuery(error) => bad_query(error),
            Self::NoCredential => {
                Refusal::new(ErrorCode::Unauthorized, "a local client's credential is needed here")
            }
            Self::NotForTokens(name) => {
                let message = format!("the local client `{name}` is not for tokens");
                Refusal::new(ErrorCode::NotAllowed, message)
                    .hint("make one that is: `airbyte-token client add NAME --mode token`")
            }
        }
    }
}

impl IntoResponse for Rebuff {
    fn into_response(self) -> Response {
        let header = match self {
            Self::NoMethod => Some((header::ALLOW, METHODS)),
            Self::NoCredential => Some((header::WWW_AUTHENTICATE, CHALLENGE)),
            Self::NoRoute | Self::BadQuery(_) | Self::NotForTokens(_) => None,
        };
        let mut response = self.told().into_response();
        response.headers_mut().extend(header);
        response
    }
}
