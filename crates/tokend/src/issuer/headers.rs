//! What a reply's headers say, as far as it is believed.

use std::time::{Duration, SystemTime};

use reqwest::header::{
    AsHeaderName, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE,
};

/// No wait is shorter ...
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// ... or longer than this, whatever is asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long the issuer asks us to wait (RFC 9110 §10.2.3): 1 s to 15 min, none if it does not say so clearly.
///
/// A date counts from the reply's own `Date`, never from our clock, which need not agree with the issuer's.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER)?;
    let wait = match seconds(text) {
        Some(seconds) => Duration::from_secs(seconds),
        None => until(httpdate::parse_http_date(text).ok()?, date(headers)?),
    };
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// When the reply was made by the issuer's clock, since the Unix epoch.
pub(super) fn server_time(headers: &HeaderMap) -> Option<Duration> {
    date(headers)?.duration_since(SystemTime::UNIX_EPOCH).ok()
}

/// The media type in lower case, without its parameters; empty if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = text(headers, CONTENT_TYPE).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the body is compressed, though nobody asked for that.
pub(super) fn is_compressed(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a password is asked for by HTTP Basic authentication, which Airbyte's API never does.
pub(super) fn asks_for_password(headers: &HeaderMap) -> bool {
    let is_basic =
        |challenge: &[u8]| challenge.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"));
    headers.get_all(WWW_AUTHENTICATE).iter().any(|challenge| is_basic(challenge.as_bytes()))
}

/// A header's text, if it is there once or more and the first is ASCII.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, DATE)?).ok()
}

/// Digits only; more of them than fit mean very long, which is clamped all the same.
fn seconds(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// From one date to a later one; nothing if it is not later.
fn until(then: SystemTime, now: SystemTime) -> Duration {
    then.duration_since(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOON: &str = "Fri, 15 May 2015 12:00:00 GMT";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn wait(value: &str) -> Option<u64> {
        retry_after(&headers(&[(RETRY_AFTER, value), (DATE, NOON)])).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_in_seconds_is_honoured_within_bounds() {
        let table = [
            ("7", 7),
            (" 7 ", 7),
            ("0", 1),
            ("1", 1),
            ("900", 900),
            ("901", 900),
            ("99999999999999999999999", 900),
        ];
        for (value, seconds) in table {
            assert_eq!(wait(value), Some(seconds), "{value}");
        }
    }

    #[test]
    fn a_date_counts_from_the_replys_own() {
        let table = [
            ("Fri, 15 May 2015 12:00:42 GMT", 42),
            ("Fri, 15 May 2015 11:00:00 GMT", 1),
            ("Sat, 16 May 2015 12:00:00 GMT", 900),
        ];
        for (value, seconds) in table {
            assert_eq!(wait(value), Some(seconds), "{value}");
        }
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, NOON)])), None, "there is no date to count from");
    }

    #[test]
    fn garbage_asks_for_nothing() {
        for value in ["", "-7", "+7", "7.5", "7s", "soon", "Fri, 32 May 2015 12:00:00 GMT"] {
            assert_eq!(wait(value), None, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn the_date_is_read_as_seconds() {
        assert_eq!(server_time(&headers(&[(DATE, NOON)])), Some(Duration::from_secs(1_431_691_200)));
        assert_eq!(server_time(&headers(&[(DATE, "noon")])), None);
    }

    #[test]
    fn the_media_type_stands_alone_and_in_lower_case() {
        assert_eq!(media_type(&headers(&[(CONTENT_TYPE, "Text/HTML; charset=utf-8")])), "text/html");
        assert_eq!(media_type(&HeaderMap::new()), "");
    }

    #[test]
    fn a_basic_challenge_is_noticed_among_others() {
        let challenge = |text| asks_for_password(&headers(&[(WWW_AUTHENTICATE, text)]));
        assert!(challenge("Basic realm=\"\"") && challenge("bAsIc"));
        assert!(!challenge("Bearer") && !challenge(""));
    }

    proptest! {
        #[test]
        fn no_header_makes_a_wait_leave_its_bounds(retry in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            let headers = headers(&[(RETRY_AFTER, &retry), (DATE, &date)]);
            if let Some(wait) = retry_after(&headers) {
                prop_assert!((SHORTEST_WAIT..=LONGEST_WAIT).contains(&wait));
            }
            prop_assert!(server_time(&headers).is_none_or(|time| time < Duration::from_secs(1 << 38)));
        }

        #[test]
        fn a_wait_until_a_date_is_the_difference(now in 0u64..4_000_000_000, later in 0u64..2_000) {
            let at = |seconds| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            let headers = headers(&[(RETRY_AFTER, &at(now + later)), (DATE, &at(now))]);
            prop_assert_eq!(retry_after(&headers), Some(Duration::from_secs(later.clamp(1, 900))));
        }
    }
}
