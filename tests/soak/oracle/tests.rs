//! That each broken promise is seen, and that its like which is none is not.

use super::*;
use crate::{ledger::Issue, shifts::Shift};

fn token(name: &str) -> TokenId {
    TokenId::of(name)
}

/// One daemon that has run since 0. Profile 0 got a token `a` at 10 that lives 60 s, profile 1 a token `b`.
fn facts() -> Facts {
    let mut facts = Facts { runs: vec![Span { from: 0.0, until: Seconds::INFINITY }], ..Facts::default() };
    for (profile, name) in ["a", "b"].into_iter().enumerate() {
        let issue = Issue { profile, by: 10.0, dies: 70.0, life: 60.0 };
        facts.ledger.add(token(name), issue);
    }
    facts
}

fn answer(from: Seconds, outcome: Outcome) -> Answer {
    Answer { profile: 0, span: Span { from, until: from + 0.1 }, min_ttl: 0.0, wait: 10.0, outcome }
}

fn served(from: Seconds, name: &str, left: u64) -> Answer {
    answer(from, Outcome::Token(token(name), Some(left)))
}

fn refused(from: Seconds) -> Answer {
    answer(from, Outcome::Refused("wait_over".to_owned()))
}

fn judged(facts: &Facts, answers: &[Answer]) -> Vec<Kind> {
    Oracle::default().judge(answers, facts).iter().map(|breach| breach.kind).collect()
}

fn suspend(at: Seconds, slept: Seconds) -> Shift {
    Shift { before: at, after: at + 0.01, boot: slept, wall: slept }
}

#[test]
fn a_token_that_lives_is_well_served() {
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), served(69.9, "a", 0)]), []);
}

#[test]
fn a_token_that_was_dead_when_somebody_asked_is_expired() {
    assert_eq!(judged(&facts(), &[served(71.0, "a", 0)]), [Kind::Expired]);
}

/// Airbyte stamps the end of a token in whole seconds, rounded down.
#[test]
fn a_token_in_the_second_that_its_stamps_took_from_it_is_expired() {
    let mut facts = facts();
    let issue = Issue { profile: 0, by: 10.9, dies: 70.0, life: 60.0 };
    facts.ledger.add(token("late"), issue);
    assert_eq!(judged(&facts, &[served(70.5, "late", 0)]), [Kind::Expired]);
}

#[test]
fn a_token_that_died_on_the_way_is_counted_and_forgiven() {
    let mut oracle = Oracle::default();
    assert!(oracle.judge(&[served(69.95, "a", 0)], &facts()).is_empty());
    assert_eq!(oracle.died_on_the_way, 1);
}

#[test]
fn a_token_that_died_while_the_machine_slept_is_expired() {
    let mut facts = facts();
    facts.shifts.add(suspend(30.0, 3600.0));
    assert_eq!(judged(&facts, &[served(29.9, "a", 40)]), [], "asked before");
    assert_eq!(judged(&facts, &[served(30.1, "a", 39)]), [Kind::Expired]);
}

#[test]
fn a_token_that_died_by_the_wall_clock_alone_is_expired() {
    let mut facts = facts();
    facts.shifts.add(Shift { boot: 0.0, ..suspend(30.0, 3600.0) });
    assert_eq!(judged(&facts, &[served(30.1, "a", 39)]), [Kind::Expired]);
}

#[test]
fn more_life_than_there_is_may_not_be_promised() {
    assert_eq!(judged(&facts(), &[served(20.0, "a", 51)]), []);
    assert_eq!(judged(&facts(), &[served(20.0, "a", 52)]), [Kind::Expired]);
}

#[test]
fn a_token_of_somebody_else_or_of_nobody_is_seen() {
    assert_eq!(judged(&facts(), &[served(20.0, "b", 50)]), [Kind::WrongProfile]);
    assert_eq!(judged(&facts(), &[served(20.0, "c", 50)]), [Kind::WrongProfile]);
}

