//! The real programs, end to end.

mod audit;
mod cache;
mod clients;
mod config;
mod door;
mod exit;
mod explain;
mod job;
mod keyring;
mod leaks;
mod lifecycle;
mod lock;
mod metrics;
mod readme;
mod reload;
mod sockets;
mod states;
mod trouble;
mod wait;
