//! Which path means what.

use crate::{
    edition::{Edition, Family},
    fault::Scope,
    settings::Settings,
    token::Dialect,
};

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// To the stand-in itself: `/sandbox/…`, of which this is the rest.
    Control(&'a str),
    /// To the token endpoint.
    Token(Dialect),
    /// To the API: the path behind its root, `/organizations`.
    Api(Root, &'a str),
    /// Nowhere.
    WrongPath,
}

/// Under which root an API call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The public API.
    Public,
    /// `/api/v1`: the Config API, and the API of Airbyte Agents.
    Internal,
}

impl<'a> Route<'a> {
    pub(crate) fn of(method: &str, path: &'a str, settings: &Settings) -> Self {
        if let Some(rest) =
            path.strip_prefix("/sandbox").filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            return Self::Control(rest);
        }
        let Some((root, rest)) = Self::root(path, settings) else { return Self::WrongPath };
        match (root, rest) {
            (Root::Public, "/applications/token") if method == "POST" => Self::Token(Dialect::Public),
            (Root::Internal, "/applications/token") if method == "POST" && !is_strict_agents(settings) => {
                Self::Token(Dialect::Internal)
            }
            (Root::Internal, "/account/applications/token") if method == "POST" && has_accounts(settings) => {
                Self::Token(Dialect::Account)
            }
            (_, "/applications/token" | "/account/applications/token") => Self::WrongPath,
            (root, rest) => Self::Api(root, rest),
        }
    }

    fn root(path: &'a str, settings: &Settings) -> Option<(Root, &'a str)> {
        let roots = [
            ("/api/public/v1", Root::Public, !settings.strict || settings.edition != Edition::Agents),
            ("/api/v1", Root::Internal, true),
            ("/v1", Root::Public, !settings.strict || settings.edition == Edition::Cloud),
        ];
        roots.into_iter().filter(|(_, _, known)| *known).find_map(|(prefix, root, _)| {
            Some((root, path.strip_prefix(prefix).filter(|rest| rest.starts_with('/'))?))
        })
    }

    /// Which faults can strike here; `None` for the control endpoint, which none can.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Control(_) => None,
            Self::Token(_) => Some(Scope::Token),
            Self::Api(..) | Self::WrongPath => Some(Scope::Api),
        }
    }
}

fn is_strict_agents(settings: &Settings) -> bool {
    settings.strict && settings.edition.family() == Family::Agents
}

fn has_accounts(settings: &Settings) -> bool {
    !settings.strict || settings.edition.family() == Family::Agents
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Edition, Root, Route, Settings};

    const TOKEN_PATHS: [&str; 4] = [
        "/v1/applications/token",
        "/api/v1/applications/token",
        "/api/public/v1/applications/token",
        "/api/v1/account/applications/token",
    ];

    fn answering(edition: Edition, strict: bool) -> Vec<&'static str> {
        let settings = Settings { strict, ..Settings::of(edition) };
        let answers = |path: &&str| matches!(Route::of("POST", path, &settings), Route::Token(_));
        TOKEN_PATHS.into_iter().filter(answers).collect()
    }

    #[test]
    fn every_spelling_of_the_token_endpoint_answers_in_every_edition() {
        for edition in Edition::ALL {
            assert_eq!(answering(edition, false), TOKEN_PATHS, "{edition}");
        }
    }

    #[test]
    fn a_strict_edition_answers_at_its_own_spellings_only() {
        assert_eq!(answering(Edition::Cloud, true), TOKEN_PATHS[..3]);
        assert_eq!(answering(Edition::Core, true), TOKEN_PATHS[1..3]);
        assert_eq!(answering(Edition::Keycloak, true), TOKEN_PATHS[1..3]);
        assert_eq!(answering(Edition::Agents, true), TOKEN_PATHS[3..]);
    }

    #[test]
    fn a_slip_in_the_path_leads_nowhere() {
        let settings = Settings::default();
        for path in ["/applications/token", "/v1", "/v10/health", "/api/public/v2/health", "/sandboxes"] {
            assert_eq!(Route::of("POST", path, &settings), Route::WrongPath, "{path}");
        }
        assert_eq!(Route::of("GET", "/v1/applications/token", &settings), Route::WrongPath);
        assert_eq!(
            Route::of("POST", "/v1/applications/token/", &settings),
            Route::Api(Root::Public, "/applications/token/")
        );
        assert_eq!(Route::of("POST", "/v1/applications/token", &settings), Route::Token(Dialect::Public));
    }

    #[test]
    fn the_control_endpoint_is_none_of_airbytes() {
        let settings = Settings::default();
        assert_eq!(Route::of("GET", "/sandbox", &settings), Route::Control(""));
        assert_eq!(Route::of("GET", "/sandbox/faults", &settings), Route::Control("/faults"));
    }
}
