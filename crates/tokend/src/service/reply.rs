//! From what went wrong to what the caller is told. Details that only we can use go to the log, not to the caller.

use std::time::Duration;

use airbyte_token_core::{Detail, Failure, Moment, ProfileName, Reason};
use airbyte_token_local::{
    ErrorCode, ProfileState, shown,
    wire::{BadJson, ErrorReply, LastError, to_json},
};
use axum::{
    body::Bytes,
    extract::rejection::QueryRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::cache::{Shortfall, code_of};

/// A JSON body whose buffer is wiped when it has been sent: it may hold a token.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match to_json(&self.0) {
            Ok(text) => ([(header::CONTENT_TYPE, JSON)], Bytes::from_owner(text)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a reply could not be written");
                Refusal::new(ErrorCode::Internal, "the reply could not be written").into_response()
            }
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What whoever wants something of a locked daemon is told.
pub(super) const LOCKED: &str = "the daemon is locked: it holds no token and fetches none";

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub struct Refusal(ErrorReply);

impl Refusal {
    /// Says what went wrong, with the code's own remedy. What others had a part in saying is made fit to be shown.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(ErrorReply::new(code, shown::lines(&message.into())))
    }

    /// Gives a better remedy than the code's own.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says which profile it is about, in the remedy too: a login without a name is for another one.
    #[must_use]
    pub fn of(mut self, profile: &ProfileName) -> Self {
        let named = format!("`airbyte-token login -p {profile}`");
        self.0.hint = self.0.hint.map(|hint| hint.replace("`airbyte-token login`", &named));
        self.0.profile = Some(profile.to_string());
        self
    }

    /// Says how the profile fares.
    #[must_use]
    pub const fn state(mut self, state: ProfileState) -> Self {
        self.0.state = Some(state);
        self
    }

    /// Says when it is worth another try.
    #[must_use]
    pub fn retry(mut self, at: Option<Moment>, now: Moment) -> Self {
        if let Some(at) = at {
            let rest = at.rest(now);
            self.0.retry_in = Some(whole_seconds_up(rest));
            self.0.retry_at = rfc3339(now.after(rest).since_epoch());
        }
        self
    }

    /// Says that another try is not worth waiting for.
    #[must_use]
    pub fn never_retry(mut self) -> Self {
        (self.0.retry_in, self.0.retry_at) = (None, None);
        self
    }

    /// What is said when an exchange failed.
    #[must_use]
    pub fn failed(failure: &Failure) -> Self {
        Self::new(code_of(failure), failure.detail().as_str())
    }

    /// What a caller is told who got less than it asked for.
    #[must_use]
    pub fn shortfall(shortfall: &Shortfall, now: Moment) -> Self {
        match shortfall {
            Shortfall::Failed { reason, retry_at } => match reason {
                Reason::Failure(failure) => Self::failed(failure),
                Reason::Paced => Self::new(ErrorCode::Throttled, said(reason)),
                Reason::Locked => Self::new(ErrorCode::Locked, said(reason)),
                Reason::MinTtl { .. } => Self::new(ErrorCode::MinTtlUnmet, said(reason)),
            }
            .retry(*retry_at, now),
            Shortfall::MinTtlUnmet { remaining, reason, retry_at } => {
                let message = format!("the token lives {} s more: {}", remaining.as_secs(), said(reason));
                Self::new(ErrorCode::MinTtlUnmet, message).retry(*retry_at, now)
            }
            Shortfall::WaitOver => Self::new(ErrorCode::WaitOver, "no token came within the time to wait"),
            Shortfall::Gone => {
                Self::new(ErrorCode::ShuttingDown, "the profile was removed or the daemon is stopping")
            }
        }
    }

    /// The reply itself.
    #[must_use]
    pub const fn reply(&self) -> &ErrorReply {
        &self.0
    }
}

impl From<BadJson> for Refusal {
    fn from(error: BadJson) -> Self {
        Self::new(ErrorCode::BadRequest, format!("the request's body: {error}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, retry_in) = (self.0.code, self.0.retry_in);
        let mut response = (status, Json(self.0)).into_response();
        response.extensions_mut().insert(code);
        if let Some(seconds) = retry_in {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What went wrong with a profile, as those who look on are told.
pub(super) fn last_error(failure: &Failure, profile: &ProfileName) -> LastError {
    let ErrorReply { code, message, hint, .. } = Refusal::failed(failure).of(profile).0;
    LastError { code, message, hint }
}

/// A query has no secrets in it, so what is wrong with it may be said in full.
pub(super) fn bad_query(error: &QueryRejection) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, Detail::new(&error.body_text()).as_str())
}

fn said(reason: &Reason) -> String {
    match reason {
        Reason::Failure(failure) => failure.detail().to_string(),
        Reason::MinTtl { longest } => format!("this Airbyte's tokens live {} s at most", longest.as_secs()),
        Reason::Paced => "Airbyte is not asked again so soon".to_owned(),
        Reason::Locked => LOCKED.to_owned(),
    }
}

/// A try that is made too early fails again: seconds are rounded up.
pub(super) fn whole_seconds_up(rest: Duration) -> u64 {
    rest.as_secs() + u64::from(rest.subsec_nanos() > 0)
}

/// A point in time as it is told to programs, of what has passed since the Unix epoch.
pub(super) fn rfc3339(since_epoch: Duration) -> Option<String> {
    let seconds = i64::try_from(since_epoch.as_secs()).ok()?;
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).ok()
}
