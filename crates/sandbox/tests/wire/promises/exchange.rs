//! A client id and secret in, a token out.

use airbyte_sandbox::{Edition, ExpiresIn, Sandbox, Settings};
use serde_json::{Value, json};

use super::{
    AGENTS, CLOUD, INTERNAL, PAIR, PUBLIC,
    client::{Answer, End, get, jwt_part, post, post_form, send},
};

const FORM: &str =
    "grant_type=client_credentials&client_id=sandbox-client-id&client_secret=sandbox-client-secret";

fn field_names(answer: &Answer) -> Vec<String> {
    answer.json().as_object().unwrap().keys().cloned().collect()
}

fn claim_names(answer: &Answer) -> Vec<String> {
    answer.claims().as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn a_pair_brings_a_token_that_the_api_takes() {
    let airbyte = Sandbox::start(Settings::default());
    for path in [PUBLIC, CLOUD, INTERNAL, AGENTS] {
        let answer = post(&airbyte, path, PAIR).await;
        assert_eq!((answer.status, answer.end), (200, End::Closed), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(get(&airbyte, "/v1/organizations", &answer.token()).await.status, 200);
    }
    assert_eq!(airbyte.exchanges(), 4);
    assert_eq!(airbyte.issued_tokens().len(), 4);
}

#[tokio::test]
async fn every_request_that_a_real_client_sends_is_understood() {
    let airbyte = Sandbox::start(Settings::default());
    for grant in [
        r#""grant-type":"client_credentials","#,
        r#""grant_type":"client_credentials","#,
        r#""grant_type":"whatever","scope":"all","#,
    ] {
        let body = PAIR.replacen('{', &format!("{{{grant}"), 1);
        assert_eq!(post(&airbyte, PUBLIC, &body).await.status, 200, "{grant}");
        assert_eq!(post(&airbyte, INTERNAL, &body).await.status, 200, "{grant}");
    }
    for path in [PUBLIC, CLOUD] {
        assert_eq!(post_form(&airbyte, path, FORM).await.status, 200, "{path}");
        assert_eq!(post_form(&airbyte, path, &FORM.replace("grant_type", "grant-type")).await.status, 200);
    }
    let charset = [("Content-Type", "Application/JSON; charset=utf-8")];
    assert_eq!(send(&airbyte, "POST", PUBLIC, &charset, PAIR).await.status, 200);
}

#[tokio::test]
async fn http_basic_is_understood_unless_the_edition_is_played_strictly() {
    use base64::Engine as _;
    let pair = base64::prelude::BASE64_STANDARD.encode("sandbox-client-id:sandbox-client-secret");
    let basic = format!("Basic {pair}");
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", &basic)];
    for (strict, status) in [(false, 200), (true, 400)] {
        let airbyte = Sandbox::start(Settings { strict, ..Settings::default() });
        let answer = send(&airbyte, "POST", PUBLIC, &headers, "grant_type=client_credentials").await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn each_endpoint_replies_with_its_own_fields() {
    let airbyte = Sandbox::start(Settings::of(Edition::Core));
    let public = post(&airbyte, PUBLIC, PAIR).await;
    assert!(public.text().starts_with(r#"{"access_token":""#));
    assert!(public.text().ends_with(r#"","token_type":"Bearer","expires_in":900}"#));
    assert_eq!(field_names(&post(&airbyte, INTERNAL, PAIR).await), ["access_token"]);
    let agents = post(&airbyte, AGENTS, PAIR).await.json();
    assert_eq!(
        (&agents["token_type"], &agents["expires_in"], &agents["organization_id"]),
        (&json!("bearer"), &json!(900), &Value::Null)
    );
}

#[tokio::test]
async fn older_releases_reply_as_they_did() {
    let bare = Sandbox::start(Settings::of(Edition::CoreBare));
    assert_eq!(field_names(&post(&bare, PUBLIC, PAIR).await), ["access_token"]);
    assert_eq!(post_form(&bare, PUBLIC, FORM).await.status, 401);

    let long = Sandbox::start(Settings::of(Edition::Core180));
    let answer = post(&long, PUBLIC, PAIR).await;
    assert_eq!(answer.json()["expires_in"], 180);
    let now =
        post(&Sandbox::start(Settings::default()), PUBLIC, PAIR).await.claims()["iat"].as_i64().unwrap();
    assert!(answer.claims()["exp"].as_i64().unwrap() - now > 86_000);
}

#[tokio::test]
async fn tokens_carry_the_claims_of_their_edition() {
    let core = post(&Sandbox::start(Settings::of(Edition::Core)), PUBLIC, PAIR).await;
    assert_eq!(jwt_part(&core.token(), 0), json!({"alg": "HS256"}));
    assert_eq!(claim_names(&core), ["aud", "exp", "iss", "roles", "sub"]);

    for edition in [Edition::Cloud, Edition::Keycloak, Edition::Keycloak500, Edition::KeycloakException] {
        let answer = post(&Sandbox::start(Settings::of(edition)), PUBLIC, PAIR).await;
        assert_eq!(jwt_part(&answer.token(), 0)["alg"], "RS256");
        assert_eq!(
            claim_names(&answer),
            ["azp", "exp", "iat", "iss", "jti", "scope", "sub", "typ", "user_id"]
        );
        assert_eq!(answer.claims()["azp"], "sandbox-client-id");
    }

    let agents = post(&Sandbox::start(Settings::of(Edition::Agents)), AGENTS, PAIR).await;
    assert_eq!(jwt_part(&agents.token(), 0)["alg"], "HS256");
}

#[tokio::test]
async fn two_tokens_of_one_second_are_two_tokens() {
    for edition in Edition::ALL {
        let airbyte = Sandbox::start(Settings::of(edition));
        let (first, second) = (post(&airbyte, PUBLIC, PAIR).await, post(&airbyte, PUBLIC, PAIR).await);
        assert_ne!(first.token(), second.token(), "{edition}");
    }
}

#[tokio::test]
async fn what_is_said_about_a_lifetime_need_not_be_true() {
    for (said, json) in
        [("truthful", json!(180)), ("900", json!(900)), ("\"900\"", json!("900")), ("missing", Value::Null)]
    {
        let airbyte = Sandbox::start(Settings {
            token_lifetime: std::time::Duration::from_secs(180),
            expires_in: said.parse::<ExpiresIn>().unwrap(),
            ..Settings::default()
        });
        let answer = post(&airbyte, PUBLIC, PAIR).await;
        assert_eq!(answer.json()["expires_in"], json, "{said}");
        let claims = answer.claims();
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 180);
    }
}

#[tokio::test]
async fn a_skewed_clock_shifts_the_date_and_the_claims_alike() {
    let right = Sandbox::start(Settings::default());
    let ahead = Sandbox::start(Settings { clock_skew: 86_400, ..Settings::default() });
    let (right, late) = (post(&right, PUBLIC, PAIR).await, post(&ahead, PUBLIC, PAIR).await);
    let iat = |answer: &Answer| answer.claims()["iat"].as_i64().unwrap();
    assert!((86_400..86_460).contains(&(iat(&late) - iat(&right))));
    assert_ne!(right.header("date").unwrap()[..11], late.header("date").unwrap()[..11]);
    assert_eq!(get(&ahead, "/v1/organizations", &late.token()).await.status, 200);
}

#[tokio::test]
async fn agents_name_the_organisation_and_refuse_another() {
    let settings = Settings { organization_id: Some("mine".to_owned()), ..Settings::of(Edition::Agents) };
    let airbyte = Sandbox::start(settings);
    assert_eq!(post(&airbyte, AGENTS, PAIR).await.json()["organization_id"], "mine");
    let json = ("Content-Type", "application/json");
    let asked = send(&airbyte, "POST", AGENTS, &[json, ("X-Organization-Id", "mine")], PAIR).await;
    assert_eq!((asked.status, asked.json()["organization_id"].as_str()), (200, Some("mine")));
    let other = send(&airbyte, "POST", AGENTS, &[json, ("X-Organization-Id", "theirs")], PAIR).await;
    assert_eq!(other.status, 403);
    assert_eq!(airbyte.requests()[1].organization_id.as_deref(), Some("mine"));
}
