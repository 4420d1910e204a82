//! The only place that reads a clock, but for the time stamp that systemd wants with a reload. Everything else is told
//! what time it is.

mod alarm;
mod leap;
mod within;

pub use alarm::Alarm;
pub use leap::LeapWatch;
pub use within::within;

use std::{io, os::fd::OwnedFd, time::Duration};

use airbyte_token_core::Moment;
use rustix::time::{ClockId, Timespec};
use sd_notify::NotifyState;
use tokio::io::unix::AsyncFd;

/// The machine's clocks: `CLOCK_BOOTTIME`, which counts suspend (`clock_gettime(2)`), and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// What time it is.
    #[must_use]
    pub fn now(self) -> Moment {
        Moment::new(read(ClockId::Boottime), read(ClockId::Realtime))
    }
}

impl Clock {
    /// The time stamp that systemd wants with `RELOADING=1`, on its own clock (`sd_notify(3)`).
    ///
    /// # Errors
    /// When the clock cannot be read.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]
    pub fn stamp(self) -> io::Result<NotifyState<'static>> {
        NotifyState::monotonic_usec_now()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads a clock")]
fn read(clock: ClockId) -> Duration {
    since_zero(rustix::time::clock_gettime(clock))
}

/// A wall clock set to before 1970 reads as 1970: a token judged by it is taken for older, never for younger.
fn since_zero(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

#[expect(
    deprecated,
    reason = "unsound only for a type whose descriptor can change, which an `OwnedFd`'s cannot"
)]
fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(timer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_to_before_1970_reads_as_1970() {
        assert_eq!(since_zero(Timespec { tv_sec: -5, tv_nsec: 7 }), Duration::from_nanos(7));
    }

    #[test]
    fn time_does_not_go_back_by_itself() {
        let earlier = Clock.now();
        assert!(earlier.is_reached(Clock.now()));
    }
}
