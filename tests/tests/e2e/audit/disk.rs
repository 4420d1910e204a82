//! The audit log on disks that are full or hang, and in files that are.

use std::{fs, io::Write as _, path::PathBuf, time::Duration};

use airbyte_token_local::audit::{Chain, Event, LARGEST_FILE, MOST_FILES, Stamp, Verb, name};
use airbyte_tokend_tests::{
    Airbyte, Binary, Call, Cli, Daemon, Home, Http, PATIENCE, Person, Process, eventually,
};
use rustix::process::{Pid, Signal, kill_process};

use super::{problem, recorded, records, serving, verbs};

/// Files that are full, as if the daemon had run for long; the newest has no room for another line.
pub(super) fn fill(home: &Home) -> u64 {
    home.make_directory(&home.state());
    let (mut chain, stamp) = (Chain::default(), Stamp::new(Duration::from_secs(1_900_000_000)));
    for age in (0..MOST_FILES).rev() {
        let mut text = chain.seal(&Event::new(stamp, Verb::Begin));
        let detail = Some("x".repeat(60_000));
        while (text.len() as u64) < LARGEST_FILE - 61_000 {
            text.extend(chain.seal(&Event { detail: detail.clone(), ..Event::new(stamp, Verb::Token) }));
        }
        let left = usize::try_from(LARGEST_FILE).expect("it is small") - text.len() - 400;
        text.extend(chain.seal(&Event { detail: Some("x".repeat(left)), ..Event::new(stamp, Verb::Stop) }));
        assert!((LARGEST_FILE - 200..=LARGEST_FILE).contains(&(text.len() as u64)), "{}", text.len());
        home.write(&home.state().join(name(age)), &text);
    }
    chain.seq
}

#[test]
fn a_full_log_makes_room_by_its_oldest_file_and_stays_whole() {
    let home = Home::new();
    let last = fill(&home);
    let cli = Cli::of(&home);
    let before = records(&cli);
    assert_eq!((before[0]["seq"].as_u64(), before.len() as u64), (Some(1), last));
    let daemon = Daemon::start(&home);
    let begin = recorded(&cli, "a new file begins", |record| record["seq"] == last + 1);
    assert_eq!(begin["verb"], "begin");
    assert_eq!((problem(&daemon), daemon.stop().code()), (None, Some(0)));
    let after = records(&cli);
    assert!(after[0]["seq"].as_u64() > Some(1) && after[0]["verb"] == "begin", "the oldest file is gone");
    assert_eq!(verbs(&after[after.len() - 3..]), ["begin", "start", "stop"]);
    let files = fs::read_dir(home.state()).expect("it is there").flatten();
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("audit")).count();
    assert_eq!(logs, MOST_FILES);
    fs::remove_file(home.state().join(name(MOST_FILES - 1))).expect("it is ours");
    let ended = cli.run(&["audit"]);
    assert_eq!(ended.code(), Some(78));
    assert!(ended.stderr.contains("the files before this one are missing"), "{}", ended.stderr);
}

/// A file system of 64 KiB where the state directory is; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(home: &Home) -> Self {
        home.make_directory(&home.state());
        let disk = Self(home.state());
        let options = format!("size=64k,mode=0700,uid={}", home.person().uid());
        disk.as_root("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"]);
        disk
    }

    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).expect("it can be written to");
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).expect("it is there");
    }

    fn as_root(&self, program: &str, arguments: &[&str]) {
        let mut command = Person::root().command(program);
        let ended = Process::start(command.args(arguments).arg(&self.0), b"").wait();
        assert_eq!(ended.code(), Some(0), "{program}: {}", ended.stderr);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.as_root("umount", &["--lazy"]);
    }
}

#[test]
fn a_full_disk_never_blocks_serving_is_seen_in_status_and_is_made_good() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let disk = Disk::mount(&home);
    let (daemon, cli) = serving(&home, &airbyte);
    let (http, token) = (daemon.http(), airbyte.latest_token());
    recorded(&cli, "the login is on record", |record| record["verb"] == "login");
    disk.fill();
    // Each has a line of its own; more than what is left of the last page, and than what may wait.
    let refused = |number: u64| {
        let reject = serde_json::json!({"fingerprint": format!("{number:016x}")});
        http.send(&Call::new("POST", "/v1/token/reject").json(&reject))
    };
    for number in 0..40 {
        assert_eq!(refused(number).status, 200);
    }
    let told = eventually("status tells", PATIENCE, || problem(&daemon));
    assert!(told.contains("No space left on device") && told.contains("audit.log"), "{told}");
    let metrics = http.get("/metrics").text();
    assert!(metrics.contains("\nairbyte_tokend_audit_problem 1\n"), "{metrics}");
    for _ in 0..50 {
        assert_eq!(http.token(), token, "it is served all the while");
    }
    disk.make_room();
    eventually("status tells no more", PATIENCE, || problem(&daemon).is_none().then_some(()));
    let all = records(&cli);
    let rejects = verbs(&all).into_iter().filter(|verb| *verb == "reject").count();
    assert_eq!(rejects, 40, "what waited is written");
    drop(daemon);
}

#[test]
fn a_disk_that_hangs_never_blocks_serving_nor_the_end_and_is_seen_in_status() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let mut strace = home.command_of(home.person(), "strace".as_ref());
    strace.args(["-f", "-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=600000000", "-o"]);
    strace.arg("/dev/null").arg(Binary::Daemon.path());
    let process = Process::start(&mut strace, b"");
    process.stderr().wait_for("serving");
    let http = Http::over(&home.socket());
    assert_eq!(http.put("/v1/profiles/main", &airbyte.profile("memory")).status, 200);
    let told = eventually("status tells", PATIENCE, || {
        assert_eq!(http.token(), airbyte.latest_token());
        http.get("/v1/status").json()["audit_problem"].as_str().map(str::to_owned)
    });
    assert!(told.contains("the disk has not taken the audit log for"), "{told}");
    let holder =
        fs::read_to_string(home.socket().with_extension("lock")).expect("the lock says who holds it");
    let pid = holder.trim().parse().ok().and_then(Pid::from_raw).expect("it is a number");
    kill_process(pid, Signal::TERM).expect("it is ours");
    process.stderr().wait_for("the disk does not take the end of the audit log");
    // strace does not let a process go that is in the middle of a delayed call: it is killed here.
    process.stderr().wait_for("INFO stopped");
}
