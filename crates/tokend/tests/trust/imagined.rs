//! A tree that is only imagined: things with numbers, of which directories know others by name.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
};

use airbyte_tokend::trust::{Kind, Node, Tree};
use proptest::{collection::vec, prelude::*, sample::select};

pub(crate) const SELF: u32 = 1000;
pub(crate) const OTHER: u32 = 2000;
pub(crate) const NOBODY: u32 = 65_534;
pub(crate) const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The number of a thing; 0 is `/`.
pub(crate) type Number = usize;

#[derive(Clone, Debug)]
pub(crate) struct Imagined(pub(crate) Vec<Thing>);

#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    /// Whether an access control list names somebody, up to what the group's bits say.
    pub(crate) listed: bool,
    pub(crate) body: Body,
    /// The directory that it is in.
    pub(crate) parent: Number,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Directory(BTreeMap<String, Number>),
    Link(String),
    File,
    /// What an attacker put there: whatever he likes, and a way to wherever he likes.
    Trap,
}

impl Imagined {
    pub(crate) fn entry(&self, directory: Number, name: &str) -> Option<Number> {
        match &self.0[directory].body {
            Body::Directory(entries) => entries.get(name).copied(),
            Body::Link(_) | Body::File | Body::Trap => None,
        }
    }

    /// Names that are links are not followed, which the rules promise not to need.
    fn find(&self, path: &Path) -> io::Result<&Thing> {
        let mut here = 0;
        for component in path.components() {
            let name = match component {
                Component::RootDir => continue,
                Component::Normal(name) => name.to_str(),
                Component::ParentDir | Component::CurDir | Component::Prefix(_) => None,
            };
            assert!(matches!(self.0[here].body, Body::Directory(_)), "{path:?} leads through no directory");
            let name = name.expect("every path is a way down from the root");
            here = self.entry(here, name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(&self.0[here])
    }
}

impl Tree for Imagined {
    fn node(&self, path: &Path) -> io::Result<Node> {
        let thing = self.find(path)?;
        let kind = match thing.body {
            Body::Directory(_) => Kind::Directory,
            Body::Link(_) => Kind::Link,
            Body::File | Body::Trap => Kind::Other,
        };
        let &Thing { uid, gid, mode, listed, .. } = thing;
        let number = self.0.iter().position(|other| std::ptr::eq(other, thing)).unwrap();
        Ok(Node { kind, uid, gid, mode, listed, inode: (0, number as u64) })
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.find(path)?.body {
            Body::Link(target) => Ok(target.into()),
            Body::Directory(_) | Body::File | Body::Trap => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

/// Trees of a dozen things. Most are out of the reach of others: of a tree full of holes, nothing would be learnt but
/// that it is full of holes.
pub(crate) fn trees() -> impl Strategy<Value = Imagined> {
    (attributes(), vec((any::<prop::sample::Index>(), select(&NAMES[..]), attributes(), bodies()), 3..14))
        .prop_map(|(root, things)| plant(root, things))
}

type Attributes = (u32, u32, u32, bool);

fn attributes() -> impl Strategy<Value = Attributes> {
    let uids = prop_oneof![12 => Just(SELF), 8 => Just(0), 1 => Just(OTHER), 1 => Just(NOBODY)];
    let gids = prop_oneof![5 => Just(SELF), 5 => Just(0), 1 => Just(OTHER), 1 => Just(NOBODY)];
    let modes = prop_oneof![
        12 => select(&[0o755, 0o700, 0o750, 0o644, 0o600, 0o555][..]),
        3 => select(&[0o1777, 0o1775, 0o1770, 0o1755, 0o3775][..]),
        3 => select(&[0o775, 0o664, 0o770, 0o2775][..]),
        1 => 0_u32..0o10_000,
    ];
    (uids, gids, modes, prop::bool::weighted(0.1))
}

/// What a thing is before it has been given a place.
#[derive(Clone, Debug)]
pub(crate) enum Seed {
    Directory,
    Link(String),
    File,
}

fn bodies() -> impl Strategy<Value = Seed> {
    prop_oneof![5 => Just(Seed::Directory), 2 => paths().prop_map(Seed::Link), 2 => Just(Seed::File)]
}

/// What stands in links: absolute or not, with and without `..`, to something or to nothing.
fn paths() -> impl Strategy<Value = String> {
    let steps = prop_oneof![8 => select(&NAMES[..]), 2 => Just(".."), 1 => Just(".")];
    (any::<bool>(), vec(steps, 1..4)).prop_map(|(absolute, steps)| {
        let slash = if absolute { "/" } else { "" };
        format!("{slash}{}", steps.join("/"))
    })
}

/// What the rules are asked about.
pub(crate) fn questions() -> impl Strategy<Value = PathBuf> {
    let steps = prop_oneof![12 => select(&NAMES[..]), 1 => Just("..")];
    vec(steps, 1..5).prop_map(|steps| PathBuf::from(format!("/{}", steps.join("/"))))
}

fn plant(root: Attributes, things: Vec<(prop::sample::Index, &str, Attributes, Seed)>) -> Imagined {
    let mut tree = Imagined(vec![thing(root, Body::Directory(BTreeMap::new()), 0)]);
    for (parent, name, attributes, seed) in things {
        let directories: Vec<Number> =
            (0..tree.0.len()).filter(|&n| matches!(tree.0[n].body, Body::Directory(_))).collect();
        let (parent, number) = (*parent.get(&directories), tree.0.len());
        let Body::Directory(entries) = &mut tree.0[parent].body else { continue };
        if entries.contains_key(name) {
            continue;
        }
        entries.insert(name.to_owned(), number);
        let body = match seed {
            Seed::Directory => Body::Directory(BTreeMap::new()),
            Seed::Link(target) => Body::Link(target),
            Seed::File => Body::File,
        };
        tree.0.push(thing(attributes, body, parent));
    }
    tree
}

fn thing((uid, gid, mode, listed): Attributes, body: Body, parent: Number) -> Thing {
    // As on Linux: a link has no mode of its own and no list.
    let is_link = matches!(body, Body::Link(_));
    let (mode, listed) = if is_link { (0o777, false) } else { (mode, listed) };
    Thing { uid, gid, mode, listed, body, parent }
}
