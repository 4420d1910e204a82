//! The main job: a secret goes in once, live tokens come out, and whatever fails says what, where, and what to do.

use std::process::Command;

use airbyte_sandbox::{Bearer, Canned, Edition, Fault, Settings};
use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, PATIENCE, Process, assert_failed, eventually};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn a_secret_goes_in_once_and_live_tokens_come_out() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);

    let login = cli.log_in(&airbyte, "file", &[]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    assert_eq!(
        login.text(),
        format!(
            "logged in: profile default (self-managed, {}), its secret is kept by: file\n",
            airbyte.url()
        )
    );

    let token = airbyte.latest_token();
    assert_eq!(cli.succeed(&["print"]), format!("{token}\n"));
    assert_eq!(cli.succeed(&["header"]), format!("Authorization: Bearer {token}\n"));
    let described = json(&cli.succeed(&["print", "--json"]));
    assert_eq!(described["access_token"], token.as_str());
    assert!(matches!(described["expires_in"].as_u64(), Some(800..=900)), "{described}");

    let status = json(&cli.succeed(&["status", "--json"]));
    let profile = &status["profiles"][0];
    assert_eq!(
        (&status["default_profile"], &profile["state"]),
        (&"default".into(), &"fresh".into()),
        "{status}"
    );
    assert_eq!(profile["fingerprint"], described["fingerprint"]);
    assert_eq!(profile["exchanges"], 1);
    assert!(cli.succeed(&["status"]).contains("* default  fresh"));

    assert!(cli.succeed(&["refresh"]).starts_with("renewed: profile default, token "));
    let renewed = airbyte.latest_token();
    assert_ne!(renewed, token);
    assert_eq!(cli.succeed(&["print"]), format!("{renewed}\n"));
    assert_eq!(airbyte.exchanges(), 2);

    assert!(cli.succeed(&["logout"]).starts_with("logged out: "));
    assert_eq!(cli.succeed(&["profiles"]), "no profiles yet; `airbyte-token login` makes one\n");
    assert!(cli.fail(&["print"], 78).contains("there is no profile yet"));
}

#[test]
fn a_header_is_what_curl_and_airbyte_take() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0));
    let header = cli.succeed(&["header"]);
    let url = format!("{}/v1/workspaces", airbyte.url());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--header", "@-", &url]);
    let ended = Process::start(&mut curl, header.as_bytes()).wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(airbyte.requests().last().expect("curl called").bearer, Bearer::Live);
}

#[test]
fn every_service_is_asked_at_its_own_path_and_in_its_own_way() {
    for (service, more, path) in [
        ("cloud", &[][..], "/v1/applications/token"),
        ("self-managed", &[], "/api/public/v1/applications/token"),
        ("agents", &["--organization-id", "an-organization"], "/api/v1/account/applications/token"),
    ] {
        let (home, airbyte) = (Home::new(), Airbyte::start());
        let _daemon = Daemon::start(&home);
        let cli = Cli::of(&home);
        let login = cli.log_in(&airbyte, "memory", &[&["--service", service], more].concat());
        assert_eq!(login.code(), Some(0), "{service}: {}", login.stderr);
        assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
        let requests = airbyte.requests();
        assert_eq!((requests.len(), requests[0].path.as_str()), (1, path));
        let organization = requests[0].organization_id.as_deref();
        assert_eq!(organization, more.last().copied(), "{service}");
        assert_eq!(requests[0].fields, ["client_id", "client_secret", "grant-type"], "{service}");
        assert!(!requests[0].had_query && !requests[0].head_contained_secret, "{service}");
    }
}

#[test]
fn profiles_are_listed_chosen_and_named_in_every_way() {
    let (home, one, two) = (Home::new(), Airbyte::start(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&one, "memory", &["-p", "one"]).code(), Some(0));
    assert_eq!(cli.log_in(&two, "memory", &["-p", "two"]).code(), Some(0));
    let (of_one, of_two) = (format!("{}\n", one.latest_token()), format!("{}\n", two.latest_token()));

    assert_eq!(cli.succeed(&["print"]), of_one, "the first one is the default");
    assert_eq!(cli.succeed(&["print", "-p", "two"]), of_two);
    assert_eq!(Cli::of(&home).variable("AIRBYTE_PROFILE", "two").succeed(&["print"]), of_two);
    assert_eq!(cli.succeed(&["use", "two"]), "default profile: two\n");
    assert_eq!(cli.succeed(&["print"]), of_two);

    let listed = json(&cli.succeed(&["profiles", "--json"]));
    assert_eq!(listed["default_profile"], "two");
    assert_eq!(listed["profiles"].as_array().map(Vec::len), Some(2));
    assert!(cli.succeed(&["profiles"]).contains("* two"));
    assert!(cli.fail(&["use", "three"], 78).contains("three"));
    cli.succeed(&["logout", "-p", "two"]);
    assert_eq!(cli.succeed(&["print"]), of_one, "the only one left is the default");
    assert_eq!((one.exchanges(), two.exchanges()), (1, 1));
}

#[test]
fn a_wrong_secret_is_told_as_such_by_every_edition_and_nothing_is_stored() {
    for edition in Edition::ALL {
        let home = Home::new().with_file_vault();
        let before = home.config();
        let airbyte = Airbyte::start_with(|settings| settings.edition = edition);
        let _daemon = Daemon::start(&home);
        let cli = Cli::of(&home);
        let service = if edition == Edition::Agents { "agents" } else { "self-managed" };
        let login = cli.log_in_with(&airbyte, "file", "guessed", &["--service", service]);
        // This one says the same when it merely stumbles.
        let status = if edition == Edition::Keycloak500 { 75 } else { 77 };
        let said = assert_failed(login, &["login"], status);
        assert!(said.contains("client id or secret"), "{edition}: {said}");
        assert!(said.contains("nothing is stored"), "{edition}: {said}");
        assert_eq!(home.config(), before, "{edition}");
        assert!(!home.state().join("secrets").exists(), "{edition}");
        assert_eq!(cli.succeed(&["profiles", "--json"]), "{\"profiles\":[]}\n");
        let right = cli.log_in(&airbyte, "file", &["--service", service, "-p", "right"]);
        assert_eq!(right.code(), Some(0), "{edition}: {}", right.stderr);
    }
}

