//! What the rules accept nobody else can replace, and what they refuse somebody can: held against an oracle that tries
//! every replacement in trees that are only imagined.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod imagined;
mod oracle;
mod promises;
mod words;
