//! Each rule by example.

mod clients;
mod clocks;
mod refusals;
mod restart;
mod retries;
mod vaults;
mod windows;
