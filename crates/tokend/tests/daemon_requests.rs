//! Odd requests get the answers of the API, never a library's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use airbyte_token_local::wire::ErrorReply;
use airbyte_tokend::{
    cache::Remembering,
    config::Config,
    daemon::{Places, State},
    service,
};
use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

fn app(home: &TempDir) -> Router {
    let home = home.path();
    let places =
        Places { config: home.join("config.toml"), socket: home.join("api.sock"), state: home.join("state") };
    let config = Config::load(&places.config).unwrap();
    let state = State::new(places, config, Remembering::load(home.join("memory.json"))).unwrap();
    service::router(state).layer(Extension(service::Caller::owner()))
}

async fn ask(method: &str, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let home = tempfile::tempdir().unwrap();
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = app(&home).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn every_refusal_is_an_error_of_ours_that_nobody_keeps() {
    for (method, path, status, code) in [
        ("GET", "/v1/profiles/%FF", 400, "bad_request"),
        ("DELETE", "/v1/profiles/%FF", 400, "bad_request"),
        ("PUT", "/v1/profiles/%FF", 400, "bad_request"),
        ("GET", "/v1/profiles/a%2Fb", 400, "bad_request"),
        ("GET", "/v1/profiles/m%61in", 404, "no_such_profile"),
        ("GET", "/v1/profiles/", 404, "not_found"),
        ("GET", "/v1/token?profile=%FF", 400, "bad_request"),
        ("GET", "/v1/token?profile=a&profile=a", 400, "bad_request"),
        ("GET", "/v1/token?profil=a", 400, "bad_request"),
        ("GET", "/v1/token?wait=-1", 400, "bad_request"),
        ("GET", "/v1/token?profile=m%61in", 404, "no_such_profile"),
        ("GET", "/v1//token", 404, "not_found"),
        ("GET", "/v1/token/", 404, "not_found"),
        ("OPTIONS", "/v1/token", 405, "method_not_allowed"),
        ("OPTIONS", "*", 404, "not_found"),
        ("TRACE", "/v1/token", 405, "method_not_allowed"),
        ("GET", "/v1/token/refresh", 405, "method_not_allowed"),
        ("PROPFIND", "/nowhere", 404, "not_found"),
    ] {
        let (found, headers, body) = ask(method, path).await;
        assert_eq!(found.as_u16(), status, "{method} {path}");
        let text = String::from_utf8_lossy(&body);
        let reply: ErrorReply =
            serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{method} {path}: {text}"));
        assert_eq!(reply.code.name(), code, "{method} {path}");
        assert_eq!(headers["cache-control"], "no-store", "{method} {path}");
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{method} {path}");
    }
}

#[tokio::test]
async fn a_method_that_a_route_has_not_is_answered_with_those_that_it_has() {
    let (_, headers, _) = ask("POST", "/v1/token").await;
    assert_eq!(headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_head_says_what_a_get_would_and_no_more() {
    let (status, _, body) = ask("HEAD", "/v1/token").await;
    assert_eq!((status, body), (StatusCode::NOT_FOUND, Vec::new()));
}
