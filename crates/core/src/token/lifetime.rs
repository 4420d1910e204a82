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
/// Issuers stamp `iat` and `exp` in whole seconds, rounded down (RFC 7519 §2, `NumericDate`, as Keycloak and Airbyte Core
/// write it): a token dies by up to this much sooner than its life after the request for it left.
const ROUNDING: Duration = Duration::from_secs(1);
/// Below this an `expires_in` may be in minutes by mistake, as Airbyte Cloud's was in March 2025 ...
const MAYBE_MINUTES: f64 = 60.0;
/// ... if the token itself says that it lives this many times longer.
const PLAINLY_LONGER: f64 = 10.0;

/// The life of a token, counted from when its request left: 1 ms to 24 h. Of what the table says, the second by which
/// whole-second stamps may be early is taken off, but never more than half.
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
    by_table(evidence).map(less_rounding)
}

fn by_table(evidence: &LifetimeEvidence) -> Result<Duration, NoLifetime> {
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

fn less_rounding(life: Duration) -> Duration {
    life.saturating_sub(ROUNDING).max(life / 2).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_750_000_000.0;

    fn seconds(evidence: LifetimeEvidence) -> Result<f64, NoLifetime> {
        by_table(&evidence).map(|life| life.as_secs_f64())
    }

    /// What a reply says without a readable token.
    fn opaque(expires_in: Option<f64>) -> LifetimeEvidence {
        LifetimeEvidence { expires_in, claims: None, date: Some(NOW) }
    }

    /// What a reply says with a token of Airbyte Core: `exp` alone, to be held against the reply's date.
    fn core(expires_in: Option<f64>, lives: f64) -> LifetimeEvidence {
        let claims = Some(Claims { expires: NOW + lives, issued: None });
        LifetimeEvidence { expires_in, claims, date: Some(NOW) }
    }

    /// The same with a token of Keycloak: `exp` and `iat`, by a clock of its own.
    fn keycloak(expires_in: Option<f64>, lives: f64) -> LifetimeEvidence {
        let issued = NOW - 5_000_000.0;
        let claims = Some(Claims { expires: issued + lives, issued: Some(issued) });
        LifetimeEvidence { expires_in, claims, date: Some(NOW) }
    }

    #[test]
    fn every_row_of_the_table_holds() {
        for (row, evidence, life) in [
            ("nothing said", opaque(None), Ok(180.0)),
            ("expires_in alone", opaque(Some(900.0)), Ok(900.0)),
            ("the token alone, by Date", core(None, 900.0), Ok(900.0)),
            ("the token alone, by iat", keycloak(None, 900.0), Ok(900.0)),
            ("both, the reply says less", keycloak(Some(180.0), 900.0), Ok(180.0)),
            ("both, the token says less", keycloak(Some(900.0), 180.0), Ok(180.0)),
            ("in minutes", keycloak(Some(15.0), 900.0), Ok(900.0)),
            ("in minutes, ten times at least", keycloak(Some(15.0), 150.0), Ok(150.0)),
            ("short, but not in minutes", keycloak(Some(15.0), 149.0), Ok(15.0)),
            ("a minute is not in minutes", keycloak(Some(60.0), 900.0), Ok(60.0)),
            ("just under a minute may be", keycloak(Some(59.0), 900.0), Ok(900.0)),
            ("zero", keycloak(Some(0.0), 900.0), Err(NoLifetime)),
            ("negative", opaque(Some(-1.0)), Err(NoLifetime)),
            ("the token is dead", keycloak(Some(900.0), 0.0), Err(NoLifetime)),
            ("the token died before it was issued", core(Some(900.0), -5.0), Err(NoLifetime)),
        ] {
            assert_eq!(seconds(evidence), life, "{row}");
        }
    }

    #[test]
    fn the_second_that_whole_second_stamps_hide_is_taken_off_but_never_more_than_half() {
        for (said, life) in [(900.0, 899_000), (2.0, 1_000), (1.9, 950), (1.0, 500), (0.001, 1)] {
            assert_eq!(lifetime(&opaque(Some(said))), Ok(Duration::from_millis(life)), "{said}");
        }
        assert_eq!(lifetime(&opaque(Some(0.0))), Err(NoLifetime));
    }

    #[test]
    fn what_real_releases_answered_is_read_right() {
        for (release, evidence, life) in [
            ("0.63.9 to 1.5: says 180, lives a day", core(Some(180.0), 86_400.0), 180.0),
            ("airbytehq/airbyte#55784: says 900, lives 180", keycloak(Some(900.0), 180.0), 180.0),
            ("March 2025: 15, in minutes", keycloak(Some(15.0), 900.0), 900.0),
            ("an operator's 60", keycloak(Some(60.0), 60.0), 60.0),
            ("an operator's 86400", core(Some(86_400.0), 86_400.0), 86_400.0),
            ("the internal path says nothing", core(None, 900.0), 900.0),
        ] {
            assert_eq!(seconds(evidence), Ok(life), "{release}");
        }
    }

    #[test]
    fn no_life_is_believed_beyond_a_day() {
        for expires_in in [86_401.0, 1e18, f64::MAX] {
            assert_eq!(seconds(opaque(Some(expires_in))), Ok(86_400.0));
        }
        assert_eq!(seconds(keycloak(None, 1e15)), Ok(86_400.0));
    }

    #[test]
    fn a_life_that_is_no_number_is_missing() {
        for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(seconds(opaque(Some(strange))), Ok(180.0));
            assert_eq!(seconds(keycloak(Some(600.0), strange)), Ok(600.0));
        }
    }

    #[test]
    fn a_token_without_iat_says_nothing_without_a_date() {
        let claims = Some(Claims { expires: NOW + 300.0, issued: None });
        let evidence = LifetimeEvidence { expires_in: Some(900.0), claims, date: None };
        assert_eq!(seconds(evidence), Ok(900.0));
        assert_eq!(seconds(LifetimeEvidence { expires_in: None, ..evidence }), Ok(180.0));
    }

    #[test]
    fn a_life_is_floored_to_the_millisecond_and_less_than_one_is_none() {
        assert_eq!(by_table(&opaque(Some(1.999_9))), Ok(Duration::from_millis(1_999)));
        assert_eq!(by_table(&opaque(Some(0.001))), Ok(Duration::from_millis(1)));
        assert_eq!(by_table(&opaque(Some(0.000_9))), Err(NoLifetime));
    }
}
