//! What is left on the disk: for whoever finds a backup, or takes the machine.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use airbyte_tokend_tests::{Airbyte, Call, Canary, Cli, Home, Keyring, Process, Recipe, Traced};
use serde_json::json;

use super::airbytes;

/// The files under a directory in which it is, in whatever disguise.
fn files_with(canary: &Canary, directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).expect("it can be listed").flatten();
    entries
        .flat_map(|entry| match entry.file_type().expect("it is there") {
            kind if kind.is_dir() => files_with(canary, &entry.path()),
            kind if kind.is_file() => {
                let bytes = fs::read(entry.path()).expect("it can be read");
                canary.found_in(&bytes).map(|_| entry.path()).into_iter().collect()
            }
            _ => BTreeSet::new(),
        })
        .collect()
}

/// A day of a person and a daemon, in a minute: everything that there is to do with a profile in each vault, a kill in
/// the middle, and a stop. Gives back the secret of a local client that was made meanwhile.
fn live(home: &Home, bus: &str, airbytes: &[(&'static str, Airbyte)]) -> Canary {
    let recipe = Recipe::of(home).variable("DBUS_SESSION_BUS_ADDRESS", bus).arguments(&["--log", "trace"]);
    let (daemon, cli) = (recipe.start(), Cli::of(home));
    for (vault, airbyte) in airbytes {
        daemon.log_in(vault, airbyte, vault);
        for command in ["print", "header", "refresh", "status", "explain"] {
            cli.succeed(&[command, "-p", vault]);
        }
    }
    cli.succeed(&["use", "file"]);
    let client = json!({ "name": "tool", "profile": "file", "mode": "token" });
    let client = daemon.http().send(&Call::new("POST", "/v1/clients").json(&client)).json();
    daemon.kill();
    let daemon = recipe.start();
    for vault in ["file", "keyring"] {
        cli.succeed(&["print", "-p", vault]);
        cli.succeed(&["refresh", "-p", vault]);
    }
    daemon.reload();
    assert_eq!(daemon.stop().code(), Some(0));
    Canary::of(client["secret"].as_str().expect("it was made"))
}

/// T14: the vaults' files, the daemon's memory of the past, its list of local clients, its audit log, the lock, the
/// configuration, and the keyring's own. The
/// control: planted in one file more, in each disguise, it is found there.
#[test]
fn after_a_whole_run_no_file_holds_a_secret_or_a_token() {
    let (home, airbytes) = (Home::new().with_file_vault(), airbytes());
    let keyring = Keyring::start(&home);
    let client = live(&home, keyring.address(), &airbytes);
    assert_eq!(files_with(&client, home.path()), BTreeSet::new(), "a local client's secret");
    assert!(
        fs::read_dir(keyring.files()).expect("it has files").count() > 0,
        "the keyring's files are searched"
    );
    assert!(home.state().join("secrets").exists(), "and the sealed file");
    assert!(fs::read_dir(home.state()).expect("it is ours").count() >= 4, "and what else it keeps");
    for (vault, airbyte) in &airbytes {
        assert!(airbyte.issued_tokens().len() > 1);
        let tokens = airbyte.issued_tokens().into_iter().map(Canary::of);
        for canary in tokens.chain([Canary::of(airbyte.secret().expose())]) {
            assert_eq!(files_with(&canary, home.path()), BTreeSet::new(), "{vault}");
        }
    }

    let planted = home.state().join("planted");
    let secret = airbytes[0].1.secret();
    for (disguise, text) in secret.disguises() {
        home.write(&planted, format!("{{\"a\":\"b{text}c\"}}").as_bytes());
        assert_eq!(files_with(secret, home.path()), BTreeSet::from([planted.clone()]), "{disguise}");
    }
}

/// The system calls that make a file, or open one.
const OPENS: &str =
    "?open,openat,?openat2,?creat,memfd_create,?rename,renameat,?renameat2,?link,linkat,?mknod,mknodat";

/// The files that a program opened to write, as a trace tells them.
fn written(trace: &str) -> BTreeSet<PathBuf> {
    let to_write =
        |line: &&str| ["O_WRONLY", "O_RDWR", "O_CREAT", "creat("].iter().any(|flag| line.contains(flag));
    let opened = |line: &str| {
        let (_, result) = line.rsplit_once(" = ")?;
        let (_, path) = result.split_once('<')?;
        path.split(['<', '>']).next().map(PathBuf::from)
    };
    trace.lines().filter(to_write).filter_map(opened).collect()
}

/// T14: what is not in the daemon's directories cannot be forgotten there. The control: a program that keeps a
/// temporary file is seen to.
#[test]
fn the_daemon_writes_into_its_own_directories_only() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let traced = Traced::start(&home, OPENS, &[]);
    let http = traced.http();
    assert_eq!(http.put("/v1/profiles/main", &airbyte.profile("file")).status, 200);
    assert_eq!(http.post("/v1/token/refresh").status, 200);
    assert_eq!(http.post("/v1/reload").status, 204);
    let (_, trace) = traced.stop();
    let own = [home.state(), home.run().join("airbyte-tokend"), home.path().join("config/airbyte-tokend")];
    let files = written(&trace);
    assert!(own.iter().all(|place| files.iter().any(|path| path.starts_with(place))), "{files:?}");
    let elsewhere = files.iter().filter(|path| !own.iter().any(|place| path.starts_with(place)));
    assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<&PathBuf>::new());

    let (file, kept) = (home.path().join("control"), home.path().join("home/kept"));
    let mut command = home.command_of(home.person(), "strace".as_ref());
    command.args(["-f", "-qq", "-yy", "-e", &format!("trace={OPENS}"), "-o"]).arg(&file);
    command.args(["sh", "-c", "echo a-secret >$1; rm $1", "sh"]).arg(&kept);
    assert_eq!(Process::start(&mut command, b"").wait().code(), Some(0));
    let trace = fs::read_to_string(&file).expect("strace wrote it");
    assert_eq!(written(&trace), BTreeSet::from([kept]));
}
