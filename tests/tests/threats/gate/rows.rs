//! Requests that differ in one thing from a good one, and what each is answered with.

use super::Ask;

/// One change to a good request. `PORT` in it is the port of the endpoint.
pub(super) struct Row {
    pub(super) what: String,
    /// The status over loopback, and over the socket.
    pub(super) answers: [u16; 2],
    pub(super) change: Change,
}

pub(super) type Change = Box<dyn Fn(&mut Ask, &str)>;

fn row(what: &str, answers: [u16; 2], change: impl Fn(&mut Ask, &str) + 'static) -> Row {
    Row { what: what.into(), answers, change: Box::new(change) }
}

fn host(value: &'static str) -> Row {
    row(&format!("Host: {value}"), [403, 421], move |ask, port| {
        ask.set("Host", &value.replace("PORT", port));
    })
}

/// One header more, with which no door lets anybody in.
fn header(name: &'static str, value: &'static str) -> Row {
    row(&format!("{name}: {value}"), [403, 403], move |ask, port| ask.add(name, &value.replace("PORT", port)))
}

/// A request line, where the host stays what it is.
fn target(value: &'static str, answers: [u16; 2]) -> Row {
    row(value, answers, move |ask, port| ask.target = value.replace("PORT", port))
}

/// What a page or a name that resolves to this machine can have a browser send.
pub(super) fn of_pages() -> Vec<Row> {
    let hosts = [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example:PORT",
        "localhost:PORT@evil.example",
        "evil.example@localhost:PORT",
        "127.0.0.1:PORT, evil.example",
        "127.0.0.1:PORT evil.example",
        "127.0.0.1 :PORT",
        "127.0.0.1:PORT/",
        "127.0.0.1:PORT.",
        "127.0.0.1.:PORT",
        "localhost.:PORT",
        "LOCALHOST:PORT",
        "LocalHost:PORT",
        "airbyte-tokend:PORT",
        "0.0.0.0:PORT",
        "[::]:PORT",
        "[::1]:PORT",
        "[::ffff:127.0.0.1]:PORT",
        "2130706433:PORT",
        "0x7f000001:PORT",
        "0177.0.0.1:PORT",
        "017700000001:PORT",
        "127.1:PORT",
        "127.0.0.2:PORT",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0PORT",
        "127.0.0.1:80",
        "127.0.0.1:PORT:PORT",
        ":PORT",
        "PORT",
        "\u{ff4c}ocalhost:PORT",
    ];
    let sent_by_browsers = [
        header("Origin", "null"),
        header("Origin", "http://127.0.0.1:PORT"),
        header("Origin", "http://evil.example"),
        header("Referer", "http://127.0.0.1:PORT/"),
        header("Sec-Fetch-Site", "same-origin"),
        header("Sec-Fetch-Site", "none"),
        header("Sec-Fetch-Mode", "no-cors"),
        header("Sec-Fetch-Dest", "image"),
        header("Sec-CH-UA", "\"Chromium\""),
        header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        header("Cookie", "a=b"),
        header("Upgrade-Insecure-Requests", "1"),
        header("Ping-To", "http://127.0.0.1:PORT/"),
        header("Access-Control-Request-Private-Network", "true"),
        header("Upgrade", "websocket"),
        header("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
    ];
    let rows = hosts.into_iter().map(host).chain(sent_by_browsers);
    rows.chain(of_hosts()).chain(of_methods()).chain(of_connections()).chain(of_paths()).collect()
}

/// Where it is to go, said in other ways than by one host.
fn of_hosts() -> Vec<Row> {
    vec![
        row("no Host", [403, 200], |ask, _| ask.unset("Host")),
        row("an empty Host", [403, 200], |ask, _| ask.set("Host", "")),
        row("two Hosts", [403, 421], |ask, _| ask.add("Host", "evil.example")),
        row("the same Host twice", [403, 421], |ask, port| {
            let host = ask.headers.iter().find(|(name, _)| name == "Host").map(|(_, value)| value.clone());
            ask.add("Host", &host.unwrap_or_else(|| format!("127.0.0.1:{port}")));
        }),
        row("another Host first", [403, 421], |ask, _| {
            ask.headers.insert(0, ("Host".into(), "evil.example".into()));
        }),
        row("space before the colon of Host", [400, 400], |ask, port| {
            ask.unset("Host");
            ask.add("Host ", &format!("127.0.0.1:{port}"));
        }),
        target("http://evil.example/v1/token", [403, 421]),
        target("http://evil.example:PORT/v1/token", [403, 421]),
        target("http://127.0.0.1:PORT@evil.example/v1/token", [403, 421]),
        target("http://me@127.0.0.1:PORT/v1/token", [403, 421]),
        target("http://localhost:PORT/v1/token", [403, 421]),
        target("https://127.0.0.1:PORT/v1/token", [403, 421]),
        row("another host in both places", [403, 421], |ask, _| {
            ask.target = "http://evil.example/v1/token".into();
            ask.set("Host", "evil.example");
        }),
    ]
}

/// What is to be done, and with what.
fn of_methods() -> Vec<Row> {
    vec![
        row("a preflight", [403, 403], |ask, _| {
            ask.method = "OPTIONS".into();
            ask.add("Origin", "http://evil.example");
            ask.add("Access-Control-Request-Method", "GET");
            ask.add("Access-Control-Request-Headers", "authorization");
        }),
        row("OPTIONS", [405, 405], |ask, _| ask.method = "OPTIONS".into()),
        row("OPTIONS *", [404, 404], |ask, _| (ask.method, ask.target) = ("OPTIONS".into(), "*".into())),
        row("a form as text", [403, 405], |ask, _| {
            ask.method = "POST".into();
            ask.add("Content-Type", "text/plain");
            ask.add("Content-Length", "3");
            ask.body = "a=b".into();
        }),
        row("an empty form", [405, 405], |ask, _| {
            ask.method = "POST".into();
            ask.add("Content-Type", "application/x-www-form-urlencoded");
            ask.add("Content-Length", "0");
        }),
        row("PUT", [405, 405], |ask, _| ask.method = "PUT".into()),
        row("DELETE", [405, 405], |ask, _| ask.method = "DELETE".into()),
        row("TRACE", [405, 405], |ask, _| ask.method = "TRACE".into()),
        row("a method in lower case", [405, 405], |ask, _| ask.method = "get".into()),
        row("CONNECT", [403, 421], |ask, port| {
            ask.method = "CONNECT".into();
            ask.target = format!("127.0.0.1:{port}");
        }),
        row("a body", [403, 200], |ask, _| {
            ask.add("Content-Length", "2");
            ask.body = "{}".into();
        }),
        row("a body in pieces", [403, 200], |ask, _| {
            ask.add("Transfer-Encoding", "chunked");
            ask.body = "2\r\n{}\r\n0\r\n\r\n".into();
        }),
        row("a length and pieces", [403, 200], |ask, _| {
            ask.add("Transfer-Encoding", "chunked");
            ask.add("Content-Length", "5");
            ask.body = "0\r\n\r\n".into();
        }),
    ]
}

/// What is to be spoken.
fn of_connections() -> Vec<Row> {
    vec![
        row("a switch to a WebSocket", [403, 403], |ask, _| {
            ask.set("Connection", "close, Upgrade");
            ask.add("Upgrade", "websocket");
            ask.add("Sec-WebSocket-Version", "13");
            ask.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        }),
        row("a switch to HTTP/2", [403, 403], |ask, _| {
            ask.set("Connection", "close, Upgrade, HTTP2-Settings");
            ask.add("Upgrade", "h2c");
            ask.add("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA");
        }),
        row("a switch to nothing", [403, 403], |ask, _| ask.set("Connection", "close, upgrade")),
        row("HTTP/0.9", [400, 400], |ask, _| ask.version = String::new()),
        row("HTTP/2.0", [400, 400], |ask, _| ask.version = "HTTP/2.0".into()),
    ]
}

/// Other spellings of where the token is, and what browsers look for by themselves.
fn of_paths() -> Vec<Row> {
    vec![
        target("/v1/token/", [404, 404]),
        target("//v1/token", [404, 404]),
        target("/v1/../v1/token", [404, 404]),
        target("/v1/%74oken", [404, 404]),
        target("/V1/token", [404, 404]),
        target("/", [404, 404]),
        target("/favicon.ico", [404, 404]),
    ]
}

/// What proxies add, or cannot help changing; each comes with a good bearer.
pub(super) fn of_proxies() -> Vec<Row> {
    let headers = [
        ("Forwarded", "for=192.0.2.1;proto=http"),
        ("Via", "1.1 proxy"),
        ("Max-Forwards", "10"),
        ("CDN-Loop", "cloudflare"),
        ("Early-Data", "1"),
        ("Client-Cert", ":MIIB:"),
        ("Proxy", "http://evil.example"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic YTpi"),
        ("Surrogate-Capability", "a=ESI/1.0"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Host", "127.0.0.1:PORT"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "PORT"),
        ("X-Forwarded-Prefix", "/"),
        ("X-Forwarded-Server", "proxy"),
        ("X-Forwarded-Anything-Else", ""),
        ("x-forwarded-for", ""),
        ("X-Real-IP", "192.0.2.1"),
        ("X-Client-IP", "192.0.2.1"),
        ("X-Cluster-Client-IP", "192.0.2.1"),
        ("True-Client-IP", "192.0.2.1"),
        ("Client-IP", "192.0.2.1"),
        ("X-Original-URL", "/v1/token"),
        ("X-Original-Host", "127.0.0.1:PORT"),
        ("X-Rewrite-URL", "/v1/token"),
        ("X-Envoy-Original-Path", "/v1/token"),
        ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"),
        ("X-Azure-ClientIP", "192.0.2.1"),
        ("CF-Connecting-IP", "192.0.2.1"),
        ("CF-Ray", "230b030023ae2822-SJC"),
        ("Fastly-Client-IP", "192.0.2.1"),
        ("X-ARR-LOG-ID", "1"),
        ("X-Varnish", "1"),
        ("Remote-User", "me"),
        ("X-Remote-User", "me"),
        ("X-SSL-Client-Verify", "SUCCESS"),
    ];
    let of_old = row("HTTP/1.0", [403, 403], |ask, _| ask.version = "HTTP/1.0".into());
    headers.into_iter().map(|(name, value)| header(name, value)).chain([of_old]).collect()
}
