//! The verdict on a path, beside what a stranger then really does to it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use airbyte_tokend_tests::{Home, Person, Process, Recipe};

use super::{give, set_mode};

/// Tries to have each place lead to a file of his: writes to it, moves it away, makes another.
const STRANGER: &str = r"
import os, sys

def attempt(deed):
    try:
        deed()
    except OSError:
        pass

def write(path):
    with open(path, 'w') as file:
        file.write('# a stranger was here')

places = list(zip(sys.argv[1::2], sys.argv[2::2]))
for place, _ in places:
    attempt(lambda: os.chmod(place, 0o777))
for place, rest in places:
    attempt(lambda: rest or write(place))
    attempt(lambda: os.rename(place, place + '.gone'))
    attempt(lambda: rest and not os.path.exists(place) and os.makedirs(os.path.dirname(place + rest)))
    attempt(lambda: write(place + rest))
";

/// The list of a directory of mode 0775 with one user more, as the kernel keeps it: its version, then of each entry tag,
/// rights and number (owner, user, group, mask, others).
const LIST: &str = r"
import os, struct, sys

none = 0xffffffff
entries = [(1, 7, none), (2, 7, int(sys.argv[2])), (4, 5, none), (16, 7, none), (32, 5, none)]
packed = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
os.setxattr(sys.argv[1], 'system.posix_acl_access', packed)
";

/// A directory that all may enter, in which ways are laid.
struct Ground<'home> {
    home: &'home Home,
    path: PathBuf,
}

impl<'home> Ground<'home> {
    fn new(home: &'home Home, number: usize) -> Self {
        let ground = Self { home, path: home.path().join(format!("ground{number}")) };
        ground.directory("", 0o755);
        ground
    }

    fn at(&self, place: &str) -> PathBuf {
        if place.is_empty() { self.path.clone() } else { self.path.join(place) }
    }

    fn directory(&self, place: &str, mode: u32) {
        self.home.make_directory(&self.at(place));
        set_mode(&self.at(place), mode);
    }

    fn file(&self, place: &str, mode: u32) {
        self.home.write(&self.at(place), b"# as it was\n");
        set_mode(&self.at(place), mode);
    }

    fn link(&self, place: &str, target: &str) {
        symlink(target, self.at(place)).expect("there is room");
        self.home.person().own(&self.at(place));
    }

    fn to_stranger(&self, place: &str) {
        let uid = Person::stranger().uid();
        give(&self.at(place), uid, uid);
    }

    fn to_group_of(&self, place: &str, gid: u32) {
        give(&self.at(place), self.home.person().uid(), gid);
    }

    /// Lets him write there by an access control list (acl(5)); the mode stays as it is.
    fn list_stranger(&self, place: &str) {
        let mut python = Person::root().command("python3");
        python.arg("-c").arg(LIST).arg(self.at(place)).arg(Person::stranger().uid().to_string());
        let ended = Process::start(&mut python, b"").wait();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    }

    /// Whether the daemon would read its configuration there. If it would not, it says of which place and why.
    fn is_accepted(&self, path: &str, blamed: &str) -> bool {
        let path = self.at(path).display().to_string();
        let check = Recipe::of(self.home).arguments(&["--check", "--config", &path]).fail();
        let accepted = check.code() == Some(0);
        let blamed = format!("{} (owner ", self.at(blamed).display());
        assert!(
            accepted || check.code() == Some(78) && check.stderr.contains(&blamed),
            "{path}: {}",
            check.stderr
        );
        accepted
    }

    /// Has the stranger try all he can on every place here, and looks where the path leads then.
    fn is_replaced(&self, path: &str) -> bool {
        let path = self.at(path);
        let mut stranger = self.home.command_of(Person::stranger(), "python3".as_ref());
        stranger.arg("-c").arg(STRANGER).current_dir("/");
        for (place, rest) in places_on(&path) {
            stranger.arg(place).arg(rest);
        }
        let ended = Process::start(&mut stranger, b"").wait();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        fs::read_to_string(&path).is_ok_and(|text| text.contains("stranger"))
    }
}

/// Each place on the way to this path that is in our hands, the last first, with what follows it; where a place is a
/// link, those on its way too.
fn places_on(path: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut places = Vec::new();
    for place in path.ancestors().take_while(|place| place.components().count() > 3) {
        let rest = path.strip_prefix(place).expect("it is one of its ancestors");
        let rest = if rest.as_os_str().is_empty() { PathBuf::new() } else { Path::new("/").join(rest) };
        places.push((place.to_owned(), rest.clone()));
        if let Ok(target) = fs::read_link(place) {
            let beyond = place.parent().expect("it has one").join(target);
            let whole = if rest.as_os_str().is_empty() {
                beyond
            } else {
                beyond.join(rest.strip_prefix("/").expect("it does"))
            };
            places.extend(places_on(&whole));
        }
    }
    places
}

