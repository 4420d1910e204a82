//! A user's whole story on a real systemd with a real keyring: install, log in, print, survive, leak nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use airbyte_tokend_tests::{Binary, Canary, PATIENCE, SystemdBox, eventually};

const CLIENT: &str = "/home/alice/.local/bin/airbyte-token";
const STAND_IN: &str = "http://127.0.0.1:8000";

/// A booted machine on which Alice has a session, an unlocked keyring, and an Airbyte to talk to.
struct Machine {
    booted: SystemdBox,
    secret: Canary,
}

impl Machine {
    fn boot() -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let programs = Binary::Daemon.path();
        let shares = [("repository", repository), ("programs", programs.parent().unwrap())];
        let machine = Self { booted: SystemdBox::boot(&shares), secret: Canary::new("CSEC") };
        machine.start_stand_in();
        machine.log_alice_in();
        machine
    }

    fn start_stand_in(&self) {
        self.write("/run/stand-in-secret", self.secret.expose());
        let _unit = self.booted.must(&[
            "systemd-run",
            "--unit=stand-in",
            "/run/host/programs/airbyte-sandbox",
            "--listen=127.0.0.1:8000",
            "--client-id=an-id",
            "--client-secret-file=/run/stand-in-secret",
        ]);
    }

    /// Lingering brings up the user's manager and its session bus, as a login does.
    fn log_alice_in(&self) {
        let _nothing = self.booted.must(&["useradd", "--create-home", "--uid", "1500", "alice"]);
        let _nothing = self.booted.must(&["loginctl", "enable-linger", "alice"]);
        eventually("alice's manager answers", PATIENCE, || {
            self.alice(&["systemctl", "--user", "is-system-running"]).success.then_some(())
        });
        let unlocked = self.alice_with(
            &["gnome-keyring-daemon", "--unlock", "--components=secrets", "--daemonize"],
            "a password",
        );
        assert!(unlocked.success, "{unlocked:?}");
    }

    /// `make install`, but with the programs that this test run has built.
    fn install(&self) {
        let install = "PROGRAMS=/run/host/programs /run/host/repository/.make/install";
        self.must_as_alice(&["bash", "-c", install]);
        self.must_as_alice(&["systemctl", "--user", "daemon-reload"]);
        self.must_as_alice(&["systemctl", "--user", "enable", "--now", "airbyte-tokend.socket"]);
    }

    /// What an administrator would write with `systemctl edit`.
    fn change_unit(&self, text: &str) {
        let directory = "/home/alice/.config/systemd/user/airbyte-tokend.service.d";
        self.must_as_alice(&["mkdir", "-p", directory]);
        self.write(&format!("{directory}/change.conf"), text);
        self.must_as_alice(&["systemctl", "--user", "daemon-reload"]);
    }

    fn log_in(&self) {
        let said = self
            .alice_with(&[CLIENT, "login", "--url", STAND_IN, "--client-id", "an-id"], self.secret.expose());
        assert!(said.success, "{said:?}");
    }

    fn print(&self) -> String {
        self.must_as_alice(&[CLIENT, "print"]).trim().to_owned()
    }

    fn property(&self, property: &str) -> String {
        let show =
            ["systemctl", "--user", "show", "--value", "--property", property, "airbyte-tokend.service"];
        self.must_as_alice(&show).trim().to_owned()
    }

    fn journal(&self) -> Vec<u8> {
        let _flushed = self.booted.must(&["journalctl", "--sync"]);
        self.booted.run(&["journalctl", "--all", "--output=export"]).stdout
    }

    /// How often this stands in what systemd says of the service.
    fn journal_of_unit(&self, text: &str) -> usize {
        let _flushed = self.booted.must(&["journalctl", "--sync"]);
        let unit = "USER_UNIT=airbyte-tokend.service";
        self.booted.must(&["journalctl", "--output=cat", unit]).matches(text).count()
    }

    fn write(&self, path: &str, text: &str) {
        let written = self.booted.run_with(&["tee", path], text.as_bytes());
        assert!(written.status.success());
    }

    fn must_as_alice(&self, command: &[&str]) -> String {
        let said = self.alice(command);
        assert!(said.success, "{command:?}: {said:?}");
        said.stdout
    }

    fn alice(&self, command: &[&str]) -> Said {
        self.alice_with(command, "")
    }

    fn alice_with(&self, command: &[&str], input: &str) -> Said {
        let mut whole = vec![
            "setpriv",
            "--reuid=alice",
            "--regid=alice",
            "--init-groups",
            "env",
            "HOME=/home/alice",
            "XDG_RUNTIME_DIR=/run/user/1500",
            "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1500/bus",
        ];
        whole.extend(command);
        let output = self.booted.run_with(&whole, input.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

#[derive(Debug)]
struct Said {
    success: bool,
    stdout: String,
    stderr: String,
}

#[test]
fn a_user_installs_logs_in_and_prints_and_the_daemon_survives_what_befalls_it() {
    let machine = Machine::boot();
    machine.install();
    assert_eq!(machine.property("ActiveState"), "inactive", "the daemon waits for its first caller");

    machine.log_in();
    assert_eq!(machine.property("ActiveState"), "active", "the first caller started it");
    assert_eq!(machine.property("StatusText"), "serving");
    let token = Canary::of(machine.print());
    let secret_item = ["secret-tool", "search", "service", "airbyte-tokend"];
    assert!(machine.must_as_alice(&secret_item).contains("airbyte-tokend"), "the secret is in the keyring");

    let before = machine.property("MainPID");
    machine.must_as_alice(&["systemctl", "--user", "kill", "--signal=KILL", "airbyte-tokend.service"]);
    let again = Canary::of(machine.print());
    assert_ne!(machine.property("MainPID"), before, "it is another process");
    assert_ne!(again.expose(), token.expose(), "the token died with the process, the secret did not");

    machine.must_as_alice(&["systemctl", "--user", "reload", "airbyte-tokend.service"]);
    assert_eq!(machine.print(), again.expose(), "a reload that changes nothing keeps the token");
    machine.must_as_alice(&[CLIENT, "reload"]);
    assert_eq!(
        machine.property("ActiveState"),
        "active",
        "a reload that a caller asks for is one to systemd too"
    );
    assert_eq!(machine.property("StatusText"), "serving");

    let journal = machine.journal();
    machine.secret.assert_absent("the journal", &journal);
    token.assert_absent("the journal", &journal);
    again.assert_absent("the journal", &journal);
    let said = String::from_utf8_lossy(&journal).into_owned();
    assert!(said.contains("logged in") && said.contains("got a token"), "the daemon's own words are there");
    let ours = ["journalctl", "_TRANSPORT=journal", "SYSLOG_IDENTIFIER=airbyte-tokend", "--output=cat"];
    assert!(machine.booted.must(&ours).contains("logged in"), "it speaks to the journal itself");
    leaks_are_found(&machine);

    machine.must_as_alice(&[
        "systemctl",
        "--user",
        "stop",
        "airbyte-tokend.socket",
        "airbyte-tokend.service",
    ]);
    assert_eq!(machine.property("Result"), "success", "it stopped as told");
    machine.must_as_alice(&["bash", "/run/host/repository/.make/uninstall"]);
    let left = machine.must_as_alice(&["find", "/home/alice/.local", "-name", "airbyte-tok*", "-type", "f"]);
    assert_eq!(left, "", "neither a program nor a unit is left behind");
}

/// The control of the search: a secret that somebody does log is found, in the same journal in the same way.
fn leaks_are_found(machine: &Machine) {
    let logged = machine.booted.run_with(&["systemd-cat"], machine.secret.expose().as_bytes());
    assert!(logged.status.success());
    assert!(machine.secret.found_in(&machine.journal()).is_some(), "the search would not have found a leak");
}

#[test]
fn a_configuration_with_a_mistake_keeps_the_daemon_down_and_says_why() {
    let machine = Machine::boot();
    machine.install();
    machine.must_as_alice(&["mkdir", "-p", "/home/alice/.config/airbyte-tokend"]);
    machine.write("/home/alice/.config/airbyte-tokend/config.toml", "defualt_profile = \"x\"\n");
    assert!(!machine.alice(&["systemctl", "--user", "start", "airbyte-tokend.service"]).success);
    assert_eq!(machine.property("ExecMainStatus"), "78");
    assert_eq!(machine.property("NRestarts"), "0", "another start would find the same mistake");
    let mistake = "config.toml:1:1: unknown key `defualt_profile`";
    assert!(String::from_utf8_lossy(&machine.journal()).contains(mistake), "the journal names the place");

    let caller = machine.alice(&[CLIENT, "print"]);
    assert!(!caller.success && caller.stdout.is_empty() && caller.stderr.contains(mistake), "{caller:?}");
    machine.write("/home/alice/.config/airbyte-tokend/config.toml", "");
    machine.log_in();
    let _token = machine.print();
}

#[test]
fn a_service_waits_for_its_token_and_is_told_why_it_gets_none() {
    let machine = Machine::boot();
    machine.install();
    let service = |unit: &str| {
        let wait = format!("--property=ExecStartPre={CLIENT} wait --timeout 30s");
        machine.alice(&[
            "systemd-run",
            "--user",
            "--wait",
            "--quiet",
            "--unit",
            unit,
            &wait,
            CLIENT,
            "status",
        ])
    };
    let before = service("too-soon");
    assert!(!before.success, "{before:?}");
    let why = "there is no profile yet";
    assert!(
        String::from_utf8_lossy(&machine.journal()).contains(why),
        "the journal says why it did not start"
    );
    machine.log_in();
    machine.must_as_alice(&["systemctl", "--user", "stop", "airbyte-tokend.service"]);
    let after = service("in-time");
    assert!(after.success, "{after:?}");
    assert_eq!(
        machine.property("ActiveState"),
        "active",
        "the wait started the daemon, which fetched a token"
    );
}

#[test]
fn under_its_unit_the_daemon_opens_sockets_for_users_and_groups_that_the_system_knows_by_name() {
    let machine = Machine::boot();
    machine.install();
    machine.log_in();
    for user in ["bob", "carol", "dave"] {
        let _nothing = machine.booted.must(&["useradd", user]);
    }
    let _nothing = machine.booted.must(&["groupadd", "--users", "carol", "ci"]);
    let _nothing = machine.booted.must(&["install", "-d", "-m", "0711", "-o", "alice", "/run/airbyte-ci"]);
    let config = "/home/alice/.config/airbyte-tokend/config.toml";
    let sockets = "[sockets.ci]\nprofiles = [\"default\"]\nusers = [\"bob\"]\ngroups = [\"ci\"]\n\
                   path = \"/run/airbyte-ci/api.sock\"\n[sockets.near]\nprofiles = [\"default\"]\n";
    let text = machine.must_as_alice(&["cat", config]) + sockets;
    machine.write(config, &text);
    machine.must_as_alice(&[CLIENT, "reload"]);
    let stat = ["stat", "--format=%a %U", "/run/airbyte-ci/api.sock", "/run/user/1500/airbyte-tokend/near"];
    assert_eq!(machine.booted.must(&stat), "666 alice\n711 alice\n");

    let token = machine.print();
    let ask = |user: &str| {
        let user = ["setpriv", &format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"];
        let curl = ["curl", "-sS", "-H", "Accept: text/plain", "--unix-socket", "/run/airbyte-ci/api.sock"];
        machine.booted.must(&[&user[..], &curl, &["http://localhost/v1/token"]].concat())
    };
    assert_eq!((ask("bob"), ask("carol")), (token.clone(), token));
    assert!(ask("dave").contains("\"peer_refused\""));

    machine.must_as_alice(&[
        "systemctl",
        "--user",
        "stop",
        "airbyte-tokend.socket",
        "airbyte-tokend.service",
    ]);
    assert_eq!(machine.booted.must(&["ls", "/run/airbyte-ci"]), "api.lock\n", "no socket is left");
}

/// The control: of a service that says nothing of swap, as much as there is. What systemd understood, and the kernel's
/// word for it where systemd has the memory controller of cgroup v2; without that it could keep nobody out of swap.
#[test]
fn under_its_unit_nothing_of_the_daemon_is_swapped_out() {
    let machine = Machine::boot();
    machine.install();
    machine.log_in();
    let other = ["systemctl", "show", "--value", "--property", "MemorySwapMax", "stand-in.service"];
    assert_eq!(machine.booted.must(&other).trim(), "infinity");
    assert_eq!(machine.property("MemorySwapMax"), "0");
    let limit = format!("/sys/fs/cgroup{}/memory.swap.max", machine.property("ControlGroup"));
    let kernel = machine.booted.run(&["cat", &limit]);
    if kernel.status.success() {
        assert_eq!(kernel.stdout, b"0\n");
    }
}

#[test]
fn a_daemon_that_hangs_is_killed_and_started_again() {
    let machine = Machine::boot();
    machine.install();
    machine.change_unit("[Service]\nWatchdogSec=2\n");
    machine.log_in();
    let before = machine.property("MainPID");
    machine.must_as_alice(&["systemctl", "--user", "kill", "--signal=STOP", "airbyte-tokend.service"]);
    eventually("the watchdog has it started again", PATIENCE, || {
        let now = machine.property("MainPID");
        (now != before && now != "0").then_some(())
    });
    let _token = machine.print();
}

#[test]
fn a_daemon_that_dies_on_every_start_is_given_up_after_ten_and_comes_back_when_told_to() {
    let machine = Machine::boot();
    machine.install();
    machine.change_unit("[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=10ms\n");
    assert!(!machine.alice(&["systemctl", "--user", "start", "airbyte-tokend.service"]).success);
    eventually("it is given up", PATIENCE, || {
        (machine.property("ActiveState") == "failed" && machine.property("SubState") == "failed")
            .then_some(())
    });
    let starts = machine.journal_of_unit("Main process exited");
    assert!((1..=10).contains(&starts), "{starts} starts");
    assert!(machine.journal_of_unit("Start request repeated too quickly") > 0, "for that reason");

    machine.change_unit("");
    machine.must_as_alice(&["systemctl", "--user", "reset-failed", "airbyte-tokend.*"]);
    machine.must_as_alice(&["systemctl", "--user", "start", "airbyte-tokend.socket"]);
    machine.log_in();
    let _token = machine.print();
}
