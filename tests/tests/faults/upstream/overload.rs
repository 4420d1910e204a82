//! An Airbyte that has too much to do, and says so or not.

use std::time::Duration;

use airbyte_sandbox::{Fault, RetryAfter};

use super::{LIFE, MINUTE, World};

/// A 429 with this `Retry-After` is waited out for so many seconds, whoever asks: not a moment less, and no more than by
/// a quarter, which chance adds up to a quarter of an hour in all.
fn is_waited_out(retry_after: Option<RetryAfter>, seconds: u64) {
    let most = (seconds * 5).div_ceil(4).min(900);
    let world = World::warm();
    let alive = world.airbyte.latest_token();
    world.airbyte.change_settings(|settings| settings.clock_skew -= 5 * 60 * 60);
    world.airbyte.add_fault(Fault { retry_after, ..Fault::status(429) });

    let told = world.fail_to_refresh();
    assert_eq!((told.status, told.code().as_str()), (503, "throttled"), "{}", told.text());
    let wait = told.json()["retry_in"].as_u64().expect("it is a number");
    assert!(wait <= most, "{wait} s and not {seconds} s");
    assert_eq!(told.header("retry-after"), Some(wait.to_string().as_str()));
    assert_eq!(
        world.http().get("/v1/token").json()["access_token"],
        alive,
        "a live token is served meanwhile"
    );

    let before_its_time = Duration::from_secs(seconds * 2 / 3);
    world.pass(before_its_time);
    if seconds > 3 {
        let told = world.http().post("/v1/token/refresh?wait=0s");
        assert_eq!((told.status, told.code().as_str()), (503, "throttled"), "{}", told.text());
        assert_eq!(world.airbyte.exchanges(), 1, "nobody is let through before its time");
    }
    world.pass(Duration::from_secs(most) - before_its_time);
    world.airbyte.wait_for_exchanges(2);
    world.settle();
    world.serves(&world.airbyte.latest_token());
}

fn text(text: &str) -> Option<RetryAfter> {
    Some(RetryAfter::Text(text.to_owned()))
}

/// Fault 7: so many seconds.
#[test]
fn whoever_asks_for_seconds_of_patience_gets_them() {
    is_waited_out(text("7"), 7);
}

/// Fault 7: a date, by Airbyte's clock, which is five hours behind ours.
#[test]
fn whoever_asks_for_patience_until_a_date_gets_it_by_its_own_clock() {
    is_waited_out(Some(RetryAfter::Date(90)), 90);
}

/// Fault 7: a date that is over.
#[test]
fn whoever_asks_for_patience_until_yesterday_gets_a_second() {
    is_waited_out(Some(RetryAfter::Date(-86_400)), 1);
}

/// Fault 7: no time at all.
#[test]
fn whoever_asks_for_no_patience_gets_a_second() {
    is_waited_out(text("0"), 1);
}

/// Fault 7: thirty years.
#[test]
fn whoever_asks_for_years_of_patience_gets_a_quarter_of_an_hour() {
    is_waited_out(text("1000000000"), 900);
    is_waited_out(text("99999999999999999999999"), 900);
}

/// Fault 7: a number that is none.
#[test]
fn whoever_asks_for_patience_in_riddles_gets_half_a_minute() {
    for riddle in ["-7", "7.5", "soon", ""] {
        is_waited_out(text(riddle), 30);
    }
}

/// Fault 7: nothing is said.
#[test]
fn whoever_asks_for_patience_and_does_not_say_how_much_gets_half_a_minute() {
    is_waited_out(None, 30);
}

/// Fault 8: an internal error.
#[test]
fn an_airbyte_with_an_error_of_its_own_costs_no_live_token() {
    World::warm().survives(Fault::status(500), "the server has trouble (500");
}

/// Fault 8: a gateway without Airbyte behind it.
#[test]
fn a_gateway_without_an_airbyte_costs_no_live_token() {
    World::warm().survives(Fault::answer(airbyte_sandbox::Canned::Nginx502), "the server has trouble (502");
    World::warm().survives(Fault::status(504), "the server has trouble (504");
}

/// Fault 8: maintenance, with and without a hint of how long.
#[test]
fn an_airbyte_in_maintenance_costs_no_live_token() {
    World::warm().survives(Fault::status(503), "the server has trouble (503");
    World::warm().survives(Fault::status(503).retry_after("20"), "the server has trouble (503");
}

/// Fault 8: maintenance that asks for patience.
#[test]
fn an_airbyte_in_maintenance_that_asks_for_patience_gets_it() {
    let world = World::warm();
    world.airbyte.add_fault(Fault::status(503).retry_after("120"));
    let told = world.fail_to_refresh();
    super::is_told(&told, "degraded", "the server has trouble (503");
    let wait = told.json()["retry_in"].as_u64();
    assert!(wait.is_some_and(|wait| (100..=150).contains(&wait)), "{}", told.text());
    world.pass(MINUTE);
    assert_eq!(world.http().post("/v1/token/refresh?wait=0s").status, 503);
    assert_eq!(world.airbyte.exchanges(), 1, "nobody is let through before its time");
    world.pass(3 * MINUTE / 2);
    world.airbyte.wait_for_exchanges(2);
    world.await_state("fresh");
}

/// Fault 8: every other exchange fails, for two hours.
#[test]
fn an_airbyte_that_fails_every_other_time_is_not_noticed_by_anybody() {
    let world = World::warm();
    let http = world.http();
    for code in [500, 502, 503, 504].into_iter().cycle().take(40) {
        world.airbyte.add_fault(Fault::status(code));
        world.airbyte.add_fault(Fault::delay(Duration::ZERO));
    }
    for _ in 0..8 * LIFE / 20 {
        world.is_live(&http.get("/v1/token?wait=60s"));
        world.pass(Duration::from_secs(20));
    }
    let exchanges = world.airbyte.exchanges();
    assert!((16..=30).contains(&exchanges), "{exchanges}: two for each of a dozen tokens");
}
