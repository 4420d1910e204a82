//! The real programs, end to end.

mod cache;
mod door;
mod job;
mod lifecycle;
