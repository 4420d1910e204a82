//! What is wrong with a configuration, said so that one can go there and mend it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use airbyte_token_local::shown;

use crate::trust::Fault;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it begins; none when it is about the whole file.
    pub at: Option<Position>,
    /// What is wrong and what to do, in one line.
    pub text: String,
}

/// A place in a text, both counted from 1, the column in characters: as compilers say it and editors understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// Where the byte at `offset` is.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: 1 + before.matches('\n').count(), column: 1 + line.chars().count() }
    }
}

/// Everything that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The problems of the file at `path`, in the order in which they stand there, each made fit to be shown: a key may
    /// be anything.
    #[must_use]
    pub fn new(path: &Path, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at);
        for problem in &mut problems {
            problem.text = shown(&problem.text);
        }
        Self { path: path.to_owned(), problems }
    }

    /// The file cannot be read at all.
    #[must_use]
    pub fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::new(path, vec![Problem { at: None, text: format!("cannot be read: {error}") }])
    }

    /// Another user could replace the file, so that it is not read.
    #[must_use]
    pub fn untrusted(path: &Path, fault: &Fault) -> Self {
        Self::new(path, vec![Problem { at: None, text: fault.to_string() }])
    }

    /// The problems, in the order in which they stand there.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", self.path.display())?;
            if let Some(Position { line, column }) = problem.at {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", problem.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_counted_from_one_in_characters() {
        let text = "a = 1\n\u{e9}\u{e9} = 2\n";
        let place = |offset| (Position::of(text, offset).line, Position::of(text, offset).column);
        assert_eq!([0, 4, 5, 6, 8, 10].map(place), [(1, 1), (1, 5), (1, 6), (2, 1), (2, 2), (2, 3)]);
        assert_eq!(place(text.len()), (3, 1));
        assert_eq!(place(999), (3, 1), "beyond the end is the end");
    }
}
