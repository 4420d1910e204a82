//! Attacks, threat by threat, made on the real daemon, each beside one that succeeds where the defence is not there.
//! `tests/THREATS.md` is the table; the number of a test's threat stands above it.

mod browser;
mod doors;
mod files;
mod gate;
mod leaks;
mod load;
mod loopback;
mod memory;
mod nginx;
mod supply;
mod table;
mod upstream;
