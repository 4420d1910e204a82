//! `GET /metrics`: read by a strict reader of Prometheus' text format 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

use airbyte_sandbox::Fault;
use airbyte_token_local::{ErrorCode, ProfileState};
use airbyte_tokend_tests::{Airbyte, Daemon, Home, PATIENCE, eventually};

type Labels = BTreeMap<String, String>;

/// What a page says, by metric and labels.
#[derive(Debug, Default)]
struct Metrics(BTreeMap<(String, Labels), f64>);

impl Metrics {
    fn of(daemon: &Daemon) -> Self {
        let reply = daemon.http().get("/metrics");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4"));
        Self::read(&reply.text()).expect("Prometheus can read it")
    }

    /// Refuses what is not as <https://prometheus.io/docs/instrumenting/exposition_formats/> has it: every metric has
    /// its help and its type before its samples, which stand together, and no sample stands there twice.
    fn read(text: &str) -> Result<Self, String> {
        check(text.ends_with('\n') && text.is_ascii(), text)?;
        let (mut metrics, mut heads, mut metric) = (Self::default(), BTreeSet::new(), "");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(head) = line.strip_prefix("# HELP ") {
                let (name, help) = head.split_once(' ').ok_or(line)?;
                let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name));
                let is_counter = kind == Some(" counter");
                check(is_counter || kind == Some(" gauge"), line)?;
                check(is_counter == name.ends_with("_total"), line)?;
                check(!help.is_empty() && heads.insert(name), line)?;
                metric = name;
                continue;
            }
            let (name, labels, value) = sample(line).ok_or(line)?;
            check(name == metric, line)?;
            let value = value.parse().map_err(|_| line)?;
            check(metrics.0.insert((name.to_owned(), labels), value).is_none(), line)?;
        }
        Ok(metrics)
    }

    fn get(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.get(&(format!("airbyte_tokend_{metric}"), labels)).copied()
    }

    fn of_main(&self, metric: &str) -> Option<f64> {
        self.get(metric, &[("profile", "main")])
    }

    fn exchanges(&self, result: &str) -> Option<f64> {
        self.get("profile_exchanges_total", &[("profile", "main"), ("result", result)])
    }

    /// The one state that is 1, where every other is there and 0.
    fn state(&self, profile: &str) -> ProfileState {
        let value =
            |state: ProfileState| self.get("profile_state", &[("profile", profile), ("state", state.name())]);
        let (on, off): (Vec<_>, Vec<_>) =
            ProfileState::ALL.into_iter().partition(|state| value(*state) == Some(1.0));
        assert!(off.into_iter().all(|state| value(state) == Some(0.0)), "{self:?}");
        assert_eq!(on.len(), 1, "{self:?}");
        on[0]
    }
}

fn check(is_right: bool, line: &str) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(line.to_owned()) }
}

/// `name{label="value",...} number`.
fn sample(line: &str) -> Option<(&str, Labels, &str)> {
    let (name, mut rest) = line.split_at(line.find(['{', ' ']).filter(|end| is_name(&line[..*end]))?);
    let mut labels = Labels::new();
    let mut separator = '{';
    while let Some(inside) = rest.strip_prefix(separator) {
        let (label, quoted) = inside.split_once("=\"").filter(|(label, _)| is_name(label))?;
        let (value, after) = unquoted(quoted)?;
        labels.insert(label.to_owned(), value).is_none().then_some(())?;
        (separator, rest) = (',', after);
    }
    if separator == ',' {
        rest = rest.strip_prefix('}')?;
    }
    Some((name, labels, rest.strip_prefix(' ')?))
}

/// A label's value up to its closing quote, and what comes after that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((place, char)) = chars.next() {
        value.push(match char {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            },
            plain => plain,
        });
    }
    None
}

fn is_name(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c == '_';
    text.starts_with(letters) && text.chars().all(|c| letters(c) || c.is_ascii_digit())
}

