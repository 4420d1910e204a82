//! The keyring locked, hanging, refusing, gone, emptied. It is a real one, on a bus of its own.
//!
//! Time is not waited for: the daemon's clocks and Airbyte's are moved together. What is not moved is the timer by which
//! the daemon gives up a keyring that does not answer: three real seconds.

mod bus;
mod item;
mod locked;
mod trouble;

use std::time::Duration;

use airbyte_tokend_tests::{
    Airbyte, Cli, Clocks, Daemon, Home, Http, Keyring, PATIENCE, Recipe, Reply, eventually,
};
use serde_json::Value;

const MINUTE: Duration = Duration::from_secs(60);
/// How often the daemon looks again at a vault in trouble: an unlock is noticed within this time.
const LANE: Duration = Duration::from_secs(10);
/// What a keyring may take of a call that nobody waits for. Whoever waited for such a call would wait as long.
const KEYRING_TIMEOUT: Duration = Duration::from_secs(3);

/// A daemon with the secret of its one profile `main` in a keyring, under clocks that move together with Airbyte's.
struct Scene<'home> {
    home: &'home Home,
    airbyte: &'home Airbyte,
    keyring: Keyring<'home>,
    clocks: Clocks,
    daemon: Daemon,
}

impl<'home> Scene<'home> {
    /// With a token of 15 minutes in hand.
    fn warm(home: &'home Home, airbyte: &'home Airbyte) -> Self {
        let (keyring, clocks) = (Keyring::start(home), Clocks::still(home));
        let daemon = recipe(home, &keyring, &clocks).start();
        daemon.log_in("main", airbyte, "keyring");
        Self { home, airbyte, keyring, clocks, daemon }
    }

    /// Started again, so that it has no token yet. Airbyte's counts begin at zero.
    fn cold(home: &'home Home, airbyte: &'home Airbyte) -> Self {
        let Self { keyring, clocks, daemon, .. } = Self::warm(home, airbyte);
        assert_eq!(daemon.stop().code(), Some(0));
        airbyte.forget_requests();
        let daemon = recipe(home, &keyring, &clocks).start();
        Self { home, airbyte, keyring, clocks, daemon }
    }

    fn http(&self) -> Http {
        self.daemon.http()
    }

    fn cli(&self) -> Cli<'_> {
        Cli::of(self.home)
    }

    fn status(&self) -> Value {
        self.http().status_of("main")
    }

    /// So much time passes, for everybody.
    fn pass(&self, time: Duration) {
        let seconds = i64::try_from(time.as_secs()).expect("no test takes centuries");
        self.airbyte.change_settings(|settings| settings.clock_skew += seconds);
        self.clocks.suspend(time);
    }

    /// The time comes at which the token in hand is renewed: it lives on for four minutes.
    fn renewal_comes_due(&self) {
        self.pass(11 * MINUTE);
    }

    /// The daemon looks at the keyring again by itself.
    fn next_look_comes_due(&self) {
        self.pass(LANE);
    }

    /// Waits until the status says this. Nobody asks for a token.
    fn await_state(&self, wanted: &str) -> Value {
        eventually(&format!("the state is {wanted}"), PATIENCE, || {
            let status = self.status();
            (status["state"] == wanted).then_some(status)
        })
    }

    /// This state, and the error of the same name, are in the status; and between two looks at the keyring, the next is
    /// no further away than an unlock may go unnoticed.
    fn is_troubled(&self, state: &str) {
        let status = eventually(&format!("the state is {state}, and no look under way"), PATIENCE, || {
            let status = self.status();
            (status["state"] == state && status["retry_in"].is_u64()).then_some(status)
        });
        assert_eq!(status["last_error"]["code"], state, "{status}");
        assert!(status["retry_in"].as_u64().is_some_and(|seconds| seconds <= LANE.as_secs()), "{status}");
    }

    /// This token is handed out, with what is left of its life, and Airbyte takes it.
    fn serves(&self, token: &str) {
        let reply = self.http().get("/v1/token");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["access_token"], token);
        assert!(self.airbyte.is_live(token), "it is dead");
        assert_eq!(self.cli().succeed(&["print"]), format!("{token}\n"));
    }

    /// What a caller is told who gets no token.
    fn refused(&self, status: u16, code: &str) -> Reply {
        let reply = self.http().get("/v1/token?wait=2s");
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text());
        reply
    }

    /// The keyring is well again: that is noticed at the next look, and nobody needs to ask.
    fn heals(&self) {
        let before = self.airbyte.counts().issued;
        self.next_look_comes_due();
        self.airbyte.wait_until(|counts| counts.issued == before + 1);
        self.await_state("fresh");
        self.serves(&self.airbyte.latest_token());
    }
}

fn recipe<'home>(home: &'home Home, keyring: &Keyring<'_>, clocks: &Clocks) -> Recipe<'home> {
    Recipe::of(home).variable("DBUS_SESSION_BUS_ADDRESS", keyring.address()).clocks(clocks)
}
