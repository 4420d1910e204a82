//! The shapes that the body of a refusal is known to have.

use serde_json::Value;

use super::super::{headers, receive::Reply};

/// A refusal's body, told by its shape.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// A web page.
    Html,
    /// `{"errorId": "…"}`: Airbyte's handlers since 2.0. Whoever runs the server finds the id in its log.
    ErrorId(String),
    /// Micronaut's own: `{"message", "_links": {"self": {"href"}}, "_embedded": {"errors": [{"message"}]}}`.
    Hal {
        /// The path as Airbyte saw it; empty if it is not said.
        href: String,
        /// The first embedded message, or else the outer one.
        message: String,
    },
    /// Problem details (RFC 9457): `{"type", "title", "status"}`.
    Problem {
        /// The problem's URI.
        kind: String,
        /// Its name for people.
        title: String,
    },
    /// `{"message": "…"}`: Airbyte Agents, Cloud's edge, and Airbyte up to 1.8.
    Message(String),
    /// Anything else.
    Other,
}

impl Body {
    /// Tells the shape of a reply's body.
    pub(super) fn of(reply: &Reply) -> Self {
        if is_html(reply) {
            return Self::Html;
        }
        serde_json::from_slice(&reply.body).map_or(Self::Other, |value| Self::of_json(&value))
    }

    fn of_json(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let message = text("/message");
        if let Some(id) = text("/errorId") {
            return Self::ErrorId(id);
        }
        if value.get("_links").is_some() || value.get("_embedded").is_some() {
            let inner = text("/_embedded/errors/0/message");
            let message = inner.or(message).unwrap_or_default();
            return Self::Hal { href: text("/_links/self/href").unwrap_or_default(), message };
        }
        if let Some(kind) = text("/type") {
            return Self::Problem { kind, title: text("/title").unwrap_or_default() };
        }
        // Airbyte Agents may answer `"message": null` beside its list of errors.
        match message {
            Some(text) => Self::Message(text),
            None if value.get("message").is_some() => Self::Message(String::new()),
            None => Self::Other,
        }
    }
}

fn is_html(reply: &Reply) -> bool {
    let media_type = headers::media_type(&reply.headers);
    media_type.contains("html") || (media_type.is_empty() && reply.body.trim_ascii_start().starts_with(b"<"))
}
