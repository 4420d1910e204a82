//! Local clients: tools that were given an id and a secret of their own for the daemon's loopback endpoint.

use std::{fmt, str::FromStr};

use airbyte_token_core::{ClientId, ClientName, ProfileName, Secret};
use serde::{Deserialize, Serialize};

use super::{UnknownName, as_secret, as_text};

/// What a local client may have of its profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientMode {
    /// Airbyte's API through the daemon, and no token that works elsewhere.
    #[default]
    Proxy,
    /// The profile's access token.
    Token,
}

impl ClientMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Proxy, Self::Token];

    /// Its name on the wire, in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Token => "token",
        }
    }
}

impl fmt::Display for ClientMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ClientMode {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|mode| mode.name() == text);
        known.ok_or(UnknownName { what: "a mode", choices: "proxy, token" })
    }
}

/// The body of `POST /v1/clients`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRequest {
    /// What it shall be called.
    #[serde(with = "as_text")]
    pub name: ClientName,
    /// Whose token or API it is to have; the default profile's where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub profile: Option<ProfileName>,
    /// What it may have of it.
    #[serde(default)]
    pub mode: ClientMode,
    /// Whether it may only read. A token is not to be narrowed, so this needs [`ClientMode::Proxy`].
    #[serde(default)]
    pub read_only: bool,
}

/// What is told of a local client. No secret, and no way to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientReply {
    /// Its name.
    #[serde(with = "as_text")]
    pub name: ClientName,
    /// Its id: a random UUID, as those of Airbyte's applications are.
    #[serde(with = "as_text")]
    pub id: ClientId,
    /// Its profile, which may have been taken out of the configuration by hand.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
    /// What it may have of its profile.
    pub mode: ClientMode,
    /// Whether it may only read.
    pub read_only: bool,
    /// When it last came: RFC 3339, UTC. None where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
    /// The same as whole seconds before now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_ago: Option<u64>,
}

/// The answer to `GET /v1/clients`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientsReply {
    /// Every local client, by name.
    pub clients: Vec<ClientReply>,
    /// Why all of them are refused: their file cannot be understood or trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The answer to `POST /v1/clients`: the one reply with the secret of a local client in it.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewClientReply {
    /// Its name.
    #[serde(with = "as_text")]
    pub name: ClientName,
    /// Its id.
    #[serde(with = "as_text")]
    pub id: ClientId,
    /// Its secret, which the daemon does not keep.
    #[serde(with = "as_secret")]
    pub secret: Secret,
    /// Its profile.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
    /// What it may have of its profile.
    pub mode: ClientMode,
    /// Whether it may only read.
    pub read_only: bool,
}
