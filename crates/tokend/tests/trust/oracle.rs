//! What another user could really do. It knows nothing of the rules: it resolves paths as the kernel does, makes every
//! change that the kernel would let that user make, and looks whether the path then leads elsewhere.

use std::path::Path;

use crate::imagined::{Body, Imagined, NAMES, NOBODY, Number, OTHER, Thing};

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To this.
    To(Number),
    /// To nothing; what would be made of it is nowhere yet.
    Nowhere,
    /// Through something that is no directory, or round in circles.
    Astray,
}

/// A user without privileges. He may be in any group but root's: one group at a time is enough, since what a mode gives
/// it gives to one group.
#[derive(Clone, Copy, Debug)]
struct Attacker {
    uid: u32,
    gid: Option<u32>,
    /// Whether access control lists name him.
    is_listed: bool,
}

/// How much a right is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As the kernel takes it: names in a directory are changed by whoever may write to it and search it.
    Kernel,
    /// As the rules take it: whoever may write to it.
    Rules,
}

/// Whether some user other than root and the one who asks can make the path lead elsewhere, or change what it leads to.
/// Every directory is within his reach: he may have it open.
pub(crate) fn can_be_replaced(tree: &Imagined, path: &Path, reading: Reading) -> bool {
    let before = resolve(tree, path);
    attackers().any(|attacker| {
        let leads_elsewhere = |changed: &Imagined| resolve(changed, path) != before;
        changes(tree, attacker, reading).iter().any(leads_elsewhere)
            || matches!(before, Leads::To(end) if can_write(&tree.0[end], attacker, reading))
    })
}

fn attackers() -> impl Iterator<Item = Attacker> {
    let gids = [None, Some(1000), Some(OTHER), Some(NOBODY)];
    [OTHER, NOBODY].into_iter().flat_map(move |uid| {
        gids.into_iter().flat_map(move |gid| [false, true].map(|is_listed| Attacker { uid, gid, is_listed }))
    })
}

/// The tree after each single thing that he can do to a name. One is enough: what he may do next depends on owners and
/// modes, and those he can change only of what is his already.
fn changes(tree: &Imagined, attacker: Attacker, reading: Reading) -> Vec<Imagined> {
    let mut changes = Vec::new();
    for (number, directory) in tree.0.iter().enumerate() {
        let Body::Directory(_) = directory.body else { continue };
        if !can_write(directory, attacker, reading) {
            continue;
        }
        for name in NAMES {
            match tree.entry(number, name) {
                None => changes.push(with(tree, number, name, attacker)),
                Some(entry) if can_remove(directory, &tree.0[entry], attacker) => {
                    changes.push(with(tree, number, name, attacker));
                }
                Some(_) => {}
            }
        }
    }
    changes
}

/// unlink(2) and rename(2): in a sticky directory, only of what is one's own, or where the directory is.
fn can_remove(directory: &Thing, entry: &Thing, attacker: Attacker) -> bool {
    directory.mode & 0o1000 == 0 || entry.uid == attacker.uid || directory.uid == attacker.uid
}

/// Whoever owns a thing can give himself the rights.
fn can_write(thing: &Thing, attacker: Attacker, reading: Reading) -> bool {
    let is_directory = matches!(thing.body, Body::Directory(_));
    let wanted = if is_directory && reading == Reading::Kernel { 0o3 } else { 0o2 };
    thing.uid == attacker.uid || class(thing, attacker) & wanted == wanted
}

/// What the mode and the list give to someone who is not the owner (acl(5), "access check algorithm").
fn class(thing: &Thing, attacker: Attacker) -> u32 {
    let is_of_group = attacker.gid == Some(thing.gid);
    if (thing.listed && attacker.is_listed) || is_of_group { thing.mode >> 3 & 0o7 } else { thing.mode & 0o7 }
}

/// The tree in which this name stands for something of his. A directory cannot be unlinked, but moved away.
fn with(tree: &Imagined, directory: Number, name: &str, attacker: Attacker) -> Imagined {
    let mut tree = tree.clone();
    let number = tree.0.len();
    let Attacker { uid, .. } = attacker;
    tree.0.push(Thing { uid, gid: uid, mode: 0o644, listed: false, body: Body::Trap, parent: directory });
    if let Body::Directory(entries) = &mut tree.0[directory].body {
        entries.insert(name.to_owned(), number);
    }
    tree
}

/// As path_resolution(7) has it.
pub(crate) fn resolve(tree: &Imagined, path: &Path) -> Leads {
    let mut links = 0;
    lead(tree, 0, path.to_str().unwrap(), &mut links)
}

fn lead(tree: &Imagined, from: Number, path: &str, links: &mut u32) -> Leads {
    let mut here = if path.starts_with('/') { 0 } else { from };
    for step in path.split('/').filter(|step| !step.is_empty()) {
        if !matches!(tree.0[here].body, Body::Directory(_)) {
            return Leads::Astray;
        }
        let next = match step {
            "." => here,
            ".." => tree.0[here].parent,
            name => match tree.entry(here, name) {
                Some(next) => next,
                None => return Leads::Nowhere,
            },
        };
        here = match &tree.0[next].body {
            Body::Link(target) => {
                *links += 1;
                if *links > 40 {
                    return Leads::Astray;
                }
                match lead(tree, here, target, links) {
                    Leads::To(end) if matches!(tree.0[end].body, Body::Trap) => return Leads::To(end),
                    Leads::To(end) => end,
                    lost @ (Leads::Nowhere | Leads::Astray) => return lost,
                }
            }
            Body::Trap => return Leads::To(next),
            Body::Directory(_) | Body::File => next,
        };
    }
    Leads::To(here)
}
