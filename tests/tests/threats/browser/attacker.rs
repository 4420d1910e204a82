//! The attacker: a web site with pages that reach for whatever listens on the visitor's machine, and the visitor's
//! browser on it.

use std::{
    net::TcpListener,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use airbyte_tokend_tests::{Answer, Asked, Browser, PATIENCE, Web, free_port};
use serde_json::Value;

use super::plan::Plan;

/// The name of the attacker's site.
pub(super) const SITE: &str = "attacker.example";
/// A name of the attacker's that stands for this machine: first the attacker listens there, then somebody else does.
pub(super) const REBOUND: &str = "rebound.example";

const SCRIPT: &str = "text/javascript";
const HTML: &str = "text/html";

/// What one attempt came to.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) name: String,
    pub(super) target: String,
    /// What the page could read, if anything.
    pub(super) read: Option<String>,
    /// What else it learned: an error, or that something was loaded.
    pub(super) said: String,
}

/// What a page told of its attack.
#[derive(Debug)]
pub(super) struct Report {
    /// What the attacker's page tried against every address of the machine.
    pub(super) across: Vec<Attempt>,
    /// What its page under the rebound name tried, which is of the same origin as what it attacks.
    pub(super) inside: Vec<Attempt>,
    /// As it was sent.
    pub(super) text: String,
}

/// The attacker, with a visitor who has just opened the page.
pub(super) struct Attacker {
    browser: Browser,
    site: Web,
    squatted: Option<Web>,
    port: u16,
    opened: Receiver<()>,
    plans: Sender<String>,
    reports: Receiver<Vec<u8>>,
}

impl Attacker {
    /// Lets somebody open the page. Another page of the attacker's, in a frame of the first, is at a port that is then
    /// given up.
    pub(super) fn lure() -> Self {
        let (listener, port) = free_port();
        let squatted = Web::at(listener, under_the_name_to_rebind);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let home = listener.local_addr().expect("it has an address").port();
        let (tell, opened) = channel();
        let (plans, planned) = channel::<String>();
        let (hand_in, reports) = channel();
        let planned = Mutex::new(planned);
        let site = Web::at(listener, move |asked| match asked.target.as_str() {
            "/plan" => {
                tell.send(()).unwrap_or(());
                let plan = planned.lock().expect("one page asks once").recv_timeout(PATIENCE);
                Answer::page("application/json", plan.unwrap_or_default().to_string())
            }
            "/report" => {
                hand_in.send(asked.body.clone()).unwrap_or(());
                Answer::of(204)
            }
            target => page(target),
        });
        let browser =
            Browser::open(&format!("http://{SITE}:{home}"), &format!("/?rebound=http://{REBOUND}:{port}"));
        Self { browser, site, squatted: Some(squatted), port, opened, plans, reports }
    }

    /// Waits until both pages are open, then leaves the port to somebody else: from now on the name of the second page is
    /// theirs.
    pub(super) fn rebind(&mut self) -> u16 {
        let opened = self.opened.recv_timeout(PATIENCE);
        assert!(opened.is_ok(), "the browser opens no page:\n{}", self.browser.said());
        self.squatted = None;
        self.port
    }

    /// Attacks, and gives back what the pages tell.
    pub(super) fn attack(&self, plan: &Plan) -> Report {
        self.plans.send(plan.text()).expect("the page waits for it");
        let report = self.reports.recv_timeout(2 * PATIENCE);
        assert!(report.is_ok(), "the page does not report:\n{}", self.browser.said());
        let text = String::from_utf8(report.unwrap_or_default()).expect("the page sends text");
        let told: Value = serde_json::from_str(&text).expect("the page sends JSON");
        assert_eq!(told["failed"], Value::Null, "the attack itself went wrong");
        Report { across: attempts(&told["across"]), inside: attempts(&told["inside"]), text }
    }

    /// All that reached the attacker's site.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.site.asked()
    }
}

fn under_the_name_to_rebind(asked: &Asked) -> Answer {
    match asked.target.as_str() {
        "/" => Answer::page(HTML, include_str!("page/rebound.html")),
        target => page(target),
    }
}

fn page(target: &str) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/" => Answer::page(HTML, include_str!("page/attack.html")),
        "/attempts.js" => Answer::page(SCRIPT, include_str!("page/attempts.js")),
        "/elements.js" => Answer::page(SCRIPT, include_str!("page/elements.js")),
        "/looks.js" => Answer::page(SCRIPT, include_str!("page/looks.js")),
        "/changes.js" => Answer::page(SCRIPT, include_str!("page/changes.js")),
        "/attack.js" => Answer::page(SCRIPT, include_str!("page/attack.js")),
        "/rebound.js" => Answer::page(SCRIPT, include_str!("page/rebound.js")),
        "/empty" => Answer::page(HTML, ""),
        "/policy" => policy(query.strip_prefix("report-to=").unwrap_or_default()),
        _ => Answer::of(404),
    }
}

/// A page that breaks its own policy, which the browser then reports there.
fn policy(to: &str) -> Answer {
    let to = to.replace("%3A", ":").replace("%2F", "/");
    Answer::page(HTML, "<img src=/kitten.png>")
        .header("content-security-policy", &format!("default-src 'none'; report-uri {to}"))
}

fn attempts(told: &Value) -> Vec<Attempt> {
    let attempts = told.as_array().expect("a report is a list");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let attempt = |told: &Value| Attempt {
        name: text(&told["name"]).expect("an attempt has a name"),
        target: text(&told["target"]).expect("an attempt has a target"),
        read: text(&told["read"]),
        said: text(&told["said"]).expect("something is said of an attempt"),
    };
    attempts.iter().map(attempt).collect()
}
