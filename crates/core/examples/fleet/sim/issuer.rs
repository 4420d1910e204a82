//! The issuer: what it answers, and how long that takes.

use std::time::Duration;

use airbyte_token_core::{
    AccessToken, Detail, Failure, Fingerprint, Issued, Misdirection, Secret, token::BadAccessToken,
};

use super::chance::Chance;

/// How long its tokens live: Airbyte's do 15 minutes.
const LIFETIME: Duration = Duration::from_secs(900);
/// How long an exchange takes, at least and at most, unless nothing answers at all.
const EXCHANGE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// The same where the connection is refused, or there is none.
const REFUSAL: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// A time in which every exchange fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// When it begins.
    pub(crate) from: Duration,
    /// When it is over.
    pub(crate) healed: Duration,
    /// What is answered meanwhile.
    pub(crate) answer: Down,
}

/// What an issuer that is down answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Down {
    /// Nothing: the connection is refused.
    Refused,
    /// 503, with nothing to wait for.
    Unavailable,
    /// 503 with a `Retry-After` in seconds.
    UnavailableFor(Duration),
    /// 503 with a `Retry-After` that is a date, the same for everybody: when it will be over.
    UnavailableUntilHealed,
    /// A web page in its stead.
    WebPage,
    /// Nothing: its name cannot be resolved.
    Unresolved,
    /// Its certificate has expired.
    Expired,
}

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Whether the issuer noticed.
    pub(crate) noticed: bool,
    pub(crate) after: Duration,
    pub(crate) outcome: Result<Issued, Failure>,
}

impl Outage {
    fn holds(&self, at: Duration) -> bool {
        (self.from..self.healed).contains(&at)
    }
}

/// What an exchange that begins `at` brings. Each token has a number of its own.
pub(crate) fn exchange(
    at: Duration,
    outage: Option<&Outage>,
    number: u64,
    chance: &mut Chance,
) -> Result<Reply, BadAccessToken> {
    let usual = |chance: &mut Chance| chance.between(EXCHANGE[0], EXCHANGE[1]);
    let Some(outage) = outage.filter(|outage| outage.holds(at)) else {
        return Ok(Reply { noticed: true, after: usual(chance), outcome: Ok(issued(number)?) });
    };
    let after = match outage.answer {
        Down::Refused | Down::Unresolved => chance.between(REFUSAL[0], REFUSAL[1]),
        Down::Unavailable
        | Down::UnavailableFor(_)
        | Down::UnavailableUntilHealed
        | Down::WebPage
        | Down::Expired => usual(chance),
    };
    let wait = outage.healed.saturating_sub(at + after);
    let failure = outage.answer.failure(wait);
    Ok(Reply { noticed: !failure.went_unnoticed(), after, outcome: Err(failure) })
}

impl Down {
    /// The failure, while it lasts so much longer.
    fn failure(self, lasts: Duration) -> Failure {
        let detail = Detail::new("the issuer is down");
        let transient = |retry_after| Failure::Transient { retry_after, detail: detail.clone() };
        match self {
            Self::Refused | Self::Unavailable => transient(None),
            Self::UnavailableFor(wait) => transient(Some(wait)),
            Self::UnavailableUntilHealed => transient(Some(lasts)),
            Self::WebPage => Failure::Misdirected { by: Misdirection::Interception, detail },
            Self::Unresolved => Failure::Unreached { detail },
            Self::Expired => Failure::Untrusted { detail },
        }
    }
}

fn issued(number: u64) -> Result<Issued, BadAccessToken> {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    let text = Secret::new(format!("made-up-token-{number:020}"));
    Ok(Issued {
        access_token: AccessToken::parse(text)?,
        fingerprint: Fingerprint::from_sha256(digest),
        lifetime: LIFETIME,
    })
}
