use std::{fs, path::Path};

use airbyte_token_core::RefreshSettings;
use airbyte_token_local::wire::{Service, StoreKind};

use super::*;

const TWO: &str = r#"# mine
default_profile = "cloud"  # the usual one

[profiles.cloud]
service = "cloud"
client_id = "an-id"        # from the settings page
vault = "keyring"

[profiles.own]
service = "self-managed"
url = "https://airbyte.example.com"
client_id = "another-id"
vault = "memory"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config.toml"))
}

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

fn complaints(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The embedded file with every example uncommented: it lists every key there is.
fn every_key() -> String {
    let has_value = |line: &str| line.contains(" = \"") || line.contains(" = [");
    let example = |line: &&str| line.starts_with("# [") || line.starts_with("# ") && has_value(line);
    let uncomment = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_owned();
    EMBEDDED
        .lines()
        .filter(|line| !line.starts_with('#') || example(line))
        .map(uncomment)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_embedded_file_is_the_default() {
    let config = parse(EMBEDDED).unwrap();
    assert_eq!(config, parse("").unwrap());
    let settings = *config.refresh.policy().unwrap().settings();
    assert_eq!(settings, RefreshSettings::default());
}

#[test]
fn the_embedded_file_lists_every_key_with_an_example_that_works() {
    let text = every_key().replace("key_credential", "# key_credential").replace("proxy =", "proxy   =");
    let config = parse(&text).unwrap();
    assert_eq!(config.profiles.len(), 3);
    assert!(config.file_vault.is_some() && config.sockets.len() == 1);
    let tables = [
        &document::REFRESH_KEYS[..],
        &document::HTTP_KEYS,
        &document::FILE_VAULT_KEYS,
        &document::PROFILE_KEYS,
        &sockets::SOCKET_KEYS,
    ];
    for key in tables.concat() {
        assert!(EMBEDDED.contains(&format!("{key} = ")), "{key} is not in the embedded file");
    }
}

#[test]
fn an_absent_file_means_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(Config::load(&directory.path().join("none.toml")), Ok(parse("").unwrap()));
}

#[test]
fn a_profile_is_read_as_it_was_written() {
    let config = parse(TWO).unwrap();
    let own = &config.profiles[&name("own")];
    assert_eq!(
        (own.service, own.vault, own.url.as_deref()),
        (Service::SelfManaged, StoreKind::Memory, Some("https://airbyte.example.com"))
    );
    assert_eq!(own.endpoint.origin().to_string(), "https://airbyte.example.com:443");
    assert_eq!(config.default_profile(), Some(&name("cloud")));
}

#[test]
fn the_only_profile_is_the_default_and_of_two_none_is() {
    let only = "[profiles.a]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\n";
    assert_eq!(parse(only).unwrap().default_profile(), Some(&name("a")));
    let two = format!("{only}{}", only.replace("profiles.a", "profiles.b"));
    assert_eq!(parse(&two).unwrap().default_profile(), None);
}

#[test]
fn every_problem_is_told_at_once_with_its_place_and_a_guess() {
    let text = "defualt_profile = \"x\"\n[refresh]\nearly = \"soon\"\nidle_after = 8\n[profiles.a]\nservice = \"clowd\"\nclient-id = \"x\"\nvault = \"keyring\"\n";
    let complaints = complaints(text);
    for expected in [
        "config.toml:1:1: unknown key `defualt_profile`; did you mean `default_profile`?",
        "config.toml:3:1: `refresh.early`:",
        "config.toml:4:1: `refresh.idle_after` must be text in quotes, not an integer",
        "config.toml:6:1: `profiles.a.service`: not a service; choose one of cloud, self-managed, agents",
        "config.toml:7:1: unknown key `profiles.a.client-id`; did you mean `client_id`?",
        "config.toml:5:11: `profiles.a.client_id` is missing",
    ] {
        assert!(complaints.contains(expected), "{expected}\nis not in\n{complaints}");
    }
}

#[test]
fn what_is_out_of_range_or_nonsense_is_refused_by_name() {
    let profile = |line: &str| {
        format!("[profiles.a]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\n{line}\n")
    };
    for (text, expected) in [
        ("[refresh]\nearly = \"9s\"".to_owned(), "`refresh.early` must be from 10s to 1h"),
        ("[refresh]\nidle_after = \"31d\"".to_owned(), "`refresh.idle_after` must be from 1m to 30d"),
        ("default_profile = \"nobody\"".to_owned(), "there is no [profiles.nobody]"),
        ("profiles = 3".to_owned(), "`profiles` must be a table, not an integer"),
        ("[profiles.\"a b\"]".to_owned(), "`a b`: a profile name has"),
        (profile("url = \"http://10.0.0.1\""), "plain http is allowed to this machine only"),
        (profile("ca_file = \"ca.pem\""), "`profiles.a.ca_file`: the path must be absolute"),
        (profile("proxy = \"http://me:secret@proxy:3128\""), "a password does not belong into this file"),
        (profile("organization_id = \"x\""), "only for service = \"agents\""),
        (
            "[vault.file]\npath = \"/x\"".to_owned(),
            "[vault.file] needs either `key_file` or `key_credential`",
        ),
        ("[vault.file]\nkey_credential = \"a/b\"".to_owned(), "without /"),
    ] {
        let complaints = complaints(&text);
        assert!(complaints.contains(expected), "{expected}\nis not in\n{complaints}");
    }
}

#[test]
fn loopback_http_is_off_unless_it_is_asked_for_and_goes_nowhere_else() {
    let http = |text: &str| parse(text).unwrap().http.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(http(""), [""; 0]);
    assert_eq!(http("[http]\nlisten = \"127.0.0.1:8797\""), ["127.0.0.1:8797"]);
    assert_eq!(http("http.listen = [\"[::1]:1\", \"127.0.0.1:2\"]"), ["[::1]:1", "127.0.0.1:2"]);
    for (listen, expected) in [
        ("listen = \"0.0.0.0:8797\"", "config.toml:2:1: `http.listen`: only this machine may reach it"),
        ("listen = [\"127.0.0.1:1\", \"[::]:1\"]", "only this machine may reach it"),
        ("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]", "two addresses of the kind of 127.0.0.1:2"),
        ("listen = 8797", "`http.listen` must be text in quotes, not an integer"),
        ("listen = []", "`http.listen` must be text in quotes, or a list of such"),
        ("listen = [8797]", "`http.listen` must be text in quotes, or a list of such"),
        ("", "config.toml:1:2: `http.listen` is missing"),
        ("lisen = \"127.0.0.1:1\"", "unknown key `http.lisen`; did you mean `listen`?"),
    ] {
        let complaints = complaints(&format!("[http]\n{listen}\n"));
        assert!(complaints.contains(expected), "{expected}\nis not in\n{complaints}");
    }
}

#[test]
fn a_mistake_in_the_syntax_names_its_place_and_quotes_nothing() {
    let complaints = complaints("[refresh]\nearly = \"5m\nclient_secret = hunter2\n");
    assert!(complaints.starts_with("config.toml:2:12: not TOML"), "{complaints}");
    assert!(!complaints.contains("hunter2"), "{complaints}");
}

#[test]
fn one_byte_order_mark_is_passed_over_and_a_second_refused() {
    assert!(parse("\u{feff}").is_ok());
    let said = complaints("\u{feff}\u{feff}default_profile = 1");
    assert!(said.contains(":1:1: a second byte order mark"), "{said}");
}

#[test]
fn more_profiles_than_one_daemon_serves_are_refused() {
    let profile = |number| {
        format!("[profiles.p{number}]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\n")
    };
    let most: String = (0..MOST_PROFILES).map(profile).collect();
    assert!(parse(&most).is_ok());
    assert!(
        complaints(&(most + &profile(MOST_PROFILES)))
            .contains("there are 257 profiles, and one daemon serves 256")
    );
}

#[test]
fn a_hundred_problems_are_told_and_that_there_are_more() {
    let problems = |count: usize| {
        let text: String = (0..count).map(|number| format!("k{number} = 1\n")).collect();
        parse(&text).unwrap_err().problems().to_vec()
    };
    assert_eq!(problems(document::MOST_PROBLEMS).len(), 100);
    let more = problems(100_000);
    assert_eq!(more.len(), 101);
    assert!(more[0].text.contains("more than 100"), "{:?}", more[0]);
}

#[test]
fn a_problem_is_one_line_that_no_terminal_obeys() {
    let complaints = complaints("\"a\\u001b[31m\\nb\\u202e\" = 1\n");
    assert!(complaints.starts_with("config.toml:1:1: unknown key `a?[31m?b?`"), "{complaints}");
}

#[test]
fn an_edit_keeps_comments_and_order_and_the_rest_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, TWO).unwrap();
    let profile = Profile {
        client_id: "new-id".parse().unwrap(),
        ..parse(TWO).unwrap().profiles[&name("cloud")].clone()
    };
    let draft = set_profile(&path, &name("cloud"), &profile, false).unwrap();
    let config = draft.config().clone();
    assert_eq!(fs::read_to_string(&path).unwrap(), TWO, "a draft changes nothing");
    draft.write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, TWO.replace("an-id", "new-id"));
    assert_eq!(config, parse(&text).unwrap());
}

