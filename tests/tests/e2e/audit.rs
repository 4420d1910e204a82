//! The audit log: who was given which token, whatever happens to the disk and to the files.

mod disk;

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use airbyte_token_local::audit::{CURRENT, Hash, Stamp};
use airbyte_tokend_tests::{
    Airbyte, Binary, Call, Canary, Cli, Daemon, Home, PATIENCE, Person, Process, assert_failed, eventually,
};
use rustix::process::Signal;
use serde_json::Value;

use disk::fill;

/// A daemon with a token in hand.
fn serving<'home>(home: &'home Home, airbyte: &Airbyte) -> (Daemon, Cli<'home>) {
    let daemon = Daemon::start(home);
    daemon.log_in("main", airbyte, "memory");
    (daemon, Cli::of(home))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

/// Every record, from a log that is in order.
fn records(cli: &Cli<'_>) -> Vec<Value> {
    lines(&cli.succeed(&["audit", "--json"]))
}

/// The first record for which this holds, once it is there.
fn recorded(cli: &Cli<'_>, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, || records(cli).into_iter().find(|record| wanted(record)))
}

fn verbs(records: &[Value]) -> Vec<&str> {
    records.iter().filter_map(|record| record["verb"].as_str()).collect()
}

fn problem(daemon: &Daemon) -> Option<String> {
    daemon.http().get("/v1/status").json()["audit_problem"].as_str().map(str::to_owned)
}

fn current(home: &Home) -> PathBuf {
    home.state().join(CURRENT)
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).expect("it is there");
    file.write_all(bytes).expect("there is room");
}

