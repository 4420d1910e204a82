//! An Airbyte that is there and does not answer, or hardly.

use std::{thread, time::Duration};

use airbyte_sandbox::{Fault, Trouble, Wire};
use airbyte_tokend_tests::{Airbyte, Http, PATIENCE, eventually, timed};

use super::World;

/// How often each profile is asked. Both are asked in turn, so that whatever else the machine does slows both alike.
const ASKED: usize = 400;
/// An exchange is given up after this long.
const LIMIT: u64 = 15_000;
/// How long the machine may take to notice, on top, in milliseconds.
const LATE: u64 = 10_000;

/// How long answers took, shortest first.
fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort();
    times
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[times.len() * percent / 100]
}

/// How long a token of this profile takes.
fn ask(http: &Http, profile: &str) -> Duration {
    let (reply, took) = timed(|| http.get(&format!("/v1/token?profile={profile}&wait=0s")));
    assert_eq!(reply.status, 200, "{}", reply.text());
    took
}

/// The exchange that was cut off, once it was: how long it took, in milliseconds.
fn cut_off(world: &World) -> u64 {
    eventually("the exchange is given up", PATIENCE, || {
        let last = world.exchanges().pop()?;
        assert_ne!(last["result"]["result"], "token");
        last["result"]["took_ms"].as_u64()
    })
}

/// Fault 1: the old token is served as fast as ever while Airbyte hangs.
#[test]
fn nobody_waits_for_an_airbyte_that_hangs_while_a_token_is_alive() {
    let (world, other) = (World::warm(), Airbyte::start());
    world.daemon.log_in("well", &other, "memory");
    world.airbyte.add_fault(Fault::hang().forever());
    let person = thread::spawn({
        let http = world.http();
        move || http.post("/v1/token/refresh?profile=main&wait=60s")
    });
    world.airbyte.wait_for_exchanges(1);

    let http = world.http();
    let (hangs, well): (Vec<_>, Vec<_>) =
        (0..ASKED).map(|_| (ask(&http, "main"), ask(&http, "well"))).unzip();
    assert!(!person.is_finished(), "Airbyte hung all the time");

    // The promise is 10 ms for 99 of 100. On a machine that does other things as well nine of ten are held to what the
    // same daemon takes at the same time for a profile whose Airbyte is well, and half of them to the number itself.
    let (hangs, well) = (sorted(hangs), sorted(well));
    let (median, most) = (percentile(&hangs, 50), percentile(&hangs, 90));
    assert!(median < Duration::from_millis(10), "{median:?}");
    assert!(most < percentile(&well, 90) + Duration::from_millis(10), "{most:?}, and {well:?} otherwise");
    world.serves(&world.airbyte.latest_token());

    let told = person.join().expect("it got an answer");
    super::is_told(&told, "degraded", "no whole reply from http://127.0.0.1:");
    assert!(told.text().contains("within 15s"), "{}", told.text());
    let took = cut_off(&world);
    assert!((LIMIT..LIMIT + LATE).contains(&took), "{took} ms");
    assert_eq!(world.status()["state"], "degraded");
    world.heals();
}

/// Fault 1: without a token there is only waiting, and that ends too.
#[test]
fn whoever_waits_for_an_airbyte_that_hangs_is_told_when_its_own_time_is_over() {
    let world = World::cold();
    world.airbyte.add_fault(Fault::hang().forever());
    let said = world.cli().fail(&["print", "--wait", "1s"], 75);
    assert!(said.contains("no token came within the time to wait"), "{said}");
    world.await_state("expired");
    let said = world.cli().fail(&["print", "--wait", "0"], 75);
    assert!(said.contains("no whole reply from") && said.contains("within 15s"), "{said}");
}

/// Fault 2: the limit is for the whole of it and not for each byte.
#[test]
fn a_reply_that_drips_is_given_up_like_one_that_never_comes() {
    let world = World::warm();
    let alive = world.airbyte.latest_token();
    world.airbyte.add_fault(Fault::new(Trouble::Wire(Wire::Drip(Duration::from_secs(1)))).forever());
    let told = world.fail_to_refresh();
    super::is_told(&told, "degraded", "within 15s");
    let took = cut_off(&world);
    assert!((LIMIT..LIMIT + LATE).contains(&took), "{took} ms");
    world.serves(&alive);
    world.heals();
}