#[test]
fn whoever_is_refused_while_a_token_lives_had_it_withheld() {
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), refused(30.0)]), [Kind::Withheld]);
    assert_eq!(judged(&facts(), &[refused(30.0)]), [], "nobody knows that there was one");
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), refused(70.0)]), [], "it is dead");
}

#[test]
fn a_token_is_not_withheld_from_whoever_wants_more_than_it_has() {
    let wanting = |min_ttl| Answer { min_ttl, ..refused(30.0) };
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), wanting(30.0)]), [Kind::Withheld]);
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), wanting(45.0)]), []);
}

#[test]
fn what_a_kill_a_change_or_a_leap_takes_is_not_withheld() {
    let answers = [served(20.0, "a", 50), refused(30.0)];
    let mut killed = facts();
    killed.runs = vec![Span { from: 0.0, until: 25.0 }, Span { from: 26.0, until: Seconds::INFINITY }];
    assert_eq!(judged(&killed, &answers), []);
    let mut changed = facts();
    changed.changes.insert(0, vec![Span { from: 24.0, until: 24.5 }]);
    assert_eq!(judged(&changed, &answers), []);
    let mut slept = facts();
    slept.shifts.add(suspend(25.0, 45.0));
    assert_eq!(judged(&slept, &answers), []);
}

#[test]
fn a_change_to_another_profile_excuses_nothing() {
    let mut facts = facts();
    facts.changes.insert(1, vec![Span { from: 24.0, until: 24.5 }]);
    assert_eq!(judged(&facts, &[served(20.0, "a", 50), refused(30.0)]), [Kind::Withheld]);
}

#[test]
fn a_token_that_is_said_to_live_shorter_takes_the_place_of_one_that_lives_longer() {
    let mut facts = facts();
    facts.ledger.add(token("short"), Issue { profile: 0, by: 24.0, dies: 84.0, life: 60.0 });
    let answers = [served(20.0, "a", 50), refused(30.0)];
    assert_eq!(judged(&facts, &answers), [Kind::Withheld], "no shorter than the other");
    facts.weather.insert(0, vec![(0.0, None), (23.0, Some("expires-in=8"))]);
    assert_eq!(judged(&facts, &answers), []);
}

#[test]
fn whoever_waits_for_what_is_there_had_it_withheld() {
    let slow = |from, took| Answer { span: Span { from, until: from + took }, ..served(from, "a", 30) };
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), slow(30.0, 6.0)]), [Kind::Withheld]);
    assert_eq!(judged(&facts(), &[served(20.0, "a", 50), slow(30.0, 1.0)]), []);
    assert_eq!(judged(&facts(), &[slow(30.0, 6.0)]), [], "it was not there");
}

#[test]
fn whoever_waits_beyond_its_time_or_is_cut_off_was_left_without_an_answer() {
    let late = Answer { span: Span { from: 75.0, until: 96.0 }, ..refused(75.0) };
    assert_eq!(judged(&facts(), &[late]), [Kind::Unanswered]);
    assert_eq!(judged(&facts(), &[answer(75.0, Outcome::Cut)]), [Kind::Unanswered]);
    let mut killed = facts();
    killed.runs[0].until = 75.05;
    assert_eq!(judged(&killed, &[answer(75.0, Outcome::Cut)]), [], "it was killed");
}

#[test]
fn answers_are_timed_apart_while_airbyte_is_silent() {
    let mut facts = facts();
    facts.weather.insert(0, vec![(0.0, None), (25.0, Some("hang")), (35.0, Some("status=500"))]);
    let mut oracle = Oracle::default();
    let answers = [20.0, 22.0, 30.0, 40.0].map(|from| served(from, "a", (70.0 - from) as u64));
    assert!(oracle.judge(&answers, &facts).is_empty());
    assert_eq!((oracle.latencies.well.len(), oracle.latencies.silent.len()), (1, 1));
}
