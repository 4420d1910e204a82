//! The reply to a successful exchange, field by field, so that each can be wrong.

use serde_json::Value;

use super::Dialect;
use crate::{
    edition::Edition,
    fault::{Lie, OddToken},
    http::{Request, Response},
    settings::{ExpiresIn, Settings},
};

const HUGE_TOKEN: usize = 1024 * 1024;

/// Names and JSON values, in order.
type Fields = Vec<(&'static str, String)>;

pub(super) fn success(
    settings: &Settings,
    dialect: Dialect,
    request: &Request,
    token: &str,
    lie: Option<&Lie>,
) -> Response {
    let mut fields = truth(settings, dialect, request, token);
    if let Some(lie) = lie {
        tell(lie, settings, token, &mut fields);
    }
    let fields: Vec<_> = fields.iter().map(|(name, json)| format!(r#""{name}":{json}"#)).collect();
    Response::json(200, format!("{{{}}}", fields.join(","))).with("Cache-Control", "no-store")
}

/// Whether the token itself has to be another for this lie.
pub(super) fn wants_opaque_token(lie: &Lie) -> bool {
    *lie == Lie::AccessToken(OddToken::Opaque)
}

fn truth(settings: &Settings, dialect: Dialect, request: &Request, token: &str) -> Fields {
    let mut fields = vec![("access_token", json(token))];
    let token_type = match dialect {
        Dialect::Internal => return fields,
        Dialect::Public if settings.edition == Edition::CoreBare => return fields,
        Dialect::Public => "Bearer",
        Dialect::Account => "bearer",
    };
    fields.push(("token_type", json(token_type)));
    if let Some(said) = settings.expires_in.json(settings.token_lifetime) {
        fields.push(("expires_in", said));
    }
    if dialect == Dialect::Account {
        let asked = request.header("x-organization-id").or(settings.organization_id.as_deref());
        fields.push(("organization_id", asked.map_or_else(|| "null".to_owned(), json)));
    }
    fields
}

fn tell(lie: &Lie, settings: &Settings, token: &str, fields: &mut Fields) {
    match lie {
        Lie::ExpiresIn(said) => replace(fields, "expires_in", expires_in(said, settings)),
        Lie::AccessToken(odd) => replace(fields, "access_token", odd_token(*odd, token)),
        Lie::TokenType(said) => replace(fields, "token_type", Some(json(said))),
        Lie::DuplicateKeys => {
            let first = [("access_token", json("the-other-token")), ("expires_in", "1".to_owned())];
            fields.splice(..0, first);
        }
    }
}

fn replace(fields: &mut Fields, name: &'static str, value: Option<String>) {
    let place = fields.iter().position(|(known, _)| *known == name);
    match (place, value) {
        (Some(place), Some(value)) => fields[place].1 = value,
        (Some(place), None) => {
            fields.remove(place);
        }
        (None, Some(value)) => fields.push((name, value)),
        (None, None) => {}
    }
}

fn expires_in(said: &ExpiresIn, settings: &Settings) -> Option<String> {
    said.json(settings.token_lifetime)
}

fn odd_token(odd: OddToken, token: &str) -> Option<String> {
    let with = |oddity: &str| {
        let (start, end) = token.split_at(token.len() / 2);
        Some(json(&format!("{start}{oddity}{end}")))
    };
    match odd {
        OddToken::Missing => None,
        OddToken::Empty => Some(json("")),
        OddToken::Null => Some("null".to_owned()),
        OddToken::Number => Some("42".to_owned()),
        OddToken::Crlf => with("\r\nX-Injected: yes\r\n"),
        OddToken::Esc => with("\u{1b}]0;owned\u{7}"),
        OddToken::Nul => with("\0"),
        OddToken::Bidi => with("\u{202e}"),
        OddToken::Huge => with(&"a".repeat(HUGE_TOKEN)),
        OddToken::Opaque => Some(json(token)),
    }
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}
