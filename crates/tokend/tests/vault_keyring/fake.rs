//! Against a keyring that misbehaves: it does what a real one does only on a bad day.
