//! Two hundred callers, each with a mind of its own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use airbyte_tokend_tests::{Call, Cli, Ended, Home, Http, Reply};
use serde_json::json;

use crate::{
    clock::{self, Seconds},
    facts::Span,
    ledger::TokenId,
    oracle::{Answer, Outcome},
    outputs::{Outputs, Place},
    script::{self, Ask, Way},
    talk,
};

/// How long the daemon takes at most for whoever does not say how long it will wait.
const DEFAULT_WAIT: u64 = 10;

/// What all callers share.
#[derive(Debug)]
pub(crate) struct Crowd<'a> {
    home: &'a Home,
    http: Http,
    outputs: &'a Outputs,
    heard: Mutex<Heard>,
    gone: AtomicBool,
}

/// What they got.
#[derive(Debug, Default)]
struct Heard {
    answers: Vec<Answer>,
    /// How often each thing happened, by name.
    tally: BTreeMap<String, usize>,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(home: &'a Home, outputs: &'a Outputs) -> Self {
        let http = Http::over(&home.socket());
        Self { home, http, outputs, heard: Mutex::default(), gone: AtomicBool::new(false) }
    }

    /// The answers that were not taken before.
    pub(crate) fn take_answers(&self) -> Vec<Answer> {
        std::mem::take(&mut self.heard().answers)
    }

    /// How often each thing happened so far.
    pub(crate) fn tally(&self) -> BTreeMap<String, usize> {
        self.heard().tally.clone()
    }

