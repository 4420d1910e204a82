//! What must hold for every parser that reads from outside, whatever it reads.
//!
//! A check is a plain function over bytes. A fuzzer calls it with what it makes up (`make fuzz`), the tests beside this
//! crate call it with the committed corpus. It panics where a parser panics or breaks a promise.
//!
//! | module | who is hostile | what is read |
//! |---|---|---|
//! | [`token_reply`] | whatever answers at the profile's URL | the reply to an exchange |
//! | [`jwt`] | the same | the times in the token of such a reply |
//! | [`waits`] | the same | its `Retry-After` and `Date` |
//! | [`config`] | a slip of the keyboard, a template gone wrong | the configuration |
//! | [`request`] | any program of this machine, or a web page behind it | a local request |
//! | [`rogue_server`] | whoever sits at the daemon's socket | the reply to the client |
//!
//! Each check is in two: what the product did with the bytes, and a verdict on that, which knows nothing of the product's
//! own code. So a test can show of each verdict that it can fail.

mod broken;
pub mod config;
mod http;
pub mod jwt;
mod printable;
pub mod request;
pub mod rogue_server;
pub mod token_reply;
pub mod waits;
mod watched;

pub use broken::Broken;
