//! Where a secret must never turn up: logs, files, arguments, environments, replies, memory, cores.

use std::{fs, path::Path, thread, time::Duration};

use airbyte_sandbox::{Fault, Reply as Answer, Trouble};
use airbyte_tokend_tests::{
    Airbyte, Binary, Canary, Cli, Daemon, Ended, Home, Memory, PATIENCE, Person, Process, Recipe, Traced,
    eventually, timed,
};
use rustix::process::Signal;
use serde_json::json;

/// What `/proc` tells of a process, as root sees it.
fn proc_of(pid: u32, name: &str) -> Vec<u8> {
    let mut cat = Person::root().command("cat");
    let ended = Process::start(cat.arg(format!("/proc/{pid}/{name}")), b"").wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended.stdout
}

fn assert_absent_in_process(canary: &Canary, process: &str, pid: u32) {
    for name in ["cmdline", "environ"] {
        let bytes = proc_of(pid, name);
        assert!(!bytes.is_empty(), "{process} has a {name}");
        canary.assert_absent(&format!("the {name} of {process}"), &bytes);
    }
}

/// The last of the answers to whatever the client and the API can be asked.
fn ask_everything(home: &Home, daemon: &Daemon) -> Vec<Vec<u8>> {
    let cli = Cli::of(home);
    let said = |Ended { stdout, stderr, .. }| [stdout, stderr.into_bytes()].concat();
    let mut all: Vec<_> = [
        &["status"][..],
        &["status", "--json"],
        &["profiles"],
        &["profiles", "--json"],
        &["refresh"],
        &["print", "-p", "other"],
        &["print", "--min-ttl", "1h"],
        &["use", "main"],
    ]
    .map(|arguments| said(cli.run(arguments)))
    .into();
    for target in ["/v1/status", "/v1/profiles", "/v1/profiles/main", "/v1/nothing", "/readyz"] {
        all.push(daemon.http().get(target).body);
    }
    all
}

#[test]
fn a_secret_leaves_no_trace_on_its_whole_way_with_everything_at_trace() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let secret = airbyte.secret();
    let daemon = Recipe::of(&home).arguments(&["--log", "trace"]).start();
    airbyte.add_fault(Fault::delay(Duration::from_millis(1200)));
    let (url, id) = (airbyte.url(), airbyte.client_id().to_owned());
    let login = ["login", "-p", "main", "--url", &url, "--client-id", &id, "--vault", "file"];
    let login = Cli::of(&home).start(&login, &format!("{}\n", secret.expose()));
    airbyte.wait_for_exchanges(1);
    assert_absent_in_process(secret, "the client", login.pid());
    assert_absent_in_process(secret, "the daemon", daemon.pid());
    let login = login.wait();
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    secret.assert_absent("what login says", &[&login.stdout, login.stderr.as_bytes()].concat());

    let token = Canary::of(airbyte.latest_token());
    let printed = Cli::of(&home).start(&["print"], "");
    assert_eq!(token.found_in(&printed.wait().stdout), Some("as it is"), "where it belongs");
    for answer in ask_everything(&home, &daemon) {
        secret.assert_absent("an answer", &answer);
        token.assert_absent("an answer", &answer);
    }
    daemon.reload();
    let fingerprint =
        daemon.http().status_of("main")["fingerprint"].as_str().expect("it has a token").to_owned();

    let log = daemon.stop().stderr;
    assert!(log.contains(&fingerprint), "tokens are named by their fingerprints");
    assert!(
        log.contains("TRACE") && log.contains(&airbyte.address().port().to_string()),
        "everything is logged"
    );
    for canary in [secret, &token, &Canary::of(airbyte.latest_token())] {
        canary.assert_absent("the log", log.as_bytes());
        canary.assert_absent_under(home.path());
    }
}

#[test]
fn of_all_that_the_daemon_writes_only_the_request_to_airbyte_holds_the_secret() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let traced = Traced::start(&home, Traced::WRITES, &[]);
    let http = traced.http();
    assert_eq!(http.put("/v1/profiles/main", &airbyte.profile("file")).status, 200);
    let token = http.token();
    assert_eq!(http.post("/v1/token/refresh").status, 200);
    airbyte.set_secret("another-secret-by-now");
    assert_eq!(http.post("/v1/token/refresh").code(), "rejected");
    for target in ["/v1/status", "/v1/profiles", "/v1/profiles/main", "/v1/profiles/main/secret"] {
        assert_ne!(http.get(target).status, 500);
    }
    let (ended, trace) = traced.stop();
    assert_eq!(ended.code(), Some(0));

    let holding = |text: &str| trace.lines().filter(|line| line.contains(text)).collect::<Vec<_>>();
    let requests = holding(&airbyte.secret().expose()[..24]);
    assert_eq!(requests.len(), 3, "one exchange, one write: {requests:?}");
    let to_airbyte = format!("->{}]>", airbyte.address());
    assert!(requests.iter().all(|line| line.contains(&to_airbyte)), "to Airbyte alone");
    let replies = holding(&token[token.len() - 24..]);
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert!(replies[0].contains("/airbyte-tokend/api."), "to the caller alone: {replies:?}");
}

