//! The only place that prints: a line an act, and a table at the end; the same figures as JSON for programs.
#![expect(clippy::disallowed_methods, reason = "this is where the soak speaks")]

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    clients::Crowd,
    clock::Seconds,
    conductor::Outcome,
    oracle::Kind,
    outputs::Place,
    recovery::Lane,
    script::{Act, DAY, Event, Script, Step, is_silent},
    trouble::{Trouble, While as _},
    world::Blows,
};

/// While callers that need not wait are compared, a hung Airbyte may cost so many times as much as one that is well ...
const RATIO: Seconds = 3.0;
/// ... and this much more, in seconds: a hundredth of what an attempt takes that hangs, and what a busy machine needs.
const GRACE: Seconds = 0.5;
/// Fewer answers than these say nothing about one in a hundred.
const ENOUGH: usize = 50;

/// So many breaches are told in a line each.
const MOST_TOLD: usize = 50;

/// Tells whoever waits how far it is.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    answers: usize,
}

impl Stage {
    pub(crate) fn open(script: &Script) -> Result<(), Trouble> {
        let size = script.size;
        say(&format!("seed {}, script {}", script.seed, script.digest()))?;
        say(&format!("{} profiles, {} clients, {} acts, a day", size.profiles, size.clients, size.acts))
    }

    pub(crate) fn act(
        &mut self,
        number: usize,
        script: &Script,
        act: &Act,
        blows: &Blows,
        crowd: &Crowd<'_>,
        breaches: usize,
    ) -> Result<(), Trouble> {
        let tally = crowd.tally();
        let all: usize = tally.values().sum();
        let answers = all - std::mem::replace(&mut self.answers, all);
        let (hours, minutes) = (blows.slept / 3600, blows.slept / 60 % 60);
        say(&format!(
            "act {:>3}/{}  {hours:>2}:{minutes:02} h  {answers:>5} asks  {breaches} breaches  {}",
            number + 1,
            script.acts.len(),
            summary(act)
        ))
    }
}

/// The blows of an act in a few words.
fn summary(act: &Act) -> String {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for Step { event, .. } in &act.steps {
        if let Some(word) = word(event) {
            *words.entry(word).or_default() += 1;
        }
    }
    let told =
        |(word, count): (&str, usize)| if count > 1 { format!("{count} {word}") } else { word.to_owned() };
    words.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

fn word(event: &Event) -> Option<&'static str> {
    match event {
        Event::Upstream(_, None) | Event::AllUpstreams(None) | Event::CorrectWall => None,
        Event::Upstream(_, Some(_)) => Some("faults"),
        Event::AllUpstreams(Some(fault)) => Some(if is_silent(fault) { "silence" } else { "storm" }),
        Event::Kill => Some("kill"),
        Event::Stop => Some("stop"),
        Event::LockKeyring => Some("keyring locked"),
        Event::FreezeKeyring => Some("keyring frozen"),
        Event::EndKeyring => Some("keyring gone"),
        Event::ThawKeyring | Event::RestartKeyring => Some("keyring back"),
        Event::Suspend(_) => Some("suspend"),
        Event::Pause(_) => Some("pause"),
        Event::SetWall(_) | Event::SetWallTo(_) => Some("clock set"),
        Event::RenewEarly(_) => Some("policy"),
        Event::BreakConfig => Some("bad config"),
        Event::Touch(_) | Event::Remove(_) | Event::Misroute(_) | Event::Restore(_) => Some("profile edited"),
        Event::Rotate(_) => Some("secret changed"),
        Event::LogIn(_) => Some("login"),
    }
}

/// What is printed at the end, and whether all is as promised.
pub(crate) struct Verdict {
    lines: Vec<String>,
    failures: Vec<String>,
    figures: Value,
}

impl Verdict {
    pub(crate) fn of(script: &Script, outcome: &Outcome) -> Self {
        let mut verdict = Self { lines: Vec::new(), failures: Vec::new(), figures: json!({}) };
        verdict.fact("seed", script.seed);
        verdict.fact("script", script.digest());
        verdict.fact("acts", script.acts.len());
        verdict.fact("took_s", outcome.took);
        verdict.promises(outcome);
        verdict.recoveries(outcome);
        verdict.latencies(outcome);
        verdict.search(outcome);
        verdict.world(script, outcome);
        verdict.failures.extend(outcome.oddities.iter().cloned());
        verdict.fact("failures", verdict.failures.clone());
        verdict
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.failures.is_empty()
    }