#[test]
fn the_reader_is_strict() {
    let good = "# HELP a_b x\n# TYPE a_b gauge\na_b{c=\"d\\\"\\\\\\n\",e=\"\"} 1\na_b 2\n";
    assert_eq!(Metrics::read(good).expect("it is right").0.len(), 2);
    for (from, to) in [
        ("# TYPE a_b gauge\n", ""),
        ("# HELP a_b x\n", ""),
        ("gauge", "counter"),
        ("a_b 2", "a_b{} 2"),
        ("a_b 2", "c 2"),
        ("a_b 2", "a_b two"),
        ("a_b 2", "a_b{c=\"d\\\"\\\\\\n\",e=\"\"} 2"),
        ("\\n\"", "\\x\""),
        ("\",e", "\"e"),
        ("2\n", "2"),
        ("c=", "c-c="),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(Metrics::read(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_daemon_without_profiles_tells_of_itself() {
    let home = Home::new();
    let metrics = Metrics::of(&Daemon::start(&home));
    assert_eq!(metrics.get("build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
    for problem in ["config_problem", "audit_problem", "audit_lost_total"] {
        assert_eq!(metrics.get(problem, &[]), Some(0.0), "{problem}");
    }
    for reason in ["host", "shape", "route", "credential", "scope"] {
        assert_eq!(metrics.get("loopback_refusals_total", &[("reason", reason)]), Some(0.0), "{reason}");
    }
    assert!(metrics.0.keys().all(|(name, _)| !name.contains("_profile_")), "{metrics:?}");
}

#[test]
fn every_state_is_there_and_the_one_that_the_profile_is_in_is_one() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let metrics = Metrics::of(&daemon);
    assert_eq!(metrics.state("main"), ProfileState::Idle);
    assert_eq!(metrics.of_main("profile_token_expires_in_seconds"), Some(0.0), "none lives");
    assert_eq!(metrics.of_main("profile_next_exchange_in_seconds"), None, "none is planned");
    assert_eq!(metrics.of_main("profile_clock_skew_seconds"), None, "Airbyte was not asked yet");

    let token = daemon.http().token();
    let metrics = Metrics::of(&daemon);
    assert_eq!(metrics.state("main"), ProfileState::Fresh);
    let within = |metric: &str, least: f64, most: f64| {
        let value = metrics.of_main(metric);
        assert!(value.is_some_and(|value| (least..=most).contains(&value)), "{metric}: {value:?}");
    };
    within("profile_token_expires_in_seconds", 800.0, 900.0);
    within("profile_next_exchange_in_seconds", 470.0, 600.0);
    within("profile_clock_skew_seconds", -60.0, 60.0);
    let text = daemon.http().get("/metrics").text();
    assert!(!text.contains(&token), "{text}");
    airbyte.secret().assert_absent("the metrics", text.as_bytes());
}

#[test]
fn exchanges_are_counted_by_what_came_of_them() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    let metrics = Metrics::of(&daemon);
    let told: BTreeSet<_> = ErrorCode::ALL
        .map(ErrorCode::name)
        .into_iter()
        .filter(|name| metrics.exchanges(name).is_some())
        .collect();
    // A locked daemon makes none.
    let codes = ProfileState::ALL.into_iter().filter_map(ProfileState::code);
    let may_come = codes.filter(|code| *code != ErrorCode::Locked).map(ErrorCode::name).collect();
    assert_eq!(told, may_come, "what may come is there before it does");

    airbyte.add_fault(Fault::status(503));
    airbyte.add_fault(Fault::status(429).retry_after("1"));
    assert_eq!(daemon.http().get("/v1/token?wait=30s").status, 200);
    let metrics = Metrics::of(&daemon);
    assert_eq!(metrics.exchanges("token"), Some(1.0));
    assert_eq!(metrics.exchanges("upstream_unavailable"), Some(1.0));
    assert_eq!(metrics.exchanges("throttled"), Some(1.0));
    assert_eq!(metrics.exchanges("rejected"), Some(0.0));

    airbyte.set_secret("another-secret-by-now");
    drop(daemon.http().post("/v1/token/refresh?wait=10s"));
    eventually("the refusal is counted", PATIENCE, || {
        (Metrics::of(&daemon).exchanges("rejected") >= Some(1.0)).then_some(())
    });
    assert_eq!(Metrics::of(&daemon).state("main"), ProfileState::Rejected);
    let before = Metrics::of(&daemon).exchanges("token");
    airbyte.set_secret(airbyte.secret().expose());
    daemon.log_in("main", &airbyte, "file");
    let after = Metrics::of(&daemon).exchanges("token");
    assert_eq!((before, after), (Some(1.0), Some(2.0)), "a login goes on counting, and its exchange counts");
}

#[test]
fn a_configuration_that_was_not_taken_is_told() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    home.write_config("profiles = 1\n");
    assert_eq!(daemon.http().post("/v1/reload").code(), "config_invalid");
    assert_eq!(Metrics::of(&daemon).get("config_problem", &[]), Some(1.0));
    home.write_config("");
    assert_eq!(daemon.http().post("/v1/reload").status, 204);
    assert_eq!(Metrics::of(&daemon).get("config_problem", &[]), Some(0.0));
}
