//! The daemon: keeps the client secret, exchanges it for access tokens, and hands the current one to local programs.
//!
//! In reading order: [`daemon`] builds the parts and runs them, [`config`] says which profiles there are, [`listen`]
//! opens the socket, [`door`] is what may be had there, [`clients`] knows who has a secret of its own, [`service`]
//! answers requests, [`audit`] writes down who was given what, [`cache`] drives the rules of `airbyte-token-core`,
//! [`issuer`] talks to Airbyte, [`vault`] keeps the secrets, [`trust`] says which files may be believed; [`logs`] is what
//! the daemon says of itself, [`clock`] is where clocks are read, and [`harden`] the only place with unsafe code.

pub mod audit;
pub mod cache;
pub mod clients;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod door;
pub mod harden;
pub mod issuer;
pub mod listen;
pub mod logs;
pub mod service;
pub mod trust;
pub mod vault;
