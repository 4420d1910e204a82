//! How the daemon and its profiles fare.

use airbyte_token_core::{ClientId, Fingerprint, ProfileName};
use serde::{Deserialize, Serialize};

use super::{Service, StoreKind, as_text};
use crate::ErrorCode;

/// The answer to `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// The daemon's version.
    pub version: String,
    /// The profile that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub default_profile: Option<ProfileName>,
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
    /// How many exchanges were made for it since the daemon started.
    pub exchanges: u64,
}

/// How a profile fares, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileState {
    /// Nobody asks; a token comes on demand.
    Idle,
    /// A live token, and all is well.
    Fresh,
    /// An exchange is in flight.
    Refreshing,
    /// A live token, but the last renewal failed.
    Degraded,
    /// No live token; the next attempt is planned.
    Expired,
    /// Airbyte refuses the credentials: somebody must act.
    Blocked,
    /// The secret cannot be had from where it is kept.
    VaultTrouble,
}

impl ProfileState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Fresh,
        Self::Refreshing,
        Self::Degraded,
        Self::Expired,
        Self::Blocked,
        Self::VaultTrouble,
    ];

    /// Its name on the wire and on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Fresh => "fresh",
            Self::Refreshing => "refreshing",
            Self::Degraded => "degraded",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
            Self::VaultTrouble => "vault-trouble",
        }
    }
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
