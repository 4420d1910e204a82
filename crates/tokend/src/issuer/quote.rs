//! Pieces of what upstream said, short enough and clean enough to be shown to people.

use airbyte_token_core::Secret;

/// The most characters of one piece.
const LONGEST: usize = 80;
/// As many bytes of the secret in a row make a piece unfit to be shown.
const GIVEAWAY: usize = 8;
/// What stands in the place of such a piece.
const HIDDEN: &str = "(not shown: it repeats the secret)";

/// Quotes upstream, except where upstream quotes the secret: some servers repeat what they were sent. In other letters'
/// case too: that is how a host or a media type comes out of its parser, and it leaves little to guess.
pub(super) struct Quoter<'a> {
    secret: &'a Secret,
}

impl<'a> Quoter<'a> {
    /// A quoter that never repeats this secret, nor eight bytes of it in a row.
    pub(super) const fn without(secret: &'a Secret) -> Self {
        Self { secret }
    }

    /// At most 80 characters of the text in quotation marks, with `?` for what is not printable ASCII.
    pub(super) fn quote(&self, text: &str) -> String {
        let shown = |c: char| match c {
            '"' => '\'',
            ' '..='~' => c,
            _ => '?',
        };
        // What is cut off needs no look: upstream may say much, and all other callers wait meanwhile.
        let (kept, rest) = text.char_indices().nth(LONGEST).map_or((text, ""), |(end, _)| text.split_at(end));
        let clean: String = kept.chars().map(shown).collect();
        if self.gives_away(kept) || self.gives_away(&clean) {
            return HIDDEN.to_owned();
        }
        let cut = if rest.is_empty() { "" } else { "..." };
        format!("\"{clean}{cut}\"")
    }

    /// A name (an id, a media type, a host) as it is, if it looks like one: up to 80 of `A-Z a-z 0-9 - . / : + _ [ ]`.
    pub(super) fn name<'t>(&self, text: &'t str) -> &'t str {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-./:+_[]".contains(&byte);
        if !(1..=LONGEST).contains(&text.len()) || !text.bytes().all(is_plain) {
            "(something unreadable)"
        } else if self.gives_away(text) {
            HIDDEN
        } else {
            text
        }
    }

    fn gives_away(&self, text: &str) -> bool {
        let secret = self.secret.expose().as_bytes();
        let piece = GIVEAWAY.min(secret.len());
        piece > 0 && secret.windows(piece).any(|piece| contains(text.as_bytes(), piece))
    }
}

fn contains(text: &[u8], piece: &[u8]) -> bool {
    text.windows(piece.len()).any(|window| window.eq_ignore_ascii_case(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(secret: &str, ask: impl FnOnce(&Quoter<'_>) -> T) -> T {
        ask(&Quoter::without(&Secret::new(secret.to_owned())))
    }

    #[test]
    fn a_quotation_is_short_and_printable() {
        let quote = |text: &str| with("s3cr3t-s3cr3t", |quoter| quoter.quote(text));
        assert_eq!(quote("Invalid client id or token"), "\"Invalid client id or token\"");
        assert_eq!(quote("a\"b\u{1b}[31m\r\nc\u{202e}"), "\"a'b?[31m??c?\"");
        assert_eq!(quote(&"x".repeat(81)), format!("\"{}...\"", "x".repeat(80)));
    }

    #[test]
    fn what_repeats_the_secret_is_not_shown() {
        let quote = |secret, text: &str| with(secret, |quoter| quoter.quote(text));
        assert_eq!(quote("0123456789abcdef", "bad secret 0123456789abcdef"), HIDDEN);
        assert_eq!(quote("0123456789abcdef", "bad secret ...56789abc..."), HIDDEN, "not even a part");
        assert_eq!(quote("0123", "bad secret 0123"), HIDDEN, "a short one counts as a whole");
        assert_eq!(quote("0123456789abcdef", "bad secret 0123456"), "\"bad secret 0123456\"");
        assert_eq!(quote("0123456789abcdef", "BAD SECRET 89ABCDEF"), HIDDEN, "in whatever case");
        assert_eq!(
            quote("0123?567", "bad secret 0123\u{e9}567"),
            HIDDEN,
            "nor what it becomes when it is shown"
        );
        assert_eq!(quote("0123\"567", "bad secret 0123\"567"), HIDDEN, "nor what it was before");
        assert_eq!(quote("", "anything"), "\"anything\"");
        assert_eq!(with("0123456789", |quoter| quoter.name("0123456789").to_owned()), HIDDEN);
    }

    #[test]
    fn a_name_must_look_like_one() {
        let name = |text: &str| with("s3cr3t-s3cr3t", |quoter| quoter.name(text).to_owned());
        assert_eq!(name("application/problem+json"), "application/problem+json");
        assert_eq!(name("https://[::1]:8000"), "https://[::1]:8000");
        for text in ["", "two words", "a;b", "\u{e9}", &"x".repeat(81)] {
            assert_eq!(name(text), "(something unreadable)", "{text}");
        }
    }
}
