//! How the daemon and its profiles fare.

use airbyte_token_core::{ClientId, Fingerprint, ProfileName};
use serde::{Deserialize, Serialize};

use super::{Service, StoreKind, as_text};
use crate::{ErrorCode, ProfileState};

/// The answer to `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// The daemon's version.
    pub version: String,
    /// The profile that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub default_profile: Option<ProfileName>,
    /// Whether somebody locked the daemon.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    /// Why the configuration was not read anew when the daemon was last told to: the old one is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_problem: Option<String>,
    /// What is wrong with the audit log: a disk that does not take it, or somebody who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_problem: Option<String>,
    /// Every profile.
    pub profiles: Vec<ProfileStatus>,
}

/// How one profile fares. All times are whole seconds from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileStatus {
    /// Its name.
    #[serde(with = "as_text")]
    pub name: ProfileName,
    /// Which Airbyte it is for.
    pub service: Service,
    /// The address of that Airbyte.
    pub url: String,
    /// The application's id.
    #[serde(with = "as_text")]
    pub client_id: ClientId,
    /// Where the secret is kept.
    pub vault: StoreKind,
    /// How it fares, in a word.
    pub state: ProfileState,
    /// The public name of the token in hand.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub fingerprint: Option<Fingerprint>,
    /// How long that token still lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// When it will be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_in: Option<u64>,
    /// When the next attempt is due after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in: Option<u64>,
    /// What went wrong last, while it still matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// By how many seconds this machine's clock was ahead of Airbyte's (behind, if negative) when Airbyte last
    /// answered. Only a second's precision: that is what its `Date` has (RFC 9110 §6.6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew: Option<i64>,
    /// How many exchanges were made for it since the daemon started.
    pub exchanges: u64,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// One thing to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
