//! A real browser on an attacker's page, and all that such a page can send at whatever listens on its visitor's machine.

mod attacker;
mod plan;
mod ungated;

use std::net::{SocketAddr, TcpListener};

use airbyte_tokend_tests::{Asked, Canary, Home, Recipe, Web};
use serde_json::{Value, json};

use self::{
    attacker::{Attacker, Attempt, Report},
    plan::Plan,
    ungated::{Manners, Ungated},
};
use crate::gate::{Scene, listening_at};

/// How many of the attempts reach whoever listens, at the least.
const REACH: u64 = 300;

/// Two profiles, a local client of one of them, and what is there to be changed.
fn set_up(scene: &Scene) {
    scene.daemon.log_in("other", &scene.airbyte, "memory");
    let main = json!({ "profile": "main" });
    assert_eq!(scene.daemon.http().put("/v1/default-profile", &main).status, 204);
}

/// All that a caller could have changed: the lock, the configuration, profiles, their states and tokens, local clients and their
/// last uses, and how often Airbyte was asked.
fn state(home: &Home, scene: &Scene) -> Value {
    let http = scene.daemon.http();
    let status = http.get("/v1/status").json();
    let profiles = status["profiles"].as_array().expect("it is a list").iter();
    let lasting = ["name", "url", "client_id", "vault", "state", "fingerprint", "exchanges"];
    let profiles = profiles.map(|profile| lasting.map(|key| profile[key].clone())).collect::<Vec<_>>();
    json!({
        "locked": status["locked"],
        "config": home.config(),
        "profiles": http.get("/v1/profiles").json(),
        "tokens": profiles,
        "clients": http.get("/v1/clients").json(),
        "exchanges": scene.airbyte.exchanges(),
    })
}

fn canaries(scene: &Scene) -> Vec<Canary> {
    let tokens = scene.airbyte.issued_tokens().into_iter().map(Canary::of);
    tokens.chain([Canary::of(scene.airbyte.secret().expose())]).collect()
}

/// T6: every request that a page can have its browser make, with a good credential in those that can carry one; by every
/// name of this machine, by a name of the attacker's that stands for it, and from within that name's own origin.
#[test]
fn no_page_in_a_browser_reads_or_changes_anything() {
    let mut attacker = Attacker::lure();
    let port = attacker.rebind();
    let (four, six) = (SocketAddr::from(([127, 0, 0, 1], port)), format!("[::1]:{port}"));
    let home = Home::new();
    home.write_config(&listening_at(&[&four.to_string(), &six]));
    let scene = Scene::with(&home, four, &Recipe::of(&home));
    set_up(&scene);
    let before = state(&home, &scene);

    let report = attacker.attack(&Plan::against(port, plan::NAMES.len(), &scene));

    for attempt in &report.across {
        assert_eq!(attempt.read, None, "{} at {}", attempt.name, attempt.target);
        assert!(
            !attempt.said.starts_with("opaque"),
            "whether it was answered is not to be known: {attempt:?}"
        );
    }
    for attempt in &report.inside {
        let refused = |text: &String| text.contains("\"wrong_host\"") || text.contains("\"request_refused\"");
        assert!(attempt.read.as_ref().is_none_or(refused), "{attempt:?}");
    }
    for canary in canaries(&scene) {
        canary.assert_absent("what the pages tell", report.text.as_bytes());
        for asked in attacker.asked() {
            let all =
                [asked.target.as_bytes(), format!("{:?}", asked.headers).as_bytes(), &asked.body].concat();
            canary.assert_absent("what reached the attacker", &all);
        }
    }
    assert_eq!(state(&home, &scene), before);
    let refused = ["host", "shape", "route", "credential", "scope"].map(|reason| scene.refused(reason));
    assert!(refused.iter().sum::<u64>() > REACH, "the browser itself lets them through: {refused:?}");
    assert!(refused[0] > 0, "some show nothing of a browser and only name another host: {refused:?}");
    assert_eq!(refused[2..], [0; 3], "none gets as far as being asked who it is");
    assert_eq!(scene.send(&scene.ask()).status, 200, "the credential that the pages had is good");
}

/// What the same attack comes to where the gate is missing.
struct Fallen {
    scene: Scene,
    before: Value,
    after: Value,
    ungated: Ungated,
    report: Report,
}

