//! Under construction.

pub mod failure;
pub mod moment;
pub mod names;
pub mod secret;
pub mod token;

pub use failure::{Detail, Failure, VaultTrouble};
pub use moment::Moment;
pub use names::{ClientId, Origin, ProfileName};
pub use secret::Secret;
pub use token::{AccessToken, Fingerprint, Issued, Token};
