//! Sockets for others: opened, changed and closed by a reload, all or nothing.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, net::UnixListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use airbyte_tokend_tests::{Airbyte, Binary, Cli, Daemon, Home, Http, Recipe};

/// A daemon with the profiles `ci` and `production`.
fn serving(home: &Home) -> (Airbyte, Daemon) {
    let (airbyte, daemon) = (Airbyte::start(), Daemon::start(home));
    daemon.log_in("production", &airbyte, "file");
    daemon.log_in("ci", &airbyte, "file");
    (airbyte, daemon)
}

fn socket(home: &Home, name: &str) -> PathBuf {
    home.run().join("airbyte-tokend").join(name).join("api.sock")
}

fn inode(path: &Path) -> u64 {
    path.symlink_metadata().expect("it is there").ino()
}

fn statuses(socket: &Path) -> [u16; 2] {
    ["ci", "production"].map(|name| Http::over(socket).get(&format!("/v1/token?profile={name}")).status)
}

#[test]
fn a_reload_opens_changes_and_closes_sockets_and_leaves_the_others_alone() {
    let home = Home::new().with_file_vault();
    let (_airbyte, daemon) = serving(&home);
    let profiles = home.config();
    let reload = |sockets: &str| {
        home.write_config(&format!("{profiles}{sockets}"));
        let told = daemon.reload();
        assert!(told.lines().any(|line| line == "STATUS=serving"), "{told}");
    };
    reload("[sockets.one]\nprofiles = [\"ci\"]\n[sockets.two]\nprofiles = [\"ci\"]\n");
    let (one, two, three) = (socket(&home, "one"), socket(&home, "two"), socket(&home, "three"));
    let (of_main, of_one) = (inode(&home.socket()), inode(&one));
    assert_eq!((statuses(&one), statuses(&two)), ([200, 403], [200, 403]));

    reload("[sockets.one]\nprofiles = [\"production\"]\n[sockets.three]\nprofiles = [\"ci\"]\n");
    assert_eq!((statuses(&one), statuses(&three)), ([403, 200], [200, 403]));
    assert_eq!((inode(&home.socket()), inode(&one)), (of_main, of_one), "nobody had to connect anew");
    assert!(!two.exists());

    reload("[sockets.two]\nprofiles = [\"ci\"]\n");
    assert!(!one.exists() && !three.exists());
    assert_eq!(statuses(&two), [200, 403], "a name that was closed can be opened again");
    daemon.stop();
    assert!(!two.exists() && !home.socket().exists(), "no name is left at the end");
}

#[test]
fn where_one_socket_cannot_be_opened_all_stays_as_it_was() {
    let home = Home::new().with_file_vault();
    let (_airbyte, daemon) = serving(&home);
    let profiles = home.config();
    home.write_config(&format!("{profiles}[sockets.old]\nprofiles = [\"ci\"]\n"));
    daemon.reload();
    let in_the_way = home.path().join("file");
    home.write(&in_the_way, b"");
    home.write_config(&format!(
        "{profiles}[sockets.early]\nprofiles = [\"ci\"]\n[sockets.late]\nprofiles = [\"ci\"]\npath = \"{}/api.sock\"\n",
        in_the_way.display(),
    ));
    let ended = Cli::of(&home).run(&["reload"]);
    assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
    let complaint = format!("[sockets.late]: {} is not a directory", in_the_way.display());
    assert!(ended.stderr.contains(&complaint), "{}", ended.stderr);
    assert_eq!(statuses(&socket(&home, "old")), [200, 403]);
    assert!(!socket(&home, "early").exists(), "nothing of the new configuration is there");
    assert!(daemon.http().get("/v1/status").text().contains("sockets.late"));
}

#[test]
fn the_main_socket_cannot_be_narrowed_by_giving_it_away() {
    let home = Home::new().with_file_vault();
    let (_airbyte, daemon) = serving(&home);
    let table = format!("[sockets.ci]\nprofiles = [\"ci\"]\npath = \"{}\"\n", home.socket().display());
    home.write_config(&(home.config() + &table));
    let told = daemon.reload();
    assert!(told.contains("is the main socket"), "{told}");
    assert_eq!(daemon.http().get("/v1/status").status, 200);
}

