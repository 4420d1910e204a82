//! How long the issuer asks us to wait: its `Retry-After`, held against its own `Date`.
//!
//! The bytes are two lines, the values of the two headers. Their first eight bytes also stand for two moments.

use std::time::{Duration, SystemTime};

use airbyte_token_core::{Failure, Secret};
use airbyte_tokend::issuer::{Endpoint, Reply, Service, judge};
use hyper::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use zeroize::Zeroizing;

use crate::{
    broken::{Broken, ensure, insist},
    watched::SECRET,
};

/// Judges replies with the headers that the bytes stand for, and looks at the waits.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    let endpoint = Endpoint::new(Service::Cloud, None).expect("the service has an endpoint");
    insist(&verdict(bytes, |reply| judge(reply, &endpoint, &Secret::new(SECRET.to_owned())).err()));
}

/// What is to be said of a judge that reads these waits.
///
/// # Errors
/// Which promise it breaks:
/// - no panic on any date; a wait is 1 s to 900 s, and the same whatever trouble it is asked for with;
/// - digits are seconds, however many; one more never means less;
/// - between two dates is what is between them, and nothing where the later one comes first.
pub fn verdict(bytes: &[u8], judge: impl Fn(&Reply) -> Option<Failure>) -> Result<(), Broken> {
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let (retry_after, date) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let wait = |retry_after: &[u8], date: &[u8]| waits(retry_after, date, &judge);
    let wait_said = wait(retry_after, date)?;
    if let Some(seconds) = digits(retry_after) {
        ensure!(wait_said == Some(bounded(seconds)), "{seconds} s read as {wait_said:?}");
        let more = seconds.saturating_add(1).to_string();
        ensure!(wait(more.as_bytes(), date)? >= wait_said, "one second more means less than {wait_said:?}");
    }
    if let (Some(then), Some(now)) = (moment(retry_after), moment(date)) {
        let between = bounded(then.saturating_sub(now));
        ensure!(wait_said == Some(between), "between {now} and {then} lies {wait_said:?}");
    }
    let [then, now] = two_moments(bytes);
    let dated = wait(http_date(then).as_bytes(), http_date(now).as_bytes())?;
    let between = bounded(u64::from(then.saturating_sub(now)));
    ensure!(dated == Some(between), "between {now} and {then} lies {dated:?}");
    Ok(())
}

/// The wait that each kind of trouble is read with, which must be one.
fn waits(
    retry_after: &[u8],
    date: &[u8],
    judge: impl Fn(&Reply) -> Option<Failure>,
) -> Result<Option<Duration>, Broken> {
    let headers: HeaderMap = [(RETRY_AFTER, retry_after), (DATE, date)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value).ok()?)))
        .collect();
    let wait = |status| {
        let body = Zeroizing::new(b"{}".to_vec());
        match judge(&Reply { status, headers: headers.clone(), body }) {
            Some(Failure::Transient { retry_after, .. } | Failure::Throttled { retry_after, .. }) => {
                Ok(retry_after)
            }
            other => Err(Broken(format!("{status} means {other:?}"))),
        }
    };
    let waits = [wait(429)?, wait(503)?, wait(200)?];
    ensure!(waits.iter().all(|wait| *wait == waits[0]), "one header, and these waits: {waits:?}");
    if let Some(wait) = waits[0] {
        ensure!((Duration::from_secs(1)..=Duration::from_secs(900)).contains(&wait), "a wait of {wait:?}");
    }
    Ok(waits[0])
}

const fn bounded(seconds: u64) -> Duration {
    match seconds {
        0 => Duration::from_secs(1),
        1..=900 => Duration::from_secs(seconds),
        _ => Duration::from_secs(900),
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    all.then(|| {
        text.iter().fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add((digit - b'0').into()))
    })
}

/// A date as every sender must write it (RFC 9110 §5.6.7, `Sun, 06 Nov 1994 08:49:37 GMT`), in seconds since the Unix
/// epoch; a date in another form or before the epoch is none.
pub(crate) fn moment(text: &[u8]) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii() && text.len() == 29)?;
    let number = |from: usize, to: usize| {
        let digits = &text[from..to];
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten()
    };
    let marks =
        (&text[3..5], &text[7..8], &text[11..12], &text[16..17], &text[19..20], &text[22..23], &text[25..]);
    if marks != (", ", " ", " ", " ", ":", ":", " GMT") {
        return None;
    }
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == &text[8..11])?.0;
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
    let in_range = (1970..=9999).contains(&year)
        && (1..=days_of(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let days = in_range.then(|| days_before(month, year) + day - 1)?;
    // 1 January 1970 was a Thursday.
    let weekday = DAYS[usize::try_from((days + 3) % 7).ok()?];
    (weekday == &text[..3]).then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(month: u64, year: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from the epoch to the first of the month.
fn days_before(month: u64, year: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    years + (1..month).map(|month| days_of(month, year)).sum::<u64>()
}

fn two_moments(bytes: &[u8]) -> [u32; 2] {
    let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
    [[at(0), at(1), at(2), at(3)], [at(4), at(5), at(6), at(7)]].map(u32::from_be_bytes)
}

fn http_date(since_epoch: u32) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reader_of_dates_agrees_with_the_writer() {
        for seconds in [0, 86_399, 68_169_600, 951_782_400, 1_700_000_000, 4_107_542_400, u32::MAX] {
            assert_eq!(moment(http_date(seconds).as_bytes()), Some(seconds.into()), "{}", http_date(seconds));
        }
        for text in [
            "",
            "Thu, 01 Jan 1970 00:00:60 GMT",
            "Fri, 01 Jan 1970 00:00:00 GMT",
            "Thu, 30 Feb 2023 00:00:00 GMT",
        ] {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }
}
