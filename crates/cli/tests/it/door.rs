//! Which daemon the client believes, and what it does where there is none, with the real binary.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use crate::support::{Daemon, Reply, TOKEN, client, run};
use airbyte_token_local::paths::SYSTEM_SOCKET;
use rustix::{
    process::{Uid, geteuid},
    thread::set_thread_res_uid,
};

#[test]
fn a_missing_daemon_is_told_with_the_way_to_start_it() {
    for line in [
        "print",
        "header",
        "status",
        "explain",
        "wait --timeout 0",
        "refresh",
        "reload",
        "profiles",
        "use a",
        "logout -p a",
        "print --json",
    ] {
        let (what, hint) = Daemon::absent().run(line).failed(69);
        assert!(what.contains("no daemon answers: there is no socket at /"), "{what}");
        assert_eq!(hint, "systemctl --user start airbyte-tokend.socket");
    }
}

#[test]
fn a_socket_is_found_by_option_variable_or_runtime_directory() {
    let daemon = Daemon::with([Reply::text(TOKEN), Reply::text(TOKEN), Reply::text(TOKEN)]);
    run(client("print").env("AIRBYTE_TOKEND_SOCKET", &daemon.socket), "").done();
    run(client("print").env("AIRBYTE_TOKEND_SOCKET", "/nonexistent").arg("--socket").arg(&daemon.socket), "")
        .done();
    let ours = daemon.directory.path().join("airbyte-tokend");
    fs::create_dir(&ours).unwrap();
    fs::set_permissions(&ours, Permissions::from_mode(0o700)).unwrap();
    fs::rename(&daemon.socket, ours.join("api.sock")).unwrap();
    run(client("print").env("XDG_RUNTIME_DIR", daemon.directory.path()), "").done();
    assert_eq!(daemon.heard().len(), 3);
}

#[test]
fn without_a_session_the_variable_that_is_missing_is_named() {
    assert!(!Path::new(SYSTEM_SOCKET).exists(), "this machine has a daemon of its own");
    for directory in ["", "not/absolute"] {
        let (what, hint) = run(client("print").env("XDG_RUNTIME_DIR", directory), "").failed(69);
        assert!(what.contains("XDG_RUNTIME_DIR"), "{what}");
        assert!(hint.contains("--socket"), "{hint}");
    }
}

#[test]
fn a_directory_that_others_can_write_is_refused_unheard() {
    let daemon = Daemon::with([Reply::text(TOKEN)]);
    fs::set_permissions(daemon.directory.path(), Permissions::from_mode(0o777)).unwrap();
    let (what, hint) = daemon.run("print").failed(77);
    let directory = daemon.directory.path().display();
    assert!(what.contains(&format!("{directory} (owner ")) && what.contains("mode 0777"), "{what}");
    assert!(hint.contains(&format!("chmod go-w {directory}")), "{hint}");
    assert!(daemon.heard().is_empty());
    fs::set_permissions(daemon.directory.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        daemon.run("print").done(),
        format!("{TOKEN}\n"),
        "the same daemon is believed once it is alone"
    );
}

/// The kernel notes who listens at each listen(2), so a thread that has become somebody else serves as somebody else.
fn served_by(uid: u32) -> Daemon {
    Daemon::prepared([Reply::text(TOKEN)], move |listener| {
        let uid = Uid::from_raw(uid);
        set_thread_res_uid(uid, uid, uid).expect("root may become anybody");
        rustix::net::listen(listener, 8).expect("a socket can listen again");
    })
}

#[test]
fn a_server_of_another_user_is_refused_unheard() {
    let me = geteuid();
    if !me.is_root() {
        let stranger = Uid::from_raw(me.as_raw() + 1);
        assert!(
            set_thread_res_uid(stranger, stranger, stranger).is_err(),
            "only root can pose as somebody else"
        );
        return;
    }
    for uid in [1_501, 65_534] {
        let daemon = served_by(uid);
        let (what, hint) = daemon.run("print").failed(77);
        let socket = daemon.socket.display();
        assert_eq!(what, format!("the socket {socket} is served by uid {uid}, neither you nor root"));
        assert!(hint.contains("--socket"), "{hint}");
        assert!(daemon.heard().is_empty());
    }
    assert_eq!(
        served_by(0).run("print").done(),
        format!("{TOKEN}\n"),
        "the same daemon is believed as root's"
    );
}

#[test]
fn a_socket_for_others_is_told_from_a_missing_one() {
    use std::os::unix::process::CommandExt as _;
    let me = geteuid();
    if !me.is_root() {
        assert!(
            client("print").uid(me.as_raw() + 1).spawn().is_err(),
            "only root can start somebody else's client"
        );
        return;
    }
    let daemon = Daemon::with([Reply::text(TOKEN)]);
    fs::set_permissions(daemon.directory.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&daemon.socket, Permissions::from_mode(0o600)).unwrap();
    let binary = daemon.directory.path().join("airbyte-token");
    // Not `fs::copy`: a test that starts its client meanwhile would inherit the file open for writing, and the kernel
    // starts no such file (execve(2), ETXTBSY).
    assert!(Command::new("cp").arg(crate::support::path()).arg(&binary).status().unwrap().success());
    let as_stranger = || {
        let mut command = Command::new(&binary);
        command.env_clear().args(["print", "--socket"]).arg(&daemon.socket).uid(1_501).gid(1_501);
        run(&mut command, "")
    };
    let (what, _) = as_stranger().failed(77);
    assert!(what.contains("you may not use the socket") && what.contains("owner 0, mode 0600"), "{what}");
    fs::set_permissions(&daemon.socket, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(
        as_stranger().done(),
        format!("{TOKEN}\n"),
        "root's daemon is believed by everybody whom it lets in"
    );
}

#[test]
fn help_and_version_need_no_daemon() {
    let help = run(&mut client("--help"), "").done();
    assert!(
        help.contains("Usage: airbyte-token COMMAND") && help.contains("\n  69  no daemon answers\n"),
        "{help}"
    );
    assert!(run(&mut client("login --help"), "").done().contains("--vault VAULT"));
    let version = run(&mut client("--version"), "").done();
    assert_eq!(version, format!("airbyte-token {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    for line in ["", "frobnicate", "print --min-ttl soon", "print --url x", "use", "--client-secret=x"] {
        run(&mut client(line), "").failed(2);
    }
    let variable = run(client("print").env("AIRBYTE_PROFILE", "../x"), "");
    assert!(variable.failed(2).0.starts_with("AIRBYTE_PROFILE cannot be used"));
}

#[test]
fn colours_are_not_for_pipes() {
    let told = run(client("frobnicate").env("TERM", "xterm-256color"), "");
    assert!(!told.err.contains('\u{1b}'));
}
