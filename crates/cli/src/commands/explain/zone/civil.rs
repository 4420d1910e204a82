//! Days and hours of the proleptic Gregorian calendar, in no zone of their own.

/// The seconds of a day, which has no leap seconds here (POSIX, "Seconds Since the Epoch").
pub(super) const DAY: i64 = 86_400;

/// A time of a day, as seconds since the beginning of 1970 would count it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil(i64);

impl Civil {
    /// Reads `2030-01-31T23:59:59Z`, the form that the daemon writes (RFC 3339 §5.6).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let is_real = (1..=9999).contains(&year) && (1..=12).contains(&month);
        let is_real = is_real && (1..=days_of(year, month)).contains(&day);
        let is_real = is_real && hour < 24 && minute < 60 && second < 60;
        is_real.then(|| Self(day_number(year, month, day) * DAY + hour * 3_600 + minute * 60 + second))
    }

    pub(super) const fn new(epoch: i64) -> Self {
        Self(epoch)
    }

    pub(super) const fn epoch(self) -> i64 {
        self.0
    }

    pub(super) const fn later(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// `2030-01-31`.
    pub(super) fn day(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `23:59:59`.
    pub(super) fn time_of_day(self) -> String {
        let second = self.0.rem_euclid(DAY);
        format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }

    pub(super) const fn year(self) -> i64 {
        self.date().0
    }

    /// Counted in years that begin with March, so that the leap day comes last.
    const fn date(self) -> (i64, i64, i64) {
        let since_march_0000 = self.0.div_euclid(DAY) + MARCH_0000;
        let (era, of_era) = (since_march_0000.div_euclid(ERA), since_march_0000.rem_euclid(ERA));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
    }
}

/// The days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// The days from 1 March of the year 0 to 1 January 1970.
const MARCH_0000: i64 = 719_468;

/// The days from 1 January 1970 to this one.
pub(super) const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - MARCH_0000
}

/// How many days a month has.
pub(super) const fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    day_number(next_year, next_month, 1) - day_number(year, month, 1)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(digits);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// A number without a sign.
pub(super) fn digits(text: &str) -> Option<i64> {
    let are_digits = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}
