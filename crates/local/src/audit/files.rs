//! Which files the log is in.

/// The file that is written now.
pub const CURRENT: &str = "audit.log";

/// How many files are kept.
pub const MOST_FILES: usize = 4;

/// The most bytes of a file.
pub const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The name of a file by its age: 0 is [`CURRENT`].
#[must_use]
pub fn name(age: usize) -> String {
    if age == 0 { CURRENT.to_owned() } else { format!("audit.{age}.log") }
}
