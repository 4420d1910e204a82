//! What a login writes: the secret into the sealed vault, the profile into the configuration. Both or neither.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use airbyte_tokend_tests::{Airbyte, Cli, Daemon, Home, Person, assert_failed};

use super::ruin::{Disk, names, set_closed};

/// A daemon with a profile `kept` in a sealed vault, and nothing else in the way of a second login but its disk.
struct Scene<'home> {
    home: &'home Home,
    kept: Airbyte,
    second: Airbyte,
    daemon: Daemon,
}

impl<'home> Scene<'home> {
    fn new(home: &'home Home) -> Self {
        let vault = home.file_vault() + &format!("path = \"{}\"\n", vault(home).display());
        home.write_config(&vault);
        let daemon = Daemon::start(home);
        let scene = Self { home, kept: Airbyte::start(), second: Airbyte::start(), daemon };
        scene.daemon.log_in("kept", &scene.kept, "file");
        scene
    }

    /// With a file or its disk like this, a login fails and says so with this status and these words; nothing of it is
    /// there afterwards, the configuration is as it was, and what was served is served and renewed from the vault. With
    /// the disk in order, the login works.
    fn survives(&self, strike: impl FnOnce(), status: i32, words: &[&str], heal: impl FnOnce()) {
        let before = self.files();
        strike();
        let login = Cli::of(self.home).log_in(&self.second, "file", &["-p", "second"]);
        let said = assert_failed(login, &["login"], status);
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
        assert_eq!(self.files(), before);
        assert_eq!(self.daemon.http().get("/v1/token?profile=second").code(), "no_such_profile");
        self.renews("kept", &self.kept);
        heal();
        self.second_was_not_stored();
        self.daemon.log_in("second", &self.second, "file");
        self.renews("second", &self.second);
    }

    /// What there is beside the vault and the configuration, and what the latter says. The vault is sealed anew with
    /// each write, so that its bytes say nothing.
    fn files(&self) -> ([Vec<String>; 2], String) {
        let directories = [directory_of(&vault(self.home)), directory_of(&self.home.config_file())];
        (directories.map(|path| names(&path)), self.home.config())
    }

