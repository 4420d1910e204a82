//! Under construction.

pub mod failure;
pub mod moment;
pub mod names;
pub mod policy;
pub mod refresher;
pub mod secret;
pub mod token;

pub use failure::{Detail, Failure, VaultTrouble};
pub use moment::Moment;
pub use names::{ClientId, Origin, ProfileName};
pub use policy::{BadPolicy, RefreshPolicy, RefreshSettings};
pub use refresher::{Answer, Command, Memory, Phase, Reason, Refresher, Snapshot};
pub use secret::Secret;
pub use token::{AccessToken, Fingerprint, Issued, Token};
