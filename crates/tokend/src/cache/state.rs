//! How a profile fares, in the one word that users meet everywhere.

use airbyte_token_core::{Failure, Moment, Phase, Snapshot, VaultTrouble};
use airbyte_token_local::ProfileState;

/// This machine's clock and Airbyte's may be as far apart before it is worth a word: five minutes, the tolerance that
/// Kerberos made customary (RFC 4120 §5.9.1, "clock skew").
pub const MOST_SKEW: u64 = 300;

/// The state of a profile now, and of the clock that it is judged by: so many seconds ahead of Airbyte's.
#[must_use]
pub fn state_of(snapshot: &Snapshot, now: Moment, clock_skew: Option<i64>) -> ProfileState {
    let alive = snapshot.token.as_ref().is_some_and(|token| token.is_alive(now));
    if let Some(failure) = snapshot.failure.as_ref().filter(|_| snapshot.phase != Phase::Locked) {
        return state_of_failure(failure, alive);
    }
    let is_clock_wrong = clock_skew.is_some_and(|seconds| seconds.unsigned_abs() > MOST_SKEW);
    match snapshot.phase {
        Phase::Locked => ProfileState::Locked,
        Phase::Idle => ProfileState::Idle,
        // It died while nobody looked.
        Phase::Fresh if !alive => ProfileState::Idle,
        Phase::Fresh if is_clock_wrong => ProfileState::ClockSuspect,
        Phase::Fresh => ProfileState::Fresh,
        Phase::Refreshing => ProfileState::Renewing,
        // Nothing failed and none is in flight: the budget or the issuer's own wish holds it up.
        Phase::Degraded | Phase::Expired | Phase::Blocked | Phase::VaultTrouble => ProfileState::Throttled,
    }
}

const fn state_of_failure(failure: &Failure, alive: bool) -> ProfileState {
    match failure {
        Failure::Transient { .. }
        | Failure::Unreached { .. }
        | Failure::Untrusted { .. }
        | Failure::Suspect { .. } => {
            if alive {
                ProfileState::Degraded
            } else {
                ProfileState::Expired
            }
        }
        Failure::Throttled { .. } => ProfileState::Throttled,
        Failure::Rejected { .. } => ProfileState::Rejected,
        Failure::Misdirected { .. } => ProfileState::Misdirected,
        Failure::Vault { trouble, .. } => match trouble {
            VaultTrouble::Locked => ProfileState::KeyringLocked,
            VaultTrouble::Absent => ProfileState::KeyringMissing,
            VaultTrouble::Denied => ProfileState::KeyringDenied,
            VaultTrouble::Slow => ProfileState::VaultSlow,
            VaultTrouble::Unreadable => ProfileState::VaultUnreadable,
            VaultTrouble::Damaged => ProfileState::VaultDamaged,
            VaultTrouble::Empty => ProfileState::NoSecret,
            VaultTrouble::OtherOrigin => ProfileState::LogInAgain,
        },
    }
}
