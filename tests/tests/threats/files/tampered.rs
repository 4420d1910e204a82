//! Files that the daemon believes, and others can write to: it neither starts with them, nor reloads, nor edits them.

use std::path::{Path, PathBuf};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, Person, Recipe, assert_failed};

use super::{give, set_mode};

/// What is wrong with a file, and the words for it.
struct Hole {
    place: fn(&Home) -> PathBuf,
    tear: fn(&Path),
    mend: fn(&Home, &Path),
    words: &'static str,
}

fn close(home: &Home, path: &Path) {
    give(path, home.person().uid(), home.person().uid());
    set_mode(path, if path.is_dir() { 0o700 } else { 0o600 });
}

fn config_directory(home: &Home) -> PathBuf {
    home.config_file().parent().expect("it is in one").to_owned()
}

fn to_stranger(path: &Path) {
    give(path, Person::stranger().uid(), Person::stranger().uid());
}

/// Root's group, which new files of the tests may have, is no hole.
fn to_owners_group(path: &Path) {
    give(path, Person::owner().uid(), Person::owner().uid());
}

/// Holes in the configuration.
const HOLES: [Hole; 4] = [
    Hole {
        place: Home::config_file,
        tear: |path| {
            to_owners_group(path);
            set_mode(path, 0o666);
        },
        mend: close,
        words: "mode 0666) can be changed by everybody; run: chmod go-w ",
    },
    Hole {
        place: Home::config_file,
        tear: |path| {
            to_stranger(path);
            set_mode(path, 0o644);
        },
        mend: close,
        words: "(owner 61501, group 61501, mode 0644) belongs to another user, who could replace it; run: chown ",
    },
    Hole {
        place: config_directory,
        tear: |path| {
            to_owners_group(path);
            set_mode(path, 0o775);
        },
        mend: close,
        words: "mode 0775) can be changed by its group; run: chmod g-w ",
    },
    Hole {
        place: config_directory,
        tear: |path| {
            to_stranger(path);
            set_mode(path, 0o755);
        },
        mend: close,
        words: "(owner 61501, group 61501, mode 0755) belongs to another user",
    },
];

/// A home whose configuration has a profile of this Airbyte, and its daemon with a token.
fn serving(airbyte: &Airbyte) -> (Home, Daemon) {
    let home = Home::of(Person::owner()).with_file_vault();
    let daemon = Daemon::start(&home);
    daemon.log_in("main", airbyte, "file");
    (home, daemon)
}

/// T16: the configuration is open to others when the daemon starts.
#[test]
fn a_daemon_does_not_start_with_a_configuration_that_others_can_replace() {
    let home = Home::of(Person::owner()).with_file_vault();
    for hole in HOLES {
        let place = (hole.place)(&home);
        (hole.tear)(&place);
        for arguments in [&[][..], &["--check"]] {
            let ended = Recipe::of(&home).arguments(arguments).fail();
            assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
            let named = ended.stderr.contains(&format!("{} (owner ", place.display()));
            assert!(named && ended.stderr.contains(hole.words), "{}: {}", hole.words, ended.stderr);
        }
        (hole.mend)(&home, &place);
        assert_eq!(Daemon::start(&home).stop().code(), Some(0), "mended, it starts");
    }
}

/// T16: others come to the configuration while the daemon runs.
#[test]
fn a_configuration_that_others_can_replace_is_not_reloaded_and_the_old_one_is_served() {
    let (airbyte, elsewhere) = (Airbyte::start(), Airbyte::start());
    let (home, daemon) = serving(&airbyte);
    let good = home.config();
    for hole in HOLES {
        let place = (hole.place)(&home);
        home.write_config(&good.replace(&airbyte.url(), &elsewhere.url()));
        (hole.tear)(&place);
        let told = daemon.reload();
        assert!(told.contains("serving with the old configuration") && told.contains(hole.words), "{told}");
        let problem = daemon.http().get("/v1/status").json()["config_problem"].to_string();
        assert!(problem.contains(&place.display().to_string()) && problem.contains(hole.words), "{problem}");
        let reload = Cli::of(&home).run(&["reload"]);
        assert!(reload.code() == Some(78) && reload.stderr.contains(hole.words), "{}", reload.stderr);
        assert!(daemon.await_reload().contains(hole.words), "the service manager is told each time");
        assert_eq!(daemon.http().token(), airbyte.latest_token());
        (hole.mend)(&home, &place);
    }
    assert_eq!(elsewhere.counts().connections, 0);
    daemon.reload();
    assert_eq!(daemon.http().get("/v1/token").code(), "log_in_again", "mended, it is read");
    assert_eq!(elsewhere.counts().connections, 0);
}