    fn renews(&self, name: &str, airbyte: &Airbyte) {
        let reply = self.daemon.http().post(&format!("/v1/token/refresh?profile={name}&wait=60s"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = self.daemon.http().get(&format!("/v1/token?profile={name}")).json();
        assert_eq!(token["access_token"], airbyte.latest_token());
    }

    /// A profile that finds a secret under its name would use it.
    fn second_was_not_stored(&self) {
        let good = self.home.config();
        self.home.write_config(&(good.clone() + &self.second.profile_in_config("second", "file")));
        self.daemon.reload();
        assert_eq!(self.daemon.http().get("/v1/token?profile=second").code(), "no_secret");
        self.home.write_config(&good);
        self.daemon.reload();
    }
}

fn vault(home: &Home) -> PathBuf {
    home.path().join("vault").join("secrets")
}

fn directory_of(file: &Path) -> PathBuf {
    file.parent().expect("it is in a directory").to_owned()
}

/// The directory that this file will be in, on a disk of its own.
fn on_a_disk(home: &Home, file: &Path) -> Disk {
    let directory = directory_of(file);
    home.make_directory(&directory);
    Disk::mount(home, &directory)
}

fn in_words(home: &Home, cause: &str) -> [String; 2] {
    [vault(home).display().to_string(), cause.to_owned()]
}

/// Fault 21: ENOSPC, for the vault.
#[test]
fn a_login_into_a_vault_without_room_leaves_nothing_of_it() {
    let home = Home::new();
    let disk = on_a_disk(&home, &vault(&home));
    let scene = Scene::new(&home);
    let [path, cause] = in_words(&home, "cannot write the vault file (no storage space)");
    scene.survives(
        || disk.fill(),
        78,
        &[&path, &cause, "nothing is stored", "put the vault's file"],
        || disk.make_room(),
    );
}

/// Fault 21: EROFS, for the vault.
#[test]
fn a_login_into_a_read_only_vault_leaves_nothing_of_it() {
    let home = Home::new();
    let disk = on_a_disk(&home, &vault(&home));
    let scene = Scene::new(&home);
    let [path, cause] = in_words(&home, "read-only filesystem or storage medium");
    scene.survives(|| disk.set_read_only(true), 78, &[&path, &cause], || disk.set_read_only(false));
}

/// Fault 21: EACCES, for the vault.
#[test]
fn a_login_into_a_vault_without_rights_leaves_nothing_of_it() {
    let home = Home::of(Person::owner());
    let (scene, directory) = (Scene::new(&home), directory_of(&vault(&home)));
    let [path, cause] = in_words(&home, "permission denied");
    scene.survives(|| set_closed(&directory, true), 78, &[&path, &cause], || set_closed(&directory, false));
}

/// Fault 21: a symlink is in the vault's place.
#[test]
fn a_vault_that_is_a_link_is_neither_read_nor_followed() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let (path, elsewhere) = (vault(&home), home.path().join("elsewhere"));
    fs::rename(&path, &elsewhere).expect("it is ours");
    symlink(&elsewhere, &path).expect("there is room");
    let before = fs::read(&elsewhere).expect("it is there");
    let login = Cli::of(&home).log_in(&scene.second, "file", &["-p", "second"]);
    let said = assert_failed(login, &["login"], 78);
    assert!(
        said.contains("the vault file is a symlink") && said.contains(&path.display().to_string()),
        "{said}"
    );
    let alive = scene.kept.latest_token();
    assert_eq!(scene.daemon.http().post("/v1/token/refresh?wait=10s").code(), "vault_unreadable");
    assert_eq!(scene.daemon.http().token(), alive);
    assert_eq!(fs::read(&elsewhere).expect("it is there"), before);
    fs::remove_file(&path).expect("it is ours");
    fs::rename(&elsewhere, &path).expect("it is ours");
    scene.renews("kept", &scene.kept);
}

/// Fault 21: a directory is in the vault's place.
#[test]
fn a_directory_in_place_of_the_vault_is_named_and_left_alone() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let (path, aside) = (vault(&home), home.path().join("aside"));
    let swap = || {
        fs::rename(&path, &aside).expect("it is ours");
        home.make_directory(&path);
    };
    swap();
    let said = Cli::of(&home).fail(&["refresh"], 78);
    assert!(said.contains("and not a file") && said.contains(&path.display().to_string()), "{said}");
    assert_eq!(scene.daemon.http().token(), scene.kept.latest_token());
    assert!(names(&path).is_empty());
    fs::remove_dir(&path).expect("it is empty");
    fs::rename(&aside, &path).expect("it is ours");
    scene.renews("kept", &scene.kept);
}

/// Fault 21: the vault's directory is removed.
#[test]
fn a_vault_that_was_removed_with_its_directory_is_missed_and_a_login_makes_it_again() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let alive = scene.kept.latest_token();
    fs::remove_dir_all(directory_of(&vault(&home))).expect("it is ours");
    assert_eq!(scene.daemon.http().post("/v1/token/refresh?wait=10s").code(), "no_secret");
    assert_eq!(scene.daemon.http().token(), alive);
    scene.daemon.log_in("kept", &scene.kept, "file");
    scene.renews("kept", &scene.kept);
}

/// Fault 21: ENOSPC, for the configuration.
#[test]
fn a_login_that_there_is_no_room_to_write_down_leaves_nothing_of_it() {
    let home = Home::new();
    let disk = on_a_disk(&home, &home.config_file());
    let scene = Scene::new(&home);
    let path = home.config_file().display().to_string();
    let words = [path.as_str(), "No space left on device", "nothing is stored", "that there is room"];
    scene.survives(|| disk.fill(), 78, &words, || disk.make_room());
}

/// Fault 21: EROFS, for the configuration.
#[test]
fn a_login_beside_a_read_only_configuration_leaves_nothing_of_it() {
    let home = Home::new();
    let disk = on_a_disk(&home, &home.config_file());
    let scene = Scene::new(&home);
    let path = home.config_file().display().to_string();
    let words = [path.as_str(), "Read-only file system"];
    scene.survives(|| disk.set_read_only(true), 78, &words, || disk.set_read_only(false));
}

/// Fault 21: EACCES, for the configuration.
#[test]
fn a_login_without_the_right_to_write_it_down_leaves_nothing_of_it() {
    let home = Home::of(Person::owner());
    let (scene, directory) = (Scene::new(&home), directory_of(&home.config_file()));
    let path = home.config_file().display().to_string();
    let words = [path.as_str(), "Permission denied", "can be written"];
    scene.survives(|| set_closed(&directory, true), 78, &words, || set_closed(&directory, false));
}
