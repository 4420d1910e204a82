//! One exchange, whole: the secret is read for it, sent to the origin it was stored for and nowhere else, and wiped.

use std::time::Duration;

use airbyte_token_core::{ClientId, Detail, Failure, ProfileName, Secret, VaultTrouble};

use super::Diary;
use crate::{
    clock,
    issuer::{Answered, Issuer},
    vault::{StoredSecret, Vault},
};

/// Longer than an issuer takes for anything, by its own deadlines: it is later only where the machine slept meanwhile.
const OVERSLEPT: Duration = Duration::from_secs(20);

/// What it takes to get a token for one profile.
#[derive(Debug)]
pub struct Exchanger {
    /// The profile.
    pub profile: ProfileName,
    /// Its application.
    pub client_id: ClientId,
    /// Where its secret is kept.
    pub vault: Vault,
    /// Where it is exchanged.
    pub issuer: Issuer,
}

impl Exchanger {
    /// Reads the secret, waiting at most `patience` for the vault, and exchanges it; and has it written down that this
    /// is about to happen, and that it went well.
    ///
    /// It fails when the vault does not give the secret, the secret was stored for another origin, or the issuer says
    /// no.
    pub async fn exchange(&self, patience: Duration, diary: Diary) -> Answered {
        let stored = match self.secret(patience).await {
            Ok(stored) => stored,
            Err(failure) => return Answered { outcome: Err(failure), server_time: None },
        };
        diary.begin().await;
        let answered = self.ask(stored.client_secret).await;
        if answered.outcome.is_ok() {
            diary.succeed().await;
        }
        answered
    }

    /// After suspend the connection is dead without knowing it, and the issuer's own deadlines stood still: whoever asks
    /// then need not wait for their rest.
    async fn ask(&self, secret: Secret) -> Answered {
        let asked = self.issuer.ask(&self.client_id, secret);
        clock::within(OVERSLEPT, asked).await.unwrap_or_else(|| {
            let detail = Detail::new("the machine slept, or its clock was set, before the reply came");
            Answered { outcome: Err(Failure::Transient { retry_after: None, detail }), server_time: None }
        })
    }

    async fn secret(&self, patience: Duration) -> Result<StoredSecret, Failure> {
        let stored = self.vault.read(&self.profile, patience).await?;
        self.check_origin(&stored)?;
        Ok(stored)
    }

    /// A secret goes only where it was stored for: a changed URL must not be able to fetch it.
    fn check_origin(&self, stored: &StoredSecret) -> Result<(), Failure> {
        let origin = self.issuer.origin();
        if stored.origin == *origin {
            return Ok(());
        }
        let text = format!("the secret was stored for {}, and the profile now says {origin}", stored.origin);
        Err(Failure::Vault { trouble: VaultTrouble::OtherOrigin, detail: Detail::new(&text) })
    }
}
