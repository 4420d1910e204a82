//! Every exit status, produced for real, with nothing on standard output.

use std::{io::Write as _, os::unix::net::UnixListener, thread};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn no_daemon_is_69() {
    let home = Home::new();
    let cli = Cli::of(&home);
    for arguments in
        [&["print"][..], &["header"], &["status", "--json"], &["refresh"], &["profiles"], &["logout"]]
    {
        assert!(cli.fail(arguments, 69).contains("there is no socket at"));
    }
    let daemon = Daemon::start(&home);
    cli.succeed(&["status"]);
    daemon.kill();
    assert!(cli.fail(&["print"], 69).contains("nobody listens on"));
}

#[test]
fn whoever_says_how_long_to_wait_also_waits_for_a_daemon_that_starts() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    daemon.stop();
    let waiting = Cli::of(&home).start(&["print", "--wait", "20s"], "");
    let _daemon = Daemon::start(&home);
    let ended = waiting.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn airbyte_down_is_75_and_says_so() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let _daemon = Daemon::start_cold(&home, &airbyte);
    let cli = Cli::of(&home);
    drop(airbyte);
    let said = cli.fail(&["print", "--wait", "0"], 75);
    assert!(said.contains("hint: "), "{said}");
    let said = cli.fail(&["refresh", "--wait", "2s"], 75);
    assert!(said.contains("127.0.0.1") || said.contains("refused"), "{said}");
    let status = json(&cli.succeed(&["status", "--json"]));
    assert_eq!(status["profiles"][0]["last_error"]["code"], "upstream_unavailable", "{status}");
}

#[test]
fn more_life_than_tokens_have_is_75_and_says_how_long_they_live() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0));
    cli.succeed(&["print", "--min-ttl", "10m"]);
    let said = cli.fail(&["print", "--min-ttl", "20m"], 75);
    assert!(said.contains("tokens live 898 s at most"), "{said}");
    cli.succeed(&["print"]);
}

#[test]
fn rejected_credentials_are_77_and_a_new_login_mends_them_at_once() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "file", &[]).code(), Some(0));
    daemon.stop();
    airbyte.set_secret("another-secret-by-now");
    let _daemon = Daemon::start(&home);
    let said = cli.fail(&["print"], 77);
    assert!(said.contains("run `airbyte-token login -p default`"), "{said}");
    let login = cli.log_in_with(&airbyte, "file", "another-secret-by-now", &[]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    assert_eq!(cli.succeed(&["print"]), format!("{}\n", airbyte.latest_token()));
}

#[test]
fn an_old_token_is_served_to_its_end_when_the_credentials_are_rejected() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert_eq!(cli.log_in(&airbyte, "memory", &[]).code(), Some(0));
    let token = airbyte.latest_token();
    airbyte.set_secret("another-secret-by-now");
    cli.fail(&["refresh"], 77);
    assert_eq!(cli.succeed(&["print"]), format!("{token}\n"));
}

#[test]
fn a_missing_profile_or_secret_is_78() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    home.write_config(&(home.file_vault() + &airbyte.profile_in_config("main", "file")));
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    assert!(cli.fail(&["print", "-p", "other"], 78).contains("there is no profile `other`"));
    let said = cli.fail(&["print"], 78);
    assert!(said.contains("airbyte-token login"), "{said}");
    assert_eq!(airbyte.counts().connections, 0);
}

#[test]
fn several_profiles_and_no_default_is_78() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let two = airbyte.profile_in_config("a", "memory") + &airbyte.profile_in_config("b", "memory");
    home.write_config(&two);
    let _daemon = Daemon::start(&home);
    let said = Cli::of(&home).fail(&["print"], 78);
    assert!(said.contains("-p"), "{said}");
}

#[test]
fn a_server_that_speaks_gibberish_is_76() {
    for gibberish in [
        &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 12\r\n\r\nto\x1bk\nen token",
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 36\r\n\r\n{\"code\":\"of_tomorrow\",\"message\":\"?\"}",
    ] {
        let home = Home::new();
        home.make_directory(&home.run().join("airbyte-tokend"));
        let listener = UnixListener::bind(home.socket()).expect("there is room in /tmp");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody calls");
            std::io::Read::read(&mut stream, &mut [0; 4096]).expect("it asks something");
            stream.write_all(gibberish).expect("it listens");
        });
        Cli::of(&home).fail(&["print"], 76);
        server.join().expect("it was asked");
    }
}

#[test]
fn what_cannot_be_understood_is_2() {
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    let cli = Cli::of(&home);
    for arguments in [
        &[][..],
        &["pritn"],
        &["print", "--min-tll", "5m"],
        &["print", "--min-ttl", "soon"],
        &["print", "-p", "no name"],
        &["print", "extra"],
        &["login", "--service", "self-managed"],
        &["login", "--agents", "--service", "cloud"],
        &["use"],
    ] {
        cli.fail(arguments, 2);
    }
    assert!(cli.fail(&["pritn"], 2).contains("did you mean `print`?"));
    assert!(cli.succeed(&["--help"]).contains("Exit status:"));
}
