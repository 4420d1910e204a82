//! What can keep a soak from being run.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System { what: &'static str, source: io::Error },
}

/// Says what was being done when the system refused.
pub(crate) trait While<T> {
    fn when(self, what: &'static str) -> Result<T, Trouble>;
}

impl<T> While<T> for io::Result<T> {
    fn when(self, what: &'static str) -> Result<T, Trouble> {
        self.map_err(|source| Trouble::System { what, source })
    }
}