    /// Sends everybody home.
    pub(crate) fn disperse(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// One caller's life.
    pub(crate) fn live(&self, asks: impl Iterator<Item = Ask>) {
        let mut fingerprints = HashMap::new();
        for ask in asks {
            clock::wait(Duration::from_millis(ask.pause).as_secs_f64());
            if self.gone.load(Ordering::Relaxed) {
                return;
            }
            self.ask(ask, &mut fingerprints);
        }
    }

    fn ask(&self, ask: Ask, fingerprints: &mut HashMap<usize, String>) {
        match ask.way {
            Way::Json => {
                drop(self.json(ask).map(|fingerprint| fingerprints.insert(ask.profile, fingerprint)))
            }
            Way::Text => self.text(ask),
            Way::HangUp(after) => {
                let after = Duration::from_millis(after);
                let left = talk::ask_and_leave(&self.http, &Call::new("GET", &target(ask)), after);
                self.count(if left.is_ok() { "hung up" } else { "found nobody" });
            }
            Way::Report => self.report(ask.profile, fingerprints.get(&ask.profile)),
            Way::Refresh => {
                let wait = wait(ask).as_secs();
                let target = format!("/v1/token/refresh?profile={}&wait={wait}", script::name(ask.profile));
                self.other("asked for a new one", Place::Answers, &Call::new("POST", &target), wait);
            }
            Way::Status => self.other("looked at status", Place::Status, &Call::new("GET", "/v1/status"), 0),
            Way::Timeline => {
                let target = format!("/v1/timeline?profile={}", script::name(ask.profile));
                self.other("looked at a timeline", Place::Timeline, &Call::new("GET", &target), 0);
            }
            Way::Print => self.print(ask, "print", ""),
            Way::Header => self.print(ask, "header", "Authorization: Bearer "),
            Way::ShowStatus => {
                let ended = Cli::of(self.home).run(&["status"]);
                self.outputs.add(Place::ClientOut, &ended.stdout);
                self.outputs.add(Place::ClientErr, ended.stderr.as_bytes());
                self.count("ran airbyte-token status");
            }
        }
    }

    /// Asks for a token, and gives back its fingerprint.
    fn json(&self, ask: Ask) -> Option<String> {
        let (span, reply) = self.timed(&Call::new("GET", &target(ask)), wait(ask));
        let Some(reply) = reply else {
            self.note(ask, span, Outcome::Cut);
            return None;
        };
        let body = serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap_or_default();
        let token = body["access_token"].as_str().map(TokenId::of);
        self.hear(ask, span, &reply, token.map(|token| Outcome::Token(token, body["expires_in"].as_u64())));
        body["fingerprint"].as_str().map(str::to_owned)
    }

    fn text(&self, ask: Ask) {
        let call = Call::new("GET", &target(ask)).header("accept", "text/plain");
        let (span, reply) = self.timed(&call, wait(ask));
        let Some(reply) = reply else { return self.note(ask, span, Outcome::Cut) };
        let token = (reply.status == 200).then(|| TokenId::of(&reply.text()));
        self.hear(ask, span, &reply, token.map(|token| Outcome::Token(token, None)));
    }

    fn report(&self, profile: usize, fingerprint: Option<&String>) {
        let Some(fingerprint) = fingerprint else { return };
        let target = format!("/v1/token/reject?profile={}", script::name(profile));
        let call = Call::new("POST", &target).json(&json!({ "fingerprint": fingerprint }));
        self.other("reported a token", Place::Answers, &call, 0);
    }

    /// Runs the client.
    fn print(&self, ask: Ask, verb: &str, before: &str) {
        let (profile, min_ttl) = (script::name(ask.profile), ask.min_ttl.map(|seconds| seconds.to_string()));
        let wait = ask.wait.map(|seconds| seconds.to_string());
        let mut arguments = vec![verb, "-p", &profile];
        arguments.extend(min_ttl.iter().flat_map(|seconds| ["--min-ttl", seconds]));
        arguments.extend(wait.iter().flat_map(|seconds| ["--wait", seconds]));
        let from = clock::now();
        let ended = Cli::of(self.home).run(&arguments);
        let span = Span { from, until: clock::now() };
        self.count(&format!("ran airbyte-token {verb}"));
        self.outputs.add(Place::ClientErr, ended.stderr.as_bytes());
        self.note(ask, span, outcome_of(&ended, before));
    }

    /// A request that is not judged as one for a token is.
    fn other(&self, what: &str, place: Place, call: &Call, wait: u64) {
        match talk::ask(&self.http, call, Duration::from_secs(wait)) {
            Ok(reply) => {
                self.outputs.add(place, &reply.body);
                self.count(what);
            }
            Err(_) => self.count("found nobody"),
        }
    }

    fn timed(&self, call: &Call, patience: Duration) -> (Span, Option<Reply>) {
        let from = clock::now();
        let reply = talk::ask(&self.http, call, patience).ok();
        (Span { from, until: clock::now() }, reply)
    }

    fn hear(&self, ask: Ask, span: Span, reply: &Reply, token: Option<Outcome>) {
        let head =
            reply.headers.iter().flat_map(|(name, value)| [name, ": ", value, "\n"]).collect::<String>();
        let place = if token.is_some() { Place::Tokens } else { Place::Answers };
        self.outputs.add(place, &[head.as_bytes(), &reply.body].concat());
        let outcome = token.unwrap_or_else(|| Outcome::Refused(code(reply)));
        self.note(ask, span, outcome);
    }

    fn note(&self, ask: Ask, span: Span, outcome: Outcome) {
        self.count(match &outcome {
            Outcome::Token(..) => "got a token",
            Outcome::Refused(code) => code,
            Outcome::Cut => "found nobody",
        });
        let (min_ttl, wait) = (ask.min_ttl.unwrap_or(0) as Seconds, wait(ask).as_secs_f64());
        self.heard().answers.push(Answer { profile: ask.profile, span, min_ttl, wait, outcome });
    }

    fn count(&self, what: &str) {
        *self.heard().tally.entry(what.to_owned()).or_default() += 1;
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn target(ask: Ask) -> String {
    let mut target = format!("/v1/token?profile={}", script::name(ask.profile));
    if let Some(seconds) = ask.min_ttl {
        target += &format!("&min_ttl={seconds}");
    }
    if let Some(seconds) = ask.wait {
        target += &format!("&wait={seconds}");
    }
    target
}

fn wait(ask: Ask) -> Duration {
    Duration::from_secs(ask.wait.unwrap_or(DEFAULT_WAIT))
}

fn code(reply: &Reply) -> String {
    let body = serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap_or_default();
    body["code"].as_str().map_or_else(|| format!("status {}", reply.status), str::to_owned)
}

/// What the client exits with when it finds no daemon.
const NO_DAEMON: i32 = 69;

fn outcome_of(ended: &Ended, before: &str) -> Outcome {
    match ended.code() {
        Some(0) => {
            let text = String::from_utf8_lossy(&ended.stdout);
            Outcome::Token(TokenId::of(text.trim_end().strip_prefix(before).unwrap_or_default()), None)
        }
        Some(NO_DAEMON) | None => Outcome::Cut,
        Some(status) => Outcome::Refused(format!("exit status {status}")),
    }
}
