//! Airbyte, or what answers in its stead, in trouble: silence, cuts, refusals, nonsense.
//!
//! Time is not waited for: the daemon's clocks and Airbyte's are moved together, so that what one takes for dead is
//! dead for the other. What is not moved is the runtime's own timer that limits one exchange: it counts real seconds.

mod broken;
mod impostors;
mod lifetimes;
mod overload;
mod redirects;
mod refusals;
mod silence;
mod tokens;

use std::time::Duration;

use airbyte_sandbox::{Fault, Settings};
use airbyte_tokend_tests::{Airbyte, Cli, Clocks, Daemon, Home, Http, PATIENCE, Recipe, Reply, eventually};
use serde_json::Value;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long the tokens live that Airbyte makes here, in seconds.
const LIFE: u64 = 900;
/// What the slow machine may have taken off a life, in seconds, while nothing was to take any.
const SLACK: u64 = 60;

/// A daemon with one profile, `main`, under clocks that move together with those of its Airbyte.
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    pub(crate) airbyte: Airbyte,
    pub(crate) home: Home,
    clocks: Clocks,
}

impl World {
    /// With a token of 15 minutes in hand. Airbyte's counts begin at zero.
    pub(crate) fn warm() -> Self {
        Self::warm_with(|_| {})
    }

    /// The same with another Airbyte.
    pub(crate) fn warm_with(change: impl FnOnce(&mut Settings)) -> Self {
        let (home, airbyte) = (Home::new(), Airbyte::start_with(change));
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        daemon.log_in("main", &airbyte, "memory");
        airbyte.forget_requests();
        Self { daemon, airbyte, home, clocks }
    }

    /// With a secret and no token yet. Airbyte's counts begin at zero.
    pub(crate) fn cold() -> Self {
        let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
        let clocks = Clocks::still(&home);
        let recipe = Recipe::of(&home).clocks(&clocks);
        let warm = recipe.start();
        warm.log_in("main", &airbyte, "file");
        assert_eq!(warm.stop().code(), Some(0));
        airbyte.forget_requests();
        let daemon = recipe.start();
        Self { daemon, airbyte, home, clocks }
    }

    pub(crate) fn http(&self) -> Http {
        self.daemon.http()
    }

    pub(crate) fn cli(&self) -> Cli<'_> {
        Cli::of(&self.home)
    }

    /// So much time passes, for everybody. Nothing is in flight when it begins: an exchange under way would be as old.
    pub(crate) fn pass(&self, time: Duration) {
        self.settle();
        let seconds = i64::try_from(time.as_secs()).expect("no test takes centuries");
        self.airbyte.change_settings(|settings| settings.clock_skew += seconds);
        self.clocks.suspend(time);
    }

    /// Waits until no exchange is in flight.
    pub(crate) fn settle(&self) {
        settle(&self.http());
    }

    /// The exchanges that the daemon tells of, oldest first: why they were made, and what came of them.
    pub(crate) fn exchanges(&self) -> Vec<Value> {
        exchanges(&self.http())
    }

    pub(crate) fn status(&self) -> Value {
        self.http().status_of("main")
    }

    /// Waits until the status says this.
    pub(crate) fn await_state(&self, wanted: &str) -> Value {
        eventually(&format!("the state is {wanted}"), PATIENCE, || {
            let status = self.status();
            (status["state"] == wanted).then_some(status)
        })
    }

    /// A person asks for a new token, and is told why there is none.
    pub(crate) fn fail_to_refresh(&self) -> Reply {
        let reply = self.http().post("/v1/token/refresh?wait=60s");
        assert!(reply.status >= 400, "it was renewed: {}", reply.text());
        reply
    }

    /// This token is handed out, and Airbyte takes it.
    pub(crate) fn serves(&self, token: &str) {
        let reply = self.http().get("/v1/token?wait=60s");
        self.is_live(&reply);
        assert_eq!(reply.json()["access_token"], token);
    }

    /// A reply with a token that Airbyte takes.
    pub(crate) fn is_live(&self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let told = reply.json();
        assert!(self.airbyte.is_live(told["access_token"].as_str().expect("it is text")), "it is dead");
    }

    /// Trouble that comes over exchanges with such faults, does not touch the token in hand, is told for what it is in
    /// these words, and ends by itself with its cause.
    pub(crate) fn survives(&self, fault: Fault, words: &str) {
        let alive = self.airbyte.latest_token();
        self.airbyte.add_fault(fault.forever());
        is_told(&self.fail_to_refresh(), "degraded", words);
        let status = self.status();
        assert_eq!(status["state"], "degraded");
        assert_eq!(status["last_error"]["code"], "upstream_unavailable");
        assert_eq!(self.cli().succeed(&["print"]), format!("{alive}\n"), "it is served all the same");
        let left = self.http().get("/v1/token").json()["expires_in"].as_u64().expect("it is a number");
        assert!((LIFE - SLACK..=LIFE).contains(&left), "with what is left of its life: {left} s");

        self.pass(15 * MINUTE);
        self.settle();
        self.await_state("expired");
        let retry_in = eventually("the next try is planned", PATIENCE, || self.status()["retry_in"].as_u64());
        assert!(retry_in <= 100, "{retry_in} s");
        let said = self.cli().fail(&["print", "--wait", "0"], 75);
        assert!(said.contains(words) && said.contains("tries again by itself"), "{said}");

        self.heals();
    }

    /// Once Airbyte is well, a new token comes at the next step of the ladder, which is at most 100 s away, and nobody
    /// needs to do anything.
    pub(crate) fn heals(&self) {
        let before = self.airbyte.counts().issued;
        self.airbyte.clear_faults();
        self.pass(Duration::from_secs(100));
        self.airbyte.wait_until(|counts| counts.issued > before);
        self.await_state("fresh");
        self.serves(&self.airbyte.latest_token());
    }
}

/// Waits until no exchange of the profile `main` is in flight.
pub(crate) fn settle(http: &Http) {
    eventually("the exchange ends", PATIENCE, || {
        exchanges(http).iter().all(|event| event["result"].is_object()).then_some(())
    });
}

fn exchanges(http: &Http) -> Vec<Value> {
    let timeline = http.get("/v1/timeline?profile=main").json();
    let events = timeline["events"].as_array().expect("it is a list").iter();
    events.filter(|event| event["event"] == "exchange").cloned().collect()
}

/// An error reply about trouble that passes: this state, these words, and when it is tried again.
fn is_told(reply: &Reply, state: &str, words: &str) {
    let told = reply.json();
    assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"), "{told}");
    assert_eq!(told["state"], state, "{told}");
    assert!(told["message"].as_str().is_some_and(|message| message.contains(words)), "{told}");
    assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("tries again by itself")), "{told}");
    assert!(told["retry_in"].as_u64().is_some(), "{told}");
}