    pub(crate) fn print(&self, script: &Script, outcome: &Outcome) -> Result<(), Trouble> {
        for line in &self.lines {
            say(line)?;
        }
        if let Some(first) = &outcome.first {
            say(&format!("\nthe first breach, in {first}"))?;
        }
        for breach in outcome.breaches.iter().take(MOST_TOLD) {
            say(&format!("  {breach}"))?;
        }
        for failure in &self.failures {
            say(&format!("BROKEN: {failure}"))?;
        }
        let seed = script.seed;
        say(&if self.is_kept() {
            format!("\nevery promise was kept (seed {seed})")
        } else {
            format!("\nnot every promise was kept; the same script again: .make/soak --seed {seed}")
        })
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Trouble> {
        fs::write(file, format!("{:#}\n", self.figures)).when("write the figures")
    }

    fn promises(&mut self, outcome: &Outcome) {
        self.line("");
        for kind in Kind::ALL {
            let count = outcome.breaches.iter().filter(|breach| breach.kind == kind).count();
            self.row(kind.name(), &count.to_string());
            self.fact(&kind.name().replace(' ', "_"), count);
            if count > 0 {
                self.failures.push(format!("{}: {count}", kind.name()));
            }
        }
        self.row("tokens that died on their way to a caller", &outcome.oracle.died_on_the_way.to_string());
        self.row("exchanges of one profile in a minute, at most", &outcome.busiest_minute.to_string());
        self.fact("busiest_minute", outcome.busiest_minute);
    }

    fn recoveries(&mut self, outcome: &Outcome) {
        self.line(
            "\nfrom a healed upstream to a fresh token      count   longest    awake   next try at most",
        );
        for lane in Lane::ALL {
            let all = outcome.recoveries.done.iter().filter(|done| done.lane == lane);
            let longest = all.clone().max_by(|one, other| one.waited.total_cmp(&other.waited));
            let (waited, awake) = longest.map_or((0.0, 0.0), |longest| (longest.waited, longest.awake));
            let count = all.count();
            let bound = lane.longest();
            self.line(&format!(
                "  {:<40} {count:>7} {waited:>7.1} s {awake:>6.1} s   {bound:.0} s",
                lane.name()
            ));
            let figures = json!({ "count": count, "longest_s": waited, "awake_s": awake, "bound_s": bound });
            self.fact(&format!("recovery: {}", lane.name()), figures);
        }
    }

    fn latencies(&mut self, outcome: &Outcome) {
        let latencies = &outcome.oracle.latencies;
        let (well, silent) = (quantile(&latencies.well, 0.99), quantile(&latencies.silent, 0.99));
        self.line("\nanswers for which a token was at hand        count       p50       p99");
        for (name, all) in
            [("while Airbyte was well", &latencies.well), ("while Airbyte hung", &latencies.silent)]
        {
            let (median, high) = (1e3 * quantile(all, 0.5), 1e3 * quantile(all, 0.99));
            self.line(&format!("  {name:<40} {:>7} {median:>6.2} ms {high:>6.2} ms", all.len()));
            self.fact(name, json!({ "count": all.len(), "p50_ms": median, "p99_ms": high }));
        }
        self.line(&format!("  the one p99 is {:.2} times the other", silent / well));
        self.fact("p99_ratio", silent / well);
        let is_enough = latencies.well.len().min(latencies.silent.len()) >= ENOUGH;
        if !is_enough {
            self.failures.push("too few answers to compare".to_owned());
        } else if silent > RATIO * well + GRACE {
            self.failures.push(format!("callers feel that Airbyte hangs: p99 {:.1} ms", 1e3 * silent));
        }
    }

    fn search(&mut self, outcome: &Outcome) {
        self.line("\nsearched for secrets");
        for place in Place::ALL {
            let bytes = outcome.searched.get(place.name()).copied().unwrap_or(0);
            self.row(place.name(), &format!("{} KiB", bytes / 1024));
            if bytes == 0 {
                self.failures.push(format!("nothing was said in {}, so nothing was searched", place.name()));
            }
        }
        self.fact("searched_bytes", json!(outcome.searched));
        self.row("planted secrets that the search missed", &outcome.blind.to_string());
        if outcome.blind > 0 {
            self.failures.push("the search for secrets is blind".to_owned());
        }
    }

    fn world(&mut self, script: &Script, outcome: &Outcome) {
        let blows = &outcome.blows;
        self.line("\nwhat was done");
        for (name, count) in [
            ("faults of an Airbyte", blows.faults),
            ("kills", blows.kills),
            ("stops", blows.stops),
            ("troubles of the keyring", blows.keyring),
            ("suspends", blows.suspends),
            ("clocks set, or machines paused", blows.clocks),
            ("reloads", blows.reloads),
            ("logins", blows.logins),
            ("logins refused", blows.logins_failed),
            ("exchanges", outcome.exchanges),
            ("tokens made", outcome.tokens),
        ] {
            self.row(name, &count.to_string());
            self.fact(name, count);
        }
        self.line("\nwhat callers got");
        for (name, count) in &outcome.tally {
            self.row(name, &count.to_string());
        }
        self.fact("callers", json!(outcome.tally));
        if blows.slept != DAY {
            self.failures.push(format!("the machine slept {} s, which is no day", blows.slept));
        }
        if outcome.tally.get("got a token").copied().unwrap_or(0) < script.size.clients {
            self.failures.push("hardly anybody got a token".to_owned());
        }
    }

    fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn row(&mut self, name: &str, figure: &str) {
        self.lines.push(format!("  {name:<44} {figure:>9}"));
    }

    fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.figures[key.replace(' ', "_")] = value.into();
    }
}

/// The least sample that at least this share of all samples does not exceed; not a number where there are none.
fn quantile(samples: &[Seconds], share: f64) -> Seconds {
    let mut sorted = samples.to_vec();
    sorted.sort_by(Seconds::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(Seconds::NAN)
}

/// A line for the person who waits.
pub(crate) fn say(line: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).when("write to standard output")
}

/// What went wrong; nobody is left to be told where standard error is closed.
pub(crate) fn complain(trouble: &Trouble) {
    writeln!(io::stderr().lock(), "airbyte-soak: {trouble}").unwrap_or(());
}
