//! What the suites share: a secret that must not leak, and a server that says what it is told to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use airbyte_sandbox::{Sandbox, Settings};
use airbyte_token_core::{ClientId, Failure, Issued, Secret};
use airbyte_tokend::issuer::{Deadlines, Endpoint, Issuer, Service, Target};
use reqwest::Client;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A secret that is easy to find wherever it should not be.
pub(super) const SECRET: &str = "canary-client-secret-0123456789abcdef";
pub(super) const CLIENT_ID: &str = "b6b159ce-07f4-4699-94b3-7f0d7f0e5d67";
/// A whole reply that brings a token.
pub(super) const SUCCESS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"access_token\":\"abcdefghijklmnopqrst-uvwxyz1234\"}";

/// A stand-in that knows our pair.
pub(super) fn airbyte() -> Sandbox {
    Sandbox::start(settings())
}

pub(super) fn settings() -> Settings {
    Settings { client_id: CLIENT_ID.to_owned(), client_secret: SECRET.to_owned(), ..Settings::default() }
}

/// Where a self-managed Airbyte at this URL is.
pub(super) fn target(base: &str) -> Target {
    let endpoint = Endpoint::new(Service::SelfManaged, Some(base)).unwrap();
    Target { endpoint, organization_id: None, ca_file: None, proxy: None }
}

pub(super) fn issuer(base: &str) -> Issuer {
    Issuer::build(target(base)).unwrap()
}

/// An issuer that gives up after this long.
pub(super) fn impatient_issuer(base: &str, total: Duration) -> Issuer {
    Issuer::with_deadlines(target(base), Deadlines { total, ..Deadlines::default() }).unwrap()
}

pub(super) fn client_id() -> ClientId {
    CLIENT_ID.parse().unwrap()
}

pub(super) async fn exchange(issuer: &Issuer) -> Result<Issued, Failure> {
    let result = issuer.exchange(&client_id(), Secret::new(SECRET.to_owned())).await;
    assert!(!format!("{result:?}").contains("canary"), "the outcome shows the secret");
    result
}

/// A client as the library makes it: it heeds the environment and follows redirects. For controls.
pub(super) fn default_client() -> Client {
    use_ring();
    Client::new()
}

/// What a client with the library's own certificate check needs.
pub(super) fn use_ring() {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
}

/// The failure of an exchange that must fail.
pub(super) async fn failure(issuer: &Issuer) -> Failure {
    exchange(issuer).await.expect_err("the exchange must fail")
}

/// The line of the failure of an exchange with a server that cannot be trusted.
pub(super) async fn untrusted(issuer: &Issuer) -> String {
    let failure = failure(issuer).await;
    let Failure::Untrusted { detail } = failure else { panic!("{failure:?}") };
    detail.to_string()
}

/// The line of a failure that must be transient, and how long it asks to wait.
pub(super) async fn transient(issuer: &Issuer) -> (String, Option<Duration>) {
    let failure = failure(issuer).await;
    let Failure::Transient { retry_after, detail } = failure else { panic!("{failure:?}") };
    (detail.to_string(), retry_after)
}

/// A server that answers every connection with the same bytes, and remembers what it was sent.
pub(super) struct Parrot {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Parrot {
    pub(super) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, answer.into(), Arc::clone(&seen)));
        Self { address, seen }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that was sent here, one text for each connection, in the order in which they were served. A
    /// connection of our own comes last, so that none before it can be on its way still.
    pub(super) async fn seen(&self) -> Vec<String> {
        let mut probe = TcpStream::connect(self.address).await.unwrap();
        probe.write_all(b"PROBE / HTTP/1.1\r\n\r\n").await.unwrap();
        let _answer = probe.read_to_end(&mut Vec::new()).await;
        let seen = self.seen.lock().unwrap();
        let texts = seen.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        texts.filter(|text| !text.starts_with("PROBE")).collect()
    }
}

/// One connection after another.
async fn serve(listener: TcpListener, answer: Vec<u8>, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let request = read_request(&mut stream).await;
        seen.lock().unwrap().push(request);
        // The client may have hung up on purpose.
        let _sent = stream.write_all(&answer).await;
        let _closed = stream.shutdown().await;
        let _rest = stream.read_to_end(&mut Vec::new()).await;
    }
}

/// One HTTP request, or the first record of TLS.
pub(super) async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    while !is_whole(&request) && stream.read_buf(&mut request).await.is_ok_and(|count| count > 0) {}
    request
}

fn is_whole(request: &[u8]) -> bool {
    if let [0x16, _, _, high, low, record @ ..] = request {
        return record.len() >= usize::from(u16::from_be_bytes([*high, *low]));
    }
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
