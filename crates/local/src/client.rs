//! The blocking client: one HTTP/1.1 exchange over whatever reads and writes.
//!
//! The server is taken for hostile until it has shown otherwise: [`connect()`] asks the kernel whose socket it is, every
//! reply has bounds, a token is checked again, and nothing that a reply says is ever followed as a path or a URL.

mod connect;
mod error;
mod reply;
mod request;
mod trust;

pub use connect::{ConnectError, Patience, connect, connect_served_by};
pub use error::CallError;
pub use reply::{BODY_LIMIT, BadReply, HEAD_LIMIT};
pub use trust::Distrust;

use std::io::{Read, Write};

use airbyte_token_core::{AccessToken, ClientName, ProfileName, Secret};
use serde::de::DeserializeOwned;

use crate::shown::{self, shown};
use crate::wire::{
    self, ClientRequest, ClientsReply, DefaultProfileRequest, ErrorReply, LockReply, LogoutQuery,
    NewClientReply, ProfileReply, ProfileRequest, ProfilesReply, ReadyQuery, RefreshQuery, RefreshReply,
    RejectQuery, RejectReply, RejectRequest, StatusReply, TimelineQuery, TimelineReply, TokenQuery,
    TokenReply, route,
};
use reply::{Media, Reply};
use request::{Accept, Method, Request};

/// One exchange with a daemon. Every verb uses it up, since the connection is closed after it.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
}

impl<S: Read + Write> Client<S> {
    /// A client over a stream whose other end is trusted already. Timeouts are the stream's.
    #[must_use]
    pub const fn over(stream: S) -> Self {
        Self { stream }
    }

    /// The token alone: the cheapest call, with no JSON in it unless it fails.
    ///
    /// # Errors
    /// See [`CallError`]; so for every verb.
    pub fn bare_token(self, query: &TokenQuery) -> Result<AccessToken, CallError> {
        let reply = self.call(&Request { accept: Accept::Text, ..Request::get(&query.target()) })?;
        if reply.media() != Media::Text {
            return Err(BadReply::WrongMedia.into());
        }
        let text = reply.text().ok_or(BadReply::WrongMedia)?;
        Ok(AccessToken::parse(Secret::new(text.to_owned()))?)
    }

