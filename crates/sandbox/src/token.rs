//! The token endpoint: a client id and secret in, a token out.

mod credentials;
mod jwt;
mod reply;

use self::credentials::{Credentials, Misread};
use crate::{
    answers,
    edition::{Edition, Family},
    fault::Lie,
    http::{Request, Response},
    settings::Settings,
    state::Shared,
};

/// Which of Airbyte's token endpoints was asked: they read and answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/api/public/v1/applications/token`, on Cloud `/v1/applications/token`: JSON or a form.
    Public,
    /// `/api/v1/applications/token`: JSON only, and the reply is the token alone
    /// (airbytehq/airbyte-api-python-sdk#112).
    Internal,
    /// `/api/v1/account/applications/token` of Airbyte Agents: JSON, and the reply names the organisation.
    Account,
}

/// Answers one exchange, with one field wrong if so wished.
pub(crate) fn exchange(shared: &Shared, request: &Request, dialect: Dialect, lie: Option<&Lie>) -> Response {
    let settings = shared.settings();
    let edition = match dialect {
        Dialect::Account => Edition::Agents,
        Dialect::Public | Dialect::Internal => settings.edition,
    };
    let credentials = match credentials::read(request, dialect, &settings) {
        Ok(credentials) => credentials,
        Err(Misread::WrongType) => return answers::no_live_bearer(edition, &request.path),
        Err(Misread::Malformed) => return answers::unreadable(edition, 422),
        Err(Misread::Incomplete) => return answers::unreadable(edition, 400),
    };
    if !credentials.are_those_of(&settings) {
        return answers::bad_credentials(edition, &request.path);
    }
    if edition == Edition::Agents && names_another_organization(request, &settings) {
        return answers::agents(403, "Organization is not accessible with these credentials");
    }
    let token = mint(shared, &settings, edition.family(), lie);
    reply::success(&settings, dialect, request, &token, lie)
}

fn mint(shared: &Shared, settings: &Settings, family: Family, lie: Option<&Lie>) -> String {
    let issued_at = shared.now();
    let lifetime = i64::try_from(settings.token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let expires_at = issued_at.saturating_add(lifetime);
    let token = if lie.is_some_and(reply::wants_opaque_token) {
        jwt::opaque()
    } else {
        jwt::sign(family, settings, issued_at, expires_at)
    };
    shared.issue(token.clone(), expires_at);
    token
}

fn names_another_organization(request: &Request, settings: &Settings) -> bool {
    match (request.header("x-organization-id"), &settings.organization_id) {
        (Some(asked), Some(own)) => asked != own,
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}

impl Credentials {
    fn are_those_of(&self, settings: &Settings) -> bool {
        self.client_id == settings.client_id && self.client_secret == settings.client_secret
    }
}
