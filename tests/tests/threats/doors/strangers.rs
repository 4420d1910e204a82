//! Another user at the socket.

use std::fs;

use airbyte_tokend_tests::{Airbyte, Daemon, Home, Person};

use super::{Scene, assert_refused, assert_served, mode, socket_for};

/// T1: what is beside the socket is closed, too.
#[test]
fn the_socket_and_all_that_is_beside_it_are_closed_to_others() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(&home));
    daemon.log_in("main", &airbyte, "file");
    let socket = home.socket();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("it has one")), 0o700);
    assert_eq!(mode(&socket.with_extension("lock")), 0o600);
    daemon.stop();
    assert_eq!(mode(&home.state()), 0o700);
    for entry in fs::read_dir(home.state()).expect("it is ours").flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
    }
}

/// T1: the file system keeps a stranger out; where it does not, the kernel's word for who connects does.
#[test]
fn another_user_gets_nothing_even_when_directory_and_socket_stand_open() {
    let scene = Scene::new();
    let (stranger, socket) = (Person::stranger(), scene.home.socket());
    let ask = |person| scene.curl(person, &socket, "/v1/token?profile=ci");
    let kept_out = ask(stranger);
    assert_eq!(kept_out.code(), Some(7), "curl could not connect: {}", kept_out.stderr);

    scene.open_everything();
    for _ in 0..3 {
        let refused = ask(stranger);
        assert_refused(&refused, "peer_refused");
        assert!(refused.text().contains("cache-control: no-store"));
        scene.assert_no_token(&refused.text());
    }
    let log = scene.daemon.log().wait_for("refused a caller that is another user");
    let line = format!("refused a caller that is another user, uid {}, at the main socket", stranger.uid());
    assert_eq!(log.matches(&line).count(), 1, "{log}");

    assert_served(&ask(Person::owner()), &scene.ci.latest_token());
    assert_served(&ask(Person::root()), &scene.ci.latest_token());
}

/// T1: whom one socket names is served there, and nowhere else.
#[test]
fn whom_one_socket_names_is_a_stranger_at_the_other() {
    let scene = Scene::new();
    let (stranger, socket) = (Person::stranger(), scene.open_directory().join("api.sock"));
    scene.reload(&socket_for(&socket, &[stranger.uid()]));
    scene.open_everything();
    assert_eq!((mode(&socket), mode(&socket.with_extension("lock"))), (0o666, 0o600));
    assert_served(&scene.curl(stranger, &socket, "/v1/token"), &scene.ci.latest_token());
    let refused = scene.curl(stranger, &scene.home.socket(), "/v1/token?profile=ci");
    assert_refused(&refused, "peer_refused");
    scene.assert_no_token(&refused.text());
}

/// T1: a group stands for those whose first group it is.
#[test]
fn a_group_lets_in_those_whom_the_kernel_shows_with_it() {
    let scene = Scene::new();
    let (stranger, socket) = (Person::stranger(), scene.open_directory().join("api.sock"));
    let table = socket_for(&socket, &[]) + &format!("groups = [\"{}\"]\n", stranger.uid() + 1);
    scene.reload(&table);
    assert_refused(&scene.curl(stranger, &socket, "/v1/token"), "peer_refused");
    let config = scene.home.config().replace(&(stranger.uid() + 1).to_string(), &stranger.uid().to_string());
    scene.home.write_config(&config);
    scene.reload("");
    assert_served(&scene.curl(stranger, &socket, "/v1/token"), &scene.ci.latest_token());
}
