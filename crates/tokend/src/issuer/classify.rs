//! What a reply without a token means: one table over its status and its body.
//!
//! Airbyte's editions and releases do not agree. Wrong credentials are answered with 400 (Core), with 401 (Keycloak,
//! since April 2026), or with 500 (Keycloak before that, and applications kept in the database to this day), a wrong
//! path with 401 or 404 or a web page. Neither the status nor the body alone tells them apart. Sources:
//! airbytehq/airbyte#65592, airbytehq/airbyte-api-python-sdk#123, airbytehq/terraform-provider-airbyte#113, #181 and
//! #280, and the exception handlers of airbytehq/airbyte-platform.

mod body;

use airbyte_token_core::{Detail, Failure, Misdirection};
use reqwest::{Url, header::LOCATION};

use self::body::Body;
use super::{headers, quote::Quoter, receive::Reply};

/// What Core answers to a wrong client id or secret, whichever of the two it is.
const PAIR_REFUSED: &str = "Invalid client id or token";
/// What releases up to 1.8 answer in front of Keycloak, which had answered 401 to them.
const PAIR_REFUSED_BEHIND: &str = "HTTP 401 Unauthorized";
/// The route of the token endpoint in Airbyte itself, whatever stands before it.
const ROUTE: &str = "/api/public/v1/applications/token";

/// The failure that a reply stands for.
pub(super) fn classify(reply: &Reply, requested: &Url, quoter: &Quoter<'_>) -> Failure {
    let body = Body::of(reply);
    let meaning = meaning(reply.status, &body, headers::asks_for_password(&reply.headers), requested.path());
    let location = headers::text(&reply.headers, LOCATION);
    let words = Words { status: reply.status, body: &body, requested, location, quoter };
    let detail = Detail::new(&words.about(meaning));
    let retry_after = headers::retry_after(&reply.headers);
    match meaning {
        Meaning::PairRefused | Meaning::RefusedAtTheDoor => Failure::Rejected { detail },
        Meaning::PairDoubtful => Failure::Suspect { detail },
        Meaning::OtherPath | Meaning::NoEndpoint | Meaning::WantsBearer | Meaning::RefusesRequest => {
            Failure::Misdirected { by: Misdirection::Address, detail }
        }
        Meaning::Redirect | Meaning::WantsPassword | Meaning::WebPage => {
            Failure::Misdirected { by: Misdirection::Interception, detail }
        }
        Meaning::Throttled => Failure::Throttled { retry_after, detail },
        Meaning::Trouble | Meaning::Odd => Failure::Transient { retry_after, detail },
    }
}

/// What a reply without a token can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The client id or the secret is wrong.
    PairRefused,
    /// Airbyte wants to know who asks before it looks: the pair is wrong, or the release has no token endpoint.
    RefusedAtTheDoor,
    /// It may be the client id or the secret, or an accident.
    PairDoubtful,
    /// It points elsewhere, and the secret does not go there.
    Redirect,
    /// Airbyte took the path for another one than its token endpoint.
    OtherPath,
    /// Nothing is at this path.
    NoEndpoint,
    /// Something at this path wants a bearer token, which the token endpoint does not.
    WantsBearer,
    /// A proxy in front of Airbyte wants a password.
    WantsPassword,
    /// A web page instead of an API.
    WebPage,
    /// It refuses the request for a reason that Airbyte's token endpoint does not have.
    RefusesRequest,
    /// Too many requests.
    Throttled,
    /// The server has trouble of its own.
    Trouble,
    /// A status that has no business here.
    Odd,
}

/// The table. The first row that fits counts.
///
/// 400 and 422 without a reason are doubtful and not refused: the request is always of the right form, so that the
/// pair is the likeliest cause, but no release says so. 500 with a mere message is Airbyte Agents, which has 400 and
/// 403 for wrong credentials, so there it is an accident.
fn meaning(status: u16, body: &Body, asks_for_password: bool, path: &str) -> Meaning {
    match (status, body) {
        (300..=399, _) => Meaning::Redirect,
        (407, _) => Meaning::WantsPassword,
        (401, _) if asks_for_password => Meaning::WantsPassword,
        (408 | 425, _) => Meaning::Trouble,
        (429, _) => Meaning::Throttled,
        (404 | 405 | 410, _) => Meaning::NoEndpoint,
        (400..=499, Body::Html) => Meaning::WebPage,
        (400 | 401 | 403, Body::Hal { message, .. }) if message.contains(PAIR_REFUSED) => {
            Meaning::PairRefused
        }
        (401 | 403, Body::Hal { href, .. }) if href != ROUTE && href != path => Meaning::OtherPath,
        (401, Body::Hal { .. }) => Meaning::RefusedAtTheDoor,
        (401, Body::Problem { kind, .. }) if kind.ends_with("#invalid-api-key") => Meaning::WantsBearer,
        (401 | 403, _) | (400, Body::Message(_)) => Meaning::PairRefused,
        (400 | 422, _) | (500, Body::ErrorId(_)) => Meaning::PairDoubtful,
        (400..=499, _) => Meaning::RefusesRequest,
        (500, Body::Message(text)) if text.contains(PAIR_REFUSED_BEHIND) => Meaning::PairRefused,
        (500..=599, _) => Meaning::Trouble,
        _ => Meaning::Odd,
    }
}

