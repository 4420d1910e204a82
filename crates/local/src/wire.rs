//! Every request and reply of the local API, version 1: HTTP/1.1 and JSON.
//!
//! This is the only place where a secret is serialised. Requests with a field that we do not know are refused, since
//! somebody meant something by it; replies may grow fields that an older client passes over.

mod as_secret;
mod as_text;
mod json;
mod local_client;
mod lock;
mod profile;
mod query;
mod status;
mod timeline;
mod token;

pub use json::{BadJson, Trouble, from_json, to_json};
pub use local_client::{ClientMode, ClientReply, ClientRequest, ClientsReply, NewClientReply};
pub use lock::LockReply;
pub use profile::{
    DefaultProfileRequest, ProfileReply, ProfileRequest, ProfilesReply, Service, StoreKind, UnknownName,
};
pub use query::{LogoutQuery, ReadyQuery, RefreshQuery, RejectQuery, TimelineQuery, TokenQuery};
pub use status::{LastError, ProfileStatus, StatusReply};
pub use timeline::{ExchangeResult, Happening, NextExchange, TimelineEvent, TimelineReply};
pub use token::{RefreshReply, RejectReply, RejectRequest, TokenReply, TokenType};

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, ProfileState};

/// Where each thing is asked for.
pub mod route {
    /// `GET`: the token. Takes a [`TokenQuery`](super::TokenQuery).
    pub const TOKEN: &str = "/v1/token";
    /// `GET`: whether there is a token to serve, and waiting for one. Takes a [`ReadyQuery`](super::ReadyQuery).
    pub const READY: &str = "/v1/ready";
    /// `POST`: renew now. Takes a [`RefreshQuery`](super::RefreshQuery).
    pub const REFRESH: &str = "/v1/token/refresh";
    /// `POST`: a token was answered with 401. Takes a [`RejectQuery`](super::RejectQuery) and a
    /// [`RejectRequest`](super::RejectRequest).
    pub const REJECT: &str = "/v1/token/reject";
    /// `GET`: how every profile fares.
    pub const STATUS: &str = "/v1/status";
    /// `GET`: what happened to a profile of late, and what is planned. Takes a
    /// [`TimelineQuery`](super::TimelineQuery).
    pub const TIMELINE: &str = "/v1/timeline";
    /// `POST`: wipe the tokens, and make no exchange until it is unlocked.
    pub const LOCK: &str = "/v1/lock";
    /// `POST`: serve again.
    pub const UNLOCK: &str = "/v1/unlock";
    /// `POST`: read the configuration anew.
    pub const RELOAD: &str = "/v1/reload";
    /// `GET`: the profiles. With `/NAME` behind it: `GET`, `PUT` and `DELETE` of one.
    pub const PROFILES: &str = "/v1/profiles";
    /// `GET`: the local clients; `POST`: makes one of a [`ClientRequest`](super::ClientRequest). With `/NAME` behind it:
    /// `DELETE` of one.
    pub const CLIENTS: &str = "/v1/clients";
    /// `PUT`: which profile is meant when none is named.
    pub const DEFAULT_PROFILE: &str = "/v1/default-profile";
    /// `GET`: how the daemon and its profiles fare, for Prometheus.
    pub const METRICS: &str = "/metrics";
    /// `GET`: the daemon lives.
    pub const HEALTHZ: &str = "/healthz";
    /// `GET`: the daemon serves.
    pub const READYZ: &str = "/readyz";
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people: lower-case, no full stop, no secret, nothing from upstream unsanitised.
    pub message: String,
    /// One thing to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The profile it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How that profile fares, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ProfileState>,
    /// When it is worth another try: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// The same as whole seconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in: Option<u64>,
}

impl ErrorReply {
    /// An error with its code's own remedy as the hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: Some(code.remedy().to_owned()),
            profile: None,
            state: None,
            retry_at: None,
            retry_in: None,
        }
    }
}

#[cfg(test)]
mod tests;
