//! Exactly one request, exactly as Airbyte wants it.

use airbyte_sandbox::{Bearer, Edition, Fault, Sandbox, Settings};
use airbyte_token_core::{Failure, Secret};
use airbyte_tokend::issuer::{Endpoint, Issuer, Service, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

use crate::support::{
    CLIENT_ID, Parrot, SECRET, SUCCESS, airbyte, client_id, exchange, issuer, read_request, settings, target,
};

fn expected(path: &str, extra_header: &str, host: &str) -> String {
    let body = format!(
        r#"{{"client_id":"{CLIENT_ID}","client_secret":"{SECRET}","grant-type":"client_credentials"}}"#
    );
    let (version, length) = (env!("CARGO_PKG_VERSION"), body.len());
    format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\naccept: application/json\r\n{extra_header}\
         user-agent: airbyte-tokend/{version}\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn the_request_is_exactly_this() {
    let table = [
        (Service::Cloud, "/v1/applications/token"),
        (Service::SelfManaged, "/api/public/v1/applications/token"),
        (Service::Agents, "/api/v1/account/applications/token"),
    ];
    for (service, path) in table {
        let server = Parrot::start(SUCCESS).await;
        let endpoint = Endpoint::new(service, Some(&server.url())).unwrap();
        let issuer = Issuer::build(Target { endpoint, ..target(&server.url()) }).unwrap();
        exchange(&issuer).await.unwrap();
        assert_eq!(server.seen().await, [expected(path, "", &server.address().to_string())]);
    }
}

#[tokio::test]
async fn the_organization_is_named_when_one_is_set() {
    let server = Parrot::start(SUCCESS).await;
    let endpoint = Endpoint::new(Service::Agents, Some(&server.url())).unwrap();
    let organization_id = Some("12345678-1234-1234-1234-123456789012".to_owned());
    let issuer = Issuer::build(Target { endpoint, organization_id, ..target(&server.url()) }).unwrap();
    exchange(&issuer).await.unwrap();
    let header = "x-organization-id: 12345678-1234-1234-1234-123456789012\r\n";
    let path = "/api/v1/account/applications/token";
    assert_eq!(server.seen().await, [expected(path, header, &server.address().to_string())]);
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let server = Parrot::start(SUCCESS).await;
    let base = format!("http://localhost:{}", server.address().port());
    exchange(&issuer(&base)).await.unwrap();
    assert_eq!(server.seen().await.len(), 1);
}

/// Answers as many requests as come on each connection, and hands every connection's count over when it ends.
async fn hospitable(listener: TcpListener, counts: mpsc::UnboundedSender<usize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let counts = counts.clone();
        tokio::spawn(async move {
            let mut served = 0;
            while !read_request(&mut stream).await.is_empty() {
                stream.write_all(SUCCESS.as_bytes()).await.unwrap();
                served += 1;
            }
            counts.send(served).unwrap();
        });
    }
}

#[tokio::test]
async fn each_exchange_has_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = issuer(&format!("http://{}", listener.local_addr().unwrap()));
    let (sender, mut counts) = mpsc::unbounded_channel();
    tokio::spawn(hospitable(listener, sender));
    for _ in 0..3 {
        exchange(&issuer).await.unwrap();
    }
    drop(issuer);
    for _ in 0..3 {
        assert_eq!(counts.recv().await, Some(1));
    }
}

#[tokio::test]
async fn every_edition_of_airbyte_issues_a_token() {
    for edition in Edition::ALL {
        let pair = settings();
        let sandbox = Sandbox::start(Settings {
            client_id: pair.client_id,
            client_secret: pair.client_secret,
            strict: true,
            ..Settings::of(edition)
        });
        let service = match edition {
            Edition::Cloud => Service::Cloud,
            Edition::Agents => Service::Agents,
            Edition::Core
            | Edition::Core180
            | Edition::CoreBare
            | Edition::Keycloak
            | Edition::Keycloak500
            | Edition::KeycloakException => Service::SelfManaged,
        };
        let endpoint = Endpoint::new(service, Some(&sandbox.url())).unwrap();
        let issuer = Issuer::build(Target { endpoint, ..target(&sandbox.url()) }).unwrap();
        let issued = exchange(&issuer).await.unwrap();
        assert!(sandbox.is_live(issued.access_token.expose()), "{edition}");
        let lifetime = issued.lifetime.as_secs();
        match edition {
            Edition::Core180 => assert_eq!(lifetime, 179),
            Edition::CoreBare => assert!((86_398..=86_400).contains(&lifetime), "{lifetime}"),
            Edition::Cloud
            | Edition::Core
            | Edition::Keycloak
            | Edition::Keycloak500
            | Edition::KeycloakException
            | Edition::Agents => assert!((899..=900).contains(&lifetime), "{edition}: {lifetime}"),
        }
    }
}

#[tokio::test]
async fn every_edition_tells_a_wrong_secret() {
    for edition in Edition::ALL {
        let pair = settings();
        let sandbox = Sandbox::start(Settings {
            client_id: pair.client_id,
            client_secret: "another".to_owned(),
            ..Settings::of(edition)
        });
        let failure = exchange(&issuer(&sandbox.url())).await.unwrap_err();
        match edition {
            Edition::Keycloak500 => {
                assert!(matches!(failure, Failure::Suspect { .. }), "{edition}: {failure:?}")
            }
            Edition::Cloud
            | Edition::Core
            | Edition::Core180
            | Edition::CoreBare
            | Edition::Keycloak
            | Edition::KeycloakException
            | Edition::Agents => {
                assert!(matches!(failure, Failure::Rejected { .. }), "{edition}: {failure:?}")
            }
        }
    }
}

#[tokio::test]
async fn a_failed_exchange_is_not_repeated() {
    let sandbox = airbyte();
    for fault in [Fault::status(503), Fault::status(401), Fault::reset(), Fault::status(429).retry_after("1")]
    {
        sandbox.forget_requests();
        sandbox.add_fault(fault);
        exchange(&issuer(&sandbox.url())).await.unwrap_err();
        assert_eq!(sandbox.exchanges(), 1);
    }
    sandbox.forget_requests();
    exchange(&issuer(&sandbox.url())).await.unwrap();
    let requests = sandbox.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(request.body_contained_secret && !request.head_contained_secret && !request.had_query);
    assert_eq!(request.bearer, Bearer::None);
}

#[tokio::test]
async fn an_abandoned_exchange_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = issuer(&format!("http://{}", listener.local_addr().unwrap()));
    let client_id = client_id();
    let accept = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        assert!(String::from_utf8_lossy(&request).contains(SECRET));
        stream
    };
    let mut stream = tokio::select! {
        result = issuer.exchange(&client_id, Secret::new(SECRET.to_owned())) => panic!("{result:?}"),
        stream = accept => stream,
    };
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}
