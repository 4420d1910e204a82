//! How long until the next try, by why the last one failed.
//!
//! A user wants a token as soon as the issuer is back, and an issuer that comes back wants no more company than it can
//! bear. So the first retries are quick, and whoever goes on failing comes seldom and at a moment of its own. What that
//! is tuned to, and `examples/fleet` measures: however long an outage of Airbyte lasts, when it ends fewer than one in
//! fifty of a fleet's hosts ask in any one second, and after [`SLOWEST`] no host has still to ask.

use std::time::Duration;

use super::jitter::Jitter;
use crate::{Failure, Misdirection};

/// What may work soon is tried again after this long at most, then the next, then always the last. Below [`CROWDED`]
/// it may be any time sooner (full jitter), so that those who failed together part company.
const LADDER: [Duration; 8] = [secs(1), secs(2), secs(4), secs(8), secs(15), CROWDED, secs(60), SLOWEST];
/// From this rung on at least half of it is waited: there most of a fleet wait together.
const CROWDED: Duration = secs(30);
/// Where there is no way to the issuer, a try costs it nothing: a profile without a token, or soon without one, goes no
/// higher than the rung of this number, 30 s, so that it has a token soon after this machine has its network back.
const HIGHEST_UNREACHED: u32 = 5;
/// The longest wait after anything that may pass by itself, but for what the issuer asks for: no longer than the budget
/// makes anybody wait.
pub(super) const SLOWEST: Duration = secs(100);
/// While the token in hand lives longer than [`SLOWEST`], nobody misses its successor, and so many rungs are taken at a
/// time: 1, 15 and then 100 s. One by one they would bring 2.5 % of a fleet in a second after nine and a half minutes.
const STRIDE: u32 = 4;

/// What only somebody can mend is tried again after this long, then the next, then always the last.
const PROBES: [Duration; 3] = [secs(5 * 60), secs(15 * 60), SLOWEST_PROBE];
/// The longest wait of all.
pub(super) const SLOWEST_PROBE: Duration = secs(60 * 60);
/// A refusal is confirmed after this long, and so is an interception: one spurious 401 while a server restarts must not
/// park a profile, nor one web page put it off.
pub(super) const CONFIRM_AFTER: Duration = secs(5);
/// Whatever answers in Airbyte's stead, and whoever cannot prove to be Airbyte, is tried again after this long, and up to
/// a quarter more by chance: a whole fleet may see the same page of maintenance, or the same certificate that has
/// expired. Neither is ever parked: nothing need be mended here. The budget allows it for half of every hour; then it is
/// the pace.
const BYPASS_LANE: Duration = secs(60);
/// A vault is looked at again after this long, so that an unlock is noticed.
const VAULT_LANE: Duration = secs(10);

/// The bounds within which a `Retry-After` (RFC 9110 §10.2.3) is believed.
const TOLD_MIN: Duration = secs(1);
const TOLD_MAX: Duration = secs(15 * 60);
/// What a "too many requests" without a `Retry-After` means.
const TOLD_UNSAID: Duration = secs(30);
/// Up to this share (a quarter) of what the issuer asks for is added by chance, up to the upper bound: a whole fleet may
/// have been told the same date, or have been throttled in the same second.
const JITTER_SHARE: u32 = 4;
/// The longest that [`told_to_wait`] ever says.
pub(super) const LONGEST_TOLD: Duration = TOLD_MAX;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How far up the ladder of retries a profile in trouble is: how many rungs it has left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Climb(pub(super) u32);

impl Climb {
    /// How long until the next try after a failure that condemns nothing, while the token in hand lives for `left`.
    /// Known: what an interception would say is known already.
    pub(super) fn wait(
        &mut self,
        failure: &Failure,
        known: bool,
        left: Duration,
        jitter: &mut Jitter,
    ) -> Duration {
        match failure {
            Failure::Vault { .. } => VAULT_LANE,
            Failure::Misdirected { by: Misdirection::Interception, .. } if !known => CONFIRM_AFTER,
            Failure::Misdirected { by: Misdirection::Interception, .. } | Failure::Untrusted { .. } => {
                spread(BYPASS_LANE, jitter)
            }
            Failure::Unreached { .. } if left <= SLOWEST => {
                self.0 = self.0.min(HIGHEST_UNREACHED);
                self.step(left, jitter)
            }
            Failure::Unreached { .. }
            | Failure::Transient { .. }
            | Failure::Throttled { .. }
            | Failure::Suspect { .. }
            | Failure::Rejected { .. }
            | Failure::Misdirected { by: Misdirection::Address, .. } => self.step(left, jitter),
        }
    }

    fn step(&mut self, left: Duration, jitter: &mut Jitter) -> Duration {
        let rung = step(&LADDER, self.0);
        let stride = if left > SLOWEST { STRIDE } else { 1 };
        self.0 = self.0.saturating_add(stride);
        let least = if rung < CROWDED { Duration::ZERO } else { rung / 2 };
        jitter.between(least, rung)
    }
}

/// How long until the next try of a profile that is parked, after so many.
pub(super) fn probe(probes: u32) -> Duration {
    step(&PROBES, probes)
}

/// How long the issuer is to be left alone after this failure because it said so.
pub(super) fn told_to_wait(failure: &Failure, jitter: &mut Jitter) -> Option<Duration> {
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
    .map(|told| spread(told, jitter).min(TOLD_MAX))
}

/// This long, or somewhat longer.
fn spread(wait: Duration, jitter: &mut Jitter) -> Duration {
    wait + jitter.up_to(wait / JITTER_SHARE)
}

/// The step of a ladder that never ends.
fn step<const N: usize>(ladder: &[Duration; N], at: u32) -> Duration {
    let [.., last] = ladder.as_slice() else { return Duration::ZERO };
    usize::try_from(at).ok().and_then(|at| ladder.get(at)).copied().unwrap_or(*last)
}
