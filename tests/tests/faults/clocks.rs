//! Clocks that leap, and time that passed unnoticed.
//!
//! The stand-in's own clock does not leap with the daemon's: a token that died in a leap is revoked there, so that it is
//! as dead as the daemon must take it for.

use std::{
    collections::BTreeSet,
    thread::{self, JoinHandle},
    time::Duration,
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Cli, Clocks, Daemon, Home, Http, PATIENCE, Recipe, Reply, Timer, eventually,
};
use rustix::process::Signal;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: i64 = 365 * 24 * 60 * 60;

/// A daemon under clocks of its own, with one token of 15 minutes in hand that cost the one exchange so far.
struct Warm {
    daemon: Daemon,
    clocks: Clocks,
    airbyte: Airbyte,
    home: Home,
}

impl Warm {
    fn new() -> Self {
        Self::with("")
    }

    fn with(config: &str) -> Self {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        home.write_config(config);
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        daemon.log_in("main", &airbyte, "memory");
        Self { daemon, clocks, airbyte, home }
    }

    fn http(&self) -> Http {
        self.daemon.http()
    }

    /// What the status says of the profile in this field; zero if there is nothing.
    fn seconds(&self, field: &str) -> u64 {
        self.http().status_of("main")[field].as_u64().unwrap_or_default()
    }

    /// A token, which Airbyte takes, and its life.
    fn live_token(&self) -> (String, u64) {
        let reply = self.http().get("/v1/token?wait=60s");
        let token = token_of(&reply);
        assert!(self.airbyte.is_live(&token), "it is dead");
        (token, reply.json()["expires_in"].as_u64().expect("it is a number"))
    }

    /// Twenty callers at once ask with the first breath after this leap, in which the token died: each gets the next
    /// one, for which all wait, and which cost one exchange.
    fn everybody_gets_one_new_token_after(&self, leap: impl FnOnce(&Clocks)) {
        let before = self.airbyte.exchanges();
        assert!(self.airbyte.revoke_all() > 0);
        self.airbyte.add_fault(Fault::delay(Duration::from_millis(300)));
        leap(&self.clocks);
        let callers: Vec<_> = (0..20).map(|_| ask_beside(self.http())).collect();
        let answer = |caller: JoinHandle<Reply>| token_of(&caller.join().expect("it got an answer"));
        let tokens: BTreeSet<_> = callers.into_iter().map(answer).collect();
        assert_eq!(tokens, BTreeSet::from([self.airbyte.latest_token()]));
        let (_, left) = self.live_token();
        assert!((800..=900).contains(&left), "{left} s of 15 minutes");
        assert_eq!(self.airbyte.exchanges(), before + 1);
    }

    /// Nobody asks, and the renewal that came due in this leap begins all the same, once.
    fn the_renewal_happens_by_itself_after(&self, leap: impl FnOnce(&Clocks)) {
        let before = self.airbyte.exchanges();
        leap(&self.clocks);
        self.airbyte.wait_for_exchanges(before + 1);
        eventually("the new token is there", PATIENCE, || (self.seconds("expires_in") > 800).then_some(()));
        assert_eq!(self.airbyte.exchanges(), before + 1);
    }
}

fn ask_beside(http: Http) -> JoinHandle<Reply> {
    thread::spawn(move || http.get("/v1/token?wait=60s"))
}

fn refresh_beside(http: Http) -> JoinHandle<Reply> {
    thread::spawn(move || http.post("/v1/token/refresh?wait=60s"))
}

fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["access_token"].as_str().expect("it is text").to_owned()
}

/// Fault 32: an hour forward.
#[test]
fn a_wall_clock_set_an_hour_forward_costs_one_early_renewal() {
    Warm::new().everybody_gets_one_new_token_after(|clocks| clocks.set_wall(3600));
}

/// Fault 32: an hour back.
#[test]
fn a_wall_clock_set_an_hour_back_costs_no_exchange_and_lengthens_no_life() {
    let warm = Warm::new();
    let (token, before) = warm.live_token();
    warm.clocks.set_wall(-3600);
    let (same, after) = warm.live_token();
    assert_eq!(same, token);
    assert!(after <= before, "{after} s after {before} s");
    assert_eq!(warm.airbyte.exchanges(), 1);
    warm.everybody_gets_one_new_token_after(|clocks| clocks.suspend(15 * MINUTE));
}

