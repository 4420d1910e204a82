//! Each rule by example.

mod clients;
mod clocks;
mod interceptions;
mod locked;
mod reasons;
mod refusals;
mod restart;
mod retries;
mod unproven;
mod vaults;
mod windows;
