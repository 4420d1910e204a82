//! Tokens that cannot be one.

use airbyte_sandbox::{Fault, Lie, OddToken, Trouble};
use airbyte_tokend_tests::Canary;

use super::World;

/// Such a token is refused in these words and turns up nowhere; what was in hand is kept.
fn is_refused(odd: OddToken, words: &str) {
    let world = World::warm();
    world.survives(Fault::token(odd), words);
    shows_no_token(&world);
}

/// The same with what stands in the middle of the token: its place is told, and not what it is.
fn is_refused_by_its_place(odd: OddToken) {
    let world = World::warm();
    let middle = world.airbyte.latest_token().len() / 2;
    world.survives(Fault::token(odd), &format!("the token has an invalid character at offset {middle}"));
    shows_no_token(&world);
}

/// None of the tokens that Airbyte made, good or odd, is in what the daemon tells of itself, or in its state.
fn shows_no_token(world: &World) {
    let told = [world.http().get("/v1/status").body, world.http().get("/v1/timeline").body].concat();
    for token in world.airbyte.issued_tokens().into_iter().map(Canary::of) {
        token.assert_absent("the log", &world.daemon.log().bytes());
        token.assert_absent("what it tells", &told);
        token.assert_absent_under(&world.home.state());
    }
}

/// Fault 17: a line break, which would bring a header of its own.
#[test]
fn a_token_with_a_line_break_is_refused() {
    is_refused_by_its_place(OddToken::Crlf);
}

/// Fault 17: a command for a terminal.
#[test]
fn a_token_with_a_terminal_s_escape_is_refused() {
    is_refused_by_its_place(OddToken::Esc);
}

/// Fault 17: the byte that ends a C string.
#[test]
fn a_token_with_a_nul_is_refused() {
    is_refused_by_its_place(OddToken::Nul);
}

/// Fault 17: a character that turns the writing direction.
#[test]
fn a_token_with_a_foreign_character_is_refused() {
    is_refused_by_its_place(OddToken::Bidi);
}

/// Fault 17: nothing.
#[test]
fn an_empty_token_is_refused() {
    is_refused(OddToken::Empty, "the token has only 0 bytes");
}

/// Fault 17: no text.
#[test]
fn a_token_that_is_no_text_is_refused() {
    is_refused(OddToken::Number, "the reply's access_token is not text");
    is_refused(OddToken::Null, "the reply is JSON, but has no access_token");
    is_refused(OddToken::Missing, "the reply is JSON, but has no access_token");
}

/// Fault 17: a megabyte.
#[test]
fn a_token_of_a_megabyte_is_refused_unread() {
    is_refused(OddToken::Huge, "the reply is larger than 64 KiB");
}

/// Fault 17: two of them.
#[test]
fn a_reply_with_two_tokens_is_refused() {
    let world = World::warm();
    world.survives(Fault::new(Trouble::Lie(Lie::DuplicateKeys)), "the reply has access_token twice");
    shows_no_token(&world);
}

/// Fault 17: of another kind.
#[test]
fn a_token_that_is_no_bearer_is_refused() {
    let world = World::warm();
    world.survives(Fault::new(Trouble::Lie(Lie::TokenType("mac".to_owned()))), "token_type is not Bearer");
    shows_no_token(&world);
}
