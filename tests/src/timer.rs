//! The timers of a process.

use crate::{Person, Process};

/// A timer of `timerfd_create(2)`, as the kernel describes it in `/proc/PID/fdinfo/FD` (proc_pid_fdinfo(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Which clock it is on: one of the constants here.
    pub clock: u64,
    /// Whole seconds until it fires; zero when it is not set.
    pub rest: u64,
    /// Whether it is cancelled when somebody sets the clock that it is on (`TFD_TIMER_CANCEL_ON_SET`).
    pub is_cancelled_by_leaps: bool,
}

impl Timer {
    /// The wall clock's number (`clock_gettime(2)`).
    pub const REALTIME: u64 = 0;
    /// The number of the clock that stands still during suspend.
    pub const MONOTONIC: u64 = 1;
    /// The number of the clock that counts suspend.
    pub const BOOTTIME: u64 = 7;

    /// All that this process has. Only root may look into every process.
    ///
    /// # Panics
    /// When the process is not there or root is not to be had.
    #[must_use]
    pub fn all_of(pid: u32) -> Vec<Self> {
        let mut shell = Person::root().command("sh");
        shell.args([
            "-c",
            r#"for fd in /proc/"$1"/fdinfo/*; do echo; cat "$fd"; done"#,
            "sh",
            &pid.to_string(),
        ]);
        let ended = Process::start(&mut shell, b"").wait();
        let text = ended.text();
        assert!(text.contains("pos:"), "the descriptors of {pid} are not to be seen: {}", ended.stderr);
        text.split("\n\n").filter_map(Self::parse).collect()
    }

    fn parse(description: &str) -> Option<Self> {
        let field = |name: &str| description.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let number = |text: &str| text.parse().expect("the kernel writes numbers");
        let (seconds, _) = field("it_value:")?.trim_start_matches('(').split_once(',')?;
        let flags: u64 = number(field("settime flags:")?);
        Some(Self {
            clock: number(field("clockid:")?),
            rest: number(seconds),
            is_cancelled_by_leaps: flags & 2 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_read_as_the_kernel_writes_it() {
        let description = "pos:\t0\nflags:\t02004002\nmnt_id:\t15\nino:\t2\nclockid: 7\nticks: 0\n\
            settime flags: 03\nit_value: (599, 999)\nit_interval: (0, 0)\n";
        let timer = Timer { clock: Timer::BOOTTIME, rest: 599, is_cancelled_by_leaps: true };
        assert_eq!(Timer::parse(description), Some(timer));
        assert_eq!(Timer::parse("pos:\t0\nflags:\t02\n"), None, "not a timer");
    }
}
