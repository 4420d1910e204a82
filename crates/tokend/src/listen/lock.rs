//! One daemon to a socket: a lock file whose lock dies with its holder, whatever kills it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, OFlags},
    io::Errno,
    process::{Pid, test_kill_process},
};

/// How often, and how far apart, whoever holds the lock is looked for: it signs right after it has taken it.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The lock, held until it is dropped. The file stays; it says who held it last.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Lock {
    /// Takes the lock (`flock(2)`) and writes our process id into it, or says who has it.
    pub(super) fn take(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::File { path: path.to_owned(), source };
        let mut file = open(path).map_err(|error| squatted(path).unwrap_or_else(|| failed(error)))?;
        if let Some(squatted) = squatted(path) {
            return Err(squatted);
        }
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(LockError::Held { path: path.to_owned(), holder: holder(&mut file) });
            }
            Err(error) => return Err(failed(error.into())),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Self(file))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow);
    options.open(path)
}

/// What stands there that we did not put there. A link would have us write into somebody's file.
fn squatted(path: &Path) -> Option<LockError> {
    let found = fs::symlink_metadata(path).ok()?;
    let is_ours = found.is_file() && found.uid() == rustix::process::geteuid().as_raw();
    let (path, owner, mode) = (path.to_owned(), found.uid(), found.mode() & 0o7777);
    (!is_ours).then_some(LockError::Squatted { path, owner, mode })
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who has the lock. The file may be unsigned yet, or still say who held it before and was killed: that is waited out.
fn holder(file: &mut File) -> String {
    let name = |pid: Pid| format!("process {}", pid.as_raw_nonzero());
    let mut looks = (0..LOOKS).map(|look| {
        if look > 0 {
            thread::sleep(BETWEEN_LOOKS);
        }
        signature(file).filter(|pid| is_there(*pid))
    });
    looks.find_map(|pid| pid.map(name)).unwrap_or_else(|| "another process".to_owned())
}

fn signature(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.take(16).read_to_string(&mut text)).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

/// A process of another user is there too, and may not be asked.
fn is_there(pid: Pid) -> bool {
    matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM))
}

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon serves this socket.
    #[error("airbyte-tokend is running already: {holder} holds {path}", path = path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// It is no file of ours.
    #[error(
        "{path} is no lock file of this user's; remove it and start again (owner {owner}, mode {mode:o})",
        path = path.display()
    )]
    Squatted {
        /// Where the lock file should be.
        path: PathBuf,
        /// The owner's uid.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// The file itself.
    #[error("the lock file {path} cannot be used: {source}", path = path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