impl Fallen {
    /// The daemon is at another port than the page knows, and somebody without a gate before it.
    fn with(manners: Manners) -> Self {
        let mut attacker = Attacker::lure();
        let port = attacker.rebind();
        let home = Home::new();
        let scene = Scene::new(&home);
        set_up(&scene);
        let before = state(&home, &scene);
        let ungated = Ungated::before(scene.daemon.http(), manners);
        let served = |host: &str| {
            let listener = TcpListener::bind((host, port)).expect("it was given up");
            let ungated = ungated.clone();
            Web::at(listener, move |asked| ungated.answer(asked))
        };
        let _served = ["127.0.0.1", "::1"].map(served);
        let report = attacker.attack(&Plan::against(port, 1, &scene));
        let after = state(&home, &scene);
        Self { scene, before, after, ungated, report }
    }

    /// How often this attempt, made across origins, came back with a token.
    fn readers_across(&self, way: &str) -> usize {
        self.report.across.iter().filter(|attempt| attempt.name == way && self.has_token(attempt)).count()
    }

    fn has_token(&self, attempt: &Attempt) -> bool {
        let tokens = self.scene.airbyte.issued_tokens();
        let has = |read: &String| tokens.iter().any(|token| read.contains(token));
        attempt.read.as_ref().is_some_and(has)
    }

    /// Whether a request of the attacker's page was done as asked.
    fn has_done(&self, method: &str, path: &str) -> bool {
        self.ungated.has_served(|asked| {
            let of_page = asked.header("origin").is_some_and(|origin| origin.contains(attacker::SITE));
            of_page && asked.method == method && asked.target.starts_with(path)
        })
    }
}

/// T6: the control, on a server that lets all pages in on purpose.
#[test]
fn where_the_gate_is_missing_the_same_page_reads_the_token_and_changes_everything() {
    let fallen = Fallen::with(Manners::Inviting);
    for way in ["fetch", "fetch, bearer", "XMLHttpRequest", "sandboxed frame", "worker"] {
        assert_eq!(fallen.readers_across(way), plan::NAMES.len(), "`{way}` reads it, by every name");
    }
    for (method, path) in [
        ("POST", "/v1/clients"),
        ("POST", "/v1/lock"),
        ("PUT", "/v1/default-profile"),
        ("DELETE", "/v1/profiles/other"),
        ("POST", "/v1/reload"),
    ] {
        assert!(fallen.has_done(method, path), "{method} {path}: {:#?}", fallen.ungated.served());
    }
    for kind in [
        "empty", "document", "iframe", "object", "embed", "script", "style", "image", "audio", "video",
        "track", "font",
    ] {
        let is_for = |asked: &Asked| asked.header("sec-fetch-dest") == Some(kind);
        assert!(fallen.ungated.has_heard(is_for), "the browser asks for what is to be of kind `{kind}`");
    }
    for (header, value) in
        [("upgrade", "websocket"), ("content-type", "application/csp-report"), ("origin", "null")]
    {
        let has = |asked: &Asked| asked.header(header) == Some(value);
        assert!(fallen.ungated.has_heard(has), "the browser sends `{header}: {value}`");
    }
    for what in ["config", "tokens", "clients", "exchanges"] {
        assert_ne!(fallen.before[what], fallen.after[what]);
    }
}

/// T6: the control, on a server that says nothing of pages, as most do.
#[test]
fn where_the_gate_is_missing_a_rebound_name_reads_the_token_and_a_form_changes_something() {
    let fallen = Fallen::with(Manners::Silent);
    assert!(fallen.report.across.iter().any(|attempt| attempt.said == "opaque"), "it is known who answers");
    let across = fallen.report.across.iter();
    assert_eq!(across.filter(|attempt| fallen.has_token(attempt)).count(), 0, "browsers keep origins apart");
    for way in ["fetch", "fetch, bearer", "fetch no-cors", "XMLHttpRequest", "worker", "frame"] {
        let mut inside = fallen.report.inside.iter();
        assert!(inside.any(|attempt| attempt.name == way && fallen.has_token(attempt)), "`{way}` reads it");
    }
    let is_form = |asked: &Asked| asked.header("sec-fetch-dest") == Some("iframe");
    let reloads = |asked: &Asked| asked.target == "/v1/reload";
    assert!(fallen.ungated.has_served(|asked| is_form(asked) && reloads(asked)), "a form is obeyed");
    assert!(fallen.has_done("POST", "/v1/clients"), "a fetch without leave to read makes a client");
    assert_ne!(fallen.before["clients"], fallen.after["clients"]);
}
