//! Answering callers who are not served: another user, or anybody while the daemon cannot start.

use std::{io, os::unix::net::UnixListener, time::Duration};

use airbyte_token_local::{ErrorCode, wire::to_json};
use axum::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::UnixStream,
    task::JoinSet,
};

use super::{
    Refusal,
    caller::Peer,
    guard,
    hall::{Hall, Seat, Seated},
};
use crate::door::People;

/// How many who may not come in are heard out at once; one more, and the first of them is left to its answer.
pub(super) const FOYER: usize = 8;
/// How long a refused caller is heard out.
const LINGER: Duration = Duration::from_millis(200);
/// How many are answered of those who wait for a daemon that cannot start: as many as its socket holds.
const MOST_TOLD: usize = 4096;

/// What another user is told.
pub(super) fn another_user() -> Refusal {
    Refusal::new(ErrorCode::PeerRefused, "this daemon serves another user")
        .hint("run airbyte-tokend as the user who needs the token")
}

/// Answers a caller, whatever it asks. It is heard out, since many a client that finds the connection closed before it
/// has sent its request looks for no answer.
pub(super) async fn turn_away(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    refusal: &Refusal,
    seat: Seat,
) {
    let work = async {
        if let Err(error) = stream.write_all(&written(refusal)).await {
            tracing::debug!(%error, "the refused caller did not wait for its answer");
        }
        drop(stream.read(&mut [0; 1024]).await);
    };
    seat.keep(LINGER, work).await;
}

/// Answers everybody who waits in a socket that systemd holds, when the daemon cannot start. Left there, they would have
/// it started again and again, and would learn nothing.
///
/// # Errors
/// When the socket cannot be read.
pub async fn turn_waiting_away(listener: UnixListener, refusal: &Refusal) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let (foyer, mut leaving) = (Hall::default(), JoinSet::new());
    for _ in 0..MOST_TOLD {
        let Some(stream) = waiting(&listener)? else { break };
        let may_know = Peer::of(&stream).is_some_and(|peer| People::owner().admit(peer.uid, peer.gid));
        let refusal = if may_know { refusal.clone() } else { another_user() };
        let Seated { seat, .. } = foyer.seat(FOYER).await;
        leaving.spawn(async move { turn_away(stream, &refusal, seat).await });
    }
    leaving.join_all().await;
    Ok(())
}

/// The next caller that waits already, if there is one.
fn waiting(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn written(refusal: &Refusal) -> Vec<u8> {
    let status =
        StatusCode::from_u16(refusal.reply().code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = to_json(refusal.reply()).unwrap_or_default();
    let shields: String = guard::SHIELDS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{shields}connection: close\r\n\r\n",
        body.len(),
    );
    [head.as_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_turned_away_is_told_what_everybody_is_told_about_keeping_it() {
        let reply = String::from_utf8(written(&another_user())).unwrap();
        for (name, value) in guard::SHIELDS {
            assert!(reply.contains(&format!("\r\n{name}: {value}\r\n")), "{reply}");
        }
        assert!(reply.contains("\r\n\r\n{\"code\":\"peer_refused\""), "{reply}");
    }
}
