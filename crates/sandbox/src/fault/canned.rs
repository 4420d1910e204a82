//! Answers that were seen in the wild, by name.

use std::str::FromStr;

/// An answer that Airbyte, or what stands in front of it, has been seen to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canned {
    /// 400: Core's refusal of a client id and secret, also given to correct ones by some 1.8 releases
    /// (airbytehq/airbyte#65592, #65595).
    BadCredentials400,
    /// 400 with an `errorId`: a missing field.
    ErrorId400,
    /// 401 with an `errorId`: Keycloak's refusal of a client id and secret.
    ErrorId401,
    /// 422 with an `errorId`: malformed JSON.
    ErrorId422,
    /// 500 with an `errorId`: anything uncaught, and in some releases wrong credentials.
    ErrorId500,
    /// 500 with a Java exception: the same up to v1.8.
    Exception500,
    /// 401: the path does not exist, or an API call had no live bearer
    /// (airbytehq/terraform-provider-airbyte#280, #216).
    Unauthorized401,
    /// 401 problem document for a bad bearer.
    InvalidApiKey401,
    /// 403 problem document.
    Forbidden403,
    /// 404 problem document (airbytehq/terraform-provider-airbyte#113).
    Problem404,
    /// 404 of Cloud's edge (airbytehq/terraform-provider-airbyte#113).
    Undefined404,
    /// 408 problem document: the internal path took over a second.
    Timeout408,
    /// 429 for a busy user; without a `Retry-After` unless the fault adds one.
    RateLimited429,
    /// 502 page of nginx (airbytehq/terraform-provider-airbyte#181).
    Nginx502,
    /// 503 problem document of an unhealthy server.
    Unavailable503,
    /// 401 page of an ingress that wants HTTP Basic (airbytehq/airbyte-api-python-sdk#123).
    BasicAuth401,
    /// 200 with the web page of the UI (open-metadata/OpenMetadata#30422).
    WebUi200,
    /// 200 with nothing.
    Empty200,
    /// 200 with JSON that is no token reply.
    NoToken200,
    /// 204.
    NoContent204,
    /// 400 of Airbyte Agents.
    Agents400,
    /// 403 of Airbyte Agents.
    Agents403,
    /// 422 of Airbyte Agents.
    Agents422,
    /// 500 of Airbyte Agents.
    Agents500,
}

impl Canned {
    /// Every answer.
    pub const ALL: [Self; 24] = [
        Self::BadCredentials400,
        Self::ErrorId400,
        Self::ErrorId401,
        Self::ErrorId422,
        Self::ErrorId500,
        Self::Exception500,
        Self::Unauthorized401,
        Self::InvalidApiKey401,
        Self::Forbidden403,
        Self::Problem404,
        Self::Undefined404,
        Self::Timeout408,
        Self::RateLimited429,
        Self::Nginx502,
        Self::Unavailable503,
        Self::BasicAuth401,
        Self::WebUi200,
        Self::Empty200,
        Self::NoToken200,
        Self::NoContent204,
        Self::Agents400,
        Self::Agents403,
        Self::Agents422,
        Self::Agents500,
    ];

    /// The name in a flag, `answer=NAME`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadCredentials400 => "bad-credentials-400",
            Self::ErrorId400 => "error-id-400",
            Self::ErrorId401 => "error-id-401",
            Self::ErrorId422 => "error-id-422",
            Self::ErrorId500 => "error-id-500",
            Self::Exception500 => "exception-500",
            Self::Unauthorized401 => "unauthorized-401",
            Self::InvalidApiKey401 => "invalid-api-key-401",
            Self::Forbidden403 => "forbidden-403",
            Self::Problem404 => "problem-404",
            Self::Undefined404 => "undefined-404",
            Self::Timeout408 => "timeout-408",
            Self::RateLimited429 => "rate-limited-429",
            Self::Nginx502 => "nginx-502",
            Self::Unavailable503 => "unavailable-503",
            Self::BasicAuth401 => "basic-auth-401",
            Self::WebUi200 => "web-ui-200",
            Self::Empty200 => "empty-200",
            Self::NoToken200 => "no-token-200",
            Self::NoContent204 => "no-content-204",
            Self::Agents400 => "agents-400",
            Self::Agents403 => "agents-403",
            Self::Agents422 => "agents-422",
            Self::Agents500 => "agents-500",
        }
    }
}

/// An answer that nobody has seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no answer `{0}`: choose one of {known}", known = Canned::ALL.map(Canned::name).join(", "))]
pub struct UnknownAnswer(String);

impl FromStr for Canned {
    type Err = UnknownAnswer;

    fn from_str(text: &str) -> Result<Self, UnknownAnswer> {
        Self::ALL
            .into_iter()
            .find(|canned| canned.name() == text)
            .ok_or_else(|| UnknownAnswer(text.to_owned()))
    }
}
