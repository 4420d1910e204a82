//! Handling one request of a caller that has a seat.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use airbyte_token_local::ErrorCode;
use axum::{
    Router,
    body::Bytes,
    response::{IntoResponse as _, Response},
};
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    service::Service as _,
};
use hyper_util::service::TowerToHyperService;

use super::entrance::Visitor;
use crate::{
    clock::Clock,
    service::{
        Refusal, guard,
        hall::{Hall, Seat},
    },
};

/// When it is worth another try where too many wait.
const COME_BACK: Duration = Duration::from_secs(1);

/// Whoever answers the requests of one caller.
#[derive(Clone)]
pub(super) struct Attendant {
    pub(super) app: TowerToHyperService<Router>,
    pub(super) visitor: Visitor,
    pub(super) seat: Arc<Seat>,
    /// The places of requests with a body. One more, and the one whose body is late the longest is given up.
    pub(super) bodies: Hall,
    /// How many of them there are.
    pub(super) most_bodies: usize,
}

impl Attendant {
    /// Answers the request. One that cannot be answered at once waits if there is room among those who wait, and is told
    /// otherwise that the daemon is busy.
    pub(super) async fn attend(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        self.seat.serve_caller();
        let (mut answer, mut waiting) = (pin!(self.answer(request)), None);
        let response = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(response) => Poll::Ready(response),
            Poll::Pending if waiting.is_some() || !self.seat.is_our_turn() => Poll::Pending,
            Poll::Pending => {
                waiting = self.seat.wait();
                let has_room = waiting.is_some();
                if has_room { Poll::Pending } else { Poll::Ready(Ok(busy("too many wait already"))) }
            }
        })
        .await;
        self.seat.await_caller();
        response
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        match self.visitor.caller() {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(refusal) => return Ok(kept_by_nobody(refusal)),
        }
        let seat = Arc::clone(&self.seat);
        if request.body().is_end_stream() {
            let turns = Turns { seat, body: None };
            return self.app.call(request.map(|body| Arriving { body, turns })).await;
        }
        let place = Arc::new(self.bodies.seat(self.most_bodies).await.seat);
        let turns = Turns { seat, body: Some(Arc::clone(&place)) };
        tokio::select! {
            biased;
            () = place.told_to_leave() => Ok(busy("others send their requests faster")),
            response = self.app.call(request.map(|body| Arriving { body, turns })) => response,
        }
    }
}

fn busy(why: &str) -> Response {
    let now = Clock.now();
    let refusal =
        Refusal::new(ErrorCode::Busy, format!("there are more callers than can be served at once: {why}"));
    kept_by_nobody(refusal.retry(Some(now.after(COME_BACK)), now))
}

fn kept_by_nobody(refusal: Refusal) -> Response {
    let mut response = refusal.into_response();
    guard::forbid_keeping(response.headers_mut());
    response
}

/// A request's body. While the rest of it is missing, it is the caller's turn.
struct Arriving {
    body: Incoming,
    turns: Turns,
}

/// What is told whose turn it is.
struct Turns {
    seat: Arc<Seat>,
    body: Option<Arc<Seat>>,
}

impl Turns {
    fn all(&self) -> impl Iterator<Item = &Seat> {
        [Some(&self.seat), self.body.as_ref()].into_iter().flatten().map(Arc::as_ref)
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match frame {
            Poll::Ready(_) => self.turns.all().for_each(Seat::serve_caller),
            Poll::Pending => self.turns.all().for_each(Seat::await_caller),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
