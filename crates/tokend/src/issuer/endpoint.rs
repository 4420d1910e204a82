//! From a service and what a person wrote as its URL to the one address that a secret may be sent to.
//!
//! People paste what they have at hand: the address bar, the API's base, the token URL of some other tool's settings.
//! What is certain is understood; what is doubtful is refused with a remedy, because the alternative is to send a
//! secret to a place that was not meant.

use airbyte_token_core::{Origin, names::BadOrigin};
use reqwest::Url;
use rustls::pki_types::DnsName;

use super::Service;

const CLOUD: &str = "https://api.airbyte.com";
const AGENTS: &str = "https://api.airbyte.ai";
const TOKEN_PATH: &str = "/applications/token";

/// Where a profile's exchanges go, and where its API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    token_url: Url,
    origin: Origin,
    api: Url,
}

impl Endpoint {
    /// The endpoint of a service. `base` is the URL as a person wrote it: needed for [`Service::SelfManaged`], and for
    /// the others only where a stand-in takes their place.
    ///
    /// Slashes at the end do not matter, nor does a pasted API base or token URL: the paths that Airbyte is known to
    /// have are taken off and the right one is put on.
    ///
    /// # Errors
    /// Says what is wrong with the URL and what to write instead.
    pub fn new(service: Service, base: Option<&str>) -> Result<Self, BadEndpoint> {
        let root = match (base, service) {
            (Some(text), _) => Root::parse(text)?,
            (None, Service::Cloud) => Root::parse(CLOUD)?,
            (None, Service::Agents) => Root::parse(AGENTS)?,
            (None, Service::SelfManaged) => return Err(BadEndpoint::Missing),
        };
        refuse_other_service(service, root.url.host_str().unwrap_or_default())?;
        Ok(root.endpoint(service))
    }

    /// What a person would write as the service's URL: without a slash at its end and without Airbyte's own paths.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where the client id and the secret are sent.
    #[must_use]
    pub const fn token_url(&self) -> &Url {
        &self.token_url
    }

    /// Scheme, host and port of the token URL: what a secret is bound to.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The base of the service's public API, without a slash at its end.
    #[must_use]
    pub const fn api(&self) -> &Url {
        &self.api
    }
}

/// Airbyte's own hosts are well known, so a profile for the wrong service can be told before it fails.
fn refuse_other_service(service: Service, host: &str) -> Result<(), BadEndpoint> {
    match (host, service) {
        ("cloud.airbyte.com", Service::Cloud) => Err(BadEndpoint::CloudPage),
        ("api.airbyte.com" | "cloud.airbyte.com", Service::SelfManaged | Service::Agents) => {
            Err(BadEndpoint::OtherService(Service::Cloud))
        }
        ("api.airbyte.ai", Service::Cloud | Service::SelfManaged) => {
            Err(BadEndpoint::OtherService(Service::Agents))
        }
        _ => Ok(()),
    }
}

/// A checked URL whose path is only the prefix that somebody's reverse proxy may put before Airbyte's own paths.
struct Root {
    url: Url,
    origin: Origin,
}

impl Root {
    fn parse(text: &str) -> Result<Self, BadEndpoint> {
        if !text.is_ascii() {
            return Err(BadEndpoint::NonAscii);
        }
        if !is_what_it_seems(text) {
            return Err(BadEndpoint::Malformed);
        }
        let url = Url::parse(text).map_err(|_| BadEndpoint::Malformed)?;
        refuse_extras(&url)?;
        let origin = origin_of(&url)?;
        Ok(Self { url, origin })
    }

    fn endpoint(self, service: Service) -> Endpoint {
        let known: &[&str] = match service {
            Service::Cloud => &["/v1"],
            Service::SelfManaged => &["/api/public/v1", "/api/v1", "/api/public", "/api"],
            Service::Agents => &["/api/v1/account", "/api/v1", "/api"],
        };
        let prefix = without_known_path(self.url.path(), known).to_owned();
        let (api_path, account) = match service {
            Service::Cloud => ("/v1", ""),
            Service::SelfManaged => ("/api/public/v1", ""),
            Service::Agents => ("/api/v1", "/account"),
        };
        let with_path = |path: String| {
            let mut url = self.url.clone();
            url.set_path(&path);
            url
        };
        let api = with_path(format!("{prefix}{api_path}"));
        let token_url = with_path(format!("{prefix}{api_path}{account}{TOKEN_PATH}"));
        let base = with_path(prefix.clone()).as_str().trim_end_matches('/').to_owned();
        Endpoint { base, token_url, origin: self.origin, api }
    }
}

/// The URL standard drops tabs and line breaks, reads a backslash as a slash, and decodes `%41` in a host, so that the
/// host which is used would not be the one that a person sees.
fn is_what_it_seems(text: &str) -> bool {
    let after_scheme = text.split_once("://").map(|(_, rest)| rest);
    let authority = after_scheme.and_then(|rest| rest.split(['/', '?', '#']).next());
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && authority.is_some_and(|authority| !authority.contains('%'))
}

