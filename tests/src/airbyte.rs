//! A stand-in Airbyte with a secret of its own, for tests that block.

use std::{fmt, future::Future, ops::Deref};

use airbyte_sandbox::{Counts, Sandbox, Settings};
use serde_json::{Value, json};
use tokio::{runtime, time};

use crate::{Canary, deadline::PATIENCE, random};

/// A stand-in Airbyte on a thread of its own. Everything else that it can is [`Sandbox`]'s.
pub struct Airbyte {
    sandbox: Sandbox,
    client_id: String,
    secret: Canary,
}

impl Airbyte {
    /// Airbyte with tokens of 15 minutes.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same, changed before it starts.
    #[must_use]
    pub fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let (client_id, secret) = (format!("id-{}", random::hex::<8>()), Canary::new("secret"));
        let mut settings = Settings {
            client_id: client_id.clone(),
            client_secret: secret.expose().to_owned(),
            ..Settings::default()
        };
        change(&mut settings);
        let sandbox = Sandbox::start_on_a_thread(settings).expect("a loopback port is free");
        Self { sandbox, client_id, secret }
    }

    /// The application's id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The application's secret.
    #[must_use]
    pub const fn secret(&self) -> &Canary {
        &self.secret
    }

    /// What makes a profile of it, as `PUT /v1/profiles/{name}` takes it.
    #[must_use]
    pub fn profile(&self, vault: &str) -> Value {
        json!({
            "service": "self-managed",
            "url": self.sandbox.url(),
            "client_id": self.client_id,
            "client_secret": self.secret.expose(),
            "vault": vault,
        })
    }

    /// What the configuration says of such a profile.
    #[must_use]
    pub fn profile_in_config(&self, name: &str, vault: &str) -> String {
        format!(
            "[profiles.{name}]\nservice = \"self-managed\"\nurl = \"{}\"\nclient_id = \"{}\"\nvault = \"{vault}\"\n",
            self.sandbox.url(),
            self.client_id,
        )
    }

    /// Waits until the token endpoint was asked this often in all; the last answer may be still to come.
    ///
    /// # Panics
    /// When it was not.
    pub fn wait_for_exchanges(&self, count: usize) {
        let happened = within_patience(self.sandbox.wait_for_exchanges(count));
        assert!(happened, "{} exchanges and not {count}", self.sandbox.exchanges());
    }

    /// Waits until the counts are as wanted.
    ///
    /// # Panics
    /// When they do not become so.
    pub fn wait_until(&self, wanted: impl FnMut(&Counts) -> bool) {
        let happened = within_patience(self.sandbox.wait_until(wanted));
        assert!(happened, "it stayed at {:?}", self.sandbox.counts());
    }

    /// The token that was made last.
    ///
    /// # Panics
    /// When none was.
    #[must_use]
    pub fn latest_token(&self) -> String {
        self.sandbox.issued_tokens().pop().expect("a token was made")
    }
}

fn within_patience(event: impl Future<Output = ()>) -> bool {
    let runtime = runtime::Builder::new_current_thread().enable_time().build().expect("there is memory");
    runtime.block_on(async { time::timeout(PATIENCE, event).await.is_ok() })
}

impl Deref for Airbyte {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl fmt::Debug for Airbyte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sandbox.fmt(f)
    }
}
