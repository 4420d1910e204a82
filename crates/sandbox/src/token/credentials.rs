//! Where requests carry the client id and secret.
//!
//! Airbyte wants `client_id` and `client_secret` as JSON or, at the public path, as a form. The grant is
//! spelled `grant-type` and may be left out; `grant_type` is ignored like any unknown field.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::Dialect;
use crate::{edition::Edition, http::Request, settings::Settings};

pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) client_secret: String,
}

/// Why a request holds no credentials.
pub(super) enum Misread {
    /// A content type that this endpoint has no ear for: answered like a path that is not there
    /// (apache/airflow#46542).
    WrongType,
    /// Neither JSON nor a known grant.
    Malformed,
    /// A field is missing.
    Incomplete,
}

pub(super) fn read(request: &Request, dialect: Dialect, settings: &Settings) -> Result<Credentials, Misread> {
    let fields = match request.content_type().as_deref() {
        Some("application/json") => from_json(&request.body)?,
        Some("application/x-www-form-urlencoded") if takes_forms(dialect, settings.edition) => {
            form_urlencoded::parse(&request.body).into_owned().collect()
        }
        Some(_) | None => return Err(Misread::WrongType),
    };
    if fields.get("grant-type").is_some_and(|grant| grant != "client_credentials") {
        return Err(Misread::Malformed);
    }
    let in_body = fields.get("client_id").zip(fields.get("client_secret"));
    match in_body {
        Some((client_id, client_secret)) => {
            Ok(Credentials { client_id: client_id.clone(), client_secret: client_secret.clone() })
        }
        None if settings.strict => Err(Misread::Incomplete),
        None => from_basic(request).ok_or(Misread::Incomplete),
    }
}

fn takes_forms(dialect: Dialect, edition: Edition) -> bool {
    dialect == Dialect::Public && edition != Edition::CoreBare
}

fn from_json(body: &[u8]) -> Result<BTreeMap<String, String>, Misread> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return Err(Misread::Malformed) };
    let texts = object.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    Ok(texts.collect())
}

/// HTTP Basic (RFC 7617), which some OAuth clients use and Airbyte does not read.
fn from_basic(request: &Request) -> Option<Credentials> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    let decoded =
        BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (client_id, client_secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials { client_id: client_id.to_owned(), client_secret: client_secret.to_owned() })
}