/// What Airbyte might say that repeats what it was asked, or worse.
fn talkative(text: &str) -> Vec<Fault> {
    let answer = |code: u16, kind: &str, body: String| {
        let content = Some((kind.to_owned(), body));
        Fault::new(Trouble::Reply(Answer::Status { code, content }))
    };
    let json = |code, body: serde_json::Value| answer(code, "application/json", body.to_string());
    vec![
        json(400, json!({ "message": text, "exceptionStack": [text] })),
        json(401, json!({ "errorId": text, "message": text })),
        json(403, json!({ "type": "error", "title": text, "detail": text })),
        json(422, json!({ "message": format!("cannot parse {{\"client_secret\": \"{text}\"}}") })),
        json(
            500,
            json!({ "message": "Internal Server Error", "_embedded": { "errors": [{ "message": text }] } }),
        ),
        json(200, json!({ "access_token": format!("{text}\n{text}") })),
        json(200, json!({ "access_token": 5, "expires_in": text, "token_type": text })),
        answer(200, "text/html", format!("<html><title>{text}</title>{text}</html>")),
        answer(502, "text/html", format!("<h1>{text}</h1>")),
        answer(503, "text/plain", text.to_owned()),
    ]
}

/// Does this for every such answer, at the same time: most of it is waiting.
fn for_each_answer(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..talkative(&"?".repeat(40)).len() {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn an_answer_to_a_login_that_repeats_the_secret_is_neither_logged_nor_passed_on() {
    for_each_answer(|number| {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        let daemon = Recipe::of(&home).arguments(&["--log", "trace"]).start();
        airbyte.add_fault(talkative(airbyte.secret().expose()).swap_remove(number));
        let login = Cli::of(&home).log_in(&airbyte, "memory", &[]);
        assert_ne!(login.code(), Some(0), "answer {number}");
        let log = daemon.stop().stderr;
        assert!(log.contains("TRACE"), "everything is logged");
        let said = [login.stderr, log].concat();
        airbyte.secret().assert_absent(&format!("log and replies after answer {number}"), said.as_bytes());
    });
}

/// A daemon's first renewal is answered with this; gives back what callers are told, and the log.
fn renewal_answered_with(airbyte: &Airbyte, fault: Fault) -> (Vec<u8>, String) {
    let home = Home::new();
    let daemon = Recipe::of(&home).arguments(&["--log", "trace"]).start();
    daemon.log_in("main", airbyte, "memory");
    airbyte.add_fault(fault);
    let renewal = daemon.http().post("/v1/token/refresh?wait=5s");
    assert_ne!(renewal.status, 200, "{}", renewal.text());
    let status = daemon.http().get("/v1/status");
    let log = daemon.stop().stderr;
    assert!(log.contains("got no token"), "the failure itself is logged: {log}");
    ([renewal.body, status.body].concat(), log)
}

#[test]
fn an_answer_to_a_renewal_that_repeats_the_secret_is_neither_logged_nor_passed_on() {
    for_each_answer(|number| {
        let airbyte = Airbyte::start();
        let fault = talkative(airbyte.secret().expose()).swap_remove(number);
        let (said, log) = renewal_answered_with(&airbyte, fault);
        let place = format!("log and replies after answer {number}");
        airbyte.secret().assert_absent(&place, &[&said, log.as_bytes()].concat());
    });
}

#[test]
fn an_answer_s_body_is_never_in_the_log() {
    for_each_answer(|number| {
        let (airbyte, canary) = (Airbyte::start(), Canary::new("body"));
        let fault = talkative(canary.expose()).swap_remove(number);
        let (_, log) = renewal_answered_with(&airbyte, fault);
        canary.assert_absent(&format!("the log after answer {number}"), log.as_bytes());
    });
}

#[test]
fn after_an_exchange_no_copy_of_the_secret_is_left_in_memory() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let beginning = &airbyte.secret().expose()[..24];
    let copies = |daemon: &Daemon| {
        let memory = Memory::of(daemon.pid());
        assert!(memory.count(airbyte.client_id()) > 0, "the scan finds what is there");
        memory.count(beginning)
    };
    daemon.log_in("main", &airbyte, "file");
    eventually("the secret is gone after a login", PATIENCE, || (copies(&daemon) == 0).then_some(()));
    assert_eq!(daemon.http().post("/v1/token/refresh").status, 200);
    eventually("the secret is gone after a renewal", PATIENCE, || (copies(&daemon) == 0).then_some(()));
    daemon.stop();

    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    eventually("the secret is gone after an exchange", PATIENCE, || (copies(&daemon) == 0).then_some(()));
    daemon.log_in("main", &airbyte, "memory");
    assert!(copies(&daemon) > 0, "the memory vault keeps it, and the scan finds it there");
}

#[test]
fn a_logout_leaves_neither_secret_nor_token_in_memory_or_files() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("kept", &Airbyte::start(), "memory");
    daemon.log_in("main", &airbyte, "memory");
    let token = airbyte.latest_token();
    let needles = [&airbyte.secret().expose()[..24], &token[token.len() - 24..]];
    let copies = || {
        let memory = Memory::of(daemon.pid());
        needles.map(|needle| memory.count(needle))
    };
    assert!(copies().iter().all(|count| *count > 0), "the scan finds what is there");
    Cli::of(&home).succeed(&["logout", "-p", "main"]);
    eventually("both are gone", PATIENCE, || (copies() == [0, 0]).then_some(()));
}