#[test]
fn an_edit_keeps_the_ends_of_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for text in [TWO.replace('\n', "\r\n"), TWO.to_owned()] {
        fs::write(&path, &text).unwrap();
        let draft = set_default_profile(&path, &name("own")).unwrap();
        assert_eq!(draft.text(), text.replace("default_profile = \"cloud\"", "default_profile = \"own\""));
    }
}

#[test]
fn the_first_profile_is_written_into_the_embedded_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/config.toml");
    let profile = parse(TWO).unwrap().profiles[&name("cloud")].clone();
    set_profile(&path, &name("first"), &profile, true).unwrap().write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(EMBEDDED.lines().next().unwrap()), "{text}");
    let config = Config::load(&path).unwrap();
    assert_eq!(config.default_profile, Some(name("first")));
    assert_eq!(config.profiles[&name("first")], profile);
}

#[test]
fn a_removed_profile_is_no_longer_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, TWO).unwrap();
    remove_profile(&path, &name("cloud")).unwrap().write().unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!(config.default_profile, None);
    assert_eq!(config.profiles.keys().collect::<Vec<_>>(), [&name("own")]);
}

#[test]
fn a_file_with_a_mistake_is_not_edited() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, "oops = 1\n").unwrap();
    assert!(matches!(set_default_profile(&path, &name("a")), Err(EditError::Config(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "oops = 1\n");
}

#[test]
fn an_edit_goes_through_a_symbolic_link_to_the_file_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("dotfiles.toml"), directory.path().join("config.toml"));
    fs::write(&file, TWO).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    set_default_profile(&link, &name("own")).unwrap().write().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("default_profile = \"own\"  # the usual one"));
}

/// Nobody, not even root, makes files in `/sys`.
#[test]
fn a_disk_that_refuses_is_quoted() {
    let path = PathBuf::from("/sys/airbyte-tokend.toml");
    let profile = parse(TWO).unwrap().profiles[&name("cloud")].clone();
    let error = set_profile(&path, &name("p"), &profile, false).unwrap().write().unwrap_err();
    let EditError::Write { source, .. } = &error else { panic!("{error}") };
    assert_ne!(source.kind(), io::ErrorKind::NotFound, "that is about the file that was never made: {error}");
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_read_or_refused_but_never_panics(text in "(\\[?[a-z_.]{0,12}\\]?( = (\"[^\"\n]{0,12}\"|[0-9]{1,3}|\\[\\]))?\n){0,8}") {
            if let Err(error) = parse(&text) {
                prop_assert!(!error.problems().is_empty());
            }
        }
    }
}
