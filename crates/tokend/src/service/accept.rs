//! The loop that accepts callers: one at a time through the door, a bounded number inside, none for ever.

mod attend;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulConnection, GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{UnixListener, UnixStream},
    time,
};

use super::{
    caller::{Caller, Peer, Who},
    guard,
    hall::{Hall, Seat, Seated},
    turn_away::{FOYER, another_user, turn_away},
};
use crate::{clock::Clock, door::Scope, logs::Condenser};
use attend::Attendant;

/// How long a caller may take for whatever is its turn to do: to send a request's head or the next piece of its body, to
/// read its answer. So long a connection may lie idle between two requests, too.
pub const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a request's head is read, in bytes.
pub const LARGEST_HEAD: usize = 16 * 1024;
/// How many headers a request may have.
pub const MOST_HEADERS: usize = 32;
/// Seats enough for one caller to wait in one of them.
const ROOMY: usize = 2;
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

/// Serves until it is told to stop, then lets in nobody, and lets what is under way finish within [`DRAIN`]. As many
/// callers have a seat at once as `seats` says when the next one comes.
pub async fn serve(
    listener: UnixListener,
    app: Router,
    seats: impl Fn() -> usize,
    pulse: Pulse<impl FnMut()>,
    end: Ending<impl Future<Output = ()>, impl Future<Output = ()>, impl FnOnce()>,
) {
    let (hall, foyer, bodies) = (Hall::default(), Hall::default(), Hall::default());
    let scope = Arc::new(Scope::everything());
    let serving = Serving { app, scope, seats, hall, foyer, bodies, ended: GracefulShutdown::new() };
    tokio::select! {
        () = serving.accept(&listener) => {}
        () = keep_beating(pulse) => {}
        () = end.told => {}
    }
    drop(listener);
    let mut drained = pin!(async { tokio::join!(serving.ended.shutdown(), end.settled) });
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

/// What is served, and in how many seats.
struct Serving<S> {
    app: Router,
    scope: Arc<Scope>,
    seats: S,
    hall: Hall,
    /// Where those are answered who may not come in: they take nobody's seat.
    foyer: Hall,
    bodies: Hall,
    ended: GracefulShutdown,
}

impl<S: Fn() -> usize> Serving<S> {
    async fn accept(&self, listener: &UnixListener) {
        let mut warnings = Warnings::default();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.receive(stream, &mut warnings).await,
                Err(error) => {
                    warnings.unaccepted.heard(&format!("a caller could not be accepted: {error}"));
                    // Nearly always the process is out of file descriptors, and this gives one back.
                    self.hall.shed();
                    time::sleep(ACCEPT_BACK_OFF).await;
                }
            }
        }
    }

    async fn receive(&self, stream: UnixStream, warnings: &mut Warnings) {
        let Some(peer) = Peer::of(&stream) else { return };
        if !guard::may_enter(&peer) {
            warnings.strangers.heard(&format!("refused a caller that is another user, uid {}", peer.uid));
            let Seated { seat, .. } = self.foyer.seat(FOYER).await;
            tokio::spawn(async move { turn_away(stream, &another_user(), seat).await });
            return;
        }
        let seats = (self.seats)();
        let Seated { seat, shed } = self.hall.seat(seats).await;
        for _ in 0..shed {
            warnings
                .shed
                .heard(&format!("all {seats} seats are taken; who was idle the longest had to leave"));
        }
        let caller = Caller::new(Arc::clone(&self.scope), Who::Peer(peer));
        self.welcome(stream, caller, Arc::new(seat));
    }

    fn welcome(&self, stream: UnixStream, caller: Caller, seat: Arc<Seat>) {
        let (app, bodies) = (TowerToHyperService::new(self.app.clone()), self.bodies.clone());
        let attendant = Attendant { app, caller, bodies, seat: Arc::clone(&seat) };
        let connection = self.ended.watch(connection(stream, attendant));
        let visit = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        };
        tokio::spawn(async move { seat.keep(TURN_TIMEOUT, visit).await });
    }
}

/// Serves the daemon's own user who was let in already, and has the whole hall for itself: over any stream, until the caller hangs up,
/// breaks the rules of HTTP/1.1, or takes longer than [`TURN_TIMEOUT`] for what is its turn to do.
pub async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, app: Router) {
    let seat = Arc::new(Hall::default().seat(ROOMY).await.seat);
    let (app, bodies) = (TowerToHyperService::new(app), Hall::default());
    let attendant = Attendant { app, caller: Caller::owner(), bodies, seat: Arc::clone(&seat) };
    seat.keep(TURN_TIMEOUT, async { drop(connection(stream, attendant).await) }).await;
}

fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    attendant: Attendant,
) -> impl GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request| attendant.clone().attend(request));
    http1::Builder::new()
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
}

/// What happens again and again when it happens.
#[derive(Debug, Default)]
struct Warnings {
    unaccepted: Warning,
    shed: Warning,
    strangers: Warning,
}

#[derive(Debug, Default)]
struct Warning(Condenser);

impl Warning {
    fn heard(&mut self, what: &str) {
        if let Some(line) = self.0.heard(Clock.now(), what) {
            tracing::warn!("{line}");
        }
    }
}
