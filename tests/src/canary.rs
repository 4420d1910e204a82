//! Text that must not turn up.

use std::{fmt, fs, path::Path};

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::random;

/// A random text and the disguises in which it may travel. Its own parts are found too, from sixteen characters on.
pub struct Canary {
    text: String,
    disguises: Vec<(&'static str, String)>,
}

impl Canary {
    /// A new one, called `what` in complaints. It has characters that JSON and URLs write differently.
    #[must_use]
    pub fn new(what: &str) -> Self {
        Self::of(format!("{what}-{}\"\\/+&={}", random::hex::<12>(), random::hex::<12>()))
    }

    /// A text that is known already, such as a token; of at least 32 characters.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        assert!(text.len() >= 32, "too short to be found by parts of it");
        let mut disguises = vec![
            ("as it is", text.clone()),
            ("its beginning", text[..24].to_owned()),
            ("its end", text[text.len() - 16..].to_owned()),
            ("in JSON", json(&text)),
            ("in a URL", percent(&text)),
            ("in hex", hex(&text)),
            ("in HEX", hex(&text).to_uppercase()),
        ];
        disguises.extend((0..3).map(|shift| ("in base64", aligned(&STANDARD_NO_PAD, &text, shift))));
        disguises.extend((0..3).map(|shift| ("in base64url", aligned(&URL_SAFE_NO_PAD, &text, shift))));
        Self { text, disguises }
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What it may look like, each with a name for it: for whoever searches for many at once.
    pub fn disguises(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.disguises.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// In which disguise it is there, if it is.
    #[must_use]
    pub fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        let text = String::from_utf8_lossy(bytes);
        self.disguises.iter().find(|(_, disguise)| text.contains(disguise.as_str())).map(|(name, _)| *name)
    }

    /// Fails when it is there in any disguise; also fails when the same search would not find it there.
    ///
    /// # Panics
    /// As said.
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        for (name, disguise) in &self.disguises {
            let planted = [bytes, disguise.as_bytes(), bytes].concat();
            assert!(self.found_in(&planted).is_some(), "the search of {place} would not find it {name}");
        }
        if let Some(disguise) = self.found_in(bytes) {
            panic!("it is in {place}, {disguise}");
        }
    }

    /// The same for every file under a directory, and for the names of the files.
    ///
    /// # Panics
    /// As said, and when there is no file at all.
    pub fn assert_absent_under(&self, directory: &Path) {
        let mut files = 0;
        let mut left = vec![directory.to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).expect("it can be listed").flatten() {
                let kind = entry.file_type().expect("it is there");
                self.assert_absent("a name", entry.path().as_os_str().as_encoded_bytes());
                if kind.is_dir() {
                    left.push(entry.path());
                } else if kind.is_file() {
                    files += 1;
                    let bytes = fs::read(entry.path()).expect("it can be read");
                    self.assert_absent(&entry.path().display().to_string(), &bytes);
                }
            }
        }
        assert!(files > 0, "there is no file under {}", directory.display());
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a canary")
    }
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// How it looks in the middle of something longer: `shift` bytes are before it, and the digits at both ends that its
/// neighbours have a share in are left away.
fn aligned(engine: &impl base64::Engine, text: &str, shift: usize) -> String {
    let encoded = engine.encode([&vec![b'.'; shift], text.as_bytes()].concat());
    let whole = (shift + text.len()) / 3 * 4;
    encoded[if shift == 0 { 0 } else { 4 }..whole].to_owned()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn it_is_found_in_every_disguise_and_not_elsewhere() {
        let (canary, other) = (Canary::new("a"), Canary::new("a"));
        for (name, disguise) in &other.disguises {
            assert_eq!(canary.found_in(disguise.as_bytes()), None, "{name}");
            assert!(other.found_in(format!("x{disguise}y").as_bytes()).is_some(), "{name}");
        }
    }

    #[test]
    fn it_is_found_in_the_base64_of_something_longer() {
        let canary = Canary::new("b");
        for before in ["", "a", "ab", "abc", "abcd"] {
            let header = STANDARD_NO_PAD.encode(format!("{before}{}xyz", canary.expose()));
            assert_eq!(canary.found_in(header.as_bytes()), Some("in base64"));
        }
    }

    #[test]
    #[should_panic(expected = "it is in the log, in hex")]
    fn a_leak_is_told_with_its_place_and_disguise() {
        let canary = Canary::new("c");
        canary.assert_absent("the log", format!("debug: {}", hex(canary.expose())).as_bytes());
    }
}
