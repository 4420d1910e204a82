//! How the stand-in behaves when nothing is broken: which Airbyte it plays, for whom, and for how long.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Fault, edition::Edition};

/// The client id that a stand-in accepts when it was told no other.
pub const DEFAULT_CLIENT_ID: &str = "sandbox-client-id";

/// The client secret that a stand-in accepts when it was told no other. It opens nothing real.
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-client-secret";

/// Everything that can be chosen about a stand-in. `Default` plays Cloud on a free loopback port, with
/// [`DEFAULT_CLIENT_ID`], [`DEFAULT_CLIENT_SECRET`] and tokens of 15 minutes.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen. Port 0 takes a free one. Fixed once started.
    pub listen: SocketAddr,
    /// A certificate, to speak https instead of http. Fixed once started.
    pub tls: Option<Tls>,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
    /// Which Airbyte to play.
    pub edition: Edition,
    /// The one client id that may exchange.
    pub client_id: String,
    /// The one client secret that may exchange.
    pub client_secret: String,
    /// How long issued tokens live, in whole seconds: what their `exp` says and what the API goes by.
    pub token_lifetime: Duration,
    /// What replies say about that lifetime.
    pub expires_in: ExpiresIn,
    /// The organisation of this application. Airbyte Agents names it in its replies and refuses an
    /// `X-Organization-Id` that is another; the other editions list it under `/organizations`.
    pub organization_id: Option<String>,
    /// Whether to refuse what the edition would refuse: the path spellings of other editions, and HTTP
    /// Basic. Without it every spelling works in every edition.
    pub strict: bool,
    /// How far this server's clock is off, in seconds: shifts `Date`, `exp` and `iat` alike.
    pub clock_skew: i64,
    /// The start of the absolute `next` and `previous` links in lists. Airbyte's own default is an address
    /// inside its cluster, so it is hardly ever the host that was asked.
    pub api_host: String,
}

impl Settings {
    /// What this edition does by default: its own token lifetime and its own `expires_in`.
    #[must_use]
    pub fn of(edition: Edition) -> Self {
        Self {
            edition,
            token_lifetime: edition.token_lifetime(),
            expires_in: edition.expires_in(),
            ..Self::default()
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            faults: Vec::new(),
            edition: Edition::Cloud,
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            token_lifetime: Edition::Cloud.token_lifetime(),
            expires_in: Edition::Cloud.expires_in(),
            organization_id: None,
            strict: false,
            clock_skew: 0,
            api_host: "http://localhost:8001/api/public".to_owned(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("listen", &self.listen)
            .field("edition", &self.edition)
            .field("client_id", &self.client_id)
            .field("token_lifetime", &self.token_lifetime)
            .field("expires_in", &self.expires_in)
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}

/// A server certificate and its key, both PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificate chain, the server's own certificate first.
    pub certificate_pem: String,
    /// The private key (PKCS #8, PKCS #1 or SEC 1).
    pub key_pem: String,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// What a reply says in `expires_in`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExpiresIn {
    /// The token's real lifetime in seconds.
    Truthful,
    /// No such field.
    Missing,
    /// This JSON text, as it stands: `900`, `"900"`, `-1`, `1e400`, `null`.
    Json(String),
}

impl ExpiresIn {
    /// What is written for a token that lives this long; `None` leaves the field out.
    pub(crate) fn json(&self, lifetime: Duration) -> Option<String> {
        match self {
            Self::Truthful => Some(lifetime.as_secs().to_string()),
            Self::Missing => None,
            Self::Json(text) => Some(text.clone()),
        }
    }
}

impl fmt::Display for ExpiresIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Truthful => "truthful",
            Self::Missing => "missing",
            Self::Json(text) => text,
        })
    }
}

/// An `expires_in` that would not be JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be an expires_in: say `truthful`, `missing`, or a JSON value such as 900, \"900\", -1 or 1e400"
)]
pub struct BadExpiresIn(String);

impl FromStr for ExpiresIn {
    type Err = BadExpiresIn;

    fn from_str(text: &str) -> Result<Self, BadExpiresIn> {
        match text {
            "truthful" => Ok(Self::Truthful),
            "missing" => Ok(Self::Missing),
            json if serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok() => {
                Ok(Self::Json(json.to_owned()))
            }
            other => Err(BadExpiresIn(other.to_owned())),
        }
    }
}

impl TryFrom<String> for ExpiresIn {
    type Error = BadExpiresIn;

    fn try_from(text: String) -> Result<Self, BadExpiresIn> {
        text.parse()
    }
}

impl From<ExpiresIn> for String {
    fn from(said: ExpiresIn) -> Self {
        said.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpiresIn, Settings};

    #[test]
    fn an_expires_in_may_be_any_json_but_nothing_else() {
        for json in ["900", "\"900\"", "-1", "1e400", "null", "[]", "9.5"] {
            assert_eq!(json.parse(), Ok(ExpiresIn::Json(json.to_owned())));
        }
        for broken in ["", "NaN", "900,", "soon"] {
            broken.parse::<ExpiresIn>().unwrap_err();
        }
    }

    #[test]
    fn settings_in_a_log_do_not_show_the_secret() {
        let settings = Settings { client_secret: "not-for-logs".to_owned(), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("not-for-logs"));
        assert!(format!("{settings:?}").contains(&settings.client_id));
    }
}
