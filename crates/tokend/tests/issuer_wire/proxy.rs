//! A proxy that the profile names: a tunnel, and nothing else.

use std::sync::{Arc, Mutex};

use airbyte_tokend::issuer::{Issuer, Target};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    support::{Parrot, SECRET, exchange, read_request, target, transient},
    tls::{Authority, secure_airbyte},
};

/// A proxy that opens one tunnel, and gives back what it was asked for and what it saw pass from the client.
async fn tunnel(listener: TcpListener, to: std::net::SocketAddr, passed: Arc<Mutex<Vec<u8>>>) {
    let (mut client, _) = listener.accept().await.unwrap();
    let asked = read_request(&mut client).await;
    passed.lock().unwrap().extend(asked);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let server = TcpStream::connect(to).await.unwrap();
    let ((mut client_read, mut client_write), (mut server_read, mut server_write)) =
        (client.into_split(), server.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut server_read, &mut client_write).await });
    let mut chunk = Vec::new();
    while client_read.read_buf(&mut chunk).await.is_ok_and(|count| count > 0) {
        passed.lock().unwrap().extend(&chunk);
        if server_write.write_all(&chunk).await.is_err() {
            break;
        }
        chunk.clear();
    }
    drop(back);
}

#[tokio::test]
async fn a_proxy_sees_which_host_is_asked_for_and_no_more() {
    let authority = Authority::new();
    let sandbox = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let passed = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(tunnel(listener, sandbox.address(), Arc::clone(&passed)));

    let ca_file = authority.file();
    let ca_file = Some(ca_file.path().to_owned());
    let issuer = Issuer::build(Target { ca_file, proxy, ..target(&sandbox.url()) }).unwrap();
    let issued = exchange(&issuer).await.unwrap();
    assert!(sandbox.is_live(issued.access_token.expose()));

    let passed = String::from_utf8_lossy(&passed.lock().unwrap()).into_owned();
    assert!(passed.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", sandbox.address())), "{passed}");
    assert!(!passed.contains(SECRET) && !passed.contains("applications/token"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told() {
    for answer in ["HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"] {
        let server = Parrot::start(answer).await;
        let target = Target { proxy: Some(server.url()), ..target("https://airbyte.example.com") };
        let (told, _) = transient(&Issuer::build(target).unwrap()).await;
        assert_eq!(told, "the proxy does not connect to https://airbyte.example.com:443");
        let seen = server.seen().await;
        assert!(seen.len() == 1 && seen[0].starts_with("CONNECT airbyte.example.com:443"), "{seen:?}");
    }
}
