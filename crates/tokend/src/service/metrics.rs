//! How the daemon and its profiles fare, for Prometheus: its text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). No secret, no token.

use std::fmt::{self, Display, Write as _};

use airbyte_token_core::{Moment, ProfileName};
use airbyte_token_local::ProfileState;
use axum::{
    extract::State as Shared,
    http::{HeaderName, HeaderValue, header},
};

use super::{Caller, Rebuffs, reply::whole_seconds_up};
use crate::{
    audit::Audit,
    cache::{FAILURES, ProfileHandle, Tally},
    daemon::State,
};

const KIND: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

pub(super) async fn metrics(
    Shared(state): Shared<State>,
    caller: Caller,
) -> ([(HeaderName, HeaderValue); 1], String) {
    let (now, all) = (state.now(), state.cache().all());
    let held = all.iter().filter(|(name, _)| caller.scope().holds(name));
    let profiles: Vec<_> = held.map(|(name, handle)| Seen::of(name, handle, now)).collect();
    let of_daemon = || (state.config_problem().is_some(), state.rebuffs(), state.audit());
    let page = page(caller.scope().is_everything().then(of_daemon), &profiles);
    ([(header::CONTENT_TYPE, KIND)], page.0)
}

/// One profile, as of one moment.
struct Seen {
    profile: String,
    state: ProfileState,
    seconds_left: u64,
    next_in: Option<u64>,
    skew: Option<i64>,
    tally: Tally,
}

impl Seen {
    fn of(profile: &ProfileName, handle: &ProfileHandle, now: Moment) -> Self {
        let snapshot = handle.snapshot();
        let alive = snapshot.token.filter(|token| token.is_alive(now));
        Self {
            profile: profile.to_string(),
            state: handle.state(),
            seconds_left: alive.map_or(0, |token| token.remaining(now).as_secs()),
            next_in: snapshot.plan.map(|plan| whole_seconds_up(plan.at.rest(now))),
            skew: handle.history().clock_skew(now),
            tally: handle.history().tally(),
        }
    }
}

/// What is not of any profile is for those from whom nothing is kept.
fn page(of_daemon: Option<(bool, &Rebuffs, &Audit)>, profiles: &[Seen]) -> Page {
    let mut page = Page(String::new());
    page.gauge("build_info", "Which build runs.");
    page.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    if let Some((config_problem, rebuffs, audit)) = of_daemon {
        add_daemon(&mut page, config_problem, rebuffs, audit);
    }
    add_states(&mut page, profiles);
    add_times(&mut page, profiles);
    add_exchanges(&mut page, profiles);
    page
}

fn add_daemon(page: &mut Page, config_problem: bool, rebuffs: &Rebuffs, audit: &Audit) {
    page.gauge("config_problem", "Whether the configuration has mistakes, and the old one is in force.");
    page.sample("config_problem", &[], u8::from(config_problem));
    page.counter("loopback_refusals_total", "Requests that loopback HTTP refused, by reason.");
    for (why, count) in rebuffs.counts() {
        page.sample("loopback_refusals_total", &[("reason", why.name())], count);
    }
    page.gauge("audit_problem", "Whether the audit log cannot be written, or was changed by somebody.");
    page.sample("audit_problem", &[], u8::from(audit.problem().is_some()));
    page.counter(
        "audit_lost_total",
        "Events that are not in the audit log: the disk did not take them in time.",
    );
    page.sample("audit_lost_total", &[], audit.lost());
}

/// A set of gauges of which one is 1, as OpenMetrics calls it: what can be asked for is there before it happens.
fn add_states(page: &mut Page, profiles: &[Seen]) {
    page.gauge("profile_state", "How the profile fares: 1 for the state that it is in, 0 for all others.");
    for seen in profiles {
        for state in ProfileState::ALL {
            let labels = [("profile", &*seen.profile), ("state", state.name())];
            page.sample("profile_state", &labels, u8::from(state == seen.state));
        }
    }
}

fn add_times(page: &mut Page, profiles: &[Seen]) {
    page.gauge("profile_token_expires_in_seconds", "How long the token still lives; 0 where none does.");
    for seen in profiles {
        page.sample("profile_token_expires_in_seconds", &[("profile", &seen.profile)], seen.seconds_left);
    }
    page.gauge("profile_next_exchange_in_seconds", "When the next exchange begins, where one is planned.");
    for (seen, next_in) in profiles.iter().filter_map(|seen| Some((seen, seen.next_in?))) {
        page.sample("profile_next_exchange_in_seconds", &[("profile", &seen.profile)], next_in);
    }
    page.gauge(
        "profile_clock_skew_seconds",
        "By how much this machine's clock is ahead of Airbyte's, once known.",
    );
    for (seen, skew) in profiles.iter().filter_map(|seen| Some((seen, seen.skew?))) {
        page.sample("profile_clock_skew_seconds", &[("profile", &seen.profile)], skew);
    }
}

fn add_exchanges(page: &mut Page, profiles: &[Seen]) {
    page.counter(
        "profile_exchanges_total",
        "Exchanges that have ended, by result: token, or an error's code.",
    );
    for seen in profiles {
        let mut add = |result, count| {
            page.sample("profile_exchanges_total", &[("profile", &seen.profile), ("result", result)], count);
        };
        add("token", seen.tally.tokens);
        for code in FAILURES {
            add(code.name(), seen.tally.failures.get(&code).copied().unwrap_or_default());
        }
    }
}

/// What is written so far. All samples of a metric follow its head.
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str) {
        self.head(name, "gauge", help);
    }

    fn counter(&mut self, name: &str, help: &str) {
        self.head(name, "counter", help);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {PREFIX}{name} {help}"));
        self.line(format_args!("# TYPE {PREFIX}{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("{PREFIX}{name}{labels} {value}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        writeln!(self.0, "{line}").unwrap_or(());
    }
}

const PREFIX: &str = "airbyte_tokend_";

/// A label's value between its quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        let mut page = Page(String::new());
        page.sample("x", &[("profile", "a\"} 1\nb\\"), ("state", "c")], 7);
        assert_eq!(page.0, "airbyte_tokend_x{profile=\"a\\\"} 1\\nb\\\\\",state=\"c\"} 7\n");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let seen = Seen {
            profile: "p".into(),
            state: ProfileState::Idle,
            seconds_left: 0,
            next_in: None,
            skew: None,
            tally: Tally::default(),
        };
        let page = page(None, &[seen]).0;
        assert!(
            page.contains("\nairbyte_tokend_profile_token_expires_in_seconds{profile=\"p\"} 0\n"),
            "{page}"
        );
        assert!(!page.contains("next_exchange_in_seconds{") && !page.contains("skew_seconds{"), "{page}");
    }
}
