//! The committed OpenAPI document is what the routes are and what they answer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, path::Path, sync::Arc};

use airbyte_sandbox::{Sandbox, Settings};
use airbyte_token_local::{ErrorCode, wire::ClientMode};
use airbyte_tokend::{
    cache::Remembering,
    clients::NewClient,
    config::Config,
    daemon::{Places, State},
    door::{Kind, Scope},
    service::{self, Caller, Who},
};
use axum::{
    Extension, Router,
    body::Body,
    http::{Method, Request, StatusCode},
    response::Response,
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const DOCUMENT: &str = include_str!("../openapi.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

fn app(home: &Path) -> Router {
    service::router(state(home)).layer(Extension(Caller::owner()))
}

fn state(home: &Path) -> State {
    let places =
        Places { config: home.join("config.toml"), socket: home.join("api.sock"), state: home.join("state") };
    let config = Config::load(&places.config).unwrap();
    let remembering = Remembering::load(home.join("memory.json"));
    State::new(places, config, remembering).unwrap()
}

struct Reply {
    status: StatusCode,
    kind: String,
    body: Vec<u8>,
}

async fn ask(app: &Router, method: &str, path: &str, body: Option<Value>) -> Reply {
    ask_for("application/json", app, method, path, body).await
}

async fn ask_for(accept: &str, app: &Router, method: &str, path: &str, body: Option<Value>) -> Reply {
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = Request::builder().method(method).uri(path).header("accept", accept).body(body).unwrap();
    Reply::of(app.clone().oneshot(request).await.unwrap()).await
}

impl Reply {
    async fn of(response: Response) -> Self {
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        Self {
            status: response.status(),
            kind: kind.unwrap_or_default(),
            body: response.into_body().collect().await.unwrap().to_bytes().to_vec(),
        }
    }
}

/// The document's schemas, closed: here a field that is not described is a mistake.
fn closed_schemas() -> Value {
    let mut components = document()["components"].clone();
    for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
        if schema["type"] == "object" {
            schema["additionalProperties"] = json!(false);
        }
    }
    components
}

/// Holds a reply against what the document says that this route answers with this status.
fn check(method: &str, path: &str, reply: &Reply) {
    let place = format!("{method} {path} -> {}", reply.status);
    let document = document();
    let operation = &document["paths"][path][method.to_lowercase()];
    let mut described = operation["responses"][reply.status.as_str()].clone();
    if let Some(reference) = described["$ref"].as_str() {
        described = document.pointer(&reference[1..]).unwrap().clone();
    }
    assert!(described.is_object(), "{place} is not described");
    let Some(content) = described["content"].as_object() else {
        assert!(reply.body.is_empty(), "{place} has a body, and none is described");
        return;
    };
    let schema = &content.get(&reply.kind).unwrap_or_else(|| panic!("{place} is {}", reply.kind))["schema"];
    let instance = match reply.kind.as_str() {
        "application/json" => serde_json::from_slice(&reply.body).unwrap(),
        _ => Value::from(std::str::from_utf8(&reply.body).unwrap()),
    };
    let mut root = schema.clone();
    root["components"] = closed_schemas();
    let validator = jsonschema::validator_for(&root).unwrap();
    let problems: Vec<_> = validator.iter_errors(&instance).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{place}: {problems:?}");
}

async fn check_reply(app: &Router, method: &str, route: &str, path: &str, body: Option<Value>, status: u16) {
    let reply = ask(app, method, path, body).await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status.as_u16(), status, "{method} {path}: {text}");
    check(method, route, &reply);
}

fn login(sandbox: &Sandbox) -> Value {
    json!({
        "service": "self-managed",
        "url": sandbox.url(),
        "client_id": airbyte_sandbox::DEFAULT_CLIENT_ID,
        "client_secret": airbyte_sandbox::DEFAULT_CLIENT_SECRET,
        "vault": "memory",
    })
}

