//! What happened to a profile of late, and what is planned.

use airbyte_token_core::{
    Fingerprint, ProfileName,
    refresher::{Hold, Why},
};
use serde::{Deserialize, Serialize};

use super::{LastError, as_text};
use crate::{ErrorCode, ProfileState};

/// The answer to `GET /v1/timeline`. All lengths of time are whole seconds unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineReply {
    /// Whose it is.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
    /// What time it is now, by this machine's wall clock and in its time zone: RFC 3339.
    pub now: String,
    /// How it fares now, in a word.
    pub state: ProfileState,
    /// The public name of the token in hand.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub fingerprint: Option<Fingerprint>,
    /// How long that token still lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// What went wrong last, while it still matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// What happened, oldest first: the last fifty, of this run of the daemon.
    pub events: Vec<TimelineEvent>,
    /// The exchange that begins next if nothing else happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextExchange>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEvent {
    /// When, by this machine's wall clock of then and in its time zone: RFC 3339.
    pub at: String,
    /// How long ago, the time that the machine slept included.
    pub ago: u64,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// The daemon began to serve the profile.
    Started {
        /// What an earlier run left that still matters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remembered: Option<LastError>,
    },
    /// The profile or its secret was changed.
    Changed,
    /// Somebody logged in; the one exchange that proved the pair brought a token.
    LoggedIn {
        /// The token's public name.
        #[serde(with = "as_text")]
        fingerprint: Fingerprint,
        /// How long it lives.
        lifetime: u64,
    },
    /// Somebody locked the daemon.
    Locked,
    /// Somebody unlocked it.
    Unlocked,
    /// Somebody set this machine's clock, or the machine was paused.
    ClockSet {
        /// By how many seconds it was moved ahead, or back if negative.
        seconds: i64,
    },
    /// An exchange was begun.
    Exchange {
        /// For what reason.
        #[serde(with = "as_text")]
        why: Why,
        /// What came of it; nothing yet, where it is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ExchangeResult>,
    },
}

/// What came of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ExchangeResult {
    /// A token.
    Token {
        /// Its public name.
        #[serde(with = "as_text")]
        fingerprint: Fingerprint,
        /// How long it lives.
        lifetime: u64,
        /// How long the exchange took, in milliseconds.
        took_ms: u64,
    },
    /// None.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        message: String,
        /// How long the exchange took, in milliseconds.
        took_ms: u64,
    },
}

/// The exchange that begins next if nothing else happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextExchange {
    /// In how many seconds.
    #[serde(rename = "in")]
    pub within: u64,
    /// For what reason.
    #[serde(with = "as_text")]
    pub why: Why,
    /// What holds it up until then, if it is wanted sooner.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub held_by: Option<Hold>,
}
