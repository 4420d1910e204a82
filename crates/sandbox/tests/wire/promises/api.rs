//! The API and the bearers it takes.

use std::time::Duration;

use airbyte_sandbox::{Bearer, Edition, Sandbox, Settings};
use serde_json::json;

use super::{
    CLOUD, PAIR,
    client::{get, post, send},
};

const ROOTS: [&str; 3] = ["/v1", "/api/public/v1", "/api/v1"];

#[tokio::test]
async fn health_wants_no_bearer() {
    let airbyte = Sandbox::start(Settings::default());
    let health = send(&airbyte, "GET", "/api/public/v1/health", &[], "").await;
    assert_eq!((health.status, health.text()), (200, "Successful operation"));
    let internal = send(&airbyte, "GET", "/api/v1/health", &[], "").await;
    assert_eq!(internal.text(), r#"{"available":true}"#);
}

#[tokio::test]
async fn only_a_live_bearer_opens_the_rest() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    for root in ROOTS {
        for resource in ["/organizations", "/workspaces", "/applications", "/jobs"] {
            let path = format!("{root}{resource}");
            assert_eq!(get(&airbyte, &path, &token).await.status, 200, "{path}");
            assert_eq!(get(&airbyte, &path, "made-up").await.status, 401, "{path}");
            assert_eq!(send(&airbyte, "GET", &path, &[], "").await.status, 401, "{path}");
        }
    }
    let bearers: Vec<_> = airbyte.requests()[1..4].iter().map(|seen| seen.bearer).collect();
    assert_eq!(bearers, [Bearer::Live, Bearer::Dead, Bearer::None]);
}

#[tokio::test]
async fn a_dead_bearer_is_refused_with_the_path() {
    let airbyte = Sandbox::start(Settings::of(Edition::Core));
    let answer = get(&airbyte, "/api/public/v1/workspaces", "made-up").await;
    assert_eq!(answer.json()["message"], "Unauthorized");
    assert_eq!(answer.json()["_links"]["self"]["href"], "/api/public/v1/workspaces");
    let agents = Sandbox::start(Settings::of(Edition::Agents));
    assert_eq!(get(&agents, "/api/v1/workspaces", "made-up").await.json()["errors"], json!([]));
}

#[tokio::test]
async fn an_expired_token_is_dead() {
    let airbyte = Sandbox::start(Settings { token_lifetime: Duration::ZERO, ..Settings::default() });
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    assert_eq!(get(&airbyte, "/v1/organizations", &token).await.status, 401);
    assert!(!airbyte.is_live(&token));
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_others_live_on() {
    let airbyte = Sandbox::start(Settings::default());
    let (first, second) =
        (post(&airbyte, CLOUD, PAIR).await.token(), post(&airbyte, CLOUD, PAIR).await.token());
    assert!(airbyte.revoke(&first));
    assert!(!airbyte.revoke(&first));
    assert_eq!(get(&airbyte, "/v1/organizations", &first).await.status, 401);
    assert_eq!(get(&airbyte, "/v1/organizations", &second).await.status, 200);
    assert_eq!(airbyte.revoke_all(), 1);
    assert_eq!(get(&airbyte, "/v1/organizations", &second).await.status, 401);
}

#[tokio::test]
async fn lists_have_pages_whose_links_point_to_another_host() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    let first = get(&airbyte, "/v1/workspaces?limit=2", &token).await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    assert_eq!(first["next"], "http://localhost:8001/api/public/v1/workspaces?limit=2&offset=2");
    assert_eq!(first["previous"], "");
    let last = get(&airbyte, "/v1/workspaces?limit=2&offset=4", &token).await.json();
    assert_eq!((&last["data"], &last["next"]), (&json!([]), &json!("")));
    assert_eq!(last["previous"], "http://localhost:8001/api/public/v1/workspaces?limit=2&offset=2");
}

#[tokio::test]
async fn the_application_list_gives_the_secret_away_like_the_real_one() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    let public = get(&airbyte, "/v1/applications", &token).await.json();
    assert_eq!(public["applications"][0]["clientSecret"], "sandbox-client-secret");
    let bearer = format!("Bearer {token}");
    let internal =
        send(&airbyte, "POST", "/api/v1/applications/list", &[("Authorization", &bearer)], "{}").await;
    assert_eq!(internal.json(), public);
}

#[tokio::test]
async fn every_job_that_is_started_counts() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    let bearer = format!("Bearer {token}");
    let job = r#"{"connectionId":"c-1","jobType":"sync"}"#;
    for number in 1..=2 {
        let answer = send(&airbyte, "POST", "/v1/jobs", &[("Authorization", &bearer)], job).await;
        assert_eq!((answer.status, &answer.json()["jobId"]), (200, &json!(number)));
    }
    assert_eq!(send(&airbyte, "POST", "/v1/jobs", &[], job).await.status, 401);
    assert_eq!(send(&airbyte, "POST", "/v1/jobs", &[("Authorization", &bearer)], "{}").await.status, 400);
    assert_eq!(airbyte.counts().jobs, 2);
    assert_eq!(get(&airbyte, "/v1/jobs", &token).await.json()["data"].as_array().unwrap().len(), 2);
}
