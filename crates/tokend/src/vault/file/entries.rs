//! What is inside the seal: every profile with its text, by name.
//!
//! For each: the length of the name (1 byte), the name, the length of the text (4 bytes, big-endian), the text. Names
//! ascend, so there is one way to write a map and no name comes twice.

use std::collections::BTreeMap;

use airbyte_token_core::ProfileName;
use zeroize::Zeroizing;

#[derive(Default)]
pub(super) struct Entries(BTreeMap<ProfileName, Zeroizing<String>>);

impl Entries {
    pub(super) fn get(&self, profile: &ProfileName) -> Option<&[u8]> {
        self.0.get(profile).map(|text| text.as_bytes())
    }

    pub(super) fn put(&mut self, profile: ProfileName, text: Zeroizing<String>) {
        self.0.insert(profile, text);
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, profile: &ProfileName) -> bool {
        self.0.remove(profile).is_some()
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = self.0.iter().map(|(name, text)| 5 + name.as_str().len() + text.len()).sum();
        // Sized at once: a buffer that grows leaves its former self in freed memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        for (name, text) in &self.0 {
            let name = name.as_str().as_bytes();
            bytes.push(u8::try_from(name.len()).expect("a profile name has at most 64 bytes"));
            bytes.extend_from_slice(name);
            let length = u32::try_from(text.len()).expect("a text in memory is shorter than 4 GiB");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// All of them, or none when one byte is not as [`Entries::to_bytes`] writes it.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut entries = Self::default();
        while let Some((&name_length, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(name_length))?;
            let (length, rest) = rest.split_first_chunk()?;
            let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            let name: ProfileName = std::str::from_utf8(name).ok()?.parse().ok()?;
            let text = std::str::from_utf8(text).ok()?;
            if entries.0.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return None;
            }
            entries.put(name, Zeroizing::new(text.to_owned()));
            bytes = rest;
        }
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};

    use super::*;

    fn entries(map: &BTreeMap<String, String>) -> Entries {
        let mut entries = Entries::default();
        for (name, text) in map {
            entries.put(name.parse().unwrap(), Zeroizing::new(text.clone()));
        }
        entries
    }

    #[test]
    fn the_bytes_fill_the_buffer_that_was_made_for_them() {
        let bytes = entries(&BTreeMap::from([("a".into(), "text".into())])).to_bytes();
        assert_eq!(*bytes, b"\x01a\x00\x00\x00\x04text");
        assert_eq!(bytes.capacity(), bytes.len());
    }

    #[test]
    fn names_that_do_not_ascend_are_refused() {
        assert!(Entries::parse(b"\x01a\0\0\0\0\x01b\0\0\0\0").is_some());
        assert!(Entries::parse(b"\x01b\0\0\0\0\x01a\0\0\0\0").is_none());
        assert!(Entries::parse(b"\x01a\0\0\0\0\x01a\0\0\0\0").is_none());
    }

    proptest! {
        #[test]
        fn any_map_reads_back(map in btree_map("[a-z0-9][a-z._-]{0,63}", "(?s).{0,40}", 0..5)) {
            let read = Entries::parse(&entries(&map).to_bytes()).unwrap();
            let read: BTreeMap<_, _> = read.0.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            prop_assert_eq!(read, map);
        }

        #[test]
        fn what_the_reader_takes_the_writer_writes(bytes in "(?s:[\x00-\x03][ab]{0,2}\x00\x00\x00[\x00-\x02][ab]{0,2}){0,3}") {
            if let Some(entries) = Entries::parse(bytes.as_bytes()) {
                let again = entries.to_bytes();
                prop_assert_eq!(&**again, bytes.as_bytes());
            }
        }
    }
}
