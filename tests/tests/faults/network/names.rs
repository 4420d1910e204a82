//! Names that are not known, and ways that lead nowhere.

use std::{process::Command, thread, time::Duration};

use airbyte_tokend_tests::{
    Authority, Binary, Canary, Cli, Clocks, Daemon, Home, Http, Island, PATIENCE, Process, Recipe,
    eventually, timed,
};
use serde_json::{Value, json};

use crate::upstream::settle;

/// Where Airbyte is, for whoever knows it.
const NAME: &str = "airbyte.test";
const ADDRESS: &str = "192.0.2.10";
const ID: &str = "id-on-the-island";

/// The slowest step of the ladder.
const TICK: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A daemon that stops gives those who wait 5 s to be told so. A busy machine may add to that; what the C library waits
/// for a name server is far more.
const GRACE: Duration = Duration::from_secs(30);

/// A daemon on an island with a live token of its Airbyte, which is there too, and is reached by its name.
struct Afar {
    daemon: Daemon,
    clocks: Clocks,
    token: String,
    _airbyte: Process,
    island: Island,
    home: Home,
}

impl Afar {
    /// Where names are looked up like this.
    fn new(lookup: &str) -> Self {
        let (home, authority) = (Home::new(), Authority::new());
        let island = Island::new(&home, lookup);
        island.say("hosts", &format!("{ADDRESS} {NAME}\n"));
        island.ip(&["address", "add", ADDRESS, "dev", "lo"]);
        let secret = Canary::new("secret");
        let (airbyte, url) = airbyte(&home, &island, &authority, &secret);
        let clocks = Clocks::still(&home);
        let daemon = Recipe::of(&home).clocks(&clocks).on(&island).start();
        let profile = json!({
            "service": "self-managed",
            "url": url,
            "client_id": ID,
            "client_secret": secret.expose(),
            "ca_file": home.path().join("ca.pem"),
            "vault": "memory",
        });
        let reply = daemon.http().put("/v1/profiles/main", &profile);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = daemon.http().token();
        Self { daemon, clocks, token, _airbyte: airbyte, island, home }
    }

    fn http(&self) -> Http {
        self.daemon.http()
    }

    fn status(&self) -> Value {
        self.http().status_of("main")
    }

    /// So much time passes. Nothing is in flight when it begins: an exchange under way would be as old.
    fn pass(&self, time: Duration) {
        settle(&self.http());
        self.clocks.suspend(time);
    }

    /// Nobody knows the name any more.
    fn forget_the_name(&self) {
        self.island.say("hosts", "");
    }

    /// Somebody knows it again.
    fn know_the_name(&self) {
        self.island.say("hosts", &format!("{ADDRESS} {NAME}\n"));
    }

    /// Whatever is sent to Airbyte is lost.
    fn lose_the_way(&self) {
        self.island.ip(&["address", "del", ADDRESS, "dev", "lo"]);
    }

    /// Nothing can be sent at all.
    fn have_no_way(&self) {
        self.lose_the_way();
        self.island.ip(&["link", "set", "out", "down"]);
    }

    fn find_the_way(&self) {
        self.island.ip(&["address", "add", ADDRESS, "dev", "lo"]);
    }

    /// A person asks for a new token and is told why there is none, in these words; the one in hand is served.
    fn is_cut_off(&self, words: &str) {
        let reply = self.http().post("/v1/token/refresh?wait=60s");
        let told = reply.json();
        assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"), "{told}");
        assert_eq!(told["state"], "degraded", "{told}");
        assert!(told["message"].as_str().is_some_and(|message| message.contains(words)), "{told}");
        assert!(told["retry_in"].as_u64().is_some_and(|wait| wait <= 1), "{told}");
        assert_eq!(self.http().token(), self.token);
    }

    /// A new token comes within half a minute, without anybody doing anything. Airbyte's own clock does not move here,
    /// which the daemon may well notice.
    fn heals(&self) {
        self.pass(TICK);
        eventually("all is well again", PATIENCE, || {
            let state = self.status()["state"].clone();
            (state == "fresh" || state == "clock_suspect").then_some(())
        });
        assert_ne!(self.http().token(), self.token);
    }
}

/// An Airbyte on this island, and its URL.
fn airbyte(home: &Home, island: &Island, authority: &Authority, secret: &Canary) -> (Process, String) {
    let tls = authority.good(NAME);
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        home.write(&path, text.as_bytes());
        path
    };
    file("ca.pem", authority.pem());
    let mut command = Command::new(Binary::Sandbox.path());
    command.args(["--listen", &format!("{ADDRESS}:0"), "--client-id", ID]).current_dir(home.path());
    command.arg("--client-secret-file").arg(file("secret", secret.expose()));
    command.arg("--tls-cert").arg(file("server.pem", &tls.certificate_pem));
    command.arg("--tls-key").arg(file("server.key", &tls.key_pem));
    let process = Process::start(&mut island.command(&command), b"");
    let line = process.stdout().wait_for("listening on ");
    let address = line.trim().rsplit(' ').next().expect("the line ends with it");
    (process, address.replace(ADDRESS, NAME))
}