/// A script in this home that does this.
fn script(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    home.write(&path, format!("#!/bin/sh\n{text}\n").as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

#[test]
fn a_token_is_on_record_with_the_user_the_client_and_the_script_that_started_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let (daemon, cli) = serving(&home, &airbyte);
    let client = Binary::Client.path();
    let deploy = script(&home, "deploy.sh", &format!("{} print\nexit $?", client.display()));
    let before = now();
    let ended = Process::start(&mut home.command_of(home.person(), &deploy), b"").wait();
    assert_eq!(ended.text().trim_end(), airbyte.latest_token(), "{}", ended.stderr);
    let record = recorded(&cli, "it is on record", |record| record["verb"] == "token");
    assert_eq!((&record["profile"], &record["outcome"]), (&"main".into(), &"done".into()));
    assert_eq!(record["fingerprint"], daemon.http().status_of("main")["fingerprint"]);
    assert_eq!((&record["door"], &record["times"]), (&"the main socket".into(), &Value::Null));
    let time: Stamp = record["time"].as_str().expect("it has a time").parse().expect("a time");
    assert!(before <= time && record["issued"].as_str() < record["time"].as_str(), "{record}");
    let who = &record["who"];
    assert_eq!((&who["uid"], &who["program"]), (&home.person().uid().into(), &client.to_str().into()));
    let shell = fs::canonicalize("/bin/sh").expect("there is a shell");
    assert_eq!(
        (&who["parent"]["program"], &who["parent"]["comm"]),
        (&shell.to_str().into(), &"deploy.sh".into())
    );
    let table = cli.succeed(&["audit"]);
    assert!(table.contains("deploy.sh") && table.contains("token"), "{table}");
}

/// What time it is, at most: the age of a file that was just made.
fn now() -> Stamp {
    let made =
        tempfile::tempfile().and_then(|file| file.metadata()?.modified()).expect("there is room in /tmp");
    let since_epoch = made.duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    Stamp::new(since_epoch.saturating_sub(Duration::from_secs(1)))
}

#[test]
fn another_user_is_on_record_by_number_and_by_the_name_that_its_program_goes_by() {
    let (home, airbyte) = (Home::of(Person::owner()), Airbyte::start());
    let (_daemon, cli) = serving(&home, &airbyte);
    let mut curl = Person::root().command("curl");
    curl.args(["-s", "--unix-socket"]).arg(home.socket()).arg("http://localhost/v1/token");
    assert_eq!(Process::start(&mut curl, b"").wait().code(), Some(0));
    let record = recorded(&cli, "root is on record", |record| record["verb"] == "token");
    assert_eq!((&record["who"]["uid"], &record["who"]["comm"]), (&0.into(), &"curl".into()), "{record}");
    assert_eq!(record["who"]["program"], Value::Null, "its file cannot be seen: {record}");
}

#[test]
fn a_stranger_that_is_turned_away_is_on_record() {
    let (home, airbyte) = (Home::of(Person::owner()), Airbyte::start());
    let (_daemon, cli) = serving(&home, &airbyte);
    for path in [home.path().to_owned(), home.run(), home.socket().parent().expect("it has one").to_owned()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    fs::set_permissions(home.socket(), fs::Permissions::from_mode(0o666)).expect("it is ours");
    let mut curl = Person::stranger().command("curl");
    curl.args(["-s", "--unix-socket"]).arg(home.socket()).args(["http://localhost/v1/token"; 20]);
    assert!(Process::start(&mut curl, b"").wait().text().contains("peer_refused"));
    let refused = recorded(&cli, "the stranger is on record", |record| record["verb"] == "refused");
    let stranger = Person::stranger().uid();
    assert_eq!((&refused["outcome"], &refused["who"]["uid"]), (&"peer_refused".into(), &stranger.into()));
    let all = records(&cli);
    let count = verbs(&all).into_iter().filter(|verb| *verb == "refused").count();
    assert_eq!(count, 1, "once, and then it is counted");
}

#[test]
fn every_change_is_on_record_and_what_failed_with_why() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let (daemon, cli) = serving(&home, &airbyte);
    let http = daemon.http();
    assert_eq!(http.post("/v1/token/refresh").status, 200);
    let reject = serde_json::json!({"fingerprint": "0123456789abcdef"});
    assert_eq!(http.send(&Call::new("POST", "/v1/token/reject").json(&reject)).status, 200);
    cli.succeed(&["reload"]);
    drop(daemon.await_reload());
    daemon.reload();
    cli.succeed(&["use", "main"]);
    let wrong = cli.log_in_with(&airbyte, "file", "no-such-secret-at-all", &["-p", "other"]);
    assert_eq!(wrong.code(), Some(77), "{}", wrong.stderr);
    cli.succeed(&["logout"]);
    assert_eq!(daemon.stop().code(), Some(0));
    let all = records(&cli);
    let expected = [
        "begin", "start", "login", "refresh", "reject", "reload", "reload", "use", "login", "logout", "stop",
    ];
    assert_eq!(verbs(&all), expected);
    assert_eq!(
        (&all[4]["fingerprint"], &all[8]["outcome"]),
        (&"0123456789abcdef".into(), &"rejected".into())
    );
    assert_eq!((&all[6]["who"], &all[6]["detail"]), (&Value::Null, &"told by SIGHUP".into()));
    assert_eq!((&all[8]["profile"], &all[9]["profile"]), (&"other".into(), &"main".into()));
}

#[test]
fn a_program_that_asks_over_and_over_is_told_once_and_counted() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let (daemon, cli) = serving(&home, &airbyte);
    let http = daemon.http();
    for _ in 0..300 {
        assert_eq!(http.token(), airbyte.latest_token());
    }
    assert_eq!(daemon.stop().code(), Some(0));
    let all = records(&cli);
    let tokens: Vec<_> = all.iter().filter(|record| record["verb"] == "token").collect();
    let times: u64 = tokens.iter().map(|record| record["times"].as_u64().unwrap_or(1)).sum();
    assert_eq!(times, 300, "none is lost");
    assert!(tokens.len() <= 4, "the first, and one a minute: {tokens:?}");
    let trace: Value =
        serde_json::from_str(&cli.succeed(&["trace", "--json", &fingerprint(&airbyte)])).expect("JSON");
    assert_eq!(
        (trace["given"].as_array().map(Vec::len), &trace["given"][0]["times"]),
        (Some(1), &300.into())
    );
}

/// The public name of the latest token.
fn fingerprint(airbyte: &Airbyte) -> String {
    Hash::of(airbyte.latest_token().as_bytes()).to_string()[..16].to_owned()
}

