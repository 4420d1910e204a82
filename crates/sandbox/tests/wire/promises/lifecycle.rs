//! Starting, watching and stopping, through the handle.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream as StdStream,
};

use airbyte_sandbox::{Fault, Sandbox, Settings, StartError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    CLOUD, PAIR, WRONG_PAIR,
    client::{post, raw, request, send},
};

#[tokio::test]
async fn a_request_is_seen_by_names_and_shapes() {
    let airbyte = Sandbox::start(Settings::default());
    let headers = [("Content-Type", "application/json; charset=utf-8"), ("X-Trace", "sandbox-client-secret")];
    send(&airbyte, "POST", &format!("{CLOUD}?a=b"), &headers, PAIR).await;
    let seen = airbyte.requests().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.had_query), ("POST", CLOUD, true));
    assert_eq!(seen.content_type.as_deref(), Some("application/json"));
    assert_eq!(seen.fields, ["client_id", "client_secret"]);
    assert_eq!(seen.headers, ["host", "connection", "content-length", "content-type", "x-trace"]);
    assert_eq!((seen.body_length, seen.status, seen.exchange), (PAIR.len(), Some(200), true));
    assert!(seen.body_contained_secret && seen.head_contained_secret);
    assert!(!format!("{seen:?}").contains("sandbox-client-secret"));
}

#[tokio::test]
async fn a_request_without_the_secret_is_seen_to_be_without() {
    let airbyte = Sandbox::start(Settings::default());
    post(&airbyte, CLOUD, WRONG_PAIR).await;
    let seen = airbyte.requests().remove(0);
    assert!(!seen.body_contained_secret && !seen.head_contained_secret);
}

#[tokio::test]
async fn a_new_secret_takes_the_place_of_the_old_whose_leaks_still_show() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.set_secret("guess");
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 401);
    assert_eq!(post(&airbyte, CLOUD, WRONG_PAIR).await.status, 200);
    assert!(airbyte.requests().iter().all(|seen| seen.body_contained_secret));
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_one_after_the_other() {
    let airbyte = Sandbox::start(Settings::default());
    let kept = request("GET", "/v1/health", &[], "").replace("Connection: close\r\n", "");
    let (bytes, _) = raw(airbyte.address(), &(kept + &request("GET", "/v1/health", &[], ""))).await;
    assert_eq!(String::from_utf8(bytes).unwrap().matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!((airbyte.counts().connections, airbyte.counts().requests), (1, 2));
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let airbyte = Sandbox::start(Settings::default());
    let mut stream = TcpStream::connect(airbyte.address()).await.unwrap();
    let asking =
        request("POST", CLOUD, &[("Content-Type", "application/json"), ("Expect", "100-continue")], PAIR);
    let (head, body) = asking.split_at(asking.len() - PAIR.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn what_is_no_http_is_told_so_and_not_counted() {
    let airbyte = Sandbox::start(Settings::default());
    let (bytes, _) = raw(airbyte.address(), "hello\r\n\r\n").await;
    assert!(bytes.starts_with(b"HTTP/1.1 400 Bad Request"));
    assert_eq!(airbyte.counts().requests, 0);
}

#[tokio::test]
async fn counting_can_start_anew() {
    let airbyte = Sandbox::start(Settings::default());
    let token = post(&airbyte, CLOUD, PAIR).await.token();
    airbyte.forget_requests();
    assert_eq!((airbyte.exchanges(), airbyte.requests().len()), (0, 0));
    assert!(airbyte.is_live(&token));
    post(&airbyte, CLOUD, PAIR).await;
    assert_eq!(airbyte.requests()[0].number, 1);
}

#[tokio::test]
async fn a_dropped_stand_in_cuts_its_connections() {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(Fault::hang());
    let mut stream = TcpStream::connect(airbyte.address()).await.unwrap();
    let request = request("POST", CLOUD, &[("Content-Type", "application/json")], PAIR);
    stream.write_all(request.as_bytes()).await.unwrap();
    airbyte.wait_for_exchanges(1).await;
    drop(airbyte);
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
}

#[test]
fn a_stand_in_on_a_thread_serves_a_test_that_blocks() {
    let airbyte = Sandbox::start_on_a_thread(Settings::default()).unwrap();
    let mut stream = StdStream::connect(airbyte.address()).unwrap();
    stream.write_all(request("GET", "/v1/health", &[], "").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("Successful operation"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let first = Sandbox::start(Settings::default());
    let second = Sandbox::try_start(Settings { listen: first.address(), ..Settings::default() });
    let error = second.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert!(error.to_string().contains(&first.address().to_string()));
}
