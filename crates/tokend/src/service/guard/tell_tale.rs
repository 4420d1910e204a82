//! The headers by which a request shows that it did not come straight from a program of this machine.

use axum::http::{HeaderMap, HeaderName, header};

/// What browsers, protocol switches and proxies add to a request, in lower case; with `*` at the end, whatever begins so.
///
/// Not among them is what programs' own libraries send, too, so that it tells nothing: `x-request-id`, `traceparent` and
/// the other headers of tracing, `accept-language`, `x-requested-with`, `te`.
const TELL_TALES: [&str; 44] = [
    // Browsers. Scripts can neither send these nor leave them out (the Fetch standard's forbidden request-headers).
    "origin",
    "referer",
    "cookie*",
    "sec-*",
    "access-control-*",
    "upgrade-insecure-requests", // every navigation, also to http, where the Sec-Fetch-* are missing
    "ping-*",                    // <a ping>
    "service-worker",
    // Another protocol on the same connection (RFC 9110 §7.8, RFC 7540 §3.2.1): nothing is spoken here but HTTP/1.1.
    "upgrade",
    "http2-settings",
    // Intermediaries by the standards: RFC 7239, RFC 9110 §7.6, RFC 8586, RFC 8470, RFC 9440, and what curl and others
    // say to a proxy alone. `Proxy` is httpoxy's.
    "forwarded*",
    "via",
    "max-forwards",
    "cdn-loop",
    "early-data",
    "client-cert*",
    "proxy*",
    "surrogate-*",
    // Reverse proxies and load balancers by custom: nginx, Apache, HAProxy, Traefik, Envoy, Varnish, Squid, IIS.
    "x-forward*",
    "x-original-*",
    "x-rewrite-*",
    "x-real-*",
    "x-client-ip",
    "client-ip",
    "x-cluster-*",
    "x-remote-*",
    "remote-*",
    "x-host",
    "x-scheme",
    "x-url-scheme",
    "x-ssl-*",
    "ssl-*",
    "front-end-https",
    "x-proxy*",
    "x-via",
    "x-envoy-*",
    "x-varnish*",
    "x-arr-*",
    // Clouds and their edges: Akamai and Cloudflare, AWS, Azure, Fastly, Google.
    "true-client-*",
    "cf-*",
    "x-amzn-*",
    "x-amz-cf-*",
    "x-azure-*",
    "fastly-*",
];

/// The header that gives the request away, if there is one.
pub(super) fn find(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| TELL_TALES.iter().any(|rule| is_told(rule, name.as_str())))
}

/// Whether another protocol is to be spoken on this connection, also where the header that says which is missing.
pub(super) fn asks_to_switch(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| names_a_switch(value.as_bytes()))
}

fn is_told(rule: &str, name: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == rule,
    }
}

/// Whether this value of `Connection` names what is said of another protocol (RFC 9110 §7.6.1).
fn names_a_switch(value: &[u8]) -> bool {
    let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    options.any(|option| {
        option.eq_ignore_ascii_case(b"upgrade") || option.eq_ignore_ascii_case(b"http2-settings")
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn gives_away(name: &str, value: &str) -> bool {
        let name: HeaderName = name.parse().unwrap();
        find(&[(name, value.parse().unwrap())].into_iter().collect()).is_some()
    }

    #[test]
    fn what_browsers_and_proxies_add_gives_them_away() {
        for name in [
            "Origin",
            "Referer",
            "Cookie",
            "Cookie2",
            "Sec-Fetch-Site",
            "Sec-WebSocket-Key",
            "Sec-CH-UA",
            "Sec-Purpose",
            "Access-Control-Request-Method",
            "Access-Control-Request-Private-Network",
            "Upgrade-Insecure-Requests",
            "Ping-From",
            "Service-Worker",
            "Upgrade",
            "HTTP2-Settings",
            "Forwarded",
            "Forwarded-For",
            "Via",
            "Max-Forwards",
            "CDN-Loop",
            "Early-Data",
            "Client-Cert",
            "Client-Cert-Chain",
            "Proxy",
            "Proxy-Connection",
            "Proxy-Authorization",
            "Surrogate-Capability",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded",
            "X-Forward-For",
            "X-Original-URL",
            "X-Original-Forwarded-For",
            "X-Rewrite-URL",
            "X-Real-IP",
            "X-Client-IP",
            "Client-IP",
            "X-Cluster-Client-IP",
            "X-Remote-Addr",
            "Remote-User",
            "X-Host",
            "X-Scheme",
            "X-SSL-Client-Verify",
            "Front-End-Https",
            "X-ProxyUser-IP",
            "X-Envoy-External-Address",
            "X-Varnish",
            "X-ARR-LOG-ID",
            "True-Client-IP",
            "CF-Connecting-IP",
            "CF-Ray",
            "X-Amzn-Trace-Id",
            "X-Amz-Cf-Id",
            "X-Azure-ClientIP",
            "Fastly-Client-IP",
        ] {
            assert!(gives_away(name, ""), "{name}");
        }
    }

    #[test]
    fn what_programs_send_gives_nobody_away() {
        for name in [
            "Accept",
            "Accept-Encoding",
            "Accept-Language",
            "Authorization",
            "Cache-Control",
            "Content-Length",
            "Content-Type",
            "Date",
            "Expect",
            "Host",
            "Pragma",
            "Priority",
            "Prior",
            "TE",
            "Traceparent",
            "User-Agent",
            "X-B3-TraceId",
            "X-Request-ID",
            "X-Requested-With",
            "X-Airbyte-Analytic-Source",
            "Original",
            "Viable",
        ] {
            assert!(!gives_away(name, "x"), "{name}");
        }
    }

    #[test]
    fn a_connection_may_be_kept_or_closed_and_not_switched() {
        let asks_to_switch = |value: &'static str| {
            asks_to_switch(&[(header::CONNECTION, HeaderValue::from_static(value))].into_iter().collect())
        };
        for value in ["keep-alive", "close", "Keep-Alive, TE", "", "upgraded"] {
            assert!(!asks_to_switch(value), "{value}");
        }
        for value in ["upgrade", "Upgrade", "keep-alive, Upgrade", "HTTP2-Settings", "close,\tupgrade ,x"] {
            assert!(asks_to_switch(value), "{value}");
        }
    }
}