#[test]
fn a_token_that_turned_up_is_traced_to_whoever_was_given_it() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let (_daemon, cli) = serving(&home, &airbyte);
    let token = airbyte.latest_token();
    let unknown = cli.succeed(&["trace", &fingerprint(&airbyte)]);
    assert!(
        unknown.starts_with("nobody was given token") && unknown.contains("as far as the log goes back"),
        "{unknown}"
    );
    cli.succeed(&["print"]);
    recorded(&cli, "it is on record", |record| record["verb"] == "token");
    for input in [token.clone(), format!("Authorization: Bearer {token}\n"), fingerprint(&airbyte)] {
        let ended = cli.start(&["trace"], &input).wait();
        assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
        let told = ended.text();
        assert!(told.contains(&fingerprint(&airbyte)) && told.contains("was given to:"), "{told}");
        assert!(told.contains(&format!("uid {}", home.person().uid())) && told.contains("main"), "{told}");
        Canary::of(&token).assert_absent("what trace says", told.as_bytes());
    }
    let refused = cli.run(&["trace", &token]);
    Canary::of(&token).assert_absent("the refusal", refused.stderr.as_bytes());
    let refused = assert_failed(refused, &["trace", "TOKEN"], 2);
    assert!(refused.contains("a token was given as an argument"), "{refused}");
}