/// Fault 32: ten years forward, and right again.
#[test]
fn a_wall_clock_ten_years_ahead_costs_one_renewal_and_its_correction_none() {
    let warm = Warm::new();
    warm.everybody_gets_one_new_token_after(|clocks| clocks.set_wall(10 * YEAR));
    let (token, before) = warm.live_token();
    warm.clocks.correct_wall();
    let (same, after) = warm.live_token();
    assert_eq!(same, token);
    assert!((800..=before).contains(&after), "{after} s after {before} s");
    assert_eq!(warm.airbyte.exchanges(), 2);
}

/// Fault 32: 1970.
#[test]
fn in_1970_tokens_are_served_and_renewed_as_ever() {
    let warm = Warm::new();
    let (token, _) = warm.live_token();
    warm.clocks.set_wall_to(0);
    assert_eq!(warm.live_token().0, token);
    assert_eq!(warm.airbyte.exchanges(), 1);
    warm.everybody_gets_one_new_token_after(|clocks| clocks.suspend(15 * MINUTE));
}

/// Fault 32: 1970, as on a machine without a battery, until the network tells the time.
#[test]
fn a_wall_clock_that_is_set_right_after_a_start_in_1970_costs_one_early_renewal() {
    let warm = Warm::new();
    warm.clocks.set_wall_to(0);
    warm.everybody_gets_one_new_token_after(|clocks| clocks.suspend(15 * MINUTE));
    warm.everybody_gets_one_new_token_after(Clocks::correct_wall);
}

/// Fault 32: what a user sees of it.
#[test]
fn how_far_off_a_wall_clock_is_shows_in_the_status_until_it_is_set_right() {
    let warm = Warm::new();
    let seen = || {
        let status = warm.http().status_of("main");
        (status["state"].clone(), status["clock_skew"].as_i64().expect("Airbyte has told the time"))
    };
    assert_eq!(warm.http().post("/v1/token/refresh?wait=20s").status, 200);
    for leap in [10 * YEAR, -20 * YEAR] {
        let (_, before) = seen();
        warm.clocks.set_wall(leap);
        warm.live_token();
        let (state, skew) = seen();
        let is_seen = state == "clock_suspect" && (skew - before).abs_diff(leap) <= 2;
        assert!(is_seen, "{state}, {skew} s after {before} s");
    }
    warm.clocks.correct_wall();
    warm.live_token();
    let (state, skew) = seen();
    assert!(state == "fresh" && skew.abs() <= 2, "{state}, {skew} s");
}

/// Fault 32: to and fro.
#[test]
fn a_wall_clock_that_leaps_to_and_fro_makes_no_storm() {
    let warm = Warm::new();
    for _ in 0..30 {
        for leap in [3600, -3600] {
            warm.clocks.set_wall(leap);
            let reply = warm.http().get("/v1/token?wait=0s");
            match reply.status {
                200 => assert!(warm.airbyte.is_live(&token_of(&reply))),
                _ => assert!(["throttled", "wait_over"].contains(&reply.code().as_str()), "{}", reply.text()),
            }
        }
    }
    assert!(warm.airbyte.exchanges() <= 10, "{} exchanges", warm.airbyte.exchanges());
    warm.live_token();
}

/// Fault 33: eight hours, and somebody asks at once.
#[test]
fn after_eight_hours_of_suspend_everybody_waits_for_one_new_token() {
    Warm::new().everybody_gets_one_new_token_after(|clocks| clocks.suspend(8 * HOUR));
}

/// Fault 33: eight hours, and nobody asks.
#[test]
fn a_renewal_that_came_due_during_suspend_happens_by_itself() {
    let warm = Warm::with("[refresh]\nidle_after = \"1d\"\n");
    warm.the_renewal_happens_by_itself_after(|clocks| clocks.suspend(8 * HOUR));
}

/// Fault 33: what wakes the renewal.
#[test]
fn the_timer_of_a_renewal_counts_suspend_and_is_set_to_its_time() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let refresh_in = || daemon.http().status_of("main")["refresh_in"].as_u64().expect("one is planned");
    let (longest, timer, shortest) = eventually("the timer is set", PATIENCE, || {
        let (longest, timers) = (refresh_in(), Timer::all_of(daemon.pid()));
        let is_set = |timer: &Timer| timer.clock == Timer::BOOTTIME && timer.rest > 0;
        Some((longest, timers.into_iter().find(is_set)?, refresh_in()))
    });
    assert!((shortest..=longest).contains(&timer.rest), "{timer:?}, and {shortest} to {longest} s to go");
    assert!((550..=600).contains(&timer.rest), "{timer:?}: renewed when a third of its life is left");
    let timers = Timer::all_of(daemon.pid());
    assert!(timers.iter().all(|timer| timer.clock != Timer::MONOTONIC), "one stands still: {timers:?}");
}

