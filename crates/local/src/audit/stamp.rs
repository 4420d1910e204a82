//! When something happened, as the log says it.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time of the wall clock: RFC 3339, UTC, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(Duration);

impl Stamp {
    /// The end of the year 9999: RFC 3339 knows no later one.
    const LAST: Duration = Duration::from_millis(253_402_300_799_999);

    /// So long after the Unix epoch, cut to whole milliseconds.
    #[must_use]
    pub fn new(since_epoch: Duration) -> Self {
        let millis = u64::try_from(since_epoch.min(Self::LAST).as_millis()).unwrap_or(0);
        Self(Duration::from_millis(millis))
    }

    /// How long after the Unix epoch.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + self.0).fmt(f)
    }
}

impl FromStr for Stamp {
    type Err = BadStamp;

    fn from_str(text: &str) -> Result<Self, BadStamp> {
        let time = humantime::parse_rfc3339(text).map_err(|_| BadStamp)?;
        time.duration_since(SystemTime::UNIX_EPOCH).map(Self::new).map_err(|_| BadStamp)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The text is no point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time as RFC 3339 writes it, in UTC")]
pub struct BadStamp;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_is_written() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_906_640_405_007, "2030-06-02T14:20:05.007Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            let stamp = Stamp::new(Duration::from_millis(millis));
            assert_eq!((stamp.to_string().as_str(), text.parse()), (text, Ok(stamp)));
        }
    }

    #[test]
    fn a_clock_set_to_beyond_all_years_is_no_reason_to_panic() {
        assert_eq!(Stamp::new(Duration::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2030-06-02", "2030-06-02T14:20:05+02:00", "1960-01-01T00:00:00Z"] {
            assert_eq!(text.parse::<Stamp>(), Err(BadStamp), "{text}");
        }
    }
}
