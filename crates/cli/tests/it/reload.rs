//! `reload`, with the real binary.

use crate::support::{Daemon, Reply};

#[test]
fn reload_says_that_the_configuration_is_in_force() {
    let daemon = Daemon::with([Reply::done()]);
    assert_eq!(daemon.run("reload").done(), "reloaded: the configuration is in force\n");
    assert_eq!(daemon.heard()[0].line, "POST /v1/reload");
}

#[test]
fn reload_lists_every_mistake_on_a_line_of_its_own() {
    let body =
        r#"{"code":"config_invalid","message":"c.toml:2:1: a\u001b[2J\nc.toml:4:9: b","hint":"mend it"}"#;
    let told = Daemon::with([Reply::json(409, body)]).run("reload");
    assert_eq!((told.status, told.out.as_str()), (78, ""));
    let expected = [
        "airbyte-token: error: the configuration was not reloaded, and the old one stays in force",
        "  c.toml:2:1: a?[2J",
        "  c.toml:4:9: b",
        "hint: mend it",
        "",
    ];
    assert_eq!(told.err, expected.join("\n"));
}

#[test]
fn a_list_of_mistakes_has_an_end() {
    let message = vec!["x"; 1_000].join("\\n");
    let body = format!(r#"{{"code":"config_invalid","message":"{message}"}}"#);
    let told = Daemon::with([Reply::json(409, &body)]).run("reload");
    assert_eq!(told.status, 78);
    assert_eq!(told.err.lines().count(), 53, "{}", told.err);
    assert!(told.err.contains("\n  and more\nhint: "), "{}", told.err);
}

#[test]
fn another_refusal_is_told_like_any_other() {
    let body = r#"{"code":"busy","message":"no timer","hint":"wait"}"#;
    let (what, hint) = Daemon::with([Reply::json(503, body)]).run("reload").failed(75);
    assert_eq!((what.as_str(), hint.as_str()), ("no timer", "wait"));
}
