//! Faults that are whole answers, and lies in true ones.

use std::io::Read as _;

use airbyte_sandbox::{Canned, Fault, OddToken, RetryAfter, Sandbox, Scope, Settings};
use serde_json::Value;

use super::{
    CLOUD, INTERNAL, PAIR, PUBLIC,
    client::{Answer, get, post, send},
};

async fn struck_by(fault: impl Into<Fault>) -> Answer {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(fault.into());
    post(&airbyte, PUBLIC, PAIR).await
}

async fn struck_by_text(fault: &str) -> Answer {
    struck_by(fault.parse::<Fault>().unwrap()).await
}

#[tokio::test]
async fn a_status_strikes_as_often_as_told_and_then_all_is_well() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(Fault::status(503).retry_after("7").times(2));
    for _ in 0..2 {
        let struck = post(&airbyte, CLOUD, PAIR).await;
        assert_eq!((struck.status, struck.header("retry-after")), (503, Some("7")));
    }
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 200);
    assert_eq!((airbyte.exchanges(), airbyte.issued_tokens().len()), (3, 1));
}

#[tokio::test]
async fn a_fault_that_lasts_forever_ends_when_cleared() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(Fault::status(500).forever());
    for _ in 0..3 {
        assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 500);
    }
    airbyte.clear_faults();
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 200);
}

#[tokio::test]
async fn a_fault_on_the_api_leaves_the_token_endpoint_alone() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(Fault::answer(Canned::RateLimited429).on(Scope::Api));
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    assert_eq!(get(&airbyte, "/v1/organizations", &token).await.status, 429);
    assert_eq!(get(&airbyte, "/v1/organizations", &token).await.status, 200);
}

#[tokio::test]
async fn a_retry_after_can_be_a_date_or_nonsense() {
    let nonsense = struck_by(Fault::status(429).retry_after("soon, surely")).await;
    assert_eq!(nonsense.header("retry-after"), Some("soon, surely"));
    let mut fault = Fault::status(429);
    fault.retry_after = Some(RetryAfter::Date(0));
    let dated = struck_by(fault).await;
    assert_eq!(dated.header("retry-after"), dated.header("date"));
    assert!(
        struck_by_text("status=429,retry-after=date-60")
            .await
            .header("retry-after")
            .unwrap()
            .ends_with("GMT")
    );
    assert_eq!(struck_by(Fault::status(429)).await.header("retry-after"), None);
}

#[tokio::test]
async fn every_canned_answer_has_the_status_in_its_name_and_never_a_token() {
    for canned in Canned::ALL {
        let answer = struck_by(Fault::answer(canned)).await;
        let status: u16 = canned.name().rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(answer.status, status, "{}", canned.name());
        assert!(!answer.text().contains("access_token"), "{}", canned.name());
        if answer.header("content-type") == Some("application/json") && !answer.body.is_empty() {
            answer.json();
        }
    }
}

