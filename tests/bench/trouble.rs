//! What can keep a benchmark from being run.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System { what: String, source: io::Error },
    /// A program under test, or the compiler, did not do what it was started for.
    #[error("{program}: {fault}")]
    Program { program: String, fault: String },
    /// A server under load did not answer as it should.
    #[error("a server under load sent {0}")]
    Reply(&'static str),
}

impl Trouble {
    pub(crate) fn program(program: &str, fault: impl Into<String>) -> Self {
        Self::Program { program: program.to_owned(), fault: fault.into() }
    }
}

/// Says what was being done when the system refused.
pub(crate) trait While<T> {
    fn when(self, what: impl Into<String>) -> Result<T, Trouble>;
}

impl<T, E: Into<io::Error>> While<T> for Result<T, E> {
    fn when(self, what: impl Into<String>) -> Result<T, Trouble> {
        self.map_err(|source| Trouble::System { what: what.into(), source: source.into() })
    }
}
