//! The control endpoint.

use airbyte_sandbox::{Edition, Sandbox, Settings};
use serde_json::{Value, json};

use super::{
    CLOUD, PAIR, PUBLIC,
    client::{Answer, get, post, send},
};

async fn control(airbyte: &Sandbox, method: &str, path: &str, body: &str) -> Answer {
    send(airbyte, method, path, &[], body).await
}

#[tokio::test]
async fn faults_are_added_listed_and_cleared() {
    let airbyte = Sandbox::start(Settings::default());
    let added = control(&airbyte, "POST", "/sandbox/faults", "status=503,times=2\nhang").await;
    assert_eq!(added.status, 201);
    assert_eq!(added.json()["faults"], json!(["status=503,on=token,times=2", "hang,on=token,times=1"]));
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 503);
    let left = control(&airbyte, "GET", "/sandbox/faults", "").await.json();
    assert_eq!(left["faults"][0], "status=503,on=token,times=1");
    assert_eq!(control(&airbyte, "DELETE", "/sandbox/faults", "").await.status, 204);
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 200);
}

#[tokio::test]
async fn faults_are_added_all_or_none() {
    let airbyte = Sandbox::start(Settings::default());
    let refused = control(&airbyte, "POST", "/sandbox/faults", "hang\nstatus=7").await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["message"].as_str().unwrap().contains("`status=7`"));
    assert!(airbyte.faults().is_empty());
}

#[tokio::test]
async fn the_control_endpoint_is_neither_struck_nor_counted() {
    let airbyte = Sandbox::start(Settings::default());
    control(&airbyte, "POST", "/sandbox/faults", "status=500,on=any,times=forever").await;
    assert_eq!(control(&airbyte, "GET", "/sandbox/requests", "").await.json()["counts"]["requests"], 0);
}

#[tokio::test]
async fn requests_are_shown_without_a_secret_or_a_token() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    get(&airbyte, "/v1/organizations", &token).await;
    let shown = control(&airbyte, "GET", "/sandbox/requests", "").await;
    let json = shown.json();
    assert_eq!(json["counts"]["exchanges"], 1);
    assert_eq!(json["requests"][0]["fields"], json!(["client_id", "client_secret"]));
    assert_eq!(json["requests"][0]["body_contained_secret"], true);
    assert_eq!(json["requests"][1]["bearer"], "live");
    assert!(!shown.text().contains("sandbox-client-secret") && !shown.text().contains(&token));
    assert_eq!(control(&airbyte, "DELETE", "/sandbox/requests", "").await.status, 204);
    assert_eq!(control(&airbyte, "GET", "/sandbox/requests", "").await.json()["requests"], json!([]));
}

#[tokio::test]
async fn tokens_are_revoked_one_by_one_or_all() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    post(&airbyte, CLOUD, PAIR).await;
    let one = json!({ "token": token }).to_string();
    assert_eq!(control(&airbyte, "POST", "/sandbox/revoke", &one).await.json()["revoked"], 1);
    assert_eq!(get(&airbyte, "/v1/organizations", &token).await.status, 401);
    assert_eq!(control(&airbyte, "POST", "/sandbox/revoke", "").await.json()["revoked"], 1);
    assert_eq!(control(&airbyte, "POST", "/sandbox/revoke", "all").await.status, 400);
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let airbyte = Sandbox::start(Settings::default());
    let change =
        json!({"edition": "core", "token_lifetime": "3m", "expires_in": 900, "client_secret": "new"});
    let changed = control(&airbyte, "PUT", "/sandbox/settings", &change.to_string()).await;
    assert_eq!(changed.status, 200);
    assert!(changed.json().get("client_secret").is_none());
    assert_eq!(post(&airbyte, PUBLIC, PAIR).await.status, 400);
    let answer = post(&airbyte, PUBLIC, &PAIR.replace("sandbox-client-secret", "new")).await;
    assert_eq!(answer.json()["expires_in"], 900);
    assert_eq!(control(&airbyte, "GET", "/sandbox/settings", "").await.json()["token_lifetime"], "3m");
}

#[tokio::test]
async fn another_edition_brings_its_own_lifetime() {
    let airbyte = Sandbox::start(Settings::of(Edition::Core));
    let changed = control(&airbyte, "PUT", "/sandbox/settings", r#"{"edition":"core-180"}"#).await.json();
    assert_eq!((&changed["token_lifetime"], &changed["expires_in"]), (&json!("1day"), &json!("180")));
}

#[tokio::test]
async fn an_organisation_is_set_and_unset() {
    let airbyte = Sandbox::start(Settings::default());
    let set = control(&airbyte, "PUT", "/sandbox/settings", r#"{"organization_id":"o-1"}"#).await.json();
    assert_eq!(set["organization_id"], "o-1");
    let unset = control(&airbyte, "PUT", "/sandbox/settings", r#"{"organization_id":""}"#).await.json();
    assert_eq!(unset["organization_id"], Value::Null);
}

#[tokio::test]
async fn settings_that_make_no_sense_change_nothing() {
    let airbyte = Sandbox::start(Settings::default());
    for body in [
        "",
        r#"{"strict":true,"editoin":"core"}"#,
        r#"{"strict":true,"edition":"corr"}"#,
        r#"{"strict":true,"token_lifetime":"soon"}"#,
        r#"{"strict":true,"expires_in":"soon"}"#,
    ] {
        let refused = control(&airbyte, "PUT", "/sandbox/settings", body).await;
        assert_eq!(refused.status, 400, "{body}");
    }
    assert_eq!(control(&airbyte, "GET", "/sandbox/settings", "").await.json()["strict"], false);
}

#[tokio::test]
async fn one_call_resets_faults_and_counts() {
    let airbyte = Sandbox::start(Settings::default());
    post(&airbyte, CLOUD, PAIR).await;
    control(&airbyte, "POST", "/sandbox/faults", r#"{"hang":true,"times":"forever"}"#).await;
    assert_eq!(control(&airbyte, "DELETE", "/sandbox", "").await.status, 204);
    assert!(airbyte.faults().is_empty());
    assert_eq!(airbyte.exchanges(), 0);
}

#[tokio::test]
async fn an_unknown_control_is_answered_with_the_known_ones() {
    let airbyte = Sandbox::start(Settings::default());
    let answer = control(&airbyte, "PATCH", "/sandbox/faults", "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["message"].as_str().unwrap().contains("POST and DELETE /sandbox/faults"));
}
