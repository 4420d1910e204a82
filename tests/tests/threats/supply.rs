//! What the programs are made of.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use airbyte_tokend_tests::Process;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(workspace().join(path)).expect("it is there")
}

/// What is built into a package, and what is switched on of it, a line for each: `NAME VERSION`, `NAME feature "NAME"`.
fn built_into(package: &str, edges: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace()).args(["tree", "--locked", "--offline", "--prefix", "none"]);
    let ended = Process::start(cargo.args(["--edges", edges, "--package", package]), b"").wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended.text().lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// Those lines that are about another TLS library, or about unpacking, cookies, or proxies that the system names.
fn unwanted(built: &BTreeSet<String>) -> Vec<&String> {
    let packages = [
        "openssl",
        "openssl-sys",
        "native-tls",
        "aws-lc-rs",
        "aws-lc-sys",
        "flate2",
        "miniz_oxide",
        "brotli",
        "zstd",
        "async-compression",
        "cookie_store",
        "h2",
        "quinn",
        "hickory-resolver",
    ];
    let features = [
        "gzip",
        "brotli",
        "zstd",
        "deflate",
        "cookies",
        "socks",
        "system-proxy",
        "native-tls",
        "default-tls",
        "http2",
        "http3",
        "blocking",
        "hickory-dns",
    ];
    let is_unwanted = |line: &&String| {
        let mut words = line.split_whitespace();
        let package = words.next().unwrap_or_default();
        let feature = words.next().filter(|word| *word == "feature").and(words.next());
        let feature = feature.map(|name| name.trim_matches('"')).unwrap_or_default();
        packages.contains(&package) || (package.starts_with("reqwest") && features.contains(&feature))
    };
    built.iter().filter(is_unwanted).collect()
}

/// T20: nothing that unpacks, follows the system's proxies, keeps cookies, or speaks TLS in another way is in the daemon;
/// nor in the client. The control: the stand-in's tests unpack, and the same look sees with what.
#[test]
fn nothing_is_built_in_that_is_not_needed() {
    let daemon = built_into("airbyte-tokend", "normal,features");
    assert!(daemon.iter().any(|line| line == "reqwest feature \"rustls-no-provider\""), "features are seen");
    assert_eq!(unwanted(&daemon), Vec::<&String>::new());
    let client = built_into("airbyte-token", "normal,features");
    assert_eq!(unwanted(&client), Vec::<&String>::new());
    assert!(client.len() < daemon.len() / 3, "the client needs little: {}", client.len());

    let tests_too = built_into("airbyte-sandbox", "normal,dev,features");
    assert!(unwanted(&tests_too).iter().any(|line| line.starts_with("flate2 ")), "{tests_too:?}");
}

/// The registry that a lock file names first. Which one it may be, `cargo deny` judges (`[sources]`).
fn registry_of(lock: &str) -> &str {
    let source = lock.lines().find_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"'));
    source.filter(|source| source.starts_with("registry+")).expect("a registry is named")
}

/// What a lock file says of a package that came from anywhere but this registry, or without a checksum.
fn strangers(lock: &str, registry: &str) -> Vec<String> {
    let registry = format!("source = \"{registry}\"");
    let packages = lock.split("[[package]]\n").skip(1);
    let is_ours = |package: &str| package.contains("name = \"airbyte-") && !package.contains("source = ");
    let is_pinned = |package: &str| package.contains(&registry) && package.contains("\nchecksum = \"");
    packages.filter(|package| !is_ours(package) && !is_pinned(package)).map(str::to_owned).collect()
}

/// T20: each dependency is the one that was looked at, byte for byte. The control: one of another source, and one
/// without a checksum, would be found.
#[test]
fn every_dependency_is_locked_by_its_checksum_and_of_the_one_registry() {
    let lock = read("Cargo.lock");
    assert!(lock.matches("\nchecksum = ").count() > 100);
    let registry = registry_of(&lock);
    assert_eq!(strangers(&lock, registry), [""; 0]);
    for (from, to) in [
        (registry, "git+https://evil.example/ring"),
        (registry, "registry+https://evil.example/index"),
        ("\nchecksum = ", "\nsum = "),
    ] {
        assert_eq!(strangers(&lock.replacen(from, to, 1), registry).len(), 1, "{to}");
    }
}

/// The lines of scripts in which cargo chooses versions, without being held to the lock file.
fn unlocked(script: &str) -> Vec<&str> {
    let choosing = [
        "build",
        "run",
        "test",
        "rustc",
        "install",
        "nextest run",
        "clippy",
        "doc",
        "fetch",
        "metadata",
        "tree",
    ];
    let chooses = |line: &&str| choosing.iter().any(|verb| line.contains(&format!("cargo {verb} ")));
    let lines = script.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter(chooses).filter(|line| !line.contains("--locked")).collect()
}

/// T20: whatever builds, tests, installs or looks at the project does so with the locked versions, and judges licences,
/// sources and known holes of each. The control: a script that does not is found.
#[test]
fn everything_is_built_from_the_lock_file_and_every_dependency_is_judged() {
    let scripts = fs::read_dir(workspace().join(".make")).expect("it can be listed").flatten();
    let scripts: Vec<_> = scripts.map(|script| script.path()).collect();
    assert!(scripts.len() > 10);
    for script in &scripts {
        assert_eq!(unlocked(&read(script)), [""; 0], "{}", script.display());
    }
    assert_eq!(
        unlocked("# cargo build now\n  cargo build --release\ncargo test --locked\n"),
        ["cargo build --release"]
    );

    let check = read(".make/check");
    for step in ["cargo deny --offline check", "licenses bans sources", "cargo deny check advisories"] {
        assert!(check.contains(step), "{step}");
    }
    let rules = read(".deny.toml");
    for rule in [
        "unknown-registry = \"deny\"",
        "unknown-git = \"deny\"",
        "yanked = \"deny\"",
        "wildcards = \"deny\"",
        "{ crate = \"openssl\"",
        "{ crate = \"native-tls\"",
    ] {
        assert!(rules.contains(rule), "{rule}");
    }
}

/// The lint that denies it, in two parts: whoever looks for leave to break it finds none here.
const LINT: &str = concat!("unsafe", "_code");

/// The Rust files under a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("it can be listed").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match (path.is_dir(), path.extension().is_some_and(|end| end == "rs")) {
            (true, _) => sources(&path),
            (false, true) => vec![path],
            (false, false) => Vec::new(),
        })
        .collect()
}

/// Whether there is unsafe code in it, or leave to write some.
fn is_unsafe(source: &str) -> bool {
    let code = source.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let words = ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern ", "unsafe trait ", LINT];
    code.into_iter().any(|line| words.iter().any(|word| line.contains(word) && !line.contains('"')))
}

/// T20: the compiler denies unsafe code to every crate, and one file alone has leave. The control: that file is found by
/// the same search.
#[test]
fn unsafe_code_is_in_one_file_alone() {
    assert!(read("Cargo.toml").contains(&format!("\n{LINT} = \"deny\"")));
    for manifest in ["core", "local", "tokend", "cli", "sandbox"] {
        let text = read(format!("crates/{manifest}/Cargo.toml"));
        assert!(text.contains("\n[lints]\nworkspace = true\n"), "{manifest}");
    }
    let all = ["core", "local", "tokend", "cli", "sandbox"].map(|name| workspace().join("crates").join(name));
    let with: Vec<_> =
        all.iter().flat_map(|place| sources(place)).filter(|path| is_unsafe(&read(path))).collect();
    assert_eq!(with, [workspace().join("crates/tokend/src/harden/wiping_allocator.rs")]);
}
