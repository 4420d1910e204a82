//! Certificates: which are taken, and what is said of the others. The secret never goes to a server that is not known.

use std::io::Write as _;

use airbyte_sandbox::{Sandbox, Settings, Tls};
use airbyte_tokend::issuer::{Issuer, Target};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use tempfile::NamedTempFile;

use crate::support::{Parrot, exchange, issuer, settings, target, transient, untrusted};

/// A certificate authority of our own.
pub(super) struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("a private authority")
    }

    pub(super) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: rcgen::Issuer::new(params, key) }
    }

    /// A certificate for these names, changed before it is signed.
    pub(super) fn certificate(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Tls {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate_pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Tls { certificate_pem, key_pem: key.serialize_pem() }
    }

    pub(super) fn file(&self) -> NamedTempFile {
        pem_file(&self.pem)
    }
}

pub(super) fn pem_file(pem: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

pub(super) fn secure_airbyte(tls: Tls) -> Sandbox {
    Sandbox::start(Settings { tls: Some(tls), ..settings() })
}

pub(super) fn trusting(base: &str, ca_file: &NamedTempFile) -> Issuer {
    Issuer::build(Target { ca_file: Some(ca_file.path().to_owned()), ..target(base) }).unwrap()
}

/// What is said of this certificate, with this file trusted.
async fn told(tls: Tls, ca_file: &NamedTempFile) -> String {
    let sandbox = secure_airbyte(tls);
    let told = untrusted(&trusting(&sandbox.url(), ca_file)).await;
    assert!(sandbox.requests().is_empty(), "a request was made");
    told
}

fn is_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn self_signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Tls {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    Tls { certificate_pem: params.self_signed(&key).unwrap().pem(), key_pem: key.serialize_pem() }
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_its_file_is_named() {
    let authority = Authority::new();
    let sandbox = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let issued = exchange(&trusting(&sandbox.url(), &authority.file())).await.unwrap();
    assert!(sandbox.is_live(issued.access_token.expose()));
}

#[tokio::test]
async fn a_self_signed_certificate_that_is_no_authority_may_be_its_own_file() {
    let tls = self_signed(&["127.0.0.1"], |_| ());
    let file = pem_file(&tls.certificate_pem);
    let sandbox = secure_airbyte(tls);
    exchange(&trusting(&sandbox.url(), &file)).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_is_told_with_its_remedy() {
    let tls = Authority::new().certificate(&["127.0.0.1"], |_| ());
    let told = told(tls.clone(), &Authority::named("another authority").file()).await;
    assert!(told.contains("from an unknown authority") && told.contains("set ca_file"), "{told}");

    let sandbox = secure_airbyte(tls);
    let told = untrusted(&issuer(&sandbox.url())).await;
    assert!(
        told.contains("from an unknown authority"),
        "the system's authorities do not know it either: {told}"
    );
}

#[tokio::test]
async fn an_authority_of_the_same_name_with_another_key_is_told_apart() {
    let tls = Authority::new().certificate(&["127.0.0.1"], |_| ());
    let told = told(tls, &Authority::new().file()).await;
    assert!(told.contains("was not signed by the authority it names; is ca_file the right one?"), "{told}");
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_date() {
    let authority = Authority::new();
    let tls = authority.certificate(&["127.0.0.1"], |params| params.not_after = date_time_ymd(2024, 2, 29));
    let told = told(tls, &authority.file()).await;
    assert!(
        told.contains("expired on 2024-02-29T00:00:00Z; renew it, or set this machine's clock, which says 2"),
        "{told}"
    );
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_told_with_its_date() {
    let authority = Authority::new();
    let tls = authority.certificate(&["127.0.0.1"], |params| params.not_before = date_time_ymd(3000, 1, 1));
    let told = told(tls, &authority.file()).await;
    assert!(told.contains("valid only from 3000-01-01T00:00:00Z; wait until then, or set"), "{told}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told() {
    let authority = Authority::new();
    for names in [&["airbyte.example.com"][..], &["127.0.0.2"], &["localhost", "*.example.com"]] {
        let told = told(authority.certificate(names, |_| ()), &authority.file()).await;
        assert!(told.contains("not for https://127.0.0.1:") && told.contains("another host"), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_without_any_name_is_told_apart() {
    let authority = Authority::new();
    let told = told(authority.certificate(&[], |_| ()), &authority.file()).await;
    assert!(told.contains("names no host at all (no subjectAltName)"), "{told}");
}

#[tokio::test]
async fn a_file_of_authorities_that_was_replaced_is_read_anew_once_a_server_was_not_trusted() {
    let (old, new) = (Authority::named("old"), Authority::named("new"));
    let (sandbox, file) = (secure_airbyte(new.certificate(&["127.0.0.1"], |_| ())), old.file());
    let issuer = trusting(&sandbox.url(), &file);
    assert!(untrusted(&issuer).await.contains("from an unknown authority"));

    std::fs::write(file.path(), "nothing of use").unwrap();
    let told = untrusted(&issuer).await;
    assert!(
        told.contains(&file.path().display().to_string()) && told.contains("no BEGIN CERTIFICATE"),
        "{told}"
    );

    std::fs::write(file.path(), new.pem).unwrap();
    exchange(&issuer).await.unwrap();
    assert_eq!(sandbox.exchanges(), 1);
}

#[tokio::test]
async fn authorities_that_cannot_be_read_anew_stay_trusted() {
    let authority = Authority::new();
    let (sandbox, file) = (secure_airbyte(authority.certificate(&["127.0.0.2"], |_| ())), authority.file());
    let issuer = trusting(&sandbox.url(), &file);
    assert!(untrusted(&issuer).await.contains("another host"));
    drop(sandbox);
    std::fs::remove_file(file.path()).unwrap();
    assert!(transient(&issuer).await.0.contains("connection refused"), "it is tried all the same");
}

/// What `openssl req -x509` makes, used both as the server's certificate and as `ca_file`.
#[tokio::test]
async fn an_authority_that_is_used_as_a_server_is_told_with_its_remedy() {
    let tls = self_signed(&["127.0.0.1"], is_authority);
    let file = pem_file(&tls.certificate_pem);
    let told = told(tls, &file).await;
    assert!(told.contains("uses an authority's certificate as its own; issue one for the server"), "{told}");
    assert!(told.contains("set ca_file to the authority's"), "{told}");
}

#[tokio::test]
async fn a_plain_http_port_is_told() {
    let server = Parrot::start("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let told = untrusted(&issuer(&format!("https://{}", server.address()))).await;
    assert!(told.contains("does not speak TLS; is it a plain http port?"), "{told}");
}

/// The alert with which a server of TLS 1.1 or older refuses (RFC 8446 §6.2).
#[tokio::test]
async fn a_server_of_old_tls_is_told() {
    let server = Parrot::start(b"\x15\x03\x01\x00\x02\x02\x46".to_vec()).await;
    let told = untrusted(&issuer(&format!("https://{}", server.address()))).await;
    assert!(told.contains("offers nothing that TLS 1.2 or 1.3 would accept"), "{told}");
    let hello = server.seen().await.concat();
    assert!(hello.contains("http/1.1") && !hello.contains("h2"), "only HTTP/1.1 is offered: {hello:?}");
}
