//! The real programs, end to end.

mod cache;
mod config;
mod door;
mod job;
mod keyring;
mod leaks;
mod lifecycle;
mod readme;
mod trouble;
