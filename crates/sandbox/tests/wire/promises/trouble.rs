//! Faults on the wire.

use std::{sync::Arc, time::Duration};

use airbyte_sandbox::{Fault, Sandbox, Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::{
    CLOUD, PAIR,
    client::{Answer, End, post, raw, request},
};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const MINUTE: Duration = Duration::from_secs(60);

fn with(fault: &str) -> Arc<Sandbox> {
    let airbyte = Sandbox::start(Settings::default());
    airbyte.add_fault(fault.parse::<Fault>().unwrap());
    Arc::new(airbyte)
}

async fn struck_by(fault: &str) -> (Vec<u8>, End) {
    raw(with(fault).address(), &request("POST", CLOUD, &JSON, PAIR)).await
}

/// An exchange that has arrived and is not answered yet. No timer runs before that, so paused time stands.
async fn begun(airbyte: &Arc<Sandbox>) -> JoinHandle<Answer> {
    let asked = Arc::clone(airbyte);
    let exchange = tokio::spawn(async move { post(&asked, CLOUD, PAIR).await });
    airbyte.wait_for_exchanges(1).await;
    exchange
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_comes_after_the_delay_and_is_the_true_one() {
    let airbyte = with("delay=1h");
    let mut exchange = begun(&airbyte).await;
    timeout(59 * MINUTE, &mut exchange).await.unwrap_err();
    assert_eq!(exchange.await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_delay_goes_with_any_other_fault() {
    let airbyte = with("status=500,delay=1h");
    let mut exchange = begun(&airbyte).await;
    timeout(59 * MINUTE, &mut exchange).await.unwrap_err();
    assert_eq!(exchange.await.unwrap().status, 500);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_exchange_is_never_answered_and_others_are() {
    let airbyte = with("hang");
    let mut exchange = begun(&airbyte).await;
    timeout(1000 * MINUTE, &mut exchange).await.unwrap_err();
    assert_eq!(airbyte.requests()[0].status, None);
    assert_eq!(post(&airbyte, CLOUD, PAIR).await.status, 200);
    exchange.abort();
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_comes_a_byte_at_a_time() {
    let airbyte = with("drip=1m");
    let mut exchange = begun(&airbyte).await;
    timeout(100 * MINUTE, &mut exchange).await.unwrap_err();
    let answer = exchange.await.unwrap();
    assert_eq!((answer.status, answer.end), (200, End::Closed));
    assert!(answer.token().len() > 100);
}

#[tokio::test]
async fn a_reset_is_a_reset_before_and_after_the_request() {
    for fault in ["reset-on-accept", "reset"] {
        assert_eq!(struck_by(fault).await, (Vec::new(), End::Reset), "{fault}");
    }
    let on_accept = with("reset-on-accept");
    raw(on_accept.address(), &request("POST", CLOUD, &JSON, PAIR)).await;
    assert_eq!((on_accept.counts().connections, on_accept.exchanges()), (1, 0));
}

#[tokio::test]
async fn a_reset_on_accept_also_strikes_a_connection_that_was_kept() {
    let airbyte = Sandbox::start(Settings::default());
    let mut stream = TcpStream::connect(airbyte.address()).await.unwrap();
    let first = request("GET", "/v1/health", &[], "").replace("Connection: close\r\n", "");
    stream.write_all(first.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    airbyte.add_fault("reset-on-accept".parse::<Fault>().unwrap());
    stream.write_all(request("POST", CLOUD, &JSON, PAIR).as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.is_err());
}

#[tokio::test]
async fn a_reset_in_the_body_leaves_half_of_it() {
    let (bytes, end) = struck_by("reset-mid-body").await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(end, End::Reset);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("access_token") && !text.ends_with('}'));
}

#[tokio::test]
async fn a_half_closed_connection_says_nothing_and_still_listens() {
    let airbyte = with("half-close");
    let mut stream = TcpStream::connect(airbyte.address()).await.unwrap();
    let request = request("POST", CLOUD, &JSON, PAIR);
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
    for _ in 0..10 {
        stream.write_all(request.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_torn_body_is_shorter_than_it_was_announced() {
    let (bytes, end) = struck_by("torn-body").await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let announced = head.split("Content-Length: ").nth(1).unwrap().lines().next().unwrap();
    assert!(announced.parse::<usize>().unwrap() > body.len());
    assert!(body.contains("access_token"));
    assert_eq!(end, End::Closed);
}

/// The first MiB of an answer.
async fn first_mib(fault: &str) -> String {
    let airbyte = with(fault);
    let mut stream = TcpStream::connect(airbyte.address()).await.unwrap();
    stream.write_all(request("POST", CLOUD, &JSON, PAIR).as_bytes()).await.unwrap();
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn endless_headers_have_no_end() {
    let start = first_mib("endless-headers").await;
    assert!(start.starts_with("HTTP/1.1 200 OK\r\n") && !start.contains("\r\n\r\n"));
}

#[tokio::test]
async fn an_endless_body_has_a_head_and_no_end() {
    let start = first_mib("endless-body").await;
    let (head, body) = start.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Transfer-Encoding: chunked"));
    assert!(body.starts_with("11\r\n{\"access_token\":\"\r\n400\r\naaaa") && !body.contains("\r\n0\r\n"));
}
