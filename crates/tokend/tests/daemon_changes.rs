//! Changes to a running daemon are made whole or not at all, whatever fails and whoever hangs up.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, future::poll_fn, os::unix::fs::OpenOptionsExt as _, path::PathBuf, pin::pin, task::Poll};
use std::{io::Write as _, time::Duration};

use airbyte_sandbox::{Sandbox, Settings};
use airbyte_token_core::{ProfileName, Secret};
use airbyte_token_local::wire::{LogoutQuery, ProfileRequest, Service, StoreKind};
use airbyte_tokend::{
    cache::Remembering,
    config::Config,
    daemon::{ChangeError, Places, State},
    vault::{ATTENDED, FileSettings, KeySource, Vault},
};
use tempfile::TempDir;

/// A daemon without its socket, and an Airbyte.
struct Scene {
    home: TempDir,
    airbyte: Sandbox,
    state: State,
    remembering: Remembering,
}

impl Scene {
    fn new() -> Self {
        Self::with("", None)
    }

    /// With more in the configuration, and something remembered.
    fn with(more: &str, memory: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let mut key =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path("key")).unwrap();
        key.write_all(&[b'k'; 32]).unwrap();
        let text = format!("[vault.file]\nkey_file = \"{}\"\n{more}", path("key").display());
        fs::write(path("config.toml"), text).unwrap();
        if let Some(memory) = memory {
            fs::write(path("memory.json"), memory).unwrap();
        }
        let remembering = Remembering::load(path("memory.json"));
        let places =
            Places { config: path("config.toml"), socket: path("api.sock"), state: home.path().to_owned() };
        let config = Config::load(&places.config).unwrap();
        let state = State::new(places, config, remembering.clone()).unwrap();
        Self { airbyte: Sandbox::start(Settings::default()), state, remembering, home }
    }

    fn config(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    fn append(&self, text: &str) {
        fs::write(self.config(), self.text() + text).unwrap();
    }

    fn request(&self, secret: &str) -> ProfileRequest {
        ProfileRequest {
            service: Some(Service::SelfManaged),
            url: Some(self.airbyte.url()),
            client_id: airbyte_sandbox::DEFAULT_CLIENT_ID.parse().unwrap(),
            client_secret: Secret::new(secret.into()),
            organization_id: None,
            vault: Some(StoreKind::File),
            ca_file: None,
            proxy: None,
            default: false,
        }
    }

    async fn log_in(&self, profile: &str) -> Result<(), ChangeError> {
        let request = self.request(airbyte_sandbox::DEFAULT_CLIENT_SECRET);
        self.state.log_in(&name(profile), request).await.map(drop)
    }

    /// Whether the vault holds a secret for the profile.
    async fn has_secret(&self, profile: &str) -> bool {
        let key = KeySource::File(self.home.path().join("key"));
        let vault = Vault::file(FileSettings { path: self.home.path().join("secrets"), key }).unwrap();
        vault.read(&name(profile), ATTENDED).await.is_ok()
    }

    async fn has_token(&self, profile: &str) -> bool {
        let Some(handle) = self.state.cache().get(&name(profile)) else { return false };
        handle.token(Duration::ZERO, Duration::ZERO).await.is_ok()
    }

    /// Ends when the changes that were begun before are made.
    async fn settled(&self) {
        assert!(self.state.choose_default(&name("nobody")).await.is_err());
    }
}

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

