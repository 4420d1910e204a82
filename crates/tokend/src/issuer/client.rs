//! The HTTP client of an issuer, with every door closed that the library leaves open.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Proxy, Url, header::HeaderValue, redirect, retry};
use rustls::{ClientConfig, RootCertStore, crypto::ring, version};
use tokio::{
    task::{self, JoinHandle},
    time,
};

use super::{BadRoots, Target, roots};

const USER_AGENT: &str = concat!("airbyte-tokend/", env!("CARGO_PKG_VERSION"));

/// How long an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// To find the host, connect to it and shake hands: 5 s.
    pub connect: Duration,
    /// From the first of that to the last byte of the reply, however it drips: 15 s.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

/// The client of one target. After an exchange with a server that was not trusted, the certificate authorities are read
/// anew before the next: whoever replaces their files need not tell the daemon.
#[derive(Debug)]
pub(super) struct Caller {
    target: Target,
    deadlines: Deadlines,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    client: Client,
    is_doubted: bool,
    /// What reads the files, when the disk took too long the last time: a disk that hangs holds up one thread and not
    /// ever more.
    reading: Option<Reading>,
    /// Why they could not be read anew.
    unread: Option<BuildIssuerError>,
}

type Reading = JoinHandle<Result<Client, BuildIssuerError>>;

impl Caller {
    pub(super) fn new(target: &Target, deadlines: Deadlines) -> Result<Self, BuildIssuerError> {
        let kept = Kept::new(build(target, deadlines)?);
        Ok(Self { target: target.clone(), deadlines, kept: Mutex::new(kept) })
    }

    /// The client for the next exchange.
    pub(super) async fn client(&self) -> Client {
        if self.kept().is_doubted {
            self.renew().await;
        }
        self.kept().client.clone()
    }

    /// The server was not trusted. Brings why the authorities could not be read anew, if that was tried before.
    pub(super) fn doubt(&self) -> Option<BuildIssuerError> {
        let mut kept = self.kept();
        kept.is_doubted = true;
        kept.unread.take()
    }

    /// Where they cannot be read, those that were read before are as good as any: the server may be mended.
    async fn renew(&self) {
        let mut reading = self.kept().reading.take().unwrap_or_else(|| self.read());
        let read = time::timeout(self.deadlines.connect, &mut reading).await;
        let mut kept = self.kept();
        match read {
            Ok(Ok(Ok(client))) => *kept = Kept::new(client),
            Ok(Ok(Err(error))) => kept.unread = Some(error),
            Ok(Err(error)) => tracing::error!(%error, "the certificate authorities were not read anew"),
            Err(_) => kept.reading = Some(reading),
        }
    }

    fn read(&self) -> Reading {
        let (target, deadlines) = (self.target.clone(), self.deadlines);
        task::spawn_blocking(move || build(&target, deadlines))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    const fn new(client: Client) -> Self {
        Self { client, is_doubted: false, reading: None, unread: None }
    }
}

fn build(target: &Target, deadlines: Deadlines) -> Result<Client, BuildIssuerError> {
    let https = target.endpoint.origin().is_https();
    // Plain http stays on this machine and needs no authorities, so it works on a machine that has none.
    let roots = if https { roots::load(target.ca_file.as_deref())? } else { RootCertStore::empty().into() };
    let mut builder = locked_down()
        .tls_backend_preconfigured(tls_config(roots))
        .https_only(https)
        .connect_timeout(deadlines.connect)
        .timeout(deadlines.total);
    builder = match &target.proxy {
        Some(_) if !https => return Err(BuildIssuerError::ProxyForHttp),
        Some(text) => builder.proxy(proxy(text)?),
        None => builder,
    };
    if !https {
        builder = pin_localhost(builder);
    }
    builder.build().map_err(|_| BuildIssuerError::Client)
}

/// Everything that does not depend on the target.
fn locked_down() -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .http1_only()
        // One exchange in many minutes gains nothing from a kept connection, and after suspend a kept one is dead
        // without knowing it.
        .pool_max_idle_per_host(0)
        // 65 KB of gzip can be 64 MiB of zeros. These hold even if another crate switches the features on.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
}

