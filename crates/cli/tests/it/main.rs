//! The real binary against daemons that know their lines.

mod client;
mod door;
mod explain;
mod profiles;
mod prompt;
mod reload;
mod support;
mod token;
mod wait;
mod watched;
