//! Texts that must not come out where they have no business. They are made up, and stand in seeds as they are.

/// Stands for a client secret.
pub(crate) const SECRET: &str = "Qx7!only-fuzzers-know-this!Jv2";

/// Stands for an access token.
pub(crate) const TOKEN: &str = "kZ3.a-token-that-nobody-issued.Wq8";

/// As many bytes in a row give a text away.
const PIECE: usize = 8;

/// Whether there is a piece of the text in the output, in whatever case.
pub(crate) fn shows(output: &[u8], text: &str) -> bool {
    let pieces = || text.as_bytes().windows(PIECE);
    output.windows(PIECE).any(|window| pieces().any(|piece| window.eq_ignore_ascii_case(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_in_a_row_give_a_text_away_and_seven_do_not() {
        assert!(shows(b"...only-fuz...", SECRET));
        assert!(shows(b"ONLY-FUZ", SECRET));
        assert!(!shows(b"...only-fu...", SECRET));
        assert!(!shows(b"", SECRET));
    }
}
