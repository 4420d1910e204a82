//! Something else where a socket for others should be, before the daemon runs and while it does.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
};

use airbyte_tokend_tests::{Http, Person};

use super::{Scene, set_mode, socket_for};

/// T2: a reload does not open a socket where others have put something, and all stays as it was.
#[test]
fn a_socket_for_others_is_not_opened_where_others_could_have_put_something() {
    let scene = Scene::new();
    let stranger = Person::stranger().uid();
    let directory = scene.home.path().join("ci");
    let socket = directory.join("api.sock");
    let config = scene.home.config();
    scene.home.write_config(&(config + &socket_for(&socket, &[stranger])));
    let refused = |words: &str| {
        let told = scene.daemon.reload();
        let says = |text: &str| assert!(told.contains(text), "`{text}` is not in\n{told}");
        says("STATUS=serving with the old configuration: [sockets.ci]: ");
        says(&directory.display().to_string());
        says(words);
        assert_eq!(scene.daemon.http().get("/v1/token?profile=ci").status, 200);
    };

    scene.home.make_directory(&directory);
    refused("has mode 700 and is closed to those who may use the socket in it");
    set_mode(&directory, 0o731);
    refused("has mode 731 and is open to others");
    set_mode(&directory, 0o711);
    Person::stranger().own(&directory);
    refused(&format!("belongs to user {stranger}, not to this one (mode 711)"));
    scene.home.person().own(&directory);
    for name in ["api.sock", "api.lock"] {
        let (victim, link) = (scene.home.path().join("precious"), directory.join(name));
        scene.home.write(&victim, b"precious");
        // What an attempt before has left.
        drop(fs::remove_file(&link));
        symlink(&victim, &link).expect("there is room");
        refused(&format!("{name} is no "));
        assert_eq!(fs::read(&victim).expect("it is there"), b"precious");
        fs::remove_file(&link).expect("it is ours");
    }
    fs::remove_dir_all(&directory).expect("it is ours");
    symlink(scene.home.run(), &directory).expect("there is room");
    refused("is not a directory; remove it");
    fs::remove_file(&directory).expect("it is ours");

    scene.reload("");
    assert_eq!(Http::over(&socket).get("/v1/token").status, 200, "where nothing is in the way it is opened");
}

fn is_served(socket: &Path) -> bool {
    Http::over(socket).connect().is_ok()
}

/// T3: whoever takes a socket's name away, or puts another there, is noticed.
#[test]
fn a_socket_for_others_that_is_taken_away_is_put_back_and_one_that_is_replaced_is_told() {
    let scene = Scene::new();
    let socket = scene.open_directory().join("api.sock");
    scene.reload(&socket_for(&socket, &[]));
    fs::remove_file(&socket).expect("it is ours");
    scene.daemon.log().wait_for(&format!("the socket {} was removed, and is there again", socket.display()));
    assert!(is_served(&socket));

    let other = socket.with_extension("other");
    let _impostor = UnixListener::bind(&other).expect("there is room");
    fs::rename(&other, &socket).expect("it is ours");
    let lost = format!("nobody can reach the socket {} any more", socket.display());
    scene.daemon.log().wait_for(&lost);
    assert_eq!(scene.daemon.http().get("/v1/token?profile=ci").status, 200);
    drop(scene.daemon.stop());
    assert!(socket.exists(), "what is not the daemon's is left where it is");
}
