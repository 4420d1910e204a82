//! The control endpoint, `/sandbox/…`: faults, settings, revocation, and what was asked.
//!
//! It wants no credentials, for nothing behind it is real. Faults do not strike it.

mod faults;
mod patch;

use serde_json::{Value, json};

use crate::{
    fault::Fault,
    http::{Request, Response},
    state::Shared,
};

const HELP: &str = "the control endpoint has GET, POST and DELETE /sandbox/faults, GET and DELETE \
    /sandbox/requests, POST /sandbox/revoke, GET and PUT /sandbox/settings, and DELETE /sandbox";

/// Answers a request for `/sandbox` + `rest`.
pub(crate) fn answer(shared: &Shared, request: &Request, rest: &str) -> Response {
    match (request.method.as_str(), rest) {
        ("GET", "/faults") => waiting(shared, 200),
        ("POST", "/faults") => add_faults(shared, request),
        ("DELETE", "/faults") => {
            shared.clear_faults();
            Response::empty(204)
        }
        ("GET", "/requests") => requests(shared),
        ("DELETE", "/requests") => {
            shared.forget_requests();
            Response::empty(204)
        }
        ("POST", "/revoke") => revoke(shared, request),
        ("GET", "/settings") => settings(shared),
        ("PUT", "/settings") => change_settings(shared, request),
        ("DELETE", "" | "/") => {
            shared.clear_faults();
            shared.forget_requests();
            Response::empty(204)
        }
        _ => refusal(404, HELP),
    }
}

fn waiting(shared: &Shared, status: u16) -> Response {
    let faults: Vec<_> = shared.faults().iter().map(Fault::to_string).collect();
    Response::json(status, json!({ "faults": faults }).to_string())
}

/// Adds all the faults in the body, or none.
fn add_faults(shared: &Shared, request: &Request) -> Response {
    match faults::read(&request.body) {
        Ok(faults) => {
            for fault in faults {
                shared.add_fault(fault);
            }
            waiting(shared, 201)
        }
        Err(error) => refusal(400, &error.to_string()),
    }
}

fn requests(shared: &Shared) -> Response {
    let counts = *shared.counts().borrow();
    Response::json(200, json!({ "counts": counts, "requests": shared.requests() }).to_string())
}

/// Revokes the token named in the body, or all of them if there is no body.
fn revoke(shared: &Shared, request: &Request) -> Response {
    if request.body.is_empty() {
        return revoked(shared.revoke(|_| true));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match body["token"].as_str() {
        Some(token) => revoked(shared.revoke(|text| text == token)),
        None => refusal(400, "say which token, {\"token\":\"…\"}, or send no body to revoke them all"),
    }
}

fn revoked(count: usize) -> Response {
    Response::json(200, json!({ "revoked": count }).to_string())
}

fn settings(shared: &Shared) -> Response {
    Response::json(200, patch::describe(&shared.settings()).to_string())
}

fn change_settings(shared: &Shared, request: &Request) -> Response {
    match patch::Patch::read(&request.body) {
        Ok(patch) => {
            shared.change_settings(|settings| patch.apply(settings));
            settings(shared)
        }
        Err(error) => refusal(400, &error.to_string()),
    }
}

fn refusal(status: u16, message: &str) -> Response {
    Response::json(status, json!({ "message": message }).to_string())
}