#[test]
fn neither_secret_nor_token_is_in_the_log_whatever_is_asked() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    let (cli, http, token) = (Cli::of(&home), daemon.http(), airbyte.latest_token());
    cli.succeed(&["print"]);
    assert_ne!(http.get(&format!("/v1/token?profile={token}")).status, 200);
    assert_ne!(http.get(&format!("/v1/{token}")).status, 200);
    assert_ne!(
        http.send(&Call::new("GET", "/v1/token").header("origin", &format!("https://{token}"))).status,
        200
    );
    assert_ne!(
        http.send(&Call::new("POST", "/v1/token/reject").json(&serde_json::json!({"fingerprint": &token})))
            .status,
        200
    );
    assert_ne!(
        http.put(&format!("/v1/profiles/{}", airbyte.secret().expose()), &airbyte.profile("file")).status,
        200
    );
    cli.succeed(&["logout"]);
    assert_eq!(daemon.stop().code(), Some(0));
    let log = fs::read(current(&home)).expect("there is a log");
    assert!(log.windows(16).any(|text| text == fingerprint(&airbyte).as_bytes()), "fingerprints are");
    airbyte.secret().assert_absent("the log", &log);
    Canary::of(&token).assert_absent("the log", &log);
    for file in [current(&home), home.state()] {
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn the_chain_goes_on_over_restarts_and_kills() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let first = Daemon::start(&home);
    first.log_in("main", &airbyte, "file");
    let cli = Cli::of(&home);
    recorded(&cli, "the login is on record", |record| record["verb"] == "login");
    first.kill();
    let second = Daemon::start(&home);
    cli.succeed(&["print"]);
    assert_eq!(second.stop().code(), Some(0));
    assert_eq!(Daemon::start(&home).stop().code(), Some(0));
    let all = records(&cli);
    assert_eq!(verbs(&all), ["begin", "start", "login", "start", "token", "stop", "start", "stop"]);
    let seqs: Vec<_> = all.iter().filter_map(|record| record["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=8).collect::<Vec<_>>());
    let told = all[3]["detail"].as_str().unwrap_or_default();
    assert!(told.contains("did not stop by itself"), "{told}");
    assert_eq!((&all[1]["detail"], &all[6]["detail"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_line_that_a_power_cut_tore_is_closed_off_and_told() {
    let home = Home::new();
    let cli = Cli::of(&home);
    assert_eq!(Daemon::start(&home).stop().code(), Some(0));
    append(&current(&home), b"{\"seq\":4,\"time\":\"2030-");
    let ended = cli.run(&["audit", "--json"]);
    assert_eq!(ended.code(), Some(78));
    assert!(
        ended.stderr.contains("audit.log, line 4: the file ends in the middle of this record"),
        "{}",
        ended.stderr
    );
    assert_eq!(lines(&ended.text()).len(), 3, "what can be read is shown");
    let daemon = Daemon::start(&home);
    let torn = recorded(&cli, "it is told", |record| record["verb"] == "torn");
    assert_eq!(
        (&torn["seq"], &torn["detail"]),
        (&4.into(), &"22 bytes of a record that was never finished".into())
    );
    assert_eq!((problem(&daemon), daemon.stop().code()), (None, Some(0)));
    assert_eq!(verbs(&records(&cli)), ["begin", "start", "stop", "torn", "start", "stop"]);
}

#[test]
fn whoever_changes_a_line_is_found_out_and_the_rest_is_shown() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let (daemon, cli) = serving(&home, &airbyte);
    cli.succeed(&["print"]);
    assert_eq!(daemon.stop().code(), Some(0));
    let log = fs::read_to_string(current(&home)).expect("there is a log");
    let edited = log.replace("\"profile\":\"main\",\"fingerprint\"", "\"profile\":\"mine\",\"fingerprint\"");
    assert_ne!(edited, log);
    home.write(&current(&home), edited.as_bytes());
    let ended = cli.run(&["audit"]);
    assert_eq!(ended.code(), Some(78));
    let said = "audit.log, line 4, record 4: the record was changed after it was written";
    assert!(ended.stderr.contains(said) && ended.stderr.contains("in 1 place"), "{}", ended.stderr);
    assert_eq!(ended.text().lines().count(), 1 + 5, "{}", ended.text());
    assert_eq!(cli.run(&["trace", &fingerprint(&airbyte)]).code(), Some(78));
    let again = Daemon::start(&home);
    let told = eventually("status tells", PATIENCE, || problem(&again));
    assert!(told.contains(said), "{told}");
    let page = cli.succeed(&["status"]);
    assert!(page.contains(said) && page.contains("warning:"), "{page}");
}

#[test]
fn a_file_that_is_changed_while_the_daemon_runs_is_noticed_and_the_log_goes_on() {
    type Ruin = fn(&Path);
    let ruins: [(&str, Ruin); 4] = [
        ("was taken away", |file| fs::remove_file(file).expect("it is ours")),
        ("was replaced", |file| {
            fs::rename(file, file.with_extension("old")).expect("it is ours");
            fs::write(file, "").expect("there is room");
        }),
        ("bytes long and had 100", |file| {
            OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(100)).expect("it is ours");
        }),
        ("bytes long and had", |file| append(file, b"{}\n")),
    ];
    for (said, ruin) in ruins {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        let (daemon, cli) = serving(&home, &airbyte);
        recorded(&cli, "the login is on record", |record| record["verb"] == "login");
        ruin(&current(&home));
        assert_eq!(daemon.http().token(), airbyte.latest_token(), "{said}");
        let told = eventually(said, PATIENCE, || problem(&daemon));
        assert!(told.contains(said) && told.contains("while the daemon ran"), "{told}");
        let ended = eventually("the log goes on", PATIENCE, || {
            let ended = cli.run(&["audit", "--json"]);
            verbs(&lines(&ended.text())).contains(&"token").then_some(ended)
        });
        assert_eq!(ended.code(), Some(78), "{said}: {}", ended.stderr);
        assert!(verbs(&lines(&ended.text())).contains(&"damaged"), "{said}: {}", ended.text());
    }
}

#[test]
fn whoever_follows_is_told_as_it_happens_across_files_until_it_has_enough() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    fill(&home);
    let cli = Cli::of(&home);
    let following = cli.start(&["audit", "--json", "--follow", "-p", "main"], "");
    let (_daemon, cli) = serving(&home, &airbyte);
    following.stdout().wait_for("\"verb\":\"login\"");
    cli.succeed(&["print"]);
    following.stdout().wait_for("\"verb\":\"token\"");
    following.signal(Signal::INT);
    let ended = following.wait();
    assert_eq!((ended.signal(), ended.stderr.as_str()), (Some(Signal::INT.as_raw()), ""));
    assert_eq!(verbs(&lines(&ended.text())), ["login", "token"]);
}
