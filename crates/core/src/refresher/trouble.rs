//! Why renewal fails, what callers are told of it, and when the next try is due.

use std::time::Duration;

use super::{jitter::Jitter, timeline::Steady};
use crate::{Failure, Misdirection, VaultTrouble};

/// What may work soon is tried again after up to this long, then the next, then always the last.
const LADDER: [Duration; 6] = [secs(1), secs(2), secs(4), secs(8), secs(15), secs(30)];
/// What only somebody can mend is tried again after this long, then the next, then always the last.
const PROBES: [Duration; 3] = [secs(5 * 60), secs(15 * 60), secs(60 * 60)];
/// A refusal is confirmed after this long: one spurious 401 while a server restarts must not park a profile. So is an
/// interception.
const CONFIRM_AFTER: Duration = secs(5);
/// What answers in the issuer's stead is asked again after this long at most, so that whoever was let through waits no
/// longer than a minute; by chance up to 10 s sooner. So is a server that is not trusted. Neither is ever parked: nobody
/// needs to mend anything here.
const BYPASS_LANE: [Duration; 2] = [secs(50), secs(60)];
/// A vault is looked at again after this long, so that an unlock is noticed.
const VAULT_LANE: Duration = secs(10);
/// This many suspect answers in a row are a refusal.
const SUSPECTS: u32 = 3;
/// The bounds within which a `Retry-After` (RFC 9110 §10.2.3) is believed.
const TOLD_MIN: Duration = secs(1);
const TOLD_MAX: Duration = secs(15 * 60);
/// What a "too many requests" without a `Retry-After` means.
const TOLD_UNSAID: Duration = secs(30);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How the credentials stand with the issuer, or the secret with its vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing says that they are wrong.
    Trying,
    /// They were refused once; that is to be confirmed.
    Accused,
    /// They were refused and somebody must act; this many probes have failed since.
    Parked {
        /// How many.
        probes: u32,
    },
}

/// What an outcome says about the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The issuer refused them. Confirmed: it has said so often enough.
    Refused { confirmed: bool },
    /// There is no secret to try.
    Unstored,
    /// Nothing.
    Silent,
}

/// Renewal fails.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) standing: Standing,
    pub(super) failures: u32,
    pub(super) suspects: u32,
    pub(super) retry_at: Steady,
}

impl Trouble {
    /// The trouble after one more failure.
    pub(super) fn after(before: Option<Self>, failure: Failure, at: Steady, jitter: &mut Jitter) -> Self {
        let failures = count_failures(before.as_ref().map_or(0, |trouble| trouble.failures), &failure);
        let suspects = count_suspects(before.as_ref().map_or(0, |trouble| trouble.suspects), &failure);
        let verdict = Verdict::of(&failure, suspects);
        let stood = before.as_ref().map_or(Standing::Trying, |trouble| trouble.stood(verdict));
        let standing = stood.judged(verdict);
        let again = before.as_ref().is_some_and(|trouble| is_interception(&trouble.failure));
        let wait = match (standing, verdict) {
            (Standing::Parked { probes }, _) => step(&PROBES, probes),
            (Standing::Accused, Verdict::Refused { .. }) => CONFIRM_AFTER,
            (Standing::Accused, _) => wait(&failure, failures, true, jitter),
            (Standing::Trying, _) => wait(&failure, failures, again, jitter),
        };
        let kept = before.filter(|_| verdict == Verdict::Silent && stood != Standing::Trying);
        let failure = kept.map_or_else(|| settled(failure, verdict), |trouble| trouble.failure);
        Self { failure, standing, failures, suspects, retry_at: at.after(wait) }
    }

    /// Somebody asked for another try: the next refusal parks at once, anything else starts over.
    pub(super) const fn unpark(&mut self) {
        self.standing = match self.standing {
            Standing::Trying => Standing::Trying,
            Standing::Accused | Standing::Parked { .. } => Standing::Accused,
        };
    }

    /// A caller waits: a vault that somebody may just have unlocked is looked at without delay.
    pub(super) fn hasten(&mut self, at: Steady) {
        if self.may_be_mended_by_the_caller() {
            self.retry_at = self.retry_at.min(at);
        }
    }

    pub(super) const fn is_parked(&self) -> bool {
        matches!(self.standing, Standing::Parked { .. })
    }

    pub(super) const fn is_of_vault(&self) -> bool {
        matches!(self.failure, Failure::Vault { .. })
    }

    const fn may_be_mended_by_the_caller(&self) -> bool {
        matches!(
            self.failure,
            Failure::Vault {
                trouble: VaultTrouble::Locked | VaultTrouble::Absent | VaultTrouble::Unreadable,
                ..
            }
        )
    }

    /// How things stood before this verdict. That there was no secret says nothing about the one there is now.
    fn stood(&self, verdict: Verdict) -> Standing {
        if self.is_of_vault() && verdict != Verdict::Unstored { Standing::Trying } else { self.standing }
    }
}

/// How long the issuer is to be left alone after this failure because it said so.
pub(super) fn told_to_wait(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Transient { retry_after, .. } => *retry_after,
        Failure::Throttled { retry_after, .. } => Some(retry_after.unwrap_or(TOLD_UNSAID)),
        Failure::Unreached { .. }
        | Failure::Untrusted { .. }
        | Failure::Suspect { .. }
        | Failure::Rejected { .. }
        | Failure::Misdirected { .. }
        | Failure::Vault { .. } => None,
    }
    .map(|told| told.clamp(TOLD_MIN, TOLD_MAX))
}

