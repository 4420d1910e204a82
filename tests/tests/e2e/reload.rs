//! `airbyte-token reload`: the configuration in force, or every mistake in it.

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home};

const MISTAKES: &str = r#"defualt_profile = "main"
[refresh]
early = "5 hours"
"#;

#[test]
fn what_was_written_is_in_force_and_what_did_not_change_keeps_its_token() {
    let (home, one, two) = (Home::new().with_file_vault(), Airbyte::start(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("one", &one, "file");
    home.write_config(&(home.config() + &two.profile_in_config("two", "file")));
    let cli = Cli::of(&home);
    cli.fail(&["wait", "-p", "two"], 78);
    assert_eq!(cli.succeed(&["reload"]), "reloaded: the configuration is in force\n");
    assert_eq!(daemon.http().status_of("two")["state"], "idle");
    assert_eq!(cli.succeed(&["print", "-p", "one"]), format!("{}\n", one.latest_token()));
    assert_eq!(one.exchanges(), 1);
}

#[test]
fn every_mistake_is_listed_with_its_place_and_nothing_changes() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let good = home.config();
    home.write_config(MISTAKES);
    let cli = Cli::of(&home);
    let ended = cli.run(&["reload"]);
    assert_eq!((ended.code(), ended.text().as_str()), (Some(78), ""), "{}", ended.stderr);
    let file = home.config_file();
    for place in [format!("\n  {}:1:1: ", file.display()), format!("\n  {}:3:", file.display())] {
        assert!(ended.stderr.contains(&place), "`{place}` is not in\n{}", ended.stderr);
    }
    assert!(
        ended.stderr.contains("`default_profile`?") && ended.stderr.contains("\nhint: "),
        "{}",
        ended.stderr
    );
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    assert!(cli.succeed(&["status"]).contains("the old one stays in force"));

    home.write_config(&good);
    cli.succeed(&["reload"]);
    assert!(!cli.succeed(&["status"]).contains("the old one stays in force"));
    assert_eq!(airbyte.exchanges(), 1);
}

#[test]
fn the_service_manager_is_told_as_of_a_signal() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().post("/v1/reload").status, 204);
    let status = daemon.await_reload();
    assert!(status.contains("STATUS=serving"), "{status}");
    home.write_config(MISTAKES);
    assert_eq!(daemon.http().post("/v1/reload").status, 409);
    let status = daemon.await_reload();
    assert!(status.contains("STATUS=serving with the old configuration"), "{status}");
}