/// Polls the future this many times and drops it: its caller hung up. True if it came to its end.
async fn poll_and_hang_up(future: impl Future, times: usize) -> bool {
    let (mut future, mut left) = (pin!(future), times);
    poll_fn(|context| {
        left = left.saturating_sub(1);
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_login_whose_caller_hangs_up_is_made_whole_or_not_at_all() {
    let scene = Scene::new();
    for times in 1..100 {
        let profile = format!("p{times}");
        let whole = poll_and_hang_up(scene.log_in(&profile), times).await;
        scene.settled().await;
        let written = Config::load(&scene.config()).unwrap().profiles.contains_key(&name(&profile));
        let traces = [scene.has_secret(&profile).await, written, scene.has_token(&profile).await];
        assert!(traces == [true; 3] || traces == [false; 3], "after {times} steps: {traces:?}");
        if whole {
            return;
        }
    }
    panic!("no login came to its end");
}

#[tokio::test]
async fn a_logout_whose_caller_hangs_up_is_made_whole_or_not_at_all() {
    let scene = Scene::new();
    for times in 1..100 {
        let profile = format!("p{times}");
        scene.log_in(&profile).await.unwrap();
        let whole =
            poll_and_hang_up(scene.state.log_out(&name(&profile), LogoutQuery::default()), times).await;
        scene.settled().await;
        let written = Config::load(&scene.config()).unwrap().profiles.contains_key(&name(&profile));
        let traces = [scene.has_secret(&profile).await, written, scene.has_token(&profile).await];
        assert!(traces == [true; 3] || traces == [false; 3], "after {times} steps: {traces:?}");
        if whole {
            return;
        }
    }
    panic!("no logout came to its end");
}

#[tokio::test]
async fn a_new_secret_for_a_profile_goes_where_the_old_one_went() {
    let home = Scene::new();
    home.log_in("p").await.unwrap();
    let before = home.text();
    let secret = airbyte_sandbox::DEFAULT_CLIENT_SECRET;
    let request = ProfileRequest { service: None, url: None, vault: None, ..home.request(secret) };
    home.state.log_in(&name("p"), request).await.unwrap();
    assert_eq!(home.text(), before, "nothing was said of where, so nothing of that changed");
    assert_eq!(home.airbyte.exchanges(), 2, "the same Airbyte was asked");
}

#[tokio::test]
async fn an_edit_by_hand_that_cannot_work_fails_a_login_before_anything_is_sent_or_written() {
    let scene = Scene::new();
    scene.append(
        "[profiles.other]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"file\"\nca_file = \"/nowhere.pem\"\n",
    );
    let before = scene.text();
    let error = scene.log_in("main").await.unwrap_err();
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
    assert_eq!(scene.text(), before);
    assert!(!scene.has_secret("main").await);
    assert!(scene.remembering.of(&name("main")).exchanges.is_empty(), "Airbyte was not asked");
    fs::write(scene.config(), before.replace("ca_file = \"/nowhere.pem\"\n", "")).unwrap();
    scene.log_in("main").await.unwrap();
    assert!(scene.state.config().profiles.contains_key(&name("other")), "edits by hand come into force");
}

#[tokio::test]
async fn a_logout_that_cannot_write_the_file_keeps_the_secret() {
    let scene = Scene::new();
    scene.log_in("main").await.unwrap();
    let good = scene.text();
    scene.append("oops = 1\n");
    let error = scene.state.log_out(&name("main"), LogoutQuery::default()).await.unwrap_err();
    assert!(error.to_string().contains("oops"), "{error}");
    assert!(scene.has_secret("main").await);
    assert!(scene.has_token("main").await);
    fs::write(scene.config(), good).unwrap();
    scene.state.log_out(&name("main"), LogoutQuery::default()).await.unwrap();
    assert!(!scene.has_secret("main").await);
}

const REFUSED: &str = r#"{"main":{"trouble":{"failure":{"kind":"rejected","detail":"no"},
    "standing":{"parked":1},"failures":3,"suspects":0,"retry_at":4000000000}}}"#;

#[tokio::test]
async fn a_login_that_fails_forgives_nothing_and_is_counted() {
    let more = "[profiles.main]\nservice = \"self-managed\"\nurl = \"https://airbyte.example.com\"\nclient_id = \"x\"\nvault = \"file\"\n";
    let scene = Scene::with(more, Some(REFUSED));
    let request = scene.request("another");
    assert!(scene.state.log_in(&name("main"), request).await.is_err());
    let memory = scene.remembering.of(&name("main"));
    assert!(memory.trouble.is_some(), "what it knew of the profile as it is");
    assert_eq!(memory.exchanges.len(), 1);
    scene.log_in("main").await.unwrap();
    let memory = scene.remembering.of(&name("main"));
    assert!(memory.trouble.is_none(), "a good secret is a new beginning");
    assert_eq!(memory.exchanges.len(), 2);
}

#[tokio::test]
async fn a_login_that_failed_still_counts_when_the_profile_has_been_renewed_since() {
    let scene = Scene::new();
    scene.log_in("main").await.unwrap();
    assert!(scene.state.log_in(&name("main"), scene.request("another")).await.is_err());
    let profile = scene.state.cache().get(&name("main")).unwrap();
    profile.refresh(Duration::from_secs(30)).await.unwrap();
    assert_eq!(scene.remembering.of(&name("main")).exchanges.len(), 3);
}

#[tokio::test]
async fn a_profile_whose_vault_was_taken_out_of_the_file_can_move_to_another() {
    let scene = Scene::new();
    scene.log_in("main").await.unwrap();
    let (vault, profiles) =
        scene.text().split_once("[profiles").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    fs::write(
        scene.config(),
        vault.replace("[vault.file]", "").replace("key_file", "#") + "[profiles" + &profiles,
    )
    .unwrap();
    let mut request = scene.request(airbyte_sandbox::DEFAULT_CLIENT_SECRET);
    request.vault = Some(StoreKind::Memory);
    scene.state.log_in(&name("main"), request).await.unwrap();
    assert!(scene.has_token("main").await);
    assert!(!scene.has_secret("main").await, "the old copy is gone");
}
