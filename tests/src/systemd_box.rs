//! A real systemd, booted for one test: the first process of its own namespaces, over a copy-on-write view of this
//! machine's root. Nothing that is written inside reaches the machine, and nothing inside outlives the box.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use crate::{PATIENCE, Person, eventually};

const INIT: &str = include_str!("systemd_box/init.sh");

/// Where programs are found inside.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A booted systemd. It ends, with everything that runs inside, when it is dropped.
#[derive(Debug)]
pub struct SystemdBox {
    unshare: Child,
    init: u32,
    cgroup: PathBuf,
    _space: tempfile::TempDir,
}

impl SystemdBox {
    /// Boots. Each of `shares` is seen inside as `/run/host/NAME`.
    ///
    /// # Panics
    /// When root is not to be had, or systemd does not come up: both are said.
    #[must_use]
    pub fn boot(shares: &[(&str, &Path)]) -> Self {
        let space = tempfile::tempdir().expect("a temporary directory");
        let cgroup = new_cgroup(space.path()).expect("a cgroup for the box");
        let mut unshare = enter(&cgroup);
        unshare.arg(space.path());
        unshare.args(shares.iter().map(|(name, path)| format!("{name}={}", path.display())));
        let mut unshare = unshare.spawn().expect("unshare runs");
        let init = eventually("systemd is the first process of the box", PATIENCE, || {
            assert!(
                unshare.try_wait().expect("unshare is ours").is_none(),
                "the box ended before systemd began"
            );
            first_process(unshare.id())
        });
        let booted = Self { unshare, init, cgroup, _space: space };
        eventually("systemd has settled", PATIENCE, || {
            let state = booted.run(&["systemctl", "is-system-running"]);
            ["running", "degraded"].contains(&text(&state.stdout).trim()).then_some(())
        });
        booted
    }

    /// Runs a command inside, as root.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, command: &[&str]) -> Output {
        self.run_with(command, b"")
    }

    /// Runs a command inside, as root, with this on its standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run_with(&self, command: &[&str], input: &[u8]) -> Output {
        let mut entered = Person::root().command("nsenter");
        entered.args(["-t", &self.init.to_string(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]);
        entered.args(["env", "-i", "HOME=/root", &format!("PATH={PATH}")]).args(command);
        feed(entered, input).expect("nsenter runs")
    }

    /// Runs a command inside, as root, and insists that it succeeds. Gives back its standard output.
    ///
    /// # Panics
    /// With what the command said, if it fails.
    #[must_use]
    pub fn must(&self, command: &[&str]) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}

impl Drop for SystemdBox {
    fn drop(&mut self) {
        administer("kill", &["-KILL".as_ref(), self.init.to_string().as_ref()]);
        drop(self.unshare.wait());
        eventually("the box's cgroup is empty and gone", PATIENCE, || {
            remove_cgroups(&self.cgroup).then_some(())
        });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `--kill-child`: when `unshare` dies, however it dies, so does everything inside.
fn enter(cgroup: &Path) -> Command {
    let mut command = Person::root().command("bash");
    command.args(["-c", r#"echo $$ > "$0/cgroup.procs"; exec unshare "$@""#]).arg(cgroup);
    command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child"]);
    command.args(["bash", "-c", INIT, "init"]);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// The process below `parent` that has become systemd; until then it is the shell that prepares the root.
fn first_process(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().filter_map(|child| child.parse().ok()).find_map(|child: u32| {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        if name.trim() == "systemd" { Some(child) } else { first_process(child) }
    })
}

/// A cgroup named after the box's own directory, which nobody else has.
fn new_cgroup(space: &Path) -> Option<PathBuf> {
    let name = space.file_name()?.to_str()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mut cgroup2 = mounts.lines().filter(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let cgroup = Path::new(cgroup2.next()?.split(' ').nth(1)?).join(format!("airbyte-tokend-test-{name}"));
    administer("mkdir", &[cgroup.as_os_str()]).then_some(cgroup)
}

/// The box has made cgroups of its own below its own: the deepest must go first.
fn remove_cgroups(cgroup: &Path) -> bool {
    let deepest_first = ["-depth", "-type", "d", "-exec", "rmdir", "{}", "+"].map(OsStr::new);
    administer("find", &[&[cgroup.as_os_str()], &deepest_first[..]].concat())
}

/// Whether root could do it.
fn administer(program: &str, arguments: &[&OsStr]) -> bool {
    let mut command = Person::root().command(program);
    command.args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn feed(mut command: Command, input: &[u8]) -> io::Result<Output> {
    use io::Write as _;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input)?;
    }
    child.wait_with_output()
}
