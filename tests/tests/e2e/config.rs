//! The configuration: refused whole with every mistake named, reloaded whole or not at all, edited without loss.

use std::{fs, os::unix::fs::symlink};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, Recipe, assert_failed};

const MISTAKES: &str = r#"# three mistakes
defualt_profile = "main"
[refresh]
early = "5 hours"
[profiles.main]
service = "cloud"
client_id = "x"
valut = "memory"
"#;

#[test]
fn a_file_with_mistakes_is_refused_with_all_of_them_and_a_guess_for_each() {
    let home = Home::new();
    home.write_config(MISTAKES);
    let at = |line: u32| format!("{}:{line}:1: ", home.config_file().display());
    let ended = Recipe::of(&home).fail();
    let check = Recipe::of(&home).arguments(&["--check"]).fail();
    for ended in [ended, check] {
        assert_eq!(ended.code(), Some(78));
        for complaint in [
            at(2) + "unknown key `defualt_profile`; did you mean `default_profile`?",
            at(4) + "`refresh.early`",
            at(8) + "unknown key `profiles.main.valut`; did you mean `vault`?",
        ] {
            assert!(ended.stderr.contains(&complaint), "`{complaint}` is not in\n{}", ended.stderr);
        }
    }
    assert!(!home.socket().exists(), "it took nothing before it had read its configuration");
}

#[test]
fn a_file_in_order_is_said_to_be() {
    let home = Home::new().with_file_vault();
    let check = Recipe::of(&home).arguments(&["--check"]).fail();
    assert_eq!(check.code(), Some(0), "{}", check.stderr);
}

/// What `--check` says of this configuration; nothing, when it is in order.
fn complaints(home: &Home, config: &str) -> String {
    home.write_config(config);
    let check = Recipe::of(home).arguments(&["--check"]).fail();
    let in_order = check.stderr.contains("the configuration is in order");
    assert_eq!(check.code(), Some(if in_order { 0 } else { 78 }), "{}", check.stderr);
    if in_order { String::new() } else { check.stderr }
}

#[test]
fn the_files_that_it_names_are_looked_at_too() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let vault = home.file_vault();
    let (key, other, ca) = (home.path().join("key"), home.path().join("other"), home.path().join("ca.pem"));
    let named = format!("ca_file = \"{}\"\n", ca.display());
    let trusting =
        vault.clone() + &airbyte.profile_in_config("main", "file").replace("http:", "https:") + &named;
    assert!(complaints(&home, &trusting).contains("ca.pem: cannot be read"), "there is none");
    home.write(&ca, b"no certificate");
    assert!(complaints(&home, &trusting).contains("has no BEGIN CERTIFICATE"));
    let authority = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).expect("it can be made");
    home.write(&ca, authority.cert.pem().as_bytes());
    assert_eq!(complaints(&home, &trusting), "");

    home.write(&key, b"too short");
    home.write(&ca, b"");
    let all = complaints(&home, &trusting);
    assert!(all.contains("the key has fewer than 32 bytes") && all.contains("BEGIN CERTIFICATE"), "{all}");
    fs::remove_file(&key).expect("it is ours");
    assert!(complaints(&home, &vault).contains("there is no key file"));
    assert!(
        complaints(&home, &airbyte.profile_in_config("main", "file")).contains("no file vault is set up")
    );

    let vault = home.file_vault();
    home.write_config(&vault);
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    daemon.stop();
    let with_profile = home.config();
    assert_eq!(complaints(&home, &with_profile), "");
    home.write(&other, &[b'k'; 32]);
    let another = with_profile.replace(&key.display().to_string(), &other.display().to_string());
    assert!(complaints(&home, &another).contains("[vault.file]: "), "another key does not open the vault");
}

