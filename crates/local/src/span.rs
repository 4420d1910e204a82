//! How people write a length of time: `90`, `90s`, `5m`, `1h30m`, `250ms`.

use std::{fmt, str::FromStr, time::Duration};

/// A length of time as people write it: numbers with a unit each (`ms`, `s`, `m`, `h`, `d`, largest first or not, spaces
/// between allowed), or a bare number of seconds. At most [`Span::LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// The longest span: a year. Nothing here lasts longer, and sums stay far from overflowing.
    pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    /// A span of this length, cut to whole milliseconds and to [`Span::LONGEST`].
    #[must_use]
    pub fn new(length: Duration) -> Self {
        let whole = Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        Self(whole.min(Self::LONGEST))
    }

    /// Its length.
    #[must_use]
    pub const fn length(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return bounded(Duration::from_secs(text.parse().map_err(|_| BadSpan::TooLong)?));
        }
        // A capital M is a month to the library, and a slip of the keyboard to whoever wrote `5M`.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadSpan::Malformed);
        }
        bounded(humantime::parse_duration(text).map_err(|error| BadSpan::of(&error))?)
    }
}

fn bounded(length: Duration) -> Result<Span, BadSpan> {
    if length > Span::LONGEST { Err(BadSpan::TooLong) } else { Ok(Span(length)) }
}

/// Writes whole seconds as a bare number and anything else in milliseconds: the form that travels in a URL.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// It is not written like one.
    #[error("not a length of time; write 90s, 5m, 1h30m, or a bare number of seconds")]
    Malformed,
    /// It is longer than [`Span::LONGEST`].
    #[error("longer than a year")]
    TooLong,
}

impl BadSpan {
    const fn of(error: &humantime::DurationError) -> Self {
        match error {
            humantime::DurationError::NumberOverflow => Self::TooLong,
            humantime::DurationError::InvalidCharacter(_)
            | humantime::DurationError::NumberExpected(_)
            | humantime::DurationError::UnknownUnit { .. }
            | humantime::DurationError::Empty => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<u64, BadSpan> {
        text.parse::<Span>().map(|span| span.length().as_secs())
    }

    #[test]
    fn people_write_time_in_many_ways() {
        for (text, expected) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            (" 5m ", 300),
            ("5min", 300),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("2d", 172_800),
            ("1500ms", 1),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", " ", "m", "5 q", "-5", "+5", "5x", "5m5", "0x10", "5M"] {
            assert_eq!(seconds(text), Err(BadSpan::Malformed), "{text}");
        }
    }

    #[test]
    fn numbers_too_large_to_mean_anything_are_refused() {
        for text in ["366d", "99999999999999999999", "18446744073709551615h", "365d1s"] {
            assert_eq!(seconds(text), Err(BadSpan::TooLong), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for millis in [0, 1, 999, 1_000, 1_500, 60_000, 31_536_000_000] {
            let span = Span::new(Duration::from_millis(millis));
            assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
