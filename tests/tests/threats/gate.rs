//! The gate that every request passes, at the socket and at loopback alike, request by request.

mod ask;
mod rows;
mod scene;

use std::collections::BTreeSet;

use airbyte_tokend_tests::{Home, Reply};

pub(crate) use ask::{Ask, Way, connect};
use rows::Row;
pub(crate) use scene::{Credential, Scene, add_client, free_address, listening_at, shows};

/// What every reply of ours has.
const SHIELDS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'"),
    ("x-frame-options", "DENY"),
];

/// T6: a page makes the browser ask, under its own name, under a name that resolves to 127.0.0.1, or as nobody.
#[test]
fn no_request_that_a_page_can_make_brings_a_token() {
    let rows = rows::of_pages();
    assert!(rows.len() >= 40, "there are {}", rows.len());
    hold(&rows);
}

/// T7: a local program or a reverse proxy passes on what others ask of it, with the bearer of a good client.
#[test]
fn no_request_that_a_proxy_passes_on_brings_a_token() {
    hold(&rows::of_proxies());
}

/// T19: what refuses a request at the gate tells a stranger nothing about why.
#[test]
fn whatever_the_gate_of_loopback_refuses_is_told_the_same_to_the_byte() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let rows = rows::of_pages().into_iter().chain(rows::of_proxies());
    let mut told = BTreeSet::new();
    for row in rows.filter(|row| row.answers[0] == 403) {
        for good in [scene.ask(), scene.ask_without_bearer()] {
            let reply = scene.send(&changed(&good, &row, &scene));
            assert_eq!(reply.status, 403, "{}", row.what);
            told.insert((lasting_headers(&reply), reply.body));
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Each row is refused as it says, and let in without its one change.
fn hold(rows: &[Row]) {
    let home = Home::new();
    let scene = Scene::new(&home);
    for row in rows {
        for ((way, good), status) in scene.ways().into_iter().zip(row.answers) {
            let token = scene.airbyte.latest_token();
            let ask = changed(&good, row, &scene);
            let reply = way.send(&ask);
            assert_eq!(reply.status, status, "{} at {way:?}: {}", row.what, reply.text());
            assert_eq!(shows(&reply.body, &token), status == 200, "{} at {way:?}", row.what);
            assert_opens_nothing(&reply);
            let control = way.send(&good);
            assert_eq!(control.status, 200, "without {} at {way:?}: {}", row.what, control.text());
            assert!(shows(&control.body, &token), "without {} at {way:?}", row.what);
            assert_opens_nothing(&control);
        }
    }
}

fn changed(good: &Ask, row: &Row, scene: &Scene) -> Ask {
    let mut ask = good.clone();
    (row.change)(&mut ask, &scene.address.port().to_string());
    ask
}

/// What the HTTP library answers by itself to what is no HTTP has no body, and nothing else to hide.
pub(crate) fn assert_opens_nothing(reply: &Reply) {
    let opens = reply.headers.iter().any(|(name, _)| name.starts_with("access-control"));
    assert!(!opens, "{reply:?}");
    if reply.body.is_empty() {
        return assert_eq!(reply.status, 400, "{reply:?}");
    }
    for (name, value) in SHIELDS {
        assert_eq!(reply.header(name), Some(value), "{reply:?}");
    }
}

/// The headers but for the time, and but for how the connection goes on, which is as the request had it.
pub(crate) fn lasting_headers(reply: &Reply) -> BTreeSet<(String, String)> {
    let lasting = |(name, _): &&(String, String)| name != "date" && name != "connection";
    reply.headers.iter().filter(lasting).cloned().collect()
}
