//! Why a path is not believed: which component, whose it is, its mode, and what to do.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{Kind, Node, walk::OVERFLOW};

/// A path that is not believed.
#[derive(Debug)]
pub struct Untrusted {
    /// The path.
    pub asked: PathBuf,
    /// Why.
    pub fault: Fault,
}

/// Something on the way.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it is, without a link on the way to it.
    pub path: PathBuf,
    /// What it is.
    pub node: Node,
}

/// What is wrong with a path.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It leads through something that belongs to another user.
    #[error("{at} belongs to another user, who could replace it; {remedy}", remedy = chown(at, *me))]
    Foreign {
        /// What belongs to another.
        at: Place,
        /// This user's uid.
        me: u32,
    },
    /// It leads through something that another user may write to.
    #[error("{at} can be changed by {who}; run: {remedy}", who = whom(&at.node), remedy = close(at))]
    Writable {
        /// What others may write to.
        at: Place,
    },
    /// It ends in a directory in which others may make things of theirs.
    #[error("{at} is open to {who}, who could be first to put something there; choose a directory of your own", who = whom(&at.node))]
    Shared {
        /// The directory.
        at: Place,
    },
    /// It cannot be looked at.
    #[error("{at} cannot be looked at: {source}", at = at.display())]
    Unseen {
        /// The component.
        at: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another file stood there when it was opened.
    #[error("the file was replaced while it was opened; try again")]
    Swapped,
}

impl Untrusted {
    pub(super) fn new(asked: &Path, fault: Fault) -> Self {
        Self { asked: asked.to_owned(), fault }
    }
}

impl std::error::Error for Untrusted {}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked.display(), self.fault)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { kind, uid, gid, mode, .. } = self.node;
        let kind = match kind {
            Kind::Directory => "the directory ",
            Kind::Link => "the link ",
            Kind::Other => "",
        };
        write!(f, "{kind}{} (owner {uid}, group {gid}, mode {mode:04o})", self.path.display())
    }
}

fn chown(at: &Place, me: u32) -> String {
    let path = at.path.display();
    if at.node.uid == OVERFLOW {
        return format!(
            "{OVERFLOW} stands for every user whom a user namespace (PrivateUsers=, a container) does not know: \
             start without one, or from a directory of your own"
        );
    }
    format!("run: chown {me} {path}, or choose another place")
}

fn whom(node: &Node) -> &'static str {
    match (node.is_open_to_group(), node.is_open_to_all()) {
        (_, true) => "everybody",
        (true, false) if node.listed => "whoever its access control list names",
        (true | false, false) => "its group",
    }
}

fn close(at: &Place) -> String {
    let path = at.path.display();
    match (at.node.is_open_to_group(), at.node.is_open_to_all()) {
        (true, false) if at.node.listed => format!("setfacl -b {path}"),
        (true, true) => format!("chmod go-w {path}"),
        (false, true) => format!("chmod o-w {path}"),
        (true | false, false) => format!("chmod g-w {path}"),
    }
}
