//! As much of the API as shows whether a bearer works: health, lists, jobs, and the application list that
//! gives the client secret away, as the real one does.

use serde_json::{Value, json};

use crate::{
    answers,
    http::{Request, Response},
    route::Root,
    settings::Settings,
    state::{Job, Shared},
};

const ORGANIZATION: &str = "0c7ae2bf-1f50-4f6a-9d6e-9a1c0c3f2a10";
const APPLICATION: &str = "780d5bd9-a8a0-43cf-8b35-cc2061ad8319";
const PAGE: usize = 20;
const LONGEST_PAGE: usize = 100;

/// Answers a call to `resource`, the path behind the root.
pub(crate) fn call(shared: &Shared, request: &Request, root: Root, resource: &str) -> Response {
    let settings = shared.settings();
    let verb = request.method.as_str();
    match (verb, root, resource) {
        ("GET", Root::Public, "/health") => return Response::new(200, "text/plain", "Successful operation"),
        ("GET", Root::Internal, "/health") => return Response::json(200, r#"{"available":true}"#),
        _ => {}
    }
    if !request.bearer().is_some_and(|token| shared.is_live(token)) {
        return answers::no_live_bearer(settings.edition, &request.path);
    }
    match (verb, resource) {
        ("GET", "/organizations") => answer(&json!({ "data": organizations(&settings) })),
        ("GET", "/workspaces") => page(request, &settings, resource, &workspaces(&settings)),
        ("GET", "/applications") => answer(&json!({ "applications": [application(&settings)] })),
        ("POST", "/applications/list") if root == Root::Internal => {
            answer(&json!({ "applications": [application(&settings)] }))
        }
        ("POST", "/jobs") => start_job(shared, request),
        ("GET", "/jobs") => {
            let jobs: Vec<_> = shared.jobs().iter().map(job).collect();
            page(request, &settings, resource, &jobs)
        }
        _ => answers::wrong_path(settings.edition, verb, &request.path),
    }
}

fn answer(body: &Value) -> Response {
    Response::json(200, body.to_string())
}

fn organizations(settings: &Settings) -> Value {
    json!([{
        "organizationId": settings.organization_id.as_deref().unwrap_or(ORGANIZATION),
        "organizationName": "Sandbox",
        "email": "sandbox@example.com",
    }])
}

/// Three, so that lists have pages.
fn workspaces(settings: &Settings) -> Vec<Value> {
    let organization = settings.organization_id.as_deref().unwrap_or(ORGANIZATION);
    (1..=3)
        .map(|number| {
            json!({
                "workspaceId": format!("5ae6b09b-fdec-41af-aaf7-7d94cfc33e{number:02}"),
                "name": format!("Sandbox workspace {number}"),
                "dataResidency": "auto",
                "organizationId": organization,
            })
        })
        .collect()
}

fn application(settings: &Settings) -> Value {
    json!({
        "id": APPLICATION,
        "name": "test application",
        "clientId": settings.client_id,
        "clientSecret": settings.client_secret,
        "createdAt": 1_717_969_830,
    })
}

/// One page of a list. `next` is filled whenever the page is, so the last page is an empty one.
fn page(request: &Request, settings: &Settings, resource: &str, all: &[Value]) -> Response {
    let limit = request.parameter("limit").unwrap_or(PAGE).min(LONGEST_PAGE);
    let offset: usize = request.parameter("offset").unwrap_or(0);
    let data: Vec<_> = all.iter().skip(offset).take(limit).collect();
    let link = |offset: usize| {
        format!("{host}/v1{resource}?limit={limit}&offset={offset}", host = settings.api_host)
    };
    let next = if data.is_empty() { String::new() } else { link(offset.saturating_add(limit)) };
    let previous = if offset == 0 { String::new() } else { link(offset.saturating_sub(limit)) };
    answer(&json!({ "data": data, "next": next, "previous": previous }))
}

fn start_job(shared: &Shared, request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match (body["connectionId"].as_str(), body["jobType"].as_str()) {
        (Some(connection), Some(kind)) => {
            answer(&job(&shared.start_job(connection.to_owned(), kind.to_owned())))
        }
        _ => answers::unreadable(shared.settings().edition, 400),
    }
}

fn job(job: &Job) -> Value {
    let started = jiff::Timestamp::from_second(job.started_at).unwrap_or_default();
    json!({
        "jobId": job.id,
        "status": "running",
        "jobType": job.job_type,
        "connectionId": job.connection_id,
        "startTime": started.to_string(),
    })
}