/// Whether this user can read this file of a process.
fn can_read(person: Person, pid: u32, name: &str) -> bool {
    let mut cat = person.command("head");
    let ended = Process::start(cat.args(["--bytes=1", &format!("/proc/{pid}/{name}")]), b"").wait();
    ended.code() == Some(0)
}

#[test]
fn other_processes_of_the_same_user_cannot_look_into_the_daemon() {
    let (home, owner) = (Home::of(Person::owner()), Person::owner());
    let daemon = Daemon::start(&home);
    let mut command = home.command_of(owner, Path::new("sleep"));
    let control = Process::start(command.arg("600"), b"");
    for name in ["environ", "maps", "auxv"] {
        eventually("the control process can be looked into", PATIENCE, || {
            can_read(owner, control.pid(), name).then_some(())
        });
        assert!(!can_read(owner, daemon.pid(), name), "{name}");
    }
    assert!(can_read(owner, daemon.pid(), "cmdline"), "there is nothing in it that others may not know");
}

/// The limits on the size of a core, soft and hard.
fn core_limits(process: &Process) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.pid())).expect("anybody may read it");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("it is listed");
    core.split_whitespace().skip(4).take(2).map(str::to_owned).collect()
}

#[test]
fn a_crash_leaves_no_core() {
    let home = Home::new();
    let unlimited = |program: &Path, argument: &str| {
        let mut command = home.command_of(home.person(), Path::new("prlimit"));
        Process::start(command.arg("--core=unlimited:unlimited").arg(program).arg(argument), b"")
    };
    let control = unlimited(Path::new("sleep"), "600");
    eventually("the limit is raised", PATIENCE, || (core_limits(&control) == ["unlimited"; 2]).then_some(()));
    let daemon = unlimited(&Binary::Daemon.path(), "--log=info");
    daemon.stderr().wait_for("serving");
    assert_eq!(core_limits(&daemon), ["0", "0"]);
    daemon.signal(Signal::ABORT);
    let ended = daemon.wait();
    assert_eq!((ended.signal(), ended.dumped_core()), (Some(Signal::ABORT.as_raw()), false));
    let names = fs::read_dir(home.path()).expect("it is ours").flatten().map(|entry| entry.file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with("core")));
}

#[test]
fn no_proxy_is_taken_from_the_environment() {
    let (home, airbyte, proxy) = (Home::new(), Airbyte::start(), Airbyte::start());
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let recipe = variables.iter().fold(Recipe::of(&home), |recipe, name| recipe.variable(name, &proxy.url()));
    let daemon = recipe.start();
    daemon.log_in("main", &airbyte, "memory");
    assert_eq!((airbyte.exchanges(), proxy.counts().connections), (1, 0));

    let mut curl = home.command_of(home.person(), Path::new("curl"));
    curl.env("http_proxy", proxy.url()).args(["--silent", "--max-time", "20"]).arg(airbyte.url());
    drop(Process::start(&mut curl, b"").wait());
    assert_eq!(proxy.counts().connections, 1, "curl does take it");
}

#[test]
fn a_log_filter_that_cannot_be_read_is_told_without_delay() {
    let home = Home::new();
    let (ended, took) = timed(|| Recipe::of(&home).arguments(&["--log", "a=b=c"]).fail());
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(!ended.stderr.is_empty() && took < PATIENCE);
}
