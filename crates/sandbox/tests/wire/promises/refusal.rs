//! How each edition refuses.

use airbyte_sandbox::{Edition, Sandbox, Settings};
use serde_json::json;

use super::{
    AGENTS, CLOUD, INTERNAL, PAIR, PUBLIC, WRONG_PAIR,
    client::{Answer, get, post, post_form, send},
};

fn is_error_id(answer: &Answer) -> bool {
    let json = answer.json();
    json.as_object().unwrap().len() == 1 && json["errorId"].as_str().unwrap().len() == 36
}

async fn refused(edition: Edition, path: &str) -> Answer {
    post(&Sandbox::start(Settings::of(edition)), path, WRONG_PAIR).await
}

#[tokio::test]
async fn core_refuses_a_wrong_pair_with_400_and_the_path_it_saw() {
    for edition in [Edition::Core, Edition::Core180, Edition::CoreBare] {
        for path in [PUBLIC, INTERNAL] {
            let answer = refused(edition, path).await;
            assert_eq!(answer.status, 400);
            assert_eq!(
                answer.text(),
                format!(
                    r#"{{"message":"Bad Request","_links":{{"self":{{"href":"{path}","templated":false}}}},"_embedded":{{"errors":[{{"message":"Invalid client id or token","_links":{{}},"_embedded":{{}}}}]}}}}"#
                )
            );
        }
    }
}

#[tokio::test]
async fn keycloak_refuses_a_wrong_pair_with_an_error_id_401_now_and_500_before() {
    for (edition, status) in [(Edition::Cloud, 401), (Edition::Keycloak, 401), (Edition::Keycloak500, 500)] {
        let answer = refused(edition, PUBLIC).await;
        assert_eq!(answer.status, status, "{edition}");
        assert!(is_error_id(&answer), "{}", answer.text());
    }
    let answer = refused(Edition::KeycloakException, PUBLIC).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["exceptionClassName"], "jakarta.ws.rs.NotAuthorizedException");
}

#[tokio::test]
async fn agents_refuse_in_their_own_shape() {
    let answer = refused(Edition::Agents, AGENTS).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"], json!([]));
    assert!(answer.json()["message"].is_string());
}

#[tokio::test]
async fn a_refused_pair_brings_no_token_but_counts() {
    let airbyte = Sandbox::start(Settings::default());
    post(&airbyte, CLOUD, WRONG_PAIR).await;
    post(&airbyte, CLOUD, &PAIR.replace("sandbox-client-id", "another-id")).await;
    assert_eq!((airbyte.exchanges(), airbyte.issued_tokens().len()), (2, 0));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_what_is_wrong_with_it() {
    let airbyte = Sandbox::start(Settings::of(Edition::Core));
    for (body, status) in [
        ("{", 422),
        ("[]", 422),
        (r#"{"client_id":"sandbox-client-id"}"#, 400),
        (r#"{"client_id":"sandbox-client-id","client_secret":7}"#, 400),
        (
            r#"{"client_id":"sandbox-client-id","client_secret":"sandbox-client-secret","grant-type":"password"}"#,
            422,
        ),
    ] {
        let answer = post(&airbyte, PUBLIC, body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(is_error_id(&answer));
    }
    let agents = Sandbox::start(Settings::of(Edition::Agents));
    assert_eq!(post(&agents, AGENTS, "{").await.json()["errors"], json!([]));
}

#[tokio::test]
async fn a_form_at_the_internal_path_is_refused_as_if_the_path_were_not_there() {
    let airbyte = Sandbox::start(Settings::of(Edition::Core));
    let form = "client_id=sandbox-client-id&client_secret=sandbox-client-secret";
    assert_eq!(post_form(&airbyte, PUBLIC, form).await.status, 200);
    assert_eq!(post_form(&airbyte, INTERNAL, form).await.status, 401);
    assert_eq!(send(&airbyte, "POST", PUBLIC, &[], PAIR).await.status, 401);
}

#[tokio::test]
async fn a_wrong_path_is_answered_as_each_edition_does() {
    let href = |answer: Answer| answer.json()["_links"]["self"]["href"].as_str().unwrap().to_owned();

    let cloud = Sandbox::start(Settings::of(Edition::Cloud));
    let answer = post(&cloud, "/applications/token", PAIR).await;
    assert_eq!(answer.status, 401);
    assert_eq!(href(answer), "/api/public/applications/token");
    assert_eq!(
        href(post(&cloud, "/v1/applications/token/", PAIR).await),
        "/api/public/v1/applications/token/"
    );

    let core = Sandbox::start(Settings { strict: true, ..Settings::of(Edition::Core) });
    let answer = post(&core, "/api/applications/token", PAIR).await;
    assert_eq!(answer.status, 401);
    assert_eq!(href(answer), "/api/applications/token");
    for page in [post(&core, CLOUD, PAIR).await, get(&core, "/", "").await] {
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    }

    let agents = Sandbox::start(Settings { strict: true, ..Settings::of(Edition::Agents) });
    for path in [PUBLIC, INTERNAL, CLOUD] {
        assert_ne!(post(&agents, path, PAIR).await.status, 200, "{path}");
    }
    assert_eq!(post(&agents, "/nowhere", PAIR).await.status, 404);
    assert_eq!(post(&agents, AGENTS, PAIR).await.status, 200);
    assert_eq!(core.exchanges() + cloud.exchanges(), 0);
}
