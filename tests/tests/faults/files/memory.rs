//! The file of what is remembered across restarts.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Daemon, Home, PATIENCE, Person, eventually};
use serde_json::Value;

use super::ruin::{Disk, names, set_closed};

/// A daemon with a token in hand, which has written down that it made one exchange.
struct Scene<'home> {
    file: PathBuf,
    airbyte: Airbyte,
    daemon: Daemon,
    home: &'home Home,
}

impl<'home> Scene<'home> {
    fn new(home: &'home Home) -> Self {
        let airbyte = Airbyte::start();
        let daemon = Daemon::start(home);
        daemon.log_in("main", &airbyte, "memory");
        let scene = Self { file: home.state().join("memory.json"), airbyte, daemon, home };
        scene.await_remembered(1);
        scene
    }

    fn remembered(&self) -> Option<usize> {
        let memory: Value = serde_json::from_slice(&fs::read(&self.file).ok()?).expect("it is whole");
        memory["main"]["exchanges"].as_array().map(Vec::len)
    }

    fn await_remembered(&self, exchanges: usize) {
        eventually(&format!("{exchanges} exchanges are written down"), PATIENCE, || {
            (self.remembered() == Some(exchanges)).then_some(())
        });
    }

    /// A person renews, and callers get the token.
    fn renews(&self) {
        let reply = self.daemon.http().post("/v1/token/refresh?wait=60s");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(self.daemon.http().token(), self.airbyte.latest_token());
    }

    /// With the file or its disk like this, tokens are renewed and handed out, the file stays as it was, with nothing
    /// beside it, and the log says once why; with the disk in order, it is written.
    fn survives(&self, strike: impl FnOnce(), reason: &str, heal: impl FnOnce()) {
        let (before, beside) = (fs::read(&self.file).expect("it is there"), names(&self.home.state()));
        strike();
        self.renews();
        self.airbyte.add_fault(Fault::status(503));
        assert_eq!(self.daemon.http().post("/v1/token/refresh?wait=60s").status, 503);
        assert_eq!(self.daemon.http().token(), self.airbyte.latest_token(), "it lives");
        let said = format!(
            "what is to be remembered across restarts cannot be written to {}: {reason}",
            self.file.display()
        );
        let log = self.daemon.log().wait_for(&said);
        assert_eq!(log.matches("cannot be written").count(), 1, "{log}");
        assert_eq!(fs::read(&self.file).expect("it is there"), before);
        assert_eq!(names(&self.home.state()), beside);
        heal();
        self.renews();
        self.await_remembered(self.airbyte.exchanges());
    }
}

/// A memory on a disk of its own.
fn on_a_disk(home: &Home) -> Disk {
    home.make_directory(&home.state());
    Disk::mount(home, &home.state())
}

/// Fault 21: ENOSPC.
#[test]
fn a_full_disk_costs_nobody_a_token_and_leaves_the_memory_whole() {
    let home = Home::new();
    let disk = on_a_disk(&home);
    let scene = Scene::new(&home);
    scene.survives(|| disk.fill(), "No space left on device", || disk.make_room());
}

/// Fault 21: EROFS.
#[test]
fn a_read_only_disk_costs_nobody_a_token_and_leaves_the_memory_whole() {
    let home = Home::new();
    let disk = on_a_disk(&home);
    let scene = Scene::new(&home);
    scene.survives(|| disk.set_read_only(true), "Read-only file system", || disk.set_read_only(false));
}

/// Fault 21: EACCES.
#[test]
fn a_state_directory_without_rights_costs_nobody_a_token_and_leaves_the_memory_whole() {
    let home = Home::of(Person::owner());
    let (scene, directory) = (Scene::new(&home), home.state());
    scene.survives(|| set_closed(&directory, true), "Permission denied", || set_closed(&directory, false));
}

/// Fault 21: the directory is removed.
#[test]
fn a_state_directory_that_was_removed_is_made_again() {
    let home = Home::new();
    let scene = Scene::new(&home);
    fs::remove_dir_all(home.state()).expect("it is ours");
    scene.renews();
    scene.await_remembered(2);
}

/// Fault 21: a directory is in the file's place.
#[test]
fn a_directory_in_place_of_the_memory_costs_nobody_a_token_and_is_left_alone() {
    let home = Home::new();
    let scene = Scene::new(&home);
    fs::remove_file(&scene.file).expect("it is ours");
    fs::create_dir(&scene.file).expect("there is room");
    scene.renews();
    let log = scene.daemon.log().wait_for("cannot be written to");
    assert!(log.contains(&scene.file.display().to_string()), "{log}");
    assert_eq!(fs::read_dir(&scene.file).expect("it is left alone").count(), 0);
    fs::remove_dir(&scene.file).expect("it is empty");
    scene.renews();
    scene.await_remembered(3);
}

/// Fault 21: a symlink is in the file's place, and in that of the file which is to replace it.
#[test]
fn links_in_place_of_the_memory_are_replaced_and_not_followed() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let victim = home.path().join("victim");
    home.write(&victim, b"precious");
    fs::remove_file(&scene.file).expect("it is ours");
    link(&victim, &scene.file);
    link(&victim, &scene.file.with_extension("new"));
    scene.renews();
    eventually("the link is replaced", PATIENCE, || (!scene.file.is_symlink()).then_some(()));
    scene.await_remembered(2);
    assert_eq!(fs::read(&victim).expect("it is there"), b"precious");
}

fn link(to: &Path, at: &Path) {
    symlink(to, at).expect("there is room");
}
