//! Waking up at a moment, also when the machine slept through it.

use std::{io, os::fd::OwnedFd, time::Duration};

use airbyte_token_core::Moment;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer on `CLOCK_BOOTTIME` (`timerfd_create(2)`): unlike the runtime's timers, which stand still while the
/// machine is suspended, it has fired when the machine wakes up past its time.
#[derive(Debug)]
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// A timer that is not set.
    ///
    /// # Errors
    /// When the process has no file descriptor left. Must be called on the runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self(super::watch(boot_timer()?)?))
    }

    /// Ends at `moment` by the boot clock, at once when it is past; never, when there is none.
    ///
    /// # Errors
    /// When the kernel refuses to set the timer.
    pub async fn until(&self, moment: Option<Moment>) -> io::Result<()> {
        let Some(moment) = moment else { return std::future::pending().await };
        // Zero would disarm the timer instead of firing at once.
        let since_boot = moment.since_boot().max(Duration::from_nanos(1));
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &once(since_boot))?;
        // Setting the timer anew has cleared an old expiry in the kernel, but not what the runtime believes.
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?)) {
                Ok(read) => return read.map(drop),
                Err(_not_yet) => {}
            }
        }
    }
}

fn boot_timer() -> rustix::io::Result<OwnedFd> {
    timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
}

fn once(at: Duration) -> Itimerspec {
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    let at = Timespec {
        tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(at.subsec_nanos()),
    };
    Itimerspec { it_interval: never, it_value: at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn an_alarm_fires_no_sooner_than_its_moment() {
        let alarm = Alarm::new().unwrap();
        let moment = Clock.now().after(Duration::from_millis(20));
        alarm.until(Some(moment)).await.unwrap();
        assert!(moment.rest(Clock.now()).is_zero());
    }

    #[tokio::test]
    async fn an_alarm_for_the_past_fires_at_once() {
        let alarm = Alarm::new().unwrap();
        alarm.until(Some(Moment::new(Duration::ZERO, Duration::ZERO))).await.unwrap();
    }

    #[tokio::test]
    async fn an_alarm_can_be_abandoned_and_set_anew() {
        let alarm = Alarm::new().unwrap();
        let soon = Clock.now().after(Duration::from_millis(1));
        drop(alarm.until(Some(soon)));
        let later = Clock.now().after(Duration::from_millis(30));
        alarm.until(Some(later)).await.unwrap();
        assert!(later.rest(Clock.now()).is_zero());
    }
}
