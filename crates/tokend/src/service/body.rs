//! A request's body: bounded in size and in the time that it may take.

use std::time::Duration;

use airbyte_token_local::ErrorCode;
use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, Request},
};
use tokio::time;

use super::{LARGEST_BODY, Refusal};

/// How long a body may take once its head is here.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The whole body of a request. A caller that keeps its seat by sending nothing loses it.
pub(super) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if request.body().size_hint().lower() > LARGEST_BODY as u64 {
            return Err(too_large());
        }
        let arrival = time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
        match arrival {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(error)) if error.status().as_u16() == ErrorCode::TooLarge.http_status() => {
                Err(too_large())
            }
            Ok(Err(_)) | Err(_) => {
                Err(Refusal::new(ErrorCode::BadRequest, "the request's body did not arrive whole"))
            }
        }
    }
}

fn too_large() -> Refusal {
    Refusal::new(ErrorCode::TooLarge, "the request's body is larger than 64 KiB")
}
