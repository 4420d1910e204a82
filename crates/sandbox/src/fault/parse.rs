//! Faults from text: `status=503,retry-after=7,times=2`, and the same pairs as a JSON object.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use serde_json::Value;

use super::{Canned, Fault, Lie, OddToken, Reply, RetryAfter, Scope, Times, Trouble, UnknownAnswer, Wire};
use crate::settings::BadExpiresIn;

const TROUBLES: [&str; 18] = [
    "answer",
    "deep-json",
    "drip",
    "duplicate-keys",
    "endless-body",
    "endless-headers",
    "expires-in",
    "gzip-bomb",
    "half-close",
    "hang",
    "redirect",
    "reset",
    "reset-mid-body",
    "reset-on-accept",
    "status",
    "token",
    "token-type",
    "torn-body",
];

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// It says how often or when, not what.
    #[error("a fault needs one of {}, or a delay", TROUBLES.join(", "))]
    NoTrouble,
    /// It says two things at once.
    #[error("a fault is one thing, not both `{0}` and `{1}`: write two faults")]
    TwoTroubles(String, String),
    /// A word that means nothing here.
    #[error("`{0}` means nothing in this fault")]
    UnknownKey(String),
    /// A value that does not fit its word.
    #[error("`{key}={value}` does not fit: expected {expected}")]
    BadValue {
        /// The word.
        key: &'static str,
        /// What was said.
        value: String,
        /// What can be said.
        expected: &'static str,
    },
    /// An answer that nobody has seen.
    #[error(transparent)]
    Answer(#[from] UnknownAnswer),
    /// An `expires_in` that would not be JSON.
    #[error(transparent)]
    ExpiresIn(#[from] BadExpiresIn),
    /// The JSON is not an object of plain values.
    #[error("a fault in JSON is an object whose values are texts, numbers or true")]
    NotPlain,
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let pairs = text.split(',').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Pairs::new(pairs.map(|(key, value)| (key, value.trim().to_owned()))).fault()
    }
}

impl TryFrom<&Value> for Fault {
    type Error = BadFault;

    fn try_from(json: &Value) -> Result<Self, BadFault> {
        let object = json.as_object().ok_or(BadFault::NotPlain)?;
        let pairs: Result<Vec<_>, BadFault> =
            object.iter().map(|(key, value)| Ok((key.as_str(), plain(value)?))).collect();
        Pairs::new(pairs?.into_iter()).fault()
    }
}

fn plain(value: &Value) -> Result<String, BadFault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(true) => Ok(String::new()),
        Value::Null | Value::Bool(false) | Value::Array(_) | Value::Object(_) => Err(BadFault::NotPlain),
    }
}

/// What was said, by word; words are taken out as they are understood.
struct Pairs(BTreeMap<String, String>);

impl Pairs {
    fn new<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> Self {
        Self(pairs.map(|(key, value)| (key.trim().replace('_', "-"), value)).collect())
    }

    fn fault(mut self) -> Result<Fault, BadFault> {
        let trouble = self.trouble()?;
        let fault = Fault {
            delay: self.parse("delay", "a duration such as 2s", duration)?.unwrap_or_default(),
            retry_after: self.0.remove("retry-after").map(retry_after),
            times: self.parse("times", "a number or forever", times)?.unwrap_or(Times::Count(1)),
            probability: self.parse("probability", "a number from 0 to 1", probability)?.unwrap_or(1.0),
            on: self.parse("on", "token, api or any", scope)?.unwrap_or(Scope::Token),
            trouble,
        };
        match self.0.pop_first() {
            Some((key, _)) => Err(BadFault::UnknownKey(key)),
            None if fault.trouble == Trouble::Late && fault.delay.is_zero() => Err(BadFault::NoTrouble),
            None => Ok(fault),
        }
    }

    fn trouble(&mut self) -> Result<Trouble, BadFault> {
        let mut named = TROUBLES.into_iter().filter(|name| self.0.contains_key(*name));
        match (named.next(), named.next()) {
            (Some(first), Some(second)) => Err(BadFault::TwoTroubles(first.to_owned(), second.to_owned())),
            (Some(name), None) => self.named(name),
            (None, _) => {
                self.0.remove("late");
                Ok(Trouble::Late)
            }
        }
    }

