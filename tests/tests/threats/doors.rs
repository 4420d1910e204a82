//! Who stands at the daemon's sockets, and who behind them: T1, T2, T3, T9 and T18.

mod container;
mod handed;
mod impostors;
mod namespaces;
mod narrow;
mod replaced;
mod strangers;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use airbyte_tokend_tests::{Airbyte, Daemon, Ended, Home, Person, Process};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A daemon of an owner without privileges that serves two profiles, `ci` and `production`, each with a token.
struct Scene {
    home: Home,
    ci: Airbyte,
    production: Airbyte,
    daemon: Daemon,
}

impl Scene {
    fn new() -> Self {
        let home = Home::of(Person::owner()).with_file_vault();
        let (ci, production, daemon) = (Airbyte::start(), Airbyte::start(), Daemon::start(&home));
        daemon.log_in("production", &production, "file");
        daemon.log_in("ci", &ci, "file");
        Self { home, ci, production, daemon }
    }

    /// The same, where the daemon has also read this.
    fn with(config: &str) -> Self {
        let scene = Self::new();
        scene.reload(config);
        scene
    }

    /// Has the daemon read this beside what there is.
    fn reload(&self, config: &str) {
        self.home.write_config(&(self.home.config() + config));
        let told = self.daemon.reload();
        assert!(told.lines().any(|line| line == "STATUS=serving"), "{told}");
    }

    /// A directory that others may pass, in which a socket for them can be.
    fn open_directory(&self) -> PathBuf {
        set_mode(self.home.path(), 0o711);
        let directory = self.home.path().join("open");
        self.home.make_directory(&directory);
        set_mode(&directory, 0o711);
        directory
    }

    /// Takes away all that the modes of files keep others from.
    fn open_everything(&self) {
        let directory = self.home.run().join("airbyte-tokend");
        for path in [self.home.path(), &self.home.run(), &directory] {
            set_mode(path, 0o755);
        }
        set_mode(&self.home.socket(), 0o666);
    }

    fn curl(&self, person: Person, socket: &Path, target: &str) -> Ended {
        let mut command = self.home.command_of(person, "curl".as_ref());
        command.args(CURL).arg(socket).arg(format!("http://localhost{target}")).current_dir("/");
        Process::start(&mut command, b"").wait()
    }

    fn assert_no_token(&self, text: &str) {
        for token in [self.ci.latest_token(), self.production.latest_token()] {
            assert!(!text.contains(&token[..16]), "a token");
        }
    }
}

const CURL: [&str; 6] = ["--silent", "--show-error", "--include", "--max-time", "30", "--unix-socket"];

/// What the configuration says of a socket for tokens of `ci`, here and for these users.
fn socket_for(path: &Path, users: &[u32]) -> String {
    let users: Vec<_> = users.iter().map(|uid| format!("\"{uid}\"")).collect();
    let users = if users.is_empty() { String::new() } else { format!("users = [{}]\n", users.join(", ")) };
    format!("[sockets.ci]\npath = \"{}\"\nprofiles = [\"ci\"]\n{users}", path.display())
}

fn assert_served(ended: &Ended, token: &str) {
    let text = ended.text();
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains(token), "not served: {}", ended.stderr);
}

fn assert_refused(ended: &Ended, code: &str) {
    let text = ended.text();
    let is_refusal = text.starts_with("HTTP/1.1 403 ") && text.contains(&format!("\"{code}\""));
    assert!(is_refusal, "not refused: {text}{}", ended.stderr);
}