/// Fault 33: the network comes up after the machine.
#[test]
fn a_network_that_comes_up_late_is_tried_again_soon_and_within_the_budget() {
    let warm = Warm::new();
    warm.airbyte.revoke_all();
    warm.airbyte.add_fault(Fault::reset().times(2));
    warm.airbyte.add_fault(Fault::status(503));
    warm.clocks.suspend(HOUR);
    let (token, left) = warm.live_token();
    assert_eq!(token, warm.airbyte.latest_token());
    assert!(left > 800, "{left} s of 15 minutes");
    let tries: Vec<_> = warm.airbyte.requests().iter().skip(1).map(|request| request.at).collect();
    assert_eq!(tries.len(), 4);
    for (pair, longest) in tries.windows(2).zip([1, 2, 4]) {
        let waited = pair[1].saturating_sub(pair[0]);
        // The ladder's step, and what two slow cores may add to it.
        assert!(waited < Duration::from_secs(longest + 10), "{waited:?} where {longest} s is the longest");
    }
}

/// Fault 33: the network does not come up for a while.
#[test]
fn whoever_asks_before_the_network_is_up_is_told_to_try_again_and_gets_no_dead_token() {
    let warm = Warm::new();
    warm.airbyte.revoke_all();
    warm.airbyte.add_fault(Fault::reset().forever());
    warm.clocks.suspend(HOUR);
    eventually("the first try fails", PATIENCE, || {
        (warm.http().status_of("main")["state"] == "expired").then_some(())
    });
    let reply = warm.http().get("/v1/token?wait=0s");
    assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"));
    let said = Cli::of(&warm.home).fail(&["print", "--wait", "0"], 75);
    assert!(said.contains("connection cut"), "{said}");
    warm.airbyte.clear_faults();
    assert_eq!(warm.live_token().0, warm.airbyte.latest_token());
    assert!(warm.airbyte.exchanges() <= 10, "{} exchanges", warm.airbyte.exchanges());
}

/// Fault 33: Airbyte had asked for patience before the machine slept.
#[test]
fn a_wait_that_was_over_during_suspend_is_over() {
    let warm = Warm::new();
    warm.airbyte.add_fault(Fault::status(503).retry_after("600"));
    assert_eq!(warm.http().post("/v1/token/refresh?wait=20s").status, 503);
    let wait = warm.seconds("retry_in");
    assert!((500..=750).contains(&wait), "{wait} s");
    warm.the_renewal_happens_by_itself_after(|clocks| clocks.suspend(13 * MINUTE));
}

/// Fault 33: an exchange was under way, and its connection did not outlive the suspend.
#[test]
fn an_exchange_that_suspend_cut_off_keeps_nobody_waiting() {
    an_exchange_is_cut_off_by(|clocks| clocks.suspend(8 * HOUR));
}

/// Fault 34: an exchange was under way, and its connection did not outlive the pause.
#[test]
fn an_exchange_that_a_pause_of_the_virtual_machine_cut_off_keeps_nobody_waiting() {
    an_exchange_is_cut_off_by(|clocks| clocks.pause(8 * HOUR));
}

/// Whoever asks after this leap, and waits no longer than callers do who say nothing about it, gets a new token.
fn an_exchange_is_cut_off_by(leap: impl FnOnce(&Clocks)) {
    let warm = Warm::new();
    warm.airbyte.add_fault(Fault::hang());
    let person = refresh_beside(warm.http());
    warm.airbyte.wait_for_exchanges(2);
    warm.airbyte.revoke_all();
    leap(&warm.clocks);
    assert_eq!(token_of(&warm.http().get("/v1/token")), warm.airbyte.latest_token());
    assert_eq!(warm.airbyte.exchanges(), 3);
    drop(person.join());
}

/// Fault 33: an exchange was under way, and its answer arrives after the suspend.
#[test]
fn a_token_that_was_on_its_way_during_suspend_is_not_taken_for_young() {
    a_token_ages_on_its_way_during(|clocks| clocks.suspend(HOUR));
}

