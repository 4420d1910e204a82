//! Servers that cannot be reached, each in words of its own.

use std::time::Duration;

use airbyte_tokend::issuer::{Deadlines, Issuer};
use tokio::net::TcpListener;

use crate::support::{issuer, target, transient};

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (told, wait) = transient(&issuer(&base)).await;
    assert!(told.starts_with("connection refused on the way to http://127.0.0.1:"), "{told}");
    assert_eq!(wait, None);
}

#[tokio::test]
async fn a_connection_that_never_gets_ready_is_left_at_its_own_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let deadlines = Deadlines { connect: Duration::from_millis(200), total: Duration::from_secs(60) };
    let (told, _) = transient(&Issuer::with_deadlines(target(&base), deadlines).unwrap()).await;
    assert!(
        told.starts_with("no connection to https://127.0.0.1:") && told.ends_with("within 200ms"),
        "{told}"
    );
}
