//! A second reader of a token reply's body, which shares no code with the first but the JSON library.

use std::{fmt, sync::LazyLock};

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One body for every reason that a 200 can have to bring no token.
pub(super) static EXAMPLES: LazyLock<[String; 12]> = LazyLock::new(|| {
    let too_long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(8_193));
    [
        "",
        "{}",
        r#"{"access_token":1}"#,
        r#"{"access_token":"short"}"#,
        r#"{"access_token":"twenty characters and spaces"}"#,
        &too_long,
        r#"{"access_token":1,"access_token":1}"#,
        r#"{"token_type":1,"token_type":1}"#,
        r#"{"expires_in":1,"expires_in":1}"#,
        r#"{"token_type":"mac"}"#,
        r#"{"access_token":"opaque-opaque-opaque","expires_in":0}"#,
        "<",
    ]
    .map(str::to_owned)
});

/// What the body says at its top level, in its order.
pub(super) struct Said(Vec<(String, Box<RawValue>)>);

impl Said {
    /// None where the body is not one whole JSON object. In a field that nobody reads, any bytes may stand.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let mut json = serde_json::Deserializer::from_str(&text);
        let said = json.deserialize_map(Entries).ok()?;
        json.end().ok()?;
        Some(Self(said))
    }

    /// Whether each of the three fields that count is there at most once.
    pub(super) fn is_unambiguous(&self) -> bool {
        let count = |name| self.0.iter().filter(|(key, _)| key == name).count();
        ["access_token", "token_type", "expires_in"].into_iter().all(|name| count(name) <= 1)
    }

    pub(super) fn access_token(&self) -> Option<String> {
        serde_json::from_str(self.raw("access_token")?).ok()
    }

    /// RFC 6749 §7.1; Airbyte's internal path does not say it.
    pub(super) fn is_bearer(&self) -> bool {
        let is_bearer = |raw| {
            serde_json::from_str(raw)
                .is_ok_and(|text: Option<String>| text.is_none_or(|text| text.eq_ignore_ascii_case("bearer")))
        };
        self.raw("token_type").is_none_or(is_bearer)
    }

    /// Only where it is plainly a number.
    pub(super) fn expires_in(&self) -> Option<f64> {
        serde_json::from_str(self.raw("expires_in")?).ok()
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, raw)| raw.get())
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
