//! What the daemon reads and writes: the configuration, its memory, the sealed vault, its log.

mod config;
mod log;
mod login;
mod memory;
mod ruin;
