//! What the suites stand on: the real programs in directories of their own, a stand-in Airbyte, a keyring, other
//! users, and canaries.
//!
//! A test never sleeps. It waits for an event (a line of a log, a datagram, the end of a process, a request that
//! arrived) or, where there is none, with [`eventually`]; both give up at a deadline and then say what they waited for.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness tells a test that something is wrong by panicking"
)]

mod airbyte;
mod authority;
mod binaries;
mod browser;
mod canary;
mod cli;
mod clocks;
mod daemon;
mod deadline;
mod home;
mod http;
mod island;
mod keyring;
mod memory;
mod nginx;
mod person;
mod process;
mod random;
mod systemd_box;
pub mod table;
mod timer;
mod traced;

pub use airbyte::Airbyte;
pub use authority::Authority;
pub use binaries::Binary;
pub use browser::{Answer, Asked, Browser, Web, free_port};
pub use canary::Canary;
pub use cli::{Cli, assert_failed};
pub use clocks::Clocks;
pub use daemon::{Daemon, Recipe};
pub use deadline::{PATIENCE, eventually, timed};
pub use home::Home;
pub use http::{Call, Http, Reply};
pub use island::Island;
pub use keyring::Keyring;
pub use memory::Memory;
pub use nginx::Nginx;
pub use person::Person;
pub use process::{Ended, Process, Text};
pub use systemd_box::SystemdBox;
pub use timer::Timer;
pub use traced::Traced;
