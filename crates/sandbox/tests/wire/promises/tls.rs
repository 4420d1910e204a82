//! The same over TLS.

use std::sync::Arc;

use airbyte_sandbox::{Fault, Sandbox, Settings, StartError, Tls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};

use super::{
    CLOUD, PAIR,
    client::{End, raw, request},
};

/// A stand-in for `localhost` and a client that trusts it.
fn pair() -> (Sandbox, TlsConnector) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls { certificate_pem: certified.cert.pem(), key_pem: certified.signing_key.serialize_pem() };
    let airbyte = Sandbox::start(Settings { tls: Some(tls), ..Settings::default() });
    (airbyte, trusting(certified.cert.der().clone()))
}

fn trusting(certificate: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn connect(airbyte: &Sandbox, client: &TlsConnector) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(airbyte.address()).await.unwrap();
    client.connect("localhost".try_into().unwrap(), tcp).await.unwrap()
}

#[tokio::test]
async fn tokens_come_over_https_when_there_is_a_certificate() {
    let (airbyte, client) = pair();
    assert!(airbyte.url().starts_with("https://127.0.0.1:"));
    let mut stream = connect(&airbyte, &client).await;
    let request = request("POST", CLOUD, &[("Content-Type", "application/json")], PAIR);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("access_token"));
}

#[tokio::test]
async fn a_reset_cuts_through_tls() {
    let (airbyte, client) = pair();
    airbyte.add_fault("reset-mid-body".parse::<Fault>().unwrap());
    let mut stream = connect(&airbyte, &client).await;
    let request = request("POST", CLOUD, &[("Content-Type", "application/json")], PAIR);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap_err();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_reset_on_accept_comes_before_tls() {
    let (airbyte, _) = pair();
    airbyte.add_fault("reset-on-accept".parse::<Fault>().unwrap());
    assert_eq!(raw(airbyte.address(), "anything").await, (Vec::new(), End::Reset));
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let [one, two] = [(), ()].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    for (certificate_pem, key_pem) in [
        (one.cert.pem(), two.signing_key.serialize_pem()),
        (one.cert.pem(), "no key".to_owned()),
        ("no certificate".to_owned(), one.signing_key.serialize_pem()),
    ] {
        let settings = Settings { tls: Some(Tls { certificate_pem, key_pem }), ..Settings::default() };
        assert!(matches!(Sandbox::try_start(settings), Err(StartError::Tls(_))));
    }
}
