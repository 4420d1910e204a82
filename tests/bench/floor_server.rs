//! The floor under the daemon: hyper on one thread, which answers whatever it is asked with one constant.

use std::{convert::Infallible, env, io, os::unix::net::UnixDatagram, path::Path};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use crate::trouble::{Trouble, While as _};

/// Serves until it is killed.
pub(crate) fn serve(socket: &Path, body: usize) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.when("start a runtime")?.block_on(accept(socket, Bytes::from(vec![b'x'; body]))).when("serve")
}

async fn accept(socket: &Path, body: Bytes) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    if let Some(manager) = env::var_os("NOTIFY_SOCKET") {
        UnixDatagram::unbound()?.send_to(b"READY=1", manager)?;
    }
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, body.clone()));
    }
}

async fn answer(stream: UnixStream, body: Bytes) {
    let constant = service_fn(move |_: Request<Incoming>| {
        let mut response = Response::new(Full::new(body.clone()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        async move { Ok::<_, Infallible>(response) }
    });
    // A client that hangs up is the normal end of a connection here.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), constant).await);
}
