//! A stand-in Airbyte for tests and CI.
//!
//! It plays the token endpoint in every path and dialect, an API that takes only a live bearer, and, on
//! request, everything that can go wrong on the way: statuses, delays, resets, torn bodies, redirects, HTML,
//! lying `expires_in`. It stands alone: it knows nothing of the daemon, nor the daemon of it.
//!
//! As a program, see `airbyte-sandbox --help`. In a test:
//!
//! ```
//! use airbyte_sandbox::{Fault, Sandbox, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let airbyte = Sandbox::start(Settings::default());
//! airbyte.add_fault(Fault::status(503).retry_after("7").times(2));
//! let token_url = format!("{}/v1/applications/token", airbyte.url());
//! // … let the code under test fetch a token from there …
//! # drop(token_url);
//! assert_eq!(airbyte.exchanges(), 0);
//! # }
//! ```

mod answers;
mod api;
mod clock;
mod connection;
mod control;
mod deliver;
mod dice;
mod edition;
mod fault;
mod gzip;
mod http;
mod route;
mod sandbox;
mod seen;
mod settings;
mod state;
mod stream;
mod tls;
mod token;

pub use self::{
    edition::{Edition, UnknownEdition},
    fault::{
        BadFault, Canned, Fault, Lie, OddToken, Reply, RetryAfter, Scope, Times, Trouble, UnknownAnswer, Wire,
    },
    sandbox::{Sandbox, StartError},
    seen::{Bearer, SeenRequest},
    settings::{BadExpiresIn, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, ExpiresIn, Settings, Tls},
    state::Counts,
    tls::TlsError,
};
