//! Noticing that somebody set the wall clock, or that the machine slept.

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};
use tokio::io::unix::AsyncFd;

/// Tells when the wall clock leaps: a timer that never fires but is cancelled by a leap (`TFD_TIMER_CANCEL_ON_SET`,
/// `timerfd_create(2)`). A leap may mean that this was a pause of the whole virtual machine, whose boot clock stood still
/// meanwhile. The kernel cancels the timer after suspend as well. Watching costs no wake-up in between.
#[derive(Debug)]
pub struct LeapWatch(AsyncFd<OwnedFd>);

impl LeapWatch {
    /// Begins to watch. Must be called on the runtime.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self(super::watch(timer)?))
    }

    /// Ends at the next leap.
    ///
    /// # Errors
    /// When the kernel refuses the timer.
    pub async fn leap(&self) -> io::Result<()> {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let far = Timespec { tv_sec: i64::from(u32::MAX) * 16, tv_nsec: 0 };
        let timer = Itimerspec { it_interval: never, it_value: far };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(self.0.get_ref(), flags, &timer) {
            // The clock leapt since the last leap was told: the timer is set all the same.
            Err(Errno::CANCELED) => return Ok(()),
            set => set.map(drop)?,
        }
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?)) {
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => {
                    return Ok(());
                }
                Ok(read) => return read.map(drop),
                Err(_not_yet) => {}
            }
        }
    }
}
