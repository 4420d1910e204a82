//! How long a token lives, from what its issuer says in up to three places.
//!
//! None of them can be believed alone (`expires_in` comes from the server's configuration, not from the token; some
//! releases answered minutes; some answer nothing), so the rule is one table, and it never picks the longer of two
//! lives unless the shorter is plainly in the wrong unit.

use std::time::Duration;

/// What the issuer's reply says about a token's life.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LifetimeEvidence {
    /// `expires_in` of the reply, in seconds, where there was a number or a numeric string.
    pub expires_in: Option<f64>,
    /// The claims of the token, where it was a JWT that could be read.
    pub claims: Option<Claims>,
    /// The `Date` header of the reply, in seconds since the Unix epoch.
    pub date: Option<f64>,
}

/// The times in a JWT (RFC 7519 §4.1), in seconds since the Unix epoch by the issuer's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claims {
    /// `exp`: when it dies.
    pub expires: f64,
    /// `iat`: when it was issued. Airbyte Core leaves it out.
    pub issued: Option<f64>,
}

/// The issuer handed out a token that is dead already: `expires_in` or the JWT's own times say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token was expired when it was issued")]
pub struct NoLifetime;

/// What a token is taken to live when nothing says how long: Airbyte's shortest ever default, three minutes.
const UNSAID: Duration = Duration::from_secs(180);
/// No life is believed beyond a day.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Below this an `expires_in` may be in minutes by mistake, as Airbyte Cloud's was in March 2025 ...
const MAYBE_MINUTES: f64 = 60.0;
/// ... if the token itself says that it lives this many times longer.
const PLAINLY_LONGER: f64 = 10.0;

/// The life of a token, counted from when its request left: 1 ms to 24 h.
///
/// | `expires_in` | the token itself | life |
/// |---|---|---|
/// | missing | unreadable | 180 s |
/// | given | unreadable | `expires_in` |
/// | missing | `exp − iat`, or `exp − Date` | that |
/// | given | given | the lesser |
/// | under 60 | 10 times longer or more | what the token says: `expires_in` was in minutes |
/// | zero or less | anything | refused |
/// | anything | zero or less | refused |
///
/// # Errors
/// When the token was dead on arrival.
pub fn lifetime(evidence: &LifetimeEvidence) -> Result<Duration, NoLifetime> {
    let said = evidence.expires_in.filter(|seconds| seconds.is_finite());
    let own = own_lifetime(evidence).filter(|seconds| seconds.is_finite());
    let seconds = match (said, own) {
        (None, None) => return Ok(UNSAID),
        (Some(seconds), None) | (None, Some(seconds)) => seconds,
        (Some(said), Some(own)) if is_in_minutes(said, own) => own,
        (Some(said), Some(own)) => said.min(own),
    };
    whole_milliseconds(seconds).filter(|life| !life.is_zero()).ok_or(NoLifetime)
}

/// What the token says of itself, as a difference: the issuer's clock need not agree with ours.
fn own_lifetime(evidence: &LifetimeEvidence) -> Option<f64> {
    let claims = evidence.claims?;
    let from = claims.issued.or(evidence.date)?;
    Some(claims.expires - from)
}

fn is_in_minutes(said: f64, own: f64) -> bool {
    said > 0.0 && said < MAYBE_MINUTES && own >= said * PLAINLY_LONGER
}

fn whole_milliseconds(seconds: f64) -> Option<Duration> {
    let capped = seconds.min(LONGEST.as_secs_f64());
    let exact = Duration::try_from_secs_f64(capped).ok()?;
    u64::try_from(exact.as_millis()).ok().map(Duration::from_millis)
}