/// Fault 12: nobody knows the name.
#[test]
fn a_name_that_nobody_knows_costs_no_live_token() {
    let afar = Afar::new("files");
    afar.forget_the_name();
    afar.is_cut_off(&format!("the name of the host cannot be resolved, on the way to https://{NAME}:"));
    afar.know_the_name();
    afar.heals();
}

/// Fault 12: the name server is there and does not serve.
#[test]
fn a_name_server_that_fails_costs_no_live_token() {
    let afar = Afar::new("files dns");
    afar.island.say("resolv.conf", "nameserver 127.0.0.1\n");
    afar.forget_the_name();
    afar.is_cut_off(&format!("the name of the host cannot be resolved, on the way to https://{NAME}:"));
    afar.know_the_name();
    afar.heals();
}

/// Fault 12: the name server does not answer.
#[test]
fn a_name_server_that_hangs_holds_up_nobody() {
    let afar = Afar::new("files dns");
    afar.forget_the_name();
    let person = thread::spawn({
        let http = afar.http();
        move || http.post("/v1/token/refresh?wait=60s")
    });
    eventually("the exchange begins", PATIENCE, || (afar.status()["exchanges"] == 1).then_some(()));
    for _ in 0..100 {
        assert_eq!(afar.http().token(), afar.token);
        assert_eq!(afar.http().get("/v1/status").status, 200);
    }
    assert!(!person.is_finished(), "the name was being looked up all the time");
    let reply = person.join().expect("it got an answer");
    assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"));
    assert!(reply.text().contains(&format!("no connection to https://{NAME}:")), "{}", reply.text());
    assert!(reply.text().contains("within 5s"), "{}", reply.text());
    afar.know_the_name();
    afar.heals();
}

/// Fault 12: the name server does not answer, and the daemon is to stop.
#[test]
fn a_name_server_that_hangs_holds_up_no_stop() {
    let afar = Afar::new("files dns");
    afar.forget_the_name();
    let person = thread::spawn({
        let http = afar.http();
        move || http.post("/v1/token/refresh?wait=60s")
    });
    eventually("the exchange begins", PATIENCE, || (afar.status()["exchanges"] == 1).then_some(()));
    let (ended, took) = timed(|| afar.daemon.stop());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(took < GRACE, "{took:?}");
    drop(person.join());
}

/// Fault 12: the cable is out.
#[test]
fn a_machine_without_a_route_serves_its_live_token() {
    let afar = Afar::new("files");
    afar.have_no_way();
    afar.is_cut_off(&format!("no network on the way to https://{NAME}:"));
    afar.find_the_way();
    afar.heals();
}

/// Fault 12: the VPN is down, and what should go through it is lost on the way.
#[test]
fn a_way_on_which_everything_is_lost_costs_no_live_token() {
    let afar = Afar::new("files");
    afar.lose_the_way();
    afar.is_cut_off(&format!("no connection to https://{NAME}:"));
    afar.find_the_way();
    afar.heals();
}

/// Fault 12: the VPN is down for an hour, and longer than the token lives.
#[test]
fn however_long_there_was_no_network_a_token_comes_within_half_a_minute_of_it() {
    let afar = Afar::new("files");
    afar.forget_the_name();
    afar.is_cut_off("the name of the host cannot be resolved");
    afar.pass(HOUR / 4);
    for _ in 0..HOUR.as_secs() / TICK.as_secs() {
        let before = afar.status()["exchanges"].as_u64();
        afar.pass(TICK);
        eventually("it is tried again", PATIENCE, || {
            (afar.status()["exchanges"].as_u64() > before).then_some(())
        });
    }
    let said = Cli::of(&afar.home).fail(&["print", "--wait", "0"], 75);
    assert!(said.contains("cannot be resolved") && said.contains("tries again by itself"), "{said}");
    assert!(afar.status()["retry_in"].as_u64().is_none_or(|wait| wait <= TICK.as_secs()));
    afar.know_the_name();
    afar.heals();
}

/// Fault 12: the network is back, and somebody does not want to wait.
#[test]
fn a_person_who_knows_that_the_network_is_back_is_heard_at_once() {
    let afar = Afar::new("files");
    afar.forget_the_name();
    afar.is_cut_off("the name of the host cannot be resolved");
    for _ in 0..10 {
        afar.pass(TICK);
    }
    afar.know_the_name();
    afar.pass(Duration::from_secs(1));
    Cli::of(&afar.home).succeed(&["refresh"]);
    assert_ne!(afar.http().token(), afar.token);
}
