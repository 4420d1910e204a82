//! What the rules look at: names, owners, modes and links, of a disk or of a tree that is only imagined.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

/// What one name stands for, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its mode, without the bits of its kind: 0 to 0o7777. Where it has an access control list, the group's bits are
    /// the most that the list gives to anyone whom it names (the mask, acl(5)).
    pub mode: u32,
    /// Whether an access control list is known to name others than its owner and its group. It is only looked for where
    /// that would change the verdict.
    pub listed: bool,
    /// Its device and its number there: no two things that exist at the same time have the same.
    pub inode: (u64, u64),
}

/// What something is, as far as a walk is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A file, a device, a pipe or a socket: a walk can only end there.
    Other,
}

/// Where things are looked up. Every path is absolute, and all but its last name are directories and no links.
pub trait Tree {
    /// What the path's last name stands for: lstat(2).
    ///
    /// # Errors
    /// Where there is nothing, or it cannot be looked at.
    fn node(&self, path: &Path) -> io::Result<Node>;

    /// Where the link at this path leads, as it is written: readlink(2).
    ///
    /// # Errors
    /// Where it cannot be read.
    fn target(&self, path: &Path) -> io::Result<PathBuf>;
}

/// This machine's.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Tree for Disk {
    fn node(&self, path: &Path) -> io::Result<Node> {
        let node = Node::of(&fs::symlink_metadata(path)?);
        Ok(Node { listed: node.is_for_roots_group() && is_listed(path)?, ..node })
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }
}

impl Node {
    pub(super) fn of(found: &fs::Metadata) -> Self {
        let kind = match found.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        let (uid, gid, mode) = (found.uid(), found.gid(), found.mode() & 0o7777);
        Self { kind, uid, gid, mode, listed: false, inode: (found.dev(), found.ino()) }
    }

    /// Whether the group that can write here is root's, if that is all there is to it.
    fn is_for_roots_group(&self) -> bool {
        self.kind != Kind::Link && self.gid == 0 && self.mode & 0o020 != 0
    }
}

/// Whether there is an access control list beyond what the mode says.
fn is_listed(path: &Path) -> io::Result<bool> {
    match rustix::fs::lgetxattr(path, c"system.posix_acl_access", &mut [0_u8; 0]) {
        Ok(_) => Ok(true),
        // A list that is longer than no room at all is a list.
        Err(Errno::RANGE) => Ok(true),
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
