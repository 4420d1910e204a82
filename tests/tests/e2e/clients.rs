//! Local clients: made, listed, refused, kept; and their secret, which is nobody's but theirs.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use airbyte_tokend_tests::{
    Airbyte, Call, Canary, Cli, Daemon, Home, Memory, PATIENCE, Person, Process, Recipe, Reply, free_port,
};
use serde_json::{Value, json};

/// A daemon with a profile `main`, whose secret is in a file, and loopback HTTP.
struct Scene<'home> {
    home: &'home Home,
    address: SocketAddr,
    airbyte: Airbyte,
    daemon: Daemon,
}

/// What a local client was given.
struct Pair {
    id: String,
    secret: String,
}

impl<'home> Scene<'home> {
    fn new(home: &'home Home) -> Self {
        let address = free_port().0.local_addr().expect("it has one");
        home.write_config(&format!("[http]\nlisten = \"{address}\"\n\n{}", home.file_vault()));
        let (airbyte, daemon) = (Airbyte::start(), Recipe::of(home).arguments(&["--log", "trace"]).start());
        daemon.log_in("main", &airbyte, "file");
        Self { home, address, airbyte, daemon }
    }

    fn cli(&self) -> Cli<'home> {
        Cli::of(self.home)
    }

    fn add(&self, name: &str, more: &[&str]) -> Pair {
        let arguments = [&["client", "add", name, "--mode", "token", "--json"], more].concat();
        let told: Value = serde_json::from_str(&self.cli().succeed(&arguments)).expect("it is json");
        let text = |key: &str| told[key].as_str().expect("it is text").to_owned();
        Pair { id: text("id"), secret: text("secret") }
    }

    /// What loopback HTTP answers to this bearer.
    fn ask(&self, pair: &Pair) -> Reply {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        let call = Call::new("GET", "/v1/token").bare().header("host", &self.address.to_string());
        let call = call.header("authorization", &format!("Bearer {}", pair.secret));
        stream.write_all(&call.bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        Reply::parse(&bytes).expect("it is a reply")
    }

    fn clients(&self) -> Value {
        serde_json::from_str(&self.cli().succeed(&["client", "list", "--json"])).expect("it is json")
    }

    fn names(&self) -> Vec<String> {
        let listed = self.clients();
        let all = listed["clients"].as_array().expect("it is a list").iter();
        all.map(|client| client["name"].as_str().expect("it is text").to_owned()).collect()
    }

    fn file(&self) -> String {
        fs::read_to_string(self.home.state().join("clients.json")).expect("it is there")
    }

    fn restart(self, end: impl FnOnce(Daemon)) -> Self {
        let Self { home, address, airbyte, daemon } = self;
        end(daemon);
        Self { home, address, airbyte, daemon: Daemon::start(home) }
    }
}

fn stop(daemon: Daemon) {
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_client_is_shown_once_in_three_lines_and_listed_without_its_secret() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let told = scene.cli().succeed(&["client", "add", "agent", "--read-only"]);
    let lines: Vec<_> = told.lines().collect();
    let id = lines[0].strip_prefix("client id:     ").expect("the id is first");
    let secret = lines[1].strip_prefix("client secret: ").expect("the secret is second");
    assert_eq!(lines[2..], ["This secret is not shown again."]);
    assert!(secret.len() == 43 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let expected = json!({"clients": [
        {"name": "agent", "id": id, "profile": "main", "mode": "proxy", "read_only": true}
    ]});
    assert_eq!(scene.clients(), expected);
    let page = scene.cli().succeed(&["client", "list"]);
    assert!(page.contains("agent") && page.contains("never") && !page.contains(secret), "{page}");
}

#[test]
fn clients_survive_a_restart_a_kill_and_a_new_secret_of_their_profile() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let first = scene.add("first", &[]);
    let scene = scene.restart(stop);
    assert_eq!(scene.ask(&first).status, 200);
    let second = scene.add("second", &[]);
    let scene = scene.restart(|daemon| drop(daemon.kill()));
    scene.daemon.log_in("main", &scene.airbyte, "file");
    for pair in [&first, &second] {
        assert_eq!(scene.ask(pair).json()["access_token"], json!(scene.airbyte.latest_token()));
    }
}

