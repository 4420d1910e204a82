//! The loop that accepts callers: one at a time through the door, a bounded number inside, none for ever.

mod attend;
mod entrance;

pub use entrance::{Door, Key, Listener, Rule};

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
    sync::mpsc,
    task::JoinSet,
    time,
};

use super::{
    hall::{Hall, Seated},
    turn_away::{FOYER, turn_away},
};
use crate::{
    audit::{Audit, Note, Verb},
    clock::Clock,
    door::Rank,
    logs::Condenser,
};
use attend::Attendant;
use entrance::{Arrival, Visitor};

/// How long a caller may take for whatever is its turn to do: to send a request's head or the next piece of its body, to
/// read its answer. So long a connection may lie idle between two requests, too.
pub const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a request's head is read, in bytes.
pub const LARGEST_HEAD: usize = 16 * 1024;
/// How many headers a request may have.
pub const MOST_HEADERS: usize = 32;
/// How many who may not come in are heard out at once at a door for others.
const SIDE_FOYER: usize = 4;
/// How many requests with a body are handled at once: each body is kept whole in memory.
const MOST_BODIES: usize = 64;
/// The same of those who came in by a door for others.
const SIDE_BODIES: usize = 8;
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

/// Serves until it is told to stop, then lets in nobody, and lets what is under way finish within [`DRAIN`]. Doors are
/// served as they come, each until its key is gone. As many callers of each have a seat at once as `seats` says when the
/// next one comes.
pub async fn serve(
    doors: mpsc::UnboundedReceiver<Door>,
    app: Router,
    seats: impl Fn(Rank) -> usize + Send + Sync + 'static,
    audit: Audit,
    pulse: Pulse<impl FnMut()>,
    end: Ending<impl Future<Output = ()>, impl Future<Output = ()>, impl FnOnce()>,
) {
    let house = Arc::new(House { app, seats, audit, ended: GracefulShutdown::new() });
    let mut keepers = JoinSet::new();
    tokio::select! {
        () = keep_doors(doors, &house, &mut keepers) => {}
        () = keep_beating(pulse) => {}
        () = end.told => {}
    }
    keepers.shutdown().await;
    let ended = async {
        if let Some(house) = Arc::into_inner(house) {
            house.ended.shutdown().await;
        }
    };
    let mut drained = pin!(async { tokio::join!(ended, end.settled) });
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

/// Has somebody stand at every door. Where no further one can come, those that there are stay.
async fn keep_doors(
    mut doors: mpsc::UnboundedReceiver<Door>,
    house: &Arc<House<impl Fn(Rank) -> usize + Send + Sync + 'static>>,
    keepers: &mut JoinSet<()>,
) {
    while let Some(door) = doors.recv().await {
        while keepers.try_join_next().is_some() {}
        let (closed, house) = (door.terms().clone().closed(), Arc::clone(house));
        let keeper = Keeper { rooms: Rooms::default(), house, door };
        keepers.spawn(async move {
            tokio::select! {
                () = keeper.accept() => {}
                () = closed => tracing::debug!(door = keeper.door.name(), "closed"),
            }
        });
    }
    std::future::pending().await
}

/// What is served, and in how many seats.
struct House<S> {
    app: Router,
    seats: S,
    audit: Audit,
    ended: GracefulShutdown,
}

/// Whoever stands at one door. The rooms behind it are its own: nobody takes a seat from those who come in elsewhere.
struct Keeper<S> {
    house: Arc<House<S>>,
    door: Door,
    rooms: Rooms,
}

#[derive(Debug, Default)]
struct Rooms {
    hall: Hall,
    /// Where those are answered who may not come in: they take nobody's seat.
    foyer: Hall,
    bodies: Hall,
}

impl<S: Fn(Rank) -> usize> Keeper<S> {
    async fn accept(&self) {
        let mut warnings = Warnings::default();
        loop {
            match self.door.arrival().await {
                Ok(arrival) => self.receive(arrival, &mut warnings).await,
                Err(error) => {
                    warnings.unaccepted.heard(&format!("a caller could not be accepted: {error}"));
                    // Nearly always the process is out of file descriptors, and this gives one back.
                    self.rooms.hall.shed();
                    time::sleep(ACCEPT_BACK_OFF).await;
                }
            }
        }
    }

    async fn receive(&self, arrival: Arrival, warnings: &mut Warnings) {
        let Some(who) = arrival.who() else { return };
        let visitor = Visitor { terms: self.door.terms().clone(), who };
        if let Err(refusal) = visitor.caller() {
            warnings.strangers.heard(&visitor.refused_at(self.door.name()));
            let note = Note::of(Verb::Refused).refused(refusal.reply().code);
            self.house.audit.note_at(self.door.name(), &visitor.who, &note);
            let Seated { seat, .. } = self.rooms.foyer.seat(foyer(self.door.rank())).await;
            tokio::spawn(async move {
                match arrival {
                    Arrival::Socket(stream) => turn_away(stream, &refusal, seat).await,
                    Arrival::Loopback(stream) => turn_away(stream, &refusal, seat).await,
                }
            });
            return;
        }
        let seats = (self.house.seats)(self.door.rank());
        let Seated { seat, shed } = self.rooms.hall.seat(seats).await;
        for _ in 0..shed {
            warnings
                .shed
                .heard(&format!("all {seats} seats are taken; who was idle the longest had to leave"));
        }
        let attendant = Attendant {
            app: TowerToHyperService::new(self.house.app.clone()),
            visitor,
            bodies: self.rooms.bodies.clone(),
            most_bodies: most_bodies(self.door.rank()),
            seat: Arc::new(seat),
        };
        match arrival {
            Arrival::Socket(stream) => self.welcome(stream, attendant),
            Arrival::Loopback(stream) => self.welcome(stream, attendant),
        }
    }

    fn welcome(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, attendant: Attendant) {
        let seat = Arc::clone(&attendant.seat);
        let connection = self.house.ended.watch(connection(stream, attendant));
        let visit = async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        };
        tokio::spawn(async move { seat.keep(TURN_TIMEOUT, visit).await });
    }
}

const fn foyer(rank: Rank) -> usize {
    match rank {
        Rank::Main => FOYER,
        Rank::Side => SIDE_FOYER,
    }
}

const fn most_bodies(rank: Rank) -> usize {
    match rank {
        Rank::Main => MOST_BODIES,
        Rank::Side => SIDE_BODIES,
    }
}

/// Serves the daemon's own user who was let in already, and has the whole hall for itself: over any stream, until the
/// caller hangs up, breaks the rules of HTTP/1.1, or takes longer than [`TURN_TIMEOUT`] for what is its turn to do.
pub async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, app: Router) {
    let seat = Arc::new(Hall::default().seat(ROOMY).await.seat);
    let (app, bodies) = (TowerToHyperService::new(app), Hall::default());
    let (visitor, _key) = Visitor::owner();
    let attendant = Attendant { app, visitor, bodies, most_bodies: MOST_BODIES, seat: Arc::clone(&seat) };
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