#[test]
fn every_route_is_described_and_every_described_route_exists() {
    let document = document();
    let described: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let served: BTreeSet<_> = service::routes().iter().map(|(path, ..)| *path).collect();
    assert_eq!(served, described);
}

#[tokio::test]
async fn a_method_is_served_if_and_only_if_it_is_described() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path());
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH, Method::OPTIONS]
        {
            let reply = ask(&app, method.as_str(), &path.replace("{name}", "p"), None).await;
            let described = operations.get(method.as_str().to_lowercase()).is_some();
            let served = reply.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(served, described, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn on_every_route_a_browser_and_a_foreign_host_are_refused_as_described() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path());
    for (path, operations) in document()["paths"].as_object().unwrap() {
        let methods =
            ["get", "put", "post", "delete"].into_iter().filter(|method| operations.get(method).is_some());
        for method in methods {
            for (header, value, status) in
                [("origin", "https://example.com", 403), ("host", "example.com", 421)]
            {
                let request = Request::builder()
                    .method(method.to_uppercase().as_str())
                    .uri(path.replace("{name}", "p"))
                    .header(header, value);
                let reply =
                    Reply::of(app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await;
                assert_eq!(reply.status.as_u16(), status, "{method} {path}");
                check(method, path, &reply);
            }
        }
    }
}

/// Each row: a route, and the names that its query may have.
#[test]
fn the_query_of_every_route_is_described() {
    let document = document();
    let described = |path: &str, method: &str| -> BTreeSet<String> {
        let parameters =
            document["paths"][path][method]["parameters"].as_array().cloned().unwrap_or_default();
        parameters.iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    for (path, method, names) in [
        ("/v1/token", "get", &["profile", "min_ttl", "wait"][..]),
        ("/v1/ready", "get", &["profile", "min_ttl", "wait"]),
        ("/v1/token/refresh", "post", &["profile", "wait"]),
        ("/v1/timeline", "get", &["profile"]),
        ("/v1/profiles/{name}", "delete", &["force"]),
        ("/v1/token/reject", "post", &["profile"]),
    ] {
        assert_eq!(described(path, method), names.iter().map(|name| (*name).to_owned()).collect(), "{path}");
    }
}

#[tokio::test]
async fn a_query_with_a_name_that_is_not_described_is_refused_as_described() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path());
    check_reply(&app, "GET", "/v1/token", "/v1/token?min-ttl=5m", None, 400).await;
    check_reply(&app, "GET", "/v1/ready", "/v1/ready?min-ttl=5m", None, 400).await;
    check_reply(&app, "POST", "/v1/token/refresh", "/v1/token/refresh?min_ttl=5m", None, 400).await;
    check_reply(&app, "POST", "/v1/token/reject", "/v1/token/reject?wait=5s", Some(json!({})), 400).await;
}

#[test]
fn every_error_code_is_described() {
    let document = document();
    let described: BTreeSet<_> = document["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    let sent = ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::Unknown);
    assert_eq!(sent.map(|code| code.name().to_owned()).collect::<BTreeSet<_>>(), described);
}

#[tokio::test]
async fn what_a_daemon_without_profiles_answers_is_described() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path());
    check_reply(&app, "GET", "/v1/status", "/v1/status", None, 200).await;
    check_reply(&app, "GET", "/v1/profiles", "/v1/profiles", None, 200).await;
    check_reply(&app, "GET", "/v1/token", "/v1/token", None, 404).await;
    check_reply(&app, "GET", "/v1/token", "/v1/token?min_ttl=soon", None, 400).await;
    check_reply(&app, "GET", "/v1/token", "/v1/token?profile=nobody", None, 404).await;
    check_reply(&app, "GET", "/v1/ready", "/v1/ready", None, 404).await;
    check_reply(&app, "GET", "/v1/timeline", "/v1/timeline", None, 404).await;
    check_reply(&app, "POST", "/v1/reload", "/v1/reload", None, 204).await;
    check_reply(&app, "GET", "/metrics", "/metrics", None, 200).await;
    check_reply(&app, "POST", "/v1/token/refresh", "/v1/token/refresh", None, 404).await;
    check_reply(&app, "POST", "/v1/token/reject", "/v1/token/reject", Some(json!({})), 400).await;
    check_reply(
        &app,
        "PUT",
        "/v1/default-profile",
        "/v1/default-profile",
        Some(json!({"profile": "x"})),
        404,
    )
    .await;
    check_reply(&app, "DELETE", "/v1/profiles/{name}", "/v1/profiles/x", None, 404).await;
    check_reply(&app, "GET", "/v1/profiles/{name}", "/v1/profiles/-x", None, 400).await;
    check_reply(&app, "GET", "/healthz", "/healthz", None, 200).await;
    check_reply(&app, "GET", "/readyz", "/readyz", None, 200).await;
}

