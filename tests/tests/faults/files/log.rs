//! What is written to the log while trouble lasts.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Call, Clocks, Daemon, Home, PATIENCE, Person, Process, Recipe, eventually,
};
use serde_json::json;

use super::ruin::Disk;

const MINUTE: Duration = Duration::from_secs(60);
/// What the daemon says of every leap by which these tests let time pass.
const LEAP: &str = "the wall clock was set";

/// A daemon without a token, whose clocks are moved.
struct Scene {
    daemon: Daemon,
    clocks: Clocks,
    airbyte: Airbyte,
}

impl Scene {
    fn cold(home: &Home) -> Self {
        let (clocks, airbyte) = (Clocks::still(home), Airbyte::start());
        let recipe = Recipe::of(home).clocks(&clocks);
        let warm = recipe.start();
        warm.log_in("main", &airbyte, "file");
        assert_eq!(warm.stop().code(), Some(0));
        airbyte.forget_requests();
        Self { daemon: recipe.start(), clocks, airbyte }
    }

    /// Ten minutes of failing exchanges, each tried when it is due, while callers ask in vain.
    fn ten_minutes_of_failure(&self) {
        for _ in 0..20 {
            let callers: Vec<_> = (0..10).map(|_| self.ask()).collect();
            for caller in callers {
                assert_ne!(caller.join().expect("it got an answer"), 200);
            }
            self.clocks.suspend(MINUTE / 2);
        }
    }

    fn ask(&self) -> thread::JoinHandle<u16> {
        let http = self.daemon.http();
        thread::spawn(move || http.get("/v1/token?wait=1s").status)
    }

    /// All that it said so far, but for what it says of leaps.
    fn said(&self) -> Vec<String> {
        let log = self.daemon.log().to_string();
        log.lines().filter(|line| !line.contains(LEAP)).map(str::to_owned).collect()
    }
}

/// Fault 38: Airbyte is down for ten minutes.
#[test]
fn ten_minutes_of_failure_write_thirty_lines_at_most_and_count_what_they_leave_out() {
    let home = Home::new().with_file_vault();
    let scene = Scene::cold(&home);
    scene.airbyte.add_fault(Fault::status(503).forever());
    let before = scene.said().len();
    scene.ten_minutes_of_failure();
    let exchanges = scene.airbyte.exchanges();
    assert!(exchanges >= 10, "it was tried {exchanges} times");
    let lines = scene.said().split_off(before);
    assert!(lines.len() <= 30, "{lines:#?}");
    let told: Vec<_> = lines.iter().filter(|line| line.contains("got no token")).collect();
    assert!(told.len() < exchanges && told.len() <= 12, "once, and then once a minute: {told:#?}");
    assert!(told[0].contains("profile main is expired: got no token"), "{told:#?}");
    assert!(told.iter().skip(1).any(|line| line.contains("since it was last said)")), "{told:#?}");

    scene.airbyte.clear_faults();
    scene.clocks.suspend(MINUTE);
    scene.daemon.log().wait_for(": got a token");
}

/// Fault 38: the disk is full at the same time.
#[test]
fn a_disk_that_is_full_for_ten_minutes_is_told_once_a_minute() {
    let home = Home::new().with_file_vault();
    home.make_directory(&home.state());
    let disk = Disk::mount(&home, &home.state());
    let scene = Scene::cold(&home);
    scene.airbyte.add_fault(Fault::status(503).forever());
    disk.fill();
    let before = scene.said().len();
    scene.ten_minutes_of_failure();
    let lines = scene.said().split_off(before);
    assert!(lines.len() <= 30, "{lines:#?}");
    let told = lines.iter().filter(|line| line.contains("cannot be written to")).count();
    assert!((1..=12).contains(&told), "once, and then once a minute: {lines:#?}");
}

/// Fault 38: callers complain of a token, again and again.
#[test]
fn a_thousand_complaints_of_callers_write_no_line_each() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let fingerprint = daemon.http().status_of("main")["fingerprint"].clone();
    airbyte.add_fault(Fault::status(503).forever());
    let before = daemon.log().to_string().lines().count();
    let report = Call::new("POST", "/v1/token/reject").json(&json!({ "fingerprint": fingerprint }));
    for _ in 0..1000 {
        assert_eq!(daemon.http().send(&report).status, 200);
    }
    eventually("the exchange that they caused has failed", PATIENCE, || {
        (daemon.http().status_of("main")["state"] == "degraded").then_some(())
    });
    let log = daemon.log().to_string();
    let lines: Vec<_> = log.lines().skip(before).collect();
    assert!(lines.len() <= 30, "{} lines, such as {:#?}", lines.len(), &lines[..5]);
}

/// Fault 38: another user knocks, again and again.
#[test]
fn two_hundred_refused_callers_write_no_line_each() {
    let home = Home::of(Person::owner());
    let daemon = Daemon::start(&home);
    let directory = home.run().join("airbyte-tokend");
    for (path, mode) in
        [(home.path(), 0o755), (&home.run(), 0o755), (&directory, 0o755), (&home.socket(), 0o666)]
    {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("root may, and so may its owner");
    }
    let mut curl = home.command_of(Person::stranger(), Path::new("curl"));
    curl.args(["--silent", "--max-time", "30", "--unix-socket"]).arg(home.socket()).current_dir("/");
    let refused = Process::start(curl.args(["http://localhost/v1/token"; 200]), b"").wait();
    assert_eq!(refused.text().matches("peer_refused").count(), 200, "{}", refused.stderr);
    let log = daemon.log().wait_for("refused a caller that is another user");
    assert!(log.lines().count() <= 10, "{} lines", log.lines().count());
}
