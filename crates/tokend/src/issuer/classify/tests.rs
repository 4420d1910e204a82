use std::time::Duration;

use airbyte_token_core::Secret;
use proptest::prelude::*;
use reqwest::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use zeroize::Zeroizing;

use super::*;

const SELF_MANAGED: &str = "http://localhost:8000/api/public/v1/applications/token";
const CLOUD: &str = "https://api.airbyte.com/v1/applications/token";
const AGENTS: &str = "https://api.airbyte.ai/api/v1/account/applications/token";
const JSON: &str = "application/json";
const HTML: &str = "text/html;charset=UTF-8";
const PROBLEM: &str = "application/problem+json";
const NGINX: &str = "<html><head><title>Error</title></head><body><h1>An error occurred.</h1>Faithfully yours, nginx.</body></html>";
const ERROR_ID: &str = r#"{"errorId":"b1f0c0de-1111-2222-3333-444455556666"}"#;

/// What is expected of a failure: its kind, and a piece of its detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transient,
    Throttled,
    Suspect,
    Rejected,
    WrongAddress,
    Intercepted,
}

fn kind(failure: &Failure) -> Kind {
    match failure {
        Failure::Transient { .. } => Kind::Transient,
        Failure::Throttled { .. } => Kind::Throttled,
        Failure::Suspect { .. } => Kind::Suspect,
        Failure::Rejected { .. } => Kind::Rejected,
        Failure::Misdirected { by: Misdirection::Address, .. } => Kind::WrongAddress,
        Failure::Misdirected { by: Misdirection::Interception, .. } => Kind::Intercepted,
        Failure::Unreached { .. } | Failure::Untrusted { .. } => panic!("there was a reply"),
        Failure::Vault { .. } => panic!("the issuer has no vault"),
    }
}

