//! The configuration while the daemon runs: broken, and put right; profiles taken out, moved, and left as they are.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, Http, Memory, PATIENCE, eventually};
use serde_json::Value;

/// What a person may leave behind in the middle of an edit, where the mistake is, and a word of what is said about it.
const BROKEN: [(&str, &str, &str); 20] = [
    ("defualt_profile = \"main\"\n", "1:1", "did you mean `default_profile`?"),
    ("\n\n  refersh = {}\n", "3:3", "did you mean `refresh`?"),
    ("[refresh]\nearly = \"5 hours\"\n", "2:1", "`refresh.early`"),
    ("[refresh]\nearly = \"0s\"\n", "2:1", "must be from 10s to 1h"),
    ("[refresh]\nidle_after = 8\n", "2:1", "must be text in quotes, not an integer"),
    ("[refresh]\nidel_after = \"8h\"\n", "2:1", "did you mean `idle_after`?"),
    ("[profiles.main\n", "1:15", "not TOML"),
    ("[profiles.main]\nservice = \"cloud\n", "2:17", "not TOML"),
    ("[profiles.main]\n[profiles.main]\n", "2:11", "not TOML"),
    ("profiles = 1\n", "1:1", "must be a table, not an integer"),
    (
        "[profiles.main]\nservice = \"cloud\"\nvault = \"memory\"\n",
        "1:11",
        "`profiles.main.client_id` is missing",
    ),
    (
        "[profiles.main]\nservice = \"clowd\"\nclient_id = \"x\"\nvault = \"memory\"\n",
        "2:1",
        "choose one of cloud",
    ),
    (
        "[profiles.main]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"safe\"\n",
        "4:1",
        "choose one of keyring",
    ),
    (
        "[profiles.main]\nservice = \"cloud\"\nclient_id = \"x\"\nvalut = \"memory\"\n",
        "4:1",
        "did you mean `vault`?",
    ),
    ("[profiles.\"a b\"]\n", "1:11", "a profile name has"),
    (
        "[profiles.main]\nservice = \"self-managed\"\nurl = \"http://10.0.0.1\"\nclient_id = \"x\"\nvault = \"memory\"\n",
        "3:1",
        "plain http is allowed to this machine only",
    ),
    (
        "[profiles.main]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\nca_file = \"ca.pem\"\n",
        "5:1",
        "the path must be absolute",
    ),
    (
        "[profiles.main]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\nclient_secret = \"hunter2hunter2\"\n",
        "5:1",
        "unknown key `profiles.main.client_secret`",
    ),
    ("[vault.file]\n", "1:8", "needs either `key_file` or `key_credential`"),
    ("default_profile = \"nobody\"\n", "1:1", "there is no [profiles.nobody]"),
];

/// Asks for the token all the while that this is done, and gives back how often; every answer was this one.
fn asked_during(http: &Http, token: &str, work: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(http.token(), token);
                answers += 1;
            }
            answers
        });
        let told = Done(&done);
        work();
        drop(told);
        asking.join().expect("every answer was right")
    })
}

/// Tells whoever goes on until then, also when a test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn problem(http: &Http) -> Option<String> {
    http.get("/v1/status").json()["config_problem"].as_str().map(str::to_owned)
}

/// Fault 22: twenty mistakes, one after the other.
#[test]
fn while_a_person_edits_every_mistake_is_named_with_its_place_and_the_token_is_served_throughout() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let (http, token, good) = (daemon.http(), airbyte.latest_token(), home.config());
    let answers = asked_during(&http, &token, || {
        for (number, (text, place, words)) in BROKEN.into_iter().enumerate() {
            home.write_config(text);
            let told = daemon.reload();
            let said = format!("{}:{place}: ", home.config_file().display());
            let problem = problem(&http).unwrap_or_default();
            assert!(problem.contains(&said) && problem.contains(words), "{said}{words}: {problem}");
            assert!(told.contains("serving with the old configuration") && told.contains(&said), "{told}");
            let log = eventually(&format!("the log names {said}{words}"), PATIENCE, || {
                let log = daemon.log().to_string();
                let line = log.lines().filter(|line| line.contains("the old one stays")).nth(number)?;
                (line.contains(&said) && line.contains(words)).then_some(log)
            });
            assert!(!log.contains("hunter2") && !problem.contains("hunter2"), "the place is enough");
        }
        home.write_config(&good);
        assert!(!daemon.reload().contains("old configuration"));
    });
    assert_eq!(problem(&http), None, "what was put right is no problem any more");
    assert!(answers >= BROKEN.len(), "{answers} answers");
    assert_eq!(airbyte.exchanges(), 1);
}