/// TLS 1.2 or 1.3 by ring, HTTP/1.1 only, and no key log: `SSLKEYLOGFILE` is not looked at.
fn tls_config(roots: Arc<RootCertStore>) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .expect("ring has cipher suites for both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// `localhost` is this machine, whatever a name server says (RFC 6761 §6.3).
fn pin_localhost(builder: ClientBuilder) -> ClientBuilder {
    let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    builder.resolve_to_addrs("localhost", &loopback)
}

fn proxy(text: &str) -> Result<Proxy, BadProxy> {
    let url = Url::parse(text).map_err(|_| BadProxy::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadProxy::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadProxy::UserInfo);
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(BadProxy::Malformed);
    }
    Proxy::https(url).map_err(|_| BadProxy::Malformed)
}

/// The value of `X-Organization-Id`.
pub(super) fn organization_id(text: &str) -> Result<HeaderValue, BuildIssuerError> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let value = fits.then(|| HeaderValue::from_str(text).ok()).flatten();
    value.ok_or(BuildIssuerError::OrganizationId)
}

/// Why a target cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum BuildIssuerError {
    /// There is nothing to check the server's certificate against, or not all of it.
    #[error(transparent)]
    Roots(#[from] BadRoots),
    /// The proxy is not one.
    #[error(transparent)]
    Proxy(#[from] BadProxy),
    /// A proxy would see the secret of a plain http target.
    #[error("a proxy is for https urls only; this one is plain http to this machine: remove proxy")]
    ProxyForHttp,
    /// The organization's id cannot stand in a header.
    #[error("organization_id must have 1 to 128 printable characters and no spaces")]
    OrganizationId,
    /// The HTTP library refuses its own settings.
    #[error("the http client cannot be built; this is a fault in airbyte-tokend, please report it")]
    Client,
}

/// Why a text is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProxy {
    /// It is not of the form that is needed.
    #[error("proxy must be written like http://proxy.example.com:3128")]
    Malformed,
    /// SOCKS or the like.
    #[error("proxy must begin with http:// or https://")]
    Scheme,
    /// A password would stand in a configuration file.
    #[error("proxy has a user name or a password in it; use a proxy that knows this machine without")]
    UserInfo,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{Endpoint, Issuer, Service};

    fn target(base: &str) -> Target {
        let endpoint = Endpoint::new(Service::SelfManaged, Some(base)).unwrap();
        Target { endpoint, organization_id: None, ca_file: None, proxy: None }
    }

    fn refusal(target: Target) -> String {
        Issuer::build(target).unwrap_err().to_string()
    }

    #[test]
    fn the_deadlines_are_five_and_fifteen_seconds() {
        let Deadlines { connect, total } = Deadlines::default();
        assert_eq!((connect.as_secs(), total.as_secs()), (5, 15));
    }

    #[test]
    fn a_proxy_is_for_https_only() {
        let proxy = Some("http://127.0.0.1:3128".to_owned());
        assert!(refusal(Target { proxy, ..target("http://127.0.0.1:8000") }).contains("remove proxy"));
    }

    #[test]
    fn each_bad_proxy_has_its_own_error() {
        assert_eq!(proxy("proxy.example.com").unwrap_err(), BadProxy::Malformed);
        assert_eq!(proxy("proxy.example.com:3128").unwrap_err(), BadProxy::Scheme);
        assert_eq!(proxy("socks5://proxy.example.com").unwrap_err(), BadProxy::Scheme);
        assert_eq!(proxy("http://me:secret@proxy.example.com").unwrap_err(), BadProxy::UserInfo);
        assert_eq!(proxy("http://proxy.example.com/path").unwrap_err(), BadProxy::Malformed);
        assert!(proxy("http://proxy.example.com:3128").is_ok());
        assert!(proxy("https://proxy.example.com/").is_ok());
    }

    #[test]
    fn an_organization_id_cannot_bring_a_header_of_its_own() {
        let with_id =
            |id: &str| Target { organization_id: Some(id.to_owned()), ..target("http://127.0.0.1") };
        for id in ["", "a b", "a\r\nX-Evil: 1", "\u{e9}", &"x".repeat(129)] {
            assert!(refusal(with_id(id)).contains("organization_id"), "{id:?}");
        }
        assert!(Issuer::build(with_id("12345678-1234-1234-1234-123456789012")).is_ok());
    }

    #[test]
    fn plain_http_needs_no_certificate_authorities() {
        let ca_file = Some("/nonexistent/ca.pem".into());
        assert!(
            Issuer::build(Target { ca_file: ca_file.clone(), ..target("http://localhost:8000") }).is_ok()
        );
        let https = Target { ca_file, ..target("https://localhost:8000") };
        assert!(refusal(https).contains("/nonexistent/ca.pem"));
    }
}
