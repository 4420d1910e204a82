//! What callers can ask: the router and handlers of a few lines. Nothing here knows how a token is got.

mod accept;
mod body;
mod guard;
mod hall;
mod metrics;
mod profiles;
mod ready;
mod reload;
mod reply;
mod status;
mod timeline;
mod token;
mod turn_away;

pub use accept::{DRAIN, Ending, LARGEST_HEAD, MOST_HEADERS, Pulse, TURN_TIMEOUT, serve, serve_one};
pub use body::BODY_TIMEOUT;
pub use reply::Refusal;
pub use turn_away::turn_waiting_away;

use std::time::Duration;

use airbyte_token_core::ProfileName;
use airbyte_token_local::{ErrorCode, wire::route};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware,
    routing::{MethodRouter, get, post, put},
};

use crate::{
    cache::{ProfileHandle, Shortfall},
    daemon::State,
};

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;
/// How long a caller waits that does not say how long.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// The longest that a caller may wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Every route of the local API, version 1, behind its gate.
pub fn router(state: State) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    router
        .method_not_allowed_fallback(async || {
            Refusal::new(ErrorCode::MethodNotAllowed, "this route has no such method")
        })
        .fallback(async || Refusal::new(ErrorCode::NotFound, "there is no such route"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(guard::gate))
        .with_state(state)
}

/// What there is to ask for, as the committed OpenAPI document describes it.
pub fn routes() -> [(&'static str, MethodRouter<State>); 13] {
    let profile = get(profiles::show).put(profiles::log_in).delete(profiles::log_out);
    [
        (route::TOKEN, get(token::token)),
        (route::READY, get(ready::ready)),
        (route::REFRESH, post(token::refresh)),
        (route::REJECT, post(token::reject)),
        (route::STATUS, get(status::status)),
        (route::TIMELINE, get(timeline::timeline)),
        (route::RELOAD, post(reload::reload)),
        (route::PROFILES, get(profiles::list)),
        ("/v1/profiles/{name}", profile),
        (route::DEFAULT_PROFILE, put(profiles::choose_default)),
        (route::METRICS, get(metrics::metrics)),
        (route::HEALTHZ, get(async || plain("ok"))),
        (route::READYZ, get(async || plain("ready"))),
    ]
}

fn plain(text: &'static str) -> ([(header::HeaderName, HeaderValue); 1], &'static str) {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))], text)
}

/// The profile that is meant, by name or by default, and its handle.
fn find(state: &State, name: Option<ProfileName>) -> Result<(ProfileName, ProfileHandle), Refusal> {
    let name = match name.or_else(|| state.config().default_profile().cloned()) {
        Some(name) => name,
        None if state.config().profiles.is_empty() => {
            let refusal = Refusal::new(ErrorCode::NoProfileChosen, "there is no profile yet");
            return Err(refusal.hint("run `airbyte-token login`"));
        }
        None => {
            return Err(Refusal::new(
                ErrorCode::NoProfileChosen,
                "there are several profiles and no default",
            ));
        }
    };
    match state.cache().get(&name) {
        Some(handle) => Ok((name, handle)),
        None if state.config().profiles.contains_key(&name) => {
            Err(Refusal::shortfall(&Shortfall::Gone, state.now()).of(&name))
        }
        None => Err(no_such(&name)),
    }
}

fn no_such(name: &ProfileName) -> Refusal {
    Refusal::new(ErrorCode::NoSuchProfile, format!("there is no profile `{name}`")).of(name)
}
