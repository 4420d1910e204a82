//! What both ends of the local socket agree on, and nothing else.
//!
//! | module | what it settles |
//! |---|---|
//! | [`wire`] | every request and reply of the local API, version 1 |
//! | [`code`] | which errors there are, and what HTTP and a shell call them |
//! | [`state`] | how a profile fares, in one word |
//! | [`mod@shown`] | how people are shown what others said |
//! | [`span`] | how people write a length of time |
//! | [`paths`] | where the socket, the lock, the config and the state live |
//! | [`audit`] | the audit log: what a line says, how lines hold on to each other, reading the files |
//! | [`client`] | the blocking client, which believes only a socket of its own user or of root |
//!
//! No async runtime, no TLS and no keyring may enter: the command line links this crate, and a call must cost about
//! what starting a process costs.

pub mod audit;
pub mod client;
pub mod code;
pub mod paths;
pub mod shown;
pub mod span;
pub mod state;
pub mod wire;

pub use code::{ErrorCode, ExitStatus};
pub use shown::shown;
pub use state::ProfileState;
