//! What the README tells people to type works as it is printed.

use std::{path::Path, process::Command};

use airbyte_token_local::ProfileState;
use airbyte_tokend_tests::{Airbyte, Binary, Daemon, Home, Process, free_port};

const README: &str = include_str!("../../../README.md");

/// The lines of the README's shell examples.
fn shell_lines() -> impl Iterator<Item = &'static str> {
    let blocks = README.split("```sh\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines())
}

fn bash(home: &Home, script: &str) -> Command {
    let _within_reach = home.command(Binary::Client);
    let built = Binary::Client.path();
    let built = built.parent().expect("it is in a directory");
    let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin", home.path().display(), built.display());
    let mut command = home.command_of(home.person(), Path::new("bash"));
    command.env("PATH", path).args(["-c", script]);
    command
}

#[test]
fn every_curl_example_of_the_readme_works_as_printed() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("default", &airbyte, "memory");
    let socket =
        shell_lines().find(|line| line.starts_with("S=")).expect("the README says where the socket is");
    let examples: Vec<_> = shell_lines().filter(|line| line.starts_with("curl --unix-socket")).collect();
    assert!(examples.len() >= 5, "{examples:?}");
    for example in examples {
        let script = format!("{socket}\n{}", example.replace("curl ", "curl --silent --show-error --fail "));
        let ended = Process::start(&mut bash(&home, &script), b"").wait();
        assert_eq!(ended.code(), Some(0), "{example}: {}", ended.stderr);
        assert!(!ended.text().is_empty(), "{example}");
    }
}

#[test]
fn the_readme_s_examples_of_loopback_http_work_as_printed() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let (_, port) = free_port();
    let config = README.split("```toml\n[http]\n").nth(1).and_then(|rest| rest.split("```").next());
    let config = config.expect("the README has the configuration").replace("8797", &port.to_string());
    home.write_config(&format!("[http]\n{config}"));
    let daemon = Daemon::start(&home);
    daemon.log_in("default", &airbyte, "memory");
    let examples: Vec<_> = shell_lines().filter(|line| line.contains("script.header")).collect();
    assert_eq!(examples.len(), 3, "{examples:?}");
    let script = format!("set -e -o pipefail\n{}", examples.join("\n"));
    let script =
        script.replace("8797", &port.to_string()).replace("curl ", "curl --silent --show-error --fail ");
    let ended = Process::start(&mut bash(&home, &script), b"").wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(ended.text().matches(&airbyte.latest_token()).count(), 2, "{}", ended.text());
}

#[test]
fn the_readmes_first_example_calls_airbyte_with_the_token() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("default", &airbyte, "memory");
    let example = shell_lines().find(|line| line.contains("@<(airbyte-token header)")).expect("it is there");
    let here = example.replace("https://api.airbyte.com", &airbyte.url());
    let script = here.replace("curl ", "curl --silent --show-error --fail ");
    let ended = Process::start(&mut bash(&home, &script), b"").wait();
    assert_eq!(ended.code(), Some(0), "{script}: {}", ended.stderr);
    assert!(ended.text().contains("\"data\""), "{}", ended.text());
}

#[test]
fn the_readme_tells_every_exit_status_and_every_error_code_that_people_meet() {
    for code in airbyte_token_local::ErrorCode::ALL {
        use airbyte_token_local::ErrorCode as Code;
        let for_programs_only = matches!(
            code,
            Code::BadRequest | Code::NotFound | Code::MethodNotAllowed | Code::TooLarge | Code::Unknown
        );
        if !for_programs_only {
            assert!(README.contains(&format!("`{code}`")), "{code} has no remedy in the README");
        }
    }
    for status in airbyte_token_local::ExitStatus::ALL {
        assert!(README.contains(&format!("| {} |", status.code())), "{status:?}");
    }
}

#[test]
fn the_readme_tells_every_state_with_what_it_means_and_what_to_do() {
    let row = |state: ProfileState| {
        format!("| `{state}` | {} | {} |", state.meaning(), state.remedy().unwrap_or("nothing"))
    };
    let told = README.split("| state | what it means | what to do |\n|---|---|---|\n").nth(1);
    let table = told.and_then(|rest| rest.split("\n\n").next()).expect("the README has a table of states");
    let expected = ProfileState::ALL.map(row).join("\n");
    assert_eq!(table, expected, "this is what it must be:\n{expected}");
}

#[test]
fn the_readme_s_steps_for_ci_work_as_printed() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    assert_eq!(Daemon::start_cold(&home, &airbyte).stop().code(), Some(0));
    let steps: Vec<_> = shell_lines().skip_while(|line| *line != "airbyte-tokend &").take(2).collect();
    assert!(steps.len() == 2 && steps[1].starts_with("airbyte-token wait "), "{steps:?}");
    let script = format!("set -e\n{}\nairbyte-token print\nkill %1\nwait", steps.join("\n"));
    let ended = Process::start(&mut bash(&home, &script), b"").wait();
    assert_eq!(ended.text(), format!("{}\n", airbyte.latest_token()), "{}", ended.stderr);
}
