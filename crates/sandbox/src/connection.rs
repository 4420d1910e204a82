//! One connection: its requests one after the other, each answered or broken as the faults say.

use std::{io, sync::Arc};

use tokio::{net::TcpStream, time};
use tokio_rustls::TlsAcceptor;

use crate::{
    answers, api, clock, control, deliver,
    deliver::Then,
    fault::{Fault, Reply, RetryAfter, Trouble, Wire},
    gzip,
    http::{Received, Request, Response, read_request},
    route::Route,
    settings::Settings,
    state::Shared,
    stream::{self, Stream},
    token,
};

/// How deep [`Reply::DeepJson`] is nested.
const DEPTH: usize = 20_000;

/// Serves a connection to its end. An error means that the client broke it off.
pub(crate) async fn serve(shared: Arc<Shared>, tcp: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<()> {
    shared.count_connection();
    if shared.take_reset_on_accept() {
        return stream::reset(&tcp);
    }
    tcp.set_nodelay(true)?;
    let mut stream = match tls {
        Some(tls) => Stream::Tls(Box::new(tls.accept(tcp).await?)),
        None => Stream::Tcp(tcp),
    };
    let mut buffer = Vec::new();
    loop {
        match read_request(&mut stream, &mut buffer).await? {
            Received::Request(request) => match answer(&shared, &mut stream, &request).await? {
                Then::KeepOpen => {}
                Then::Reset => return stream.reset(),
                Then::Close => return deliver::close(stream).await,
            },
            Received::Refused(status) => {
                let refusal = Response::empty(status);
                deliver::whole(&mut stream, &refusal, &clock::http_date(shared.now()), false).await?;
                return deliver::close(stream).await;
            }
            Received::Closed => return Ok(()),
        }
    }
}

async fn answer(shared: &Shared, stream: &mut Stream, request: &Request) -> io::Result<Then> {
    let settings = shared.settings();
    let route = Route::of(&request.method, &request.path, &settings);
    let Some(scope) = route.scope() else {
        let response = true_answer(shared, request, route, &settings, None);
        return deliver::whole(stream, &response, &clock::http_date(shared.now()), request.keep_alive).await;
    };
    let number = shared.record(request, scope);
    let fault = shared.take_fault(scope);
    let response = response(shared, request, route, &settings, fault.as_ref());
    if let Some(fault) = &fault {
        time::sleep(fault.delay).await;
    }
    let date = clock::http_date(shared.now());
    if let Some(wire) = fault.as_ref().and_then(wire) {
        return deliver::broken(stream, &response, &date, wire).await;
    }
    shared.record_answer(number, response.status);
    deliver::whole(stream, &response, &date, request.keep_alive).await
}

fn wire(fault: &Fault) -> Option<Wire> {
    match &fault.trouble {
        Trouble::Wire(wire) => Some(*wire),
        Trouble::Late | Trouble::Reply(_) | Trouble::Lie(_) => None,
    }
}

fn response(
    shared: &Shared,
    request: &Request,
    route: Route<'_>,
    settings: &Settings,
    fault: Option<&Fault>,
) -> Response {
    let Some(fault) = fault else { return true_answer(shared, request, route, settings, None) };
    let response = match &fault.trouble {
        Trouble::Late => true_answer(shared, request, route, settings, None),
        Trouble::Lie(_) => true_answer(shared, request, route, settings, Some(fault)),
        Trouble::Reply(reply) => false_answer(reply, &request.path),
        Trouble::Wire(wire) if wire.sends_an_answer() => true_answer(shared, request, route, settings, None),
        Trouble::Wire(_) => Response::empty(200),
    };
    match &fault.retry_after {
        None => response,
        Some(RetryAfter::Text(text)) => response.with("Retry-After", text),
        Some(RetryAfter::Date(shift)) => {
            response.with("Retry-After", clock::http_date(shared.now().saturating_add(*shift)))
        }
    }
}

fn true_answer(
    shared: &Shared,
    request: &Request,
    route: Route<'_>,
    settings: &Settings,
    fault: Option<&Fault>,
) -> Response {
    match route {
        Route::Control(rest) => control::answer(shared, request, rest),
        Route::Token(dialect) => {
            let lie = fault.and_then(|fault| match &fault.trouble {
                Trouble::Lie(lie) => Some(lie),
                Trouble::Late | Trouble::Reply(_) | Trouble::Wire(_) => None,
            });
            token::exchange(shared, request, dialect, lie)
        }
        Route::Api(root, resource) => api::call(shared, request, root, resource),
        Route::WrongPath => answers::wrong_path(settings.edition, &request.method, &request.path),
    }
}

fn false_answer(reply: &Reply, path: &str) -> Response {
    match reply {
        Reply::Status { code, content: Some((content_type, body)) } => {
            Response::new(*code, content_type, body.as_str())
        }
        Reply::Status { code, content: None } => {
            Response::json(*code, format!(r#"{{"message":"sandbox fault: status {code}"}}"#))
        }
        Reply::Canned(canned) => answers::canned(*canned, path),
        Reply::Redirect { code, to } => {
            Response::html(*code, "<html><body>Moved.</body></html>").with("Location", to)
        }
        Reply::GzipBomb => Response::json(200, gzip::bomb()).with("Content-Encoding", "gzip"),
        Reply::DeepJson => {
            let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
            Response::json(200, format!(r#"{{"access_token":{open}{close}}}"#))
        }
    }
}
