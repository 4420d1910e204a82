//! The machine's own time, read here and nowhere else in this program.
//!
//! It is the wall clock, because the stand-ins stamp their requests and tokens by it. The daemon's clocks are this one
//! moved (see `shifts`); whoever sets the machine's clock while a soak runs spoils it.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time, in seconds since 1970 by the machine's wall clock, or a length of time in seconds. Exact to less than
/// a microsecond.
pub(crate) type Seconds = f64;

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "the oracle judges by the clock that the stand-ins stamp by")]
pub(crate) fn now() -> Seconds {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Lets time pass until then.
pub(crate) fn wait_until(then: Seconds) {
    wait(then - now());
}

/// Lets so much time pass.
pub(crate) fn wait(length: Seconds) {
    thread::sleep(Duration::try_from_secs_f64(length).unwrap_or_default());
}
