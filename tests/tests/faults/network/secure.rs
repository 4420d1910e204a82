//! A daemon whose Airbyte speaks https, and shows one certificate after another.

use std::{path::PathBuf, time::Duration};

use airbyte_sandbox::{Sandbox, Settings, Tls};
use airbyte_tokend_tests::{
    Airbyte, Authority, Cli, Clocks, Daemon, Home, Http, PATIENCE, Recipe, Reply, eventually,
};
use serde_json::Value;

use super::front::Front;
use crate::upstream::settle;

/// The host in the URL of the profile.
pub(super) const HOST: &str = "127.0.0.1";
/// By then a certificate is looked at again: a minute, and up to a quarter more by chance.
pub(super) const LANE: Duration = Duration::from_secs(75);

/// A daemon with one profile, `main`, with a live token of an Airbyte that is at `https://127.0.0.1:PORT`.
pub(super) struct Secure {
    pub(super) daemon: Daemon,
    pub(super) clocks: Clocks,
    pub(super) home: Home,
    pub(super) authority: Authority,
    pub(super) token: String,
    first: Airbyte,
    now: Option<Sandbox>,
    front: Front,
    skew: i64,
}

impl Secure {
    pub(super) fn new() -> Self {
        let (home, authority) = (Home::new(), Authority::new());
        let first = Airbyte::start_with(|settings| settings.tls = Some(authority.good(HOST)));
        let front = Front::of(first.address());
        home.write(&home.path().join("ca.pem"), authority.pem().as_bytes());
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        let token = String::new();
        let mut secure = Self { daemon, clocks, home, authority, token, first, now: None, front, skew: 0 };
        let reply = secure.log_in(&secure.ca_file());
        assert_eq!(reply.status, 200, "{}", reply.text());
        secure.token = secure.first.latest_token();
        secure
    }

    /// The file of authorities that the profile names.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    pub(super) fn http(&self) -> Http {
        self.daemon.http()
    }

    pub(super) fn cli(&self) -> Cli<'_> {
        Cli::of(&self.home)
    }

    /// Scheme, host and port of the profile, as messages name it.
    pub(super) fn place(&self) -> String {
        format!("https://{}", self.front.address())
    }

    /// Logs in, trusting this file besides the system's.
    pub(super) fn log_in(&self, ca_file: &std::path::Path) -> Reply {
        let mut profile = self.first.profile("memory");
        profile["url"] = self.place().into();
        profile["ca_file"] = ca_file.display().to_string().into();
        self.http().put("/v1/profiles/main", &profile)
    }

    /// From now on another server answers, with the same application and this certificate.
    pub(super) fn show(&mut self, certificate: Tls) {
        let settings = Settings {
            client_id: self.first.client_id().to_owned(),
            client_secret: self.first.secret().expose().to_owned(),
            clock_skew: self.skew,
            tls: Some(certificate),
            ..Settings::default()
        };
        let next = Sandbox::start_on_a_thread(settings).expect("a loopback port is free");
        self.front.put_behind(next.address());
        self.now = Some(next);
    }

    /// How often the present server was asked for a token.
    pub(super) fn exchanges(&self) -> usize {
        self.server().exchanges()
    }

    /// How many connections the present server has seen.
    pub(super) fn connections(&self) -> usize {
        self.server().counts().connections
    }

    /// Waits until it has seen this many.
    pub(super) fn wait_for_connections(&self, count: usize) {
        eventually("somebody connects", PATIENCE, || (self.connections() >= count).then_some(()));
    }

    /// What time it is, since 1970, by the first server's clock.
    pub(super) fn since_epoch(&self) -> Duration {
        self.first.requests().last().expect("it was asked for the first token").at
    }

    fn server(&self) -> &Sandbox {
        self.now.as_ref().unwrap_or(&self.first)
    }

    /// So much time passes, for everybody. Nothing is in flight when it begins: an exchange under way would be as old.
    pub(super) fn pass(&mut self, time: Duration) {
        settle(&self.http());
        let seconds = i64::try_from(time.as_secs()).expect("no test takes centuries");
        self.skew += seconds;
        self.server().change_settings(|settings| settings.clock_skew = self.skew);
        self.clocks.suspend(time);
    }

    pub(super) fn status(&self) -> Value {
        self.http().status_of("main")
    }

    pub(super) fn await_state(&self, wanted: &str) {
        eventually(&format!("the state is {wanted}"), PATIENCE, || {
            (self.status()["state"] == wanted).then_some(())
        });
    }

    /// A person asks for a new token and is told why there is none, in one line and with one remedy, which is never to
    /// look away. The one in hand is served all the same, and nothing was sent to whoever answered.
    pub(super) fn is_not_trusted(&self) -> String {
        let reply = self.http().post("/v1/token/refresh?wait=60s");
        let told = reply.json();
        assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"), "{told}");
        assert_eq!(told["state"], "degraded", "{told}");
        assert!(told["retry_in"].as_u64().is_some_and(|wait| (40..=75).contains(&wait)), "{told}");
        let message = told["message"].as_str().expect("it is text").to_owned();
        assert!(message.contains(&self.place()) && !message.contains('\n'), "{message}");
        assert!(message.len() < 200, "it is not cut: {message}");
        let all = told.to_string().to_lowercase();
        for evil in ["insecure", "verif", "disable", "ignore", "skip", "http:", "danger"] {
            assert!(!all.contains(evil), "{all}");
        }
        assert_eq!(self.exchanges(), 0, "nothing was sent");
        let served = self.http().get("/v1/token").json();
        assert_eq!(served["access_token"], self.token);
        message
    }

    /// A new token comes soon after a minute from its being mended, without anybody doing anything.
    pub(super) fn heals(&mut self) {
        self.pass(LANE);
        self.await_state("fresh");
        let served = self.http().get("/v1/token").json();
        assert_ne!(served["access_token"], self.token);
        assert_eq!(self.exchanges(), 1);
    }
}