fn failure(url: &str, status: u16, headers: &[(HeaderName, &str)], body: &[u8]) -> Failure {
    let header = |(name, value): &(HeaderName, &str)| (name.clone(), HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    let reply = Reply { status, headers, body: Zeroizing::new(body.to_vec()) };
    let secret = Secret::new("correct-horse-battery-staple".to_owned());
    classify(&reply, &Url::parse(url).unwrap(), &Quoter::without(&secret))
}

#[track_caller]
fn expect(url: &str, (status, media_type, body): (u16, &str, &str), expected: Kind, piece: &str) {
    let failure = failure(url, status, &[(CONTENT_TYPE, media_type)], body.as_bytes());
    let detail = failure.detail().as_str();
    assert_eq!(kind(&failure), expected, "{status} {body}: {detail}");
    assert!(detail.contains(piece), "{status} {body}: {detail:?} lacks {piece:?}");
}

fn hal(outer: &str, href: &str, inner: &str) -> String {
    format!(
        r#"{{"message":"{outer}","_links":{{"self":{{"href":"{href}","templated":false}}}},"_embedded":{{"errors":[{{"message":"{inner}","_links":{{}},"_embedded":{{}}}}]}}}}"#
    )
}

#[test]
fn core_refuses_a_wrong_pair_with_400() {
    for href in ["/api/public/v1/applications/token", "/api/v1/applications/token"] {
        let body = hal("Bad Request", href, "Invalid client id or token");
        expect(SELF_MANAGED, (400, JSON, &body), Kind::Rejected, "(400, \"Invalid client id or token\")");
    }
}

#[test]
fn keycloak_refuses_a_wrong_pair_with_401_and_an_error_id_that_is_shown() {
    let piece = "(401, errorId b1f0c0de-1111-2222-3333-444455556666)";
    expect(CLOUD, (401, JSON, ERROR_ID), Kind::Rejected, piece);
}

#[test]
fn a_500_with_an_error_id_is_suspect_whatever_it_was() {
    let piece = "(500, errorId b1f0c0de-1111-2222-3333-444455556666)";
    expect(SELF_MANAGED, (500, JSON, ERROR_ID), Kind::Suspect, piece);
}

#[test]
fn releases_up_to_1_8_pass_keycloaks_401_on_as_500() {
    let body = r#"{"message":"Internal Server Error: HTTP 401 Unauthorized","exceptionClassName":"jakarta.ws.rs.NotAuthorizedException","exceptionStack":[],"rootCauseExceptionStack":[]}"#;
    expect(SELF_MANAGED, (500, JSON, body), Kind::Rejected, "HTTP 401 Unauthorized");
    let other = r#"{"message":"Internal Server Error: null","exceptionClassName":"java.lang.NullPointerException","exceptionStack":[],"rootCauseExceptionStack":[]}"#;
    expect(
        SELF_MANAGED,
        (500, JSON, other),
        Kind::Transient,
        "trouble (500, \"Internal Server Error: null\")",
    );
}

#[test]
fn a_refusal_without_a_reason_is_suspect() {
    for status in [400, 422] {
        expect(SELF_MANAGED, (status, JSON, ERROR_ID), Kind::Suspect, "errorId b1f0c0de");
    }
    let micronaut = hal("Bad Request", "/api/public/v1/applications/token", "Invalid JSON: something");
    expect(SELF_MANAGED, (400, JSON, &micronaut), Kind::Suspect, "\"Invalid JSON: something\"");
    expect(SELF_MANAGED, (400, "text/plain", "no"), Kind::Suspect, "(400)");
}

#[test]
fn a_401_that_shows_another_path_is_a_wrong_url_and_not_a_wrong_secret() {
    for (url, href) in [
        (CLOUD, "/api/public/applications/token"),
        (SELF_MANAGED, "/api/public/api/public/v1/applications/token"),
        (SELF_MANAGED, "/v1/applications/token"),
        (SELF_MANAGED, ""),
    ] {
        for status in [401, 403] {
            let body = hal("Unauthorized", href, "Unauthorized");
            expect(url, (status, JSON, &body), Kind::WrongAddress, "check the url");
        }
    }
    let body = hal("Unauthorized", "/api/public/applications/token", "Unauthorized");
    expect(CLOUD, (401, JSON, &body), Kind::WrongAddress, "Airbyte saw /api/public/applications/token");
}

#[test]
fn a_401_that_shows_the_right_path_is_a_refusal() {
    let mapped = hal("Unauthorized", "/api/public/v1/applications/token", "Unauthorized");
    expect(CLOUD, (401, JSON, &mapped), Kind::Rejected, "refuses this client id and secret");
    expect(SELF_MANAGED, (401, JSON, &mapped), Kind::Rejected, "refuses this client id and secret");
    let prefixed = "https://example.com/airbyte/api/public/v1/applications/token";
    expect(prefixed, (401, JSON, &mapped), Kind::Rejected, "refuses this client id and secret");
    let own = hal("Unauthorized", "/airbyte/api/public/v1/applications/token", "Unauthorized");
    expect(prefixed, (401, JSON, &own), Kind::Rejected, "refuses this client id and secret");
}

#[test]
fn a_path_that_wants_a_bearer_is_not_the_token_endpoint() {
    let body = r#"{"status":401,"type":"https://reference.airbyte.com/reference/errors#invalid-api-key","title":"invalid-api-key","detail":"The API key in the Authorization header is invalid."}"#;
    expect(
        CLOUD,
        (401, PROBLEM, body),
        Kind::WrongAddress,
        "wants a bearer token (401, \"invalid-api-key\")",
    );
}

#[test]
fn forbidden_is_a_refusal() {
    let body = r#"{"status":403,"type":"https://reference.airbyte.com/reference/errors#forbidden","title":"forbidden","detail":"The request is forbidden."}"#;
    expect(CLOUD, (403, PROBLEM, body), Kind::Rejected, "(403, \"forbidden\")");
    expect(CLOUD, (403, JSON, ERROR_ID), Kind::Rejected, "(403, errorId");
}

#[test]
fn a_bare_401_or_403_is_a_refusal() {
    for status in [401, 403] {
        for body in ["", "no", "{}", "[]", "{\"error\":\"invalid_client\"}", "{\"message\":"] {
            expect(SELF_MANAGED, (status, JSON, body), Kind::Rejected, &format!("({status})"));
        }
    }
}

#[test]
fn what_is_not_there_is_a_wrong_address() {
    for body in [
        r#"{"type":"about:blank","status":404}"#,
        r#"{"message":"The current request is not defined by this API.","code":404}"#,
        "",
        NGINX,
    ] {
        expect(
            CLOUD,
            (404, JSON, body),
            Kind::WrongAddress,
            "no token endpoint at /v1/applications/token (404",
        );
    }
    expect(SELF_MANAGED, (404, HTML, NGINX), Kind::WrongAddress, "(404)");
    expect(SELF_MANAGED, (405, JSON, ""), Kind::WrongAddress, "(405)");
    expect(SELF_MANAGED, (410, JSON, ""), Kind::WrongAddress, "(410)");
}

#[test]
fn a_password_in_front_of_airbyte_is_told_from_airbytes_own_refusal() {
    let headers = [(CONTENT_TYPE, "text/html"), (WWW_AUTHENTICATE, "Basic realm=\"\"")];
    let page = failure(SELF_MANAGED, 401, &headers, b"<html><h1>401 Authorization Required</h1></html>");
    assert_eq!(kind(&page), Kind::Intercepted);
    assert!(page.detail().as_str().contains("a proxy in front of Airbyte asks for a password (401)"));

    let own = failure(SELF_MANAGED, 401, &[(WWW_AUTHENTICATE, "Bearer")], ERROR_ID.as_bytes());
    assert_eq!(kind(&own), Kind::Rejected);
    expect(SELF_MANAGED, (407, HTML, ""), Kind::Intercepted, "asks for a password (407)");
}

#[test]
fn a_web_page_with_a_refusal_is_not_airbytes() {
    for status in [400, 401, 403, 413, 451] {
        expect(SELF_MANAGED, (status, HTML, NGINX), Kind::Intercepted, "got a web page");
    }
    let unnamed = failure(SELF_MANAGED, 403, &[], b"  <!doctype html>");
    assert_eq!(kind(&unnamed), Kind::Intercepted);
}

#[test]
fn other_refusals_are_not_the_token_endpoints() {
    for status in [402, 406, 409, 411, 413, 415, 421, 426, 431, 451, 499] {
        expect(
            SELF_MANAGED,
            (status, JSON, "{}"),
            Kind::WrongAddress,
            &format!("refuses the request ({status})"),
        );
    }
}

#[test]
fn what_passes_by_itself_is_transient() {
    let slow = r#"{"status":408,"type":"error:request-timeout-exceeded","title":"Request timeout exceeded","detail":"The request has exceeded the timeout associated with this endpoint.","data":{"timeout":"PT1S"}}"#;
    expect(SELF_MANAGED, (408, PROBLEM, slow), Kind::Transient, "(408, \"Request timeout exceeded\")");
    expect(SELF_MANAGED, (425, JSON, ""), Kind::Transient, "(425)");
    expect(SELF_MANAGED, (502, HTML, NGINX), Kind::Transient, "trouble (502)");
    let down = r#"{"status":503,"type":"https://reference.airbyte.com/reference/errors#service-unavailable","title":"service-unavailable"}"#;
    expect(SELF_MANAGED, (503, PROBLEM, down), Kind::Transient, "(503, \"service-unavailable\")");
    for status in [500, 501, 503, 504, 520, 599] {
        expect(SELF_MANAGED, (status, JSON, "{}"), Kind::Transient, &format!("({status})"));
    }
    expect(SELF_MANAGED, (502, JSON, ERROR_ID), Kind::Transient, "(502, errorId");
}

#[test]
fn an_answer_that_is_neither_success_nor_refusal_is_transient() {
    for status in [100, 201, 204, 206, 600, 999] {
        expect(SELF_MANAGED, (status, JSON, ""), Kind::Transient, &format!("without a token ({status})"));
    }
}

#[test]
fn agents_refusals_are_read_from_their_message() {
    for status in [400, 401, 403] {
        let body = r#"{"message":"Invalid client credentials","errors":[]}"#;
        expect(
            AGENTS,
            (status, JSON, body),
            Kind::Rejected,
            &format!("({status}, \"Invalid client credentials\")"),
        );
        expect(
            AGENTS,
            (status, JSON, r#"{"message":null,"errors":[]}"#),
            Kind::Rejected,
            &format!("({status})"),
        );
    }
    expect(
        AGENTS,
        (422, JSON, r#"{"message":"bad uuid","errors":[]}"#),
        Kind::Suspect,
        "(422, \"bad uuid\")",
    );
    expect(AGENTS, (500, JSON, r#"{"message":"oops","errors":[]}"#), Kind::Transient, "(500, \"oops\")");
}

#[test]
fn being_throttled_is_told_apart_with_and_without_a_wait() {
    let body = br#"{"message":"You are being rate limited."}"#;
    let wait = |headers: &[(HeaderName, &str)]| {
        let failure = failure(CLOUD, 429, headers, body);
        let Failure::Throttled { retry_after, detail } = failure else { panic!("{failure:?}") };
        assert!(detail.as_str().contains("(429, \"You are being rate limited.\")"));
        retry_after
    };
    assert_eq!(wait(&[]), None);
    assert_eq!(wait(&[(RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
}

#[test]
fn a_server_in_trouble_may_ask_for_a_wait_too() {
    let failure = failure(CLOUD, 503, &[(RETRY_AFTER, "7")], b"");
    assert!(matches!(failure, Failure::Transient { retry_after: Some(wait), .. } if wait.as_secs() == 7));
}

#[test]
fn a_redirect_is_named_by_scheme_and_host_and_nothing_more() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let location = [(LOCATION, "https://user:pass@evil.example:8443/steal?secret=s#f")];
        let failure = failure(CLOUD, status, &location, b"");
        let detail = failure.detail().as_str();
        assert_eq!(kind(&failure), Kind::Intercepted);
        assert!(detail.contains(&format!("redirects to https://evil.example:8443 ({status})")), "{detail}");
        assert!(
            !detail.contains("user") && !detail.contains("pass@") && !detail.contains("steal"),
            "{detail}"
        );
    }
}

#[test]
fn a_redirect_comes_with_the_likely_remedy() {
    let remedy = |url, location: &str| {
        let failure = failure(url, 308, &[(LOCATION, location)], b"");
        failure.detail().as_str().to_owned()
    };
    let to_https = remedy(SELF_MANAGED, "https://localhost:8000/api/public/v1/applications/token");
    assert!(to_https.contains("begin the url with https://"), "{to_https}");
    for location in ["/login", "https://api.airbyte.com/v1/applications/token/"] {
        let elsewhere = remedy(CLOUD, location);
        assert!(
            elsewhere.contains("https://api.airbyte.com (308)") && elsewhere.contains("check the path"),
            "{elsewhere}"
        );
    }
    assert!(remedy(CLOUD, "https://login.example/").contains("set the url to it"));
    assert!(remedy(CLOUD, "mailto:me@example.com").contains("redirects to nowhere"));
    assert!(remedy(CLOUD, "https://").contains("redirects to nowhere"));
}

#[test]
fn what_upstream_says_is_shown_short_and_clean() {
    let body = format!(r#"{{"message":"{}\u001b[31m\r\nX: y\u202e"}}"#, "x".repeat(10));
    expect(AGENTS, (400, JSON, &body), Kind::Rejected, "\"xxxxxxxxxx?[31m??X: y?\"");
    let id = "\u{1b}[2J".repeat(4);
    let body = serde_json::json!({ "errorId": id }).to_string();
    expect(CLOUD, (401, JSON, &body), Kind::Rejected, "errorId (something unreadable)");
}

#[test]
fn a_message_that_repeats_the_secret_is_not_shown() {
    let body = r#"{"message":"unknown secret correct-horse-battery-staple","errors":[]}"#;
    expect(AGENTS, (400, JSON, body), Kind::Rejected, "not shown");
    let failure =
        failure(CLOUD, 307, &[(LOCATION, "https://correct-horse-battery-staple.evil.example")], b"");
    assert!(failure.detail().as_str().contains("not shown"));
}

prop_compose! {
    /// Bodies made of shapes that are known and of anything else.
    fn hostile_body()(
        shape in prop_oneof![
            Just(String::new()),
            Just("{\"errorId\":@}".to_owned()),
            Just("{\"message\":@,\"errors\":[]}".to_owned()),
            Just("{\"message\":\"x\",\"_links\":{\"self\":{\"href\":@}}}".to_owned()),
            Just("{\"_embedded\":{\"errors\":[{\"message\":@}]}}".to_owned()),
            Just("{\"type\":@,\"title\":@}".to_owned()),
            "\\PC{0,40}",
        ],
        value in ".{0,300}",
        junk in prop::collection::vec(any::<u8>(), 0..64),
        keep_junk in any::<bool>(),
    ) -> Vec<u8> {
        let value = serde_json::Value::from(value).to_string();
        let mut body = shape.replace('@', &value).into_bytes();
        if keep_junk { body.extend(junk) }
        body
    }
}

proptest! {
    #[test]
    fn no_reply_makes_it_panic_or_show_what_it_should_not(
        status in 0u16..1000,
        media_type in "[ -~]{0,40}",
        location in "[ -~]{0,80}",
        retry in "[ -~]{0,20}",
        body in hostile_body(),
    ) {
        let headers = [(CONTENT_TYPE, media_type.as_str()), (LOCATION, &location), (RETRY_AFTER, &retry)];
        let failure = failure(SELF_MANAGED, status, &headers, &body);
        let detail = failure.detail().as_str();
        prop_assert!(detail.len() <= Detail::LIMIT && detail.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        if let Failure::Transient { retry_after, .. } | Failure::Throttled { retry_after, .. } = failure {
            prop_assert!(retry_after.is_none_or(|wait| (1..=900).contains(&wait.as_secs())));
        }
    }

    /// `#` stands in none of our own words, so any run of it must have come from the body.
    #[test]
    fn nothing_of_a_body_is_shown_but_the_pieces_that_are_quoted_on_purpose(
        status in 201u16..1000,
        before in "[ -~]{0,20}",
        field in "[a-z]{1,8}",
    ) {
        let marker = "#".repeat(8);
        prop_assume!(field != "message" && field != "type" && field != "title");
        let text = format!("{before}{marker}");
        let object = serde_json::json!({ &field: marker, "detail": marker, "errors": [marker], "nested": { "message": marker } });
        for body in [text.clone(), object.to_string(), format!("<html>{text}")] {
            for media_type in [JSON, HTML, PROBLEM, "text/plain"] {
                let failure = failure(SELF_MANAGED, status, &[(CONTENT_TYPE, media_type)], body.as_bytes());
                prop_assert!(!failure.detail().as_str().contains('#'), "{}", failure.detail());
            }
        }
    }

    #[test]
    fn a_piece_that_is_quoted_is_at_most_eighty_characters(status in 400u16..600, length in 0usize..400) {
        let body = serde_json::json!({ "message": "#".repeat(length), "errors": [] }).to_string();
        let failure = failure(AGENTS, status, &[(CONTENT_TYPE, JSON)], body.as_bytes());
        let shown = failure.detail().as_str().matches('#').count();
        prop_assert!(shown <= 80 && (shown == 0 || shown == length.min(80)), "{}", failure.detail());
    }
}
