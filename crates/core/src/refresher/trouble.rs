//! Why renewal fails, what that makes of the credentials, and what callers are told of it.

use std::time::Duration;

use super::{
    jitter::Jitter,
    patience::{CONFIRM_AFTER, Climb, SLOWEST, SLOWEST_PROBE, probe},
    timeline::Steady,
};
use crate::{Failure, Misdirection, VaultTrouble};

/// This many suspect answers in a row are a refusal.
const SUSPECTS: u32 = 3;

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
    pub(super) climb: Climb,
    pub(super) suspects: u32,
    pub(super) retry_at: Steady,
}

impl Trouble {
    /// The trouble after one more failure, while the token in hand lives for `left`.
    pub(super) fn after(
        before: Option<Self>,
        failure: Failure,
        at: Steady,
        left: Duration,
        jitter: &mut Jitter,
    ) -> Self {
        let mut climb = before.as_ref().map_or_else(Climb::default, |trouble| trouble.climb);
        let suspects = count_suspects(before.as_ref().map_or(0, |trouble| trouble.suspects), &failure);
        let verdict = Verdict::of(&failure, suspects);
        let stood = before.as_ref().map_or(Standing::Trying, |trouble| trouble.stood(verdict));
        let standing = stood.judged(verdict);
        let known = stood != Standing::Trying || before.as_ref().is_some_and(Self::is_of_interception);
        let wait = match (standing, verdict) {
            (Standing::Parked { probes }, _) => probe(probes),
            (Standing::Accused, Verdict::Refused { .. }) => CONFIRM_AFTER,
            (Standing::Trying | Standing::Accused, _) => climb.wait(&failure, known, left, jitter),
        };
        let kept = before.filter(|_| verdict == Verdict::Silent && stood != Standing::Trying);
        let failure = kept.map_or_else(|| settled(failure, verdict), |trouble| trouble.failure);
        Self { failure, standing, climb, suspects, retry_at: at.after(wait) }
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

    const fn is_of_interception(&self) -> bool {
        matches!(self.failure, Failure::Misdirected { by: Misdirection::Interception, .. })
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

impl Standing {
    /// The longest wait for the next try.
    pub(super) const fn longest_wait(self) -> Duration {
        match self {
            Self::Trying | Self::Accused => SLOWEST,
            Self::Parked { .. } => SLOWEST_PROBE,
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

/// What is remembered of a failure: a suspicion that was confirmed is a rejection.
fn settled(failure: Failure, verdict: Verdict) -> Failure {
    match (failure, verdict) {
        (Failure::Suspect { detail }, Verdict::Refused { .. }) => Failure::Rejected { detail },
        (failure, Verdict::Refused { .. } | Verdict::Unstored | Verdict::Silent) => failure,
    }
}