/// All that is needed to tell people what a reply means.
struct Words<'a> {
    status: u16,
    body: &'a Body,
    requested: &'a Url,
    location: Option<&'a str>,
    quoter: &'a Quoter<'a>,
}

impl Words<'_> {
    fn about(&self, meaning: Meaning) -> String {
        let (said, at) = (self.said(), self.requested.path());
        match meaning {
            Meaning::PairRefused => format!("Airbyte refuses this client id and secret ({said})"),
            Meaning::RefusedAtTheDoor => {
                format!(
                    "Airbyte refuses this client id and secret, or is too old for a token endpoint ({said})"
                )
            }
            Meaning::PairDoubtful => {
                format!("a wrong client id or secret, or an accident of the server's ({said})")
            }
            Meaning::Redirect => self.redirect(),
            Meaning::OtherPath => {
                format!("no token endpoint at {at}: Airbyte saw {}; check the url", self.seen())
            }
            Meaning::NoEndpoint => format!("no token endpoint at {at} ({said}); check the url"),
            Meaning::WantsBearer => {
                format!("no token endpoint at {at}: it wants a bearer token ({said}); check the url")
            }
            Meaning::WantsPassword => format!(
                "a proxy in front of Airbyte asks for a password ({said}); let {at} through without one"
            ),
            Meaning::WebPage => {
                format!("not an Airbyte token endpoint: got a web page ({said}); check the url")
            }
            Meaning::RefusesRequest => {
                format!("not an Airbyte token endpoint: it refuses the request ({said})")
            }
            Meaning::Throttled => format!("Airbyte says that it is asked too often ({said})"),
            Meaning::Trouble => format!("the server has trouble ({said})"),
            Meaning::Odd => format!("the server gave an answer without a token ({said})"),
        }
    }

    /// The status, and the one piece of the body that helps whoever looks for the cause.
    fn said(&self) -> String {
        let status = self.status;
        match self.body {
            Body::ErrorId(id) => format!("{status}, errorId {}", self.quoter.name(id)),
            Body::Hal { message: text, .. } | Body::Problem { title: text, .. } | Body::Message(text)
                if !text.is_empty() =>
            {
                format!("{status}, {}", self.quoter.quote(text))
            }
            Body::Hal { .. } | Body::Problem { .. } | Body::Message(_) | Body::Html | Body::Other => {
                status.to_string()
            }
        }
    }

    fn seen(&self) -> &str {
        match self.body {
            Body::Hal { href, .. } => self.quoter.name(href),
            Body::ErrorId(_) | Body::Problem { .. } | Body::Message(_) | Body::Html | Body::Other => {
                "another path"
            }
        }
    }

    /// Names only the scheme and the host: the rest of a `Location` may hold anything, a copy of the request included.
    fn redirect(&self) -> String {
        let status = self.status;
        let target = self.location.and_then(|location| self.requested.join(location).ok());
        let Some(target) = target.filter(Url::has_host) else {
            return format!(
                "the url redirects to nowhere ({status}), and redirects are not followed; check the url"
            );
        };
        let place = target.origin().ascii_serialization();
        let hint = match (target.scheme(), target.host_str() == self.requested.host_str()) {
            ("https", true) if self.requested.scheme() == "http" => "begin the url with https://",
            (_, true) => "check the path of the url",
            (_, false) => "if Airbyte is there, set the url to it",
        };
        format!(
            "the url redirects to {} ({status}), where the secret is not sent; {hint}",
            self.quoter.name(&place)
        )
    }
}

#[cfg(test)]
mod tests;
