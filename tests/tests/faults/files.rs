//! What the daemon reads and writes: the configuration and its own files.
