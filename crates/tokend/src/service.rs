//! What callers can ask: the router and handlers of a few lines. Nothing here knows how a token is got.

mod accept;
mod body;
mod caller;
mod clients;
mod guard;
mod hall;
mod lock;
mod loopback;
mod metrics;
mod profiles;
mod ready;
mod reload;
mod reply;
mod status;
mod timeline;
mod token;
mod turn_away;

pub use accept::{
    DRAIN, Door, Ending, Key, LARGEST_HEAD, Listener, MOST_HEADERS, Pulse, Rule, TURN_TIMEOUT, serve,
    serve_one,
};
pub use body::BODY_TIMEOUT;
pub use caller::{Caller, Peer, Who};
pub use guard::{Rebuffs, Why};
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
    routing::{MethodRouter, delete, get, post, put},
};

use crate::{
    audit::Audit,
    cache::{ProfileHandle, Shortfall},
    daemon::State,
    door::Verb,
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
    for (path, verb, methods) in routes() {
        router = router.route(path, admitting(verb, state.audit(), methods));
    }
    let routes = router
        .method_not_allowed_fallback(async || {
            Refusal::new(ErrorCode::MethodNotAllowed, "this route has no such method")
        })
        .fallback(async || Refusal::new(ErrorCode::NotFound, "there is no such route"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(state.clone());
    // Around the router and not in it: it would add to the refusal of the gate which methods there are.
    Router::new().fallback_service(routes).layer(middleware::from_fn_with_state(state, guard::gate))
}

/// What there is to ask for, as the committed OpenAPI document describes it, and the verb that a door must allow for it;
/// none where everybody who came in may ask.
pub fn routes() -> Vec<(&'static str, Option<Verb>, MethodRouter<State>)> {
    use Verb::{Manage, Refresh, Status, Token};
    let profile = put(profiles::log_in).delete(profiles::log_out);
    vec![
        (route::TOKEN, Some(Token), get(token::token)),
        (route::READY, Some(Token), get(ready::ready)),
        (route::REFRESH, Some(Refresh), post(token::refresh)),
        (route::REJECT, Some(Refresh), post(token::reject)),
        (route::STATUS, Some(Status), get(status::status)),
        (route::TIMELINE, Some(Status), get(timeline::timeline)),
        (route::METRICS, Some(Status), get(metrics::metrics)),
        (route::PROFILES, Some(Status), get(profiles::list)),
        ("/v1/profiles/{name}", Some(Status), get(profiles::show)),
        ("/v1/profiles/{name}", Some(Manage), profile),
        (route::CLIENTS, Some(Manage), get(clients::list).post(clients::add)),
        ("/v1/clients/{name}", Some(Manage), delete(clients::remove)),
        (route::DEFAULT_PROFILE, Some(Manage), put(profiles::choose_default)),
        (route::RELOAD, Some(Manage), post(reload::reload)),
        (route::LOCK, Some(Manage), post(lock::lock)),
        (route::UNLOCK, Some(Manage), post(lock::unlock)),
        (route::HEALTHZ, None, get(async || plain("ok"))),
        (route::READYZ, None, get(async || plain("ready"))),
    ]
}

fn admitting(verb: Option<Verb>, audit: &Audit, methods: MethodRouter<State>) -> MethodRouter<State> {
    let state = |verb| (verb, audit.clone());
    match verb {
        Some(verb) => methods.route_layer(middleware::from_fn_with_state(state(verb), caller::admit)),
        None => methods,
    }
}

fn plain(text: &'static str) -> ([(header::HeaderName, HeaderValue); 1], &'static str) {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))], text)
}

/// The profile that is meant, by name or by default, and its handle.
fn find(
    state: &State,
    caller: &Caller,
    name: Option<ProfileName>,
) -> Result<(ProfileName, ProfileHandle), Refusal> {
    let (config, scope) = (state.config(), caller.scope());
    // Whoever may not have the default is not told what it is called.
    let default = config.default_profile().filter(|name| scope.holds(name));
    let name = match name.or_else(|| scope.only_profile().or(default).cloned()) {
        Some(name) => name,
        None if config.profiles.is_empty() => {
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
    caller.admit_to(&name)?;
    match state.cache().get(&name) {
        Some(handle) => Ok((name, handle)),
        None if config.profiles.contains_key(&name) => {
            Err(Refusal::shortfall(&Shortfall::Gone, state.now()).of(&name))
        }
        None => Err(no_such(&name)),
    }
}

fn no_such(name: &ProfileName) -> Refusal {
    Refusal::new(ErrorCode::NoSuchProfile, format!("there is no profile `{name}`")).of(name)
}
