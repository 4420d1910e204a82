//! Settings in JSON: what they are, and changes to them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    edition::Edition,
    settings::{BadExpiresIn, ExpiresIn, Settings},
};

/// What can be changed while the stand-in runs; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPatch {
    edition: Option<Edition>,
    client_id: Option<String>,
    client_secret: Option<String>,
    token_lifetime: Option<Value>,
    expires_in: Option<Value>,
    organization_id: Option<String>,
    strict: Option<bool>,
    clock_skew: Option<i64>,
    api_host: Option<String>,
}

/// A change of settings that can be made.
pub(super) struct Patch {
    raw: RawPatch,
    token_lifetime: Option<Duration>,
    expires_in: Option<ExpiresIn>,
}

/// Why a change of settings cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadPatch {
    /// Not JSON, or not with these fields.
    #[error("the settings cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Not a duration.
    #[error("`{0}` is no token_lifetime: say a duration such as \"15m\" or a number of seconds")]
    Lifetime(Value),
    /// Not an `expires_in`.
    #[error(transparent)]
    ExpiresIn(#[from] BadExpiresIn),
}

impl Patch {
    pub(super) fn read(body: &[u8]) -> Result<Self, BadPatch> {
        let raw: RawPatch = serde_json::from_slice(body)?;
        let token_lifetime = raw.token_lifetime.as_ref().map(lifetime).transpose()?;
        let expires_in = raw.expires_in.as_ref().map(|said| plain(said).parse()).transpose()?;
        Ok(Self { raw, token_lifetime, expires_in })
    }

    /// Another edition brings its own lifetime and `expires_in`, unless the change names them too.
    pub(super) fn apply(self, settings: &mut Settings) {
        if let Some(edition) = self.raw.edition {
            settings.edition = edition;
            settings.token_lifetime = edition.token_lifetime();
            settings.expires_in = edition.expires_in();
        }
        replace(&mut settings.token_lifetime, self.token_lifetime);
        replace(&mut settings.expires_in, self.expires_in);
        replace(&mut settings.client_id, self.raw.client_id);
        replace(&mut settings.client_secret, self.raw.client_secret);
        replace(&mut settings.strict, self.raw.strict);
        replace(&mut settings.clock_skew, self.raw.clock_skew);
        replace(&mut settings.api_host, self.raw.api_host);
        if let Some(organization) = self.raw.organization_id {
            settings.organization_id = Some(organization).filter(|id| !id.is_empty());
        }
    }
}

/// The settings as they are, without the secret.
pub(super) fn describe(settings: &Settings) -> Value {
    json!({
        "edition": settings.edition,
        "client_id": settings.client_id,
        "token_lifetime": humantime::format_duration(settings.token_lifetime).to_string(),
        "expires_in": settings.expires_in,
        "organization_id": settings.organization_id,
        "strict": settings.strict,
        "clock_skew": settings.clock_skew,
        "api_host": settings.api_host,
    })
}

fn replace<T>(setting: &mut T, wanted: Option<T>) {
    if let Some(wanted) = wanted {
        *setting = wanted;
    }
}

fn lifetime(value: &Value) -> Result<Duration, BadPatch> {
    let read = match value.as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => value.as_str().and_then(|text| humantime::parse_duration(text).ok()),
    };
    read.ok_or_else(|| BadPatch::Lifetime(value.clone()))
}

/// A text as it is, anything else as its JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
