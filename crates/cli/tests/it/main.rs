//! The real binary against daemons that know their lines.

mod door;
mod profiles;
mod prompt;
mod support;
mod token;
