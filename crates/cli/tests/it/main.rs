//! The real binary against daemons that know their lines.

mod door;
mod profiles;
mod support;
mod token;
