use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::*;

const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz";
/// 1 700 000 000 seconds after the epoch.
const NOW: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

fn reply(headers: &[(HeaderName, &str)], body: &[u8]) -> Reply {
    let header = |(name, value): &(HeaderName, &str)| (name.clone(), HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    Reply { status: 200, headers, body: Zeroizing::new(body.to_vec()) }
}

fn requested() -> Url {
    Url::parse("https://api.airbyte.com/v1/applications/token").unwrap()
}

fn judged(reply: &Reply) -> Result<Issued, Failure> {
    let secret = Secret::new("correct-horse-battery-staple".to_owned());
    judge(reply, &requested(), Quoter::without(&secret))
}

fn judged_json(body: &str) -> Result<Issued, Failure> {
    judged(&reply(&[(CONTENT_TYPE, "application/json"), (DATE, NOW)], body.as_bytes()))
}

fn lifetime_of(body: &str) -> u64 {
    judged_json(body).unwrap().lifetime.as_secs()
}

#[track_caller]
fn expect_transient(result: Result<Issued, Failure>, piece: &str) {
    match result {
        Err(Failure::Transient { retry_after: None, detail }) => {
            assert!(detail.as_str().contains(piece), "{detail} lacks {piece:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn expect_interception(result: Result<Issued, Failure>, piece: &str) {
    match result {
        Err(Failure::Misdirected { by: Misdirection::Interception, detail }) => {
            assert!(detail.as_str().contains(piece), "{detail} lacks {piece:?}");
        }
        other => panic!("{other:?}"),
    }
}

fn jwt(payload: &str) -> String {
    format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(payload))
}

#[test]
fn the_public_and_the_internal_reply_are_read() {
    let public =
        judged_json(&format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":900}}"#))
            .unwrap();
    assert_eq!(public.access_token.expose(), TOKEN);
    assert_eq!(public.lifetime.as_secs(), 899);
    assert_eq!(public.fingerprint.to_string(), "71c480df93d6ae2f");

    let internal = judged_json(&format!(r#"{{"access_token":"{TOKEN}"}}"#)).unwrap();
    assert_eq!(internal.lifetime.as_secs(), 179);
}

#[test]
fn the_reply_of_agents_is_read() {
    let body = format!(
        r#"{{"access_token":"{TOKEN}","token_type":"bearer","expires_in":900,"organization_id":"12345678-1234-1234-1234-123456789012"}}"#
    );
    assert_eq!(lifetime_of(&body), 899);
}

#[test]
fn the_shorter_of_what_is_said_and_what_the_token_says_counts() {
    let lived = |expires_in: &str, payload: &str| {
        lifetime_of(&format!(r#"{{"access_token":"{}","expires_in":{expires_in}}}"#, jwt(payload)))
    };
    assert_eq!(lived("180", r#"{"exp":1700086400}"#), 179, "releases 0.63.9 to 1.5 said less than was true");
    assert_eq!(lived("900", r#"{"iat":1700000000,"exp":1700000180}"#), 179, "Cloud in March 2025 said more");
    assert_eq!(lived("15", r#"{"exp":1700000900}"#), 899, "Cloud in March 2025 said minutes");
    assert_eq!(lived("60", r#"{"exp":1700000060}"#), 59);
    assert_eq!(lived("86400", r#"{"exp":1700086400}"#), 86_399);
    assert_eq!(lived("null", r#"{"exp":1700000900}"#), 899, "counted from the reply's date");
    assert_eq!(lived("\"900\"", r#"{"roles":[]}"#), 899);
    assert_eq!(lived("1e400", r#"{"exp":1700000900}"#), 899);
    assert_eq!(lived("99999999999999999999", r#"{"exp":1700000900}"#), 899);
    assert_eq!(lived("99999999999999999999", "{}"), 86_399, "no more than a day");
    assert_eq!(lived("\"soon\"", "{}"), 179);
}

#[test]
fn a_token_that_is_dead_on_arrival_is_refused() {
    for expires_in in ["0", "-1", "\"0\"", "-1e300"] {
        let body = format!(r#"{{"access_token":"{TOKEN}","expires_in":{expires_in}}}"#);
        expect_transient(judged_json(&body), "expired when it was issued");
    }
    let body = format!(r#"{{"access_token":"{}","expires_in":900}}"#, jwt(r#"{"exp":1699999999}"#));
    expect_transient(judged_json(&body), "expired when it was issued");
}

#[test]
fn the_type_may_be_left_out_and_spelled_in_any_case_but_must_be_bearer() {
    let typed = |json: &str| judged_json(&format!(r#"{{"access_token":"{TOKEN}","token_type":{json}}}"#));
    for json in ["\"Bearer\"", "\"bearer\"", "\"BEARER\"", "null"] {
        assert!(typed(json).is_ok(), "{json}");
    }
    for json in ["\"mac\"", "\"\"", "\"Bearer \"", "1", "[\"Bearer\"]"] {
        expect_transient(typed(json), "token_type is not Bearer");
    }
}

#[test]
fn each_odd_token_is_refused_in_its_own_words() {
    let with = |json: &str| judged_json(&format!(r#"{{"access_token":{json}}}"#));
    expect_transient(judged_json("{}"), "has no access_token");
    expect_transient(with("null"), "has no access_token");
    expect_transient(with("42"), "not text");
    expect_transient(with("[\"a\"]"), "not text");
    expect_transient(with("\"\""), "only 0 bytes");
    expect_transient(with("\"short\""), "only 5 bytes");
    expect_transient(with(&format!("\"{}\"", "a".repeat(8_193))), "more than 8192");
    expect_transient(with(r#""abcdefghijklmnopqrst\r\nX-Injected: yes""#), "invalid character at offset 20");
    expect_transient(with(r#""abcdefghijklmnopqrst\u0000""#), "invalid character at offset 20");
    expect_transient(with(r#""abcdefghijklmnopqrst\u001b]0;owned\u0007""#), "invalid character at offset 20");
    expect_transient(with(r#""abcdefghijklmnopqrst\u202e""#), "invalid character at offset 20");
    expect_transient(with(r#""abcdefghijklmnopqrst\ud800""#), "not text");
    assert_eq!(with(r#""abcdefghijklmno\/pqrst""#).unwrap().access_token.expose(), "abcdefghijklmno/pqrst");
}

#[test]
fn a_reply_with_a_field_twice_is_refused() {
    for body in [
        format!(r#"{{"access_token":"{TOKEN}","access_token":"{TOKEN}"}}"#),
        format!(r#"{{"access_token":"other","access\u005ftoken":"{TOKEN}"}}"#),
    ] {
        expect_transient(judged_json(&body), "has access_token twice");
    }
    let body = format!(r#"{{"expires_in":1,"access_token":"{TOKEN}","expires_in":900}}"#);
    expect_transient(judged_json(&body), "has expires_in twice");
}

#[test]
fn what_is_not_json_is_named_for_what_it_is() {
    let page =
        |media_type| judged(&reply(&[(CONTENT_TYPE, media_type)], b"<!doctype html><title>Airbyte</title>"));
    expect_interception(page("text/html; charset=utf-8"), "not an Airbyte token endpoint: got text/html");
    expect_interception(page("application/xhtml+xml"), "got application/xhtml+xml");
    expect_interception(page("text/plain"), "got text/plain");
    expect_interception(page("a b\"c"), "got (something unreadable)");
    expect_transient(page("application/json"), "not one whole JSON object");
    for body in ["", "null", "[]", "[\"a\"]", "{\"access_token\":\"abcdefghijklmnopqrs", "{}{}"] {
        expect_transient(judged_json(body), "not one whole JSON object");
    }
}

#[test]
fn a_token_in_a_web_page_is_not_taken() {
    let body = format!(r#"{{"access_token":"{TOKEN}"}}"#);
    expect_interception(judged(&reply(&[(CONTENT_TYPE, "text/html")], body.as_bytes())), "got text/html");
    for headers in [&[] as &[_], &[(CONTENT_TYPE, "text/plain")], &[(CONTENT_TYPE, "application/vnd.x+json")]]
    {
        assert!(judged(&reply(headers, body.as_bytes())).is_ok(), "{headers:?}");
    }
}

#[test]
fn a_compressed_reply_is_refused_unseen() {
    let body = format!(r#"{{"access_token":"{TOKEN}"}}"#);
    for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        expect_transient(judged(&reply(&[(CONTENT_ENCODING, coding)], body.as_bytes())), "compressed");
    }
    assert!(judged(&reply(&[(CONTENT_ENCODING, "identity")], body.as_bytes())).is_ok());
}

#[test]
fn a_status_other_than_200_brings_no_token_whatever_the_body() {
    let body = format!(r#"{{"access_token":"{TOKEN}","expires_in":900}}"#);
    for status in [201, 203, 302, 401, 500] {
        let reply = Reply { status, ..reply(&[(CONTENT_TYPE, "application/json")], body.as_bytes()) };
        assert!(judged(&reply).is_err(), "{status}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_bring_a_bad_token(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (".{0,60}", "[-0-9.eE]{0,12}|\"[ -~]{0,12}\"", any::<bool>()).prop_map(|(token, expires_in, bearer)| {
                let token = serde_json::Value::from(token);
                let kind = if bearer { "Bearer" } else { "mac" };
                format!(r#"{{"access_token":{token},"token_type":"{kind}","expires_in":{expires_in}}}"#).into_bytes()
            }),
            ("[a-zA-Z0-9._~+/-]{20,60}={0,2}", "-?[0-9]{1,25}(\\.[0-9]{1,3})?").prop_map(|(token, expires_in)| {
                format!(r#"{{"access_token":"{token}","expires_in":{expires_in}}}"#).into_bytes()
            }),
        ],
        media_type in "(application/json|text/plain|)",
    ) {
        match judged(&reply(&[(CONTENT_TYPE, &media_type), (DATE, NOW)], &body)) {
            Ok(issued) => {
                let token = issued.access_token.expose();
                let plain = token.trim_end_matches('=');
                prop_assert!((20..=8_192).contains(&token.len()) && !plain.is_empty());
                prop_assert!(plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)));
                prop_assert!((1..=86_400_000).contains(&issued.lifetime.as_millis()));
            }
            Err(failure) => prop_assert!(failure.detail().as_str().len() <= Detail::LIMIT),
        }
    }

    /// `#` stands in none of our own words, and no token may have it.
    #[test]
    fn nothing_of_a_bad_reply_is_shown(before in "[a-z]{0,30}", field in "(access_token|token_type|expires_in|other)") {
        let marker = format!("{before}{}", "#".repeat(8));
        for body in [marker.clone(), serde_json::json!({ field: marker }).to_string()] {
            for media_type in ["application/json", "text/html", "text/plain"] {
                if let Err(failure) = judged(&reply(&[(CONTENT_TYPE, media_type)], body.as_bytes())) {
                    prop_assert!(!failure.detail().as_str().contains('#'), "{}", failure.detail());
                }
            }
        }
    }

    #[test]
    fn any_payload_of_a_token_is_survived(payload in prop::collection::vec(any::<u8>(), 0..80), raw in "[A-Za-z0-9_-]{0,40}") {
        for payload in [URL_SAFE_NO_PAD.encode(payload), raw] {
            let token = format!("eyJhbGciOiJub25lIn0.{payload}.");
            let issued = judged_json(&format!(r#"{{"access_token":"{token}","expires_in":900}}"#));
            if let Ok(issued) = issued {
                prop_assert!(issued.lifetime.as_secs() <= 900);
            }
        }
    }
}
