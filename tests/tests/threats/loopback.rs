//! Loopback HTTP: what is to be had there, by whom, and who reaches it at all.

mod bearers;
mod network;
mod port;
mod proxy;
mod strangers;
