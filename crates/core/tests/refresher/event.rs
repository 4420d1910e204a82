//! What can happen.

use std::time::Duration;

use airbyte_token_core::{Failure, VaultTrouble};
use proptest::prelude::*;

use crate::fixture::{
    hours, intercepted, mins, misdirected, rejected, secs, suspect, throttled, transient, unavailable,
    unreached, untrusted, vault,
};

/// What can happen to a refresher.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Time passes and timers fire.
    Pass(Duration),
    /// Time passes, timers do not fire: a suspended machine, or a daemon that is stopped.
    Suspend(Duration),
    /// Time passes, and the boot clock does not notice: a paused virtual machine.
    Pause(Duration),
    /// The exchange in flight, if any, brings a token that lives this long.
    Land(Duration),
    /// The exchange in flight, if any, fails.
    Fail(Failure),
    /// A caller wants this much life.
    Request(Duration),
    /// A person wants a renewal.
    Refresh,
    /// A caller reports a 401 with the current token.
    Reject,
    /// There is a new secret.
    NewSecret,
    /// The windows are set to these, the soft one first.
    NewPolicy(Duration, Duration),
    /// The boot clock is off by this many seconds more.
    LeapBoot(i64),
    /// The wall clock is off by this many seconds more.
    LeapWall(i64),
    /// The daemon restarts; it was away this long.
    Restart(Duration),
}

/// Histories of up to this many events.
pub(crate) fn histories(longest: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any_event(), 1..longest)
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => durations().prop_map(Event::Pass),
        1 => durations().prop_map(Event::Suspend),
        1 => durations().prop_map(Event::Pause),
        6 => lives().prop_map(Event::Land),
        6 => failures().prop_map(Event::Fail),
        8 => wishes().prop_map(Event::Request),
        2 => Just(Event::Refresh),
        2 => Just(Event::Reject),
        1 => Just(Event::NewSecret),
        1 => windows().prop_map(|(soft, hard)| Event::NewPolicy(soft, hard)),
        1 => leaps().prop_map(Event::LeapBoot),
        1 => leaps().prop_map(Event::LeapWall),
        1 => (0..200_u64).prop_map(|away| Event::Restart(secs(away))),
    ]
}

/// What clients can do while the issuer answers and no clock leaps.
pub(crate) fn client_events() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..90_000_u64).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        1 => (0..900_u64).prop_map(|s| Event::Pass(secs(s))),
        3 => wishes().prop_map(Event::Request),
        3 => Just(Event::Refresh),
        3 => Just(Event::Reject),
        1 => Just(Event::NewSecret),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..3_000_u64).prop_map(Duration::from_millis),
        4 => (0..60_000_u64).prop_map(Duration::from_millis),
        3 => (0..1_200_u64).prop_map(secs),
        1 => (0..36_000_u64).prop_map(secs),
    ]
}

fn windows() -> impl Strategy<Value = (Duration, Duration)> {
    (10..3_600_u64).prop_flat_map(|soft| (Just(secs(soft)), (5..=soft).prop_map(secs)))
}

fn lives() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => Just(mins(15)),
        2 => Just(mins(3)),
        2 => (0..15_000_u64).prop_map(Duration::from_millis),
        2 => (1..200_u64).prop_map(secs),
        1 => Just(hours(24)),
    ]
}

fn wishes() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => Just(Duration::ZERO),
        3 => (0..1_000_u64).prop_map(secs),
        1 => Just(hours(48)),
        1 => Just(Duration::MAX),
    ]
}

fn failures() -> impl Strategy<Value = Failure> {
    prop_oneof![
        5 => Just(transient()),
        1 => (0..4_000_u64).prop_map(|s| unavailable(secs(s))),
        1 => (0..4_000_u64).prop_map(|s| throttled(Some(secs(s)))),
        1 => Just(throttled(None)),
        1 => Just(throttled(Some(Duration::MAX))),
        2 => Just(suspect()),
        4 => Just(rejected()),
        1 => Just(misdirected()),
        2 => Just(unreached()),
        2 => Just(untrusted()),
        3 => Just(intercepted()),
        3 => vault_troubles().prop_map(vault),
    ]
}

fn vault_troubles() -> impl Strategy<Value = VaultTrouble> {
    prop_oneof![
        2 => Just(VaultTrouble::Locked),
        1 => Just(VaultTrouble::Absent),
        1 => Just(VaultTrouble::Slow),
        1 => Just(VaultTrouble::Denied),
        1 => Just(VaultTrouble::Unreadable),
        1 => Just(VaultTrouble::Empty),
        1 => Just(VaultTrouble::OtherOrigin),
        1 => Just(VaultTrouble::Damaged),
    ]
}

fn leaps() -> impl Strategy<Value = i64> {
    prop_oneof![
        1 => -100..100_i64,
        1 => -7_200..7_200_i64,
        1 => Just(-3_600),
        1 => Just(3_600),
        1 => Just(10 * 365 * 86_400),
        1 => Just(-60 * 365 * 86_400),
    ]
}