#[test]
fn whoever_mistyped_a_secret_may_try_again_in_the_same_second_but_not_for_ever() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_failed(cli.log_in_with(&airbyte, "memory", "guessed", &[]), &["login"], 77);
    let login = cli.log_in(&airbyte, "memory", &[]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    let guesses = (0..12).map(|_| cli.log_in_with(&airbyte, "memory", "guessed", &[]).code());
    assert!(guesses.into_iter().any(|code| code == Some(75)), "guessing is slowed down");
    assert!(airbyte.exchanges() <= 10);
}

#[test]
fn a_wrong_url_is_told_as_such_and_nothing_is_stored() {
    for answer in [Canned::Problem404, Canned::Undefined404, Canned::WebUi200] {
        let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
        let before = home.config();
        let _daemon = Daemon::start(&home);
        airbyte.add_fault(Fault::answer(answer).forever());
        let said = assert_failed(Cli::of(&home).log_in(&airbyte, "file", &[]), &["login"], 78);
        assert!(
            said.contains("nothing is stored") && said.to_lowercase().contains("wrong url"),
            "{answer:?}: {said}"
        );
        assert_eq!(home.config(), before);
        assert!(!home.state().join("secrets").exists());
    }
}

#[test]
fn a_redirect_is_told_with_its_host_and_never_followed() {
    let (home, airbyte, elsewhere) = (Home::new(), Airbyte::start(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    airbyte.add_fault(
        Fault::redirect(307, format!("{}/api/public/v1/applications/token", elsewhere.url())).forever(),
    );
    let login = cli.log_in(&airbyte, "memory", &[]);
    let said = assert_failed(login, &["login"], 78);
    assert!(said.contains("127.0.0.1"), "{said}");
    assert_eq!((airbyte.exchanges(), elsewhere.counts().connections), (1, 0));
}

#[test]
fn a_failed_login_leaves_the_profile_that_was_there_as_it_was() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "file", &[]).code(), Some(0));
    let (config, token) = (home.config(), airbyte.latest_token());
    assert_failed(cli.log_in_with(&airbyte, "file", "guessed", &[]), &["login"], 77);
    assert_eq!(home.config(), config);
    assert_eq!(cli.succeed(&["print"]), format!("{token}\n"));
    daemon.stop();
    let _daemon = Daemon::start(&home);
    assert_eq!(
        cli.succeed(&["print"]),
        format!("{}\n", airbyte.latest_token()),
        "the old secret is still there"
    );
}

#[test]
fn a_secret_is_taken_from_standard_input_and_from_nowhere_else() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home).variable("AIRBYTE_CLIENT_SECRET", airbyte.secret().expose());
    let url = airbyte.url();
    let login = ["login", "--url", &url, "--client-id", airbyte.client_id(), "--vault", "memory"];
    let said = cli.fail(&login, 2);
    assert!(said.contains("the client secret is empty"), "{said}");
    let said = cli.fail(&[&login[..], &["--client-secret", airbyte.secret().expose()]].concat(), 2);
    assert!(said.contains("--client-secret does not exist"), "{said}");
    airbyte.secret().assert_absent("the complaint", said.as_bytes());
    assert_eq!(airbyte.counts().connections, 0);
    assert_eq!(Cli::of(&home).log_in(&airbyte, "memory", &[]).code(), Some(0));
}

#[test]
fn a_token_with_too_little_life_is_renewed_first() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0));
    eventually("the token has less than 895 of its 900 seconds left", PATIENCE, || {
        daemon.http().status_of("default")["expires_in"].as_u64().filter(|left| *left < 895)
    });
    let printed = cli.succeed(&["print", "--min-ttl", "895s"]);
    assert_eq!(airbyte.exchanges(), 2);
    assert_eq!(printed, format!("{}\n", airbyte.latest_token()));
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let arguments = ["login", "--url", "http://192.0.2.1", "--client-id", "x", "--vault", "memory"];
    let said = assert_failed(Cli::of(&home).start(&arguments, "secret\n").wait(), &arguments, 2);
    assert!(said.contains("https"), "{said}");
}

#[test]
fn a_directory_that_others_may_write_is_not_believed_and_asked_for_nothing() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0));
    let directory = home.run().join("airbyte-tokend");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let said = cli.fail(&["print"], 77);
    assert!(said.contains("can be written by others"), "{said}");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("it is ours");
    cli.succeed(&["print"]);
}

#[test]
fn replies_that_say_little_or_lie_still_make_a_token_of_the_right_life() {
    for (edition, life) in
        [(Edition::Core180, 100..=180), (Edition::CoreBare, 80_000..=86_400), (Edition::Core, 800..=900)]
    {
        let home = Home::new();
        let airbyte = Airbyte::start_with(|settings| {
            let (client_id, client_secret) = (settings.client_id.clone(), settings.client_secret.clone());
            *settings = Settings { client_id, client_secret, ..Settings::of(edition) };
        });
        let _daemon = Daemon::start(&home);
        let cli = Cli::of(&home);
        assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0), "{edition}");
        let seconds = json(&cli.succeed(&["print", "--json"]))["expires_in"].as_u64();
        assert!(seconds.is_some_and(|seconds| life.contains(&seconds)), "{edition}: {seconds:?}");
    }
}