#[test]
fn a_removed_client_is_refused_at_once_and_alone_and_after_a_restart() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let (gone, stays) = (scene.add("gone", &[]), scene.add("stays", &[]));
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [200, 200], "before");
    scene.cli().succeed(&["client", "rm", "gone"]);
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [401, 200]);
    assert_eq!(scene.names(), ["stays"]);
    let scene = scene.restart(stop);
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [401, 200], "after a restart");
    let said = scene.cli().fail(&["client", "rm", "gone"], 78);
    assert!(said.contains("there is no local client `gone`"), "{said}");
}

#[test]
fn a_logout_takes_the_clients_of_its_profile_along_for_good_and_no_other() {
    let home = Home::new();
    let scene = Scene::new(&home);
    scene.daemon.log_in("other", &scene.airbyte, "file");
    let (gone, stays) = (scene.add("gone", &["-p", "main"]), scene.add("stays", &["-p", "other"]));
    scene.cli().succeed(&["logout", "-p", "main"]);
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [401, 200]);
    scene.daemon.log_in("main", &scene.airbyte, "file");
    assert_eq!(scene.ask(&gone).status, 401, "another profile of that name");
    assert_eq!(scene.names(), ["stays"]);
}

#[test]
fn a_logout_that_fails_leaves_the_clients_of_its_profile() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let stays = scene.add("stays", &[]);
    let obstacle = format!("{}.{}.new", home.config_file().display(), scene.daemon.pid());
    home.make_directory(Path::new(&obstacle));
    scene.cli().fail(&["logout", "-p", "main"], 78);
    assert_eq!(scene.ask(&stays).status, 200);
    fs::remove_dir(obstacle).expect("it is there");
    scene.cli().succeed(&["logout", "-p", "main"]);
    assert_eq!(scene.ask(&stays).status, 401, "the control");
}

#[test]
fn a_client_is_of_a_profile_that_there_is_and_of_a_name_that_is_free() {
    let home = Home::new();
    let scene = Scene::new(&home);
    scene.add("ci", &[]);
    for (arguments, status, words) in [
        (&["client", "add", "ci"][..], 78, "there is a local client `ci` already"),
        (&["client", "add", "new", "-p", "nobody"], 78, "there is no profile `nobody`"),
        (&["client", "add", "new", "--mode", "token", "--read-only"], 2, "--read-only needs --mode proxy"),
    ] {
        let said = scene.cli().fail(arguments, status);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(scene.names(), ["ci"]);
    let chosen = scene.cli().variable("AIRBYTE_PROFILE", "main");
    let told: Value =
        serde_json::from_str(&chosen.succeed(&["client", "add", "new", "--json"])).expect("json");
    assert_eq!((&told["profile"], &told["mode"]), (&json!("main"), &json!("proxy")));
}

#[test]
fn a_client_s_secret_is_nowhere_but_in_what_add_printed() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let pair = scene.add("ci", &[]);
    let canary = Canary::of(&pair.secret);
    assert_eq!(scene.ask(&pair).status, 200);
    let cli = scene.cli();
    for arguments in [
        &["client", "list"][..],
        &["client", "list", "--json"],
        &["client", "add", "ci"],
        &["status", "--json"],
        &["explain", "--json"],
        &["profiles", "--json"],
    ] {
        let ended = cli.run(arguments);
        let said = [ended.stdout, ended.stderr.into_bytes()].concat();
        canary.assert_absent(&format!("{arguments:?}"), &said);
    }
    for target in ["/v1/clients", "/v1/status", "/metrics"] {
        canary.assert_absent(target, &scene.daemon.http().get(target).body);
    }
    let scene = scene.restart(|daemon| {
        let log = daemon.log().clone();
        stop(daemon);
        canary.assert_absent("the log", &log.bytes());
    });
    assert!(scene.file().contains(&pair.id), "the file has the client");
    canary.assert_absent_under(home.path());
}