fn refuse_extras(url: &Url) -> Result<(), BadEndpoint> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadEndpoint::UserInfo);
    }
    if url.query().is_some() {
        return Err(BadEndpoint::Query);
    }
    if url.fragment().is_some() {
        return Err(BadEndpoint::Fragment);
    }
    Ok(())
}

fn origin_of(url: &Url) -> Result<Origin, BadEndpoint> {
    let host = url.host_str().ok_or(BadEndpoint::Scheme)?;
    if url.domain().is_some_and(|domain| DnsName::try_from(domain).is_err()) {
        return Err(BadEndpoint::Malformed);
    }
    let port = url.port_or_known_default().ok_or(BadEndpoint::Scheme)?;
    format!("{}://{host}:{port}", url.scheme()).parse().map_err(|error| match error {
        BadOrigin::PlainHttp => BadEndpoint::PlainHttp,
        BadOrigin::Scheme => BadEndpoint::Scheme,
        BadOrigin::Malformed => BadEndpoint::Malformed,
    })
}

/// The path without what Airbyte itself puts after the prefix, and without slashes at its end.
fn without_known_path<'a>(path: &'a str, known: &[&str]) -> &'a str {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(TOKEN_PATH).unwrap_or(path);
    let found = known.iter().find_map(|suffix| path.strip_suffix(suffix));
    found.unwrap_or(path).trim_end_matches('/')
}