#[tokio::test]
async fn what_a_logged_in_daemon_answers_is_described() {
    let (home, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start(Settings::default()));
    let app = app(home.path());
    check_reply(&app, "PUT", "/v1/profiles/{name}", "/v1/profiles/p", Some(login(&sandbox)), 200).await;
    check_reply(&app, "GET", "/v1/profiles/{name}", "/v1/profiles/p", None, 200).await;
    check_reply(&app, "GET", "/v1/profiles", "/v1/profiles", None, 200).await;
    check_reply(&app, "GET", "/v1/token", "/v1/token", None, 200).await;
    check("GET", "/v1/token", &ask_for("text/plain", &app, "GET", "/v1/token", None).await);
    check_reply(&app, "GET", "/v1/token", "/v1/token?min_ttl=1h", None, 503).await;
    check_reply(&app, "GET", "/v1/ready", "/v1/ready?min_ttl=1m", None, 200).await;
    check_reply(&app, "GET", "/v1/ready", "/v1/ready?min_ttl=1h", None, 503).await;
    check_reply(&app, "GET", "/v1/status", "/v1/status", None, 200).await;
    check_reply(&app, "GET", "/v1/timeline", "/v1/timeline", None, 200).await;
    check_reply(&app, "GET", "/metrics", "/metrics", None, 200).await;
    check_reply(&app, "POST", "/v1/token/refresh", "/v1/token/refresh", None, 200).await;
    let unknown = json!({"fingerprint": "0123456789abcdef"});
    check_reply(&app, "POST", "/v1/token/reject", "/v1/token/reject", Some(unknown), 200).await;
    check_reply(
        &app,
        "PUT",
        "/v1/default-profile",
        "/v1/default-profile",
        Some(json!({"profile": "p"})),
        204,
    )
    .await;
    check_reply(&app, "DELETE", "/v1/profiles/{name}", "/v1/profiles/p", None, 204).await;
}

#[tokio::test]
async fn what_is_answered_about_local_clients_is_described() {
    let (home, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start(Settings::default()));
    let app = app(home.path());
    let (route, one) = ("/v1/clients", "/v1/clients/{name}");
    let client = |more: Value| {
        let mut client = json!({"name": "ci"});
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(client)
    };
    check_reply(&app, "POST", route, route, client(json!({})), 404).await;
    ask(&app, "PUT", "/v1/profiles/p", Some(login(&sandbox))).await;
    check_reply(&app, "GET", route, route, None, 200).await;
    check_reply(&app, "POST", route, route, client(json!({"mode": "token", "read_only": true})), 400).await;
    check_reply(&app, "POST", route, route, client(json!({"read-only": true})), 400).await;
    check_reply(&app, "POST", route, route, client(json!({"name": "x".repeat(70_000)})), 413).await;
    check_reply(&app, "POST", route, route, client(json!({"profile": "p", "read_only": true})), 201).await;
    check_reply(&app, "POST", route, route, client(json!({})), 409).await;
    check_reply(&app, "GET", route, route, None, 200).await;
    check_reply(&app, "DELETE", one, "/v1/clients/ci", None, 204).await;
    check_reply(&app, "DELETE", one, "/v1/clients/ci", None, 404).await;
    check_reply(&app, "DELETE", one, "/v1/clients/-x", None, 400).await;
    std::fs::write(home.path().join("state/clients.json"), "{").unwrap();
    check_reply(&app, "POST", route, route, client(json!({})), 424).await;
    check_reply(&app, "DELETE", one, "/v1/clients/ci", None, 424).await;
    check_reply(&app, "GET", route, route, None, 200).await;
}

