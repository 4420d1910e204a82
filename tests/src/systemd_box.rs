//! A real systemd, booted for one test: the first process of its own namespaces, over a copy-on-write view of this
//! machine's root. Nothing that is written inside reaches the machine, and nothing inside outlives the box.

use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use crate::{PATIENCE, eventually};

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
    /// Without root, or when systemd does not come up: both are said.
    #[must_use]
    pub fn boot(shares: &[(&str, &Path)]) -> Self {
        assert!(rustix::process::geteuid().is_root(), "booting a systemd needs root: run the tests as root");
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
        let mut entered = Command::new("nsenter");
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
        drop(self.unshare.kill());
        drop(self.unshare.wait());
        eventually("the box's cgroup is empty and gone", PATIENCE, || remove_cgroups(&self.cgroup).ok());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `--kill-child`: when `unshare` dies, however it dies, so does everything inside.
fn enter(cgroup: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", r#"echo $$ > "$0/cgroup.procs"; exec unshare "$@""#]).arg(cgroup);
    command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--kill-child"]);
    command.args(["bash", "-c", INIT, "init"]);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// The child of `unshare`, once it has become systemd; until then it is the shell that prepares the root.
fn first_process(unshare: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).ok()?;
    let child: u32 = children.split_whitespace().next()?.parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    (name.trim() == "systemd").then_some(child)
}

/// A cgroup named after the box's own directory, which nobody else has.
fn new_cgroup(space: &Path) -> io::Result<PathBuf> {
    let name = space.file_name().unwrap_or_default().to_string_lossy();
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mut cgroup2 = mounts.lines().filter(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let root = cgroup2.next().and_then(|line| line.split(' ').nth(1)).ok_or(io::ErrorKind::NotFound)?;
    let cgroup = Path::new(root).join(format!("airbyte-tokend-test-{name}"));
    fs::create_dir(&cgroup)?;
    Ok(cgroup)
}

fn remove_cgroups(cgroup: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cgroup)?.flatten().filter(|entry| entry.path().is_dir()) {
        remove_cgroups(&entry.path())?;
    }
    fs::remove_dir(cgroup)
}

fn feed(mut command: Command, input: &[u8]) -> io::Result<Output> {
    use io::Write as _;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input)?;
    }
    child.wait_with_output()
}