/// Why no secret may be sent to where a URL points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// A self-managed service without a URL.
    #[error("a self-managed Airbyte needs its url, for example https://airbyte.example.com")]
    Missing,
    /// It cannot be read as a URL, or not as the one that a person sees.
    #[error("not a url; write it like https://airbyte.example.com")]
    Malformed,
    /// The scheme is neither `https` nor `http`.
    #[error("the url must begin with https:// (or http://, to this machine only)")]
    Scheme,
    /// The secret would travel in clear.
    #[error("plain http is allowed to this machine only (localhost, 127.0.0.1, [::1]); use https://")]
    PlainHttp,
    /// Look-alike letters hide which host is meant.
    #[error("the url has characters other than ascii; write the host in its xn-- form")]
    NonAscii,
    /// A user name or a password in the URL.
    #[error("the url has a user name or a password in it; remove what stands before the @")]
    UserInfo,
    /// A query. Airbyte logs the body of a token request whose URL has one, secret included.
    #[error("the url has a query; remove the ? and what follows")]
    Query,
    /// A fragment.
    #[error("the url has a fragment; remove the # and what follows")]
    Fragment,
    /// The address of Airbyte Cloud's web pages, where its API is not.
    #[error(
        "cloud.airbyte.com is the web page, not the api; remove the url, service = \"cloud\" knows its own"
    )]
    CloudPage,
    /// The host of one of Airbyte's own services, in a profile of another.
    #[error("this host belongs to service = \"{0}\"; set that service and remove the url")]
    OtherService(Service),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token_url(service: Service, base: Option<&str>) -> String {
        Endpoint::new(service, base).unwrap().token_url().to_string()
    }

    fn refused(base: &str) -> BadEndpoint {
        Endpoint::new(Service::SelfManaged, Some(base)).unwrap_err()
    }

    #[test]
    fn cloud_and_agents_know_their_own_addresses() {
        let cloud = Endpoint::new(Service::Cloud, None).unwrap();
        assert_eq!(cloud.token_url().as_str(), "https://api.airbyte.com/v1/applications/token");
        assert_eq!(cloud.api().as_str(), "https://api.airbyte.com/v1");
        assert_eq!(cloud.origin().to_string(), "https://api.airbyte.com:443");

        let agents = Endpoint::new(Service::Agents, None).unwrap();
        assert_eq!(agents.token_url().as_str(), "https://api.airbyte.ai/api/v1/account/applications/token");
        assert_eq!(agents.api().as_str(), "https://api.airbyte.ai/api/v1");
        assert_eq!(agents.origin().to_string(), "https://api.airbyte.ai:443");
    }

    #[test]
    fn a_self_managed_service_needs_its_url() {
        assert_eq!(Endpoint::new(Service::SelfManaged, None), Err(BadEndpoint::Missing));
    }

    #[test]
    fn whatever_base_was_pasted_the_token_url_is_the_same() {
        for base in [
            "https://airbyte.example.com",
            "https://airbyte.example.com/",
            "https://airbyte.example.com//",
            "https://AIRBYTE.example.com:443/api",
            "https://airbyte.example.com/api/public",
            "https://airbyte.example.com/api/public/v1",
            "https://airbyte.example.com/api/public/v1/",
            "https://airbyte.example.com/api/v1",
            "https://airbyte.example.com/api/v1/applications/token",
            "https://airbyte.example.com/api/public/v1/applications/token",
            "https://airbyte.example.com/api/public/v1/applications/token/",
        ] {
            let endpoint = Endpoint::new(Service::SelfManaged, Some(base)).unwrap();
            let expected = "https://airbyte.example.com/api/public/v1/applications/token";
            assert_eq!(endpoint.token_url().as_str(), expected, "{base}");
            assert_eq!(endpoint.api().as_str(), "https://airbyte.example.com/api/public/v1", "{base}");
            assert_eq!(endpoint.base(), "https://airbyte.example.com", "{base}");
            assert_eq!(endpoint.origin().to_string(), "https://airbyte.example.com:443", "{base}");
        }
    }

    #[test]
    fn a_reverse_proxys_prefix_is_kept() {
        let expected = "https://example.com/tools/airbyte/api/public/v1/applications/token";
        for base in ["https://example.com/tools/airbyte", "https://example.com/tools/airbyte/api/v1/"] {
            let endpoint = Endpoint::new(Service::SelfManaged, Some(base)).unwrap();
            assert_eq!(endpoint.token_url().as_str(), expected);
            assert_eq!(endpoint.base(), "https://example.com/tools/airbyte");
        }
    }

    #[test]
    fn a_stand_in_for_cloud_or_agents_is_found_under_their_own_paths() {
        for base in [
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000/v1/",
            "http://127.0.0.1:8000/v1/applications/token",
        ] {
            let expected = "http://127.0.0.1:8000/v1/applications/token";
            assert_eq!(token_url(Service::Cloud, Some(base)), expected, "{base}");
        }
        for base in [
            "http://[::1]:8000",
            "http://[::1]:8000/api/v1",
            "http://[::1]:8000/api/v1/account/applications/token",
        ] {
            let expected = "http://[::1]:8000/api/v1/account/applications/token";
            assert_eq!(token_url(Service::Agents, Some(base)), expected, "{base}");
        }
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        assert_eq!(refused("http://airbyte.example.com"), BadEndpoint::PlainHttp);
        assert_eq!(refused("http://10.0.0.1:8000"), BadEndpoint::PlainHttp);
        assert_eq!(refused("http://localhost.example.com"), BadEndpoint::PlainHttp);
        for base in ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"] {
            assert!(Endpoint::new(Service::SelfManaged, Some(base)).is_ok(), "{base}");
        }
    }

    #[test]
    fn each_thing_that_does_not_belong_into_a_url_has_its_own_error() {
        assert_eq!(refused("https://me:secret@example.com"), BadEndpoint::UserInfo);
        assert_eq!(refused("https://me@example.com"), BadEndpoint::UserInfo);
        assert_eq!(refused("https://example.com/?a=b"), BadEndpoint::Query);
        assert_eq!(refused("https://example.com/#top"), BadEndpoint::Fragment);
        assert_eq!(refused("https://airbyt\u{435}.example.com"), BadEndpoint::NonAscii);
        for base in ["ftp://example.com", "unix://example.com", "file:///etc/hosts", "wss://example.com"] {
            assert_eq!(refused(base), BadEndpoint::Scheme, "{base}");
        }
        assert_eq!(refused("example.com"), BadEndpoint::Malformed);
        assert_eq!(refused("localhost:8000"), BadEndpoint::Malformed);
        assert_eq!(refused(""), BadEndpoint::Malformed);
        assert_eq!(refused("https://"), BadEndpoint::Malformed);
        assert_eq!(refused(&format!("https://{}.example", "a".repeat(64))), BadEndpoint::Malformed);
    }

    #[test]
    fn a_host_that_is_not_the_one_that_is_seen_is_refused() {
        for base in [
            "https://good.example\t.evil.example",
            "https://evil.example\\@good.example",
            "https://good%2Eexample",
            "https://%D0%B0irbyte.example",
            " https://good.example",
        ] {
            assert_eq!(refused(base), BadEndpoint::Malformed, "{base:?}");
        }
    }

    #[test]
    fn airbytes_own_hosts_are_told_apart() {
        assert_eq!(refused("https://api.airbyte.com"), BadEndpoint::OtherService(Service::Cloud));
        assert_eq!(
            refused("https://cloud.airbyte.com/workspaces"),
            BadEndpoint::OtherService(Service::Cloud)
        );
        assert_eq!(refused("https://api.airbyte.ai"), BadEndpoint::OtherService(Service::Agents));
        let cloud = |base| Endpoint::new(Service::Cloud, Some(base));
        assert_eq!(cloud("https://cloud.airbyte.com"), Err(BadEndpoint::CloudPage));
        assert_eq!(cloud("https://api.airbyte.ai"), Err(BadEndpoint::OtherService(Service::Agents)));
        assert!(cloud("https://api.airbyte.com/v1").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_leave_the_rules(text in "(https?://)?[a-z0-9.%@:/?#\\[\\]\\\\ -]{0,40}") {
            for service in Service::ALL {
                let Ok(endpoint) = Endpoint::new(service, Some(&text)) else { continue };
                let url = endpoint.token_url();
                prop_assert!(url.path().ends_with("/applications/token"));
                prop_assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
                prop_assert!(url.scheme() == "https" || endpoint.origin().to_string().starts_with("http://"));
            }
        }
    }
}
