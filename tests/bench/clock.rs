//! The machine's own time, read here and nowhere else in this program.

use std::time::{Duration, Instant};

/// Runs from when it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