/// Fault 34: an exchange was under way, and its answer arrives after the pause.
#[test]
fn a_token_that_was_on_its_way_during_a_pause_of_the_virtual_machine_is_not_taken_for_young() {
    a_token_ages_on_its_way_during(|clocks| clocks.pause(HOUR));
}

fn a_token_ages_on_its_way_during(leap: impl FnOnce(&Clocks)) {
    let warm = Warm::new();
    let (first, _) = warm.live_token();
    warm.airbyte.add_fault(Fault::delay(Duration::from_secs(1)));
    let person = refresh_beside(warm.http());
    warm.airbyte.wait_for_exchanges(2);
    leap(&warm.clocks);
    let (token, left) = warm.live_token();
    assert_eq!(warm.airbyte.exchanges(), 3, "the second token was an hour old when it came");
    assert!(token != first && token == warm.airbyte.latest_token());
    assert!(left > 800, "{left} s of 15 minutes");
    drop(person.join());
}

/// Fault 34: eight hours, and somebody asks at once.
#[test]
fn after_eight_hours_of_a_paused_virtual_machine_everybody_waits_for_one_new_token() {
    Warm::new().everybody_gets_one_new_token_after(|clocks| clocks.pause(8 * HOUR));
}

/// Fault 34: eight hours, and nobody asks.
#[test]
fn a_renewal_that_came_due_while_the_virtual_machine_stood_still_happens_by_itself() {
    Warm::new().the_renewal_happens_by_itself_after(|clocks| clocks.pause(8 * HOUR));
}

/// Fault 34: five minutes, which the token outlives.
#[test]
fn a_short_pause_shortens_the_life_in_hand_and_brings_its_renewal_forward() {
    let warm = Warm::new();
    let (_, before) = warm.live_token();
    let refresh_in = warm.seconds("refresh_in");
    warm.clocks.pause(5 * MINUTE);
    let (_, after) = warm.live_token();
    assert!((before - 330..=before - 300).contains(&after), "{after} s after {before} s");
    eventually("the renewal is planned anew", PATIENCE, || {
        (1..=refresh_in - 300).contains(&warm.seconds("refresh_in")).then_some(())
    });
    assert_eq!(warm.airbyte.exchanges(), 1);
}

/// Fault 34: how a pause is noticed at all, without a single wake-up in between.
#[test]
fn a_timer_that_a_set_clock_cancels_stands_by() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    eventually("the timer is set", PATIENCE, || {
        let watches = |timer: &Timer| timer.clock == Timer::REALTIME && timer.is_cancelled_by_leaps;
        let rest = Timer::all_of(daemon.pid()).into_iter().find(watches)?.rest;
        (rest > 100 * YEAR.unsigned_abs()).then_some(())
    });
}

/// Fault 34: SIGSTOP, or a frozen cgroup, and somebody asks meanwhile.
#[test]
fn whoever_asks_a_stopped_daemon_gets_no_token_that_died_meanwhile() {
    let (daemon, airbyte, _home) = short_lived(6);
    let dead = daemon.http().token();
    daemon.signal(Signal::STOP);
    let caller = ask_beside(daemon.http());
    eventually("the token dies", PATIENCE, || (!airbyte.is_live(&dead)).then_some(()));
    daemon.signal(Signal::CONT);
    let token = token_of(&caller.join().expect("it got an answer"));
    assert!(token != dead && airbyte.is_live(&token));
    assert_eq!(airbyte.exchanges(), 2);
}

/// Fault 34: SIGSTOP, or a frozen cgroup, and nobody asks.
#[test]
fn a_renewal_that_came_due_while_the_daemon_was_stopped_happens_by_itself() {
    let (daemon, airbyte, _home) = short_lived(12);
    let dead = airbyte.latest_token();
    daemon.signal(Signal::STOP);
    eventually("the token dies", PATIENCE, || (!airbyte.is_live(&dead)).then_some(()));
    assert_eq!(airbyte.exchanges(), 1);
    daemon.signal(Signal::CONT);
    airbyte.wait_for_exchanges(2);
    let token = daemon.http().token();
    assert!(token == airbyte.latest_token() && airbyte.is_live(&token));
    assert_eq!(airbyte.exchanges(), 2);
}

/// A daemon with a token that really dies after so many seconds.
fn short_lived(seconds: u64) -> (Daemon, Airbyte, Home) {
    let airbyte = Airbyte::start_with(|settings| settings.token_lifetime = Duration::from_secs(seconds));
    let home = Home::new();
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    (daemon, airbyte, home)
}
