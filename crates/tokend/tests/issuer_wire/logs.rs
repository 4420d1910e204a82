//! Nothing of the secret or the token reaches the logs, however much is logged.

use std::{
    io,
    sync::{Arc, Mutex},
};

use airbyte_sandbox::{Canned, Fault};
use tracing::{Level, subscriber};

use crate::{
    support::{SECRET, airbyte, exchange, issuer},
    tls::{Authority, secure_airbyte, trusting},
};

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn keep(&self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keep(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let everything =
        tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || writer.clone());
    let _guard = subscriber::set_default(everything.finish());

    let authority = Authority::new();
    let secure = secure_airbyte(authority.certificate(&["127.0.0.1"], |_| ()));
    let issued = exchange(&trusting(&secure.url(), &authority.file())).await.unwrap();
    let plain = airbyte();
    plain.add_fault(Fault::answer(Canned::BadCredentials400));
    exchange(&issuer(&plain.url())).await.unwrap_err();

    let text = log.text();
    assert!(text.contains("hyper_util"), "the library logs something: {text}");
    for secret in [SECRET, issued.access_token.expose(), "Invalid client id"] {
        assert!(!text.contains(secret), "a secret or a reply is in the log");
    }
}
