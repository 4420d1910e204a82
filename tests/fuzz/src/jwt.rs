//! The times in a token that is a JWT: what it says of itself may shorten its life and never lengthens it.
//!
//! The bytes are three: a line with the reply's `expires_in` as it stands in the JSON (an empty one leaves it out), a line
//! with its `Date` (the same), and the token's payload before it is encoded.

use std::time::Duration;

use airbyte_token_core::{Failure, Secret};
use airbyte_tokend::issuer::{Endpoint, Reply, Service, judge};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::header::{DATE, HeaderMap, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    broken::{Broken, ensure, insist},
    waits,
    watched::SECRET,
};

/// A longer one makes no token.
const LONGEST_PAYLOAD: usize = 6_000;
/// Lives are counted in whole milliseconds, rounded down; the second count here may round the other way.
const ROUNDING: f64 = 0.001;
/// Beyond this, two readers of a number need not agree on its thousandths.
const EXACT: f64 = 1e12;
const DAY: f64 = 86_400.0;

/// How long a token lives, or that its reply is refused.
pub type Life = Result<Duration, Failure>;

/// Judges a reply with the token that the bytes stand for, and looks at its life.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    insist(&verdict(bytes, |reply| {
        let endpoint = Endpoint::new(Service::Cloud, None).expect("the service has an endpoint");
        judge(reply, &endpoint, &Secret::new(SECRET.to_owned())).map(|issued| issued.lifetime)
    }));
}

/// What is to be said of a judge that gives this token this life.
///
/// # Errors
/// Which promise it breaks:
/// - no panic; a life is 1 ms to a day;
/// - an `expires_in` of a minute or more is never exceeded, and none is lengthened by the token's own words;
/// - a shorter one is exceeded only where the token plainly says ten times as much (minutes, sent for seconds), and then
///   by no more than it says;
/// - what says of itself that it is dead is refused, and a payload that says nothing changes nothing.
pub fn verdict(bytes: &[u8], judge: impl Fn(&Reply) -> Life) -> Result<(), Broken> {
    let Some(said) = Said::read(bytes) else { return Ok(()) };
    let with_claims = judge(&said.reply(&said.jwt())).ok();
    let without = judge(&said.reply("an-opaque-token-of-the-fuzzers")).ok();
    for life in [&with_claims, &without].into_iter().flatten() {
        ensure!(
            (Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(life),
            "a life of {life:?}"
        );
    }
    let (life, without) =
        (with_claims.map(|life| life.as_secs_f64()), without.map(|life| life.as_secs_f64()));
    match said.seconds() {
        Some(seconds) if seconds >= 60.0 => {
            ensure!(life <= without, "{life:?} s with claims, {without:?} s without");
            ensure!(life.is_none_or(|life| life <= seconds), "{life:?} s where expires_in is {seconds} s");
        }
        Some(seconds) if seconds > 0.0 => {
            let most = match said.own() {
                Some(own) if own + ROUNDING >= seconds * 10.0 => own,
                None if !said.is_silent() => DAY,
                Some(_) | None => seconds,
            };
            ensure!(life.is_none_or(|life| life <= most + ROUNDING), "{life:?} s, and {most} s at most");
        }
        Some(seconds) => ensure!(life.is_none(), "alive for {life:?} s where expires_in is {seconds} s"),
        None => {}
    }
    match said.own() {
        Some(own) if own <= 0.0 => ensure!(life.is_none(), "alive for {life:?} s, and dead for {own} s"),
        Some(own) => {
            ensure!(life.is_none_or(|life| life <= own + ROUNDING), "{life:?} s of a token for {own} s");
        }
        None if said.is_silent() => ensure!(life == without, "{life:?} s for no reason, not {without:?} s"),
        None => {}
    }
    Ok(())
}

/// What the bytes stand for.
struct Said<'a> {
    expires_in: &'a str,
    date: Option<HeaderValue>,
    payload: &'a [u8],
}

impl<'a> Said<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = bytes.splitn(3, |&byte| byte == b'\n');
        let expires_in = std::str::from_utf8(parts.next()?).ok()?;
        let date = parts.next()?.trim_ascii();
        let date = (!date.is_empty()).then(|| HeaderValue::from_bytes(date)).transpose().ok()?;
        let payload = parts.next().filter(|payload| payload.len() <= LONGEST_PAYLOAD)?;
        Some(Self { expires_in, date, payload })
    }

    fn jwt(&self) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(self.payload))
    }

    fn reply(&self, token: &str) -> Reply {
        let expires_in = match self.expires_in.trim() {
            "" => String::new(),
            text => format!(r#","expires_in":{text}"#),
        };
        let body = format!(r#"{{"access_token":"{token}"{expires_in}}}"#);
        let headers: HeaderMap = self.date.iter().map(|date| (DATE, date.clone())).collect();
        Reply { status: 200, headers, body: Zeroizing::new(body.into_bytes()) }
    }

    /// `expires_in`, where it is plainly a number or a number in a string.
    fn seconds(&self) -> Option<f64> {
        number(&serde_json::from_str(self.expires_in).ok()?)
    }

    fn claims(&self) -> Option<Value> {
        serde_json::from_slice(self.payload).ok().filter(Value::is_object)
    }

    /// How long the token says that it lives, where that is beyond doubt: by its own `iat`, or else by the reply's `Date`.
    fn own(&self) -> Option<f64> {
        let claims = self.claims()?;
        let times =
            |name: &str| self.payload.windows(name.len()).filter(|part| *part == name.as_bytes()).count();
        let dies = number(claims.get("exp").filter(|_| times("exp") == 1)?)?;
        let issued = match times("iat") {
            0 => waits::moment(self.date.as_ref()?.as_bytes())?.to_string().parse().ok()?,
            1 => number(claims.get("iat")?)?,
            _ => return None,
        };
        let is_exact = dies.abs() < EXACT && issued.abs() < EXACT && !self.payload.contains(&b'\\');
        is_exact.then_some(dies - issued)
    }

    /// Whether the payload says nothing of the token's death.
    fn is_silent(&self) -> bool {
        let is_object = self.payload.trim_ascii_start().starts_with(b"{");
        let says_no_death = |claims: Value| claims.get("exp").is_none_or(|exp| number(exp).is_none());
        self.claims().map_or(!is_object, says_no_death)
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number: &f64| number.is_finite())
}
