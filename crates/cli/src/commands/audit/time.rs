//! When things happened, on the clocks of whoever reads.
#![expect(clippy::disallowed_methods, reason = "whoever says `--since 1h` means an hour before now")]

use std::time::Duration;

use airbyte_token_local::audit::Stamp;
use jiff::{Timestamp, tz::TimeZone};

/// The time zone that times are told in.
pub(in crate::commands) struct Zone(TimeZone);

impl Zone {
    /// This process's: `TZ`, else the machine's.
    pub(in crate::commands) fn here() -> Self {
        Self(TimeZone::system())
    }

    /// `2030-01-31 23:59:59`.
    pub(in crate::commands) fn tell(&self, stamp: Stamp) -> String {
        let since_epoch = i64::try_from(stamp.since_epoch().as_millis()).unwrap_or(i64::MAX);
        let told = |time: Timestamp| {
            time.to_zoned_datetime(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        };
        Timestamp::from_millisecond(since_epoch).map_or_else(|_| stamp.to_string(), told)
    }
}

/// So long ago.
pub(super) fn ago(span: Duration) -> Stamp {
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    Stamp::new(Duration::from_millis(now).saturating_sub(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_zone_of_the_place() {
        let stamp = "2030-06-02T22:20:05.999Z".parse().unwrap();
        let zone = Zone(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        assert_eq!(zone.tell(stamp), "2030-06-03 00:20:05");
        assert_eq!(Zone(TimeZone::UTC).tell(stamp), "2030-06-02 22:20:05");
    }

    #[test]
    fn the_last_moment_of_all_is_told_somehow() {
        let last = Stamp::new(Duration::MAX);
        assert!(Zone(TimeZone::UTC).tell(last).starts_with("9999-12-3"));
    }
}