    fn named(&mut self, name: &'static str) -> Result<Trouble, BadFault> {
        let value = self.0.remove(name).unwrap_or_default();
        let misfit = |expected| BadFault::BadValue { key: name, value: value.clone(), expected };
        Ok(match name {
            "answer" => Trouble::Reply(Reply::Canned(value.parse::<Canned>()?)),
            "status" => Trouble::Reply(Reply::Status {
                code: status(&value, 200..=599).ok_or_else(|| misfit("a status from 200 to 599"))?,
                content: self.content(),
            }),
            "redirect" => Trouble::Reply(Reply::Redirect {
                code: status(&value, 300..=399).ok_or_else(|| misfit("a status from 300 to 399"))?,
                to: self.0.remove("to").ok_or_else(|| misfit("an address beside it, to=https://…"))?,
            }),
            "expires-in" => Trouble::Lie(Lie::ExpiresIn(value.parse()?)),
            "token" => Trouble::Lie(Lie::AccessToken(
                OddToken::ALL.into_iter().find(|odd| odd.name() == value).ok_or_else(|| {
                    misfit("missing, empty, null, number, crlf, esc, nul, bidi, huge or opaque")
                })?,
            )),
            "token-type" => Trouble::Lie(Lie::TokenType(value)),
            "drip" => {
                Trouble::Wire(Wire::Drip(duration(&value).ok_or_else(|| misfit("an interval such as 1s"))?))
            }
            valueless if value.is_empty() => simple(valueless).ok_or(BadFault::NoTrouble)?,
            _ => return Err(misfit("no value")),
        })
    }

    fn content(&mut self) -> Option<(String, String)> {
        let content_type = self.0.remove("content-type");
        let body = self.0.remove("body");
        (content_type.is_some() || body.is_some()).then(|| {
            (content_type.unwrap_or_else(|| "application/json".to_owned()), body.unwrap_or_default())
        })
    }

    fn parse<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, BadFault> {
        let Some(value) = self.0.remove(key) else { return Ok(None) };
        read(&value).map(Some).ok_or(BadFault::BadValue { key, value, expected })
    }
}

/// The troubles that take no value.
fn simple(name: &str) -> Option<Trouble> {
    Some(match name {
        "deep-json" => Trouble::Reply(Reply::DeepJson),
        "gzip-bomb" => Trouble::Reply(Reply::GzipBomb),
        "duplicate-keys" => Trouble::Lie(Lie::DuplicateKeys),
        "hang" => Trouble::Wire(Wire::Hang),
        "reset" => Trouble::Wire(Wire::Reset),
        "reset-on-accept" => Trouble::Wire(Wire::ResetOnAccept),
        "reset-mid-body" => Trouble::Wire(Wire::ResetMidBody),
        "half-close" => Trouble::Wire(Wire::HalfClose),
        "torn-body" => Trouble::Wire(Wire::TornBody),
        "endless-headers" => Trouble::Wire(Wire::EndlessHeaders),
        "endless-body" => Trouble::Wire(Wire::EndlessBody),
        _ => return None,
    })
}

fn status(text: &str, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
    text.parse().ok().filter(|code| range.contains(code))
}

fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok()
}

fn retry_after(text: String) -> RetryAfter {
    let shift = text.strip_prefix("date").and_then(|rest| rest.trim_end_matches('s').parse().ok());
    shift.map_or(RetryAfter::Text(text), RetryAfter::Date)
}

fn times(text: &str) -> Option<Times> {
    if text == "forever" { Some(Times::Forever) } else { text.parse().ok().map(Times::Count) }
}

fn probability(text: &str) -> Option<f64> {
    text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance))
}

fn scope(text: &str) -> Option<Scope> {
    [Scope::Token, Scope::Api, Scope::Any].into_iter().find(|scope| scope.name() == text)
}

#[cfg(test)]
mod tests;
