//! What the environment says of proxies, certificates and key logs is not heeded.
//!
//! A test here runs itself again as a child with the variables set, so that no other test sees them. In the child a
//! client with the library's own defaults shows that each variable would have worked.

use std::{env, path::PathBuf, process::Command};

use airbyte_tokend::issuer::{Issuer, Target};
use reqwest::Client;

use crate::{
    support::{Parrot, airbyte, default_client, exchange, issuer, target, untrusted, use_ring},
    tls::{Authority, secure_airbyte},
};

/// Tells the child where the server is.
const SERVER: &str = "ISSUER_TEST_SERVER";
/// Tells the child which file to trust.
const CA_FILE: &str = "ISSUER_TEST_CA_FILE";

fn server() -> Option<String> {
    env::var(SERVER).ok()
}

/// Runs a test of this module again with these variables.
async fn again(test: &str, variables: Vec<(&'static str, String)>) {
    let name = format!("environment::{test}");
    let run = move || {
        let mut child = Command::new(env::current_exe().unwrap());
        child
            .args(["--exact", &name, "--nocapture"])
            .envs(variables)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy");
        child.output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn no_proxy_is_taken_from_the_environment() {
    if let Some(url) = server() {
        exchange(&issuer(&url)).await.unwrap();
        default_client().get(format!("{url}/control")).send().await.unwrap();
        return;
    }
    let sandbox = airbyte();
    let collector = Parrot::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let mut variables: Vec<_> = names.map(|name| (name, collector.url())).into();
    variables.push((SERVER, sandbox.url()));
    again("no_proxy_is_taken_from_the_environment", variables).await;

    assert_eq!(sandbox.exchanges(), 1);
    let seen = collector.seen().await;
    assert!(
        seen.len() == 1 && seen[0].contains("/control"),
        "only the control goes through the proxy: {seen:?}"
    );
}

#[tokio::test]
async fn no_proxy_is_taken_from_the_environment_for_https_either() {
    if let Some(url) = server() {
        let ca_file = Some(PathBuf::from(env::var_os(CA_FILE).unwrap()));
        let issuer = Issuer::build(Target { ca_file, ..target(&url) }).unwrap();
        exchange(&issuer).await.unwrap();
        default_client().get(format!("{url}/control")).send().await.unwrap_err();
        return;
    }
    let authority = Authority::new();
    let ca_file = authority.file();
    let sandbox = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let collector = Parrot::start("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let mut variables: Vec<_> =
        ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, collector.url())).into();
    variables.push((SERVER, sandbox.url()));
    variables.push((CA_FILE, ca_file.path().to_str().unwrap().to_owned()));
    again("no_proxy_is_taken_from_the_environment_for_https_either", variables).await;

    assert_eq!(sandbox.exchanges(), 1);
    let seen = collector.seen().await;
    assert!(
        seen.len() == 1 && seen[0].starts_with("CONNECT"),
        "only the control goes through the proxy: {seen:?}"
    );
}

#[tokio::test]
async fn no_authority_is_taken_from_the_environment() {
    if let Some(url) = server() {
        let told = untrusted(&issuer(&url)).await;
        assert!(told.contains("from an unknown authority"), "{told}");
        default_client().get(format!("{url}/control")).send().await.unwrap();
        return;
    }
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::copy(authority.file().path(), &file).unwrap();
    let sandbox = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let variables = vec![
        (SERVER, sandbox.url()),
        ("SSL_CERT_FILE", file.to_str().unwrap().to_owned()),
        ("SSL_CERT_DIR", directory.path().to_str().unwrap().to_owned()),
    ];
    again("no_authority_is_taken_from_the_environment", variables).await;
    assert_eq!(sandbox.exchanges(), 0);
    assert_eq!(sandbox.requests().len(), 1, "the control trusts the authority and so gets through");
}

#[tokio::test]
async fn no_keys_are_logged() {
    if let Some(url) = server() {
        let ca_file = PathBuf::from(env::var_os(CA_FILE).unwrap());
        let log = PathBuf::from(env::var_os("SSLKEYLOGFILE").unwrap());
        let issuer = Issuer::build(Target { ca_file: Some(ca_file.clone()), ..target(&url) }).unwrap();
        exchange(&issuer).await.unwrap();
        assert!(!log.exists(), "the keys of the exchange were logged");

        use_ring();
        let authority = reqwest::Certificate::from_pem(&std::fs::read(ca_file).unwrap()).unwrap();
        let control = Client::builder().no_proxy().tls_certs_only([authority]).tls_sslkeylogfile(true);
        control.build().unwrap().get(format!("{url}/control")).send().await.unwrap();
        assert!(log.exists(), "the variable works where it is heeded");
        return;
    }
    let authority = Authority::new();
    let ca_file = authority.file();
    let directory = tempfile::tempdir().unwrap();
    let sandbox = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let variables = vec![
        (SERVER, sandbox.url()),
        (CA_FILE, ca_file.path().to_str().unwrap().to_owned()),
        ("SSLKEYLOGFILE", directory.path().join("keys").to_str().unwrap().to_owned()),
    ];
    again("no_keys_are_logged", variables).await;
    assert_eq!(sandbox.exchanges(), 1);
}
