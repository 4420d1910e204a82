//! What Airbyte says of how long its tokens live, and what is believed of it.

use std::time::Duration;

use airbyte_sandbox::{Edition, ExpiresIn, Fault, OddToken, Settings};
use airbyte_tokend_tests::{Airbyte, Daemon, Home};

use super::{SLACK, World};

const DAY: u64 = 24 * 60 * 60;

fn says(json: &str) -> ExpiresIn {
    json.parse().expect("it is JSON")
}

/// How long a token is taken to live that comes from such an Airbyte, in seconds.
fn life(change: impl FnOnce(&mut Settings)) -> u64 {
    let (home, airbyte) = (Home::new(), Airbyte::start_with(change));
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    daemon.http().get("/v1/token").json()["expires_in"].as_u64().expect("it is a number")
}

/// The life that is expected, less what the machine takes to look.
fn is_life(seen: u64, expected: u64) {
    assert!((expected - SLACK..=expected).contains(&seen), "{seen} s and not {expected} s");
}

/// What lives as long as its text says, and is no JWT that would say it too.
fn opaque(settings: &mut Settings, expires_in: &str) {
    settings.expires_in = says(expires_in);
    settings.faults = vec![Fault::token(OddToken::Opaque).forever()];
}

/// Fault 13: dead on arrival, by what the reply says.
#[test]
fn a_token_that_lives_no_time_is_refused_and_costs_no_live_token() {
    for lifeless in ["0", "-1", "-9223372036854775809", "\"0\""] {
        let world = World::warm();
        world.survives(Fault::expires_in(says(lifeless)), "the token was expired when it was issued");
    }
}

/// Fault 13: dead on arrival, by what the token itself says.
#[test]
fn a_token_that_died_before_it_came_is_refused_and_costs_no_live_token() {
    let world = World::warm();
    let alive = world.airbyte.latest_token();
    world.airbyte.change_settings(|settings| {
        settings.token_lifetime = Duration::ZERO;
        settings.expires_in = says("900");
    });
    let told = world.fail_to_refresh();
    super::is_told(&told, "degraded", "the token was expired when it was issued");
    world.serves(&alive);
}

/// Fault 13: it is no reason to ask all the time.
#[test]
fn tokens_that_live_no_time_make_no_storm() {
    let world = World::cold();
    world.airbyte.add_fault(Fault::expires_in(says("0")).forever());
    for _ in 0..60 {
        let reply = world.http().get("/v1/token?wait=0s");
        assert!(reply.status >= 500, "{}", reply.text());
        world.pass(Duration::from_secs(1));
    }
    let exchanges = world.airbyte.exchanges();
    assert!((5..=10).contains(&exchanges), "{exchanges} in a minute");
}

/// Fault 14: more than a day, more than a number can say, more than 64 bits.
#[test]
fn a_life_beyond_a_day_is_a_day() {
    for huge in ["86401", "9223372036854775808", "\"9223372036854775808\"", "1e300"] {
        is_life(life(|settings| opaque(settings, huge)), DAY);
    }
}

/// Fault 14: no number that a computer knows.
#[test]
fn a_life_that_is_no_number_is_not_said_at_all() {
    for unreadable in ["1e400", "\"1e400\"", "\"soon\"", "null", "[]", "{}", "true"] {
        is_life(life(|settings| opaque(settings, unreadable)), 180);
    }
}

/// Fault 14: the token itself says less.
#[test]
fn a_life_beyond_the_token_s_own_is_the_token_s_own() {
    for huge in ["86400", "9223372036854775808", "1e300", "1e400"] {
        is_life(life(|settings| settings.expires_in = says(huge)), 900);
    }
}

/// Fault 15: nothing is said, and the token itself says it, by a clock that is hours off ours.
#[test]
fn a_life_that_is_not_said_is_read_from_the_token_as_a_difference() {
    for (edition, lifetime) in [(Edition::Cloud, 900), (Edition::Core, 300)] {
        for skew in [0, -100_000, 100_000] {
            let seen = life(|settings| {
                settings.edition = edition;
                settings.expires_in = ExpiresIn::Missing;
                settings.token_lifetime = Duration::from_secs(lifetime);
                settings.clock_skew = skew;
            });
            is_life(seen, lifetime);
        }
    }
}

/// Fault 15: nothing is said anywhere.
#[test]
fn a_life_that_nothing_tells_is_three_minutes() {
    is_life(
        life(|settings| {
            settings.expires_in = ExpiresIn::Missing;
            settings.faults = vec![Fault::token(OddToken::Opaque)];
        }),
        180,
    );
}

/// Fault 15: numbers that are written as text, or with a fraction.
#[test]
fn a_life_in_quotes_or_with_a_fraction_is_read_as_the_number_it_is() {
    for written in ["\"600\"", "600.9", "\"600.9\"", "6e2"] {
        is_life(life(|settings| opaque(settings, written)), 600);
    }
}

/// What is told of a token, if there is one by now: its life in seconds. Whoever is told that there is none is told when
/// to come again.
fn ask(world: &World) -> Option<u64> {
    let ask = || world.http().get("/v1/token?wait=0s");
    let first = ask();
    let reply = if first.status == 200 {
        first
    } else {
        world.settle();
        ask()
    };
    if reply.status == 200 {
        return reply.json()["expires_in"].as_u64();
    }
    assert_eq!(reply.code(), "throttled", "{}", reply.text());
    assert!(reply.json()["retry_in"].as_u64().is_some_and(|wait| wait <= 60), "{}", reply.text());
    None
}

/// Somebody asks every second, for a minute, and gets a token as often as this for each exchange at least.
fn costs_at_most_one_exchange_in_five_seconds(lifetime: u64, served_by_each: usize) {
    let world = World::warm_with(|settings| settings.token_lifetime = Duration::from_secs(lifetime));
    let mut served = 0;
    for _ in 0..60 {
        let left = ask(&world);
        served += usize::from(left.is_some());
        assert!(left.unwrap_or_default() <= lifetime, "{left:?} s of {lifetime} s");
        world.pass(Duration::from_secs(1));
    }
    world.settle();
    let exchanges = world.airbyte.exchanges();
    assert!((5..=12).contains(&exchanges), "{exchanges} in a minute, for {lifetime} s each");
    assert!(served >= exchanges * served_by_each, "{served} served by {exchanges}");
    assert!(served > 0, "never withheld while it lives");
}

/// Fault 16: a second, which may be over before anybody looks.
#[test]
fn tokens_of_a_second_cost_at_most_one_exchange_in_five() {
    costs_at_most_one_exchange_in_five_seconds(1, 0);
}

/// Fault 16: five seconds.
#[test]
fn tokens_of_five_seconds_cost_at_most_one_exchange_in_five() {
    costs_at_most_one_exchange_in_five_seconds(5, 1);
}

/// Fault 16: ten seconds.
#[test]
fn tokens_of_ten_seconds_cost_at_most_one_exchange_in_five() {
    costs_at_most_one_exchange_in_five_seconds(10, 1);
}

/// Fault 16: nobody asks.
#[test]
fn fleeting_tokens_are_not_renewed_for_nobody() {
    let world = World::warm_with(|settings| settings.token_lifetime = Duration::from_secs(5));
    for _ in 0..12 {
        world.pass(Duration::from_secs(5));
    }
    world.settle();
    assert_eq!(world.airbyte.exchanges(), 0);
    world.is_live(&world.http().get("/v1/token"));
    assert_eq!(world.airbyte.exchanges(), 1, "and are there for whoever asks");
}
