//! The stand-in's only look at a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};

/// The wall clock, as time since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in issues JWTs with wall-clock times; it has no part in the daemon's sense of time"
)]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The wall clock in whole seconds since 1970, off by `skew` seconds.
pub(crate) fn skewed_seconds(skew: i64) -> i64 {
    i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX).saturating_add(skew)
}

/// Seconds since 1970 as an HTTP date (RFC 9110 §5.6.7). A time outside the calendar becomes its start.
pub(crate) fn http_date(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or_default();
    DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn dates_read_as_http_writes_them() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
