//! Credentials that Airbyte refuses.

use std::time::Duration;

use airbyte_sandbox::{Canned, Fault};
use airbyte_tokend_tests::{Call, Http, PATIENCE, assert_failed, eventually};

use super::{HOUR, LIFE, MINUTE, World};

const SECOND: Duration = Duration::from_secs(1);
/// A refusal is confirmed after this long.
const CONFIRMED: Duration = Duration::from_secs(5);
/// How many callers ask at a time.
const AT_A_TIME: usize = 100;

/// A hundred callers ask, and all are told this.
fn a_hundred_are_told(http: &Http, status: u16, code: &str) {
    let call = String::from_utf8(Call::new("GET", "/v1/token?wait=0s").bytes()).expect("it is ASCII");
    let kept_open = call.replace("connection: close\r\n", "");
    let replies = http.raw((kept_open.repeat(AT_A_TIME - 1) + &call).as_bytes());
    let text = String::from_utf8(replies).expect("it is UTF-8");
    assert_eq!(text.matches(&format!("HTTP/1.1 {status} ")).count(), AT_A_TIME, "{text}");
    assert_eq!(text.matches(&format!(r#""code":"{code}""#)).count(), AT_A_TIME, "{text}");
}

/// Credentials were refused and that was confirmed: the first probe is five minutes away.
fn rejected(world: &World) {
    let reply = eventually("it is refused", PATIENCE, || {
        Some(world.http().get("/v1/token?wait=4s")).filter(|reply| reply.code() != "wait_over")
    });
    assert_eq!((reply.status, reply.code().as_str()), (424, "rejected"), "{}", reply.text());
    world.pass(CONFIRMED);
    world.airbyte.wait_for_exchanges(2);
    world.settle();
    let status = world.await_state("rejected");
    assert!(status["retry_in"].as_u64().is_some_and(|wait| (200..=300).contains(&wait)), "{status}");
}

/// Fault 9: ten minutes of a hundred callers every five seconds cost the refusal, its confirmation, and one probe.
#[test]
fn ten_minutes_of_callers_with_a_refused_secret_cost_three_exchanges() {
    let world = World::cold();
    world.airbyte.set_secret("another-secret-by-now");
    rejected(&world);
    let http = world.http();
    for _ in 0..10 * 60 / 5 {
        a_hundred_are_told(&http, 424, "rejected");
        world.pass(5 * SECOND);
    }
    world.settle();
    assert_eq!(world.airbyte.exchanges(), 3);
    let whys: Vec<_> = world.exchanges().iter().map(|exchange| exchange["why"].clone()).collect();
    assert_eq!(whys, ["no_token", "confirmation", "probe"]);
}

/// Fault 9: what a person is told, and that doing it helps at once.
#[test]
fn a_new_secret_ends_a_refusal_at_once() {
    let world = World::cold();
    world.airbyte.set_secret("another-secret-by-now");
    rejected(&world);
    let said = world.cli().fail(&["print"], 77);
    assert!(said.contains("Airbyte refuses this client id and secret"), "{said}");
    assert!(said.contains("`airbyte-token login -p main`"), "{said}");
    assert_failed(world.cli().log_in(&world.airbyte, "file", &["-p", "main"]), &["login"], 77);
    world.airbyte.set_secret(world.airbyte.secret().expose());
    world.pass(SECOND);
    let ended = world.cli().log_in(&world.airbyte, "file", &["-p", "main"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(world.cli().succeed(&["print", "--wait", "0"]), format!("{}\n", world.airbyte.latest_token()));
    assert_eq!(world.status()["state"], "fresh");
}

/// Fault 9: the secret was right, and Airbyte is mended.
#[test]
fn a_person_who_mended_it_at_airbyte_s_end_is_heard_at_once() {
    let world = World::cold();
    world.airbyte.set_secret("another-secret-by-now");
    rejected(&world);
    world.airbyte.set_secret(world.airbyte.secret().expose());
    world.cli().succeed(&["refresh"]);
    assert_eq!(world.status()["state"], "fresh");
    world.serves(&world.airbyte.latest_token());
}

/// Fault 9: nobody does anything, and Airbyte takes the secret again.
#[test]
fn a_refusal_is_looked_into_after_five_and_fifteen_minutes_and_then_every_hour() {
    let world = World::cold();
    world.airbyte.add_fault(Fault::answer(Canned::ErrorId401).forever());
    rejected(&world);
    let probes = [5 * MINUTE, 15 * MINUTE, HOUR, HOUR, HOUR];
    for (probe, exchanges) in probes.into_iter().zip(3..) {
        let wait = probe.as_secs();
        let retry_in = world.status()["retry_in"].as_u64();
        assert!(retry_in.is_some_and(|rest| (wait - 100..=wait).contains(&rest)), "{retry_in:?} of {wait}");
        world.pass(probe - 2 * MINUTE);
        assert_eq!(world.airbyte.exchanges(), exchanges - 1, "not before its time");
        world.pass(2 * MINUTE);
        world.airbyte.wait_for_exchanges(exchanges);
        world.settle();
        assert_eq!(world.status()["state"], "rejected");
    }
    world.airbyte.clear_faults();
    world.pass(HOUR);
    world.await_state("fresh");
    world.serves(&world.airbyte.latest_token());
}

/// Fault 9: a Keycloak that restarts refuses somebody once.
#[test]
fn a_refusal_that_is_not_confirmed_is_forgotten() {
    for answer in [Canned::BadCredentials400, Canned::ErrorId401, Canned::Agents403] {
        let world = World::warm();
        let alive = world.airbyte.latest_token();
        world.airbyte.add_fault(Fault::answer(answer));
        let told = world.fail_to_refresh();
        assert_eq!((told.status, told.code().as_str()), (424, "rejected"), "{}", told.text());
        assert!(told.json()["retry_in"].as_u64().is_some_and(|wait| wait <= 5), "{}", told.text());
        world.serves(&alive);
        world.pass(CONFIRMED);
        world.airbyte.wait_for_exchanges(2);
        world.await_state("fresh");
        world.serves(&world.airbyte.latest_token());
    }
}

/// Fault 9: the token that is alive when the secret is refused.
#[test]
fn a_live_token_is_served_to_its_end_though_its_secret_is_refused() {
    let world = World::warm();
    let alive = world.airbyte.latest_token();
    world.airbyte.set_secret("another-secret-by-now");
    assert_eq!(world.fail_to_refresh().code(), "rejected");
    let http = world.http();
    for passed in (30..LIFE).step_by(30) {
        world.pass(Duration::from_secs(30));
        let reply = http.get("/v1/token?wait=0s");
        world.is_live(&reply);
        assert_eq!(reply.json()["access_token"], alive);
        let left = reply.json()["expires_in"].as_u64();
        assert!(left.is_some_and(|left| left <= LIFE - passed), "{left:?} after {passed} s");
    }
    assert_eq!(world.status()["state"], "rejected");
    world.pass(Duration::from_secs(30));
    assert_eq!(http.get("/v1/token?wait=0s").code(), "rejected", "it is dead");
    assert!(world.airbyte.exchanges() <= 4, "{} in 15 minutes", world.airbyte.exchanges());
}