/// Asks over loopback for the token, with these headers beside the right host.
async fn ask_over_loopback(state: &State, path: &str, headers: &[(&str, &str)]) -> Reply {
    let kind = Kind::Loopback("127.0.0.1:8797".parse().unwrap());
    let caller = Caller::new(kind, Arc::new(Scope::narrow([], [])), Who::Unnamed);
    let app = service::router(state.clone()).layer(Extension(caller));
    let request = headers
        .iter()
        .fold(Request::builder().uri(path).header("host", "127.0.0.1:8797"), |request, (name, value)| {
            request.header(*name, *value)
        });
    Reply::of(app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn what_loopback_http_answers_is_described() {
    let (home, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start(Settings::default()));
    let state = state(home.path());
    let app = service::router(state.clone()).layer(Extension(Caller::owner()));
    check_reply(&app, "PUT", "/v1/profiles/{name}", "/v1/profiles/p", Some(login(&sandbox)), 200).await;
    let bearer = |name: &str, mode| {
        let (name, profile) = (name.parse().unwrap(), "p".parse().unwrap());
        let (_, secret) = state.clients().add(NewClient { name, profile, mode, read_only: false }).unwrap();
        format!("Bearer {}", secret.expose())
    };
    let (good, proxied) = (bearer("a", ClientMode::Token), bearer("b", ClientMode::Proxy));
    for (path, headers, status) in [
        ("/v1/token", &[("authorization", good.as_str())][..], 200),
        ("/v1/token", &[("authorization", &good), ("accept", "text/plain")], 200),
        ("/v1/token?min_ttl=1h", &[("authorization", &good)], 503),
        ("/v1/token?access_token=x", &[("authorization", &good)], 400),
        ("/v1/token", &[("authorization", &proxied)], 403),
        ("/v1/token", &[("authorization", &good), ("origin", "null")], 403),
        ("/v1/token", &[("authorization", "Bearer x")], 401),
        ("/v1/token", &[], 401),
    ] {
        let reply = ask_over_loopback(&state, path, headers).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", String::from_utf8_lossy(&reply.body));
        check("GET", "/v1/token", &reply);
    }
    drop(sandbox);
}

#[tokio::test]
async fn how_a_reload_is_refused_is_described() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path());
    std::fs::write(home.path().join("config.toml"), "defualt_profile = 1\nprofiles = 1\n").unwrap();
    check_reply(&app, "POST", "/v1/reload", "/v1/reload", None, 409).await;
    check_reply(&app, "GET", "/v1/status", "/v1/status", None, 200).await;
}

#[tokio::test]
async fn how_a_login_is_refused_is_described() {
    let (home, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start(Settings::default()));
    let app = app(home.path());
    let (route, path) = ("/v1/profiles/{name}", "/v1/profiles/p");
    let with = |key: &str, value: &str| {
        let mut login = login(&sandbox);
        login[key] = Value::from(value);
        Some(login)
    };
    check_reply(&app, "PUT", route, path, with("client_secret", "another"), 424).await;
    check_reply(&app, "PUT", route, path, with("url", "ftp://example.com"), 400).await;
    check_reply(&app, "PUT", route, path, with("vault", "file"), 409).await;
    check_reply(&app, "PUT", route, path, with("client-secret", "misspelt"), 400).await;
    check_reply(&app, "PUT", route, path, with("client_id", &"x".repeat(70_000)), 413).await;
    drop(sandbox);
}
