//! The control endpoint, `/sandbox/…`: faults, settings, revocation, and what was asked.

use crate::{
    http::{Request, Response},
    state::Shared,
};

/// Answers a request for `/sandbox` + `rest`.
pub(crate) fn answer(_shared: &Shared, _request: &Request, _rest: &str) -> Response {
    Response::empty(404)
}
