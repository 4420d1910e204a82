//! Answers as bytes, whole or broken.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time,
};

use crate::{fault::Wire, http::Response, stream::Stream};

/// How much more a torn body promises than it holds, in bytes.
const TORN: usize = 100;
const FILLER: [u8; 1024] = [b'a'; 1024];

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It waits for the next request.
    KeepOpen,
    /// It ends in good order.
    Close,
    /// It ends with a reset.
    Reset,
}

/// Sends an answer as it should be sent.
pub(crate) async fn whole(
    stream: &mut Stream,
    response: &Response,
    date: &str,
    keep_alive: bool,
) -> io::Result<Then> {
    let mut bytes = response.head(date, response.body.len(), keep_alive);
    bytes.extend_from_slice(&response.body);
    send(stream, &bytes).await?;
    Ok(if keep_alive { Then::KeepOpen } else { Then::Close })
}

/// Sends as much of an answer as this trouble lets through.
pub(crate) async fn broken(
    stream: &mut Stream,
    response: &Response,
    date: &str,
    wire: Wire,
) -> io::Result<Then> {
    let length = response.body.len();
    let head = response.head(date, length, false);
    match wire {
        Wire::Hang => drain(stream).await,
        Wire::ResetOnAccept | Wire::Reset => Ok(Then::Reset),
        Wire::ResetMidBody => {
            send(stream, &head).await?;
            send(stream, &response.body[..length / 2]).await?;
            Ok(Then::Reset)
        }
        Wire::HalfClose => {
            stream.shutdown().await?;
            drain(stream).await
        }
        Wire::TornBody => {
            send(stream, &response.head(date, length + TORN, false)).await?;
            send(stream, &response.body).await?;
            Ok(Then::Close)
        }
        Wire::Drip(interval) => {
            send(stream, &head).await?;
            for byte in &response.body {
                time::sleep(interval).await;
                send(stream, &[*byte]).await?;
            }
            Ok(Then::Close)
        }
        Wire::EndlessHeaders => endless_headers(stream).await,
        Wire::EndlessBody => endless_body(stream).await,
    }
}

/// Ends a connection in good order: a client that has sent more than was read would otherwise get a reset.
pub(crate) async fn close(mut stream: Stream) -> io::Result<()> {
    stream.shutdown().await?;
    drain(&mut stream).await.map(|_| ())
}

/// Listens until the client hangs up, and says nothing.
async fn drain(stream: &mut Stream) -> io::Result<Then> {
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(Then::Close)
}

async fn endless_headers(stream: &mut Stream) -> io::Result<Then> {
    send(stream, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n").await?;
    loop {
        send(stream, b"X-Filler: ").await?;
        send(stream, &FILLER).await?;
        send(stream, b"\r\n").await?;
    }
}

async fn endless_body(stream: &mut Stream) -> io::Result<Then> {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    send(stream, head).await?;
    send(stream, b"11\r\n{\"access_token\":\"\r\n").await?;
    loop {
        send(stream, b"400\r\n").await?;
        send(stream, &FILLER).await?;
        send(stream, b"\r\n").await?;
    }
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

impl Wire {
    /// Whether the true answer is needed, whole or in part.
    pub(crate) fn sends_an_answer(self) -> bool {
        match self {
            Self::ResetMidBody | Self::TornBody | Self::Drip(_) => true,
            Self::Hang
            | Self::ResetOnAccept
            | Self::Reset
            | Self::HalfClose
            | Self::EndlessHeaders
            | Self::EndlessBody => false,
        }
    }
}
