//! What stands behind the `?` of a request.

use airbyte_token_core::ProfileName;
use serde::Deserialize;

use super::as_text;
use crate::span::Span;

/// Which token, and how long it must live: `GET /v1/token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenQuery {
    /// Whose token; the default profile's where it is missing.
    #[serde(default, with = "as_text::option")]
    pub profile: Option<ProfileName>,
    /// How long the token must still live; any live token will do where it is missing.
    #[serde(default, with = "as_text::option")]
    pub min_ttl: Option<Span>,
    /// How long the caller will wait; the daemon's own limit where it is missing.
    #[serde(default, with = "as_text::option")]
    pub wait: Option<Span>,
}

/// Which token must be there, and how long it must live: `GET /v1/ready`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadyQuery {
    /// Whose token; the default profile's where it is missing.
    #[serde(default, with = "as_text::option")]
    pub profile: Option<ProfileName>,
    /// How long the token must still live; any live token will do where it is missing.
    #[serde(default, with = "as_text::option")]
    pub min_ttl: Option<Span>,
    /// How long the caller will wait; the daemon's own limit where it is missing.
    #[serde(default, with = "as_text::option")]
    pub wait: Option<Span>,
}

/// Which token to renew: `POST /v1/token/refresh`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshQuery {
    /// Whose token; the default profile's where it is missing.
    #[serde(default, with = "as_text::option")]
    pub profile: Option<ProfileName>,
    /// How long the caller will wait; the daemon's own limit where it is missing.
    #[serde(default, with = "as_text::option")]
    pub wait: Option<Span>,
}

/// Whose token was answered with 401: `POST /v1/token/reject`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectQuery {
    /// Whose token; the default profile's where it is missing.
    #[serde(default, with = "as_text::option")]
    pub profile: Option<ProfileName>,
}

/// Which profile to forget: `DELETE /v1/profiles/NAME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutQuery {
    /// Whether to forget the profile also where its vault does not give up the secret, which is then left there.
    #[serde(default)]
    pub force: bool,
}

/// Whose timeline: `GET /v1/timeline`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineQuery {
    /// Whose; the default profile's where it is missing.
    #[serde(default, with = "as_text::option")]
    pub profile: Option<ProfileName>,
}

impl TokenQuery {
    /// The request target with this query.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = Target::new(super::route::TOKEN);
        target.profile(self.profile.as_ref());
        target.span("min_ttl=", self.min_ttl);
        target.span("wait=", self.wait);
        target.0
    }
}

impl ReadyQuery {
    /// The request target with this query.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = Target::new(super::route::READY);
        target.profile(self.profile.as_ref());
        target.span("min_ttl=", self.min_ttl);
        target.span("wait=", self.wait);
        target.0
    }
}

impl RefreshQuery {
    /// The request target with this query.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = Target::new(super::route::REFRESH);
        target.profile(self.profile.as_ref());
        target.span("wait=", self.wait);
        target.0
    }
}

impl TimelineQuery {
    /// The request target with this query.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = Target::new(super::route::TIMELINE);
        target.profile(self.profile.as_ref());
        target.0
    }
}

impl LogoutQuery {
    /// The request target with this query, for this profile.
    #[must_use]
    pub fn target(self, profile: &ProfileName) -> String {
        let mut target = Target::new(&format!("{}/{profile}", super::route::PROFILES));
        if self.force {
            target.pair("force=", "true");
        }
        target.0
    }
}

impl RejectQuery {
    /// The request target with this query.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = Target::new(super::route::REJECT);
        target.profile(self.profile.as_ref());
        target.0
    }
}

/// Neither a profile's name nor a span has a character that a query must escape (RFC 3986 §3.4).
struct Target(String);

impl Target {
    fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    fn profile(&mut self, profile: Option<&ProfileName>) {
        if let Some(profile) = profile {
            self.pair("profile=", profile.as_str());
        }
    }

    fn span(&mut self, key: &str, span: Option<Span>) {
        if let Some(span) = span {
            self.pair(key, &span.to_string());
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(key);
        self.0.push_str(value);
    }
}