#[test]
fn logins_leave_the_tables_of_sockets_as_they_are_and_a_profile_that_one_names_stays() {
    let home = Home::new().with_file_vault();
    let (airbyte, daemon) = serving(&home);
    let table = "\n# for the runner\n[sockets.ci]   # narrow\nprofiles = [ \"ci\" ]\nverbs = ['token']\n";
    home.write_config(&(home.config() + table));
    daemon.reload();
    let of_ci = inode(&socket(&home, "ci"));
    daemon.log_in("third", &airbyte, "file");
    assert!(home.config().contains(table), "{}", home.config());
    assert_eq!((statuses(&socket(&home, "ci")), inode(&socket(&home, "ci"))), ([200, 403], of_ci));

    let refused = Cli::of(&home).run(&["logout", "-p", "ci"]);
    assert_eq!(refused.code(), Some(78), "{}", refused.stderr);
    assert!(refused.stderr.contains("`sockets.ci.profiles` names `ci`"), "{}", refused.stderr);
    assert_eq!(statuses(&socket(&home, "ci")), [200, 403], "and it is still served");
    assert_eq!(Cli::of(&home).run(&["logout", "-p", "third"]).code(), Some(0));
}

#[test]
fn a_main_socket_that_systemd_holds_has_others_beside_it_that_the_daemon_holds() {
    let home = Home::new();
    let airbyte = Airbyte::start();
    let config = airbyte.profile_in_config("ci", "memory") + "[sockets.ci]\nprofiles = [\"ci\"]\n";
    home.write_config(&config);
    home.make_directory(&home.run().join("airbyte-tokend"));
    let systemds = UnixListener::bind(home.socket()).expect("there is room");
    let script =
        "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec \"$0\"";
    let mut command = home.command_of(home.person(), "sh".as_ref());
    command.args(["-c", script]).arg(Binary::Daemon.path());
    let passed: std::os::fd::OwnedFd = systemds.into();
    command.stdin(passed).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut daemon = command.spawn().expect("there is a shell");
    let narrow = socket(&home, "ci");
    let ready = Http::over(&home.socket()).get("/readyz");
    assert_eq!((ready.status, Http::over(&narrow).get("/readyz").status), (200, 200));
    let pid = rustix::process::Pid::from_child(&daemon);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert!(daemon.wait().expect("it is our child").success());
    assert!(home.socket().exists() && !narrow.exists(), "each takes away what is its own");
}

#[test]
fn a_check_tells_what_is_wrong_with_sockets_and_opens_none() {
    let home = Home::new();
    let airbyte = Airbyte::start();
    let profile = airbyte.profile_in_config("ci", "memory");
    let check = || Recipe::of(&home).arguments(&["--check"]).begin().wait();
    home.write_config(&format!("{profile}[sockets.ci]\nprofiles = [\"other\"]\nusers = [\"65534\"]\n"));
    let ended = check();
    assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
    let file = home.config_file().display().to_string();
    for complaint in [
        format!("{file}:7:1: `sockets.ci.profiles` names `other`"),
        format!("{file}:8:1: `sockets.ci.users`: 65534 stands for whomever"),
    ] {
        assert!(ended.stderr.contains(&complaint), "{complaint}\nis not in\n{}", ended.stderr);
    }

    let directory = home.path().join("ci");
    let table = format!("[sockets.ci]\nprofiles = [\"ci\"]\npath = \"{}/s\"\n", directory.display());
    home.write_config(&format!("{profile}{table}"));
    assert_eq!(check().code(), Some(0), "it can be made");
    assert!(!directory.exists());
    home.make_directory(&directory);
    fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("it is ours");
    let ended = check();
    assert_eq!(ended.code(), Some(77), "{}", ended.stderr);
    assert!(ended.stderr.contains("has mode 777 and is open to others"), "{}", ended.stderr);
}
