//! What is said of a path that is refused: which component, whose, its mode, and what to do.

use std::{collections::BTreeMap, path::Path};

use airbyte_tokend::trust::judge;

use crate::imagined::{Body, Imagined, NOBODY, OTHER, SELF, Thing};

/// `/a/b`, where `/` is root's own.
fn tree(a: Thing, b: Option<Thing>) -> Imagined {
    let names = |name: &str, number| BTreeMap::from([(name.to_owned(), number)]);
    let root = Thing { body: Body::Directory(names("a", 1)), ..directory(0, 0, 0o755) };
    let inside = if b.is_some() { names("b", 2) } else { BTreeMap::new() };
    let a = Thing { body: Body::Directory(inside), ..a };
    Imagined([root, a].into_iter().chain(b.map(|b| Thing { parent: 1, ..b })).collect())
}

fn directory(uid: u32, gid: u32, mode: u32) -> Thing {
    Thing { uid, gid, mode, listed: false, body: Body::Directory(BTreeMap::new()), parent: 0 }
}

fn file(uid: u32, gid: u32, mode: u32) -> Thing {
    Thing { body: Body::File, ..directory(uid, gid, mode) }
}

fn said(a: Thing, b: Option<Thing>) -> String {
    judge(&tree(a, b), Path::new("/a/b"), SELF).unwrap_err().to_string()
}

#[test]
fn a_refusal_names_the_component_its_owner_its_mode_and_the_one_thing_to_do() {
    let (own, mine) = (|| directory(SELF, SELF, 0o755), || Some(file(SELF, SELF, 0o600)));
    let listed = Thing { listed: true, ..directory(0, 0, 0o775) };
    for (a, b, words) in [
        (
            own(),
            Some(file(SELF, SELF, 0o664)),
            "/a/b: /a/b (owner 1000, group 1000, mode 0664) can be changed by its group; run: chmod g-w /a/b",
        ),
        (
            own(),
            Some(file(SELF, SELF, 0o602)),
            "/a/b: /a/b (owner 1000, group 1000, mode 0602) can be changed by everybody; run: chmod o-w /a/b",
        ),
        (
            directory(SELF, SELF, 0o777),
            mine(),
            "/a/b: the directory /a (owner 1000, group 1000, mode 0777) can be changed by everybody; run: chmod go-w /a",
        ),
        (
            own(),
            Some(file(OTHER, 0, 0o644)),
            "/a/b: /a/b (owner 2000, group 0, mode 0644) belongs to another user, who could replace it; run: chown 1000 /a/b, or choose another place",
        ),
        (
            listed,
            mine(),
            "/a/b: the directory /a (owner 0, group 0, mode 0775) can be changed by whoever its access control list names; run: setfacl -b /a",
        ),
        (
            directory(0, 0, 0o1777),
            None,
            "/a/b: the directory /a (owner 0, group 0, mode 1777) is open to everybody, who could be first to put something there; choose a directory of your own",
        ),
        (
            directory(NOBODY, NOBODY, 0o755),
            mine(),
            "/a/b: the directory /a (owner 65534, group 65534, mode 0755) belongs to another user, who could replace it; 65534 stands for every user whom a user namespace (PrivateUsers=, a container) does not know: start without one, or from a directory of your own",
        ),
    ] {
        assert_eq!(said(a, b), words);
    }
}

#[test]
fn nobody_is_not_believed_even_where_nobody_asks() {
    let tree = tree(directory(NOBODY, NOBODY, 0o700), None);
    assert!(judge(&tree, Path::new("/a"), NOBODY).is_err());
    assert!(judge(&tree, Path::new("/"), NOBODY).is_ok());
}

/// What the usual places look like.
#[test]
fn the_homes_of_ordinary_users_are_accepted() {
    for mode in [0o700, 0o750, 0o755, 0o711] {
        for file in [file(SELF, SELF, 0o644), file(SELF, 100, 0o640), file(0, 0, 0o664)] {
            let tree = tree(directory(SELF, SELF, mode), Some(file));
            assert!(judge(&tree, Path::new("/a/b"), SELF).is_ok(), "{mode:o}");
        }
    }
    let in_tmp = tree(directory(0, 0, 0o1777), Some(file(SELF, SELF, 0o600)));
    assert!(judge(&in_tmp, Path::new("/a/b"), SELF).is_ok());
}
