//! The one text that a store keeps for a profile: a line that says what it is, a line with the origin, the secret.
//!
//! It is text because `KWallet` takes nothing else, and lines because a reader of JSON would leave unescaped copies of
//! the secret behind.

use airbyte_token_core::{Origin, Secret, VaultTrouble};
use zeroize::Zeroizing;

use super::{StoredSecret, VaultError};

/// The first line. The number changes when the lines after it do.
const FIRST_LINE: &str = "airbyte-tokend secret 1";

/// The text for a secret. It is wiped when dropped.
///
/// An empty secret is [`VaultTrouble::Damaged`]: it would be refused when read.
pub(super) fn write(secret: &StoredSecret) -> Result<Zeroizing<String>, VaultError> {
    let client_secret = secret.client_secret.expose();
    if client_secret.is_empty() {
        return Err(damaged("an empty client secret is never stored; give the secret of the application"));
    }
    let origin = secret.origin.to_string();
    let length = FIRST_LINE.len() + origin.len() + client_secret.len() + 2;
    // Sized at once: a buffer that grows leaves its former self in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(length));
    for part in [FIRST_LINE, "\n", &origin, "\n", client_secret] {
        text.push_str(part);
    }
    Ok(text)
}

/// Reads a text back. Whatever [`write()`] would not have written is [`VaultTrouble::Damaged`].
pub(super) fn read(text: &[u8]) -> Result<StoredSecret, VaultError> {
    parse(text).ok_or_else(|| damaged("what is stored for this profile cannot be read; log in again"))
}

fn parse(text: &[u8]) -> Option<StoredSecret> {
    let text = std::str::from_utf8(text).ok()?;
    let (origin, client_secret) = text.strip_prefix(FIRST_LINE)?.strip_prefix('\n')?.split_once('\n')?;
    let parsed: Origin = origin.parse().ok()?;
    if parsed.to_string() != origin || client_secret.is_empty() {
        return None;
    }
    Some(StoredSecret { origin: parsed, client_secret: Secret::new(client_secret.to_owned()) })
}

fn damaged(detail: &str) -> VaultError {
    VaultError::new(VaultTrouble::Damaged, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(origin: &str, client_secret: &str) -> StoredSecret {
        StoredSecret { origin: origin.parse().unwrap(), client_secret: Secret::new(client_secret.into()) }
    }

    #[test]
    fn the_text_is_three_lines() {
        let text = write(&stored("https://api.airbyte.com", "s3cret")).unwrap();
        assert_eq!(*text, "airbyte-tokend secret 1\nhttps://api.airbyte.com:443\ns3cret");
    }

    #[test]
    fn the_text_fills_the_buffer_that_was_made_for_it() {
        let text = write(&stored("https://api.airbyte.com", "s3cret")).unwrap();
        assert_eq!(text.capacity(), text.len());
    }

    #[test]
    fn an_empty_secret_is_not_stored() {
        let error = write(&stored("https://api.airbyte.com", "")).unwrap_err();
        assert_eq!(error.trouble, VaultTrouble::Damaged);
    }

    #[test]
    fn a_foreign_text_is_damaged() {
        let good = "airbyte-tokend secret 1\nhttps://a.example:443\nx";
        assert!(read(good.as_bytes()).is_ok());
        let bad: [&[u8]; 10] = [
            b"",
            b"x",
            b"airbyte-tokend secret 2\nhttps://a.example:443\nx",
            b"airbyte-tokend secret 1 \nhttps://a.example:443\nx",
            b"airbyte-tokend secret 1\nhttps://a.example\nx",
            b"airbyte-tokend secret 1\nHTTPS://a.example:443\nx",
            b"airbyte-tokend secret 1\nhttp://a.example:80\nx",
            b"airbyte-tokend secret 1\nhttps://a.example:443\n",
            b"airbyte-tokend secret 1\nhttps://a.example:443",
            b"airbyte-tokend secret 1\nhttps://a.example:443\n\xff",
        ];
        for text in bad {
            let error = read(text).unwrap_err();
            assert_eq!(error.trouble, VaultTrouble::Damaged, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_secret_reads_back(client_secret in "(?s).{1,64}", port: u16) {
            let before = stored(&format!("https://a.example:{port}"), &client_secret);
            let after = read(write(&before).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(after.origin, before.origin);
            prop_assert_eq!(after.client_secret.expose(), client_secret);
        }

        #[test]
        fn what_the_reader_takes_the_writer_writes(
            text in "(airbyte-tokend secret [12]\n)?(https?://[ab:4]{0,5}\n)?(?s:.{0,9})"
        ) {
            if let Ok(secret) = read(text.as_bytes()) {
                let again = write(&secret).unwrap();
                prop_assert_eq!(&*again, &text);
            }
        }
    }
}