/// T16: a login would write to a configuration that others can replace.
#[test]
fn a_login_writes_to_no_configuration_that_others_can_replace() {
    let airbyte = Airbyte::start();
    let (home, daemon) = serving(&airbyte);
    let (good, exchanges) = (home.config(), airbyte.exchanges());
    for hole in HOLES {
        let place = (hole.place)(&home);
        (hole.tear)(&place);
        let login = Cli::of(&home).log_in(&airbyte, "file", &["-p", "more"]);
        let said = assert_failed(login, &["login"], 78);
        assert!(said.contains(hole.words), "{said}");
        (hole.mend)(&home, &place);
        assert_eq!((home.config(), airbyte.exchanges()), (good.clone(), exchanges));
    }
    daemon.log_in("more", &airbyte, "file");
    assert_ne!(home.config(), good, "mended, it is written to");
}

/// T16: others come to what the daemon reads beside its configuration.
#[test]
fn a_daemon_does_not_start_with_other_files_that_others_can_replace() {
    let airbyte = Airbyte::start();
    let (home, daemon) = serving(&airbyte);
    daemon.stop();
    home.make_directory(&home.path().join("trust"));
    home.write(&home.path().join("trust/ca.pem"), b"");
    let ca = format!(
        "[profiles.other]\nservice = \"self-managed\"\nurl = \"https://127.0.0.1:9\"\nclient_id = \"x\"\nvault = \"memory\"\nca_file = \"{}\"\n",
        home.path().join("trust/ca.pem").display()
    );
    home.write(&home.path().join("trust/ca.pem"), authority().as_bytes());
    home.write_config(&(home.config() + &ca));
    let open: fn(&Path) = |path| set_mode(path, 0o777);
    let places: [fn(&Home) -> PathBuf; 6] = [
        |home| home.state(),
        |home| home.state().join("memory.json"),
        |home| home.state().join("secrets"),
        |home| home.path().join("key"),
        |home| home.path().join("trust"),
        |home| home.path().join("trust/ca.pem"),
    ];
    for place in places.map(|place| place(&home)) {
        open(&place);
        for arguments in [&[][..], &["--check"]] {
            let ended = Recipe::of(&home).arguments(arguments).fail();
            assert_eq!(ended.code(), Some(78), "{}: {}", place.display(), ended.stderr);
            let named = format!("{} (owner {}, group ", place.display(), home.person().uid());
            assert!(ended.stderr.contains(&named), "{named}: {}", ended.stderr);
            assert!(ended.stderr.contains("mode 0777) can be changed by everybody"), "{}", ended.stderr);
        }
        close(&home, &place);
    }
    let daemon = Daemon::start(&home);
    assert!(!daemon.http().get("/v1/token?profile=main").body.is_empty(), "mended, it starts");
}

/// T16: what systemd loads for the daemon is believed as long as only root can write there.
#[test]
fn a_credential_is_the_key_where_root_alone_can_replace_it() {
    let (home, airbyte) = (Home::of(Person::owner()), Airbyte::start());
    let credentials = home.path().join("credentials");
    home.make_directory(&credentials);
    home.write(&credentials.join("seal"), &[b'k'; 32]);
    // As systemd.exec(5) has it: root's, and to be read by the service.
    give(&credentials.join("seal"), 0, home.person().uid());
    set_mode(&credentials.join("seal"), 0o440);
    give(&credentials, 0, home.person().uid());
    set_mode(&credentials, 0o550);
    home.write_config("[vault.file]\nkey_credential = \"seal\"\n");
    let recipe = Recipe::of(&home).variable("CREDENTIALS_DIRECTORY", &credentials.display().to_string());
    let daemon = recipe.start();
    daemon.log_in("main", &airbyte, "file");
    set_mode(&credentials, 0o770);
    let refused = daemon.try_log_in("main", &airbyte, "file");
    let named = format!("{} (owner 0, ", credentials.display());
    assert!(refused.code() == "vault_unreadable" && refused.text().contains(&named), "{}", refused.text());
}

/// A certificate authority's certificate.
fn authority() -> String {
    rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("a key can be made").cert.pem()
}
