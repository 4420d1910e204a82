//! A container: its own mounts, and of the host's only what it was given.

use std::path::Path;

use airbyte_tokend_tests::{Daemon, Ended, Home, Person, Process};

use super::{CURL, Scene, assert_refused, assert_served};

/// Where the container finds what it was given.
const GIVEN: &str = "/mnt";

/// A container that was given this directory, as `docker run --volume DIRECTORY:/mnt` gives it. The rest of what is in
/// `/tmp`, where the host's homes are, is not there.
struct Container {
    _init: Process,
    pid: String,
}

impl Container {
    fn given(home: &Home, directory: &Path) -> Self {
        let mut command = home.command_of(Person::root(), "unshare".as_ref());
        command.args(["--mount", "--propagation", "private", "sh", "-c", INIT, GIVEN]).arg(directory);
        let init = Process::start(command.current_dir("/"), b"");
        let said = init.stdout().wait_for("\n");
        Self { pid: said.trim().to_owned(), _init: init }
    }

    /// `curl` of this user in the container.
    fn curl(&self, home: &Home, person: Person, socket: &Path, target: &str) -> Ended {
        let mut command = home.command_of(Person::root(), "nsenter".as_ref());
        command.args(["--target", &self.pid, "--mount", "--wd=/", "setpriv"]);
        let id = person.uid();
        command.args([
            format!("--reuid={id}"),
            format!("--regid={id}"),
            "--clear-groups".into(),
            "curl".into(),
        ]);
        command.args(CURL).arg(socket).arg(format!("http://localhost{target}")).current_dir("/");
        Process::start(&mut command, b"").wait()
    }
}

const INIT: &str = r#"
mount --bind "$1" "$0" && mount -t tmpfs none /tmp && echo $$ && exec sleep infinity
"#;

/// T9: a container that was given a socket's directory gets its tokens, is refused all else, and sees no other socket.
#[test]
fn a_container_gets_the_tokens_of_its_socket_and_nothing_else() {
    let person = Person::stranger();
    let users = format!("users = [\"{}\"]\n", person.uid());
    let scene = Scene::with(&format!("[sockets.ci]\nprofiles = [\"ci\"]\n{users}"));
    let directory = scene.home.run().join("airbyte-tokend/ci");
    let container = Container::given(&scene.home, &directory);
    let socket = Path::new(GIVEN).join("api.sock");
    let ask = |person, target: &str| container.curl(&scene.home, person, &socket, target);

    assert_served(&ask(person, "/v1/token"), &scene.ci.latest_token());
    assert_served(&ask(Person::root(), "/v1/token"), &scene.ci.latest_token());
    for person in [person, Person::root()] {
        for target in ["/v1/token?profile=production", "/v1/status", "/v1/profiles", "/metrics"] {
            let refused = ask(person, target);
            assert_refused(&refused, "not_allowed");
            scene.assert_no_token(&refused.text());
        }
    }
    let beside = container.curl(&scene.home, Person::root(), &scene.home.socket(), "/v1/status");
    assert_eq!(beside.code(), Some(7), "the main socket is not there: {}", beside.stderr);

    let Scene { home, daemon, ci, .. } = scene;
    daemon.stop();
    let _next = Daemon::start(&home);
    let again = container.curl(&home, person, &socket, "/v1/token");
    assert_served(&again, &ci.latest_token());
}
