//! Reading and writing JSON without ever quoting it.

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Reads a value.
///
/// # Errors
/// Says where the text goes wrong and in what way, never what it says there: serde's own messages quote the value, and
/// the value may be a secret in the wrong field.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    serde_json::from_slice(text).map_err(|error| BadJson::of(&error))
}

/// Writes a value. The text is wiped when it is dropped, whether it holds a secret or not.
///
/// # Errors
/// Only for a value that JSON cannot say, such as a path that is not UTF-8.
pub fn to_json<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>, BadJson> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOMY));
    serde_json::to_writer(&mut *text, value).map_err(|error| BadJson::of(&error))?;
    Ok(text)
}

/// Larger than any request with a secret in it, so that the buffer does not move and leave a copy behind.
const ROOMY: usize = 16 * 1024;

/// A text that does not hold the JSON we expect: in what way, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trouble} at line {line}, column {column}")]
pub struct BadJson {
    /// In what way.
    pub trouble: Trouble,
    /// The line, from 1.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// In what way a text fails to hold the JSON we expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is not JSON.
    #[error("the text is not json")]
    Syntax,
    /// It is JSON, with a field missing, unknown, or of another kind.
    #[error("a field is missing, unknown, or not what it should be")]
    Data,
    /// It ends in the middle.
    #[error("the text ends too early")]
    Truncated,
}

impl BadJson {
    fn of(error: &serde_json::Error) -> Self {
        let trouble = match error.classify() {
            serde_json::error::Category::Data => Trouble::Data,
            serde_json::error::Category::Eof => Trouble::Truncated,
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => Trouble::Syntax,
        };
        Self { trouble, line: error.line(), column: error.column() }
    }
}
