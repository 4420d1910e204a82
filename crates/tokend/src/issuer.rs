//! The room that talks to Airbyte: one request, one reply, one table that says what the reply means.
//!
//! A client secret enters here as an argument of [`Issuer::exchange`] and leaves only as the body of one request to
//! the [`Endpoint`] of its profile. Whatever comes back is hostile input: it is read within bounds, checked to the
//! letter, and never shown whole. No clock, no retry and no cache is in here: when to ask again is for the rules.
//!
//! What an exchange does not do: follow a redirect (307 and 308 would carry the secret on), look for a proxy in the
//! environment, decompress, speak anything but HTTP/1.1, send an `Authorization` header (Airbyte's rate limit is per
//! authenticated user), or try another path (Airbyte logs the body of a request to a path it does not know).

mod classify;
mod client;
mod endpoint;
mod fields;
mod headers;
mod jwt;
mod quote;
mod receive;
mod reply;
mod request;
mod roots;
mod service;
mod tls;
mod transport;

pub use client::{BadProxy, BuildIssuerError, Deadlines};
pub use endpoint::{BadEndpoint, Endpoint};
pub use receive::Reply;
pub use roots::{BadCaFile, BadRoots};
pub use service::Service;

use std::{path::PathBuf, time::Duration};

use airbyte_token_core::{ClientId, Failure, Issued, Origin, Secret};
use hyper::body::Bytes;
use reqwest::{
    Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};

use self::{client::Caller, quote::Quoter, receive::ReceiveError, transport::Route};

/// Where and how a profile's exchanges are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where they go.
    pub endpoint: Endpoint,
    /// What `X-Organization-Id` says, for Airbyte Agents; another one brings another token.
    pub organization_id: Option<String>,
    /// A PEM file of certificate authorities to trust beside the system's. It is read when the issuer is built, and
    /// again after a server was not trusted.
    pub ca_file: Option<PathBuf>,
    /// The proxy to go through, `http://HOST:PORT` or `https://HOST:PORT`. It sees which host is asked for, and no
    /// more: only an `https` target may have one.
    pub proxy: Option<String>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Answered {
    /// The token, or why there is none.
    pub outcome: Result<Issued, Failure>,
    /// What time the server said it was, since the Unix epoch (`Date`, RFC 9110 §6.6.1: whole seconds).
    pub server_time: Option<Duration>,
}

/// Makes exchanges for one profile, one request each.
#[derive(Debug)]
pub struct Issuer {
    caller: Caller,
    endpoint: Endpoint,
    organization_id: Option<HeaderValue>,
    route: Route,
}

impl Issuer {
    /// An issuer with the daemon's own deadlines. Reads the system's certificates and the target's from disk, unless
    /// the target is plain http to this machine.
    ///
    /// # Errors
    /// When the target cannot be used as it is; each reason has its own words and remedy.
    pub fn build(target: Target) -> Result<Self, BuildIssuerError> {
        Self::with_deadlines(target, Deadlines::default())
    }

    /// An issuer that gives up sooner or later than the daemon does.
    ///
    /// # Errors
    /// As for [`Issuer::build`].
    pub fn with_deadlines(target: Target, deadlines: Deadlines) -> Result<Self, BuildIssuerError> {
        let caller = Caller::new(&target, deadlines)?;
        let route = Route::new(target.endpoint.origin(), target.proxy.is_some(), deadlines);
        let organization_id = target.organization_id.as_deref().map(client::organization_id).transpose()?;
        Ok(Self { caller, endpoint: target.endpoint, organization_id, route })
    }

    /// Scheme, host and port that the secret is sent to: what a stored secret must have been stored for.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        self.endpoint.origin()
    }

    /// Exchanges a client id and its secret for an access token, and notes what time the server said it was.
    ///
    /// All else is as with [`Issuer::exchange`].
    pub async fn ask(&self, client_id: &ClientId, secret: Secret) -> Answered {
        let reply = match self.request(client_id, &secret).await {
            Ok(reply) => reply,
            Err(failure) => return Answered { outcome: Err(failure), server_time: None },
        };
        let outcome = judge(&reply, &self.endpoint, &secret);
        Answered { outcome, server_time: headers::server_time(&reply.headers) }
    }

    /// Exchanges a client id and its secret for an access token: one request, never repeated.
    ///
    /// The secret is wiped when the reply has been read, or when the future is dropped.
    ///
    /// # Errors
    /// What a caller must tell apart, with a line for people that holds neither the secret nor any token. Never
    /// [`Failure::Vault`].
    pub async fn exchange(&self, client_id: &ClientId, secret: Secret) -> Result<Issued, Failure> {
        self.ask(client_id, secret).await.outcome
    }

    async fn request(&self, client_id: &ClientId, secret: &Secret) -> Result<Reply, Failure> {
        let response =
            self.send(request::body(client_id, secret)).await.map_err(|error| self.failure(&error))?;
        Reply::receive(response).await.map_err(|error| self.failure(&error))
    }

    async fn send(&self, body: Bytes) -> Result<Response, ReceiveError> {
        let json = HeaderValue::from_static("application/json");
        let client = self.caller.client().await;
        let mut request = client
            .post(self.endpoint.token_url().clone())
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .body(body);
        if let Some(id) = &self.organization_id {
            request = request.header("x-organization-id", id);
        }
        Ok(request.send().await?)
    }

    fn failure(&self, error: &ReceiveError) -> Failure {
        let unread = transport::is_distrust(error).then(|| self.caller.doubt()).flatten();
        unread.map_or_else(|| self.route.failure(error), |unread| transport::unread(&unread))
    }
}

/// What a reply from the endpoint means, where this secret was sent to it. Looks at nothing else: the same reply means
/// the same at any time.
///
/// # Errors
/// Why the reply brings no token, as for [`Issuer::exchange`].
pub fn judge(reply: &Reply, endpoint: &Endpoint, secret: &Secret) -> Result<Issued, Failure> {
    reply::judge(reply, endpoint.token_url(), Quoter::without(secret))
}