/// A way that is laid, and the place on it that is to blame; none where nobody is.
type Way = (&'static str, fn(&Ground<'_>), Option<&'static str>);

/// What each way leads to is `way/file`.
const WAYS: [Way; 20] = [
    (
        "all as it should be",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("way/file", 0o644);
        },
        None,
    ),
    (
        "a file that all may write to",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("way/file", 0o666);
        },
        Some("way/file"),
    ),
    (
        "a file that his group may write to",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("way/file", 0o664);
            ground.to_group_of("way/file", Person::stranger().uid());
        },
        Some("way/file"),
    ),
    (
        "a file that root's group may write to",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("way/file", 0o664);
            ground.to_group_of("way/file", 0);
        },
        None,
    ),
    (
        "a file of his",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("way/file", 0o444);
            ground.to_stranger("way/file");
        },
        Some("way/file"),
    ),
    (
        "a directory that all may write to",
        |ground| {
            ground.directory("way", 0o777);
            ground.file("way/file", 0o600);
        },
        Some("way"),
    ),
    (
        "a directory that his group may write to",
        |ground| {
            ground.directory("way", 0o775);
            ground.file("way/file", 0o600);
            ground.to_group_of("way", Person::stranger().uid());
        },
        Some("way"),
    ),
    (
        "a directory that root's group may write to",
        |ground| {
            ground.directory("way", 0o775);
            ground.file("way/file", 0o600);
            ground.to_group_of("way", 0);
        },
        None,
    ),
    (
        "a directory that root's group may write to, and a list besides",
        |ground| {
            ground.directory("way", 0o775);
            ground.file("way/file", 0o600);
            ground.to_group_of("way", 0);
            ground.list_stranger("way");
        },
        Some("way"),
    ),
    (
        "a directory of his",
        |ground| {
            ground.directory("way", 0o555);
            ground.file("way/file", 0o644);
            ground.to_stranger("way");
        },
        Some("way"),
    ),
    (
        "a directory further up that all may write to",
        |ground| {
            set_mode(&ground.path, 0o777);
            ground.directory("way", 0o755);
            ground.file("way/file", 0o644);
        },
        Some(""),
    ),
    (
        "a sticky directory with a file of one's own",
        |ground| {
            ground.directory("way", 0o1777);
            ground.file("way/file", 0o644);
        },
        None,
    ),
    (
        "a sticky directory with a file of his",
        |ground| {
            ground.directory("way", 0o1777);
            ground.file("way/file", 0o644);
            ground.to_stranger("way/file");
        },
        Some("way/file"),
    ),
    (
        "a sticky directory with a link of his",
        |ground| {
            ground.directory("way", 0o1777);
            ground.file("good", 0o644);
            ground.link("way/file", "../good");
            ground.to_stranger("way/file");
        },
        Some("way/file"),
    ),
    (
        "a closed directory with a link of his",
        |ground| {
            ground.directory("way", 0o755);
            ground.file("good", 0o644);
            ground.link("way/file", "../good");
            ground.to_stranger("way/file");
        },
        None,
    ),
    (
        "a link through a directory that all may write to",
        |ground| {
            ground.directory("way", 0o755);
            ground.directory("open", 0o777);
            ground.file("open/good", 0o644);
            ground.link("way/file", "../open/good");
        },
        Some("open"),
    ),
    (
        "a link into a directory that all may write to, and out again",
        |ground| {
            ground.directory("way", 0o755);
            ground.directory("open", 0o777);
            ground.file("good", 0o644);
            ground.link("way/file", "../open/../good");
        },
        None,
    ),
    (
        "a link to a link in a directory of his",
        |ground| {
            ground.directory("way", 0o755);
            ground.directory("his", 0o755);
            ground.file("good", 0o644);
            ground.link("his/link", "../good");
            ground.link("way/file", "../his/link");
            ground.to_stranger("his");
        },
        Some("his"),
    ),
    ("nothing, in a directory of one's own", |ground| ground.directory("way", 0o755), None),
    ("nothing, in a sticky directory", |ground| ground.directory("way", 0o1777), Some("way")),
];

/// T16: whoever cannot write to the configuration puts another in its place. He can where the daemon refuses it, and
/// nowhere else.
#[test]
fn a_stranger_can_replace_what_is_refused_and_nothing_that_is_accepted() {
    let home = Home::of(Person::owner());
    set_mode(home.path(), 0o755);
    for (number, (what, lay, blamed)) in WAYS.into_iter().enumerate() {
        let ground = Ground::new(&home, number);
        lay(&ground);
        let accepted = ground.is_accepted("way/file", blamed.unwrap_or_default());
        assert_eq!(accepted, blamed.is_none(), "{what}: the verdict");
        assert_eq!(ground.is_replaced("way/file"), !accepted, "{what}: the attack");
    }
}
