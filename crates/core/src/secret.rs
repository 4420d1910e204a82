//! The one type that holds what must not leak.

use std::fmt;

use zeroize::Zeroizing;

/// Text that must not leak: a client secret or an access token.
///
/// It has no `Display`, `Serialize`, `Deref`, `AsRef` or `PartialEq`; its `Debug` says nothing about it; its memory
/// is zeroed when it is dropped. [`Secret::expose`] is the only door, so that a search for the word finds every use.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over. The caller wipes any other copy it made.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every use is a place where it could leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A second copy, wiped on its own. Spelled out because every copy is one more thing to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.expose().to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_says_nothing_about_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(..)");
    }

    #[test]
    fn a_duplicate_holds_the_same_text() {
        assert_eq!(Secret::new("hunter2".into()).duplicate().expose(), "hunter2");
    }
}
