//! The real binary against daemons that know their lines.

mod audit;
mod client;
mod door;
mod explain;
mod profiles;
mod prompt;
mod reload;
mod support;
mod token;
mod trace;
mod wait;
mod watched;