    /// The token and what is known of it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn token(self, query: &TokenQuery) -> Result<TokenReply, CallError> {
        self.ask(&Request::get(&query.target()))
    }

    /// Waits for a token to be there, and brings its public name alone.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn ready(self, query: &ReadyQuery) -> Result<RefreshReply, CallError> {
        self.ask(&Request::get(&query.target()))
    }

    /// Renews a token now.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn refresh(self, query: &RefreshQuery) -> Result<RefreshReply, CallError> {
        self.ask(&Request::with_method(Method::Post, &query.target()))
    }

    /// Reports a token that was answered with 401.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn reject(self, query: &RejectQuery, token: &RejectRequest) -> Result<RejectReply, CallError> {
        let body = wire::to_json(token).map_err(CallError::Unsayable)?;
        self.ask(&Request { body: Some(&body), ..Request::with_method(Method::Post, &query.target()) })
    }

    /// How every profile fares.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn status(self) -> Result<StatusReply, CallError> {
        self.ask(&Request::get(route::STATUS))
    }

    /// What happened to a profile of late, and what is planned.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn timeline(self, query: &TimelineQuery) -> Result<TimelineReply, CallError> {
        self.ask(&Request::get(&query.target()))
    }

    /// Has the daemon wipe its tokens, and make no exchange until it is unlocked.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn lock(self) -> Result<LockReply, CallError> {
        self.ask(&Request::with_method(Method::Post, route::LOCK))
    }

    /// Has the daemon serve again.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn unlock(self) -> Result<LockReply, CallError> {
        self.ask(&Request::with_method(Method::Post, route::UNLOCK))
    }

    /// Has the daemon read its configuration anew.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn reload(self) -> Result<(), CallError> {
        self.call(&Request::with_method(Method::Post, route::RELOAD)).map(drop)
    }

    /// The profiles.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn profiles(self) -> Result<ProfilesReply, CallError> {
        self.ask(&Request::get(route::PROFILES))
    }

    /// One profile.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn profile(self, name: &ProfileName) -> Result<ProfileReply, CallError> {
        self.ask(&Request::get(&profile_target(name)))
    }

    /// Makes or replaces a profile. The daemon proves the pair with one exchange before it stores it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn put_profile(
        self,
        name: &ProfileName,
        profile: &ProfileRequest,
    ) -> Result<ProfileReply, CallError> {
        let body = wire::to_json(profile).map_err(CallError::Unsayable)?;
        self.ask(&Request { body: Some(&body), ..Request::with_method(Method::Put, &profile_target(name)) })
    }

    /// Forgets a profile, its secret and its local clients.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn delete_profile(self, name: &ProfileName, query: LogoutQuery) -> Result<(), CallError> {
        self.call(&Request::with_method(Method::Delete, &query.target(name))).map(drop)
    }

    /// The local clients.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn clients(self) -> Result<ClientsReply, CallError> {
        self.ask(&Request::get(route::CLIENTS))
    }

    /// Makes a local client, and brings its secret: the daemon tells it this once.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn add_client(self, client: &ClientRequest) -> Result<NewClientReply, CallError> {
        let body = wire::to_json(client).map_err(CallError::Unsayable)?;
        self.ask(&Request { body: Some(&body), ..Request::with_method(Method::Post, route::CLIENTS) })
    }

    /// Has a local client refused from its next request on.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn remove_client(self, name: &ClientName) -> Result<(), CallError> {
        let target = format!("{}/{name}", route::CLIENTS);
        self.call(&Request::with_method(Method::Delete, &target)).map(drop)
    }

    /// Chooses the profile that is meant when none is named.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn choose_default(self, choice: &DefaultProfileRequest) -> Result<(), CallError> {
        let body = wire::to_json(choice).map_err(CallError::Unsayable)?;
        let request =
            Request { body: Some(&body), ..Request::with_method(Method::Put, route::DEFAULT_PROFILE) };
        self.call(&request).map(drop)
    }

    fn ask<T: DeserializeOwned>(self, request: &Request<'_>) -> Result<T, CallError> {
        let reply = self.call(request)?;
        if reply.media() != Media::Json {
            return Err(BadReply::WrongMedia.into());
        }
        Ok(wire::from_json(reply.body())?)
    }

    fn call(mut self, request: &Request<'_>) -> Result<Reply, CallError> {
        let sent = self.stream.write_all(&request.bytes());
        // A daemon that refuses a request may answer and close before it has read all of it: its answer says more than
        // the broken pipe does.
        let reply = reply::read(&mut self.stream).map_err(|bad| match sent {
            Ok(()) => bad.into(),
            Err(unsent) => CallError::Unsent(unsent),
        })?;
        if reply.is_success() { Ok(reply) } else { Err(refusal(&reply)) }
    }
}

fn profile_target(name: &ProfileName) -> String {
    format!("{}/{name}", route::PROFILES)
}

fn refusal(reply: &Reply) -> CallError {
    match wire::from_json::<ErrorReply>(reply.body()) {
        Ok(error) if reply.media() == Media::Json => CallError::Refused(Box::new(fit_for_people(error))),
        Ok(_) | Err(_) => BadReply::UnexplainedStatus(reply.status()).into(),
    }
}

/// The words of a server that may be anybody.
fn fit_for_people(error: ErrorReply) -> ErrorReply {
    let fit = |text: Option<String>| text.map(|text| shown(&text));
    ErrorReply {
        message: shown::lines(&error.message),
        hint: fit(error.hint),
        profile: fit(error.profile),
        retry_at: fit(error.retry_at),
        ..error
    }
}
