//! When summer begins and ends every year: what `TZ` says where it names no file (POSIX, "Other Environment
//! Variables"), and what a zone's file says of the future (RFC 9636 §3.3).

use super::civil::{Civil, DAY, day_number, days_of, digits};

/// By how many seconds a place is ahead of UTC, every year anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    standard: i64,
    summer: Option<Summer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summer {
    ahead: i64,
    begins: Turn,
    ends: Turn,
}

/// A day of the year, and the second of that day, by the time that is then in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    day: Day,
    second: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// `Jn`: from 1, and 29 February is never counted.
    Julian(i64),
    /// `n`: from 0, and 29 February is counted.
    Ordinal(i64),
    /// `Mm.w.d`: this weekday (0 is Sunday) of the first to fifth week of a month; the fifth is the last.
    Weekday { month: i64, week: i64, weekday: i64 },
}

/// What is meant where no time is named: two o'clock.
const TWO: i64 = 2 * 3_600;

impl Rule {
    /// Reads `CET-1CEST,M3.5.0,M10.5.0/3` and its like. A summer without its turns is refused.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (standard, rest) = ahead(after_name(text)?)?;
        if rest.is_empty() {
            return Some(Self { standard, summer: None });
        }
        let rest = after_name(rest)?;
        let (summer, rest) = ahead(rest).unwrap_or((standard + 3_600, rest));
        let (begins, ends) = rest.strip_prefix(',')?.split_once(',')?;
        let summer = Summer { ahead: summer, begins: Turn::parse(begins)?, ends: Turn::parse(ends)? };
        Some(Self { standard, summer: Some(summer) })
    }

    pub(super) fn ahead_at(self, epoch: i64) -> i64 {
        let Some(Summer { ahead, begins, ends }) = self.summer else { return self.standard };
        let year = Civil::new(epoch.saturating_add(self.standard)).year();
        let (begins, ends) = (begins.in_year(year) - self.standard, ends.in_year(year) - ahead);
        let is_summer =
            if begins < ends { (begins..ends).contains(&epoch) } else { !(ends..begins).contains(&epoch) };
        if is_summer { ahead } else { self.standard }
    }
}

impl Turn {
    fn parse(text: &str) -> Option<Self> {
        let (day, time) = text.split_once('/').map_or((text, None), |(day, time)| (day, Some(time)));
        let second = match time {
            Some(time) => seconds(time).filter(|(_, rest)| rest.is_empty())?.0,
            None => TWO,
        };
        Some(Self { day: Day::parse(day)?, second })
    }

    /// In seconds since the beginning of 1970, by the time that is then in force.
    fn in_year(self, year: i64) -> i64 {
        self.day.in_year(year) * DAY + self.second
    }
}

impl Day {
    fn parse(text: &str) -> Option<Self> {
        if let Some(julian) = text.strip_prefix('J') {
            return digits(julian).filter(|day| (1..=365).contains(day)).map(Self::Julian);
        }
        let Some(weekday) = text.strip_prefix('M') else {
            return digits(text).filter(|day| (0..=365).contains(day)).map(Self::Ordinal);
        };
        let mut parts = weekday.split('.').map(digits);
        let (month, week, weekday) = (parts.next()??, parts.next()??, parts.next()??);
        let is_real = (1..=12).contains(&month) && (1..=5).contains(&week) && weekday <= 6;
        (is_real && parts.next().is_none()).then_some(Self::Weekday { month, week, weekday })
    }

    /// The days from 1 January 1970.
    const fn in_year(self, year: i64) -> i64 {
        match self {
            Self::Julian(day) => {
                let is_after_february = day >= 60;
                let leap = if is_after_february { days_of(year, 2) - 28 } else { 0 };
                day_number(year, 1, 1) + day - 1 + leap
            }
            Self::Ordinal(day) => day_number(year, 1, 1) + day,
            Self::Weekday { month, week, weekday } => {
                let first = day_number(year, month, 1);
                // 1 January 1970 was a Thursday.
                let to_weekday = (weekday - (first + 4)).rem_euclid(7);
                let day = to_weekday + (week - 1) * 7;
                first + if day < days_of(year, month) { day } else { day - 7 }
            }
        }
    }
}

/// What comes after a zone's abbreviation: three letters or more, or anything in angle brackets.
fn after_name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        return Some(quoted.split_once('>')?.1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    (end >= 3).then(|| &text[end..])
}

/// What is written west of Greenwich is ahead, by less.
fn ahead(text: &str) -> Option<(i64, &str)> {
    seconds(text).map(|(west, rest)| (-west, rest))
}

/// `[+-]hh[:mm[:ss]]`, and what comes after it.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(unsigned.len());
    let mut parts = unsigned[..end].split(':').map(digits);
    let hours = parts.next()??;
    let (minutes, seconds) = (parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    let is_real = hours <= 167 && minutes < 60 && seconds < 60 && parts.next().is_none();
    is_real.then(|| (sign * (hours * 3_600 + minutes * 60 + seconds), &unsigned[end..]))
}