#[test]
fn the_daemon_s_memory_does_not_keep_a_client_s_secret() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let pair = scene.add("ci", &[]);
    assert_eq!(scene.ask(&pair).status, 200);
    let memory = Memory::of(scene.daemon.pid());
    assert!(memory.count(&pair.id) > 0, "the control: the id is kept");
    assert_eq!(memory.count(&pair.secret), 0);
}

#[test]
fn when_a_client_last_came_is_told_and_outlives_a_stop() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let used = scene.add("used", &[]);
    scene.add("unused", &[]);
    assert_eq!(scene.clients()["clients"][1].get("last_used"), None);
    assert_eq!(scene.ask(&used).status, 200);
    let last = scene.clients()["clients"][1]["last_used"].clone();
    assert!(last.is_string(), "{last}");
    let scene = scene.restart(stop);
    let listed = scene.clients();
    assert_eq!((&listed["clients"][1]["last_used"], listed["clients"][0].get("last_used")), (&last, None));
    let page = scene.cli().succeed(&["client", "list"]);
    assert!(page.lines().any(|line| line.starts_with("used") && line.contains(" ago")), "{page}");
}

#[test]
fn a_full_disk_refuses_a_client_and_leaves_nothing_of_it_and_nobody_is_kept_in_by_it() {
    let home = Home::new();
    let disk = Disk::mount(&home);
    let scene = Scene::new(&home);
    let (gone, stays) = (scene.add("gone", &[]), scene.add("stays", &[]));
    let before = scene.file();
    disk.fill();
    let said = scene.cli().fail(&["client", "add", "new"], 78);
    assert!(
        said.contains("clients.json cannot be written") && said.contains("nothing was changed"),
        "{said}"
    );
    let said = scene.cli().fail(&["client", "rm", "gone"], 78);
    assert!(said.contains("is refused from now on") && said.contains("client rm gone"), "{said}");
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [401, 200]);
    assert_eq!((scene.file(), scene.names()), (before, vec!["stays".to_owned()]));
    disk.make_room();
    scene.cli().succeed(&["client", "rm", "gone"]);
    scene.add("new", &[]);
    let scene = scene.restart(stop);
    assert_eq!([scene.ask(&gone).status, scene.ask(&stays).status], [401, 200]);
    assert_eq!(scene.names(), ["new", "stays"]);
}

#[test]
fn a_damaged_register_lets_nobody_in_is_told_of_and_is_not_written_over() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let pair = scene.add("ci", &[]);
    let good = scene.file();
    let damaged = good.replace("\"version\":1", "\"version\":1,\"more\":0");
    let path = home.state().join("clients.json");
    let scene = scene.restart(|daemon| {
        stop(daemon);
        home.write(&path, damaged.as_bytes());
    });
    assert_eq!(scene.ask(&pair).status, 401);
    assert_eq!(scene.daemon.http().get("/v1/token").status, 200, "the socket serves all the same");
    scene.daemon.log().wait_for("all local clients are refused");
    let page = scene.cli().succeed(&["client", "list"]);
    assert!(
        page.contains("all local clients are refused") && page.contains("clients.json is damaged"),
        "{page}"
    );
    for arguments in [["client", "add", "new"], ["client", "rm", "ci"]] {
        scene.cli().fail(&arguments, 78);
    }
    let scene = scene.restart(|daemon| {
        stop(daemon);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), damaged);
        home.write(&path, good.as_bytes());
    });
    assert_eq!(scene.ask(&pair).status, 200, "the same file, whole");
}

/// A file system of its own, of 128 KiB, where the state is; gone when dropped.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(home: &Home) -> Self {
        let state = home.state();
        home.make_directory(&state);
        let options = format!("size=128k,mode=0700,uid={}", home.person().uid());
        as_root("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"], &state);
        Self(state)
    }

    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).expect("it can be written to");
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).expect("it is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        as_root("umount", &["--lazy"], &self.0);
    }
}

fn as_root(program: &str, arguments: &[&str], path: &Path) {
    let ended = Process::start(Person::root().command(program).args(arguments).arg(path), b"").wait();
    assert_eq!(ended.code(), Some(0), "{program}: {}", ended.stderr);
}