#[test]
fn a_broken_file_changes_nothing_and_the_log_says_why() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let good = home.config();
    for broken in [MISTAKES, "[profiles.main", "", "profiles = 1"] {
        if broken.is_empty() {
            fs::remove_file(home.config_file()).expect("it is ours");
            home.make_directory(&home.config_file());
        } else {
            home.write_config(broken);
        }
        let status = daemon.reload();
        assert!(status.contains("serving with the old configuration"), "{status}");
        assert_eq!(daemon.http().token(), airbyte.latest_token());
        if broken.is_empty() {
            fs::remove_dir(home.config_file()).expect("it is empty");
        }
    }
    let log = daemon.log().wait_for("the configuration was not reloaded and the old one stays");
    assert!(log.contains("config.toml:2:1: unknown key `defualt_profile`"), "{log}");
    assert!(log.contains("config.toml:8:1: unknown key `profiles.main.valut`"), "{log}");

    home.write_config(&good);
    let status = daemon.reload();
    assert!(!status.contains("old configuration"), "{status}");
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn a_profile_that_did_not_change_keeps_its_token_and_makes_no_exchange() {
    let (home, one, two) = (Home::new().with_file_vault(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("one", &one, "file");
    let fingerprint = daemon.http().status_of("one")["fingerprint"].clone();
    assert!(fingerprint.is_string());

    home.write_config(&format!("# a new comment\n{}\n", home.config().replace("\nurl", "\n\n# moved\nurl")));
    daemon.reload();
    home.write_config(&(home.config() + &two.profile_in_config("two", "file")));
    daemon.reload();

    assert_eq!(daemon.http().status_of("one")["fingerprint"], fingerprint);
    assert_eq!(daemon.http().token(), one.latest_token());
    assert_eq!((one.exchanges(), two.counts().connections), (1, 0));
    assert_eq!(daemon.http().get("/v1/token?profile=two").code(), "no_secret");
}

#[test]
fn a_profile_that_was_taken_out_is_no_longer_served() {
    let (home, one, two) = (Home::new(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("one", &one, "memory");
    let with_one = home.config();
    daemon.log_in("two", &two, "memory");
    home.write_config(&with_one);
    daemon.reload();
    assert_eq!(daemon.http().get("/v1/token?profile=two").code(), "no_such_profile");
    assert_eq!(daemon.http().token(), one.latest_token());
}

#[test]
fn a_changed_url_wants_a_new_login_and_the_new_host_hears_nothing() {
    let (home, airbyte, elsewhere) = (Home::new().with_file_vault(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    let good = home.config();
    home.write_config(&good.replace(&airbyte.url(), &elsewhere.url()));

    daemon.reload();
    let cli = Cli::of(&home);
    let said = cli.fail(&["print"], 78);
    assert!(said.contains("the secret was stored for") && said.contains("airbyte-token login"), "{said}");
    assert_eq!(daemon.http().get("/v1/token").code(), "log_in_again");
    cli.fail(&["refresh"], 78);
    daemon.stop();
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().get("/v1/token").code(), "log_in_again");
    assert_eq!(elsewhere.counts().connections, 0);

    home.write_config(&good);
    daemon.reload();
    assert_eq!(daemon.http().token(), airbyte.latest_token(), "the old url is still good");
    daemon.log_in("main", &elsewhere, "file");
    assert_eq!(daemon.http().token(), elsewhere.latest_token(), "so is a new login");
}

const COMMENTED: &str = r#"# my tokens
default_profile = "mine"   # the usual one

# renew late: we are few
[refresh]
early = "1m"

[profiles.mine]
service = "cloud"
client_id = "an-id"  # from the settings page
vault = "memory"

# the end
"#;

#[test]
fn login_use_and_logout_keep_what_a_person_wrote() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    home.write_config(COMMENTED);
    let daemon = Daemon::start(&home);
    daemon.log_in("new", &airbyte, "memory");
    let cli = Cli::of(&home);
    let with_new = home.config();
    for line in COMMENTED.lines() {
        assert!(with_new.contains(line), "`{line}` is not in\n{with_new}");
    }
    assert!(with_new.contains("[profiles.new]") && with_new.contains(airbyte.client_id()), "{with_new}");

    cli.succeed(&["use", "new"]);
    assert!(home.config().contains("default_profile = \"new\"   # the usual one"), "{}", home.config());
    cli.succeed(&["use", "mine"]);
    assert_eq!(home.config(), with_new);
    cli.succeed(&["logout", "-p", "new"]);
    assert_eq!(home.config(), COMMENTED);
}

#[test]
fn a_file_that_is_kept_elsewhere_stays_a_link() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    home.write_config("");
    let elsewhere = home.path().join("dotfiles.toml");
    home.write(&elsewhere, COMMENTED.as_bytes());
    fs::remove_file(home.config_file()).expect("it is ours");
    symlink(&elsewhere, home.config_file()).expect("there is room");
    let daemon = Daemon::start(&home);
    daemon.log_in("new", &airbyte, "memory");
    assert!(home.config_file().is_symlink());
    assert!(fs::read_to_string(&elsewhere).expect("it is there").contains("[profiles.new]"));
}

#[test]
fn a_login_that_cannot_be_written_down_stores_nothing() {
    for (broken, complaint) in [(Some(MISTAKES), "config.toml:2:1: unknown key"), (None, "config.toml")] {
        let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
        let daemon = Daemon::start(&home);
        let good = home.config();
        match broken {
            Some(text) => home.write_config(text),
            None => {
                fs::remove_file(home.config_file()).expect("it is ours");
                home.make_directory(&home.config_file());
            }
        }
        let cli = Cli::of(&home);
        let said = assert_failed(cli.log_in(&airbyte, "file", &["-p", "main"]), &["login"], 78);
        assert!(said.contains(complaint) && said.contains("nothing is stored"), "{said}");
        assert_eq!(daemon.http().get("/v1/token?profile=main").code(), "no_such_profile");
        if broken.is_none() {
            fs::remove_dir(home.config_file()).expect("it is empty");
        }
        home.write_config(&(good + &airbyte.profile_in_config("main", "file")));
        daemon.reload();
        assert_eq!(daemon.http().get("/v1/token").code(), "no_secret");
    }
}

#[test]
fn no_store_is_chosen_by_itself() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let said = assert_failed(Cli::of(&home).log_in(&airbyte, "file", &[]), &["login"], 78);
    assert!(said.contains("[vault.file]"), "{said}");
    let said = assert_failed(Cli::of(&home).log_in(&airbyte, "keyring", &[]), &["login"], 75);
    assert!(said.contains("no session bus") && said.contains("--vault"), "it names the choices: {said}");
    assert_eq!(Cli::of(&home).succeed(&["profiles", "--json"]), "{\"profiles\":[]}\n");
}