#[tokio::test]
async fn canned_answers_read_as_they_were_seen() {
    for (canned, body) in [
        (Canned::RateLimited429, r#"{"message":"You are being rate limited."}"#),
        (Canned::Problem404, r#"{"type":"about:blank","status":404}"#),
        (Canned::Undefined404, r#"{"message":"The current request is not defined by this API.","code":404}"#),
        (
            Canned::Timeout408,
            r#"{"status":408,"type":"error:request-timeout-exceeded","title":"Request timeout exceeded","detail":"The request has exceeded the timeout associated with this endpoint.","data":{"timeout":"PT1S"}}"#,
        ),
        (
            Canned::InvalidApiKey401,
            r#"{"status":401,"type":"https://reference.airbyte.com/reference/errors#invalid-api-key","title":"invalid-api-key","detail":"The API key in the Authorization header is invalid."}"#,
        ),
        (Canned::Empty200, ""),
    ] {
        assert_eq!(struck_by(Fault::answer(canned)).await.text(), body);
    }
    let nginx = struck_by(Fault::answer(Canned::Nginx502)).await;
    assert_eq!(nginx.header("content-type"), Some("text/html"));
    assert!(nginx.text().contains("An error occurred.") && nginx.text().contains("Faithfully yours, nginx."));
    let basic = struck_by(Fault::answer(Canned::BasicAuth401)).await;
    assert_eq!(basic.header("www-authenticate"), Some(r#"Basic realm="""#));
    assert_eq!(struck_by(Fault::answer(Canned::WebUi200)).await.header("content-type"), Some("text/html"));
    assert_eq!(struck_by(Fault::answer(Canned::NoContent204)).await.header("content-length"), None);
}

#[tokio::test]
async fn redirects_point_where_they_were_told() {
    for code in [301, 302, 303, 307, 308] {
        let answer = struck_by(Fault::redirect(code, "https://elsewhere.example/take?it=all")).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (code, Some("https://elsewhere.example/take?it=all"))
        );
    }
}

#[tokio::test]
async fn a_status_can_carry_any_body() {
    let answer = struck_by_text("status=200,content-type=text/html,body=<html>log in</html>").await;
    assert_eq!((answer.text(), answer.header("content-type")), ("<html>log in</html>", Some("text/html")));
}

#[tokio::test]
async fn a_gzip_bomb_unpacks_to_far_more_than_it_weighs() {
    let answer = struck_by_text("gzip-bomb").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut start = vec![0; 1 << 20];
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_exact(&mut start).unwrap();
    assert!(answer.body.len() < 1 << 20 && start.iter().all(|byte| *byte == b' '));
}

#[tokio::test]
async fn deep_json_is_too_deep_for_a_recursive_parser_and_still_small() {
    let answer = struck_by_text("deep-json").await;
    assert!(answer.body.len() < 64 << 10);
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
}

#[tokio::test]
async fn lies_about_expires_in_are_told_word_for_word() {
    for said in ["\"900\"", "-1", "0", "1e400", "99999999999999999999", "9.5", "null"] {
        let answer = struck_by_text(&format!("expires-in={said}")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().ends_with(&format!(r#""expires_in":{said}}}"#)), "{}", answer.text());
    }
    assert!(!struck_by_text("expires-in=missing").await.text().contains("expires_in"));
}

#[tokio::test]
async fn odd_tokens_are_as_odd_as_their_names() {
    let token = async |odd| struck_by(Fault::token(odd)).await.json()["access_token"].clone();
    assert_eq!(token(OddToken::Missing).await, Value::Null);
    assert!(!struck_by(Fault::token(OddToken::Missing)).await.text().contains("access_token"));
    assert_eq!(token(OddToken::Empty).await, "");
    assert!(struck_by(Fault::token(OddToken::Null)).await.text().contains(r#""access_token":null"#));
    assert!(token(OddToken::Number).await.is_number());
    for (odd, oddity) in [
        (OddToken::Crlf, "\r\nX-Injected: yes\r\n"),
        (OddToken::Esc, "\u{1b}"),
        (OddToken::Nul, "\0"),
        (OddToken::Bidi, "\u{202e}"),
    ] {
        assert!(token(odd).await.as_str().unwrap().contains(oddity), "{odd:?}");
    }
    assert!(token(OddToken::Huge).await.as_str().unwrap().len() > 1 << 20);
}

#[tokio::test]
async fn an_opaque_token_is_no_jwt_and_works() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(Fault::token(OddToken::Opaque));
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    assert!(!token.contains('.'));
    assert_eq!(get(&airbyte, "/v1/organizations", &token).await.status, 200);
}

#[tokio::test]
async fn other_lies_about_a_reply_can_be_told() {
    assert_eq!(struck_by_text("token-type=mac").await.json()["token_type"], "mac");
    let twice = struck_by_text("duplicate-keys").await;
    assert_eq!(twice.text().matches(r#""access_token":"#).count(), 2);
    assert_eq!(twice.text().matches(r#""expires_in":"#).count(), 2);
}

#[tokio::test]
async fn a_lie_changes_nothing_where_there_is_no_token() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault("expires-in=7,on=any,times=forever".parse::<Fault>().unwrap());
    assert_eq!(send(&airbyte, "GET", "/v1/health", &[], "").await.text(), "Successful operation");
    assert_eq!(post(&airbyte, INTERNAL, PAIR).await.json()["expires_in"], 7);
}
