//! The real programs, end to end.

mod cache;
mod config;
mod door;
mod exit;
mod job;
mod keyring;
mod leaks;
mod lifecycle;
mod peers;
mod readme;
mod states;
mod trouble;
