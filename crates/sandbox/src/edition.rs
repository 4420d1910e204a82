//! The Airbytes that can be played, and how they differ.
//!
//! What each answers was read from airbytehq/airbyte-platform (tags v0.63.7 to v2.0.0 and later) and from
//! public threads; where neither says, the doc comment does.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::settings::ExpiresIn;

/// Which Airbyte to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
    /// `api.airbyte.com` and `cloud.airbyte.com` on one host: Keycloak tokens; wrong credentials are 401 with
    /// an `errorId`.
    Cloud,
    /// Self-managed, from 1.6: tokens signed by the server (HS256); wrong credentials are 400
    /// (airbytehq/airbyte#65592).
    Core,
    /// Self-managed 0.63.9 to 1.5: tokens live 24 h while replies say 180 seconds.
    #[serde(rename = "core-180")]
    Core180,
    /// Self-managed 0.63.7 and 0.63.8: replies hold the token and nothing else, and requests are JSON only.
    CoreBare,
    /// Self-managed with Keycloak, after April 2026: wrong credentials are 401 with an `errorId`.
    Keycloak,
    /// Self-managed with Keycloak, v2.0.0 until then: wrong credentials are 500 with an `errorId`. Also what
    /// an Enterprise with generic OIDC answers to this day.
    #[serde(rename = "keycloak-500")]
    Keycloak500,
    /// Self-managed with Keycloak up to v1.8: wrong credentials are 500 with a Java exception.
    KeycloakException,
    /// Airbyte Agents, `api.airbyte.ai`. Its status for wrong credentials is not documented; 400 here.
    Agents,
}

/// How a family of editions makes its tokens and words its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Signed by the server itself, HS256.
    Core,
    /// Issued by Keycloak, RS256.
    Keycloak,
    /// Signed by the Agents service, HS256.
    Agents,
}

impl Edition {
    /// Every edition.
    pub const ALL: [Self; 8] = [
        Self::Cloud,
        Self::Core,
        Self::Core180,
        Self::CoreBare,
        Self::Keycloak,
        Self::Keycloak500,
        Self::KeycloakException,
        Self::Agents,
    ];

    /// The name on the command line and in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Core => "core",
            Self::Core180 => "core-180",
            Self::CoreBare => "core-bare",
            Self::Keycloak => "keycloak",
            Self::Keycloak500 => "keycloak-500",
            Self::KeycloakException => "keycloak-exception",
            Self::Agents => "agents",
        }
    }

    /// How long its tokens live unless an operator chose otherwise.
    #[must_use]
    pub fn token_lifetime(self) -> Duration {
        match self {
            Self::Core180 | Self::CoreBare => Duration::from_secs(24 * 60 * 60),
            Self::Cloud
            | Self::Core
            | Self::Keycloak
            | Self::Keycloak500
            | Self::KeycloakException
            | Self::Agents => Duration::from_secs(15 * 60),
        }
    }

    /// What its replies say about that lifetime.
    #[must_use]
    pub fn expires_in(self) -> ExpiresIn {
        match self {
            Self::Core180 => ExpiresIn::Json("180".to_owned()),
            Self::CoreBare => ExpiresIn::Missing,
            Self::Cloud
            | Self::Core
            | Self::Keycloak
            | Self::Keycloak500
            | Self::KeycloakException
            | Self::Agents => ExpiresIn::Truthful,
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Core | Self::Core180 | Self::CoreBare => Family::Core,
            Self::Cloud | Self::Keycloak | Self::Keycloak500 | Self::KeycloakException => Family::Keycloak,
            Self::Agents => Family::Agents,
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An edition that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no edition `{0}`: choose one of {known}", known = Edition::ALL.map(Edition::name).join(", "))]
pub struct UnknownEdition(String);

impl FromStr for Edition {
    type Err = UnknownEdition;

    fn from_str(text: &str) -> Result<Self, UnknownEdition> {
        Self::ALL
            .into_iter()
            .find(|edition| edition.name() == text)
            .ok_or_else(|| UnknownEdition(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Edition;

    #[test]
    fn an_edition_is_spelled_the_same_in_flags_and_in_json() {
        for edition in Edition::ALL {
            assert_eq!(edition.name().parse(), Ok(edition));
            assert_eq!(serde_json::to_string(&edition).unwrap(), format!("\"{edition}\""));
        }
    }

    #[test]
    fn an_unknown_edition_is_answered_with_the_known_ones() {
        let complaint = "corr".parse::<Edition>().unwrap_err().to_string();
        assert!(complaint.contains("`corr`") && complaint.contains("core, core-180"));
    }
}
