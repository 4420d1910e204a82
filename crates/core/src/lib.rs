//! The rules of token renewal, pure: given what has happened and what time it is, what should be done next?
//!
//! Nothing in this crate reads a clock, opens a file or a socket, or starts a task; its manifest has nothing to do
//! it with. The daemon drives it, and a test can drive it through a year in a second.
//!
//! What [`Refresher`] promises, whatever clients, clocks and issuers do:
//!
//! - No caller gets a dead token, or less life than it asked for without being told.
//! - A token that lives is never withheld, and no failed renewal drops it.
//! - The life of a token counts from when its request left.
//! - At most one exchange is in flight.
//! - Exchanges begin at least 1 s apart, at most 10 in a minute and 60 in an hour; a `Retry-After` is kept to, up to
//!   15 min; clients alone can use up half of that budget at most.
//! - A new token lands before the old one dies as long as the issuer answers and its tokens live two minutes or more.
//! - What may pass by itself is tried again within 100 s, at moments so spread that an issuer that comes back sees few
//!   hosts of a fleet at a time (`examples/fleet` measures how few).
//! - Refused credentials are tried once more and then left alone until somebody acts or a slow probe is due, also
//!   after a restart ([`Memory`]).
//! - A profile that nobody uses causes no exchange.
//! - A clock that leaps, either clock, either way, neither lengthens a life, nor causes a panic or a storm.
//! - The next wake is in the future.
//! - No `Debug` output of any state holds a secret or a token.
//!
//! ```
//! use std::time::Duration;
//!
//! use airbyte_token_core::{
//!     AccessToken, Answer, Command, Fingerprint, Issued, Moment, RefreshPolicy, Refresher, Secret,
//! };
//!
//! // The daemon reads both clocks: 100 s since boot, and some time in 2025.
//! let start = Moment::new(Duration::from_secs(100), Duration::from_secs(1_750_000_000));
//! let mut refresher = Refresher::new(RefreshPolicy::default(), 42, start);
//! assert_eq!(refresher.poll_command(), None, "nobody has asked yet");
//!
//! // Somebody asks: the daemon is told to make an exchange, once.
//! assert!(matches!(refresher.request(start, Duration::ZERO), Answer::Pending));
//! assert_eq!(refresher.poll_command(), Some(Command::Exchange));
//! assert_eq!(refresher.poll_command(), None);
//!
//! // Two seconds later the issuer has answered with a token for 15 minutes.
//! let text = Secret::new("made-up-token-of-the-example".to_owned());
//! let issued = Issued {
//!     access_token: AccessToken::parse(text)?,
//!     fingerprint: Fingerprint::from_sha256([7; 32]), // of the text
//!     lifetime: Duration::from_secs(900),
//! };
//! let later = start.after(Duration::from_secs(2));
//! refresher.handle_issued(later, issued);
//! let Answer::Token(token) = refresher.request(later, Duration::ZERO) else { panic!("a token is there") };
//! assert_eq!(token.remaining(later), Duration::from_secs(898), "it lives from when the request left");
//!
//! // The daemon sleeps until the next wake. By then a third of the life is left and renewal begins.
//! let wake = refresher.poll_timeout().expect("a renewal is planned");
//! refresher.handle_timeout(wake);
//! assert_eq!(refresher.poll_command(), Some(Command::Exchange));
//! assert!(matches!(refresher.request(wake, Duration::ZERO), Answer::Token(_)), "nobody waits for it");
//! # Ok::<(), airbyte_token_core::token::BadAccessToken>(())
//! ```

pub mod failure;
pub mod moment;
pub mod names;
pub mod policy;
pub mod refresher;
pub mod secret;
pub mod token;

pub use failure::{Detail, Failure, Misdirection, VaultTrouble};
pub use moment::Moment;
pub use names::{ClientId, ClientName, Origin, ProfileName};
pub use policy::{BadPolicy, RefreshPolicy, RefreshSettings};
pub use refresher::{Answer, Command, Memory, Phase, Reason, Refresher, Snapshot};
pub use secret::Secret;
pub use token::{AccessToken, Fingerprint, Issued, Token};
