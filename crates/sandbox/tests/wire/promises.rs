//! One room for each kind of promise.

mod api;
mod client;
mod control;
mod exchange;
mod lifecycle;
mod program;
mod refusal;
mod reply;
mod tls;
mod trouble;

/// The id and secret that a stand-in accepts by default, as the body of an exchange.
const PAIR: &str = r#"{"client_id":"sandbox-client-id","client_secret":"sandbox-client-secret"}"#;
/// The same with a wrong secret.
const WRONG_PAIR: &str = r#"{"client_id":"sandbox-client-id","client_secret":"guess"}"#;
const PUBLIC: &str = "/api/public/v1/applications/token";
const INTERNAL: &str = "/api/v1/applications/token";
const CLOUD: &str = "/v1/applications/token";
const AGENTS: &str = "/api/v1/account/applications/token";