/// Fault 22: whoever asks for the reload is told.
#[test]
fn whoever_has_a_broken_file_reloaded_is_told_and_exits_with_78() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let (cli, good) = (Cli::of(&home), home.config());
    home.write_config(&good.replace("vault", "valut"));
    let said = cli.run(&["reload"]);
    assert_eq!((said.code(), said.stdout.len()), (Some(78), 0), "{}", said.stderr);
    assert!(
        said.stderr.contains("did you mean `vault`?") && said.stderr.contains("config.toml:"),
        "{}",
        said.stderr
    );
    let reply = daemon.http().post("/v1/reload");
    assert_eq!((reply.status, reply.code().as_str()), (409, "config_invalid"), "{}", reply.text());
    assert!(problem(&daemon.http()).is_some_and(|problem| problem.contains("did you mean `vault`?")));
    home.write_config(&good);
    cli.succeed(&["reload"]);
    assert_eq!(problem(&daemon.http()), None);
    assert_eq!((daemon.http().token(), airbyte.exchanges()), (airbyte.latest_token(), 1));
}

/// Fault 22: the file cannot be read at all.
#[test]
fn a_file_that_cannot_be_read_changes_nothing_until_it_can() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let (path, good) = (home.config_file(), home.config());
    let directory = || {
        fs::remove_file(&path).expect("it is ours");
        home.make_directory(&path);
    };
    let ruins: [(&dyn Fn(), &str); 3] = [
        (&|| home.write(&path, b"\xff\xfe = 1"), "valid UTF-8"),
        (&|| home.write(&path, &[b'#'; 1_100_000]), "larger than 1 MiB"),
        (&directory, "Is a directory"),
    ];
    for (ruin, words) in ruins {
        ruin();
        let told = daemon.reload();
        assert!(told.contains("serving with the old configuration") && told.contains(words), "{told}");
        let problem = problem(&daemon.http()).unwrap_or_default();
        assert!(problem.contains(words) && problem.contains(&path.display().to_string()), "{problem}");
        assert_eq!(daemon.http().token(), airbyte.latest_token());
    }
    fs::remove_dir(&path).expect("it is empty");
    home.write_config(&good);
    daemon.reload();
    assert_eq!((problem(&daemon.http()), airbyte.exchanges()), (None, 1));
}

/// Fault 23: taken out.
#[test]
fn a_profile_that_is_taken_out_is_not_found_any_more_and_its_token_is_wiped() {
    let (home, kept, removed) = (Home::new(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("kept", &kept, "memory");
    let without = home.config();
    daemon.log_in("removed", &removed, "memory");
    let token = removed.latest_token();
    let end = &token[token.len() - 24..];
    assert!(Memory::of(daemon.pid()).count(end) > 0, "the scan finds what is there");
    home.write_config(&without);
    daemon.reload();
    let reply = daemon.http().get("/v1/token?profile=removed");
    assert_eq!((reply.status, reply.code().as_str()), (404, "no_such_profile"), "{}", reply.text());
    Cli::of(&home).fail(&["print", "-p", "removed"], 78);
    eventually("the token is wiped", PATIENCE, || (Memory::of(daemon.pid()).count(end) == 0).then_some(()));
    let other = kept.latest_token();
    assert!(Memory::of(daemon.pid()).count(&other[other.len() - 24..]) > 0, "the other one is not");
    assert_eq!((daemon.http().token(), kept.exchanges(), removed.exchanges()), (other, 1, 1));
}

/// Fault 23: moved to another host.
#[test]
fn a_changed_url_gets_neither_secret_nor_token_and_wants_a_login() {
    let (home, airbyte, elsewhere) = (Home::new().with_file_vault(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    let good = home.config();
    home.write_config(&good.replace(&airbyte.url(), &elsewhere.url()));
    daemon.reload();
    let reply = daemon.http().get("/v1/token?wait=2s");
    assert_eq!((reply.status, reply.code().as_str()), (424, "log_in_again"), "{}", reply.text());
    assert_eq!(daemon.http().status_of("main")["state"], "log_in_again");
    assert_eq!(daemon.http().post("/v1/token/refresh?wait=5s").code(), "log_in_again");
    Cli::of(&home).fail(&["print"], 78);
    assert_eq!(elsewhere.counts().connections, 0, "the new host hears nothing at all");
    daemon.log_in("main", &elsewhere, "file");
    assert_eq!(daemon.http().token(), elsewhere.latest_token());
    assert_eq!(airbyte.exchanges(), 1);
}

/// Fault 23: everything around it is edited.
#[test]
fn a_profile_that_is_the_same_after_every_edit_keeps_its_token_and_costs_no_exchange() {
    let (home, airbyte, other) = (Home::new(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let (good, fingerprint) = (home.config(), daemon.http().status_of("main")["fingerprint"].clone());
    let edits = [
        good.replace("\nurl", "\n\n# moved\nurl"),
        good.clone() + &other.profile_in_config("other", "memory"),
        format!("default_profile = \"main\"\n{}", good.replace("default_profile", "#")),
        good.replace("early = \"5m\"", "early = \"1m\""),
        good,
    ];
    for edit in edits {
        assert!(home.config() != edit, "it is an edit");
        home.write_config(&edit);
        assert!(!daemon.reload().contains("old configuration"), "{:?}", problem(&daemon.http()));
        let status = daemon.http().status_of("main");
        assert_eq!((&status["fingerprint"], &status["state"]), (&fingerprint, &Value::from("fresh")));
    }
    assert_eq!((airbyte.exchanges(), other.counts().connections), (1, 0));
}
