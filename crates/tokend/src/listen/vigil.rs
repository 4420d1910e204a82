//! Noticing that the socket's name is gone, and putting it back.
//!
//! A socket without its name serves nobody, and whoever would start another daemon finds the lock taken. So the name is
//! watched (`inotify(7)`), which costs no wake-up while nothing happens; and the socket has a second name beside the
//! first, from which the first can be made again: callers then reach the same socket as before.

use std::{
    fs, io,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use tokio::io::unix::AsyncFd;

use super::Inode;
use crate::{clock::Clock, logs::Condenser};

/// Somebody who watches over the socket's name.
#[derive(Debug)]
pub struct Vigil {
    events: AsyncFd<OwnedFd>,
    path: PathBuf,
    spare: PathBuf,
    bound: Inode,
}

/// What has become of the name.
enum Name {
    Ours,
    /// It was gone.
    PutBack,
    /// This is in the way of putting it back.
    Lost(String),
}

impl Vigil {
    /// Watches the name of this socket, which has this second name. Must be called on the runtime.
    pub(super) fn over(path: &Path, spare: &Path, bound: Inode) -> io::Result<Self> {
        let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let flags = WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::DELETE_SELF | WatchFlags::ONLYDIR;
        inotify::add_watch(&events, directory, flags)?;
        Ok(Self { events: watch(events)?, path: path.to_owned(), spare: spare.to_owned(), bound })
    }

    /// Puts the name back whenever it is gone, until it is somebody else's or cannot be put back.
    pub async fn keep(self) {
        let mut complaints = Condenser::new();
        while self.event().await.is_ok() {
            match self.look() {
                Name::Ours => {}
                Name::PutBack => {
                    let line = format!("the socket {} was removed, and is there again", self.path.display());
                    if let Some(line) = complaints.heard(Clock.now(), &line) {
                        tracing::warn!("{line}");
                    }
                }
                Name::Lost(reason) => {
                    let path = self.path.display();
                    return tracing::error!(
                        "nobody can reach the socket {path} any more, restart airbyte-tokend: {reason}"
                    );
                }
            }
        }
    }

    fn look(&self) -> Name {
        match fs::symlink_metadata(&self.path) {
            Ok(now) if Inode::of(&now) == self.bound => Name::Ours,
            Ok(_) => Name::Lost("somebody has put something else there".to_owned()),
            Err(_) => match fs::hard_link(&self.spare, &self.path) {
                Ok(()) => Name::PutBack,
                Err(error) => Name::Lost(format!("it was removed, and cannot be put back: {error}")),
            },
        }
    }

    /// Ends when something has happened in the directory. What it was does not matter.
    async fn event(&self) -> io::Result<()> {
        loop {
            let mut ready = self.events.readable().await?;
            let mut room = [MaybeUninit::uninit(); 4096];
            let read =
                |events: &AsyncFd<OwnedFd>| Ok(Reader::new(events.get_ref(), &mut room).next().map(drop)?);
            match ready.try_io(read) {
                Ok(read) => return read,
                Err(_not_yet) => {}
            }
        }
    }
}

#[expect(
    deprecated,
    reason = "unsound only for a type whose descriptor can change, which an `OwnedFd`'s cannot"
)]
fn watch(events: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(events)
}
