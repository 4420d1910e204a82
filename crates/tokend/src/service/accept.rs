//! The loop that accepts callers: one at a time through the door, a bounded number inside, none for ever.

use std::{io, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time,
};

use super::{
    guard::Peer,
    turn_away::{another_user, turn_away},
};
use crate::{clock::Clock, logs::Condenser};

/// How many connections are served at once; the next one waits to be accepted.
pub const MOST_CONNECTIONS: usize = 256;
/// How long a caller may take for a request's head, and how long a connection may lie idle between two requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a request's head is read, in bytes.
pub const LARGEST_HEAD: usize = 16 * 1024;
/// How many headers a request may have.
pub const MOST_HEADERS: usize = 32;
/// How long to wait after an accept that failed: without it, a process out of file descriptors spins.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(200);
/// How long requests under way may take once the daemon was told to stop.
pub const DRAIN: Duration = Duration::from_secs(5);
/// The part of [`DRAIN`] in which whoever still waits is told that it waits in vain.
const FAREWELL: Duration = Duration::from_millis(500);

/// How whoever watches over the daemon is told that callers are being served.
#[derive(Debug)]
pub struct Pulse<B> {
    /// Called in the same loop that accepts.
    pub beat: B,
    /// How often; never, when there is none.
    pub period: Option<Duration>,
}

/// How serving comes to its end.
#[derive(Debug)]
pub struct Ending<T, S, G> {
    /// Ends when the daemon is told to stop.
    pub told: T,
    /// Ends when nothing is being done any more that no caller waits for.
    pub settled: S,
    /// Answers those who would wait beyond the end.
    pub give_up: G,
}

/// Serves until it is told to stop, then lets in nobody, and lets what is under way finish within [`DRAIN`].
pub async fn serve(
    listener: UnixListener,
    app: Router,
    pulse: Pulse<impl FnMut()>,
    end: Ending<impl Future<Output = ()>, impl Future<Output = ()>, impl FnOnce()>,
) {
    let open = GracefulShutdown::new();
    tokio::select! {
        () = accept(&listener, &app, &open) => {}
        () = keep_beating(pulse) => {}
        () = end.told => {}
    }
    drop(listener);
    let mut drained = pin!(async { tokio::join!(open.shutdown(), end.settled) });
    if time::timeout(DRAIN - FAREWELL, &mut drained).await.is_ok() {
        return tracing::debug!("every request was answered");
    }
    (end.give_up)();
    match time::timeout(FAREWELL, drained).await {
        Ok(_) => tracing::info!("callers were told to try again"),
        Err(_) => tracing::warn!(seconds = DRAIN.as_secs(), "stopping with requests unanswered"),
    }
}

async fn keep_beating(pulse: Pulse<impl FnMut()>) {
    let Pulse { mut beat, period } = pulse;
    let Some(period) = period else { return std::future::pending().await };
    let mut ticks = time::interval(period);
    loop {
        ticks.tick().await;
        beat();
    }
}

async fn accept(listener: &UnixListener, app: &Router, open: &GracefulShutdown) {
    let seats = std::sync::Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut failures = Condenser::new();
    loop {
        let Ok(seat) = std::sync::Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => welcome(stream, app.clone(), open, seat),
            Err(error) => back_off(&error, &mut failures).await,
        }
    }
}

async fn back_off(error: &io::Error, failures: &mut Condenser) {
    if let Some(line) = failures.heard(Clock.now(), &format!("a caller could not be accepted: {error}")) {
        tracing::warn!("{line}");
    }
    time::sleep(ACCEPT_BACK_OFF).await;
}

fn welcome(
    stream: UnixStream,
    app: Router,
    open: &GracefulShutdown,
    seat: tokio::sync::OwnedSemaphorePermit,
) {
    let Some(peer) = Peer::of(&stream) else { return };
    if !peer.may_enter() {
        tracing::warn!(uid = peer.uid(), "refused a caller that is another user");
        tokio::spawn(async move {
            turn_away(stream, &another_user()).await;
            drop(seat);
        });
        return;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let connection = open.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(seat);
    });
}
