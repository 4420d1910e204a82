//! Profiles: what is told of one, and what makes one.

use std::{fmt, path::PathBuf, str::FromStr};

use airbyte_token_core::{ClientId, ProfileName, Secret};
use serde::{Deserialize, Serialize};

use super::{as_secret, as_text};

/// Which Airbyte a profile is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Airbyte Cloud.
    #[default]
    Cloud,
    /// An Airbyte of one's own, at a URL.
    SelfManaged,
    /// Airbyte's agents platform.
    Agents,
}

/// Where a profile's secret is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The operating system's keyring.
    #[default]
    Keyring,
    /// A sealed file.
    File,
    /// The daemon's memory, until it stops.
    Memory,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Cloud, Self::SelfManaged, Self::Agents];

    /// Its name on the wire, in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::SelfManaged => "self-managed",
            Self::Agents => "agents",
        }
    }
}

impl StoreKind {
    /// Every kind of store.
    pub const ALL: [Self; 3] = [Self::Keyring, Self::File, Self::Memory];

    /// Its name on the wire, in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|service| service.name() == text);
        known.ok_or(UnknownName { what: "a service", choices: "cloud, self-managed, agents" })
    }
}

impl FromStr for StoreKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|store| store.name() == text);
        known.ok_or(UnknownName { what: "a vault", choices: "keyring, file, memory" })
    }
}

/// A name that none of ours has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {what}; choose one of {choices}")]
pub struct UnknownName {
    pub(super) what: &'static str,
    pub(super) choices: &'static str,
}

/// What is told of a profile. No secret, and no way to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileReply {
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
    /// The organisation that tokens are asked for, where the service knows organisations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Where the secret is kept.
    pub vault: StoreKind,
    /// A file of certificate authorities to trust besides the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// A proxy to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// After a login alone: the vault that kept the secret before and still does, because it could not be told to
    /// forget it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_in: Option<StoreKind>,
}

/// The answer to `GET /v1/profiles`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilesReply {
    /// The profile that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    pub default_profile: Option<ProfileName>,
    /// Every profile.
    pub profiles: Vec<ProfileReply>,
}

/// The body of `PUT /v1/profiles/NAME`: makes or replaces a profile. The one request that carries a secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// Which Airbyte it is for. Where it is missing, a profile that exists keeps its service, and its address,
    /// organisation, certificates and proxy where they are missing too; a new one is for Airbyte Cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Its address, where the service has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The application's id.
    #[serde(with = "as_text")]
    pub client_id: ClientId,
    /// The application's secret.
    #[serde(with = "as_secret")]
    pub client_secret: Secret,
    /// The organisation to ask tokens for, where the service knows organisations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Where to keep the secret; where the profile keeps it already, or the keyring, if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<StoreKind>,
    /// A file of certificate authorities to trust besides the built-in ones: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// A proxy to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether to make it the profile that is meant when none is named.
    #[serde(default)]
    pub default: bool,
}

/// The body of `PUT /v1/default-profile`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultProfileRequest {
    /// The profile that shall be meant when none is named.
    #[serde(with = "as_text")]
    pub profile: ProfileName,
}
