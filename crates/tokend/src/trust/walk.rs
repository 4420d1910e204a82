//! The walk and its rules, over any tree.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use super::{Fault, Kind, Node, Place, Tree, Untrusted};

/// How many links a path may lead through: as many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What a user namespace shows in place of every user that it does not know (user_namespaces(7)), and `nobody`.
pub(super) const OVERFLOW: u32 = 65_534;

/// Judges whether anybody but root and `uid` can replace what is at this absolute path, or change it. Brings what is
/// there; none, where there is nothing and nobody else can put anything there.
///
/// Each directory in which a name is looked up, on the way or on that of a link, must belong to root or to `uid`, and neither its group nor
/// others may write to it. Root's group counts like root. A sticky directory may be written to by anybody, since nobody
/// but an owner can take a name out of it; there, the name that the way goes through must be root's or `uid`'s own, a
/// link's too: `fs.protected_symlinks` is not relied on. What the path ends at must belong to root or to `uid`, and no
/// other may write to it, sticky or not; what is missing must be so in a directory that no other may write to.
///
/// An access control list needs no rule of its own: what it gives to others shows in the group's bits (acl(5)). Only
/// where the group is root's would they be passed over, and there a list is looked for.
///
/// Nobody is taken to be kept out by a directory that he may not search: a mount, or a directory that he has open,
/// leads past it. And a right to write to a directory without the right to search it counts, though it is worth nothing
/// yet.
///
/// # Errors
/// The first component that others can replace, or the first that cannot be looked at.
pub fn judge(tree: &impl Tree, path: &Path, uid: u32) -> Result<Option<Node>, Untrusted> {
    let mut walk = Walk { tree, uid, way: Vec::new(), ahead: Vec::new(), links: 0 };
    walk.follow(path);
    walk.go_on().map_err(|fault| Untrusted::new(path, fault))
}

struct Walk<'a, T> {
    tree: &'a T,
    uid: u32,
    /// The directory that was come to, and above it all that it is in, from `/` on; none is a link.
    way: Vec<Place>,
    /// What is still to be walked, the next last.
    ahead: Vec<Step>,
    links: usize,
}

enum Step {
    Root,
    Stay,
    Up,
    Down(OsString),
}

impl<T: Tree> Walk<'_, T> {
    fn go_on(&mut self) -> Result<Option<Node>, Fault> {
        while let Some(step) = self.ahead.pop() {
            match step {
                Step::Root => self.begin()?,
                Step::Stay => {}
                // Above `/` is `/`.
                Step::Up if self.way.len() > 1 => drop(self.way.pop()),
                Step::Up => {}
                Step::Down(name) => match self.descend(&name)? {
                    Reached::Way => {}
                    Reached::End(node) => return Ok(Some(node)),
                    Reached::Nothing => return Ok(None),
                },
            }
        }
        self.end_in_directory()
    }

    /// Puts what stands in a path, or in a link, before all that is still to be walked.
    fn follow(&mut self, path: &Path) {
        let steps = path.as_os_str().as_bytes().rsplit(|byte| *byte == b'/').map(|name| match name {
            // Nothing stands between two slashes and after the last. Only a directory can be stayed in.
            b"" | b"." => Step::Stay,
            b".." => Step::Up,
            name => Step::Down(OsStr::from_bytes(name).to_owned()),
        });
        self.ahead.extend(steps);
        if path.is_absolute() {
            self.ahead.push(Step::Root);
        }
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.way.truncate(1);
        if self.way.is_empty() {
            self.way.push(self.look(PathBuf::from("/"))?);
        }
        Ok(())
    }

    fn descend(&mut self, name: &OsString) -> Result<Reached, Fault> {
        let directory = self.directory()?;
        self.rely_on(&directory)?;
        let path = directory.path.join(name);
        let place = match self.look(path) {
            Err(Fault::Unseen { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return self.miss().map(|()| Reached::Nothing);
            }
            looked => looked?,
        };
        if !directory.node.is_closed() && !self.is_trusted(place.node.uid) {
            return Err(Fault::Foreign { at: place, me: self.uid });
        }
        match place.node.kind {
            Kind::Link => self.follow_link(&place.path).map(|()| Reached::Way),
            Kind::Directory => {
                self.way.push(place);
                Ok(Reached::Way)
            }
            Kind::Other if self.ahead.is_empty() => self.end_at(place).map(Reached::End),
            Kind::Other => Err(Fault::Unseen { at: place.path, source: Errno::NOTDIR.into() }),
        }
    }

    fn look(&self, path: PathBuf) -> Result<Place, Fault> {
        match self.tree.node(&path) {
            Ok(node) => Ok(Place { path, node }),
            Err(source) => Err(Fault::Unseen { at: path, source }),
        }
    }

    fn follow_link(&mut self, link: &Path) -> Result<(), Fault> {
        let unseen = |source| Fault::Unseen { at: link.to_owned(), source };
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(unseen(Errno::LOOP.into()));
        }
        // Whose a link is makes no difference where none but us can replace it: nobody can rewrite one.
        let target = self.tree.target(link).map_err(unseen)?;
        self.follow(&target);
        Ok(())
    }

    /// Checks that no other can change what a name stands for in this directory, or can only do so with his own names.
    fn rely_on(&self, directory: &Place) -> Result<(), Fault> {
        if !self.is_trusted(directory.node.uid) {
            return Err(Fault::Foreign { at: directory.clone(), me: self.uid });
        }
        if !directory.node.is_closed() && !directory.node.is_sticky() {
            return Err(Fault::Writable { at: directory.clone() });
        }
        Ok(())
    }

    fn end_at(&self, file: Place) -> Result<Node, Fault> {
        if !self.is_trusted(file.node.uid) {
            return Err(Fault::Foreign { at: file, me: self.uid });
        }
        if !file.node.is_closed() {
            return Err(Fault::Writable { at: file });
        }
        Ok(file.node)
    }

    fn end_in_directory(&self) -> Result<Option<Node>, Fault> {
        let directory = self.directory()?;
        self.rely_on(&directory)?;
        if directory.node.is_closed() {
            return Ok(Some(directory.node));
        }
        Err(Fault::Shared { at: directory })
    }

    /// Whoever may write to a sticky directory can make what is missing there.
    fn miss(&self) -> Result<(), Fault> {
        self.end_in_directory().map(drop)
    }

    fn directory(&self) -> Result<Place, Fault> {
        let relative = || Fault::Unseen { at: PathBuf::new(), source: Errno::INVAL.into() };
        self.way.last().cloned().ok_or_else(relative)
    }

    const fn is_trusted(&self, uid: u32) -> bool {
        (uid == 0 || uid == self.uid) && uid != OVERFLOW
    }
}

enum Reached {
    /// A directory, or a link to be followed.
    Way,
    /// What the path names.
    End(Node),
    /// A name that is not there.
    Nothing,
}

impl Node {
    /// Whether none but its owner, root and root's group may write to it.
    pub(super) const fn is_closed(&self) -> bool {
        !self.is_open_to_group() && !self.is_open_to_all()
    }

    pub(super) const fn is_open_to_group(&self) -> bool {
        self.mode & 0o020 != 0 && (self.gid != 0 || self.listed)
    }

    pub(super) const fn is_open_to_all(&self) -> bool {
        self.mode & 0o002 != 0
    }

    pub(super) const fn is_sticky(&self) -> bool {
        self.mode & 0o1000 != 0
    }
}