/// The longest that [`told_to_wait`] ever says.
pub(super) const LONGEST_TOLD: Duration = TOLD_MAX;

impl Standing {
    /// The longest wait for the next try.
    pub(super) const fn longest_wait(self) -> Duration {
        let [.., slowest_try] = BYPASS_LANE;
        let [.., slowest_probe] = PROBES;
        match self {
            Self::Trying | Self::Accused => slowest_try,
            Self::Parked { .. } => slowest_probe,
        }
    }

    const fn judged(self, verdict: Verdict) -> Self {
        match (self, verdict) {
            (Self::Parked { probes }, _) => Self::Parked { probes: probes.saturating_add(1) },
            (Self::Accused, Verdict::Refused { .. })
            | (Self::Trying, Verdict::Refused { confirmed: true })
            | (Self::Trying | Self::Accused, Verdict::Unstored) => Self::Parked { probes: 0 },
            (Self::Trying, Verdict::Refused { confirmed: false }) => Self::Accused,
            (Self::Trying | Self::Accused, Verdict::Silent) => self,
        }
    }
}

impl Verdict {
    const fn of(failure: &Failure, suspects: u32) -> Self {
        match failure {
            Failure::Rejected { .. } | Failure::Misdirected { by: Misdirection::Address, .. } => {
                Self::Refused { confirmed: false }
            }
            Failure::Suspect { .. } if suspects >= SUSPECTS => Self::Refused { confirmed: true },
            Failure::Transient { .. }
            | Failure::Unreached { .. }
            | Failure::Untrusted { .. }
            | Failure::Throttled { .. }
            | Failure::Suspect { .. }
            | Failure::Misdirected { by: Misdirection::Interception, .. } => Self::Silent,
            Failure::Vault { trouble, .. } => match trouble {
                VaultTrouble::Empty | VaultTrouble::OtherOrigin | VaultTrouble::Damaged => Self::Unstored,
                VaultTrouble::Locked
                | VaultTrouble::Absent
                | VaultTrouble::Slow
                | VaultTrouble::Denied
                | VaultTrouble::Unreadable => Self::Silent,
            },
        }
    }
}

/// How many exchanges have failed since the last that worked. What never reached the issuer says nothing of how long
/// it will be in trouble.
const fn count_failures(before: u32, failure: &Failure) -> u32 {
    match failure {
        Failure::Vault { .. } | Failure::Untrusted { .. } => before,
        Failure::Misdirected { by: Misdirection::Interception, .. } => before,
        Failure::Transient { .. }
        | Failure::Unreached { .. }
        | Failure::Throttled { .. }
        | Failure::Suspect { .. }
        | Failure::Rejected { .. }
        | Failure::Misdirected { by: Misdirection::Address, .. } => before.saturating_add(1),
    }
}

/// How many suspect answers there have been in a row. What never reached the issuer, and its asking for patience,
/// break no row.
const fn count_suspects(before: u32, failure: &Failure) -> u32 {
    match failure {
        Failure::Suspect { .. } => before.saturating_add(1),
        Failure::Throttled { .. } | Failure::Unreached { .. } | Failure::Untrusted { .. } => before,
        Failure::Vault { .. } | Failure::Misdirected { by: Misdirection::Interception, .. } => before,
        Failure::Transient { .. } | Failure::Rejected { .. } => 0,
        Failure::Misdirected { by: Misdirection::Address, .. } => 0,
    }
}

const fn is_interception(failure: &Failure) -> bool {
    matches!(failure, Failure::Misdirected { by: Misdirection::Interception, .. })
}

/// What is remembered of a failure: a suspicion that was confirmed is a rejection.
fn settled(failure: Failure, verdict: Verdict) -> Failure {
    match (failure, verdict) {
        (Failure::Suspect { detail }, Verdict::Refused { .. }) => Failure::Rejected { detail },
        (failure, Verdict::Refused { .. } | Verdict::Unstored | Verdict::Silent) => failure,
    }
}

/// How long until the next try after a failure that condemns nothing.
fn wait(failure: &Failure, failures: u32, confirmed: bool, jitter: &mut Jitter) -> Duration {
    match failure {
        Failure::Vault { .. } => VAULT_LANE,
        Failure::Misdirected { by: Misdirection::Interception, .. } if !confirmed => CONFIRM_AFTER,
        Failure::Misdirected { by: Misdirection::Interception, .. } | Failure::Untrusted { .. } => {
            let [least, most] = BYPASS_LANE;
            jitter.between(least, most)
        }
        Failure::Transient { .. }
        | Failure::Unreached { .. }
        | Failure::Throttled { .. }
        | Failure::Suspect { .. }
        | Failure::Rejected { .. }
        | Failure::Misdirected { by: Misdirection::Address, .. } => {
            jitter.up_to(step(&LADDER, failures.saturating_sub(1)))
        }
    }
}

/// The step of a ladder that never ends.
fn step<const N: usize>(ladder: &[Duration; N], at: u32) -> Duration {
    let [.., last] = ladder.as_slice() else { return Duration::ZERO };
    usize::try_from(at).ok().and_then(|at| ladder.get(at)).copied().unwrap_or(*last)
}
