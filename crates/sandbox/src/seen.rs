//! What the stand-in was asked, as a test may see it: names and shapes, never a secret or a token.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::{fault::Scope, http::Request};

/// One request that arrived whole. Requests to the control endpoint are not among them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenRequest {
    /// Its number, from 1, since the start or the last reset.
    pub number: usize,
    /// When it had arrived, as time since 1970.
    #[serde(serialize_with = "seconds")]
    pub at: Duration,
    /// The method as sent.
    pub method: String,
    /// The path as sent, without the query.
    pub path: String,
    /// Whether it was one to the token endpoint, in any spelling.
    pub exchange: bool,
    /// Whether there was a query.
    pub had_query: bool,
    /// The media type as sent, without parameters.
    pub content_type: Option<String>,
    /// The names of the headers as sent, in lower case and in order.
    pub headers: Vec<String>,
    /// The names of the fields in the body, if it was a JSON object or a form.
    pub fields: Vec<String>,
    /// The length of the body in bytes.
    pub body_length: usize,
    /// The value of `X-Organization-Id`.
    pub organization_id: Option<String>,
    /// What kind of bearer it carried.
    pub bearer: Bearer,
    /// Whether the body contained a client secret this stand-in has ever accepted.
    pub body_contained_secret: bool,
    /// Whether the request line or a header did.
    pub head_contained_secret: bool,
    /// The status of the answer; `None` as long as there is none, and if there never was.
    pub status: Option<u16>,
}

/// What stood in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bearer {
    /// No bearer.
    None,
    /// A token from here that is neither expired nor revoked.
    Live,
    /// Any other.
    Dead,
}

impl SeenRequest {
    pub(crate) fn of(
        request: &Request,
        at: Duration,
        asked: Scope,
        bearer: Bearer,
        secrets: &[String],
    ) -> Self {
        let contains_secret = |bytes: &[u8]| secrets.iter().any(|secret| contains(bytes, secret.as_bytes()));
        Self {
            number: 0,
            at,
            method: request.method.clone(),
            path: request.path.clone(),
            exchange: asked == Scope::Token,
            had_query: request.query.is_some(),
            content_type: request.content_type(),
            headers: request.headers.iter().map(|(name, _)| name.clone()).collect(),
            fields: fields(request),
            body_length: request.body.len(),
            organization_id: request.header("x-organization-id").map(str::to_owned),
            bearer,
            body_contained_secret: contains_secret(&request.body),
            head_contained_secret: contains_secret(&request.head),
            status: None,
        }
    }
}

fn seconds<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

fn fields(request: &Request) -> Vec<String> {
    if let Ok(Value::Object(object)) = serde_json::from_slice(&request.body) {
        return object.keys().cloned().collect();
    }
    if request.content_type().as_deref() == Some("application/x-www-form-urlencoded") {
        return form_urlencoded::parse(&request.body).map(|(name, _)| name.into_owned()).collect();
    }
    Vec::new()
}
