//! Error answers, byte for byte as they were seen. Ids, paths and addresses are made up.

use crate::{
    dice,
    edition::{Edition, Family},
    fault::Canned,
    http::Response,
};

/// A refusal by Micronaut: `message`, the path it saw, and one error.
pub(crate) fn hal(status: u16, message: &str, path: &str, error: &str) -> Response {
    let path = serde_json::Value::from(path);
    Response::json(
        status,
        format!(
            r#"{{"message":"{message}","_links":{{"self":{{"href":{path},"templated":false}}}},"_embedded":{{"errors":[{{"message":"{error}","_links":{{}},"_embedded":{{}}}}]}}}}"#
        ),
    )
}

/// A refusal by one of Airbyte's own handlers; operators find the id in their log.
pub(crate) fn error_id(status: u16) -> Response {
    Response::json(status, format!(r#"{{"errorId":"{}"}}"#, dice::uuid()))
}

/// A refusal by Airbyte Agents.
pub(crate) fn agents(status: u16, message: &str) -> Response {
    Response::json(status, format!(r#"{{"message":"{message}","errors":[]}}"#))
}

/// Micronaut's 401: for a path that does not exist, and for an API call without a live bearer.
pub(crate) fn unauthorized(path: &str) -> Response {
    hal(401, "Unauthorized", path, "Unauthorized")
}

/// The page of Airbyte's web UI.
pub(crate) fn web_ui() -> Response {
    Response::html(200, include_str!("answers/web-ui.html"))
}

/// What this edition answers to a wrong client id or secret.
pub(crate) fn bad_credentials(edition: Edition, path: &str) -> Response {
    match edition {
        Edition::Core | Edition::Core180 | Edition::CoreBare => {
            hal(400, "Bad Request", path, "Invalid client id or token")
        }
        Edition::Cloud | Edition::Keycloak => error_id(401),
        Edition::Keycloak500 => error_id(500),
        Edition::KeycloakException => exception(),
        Edition::Agents => agents(400, "Invalid client credentials"),
    }
}

/// What this edition answers to a request it cannot read: 400 for one that lacks something, 422 for one that
/// does not parse.
pub(crate) fn unreadable(edition: Edition, status: u16) -> Response {
    match edition.family() {
        Family::Core | Family::Keycloak => error_id(status),
        Family::Agents => agents(status, "Invalid request"),
    }
}

/// What this edition answers on a path that it does not have.
///
/// Cloud's edge puts `/api/public` before what it was asked for (airbytehq/terraform-provider-airbyte#280);
/// a self-managed server shows its web UI beside the API (open-metadata/OpenMetadata#30422).
pub(crate) fn wrong_path(edition: Edition, method: &str, path: &str) -> Response {
    let is_api = path.starts_with("/api/");
    match edition {
        Edition::Cloud => unauthorized(&cloud_path(path)),
        Edition::Core
        | Edition::Core180
        | Edition::CoreBare
        | Edition::Keycloak
        | Edition::Keycloak500
        | Edition::KeycloakException
            if !is_api && (method == "GET" || path.starts_with("/v1/")) =>
        {
            web_ui()
        }
        Edition::Core
        | Edition::Core180
        | Edition::CoreBare
        | Edition::Keycloak
        | Edition::Keycloak500
        | Edition::KeycloakException => unauthorized(path),
        Edition::Agents => agents(404, "Not Found"),
    }
}

/// What this edition answers to an API call without a live bearer.
pub(crate) fn no_live_bearer(edition: Edition, path: &str) -> Response {
    match edition {
        Edition::Cloud => unauthorized(&cloud_path(path)),
        Edition::Core
        | Edition::Core180
        | Edition::CoreBare
        | Edition::Keycloak
        | Edition::Keycloak500
        | Edition::KeycloakException => unauthorized(path),
        Edition::Agents => agents(401, "Unauthorized"),
    }
}

fn cloud_path(path: &str) -> String {
    if path.starts_with("/api/") { path.to_owned() } else { format!("/api/public{path}") }
}

fn exception() -> Response {
    Response::json(
        500,
        r#"{"message":"Internal Server Error: HTTP 401 Unauthorized","exceptionClassName":"jakarta.ws.rs.NotAuthorizedException","exceptionStack":[],"rootCauseExceptionStack":[]}"#,
    )
}

fn problem(status: u16, kind: &str, detail: &str) -> Response {
    Response::json(
        status,
        format!(
            r#"{{"status":{status},"type":"https://reference.airbyte.com/reference/errors#{kind}","title":"{kind}","detail":"{detail}"}}"#
        ),
    )
}

/// The answer of this name to a request for `path`.
pub(crate) fn canned(canned: Canned, path: &str) -> Response {
    match canned {
        Canned::BadCredentials400 => hal(400, "Bad Request", path, "Invalid client id or token"),
        Canned::ErrorId400 => error_id(400),
        Canned::ErrorId401 => error_id(401),
        Canned::ErrorId422 => error_id(422),
        Canned::ErrorId500 => error_id(500),
        Canned::Exception500 => exception(),
        Canned::Unauthorized401 => unauthorized(path),
        Canned::InvalidApiKey401 => {
            problem(401, "invalid-api-key", "The API key in the Authorization header is invalid.")
        }
        Canned::Forbidden403 => problem(403, "forbidden", "The request is forbidden."),
        Canned::Problem404 => Response::json(404, r#"{"type":"about:blank","status":404}"#),
        Canned::Undefined404 => {
            Response::json(404, r#"{"message":"The current request is not defined by this API.","code":404}"#)
        }
        Canned::Timeout408 => Response::json(
            408,
            r#"{"status":408,"type":"error:request-timeout-exceeded","title":"Request timeout exceeded","detail":"The request has exceeded the timeout associated with this endpoint.","data":{"timeout":"PT1S"}}"#,
        ),
        Canned::RateLimited429 => Response::json(429, r#"{"message":"You are being rate limited."}"#),
        Canned::Nginx502 => Response::html(502, include_str!("answers/nginx.html")),
        Canned::Unavailable503 => problem(503, "service-unavailable", "The service is unavailable."),
        Canned::BasicAuth401 => Response::html(401, include_str!("answers/basic-auth.html"))
            .with("WWW-Authenticate", r#"Basic realm="""#),
        Canned::WebUi200 => web_ui(),
        Canned::Empty200 => Response::json(200, ""),
        Canned::NoToken200 => Response::json(200, r#"{"token_type":"Bearer","expires_in":900}"#),
        Canned::NoContent204 => Response::empty(204),
        Canned::Agents400 => agents(400, "Bad Request"),
        Canned::Agents403 => agents(403, "Forbidden"),
        Canned::Agents422 => agents(422, "Unprocessable Entity"),
        Canned::Agents500 => agents(500, "Internal Server Error"),
    }
}
