//! What the programs say and show of themselves: panics, arguments, environments, logs.

use std::{path::Path, process::Command, time::Duration};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Binary, Canary, Cli, Daemon, Ended, Home, Person, Process, Recipe, Traced,
};

/// Takes from a process what it waits with, as root: its next wait fails (strace(1)), which is a bug that its runtime
/// can only panic at.
fn break_waits_of(pid: u32) -> Process {
    let mut strace = Person::root().command("strace");
    let waits = "?epoll_wait,?epoll_pwait,?epoll_pwait2";
    strace.args([
        "-f",
        "-qq",
        "-e",
        &format!("trace={waits}"),
        "-e",
        &format!("inject={waits}:error=EINVAL"),
    ]);
    Process::start(strace.args(["-o", "/dev/null", "-p", &pid.to_string()]), b"")
}

/// What such a panic's text is.
const TEXT: &str = "unexpected error when polling";

/// The stand-in Airbyte, which does nothing about its panics, made to panic in the same way.
fn panic_of_another_program(home: &Home) -> Ended {
    let mut command = home.command(Binary::Sandbox);
    command.args(["--listen", "127.0.0.1:0"]).env("RUST_BACKTRACE", "full");
    let sandbox = Process::start(&mut command, b"");
    sandbox.stdout().wait_for("http://");
    let _broken = break_waits_of(sandbox.pid());
    sandbox.wait()
}

/// T13: a panic while the secret and a token are in memory tells its place, and neither its text nor who called whom.
/// The control: another program's panic, of the same cause, tells both.
#[test]
fn a_panic_tells_its_place_and_nothing_that_it_failed_on() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let recipe = Recipe::of(&home).arguments(&["--log", "trace"]).variable("RUST_BACKTRACE", "full");
    let daemon = recipe.start();
    daemon.log_in("main", &airbyte, "memory");
    let _broken = break_waits_of(daemon.pid());
    let ended = daemon.wait();
    assert!(ended.code() != Some(0) && !ended.dumped_core(), "{:?}", ended.code());
    assert!(ended.stderr.contains("internal fault; please report the place"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(TEXT) && !ended.stderr.contains("stack backtrace"), "{}", ended.stderr);
    let said = [ended.stderr.as_bytes(), &ended.stdout].concat();
    for canary in [airbyte.secret(), &Canary::of(airbyte.latest_token())] {
        canary.assert_absent("what it says", &said);
        canary.assert_absent_under(home.path());
    }

    let control = panic_of_another_program(&home);
    assert!(
        control.stderr.contains(TEXT) && control.stderr.contains("stack backtrace"),
        "{}",
        control.stderr
    );
}

/// The arguments and environments of all processes there are, as root sees them.
fn processes() -> Vec<u8> {
    let mut shell = Person::root().command("sh");
    shell.args(["-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; true"]);
    Process::start(&mut shell, b"").wait().stdout
}

/// A program that has what it should not in its arguments, or in its environment.
fn careless(argument: Option<&str>, variable: Option<&str>) -> Process {
    let mut command = Command::new("python3");
    command.args(["-c", "import time; print('ready', flush=True); time.sleep(600)"]).args(argument);
    command.envs(variable.map(|value| ("X", value)));
    let process = Process::start(&mut command, b"");
    process.stdout().wait_for("ready");
    process
}

/// T13: while a secret is on its way into the vault and a token comes out. The control: the same look finds it in
/// whoever takes it as an argument, or from the environment.
#[test]
fn no_process_shows_the_secret_or_a_token_in_its_arguments_or_environment() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    airbyte.add_fault(Fault::delay(Duration::from_millis(1500)));
    let cli = Cli::of(&home).variable("RUST_LOG", "trace").variable("RUST_BACKTRACE", "full");
    let (url, id, secret) = (airbyte.url(), airbyte.client_id().to_owned(), airbyte.secret());
    let login = ["login", "-p", "main", "--url", &url, "--client-id", &id, "--vault", "file"];
    let login = cli.start(&login, &format!("{}\n", secret.expose()));
    airbyte.wait_for_exchanges(1);
    secret.assert_absent("a process", &processes());
    let login = login.wait();
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    secret.assert_absent("what the client says", &[login.stderr.as_bytes(), &login.stdout].concat());
    let token = Canary::of(airbyte.latest_token());
    assert!(cli.succeed(&["header"]).contains(token.expose()));
    token.assert_absent("a process", &processes());

    for (argument, variable) in [(Some(secret.expose()), None), (None, Some(token.expose()))] {
        let _careless = careless(argument, variable);
        let seen = processes();
        let found = secret.found_in(&seen).or(token.found_in(&seen));
        assert!(found.is_some(), "the look finds it");
    }
}

/// T13: nobody whom the daemon would have to tell anything. The control: the tracer sees the daemon's own start, and
/// that of a program which another one starts.
#[test]
fn the_daemon_starts_no_program() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let traced = Traced::start(&home, "execve,execveat", &[]);
    let http = traced.http();
    assert_eq!(http.put("/v1/profiles/main", &airbyte.profile("file")).status, 200);
    assert_eq!(http.post("/v1/token/refresh").status, 200);
    assert_eq!(http.post("/v1/reload").status, 204);
    let (_, trace) = traced.stop();
    assert_eq!(started(&trace), 1, "{trace}");

    let file = home.path().join("control");
    let mut command = home.command_of(home.person(), Path::new("strace"));
    command.args(["-f", "-qq", "-e", "trace=execve,execveat", "-o"]).arg(&file).args([
        "sh",
        "-c",
        "true; date; true",
    ]);
    assert_eq!(Process::start(&mut command, b"").wait().code(), Some(0));
    assert_eq!(started(&std::fs::read_to_string(&file).expect("strace wrote it")), 2);
}

/// How many programs were started.
fn started(trace: &str) -> usize {
    trace.lines().filter(|line| line.contains("exec") && line.ends_with(" = 0")).count()
}
