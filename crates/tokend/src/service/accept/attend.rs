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

use crate::{
    clock::Clock,
    service::{Refusal, guard, hall::Seat},
};

/// When it is worth another try where too many wait.
const COME_BACK: Duration = Duration::from_secs(1);

/// Answers the request. One that cannot be answered at once waits if there is room among those who wait, and is told
/// otherwise that the daemon is busy.
pub(super) async fn attend(
    app: TowerToHyperService<Router>,
    seat: Arc<Seat>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    seat.serve_caller();
    let request = request.map(|body| Arriving { body, seat: Arc::clone(&seat) });
    let (mut answer, mut waiting) = (pin!(app.call(request)), None);
    let response = poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(response),
        Poll::Pending if waiting.is_some() || !seat.is_our_turn() => Poll::Pending,
        Poll::Pending => {
            waiting = seat.wait();
            if waiting.is_some() { Poll::Pending } else { Poll::Ready(Ok(busy())) }
        }
    })
    .await;
    seat.await_caller();
    response
}

fn busy() -> Response {
    let now = Clock.now();
    let refusal =
        Refusal::new(ErrorCode::Busy, "more callers wait already than the daemon lets wait at once");
    let mut response = refusal.retry(Some(now.after(COME_BACK)), now).into_response();
    guard::forbid_keeping(response.headers_mut());
    response
}

/// A request's body. While the rest of it is missing, it is the caller's turn.
struct Arriving {
    body: Incoming,
    seat: Arc<Seat>,
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
            Poll::Ready(_) => self.seat.serve_caller(),
            Poll::Pending => self.seat.await_caller(),
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
