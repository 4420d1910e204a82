//! Handles and actors together, against an Airbyte that takes requests and never answers.

use std::{net::TcpListener, path::Path, time::Duration};

use airbyte_token_core::{
    Memory, ProfileName, Reason, RefreshPolicy, Refresher, Secret, refresher::PastExchange,
};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::{Alarm, Clock},
    issuer::{Endpoint, Issuer, Service, Target},
    vault::{ATTENDED, StoredSecret, Vault},
};

/// A profile whose exchanges never end, and what must stay alive meanwhile.
struct Hanging {
    handle: ProfileHandle,
    actor: tokio::task::JoinHandle<std::io::Result<()>>,
    _issuer: TcpListener,
    _home: TempDir,
}

fn name() -> ProfileName {
    "p".parse().unwrap()
}

async fn exchanger(issuer: &TcpListener) -> Exchanger {
    let url = format!("http://{}", issuer.local_addr().unwrap());
    let endpoint = Endpoint::new(Service::SelfManaged, Some(&url)).unwrap();
    let target = Target { endpoint, organization_id: None, ca_file: None, proxy: None };
    let (issuer, vault) = (Issuer::build(target).unwrap(), Vault::memory());
    let secret =
        StoredSecret { origin: issuer.origin().clone(), client_secret: Secret::new("s3cret".into()) };
    vault.write(&name(), secret, ATTENDED).await.unwrap();
    Exchanger { profile: name(), client_id: "an-id".parse().unwrap(), vault, issuer }
}

fn remembering(home: &Path) -> Remembering {
    Remembering::load(home.join("memory.json"))
}

async fn hanging() -> Hanging {
    hanging_after(Memory::default()).await
}

async fn hanging_after(memory: Memory) -> Hanging {
    let (issuer, home) = (TcpListener::bind("127.0.0.1:0").unwrap(), tempfile::tempdir().unwrap());
    let remembering = remembering(home.path());
    let mut refresher = Refresher::new(RefreshPolicy::default(), 7, Clock.now());
    refresher.remember(Clock.now(), memory);
    let (handle, work) = ProfileHandle::new(
        refresher,
        exchanger(&issuer).await,
        remembering.file(&name()),
        Alarm::new().unwrap(),
        History::default(),
    );
    Hanging { handle, actor: tokio::spawn(work), _issuer: issuer, _home: home }
}

#[tokio::test]
async fn a_caller_that_waits_is_woken_by_news_only() {
    let hanging = hanging().await;
    let wait = Duration::from_millis(100);
    let (outcome, wakes) =
        tokio::join!(hanging.handle.token(Duration::ZERO, wait), hanging.handle.count_news(wait),);
    assert!(matches!(outcome, Err(Shortfall::WaitOver)), "{outcome:?}");
    assert!((1..=2).contains(&wakes), "the exchange began, and that is all: {wakes}");
}

#[tokio::test]
async fn an_actor_that_is_replaced_ends_although_callers_wait_for_it() {
    let (old, new) = (hanging().await, hanging().await);
    let cache = Cache::default();
    let serve = |handle: &ProfileHandle| cache.replace([(name(), handle.clone())].into());
    serve(&old.handle);
    serve(&old.handle);
    let waiting = tokio::spawn({
        let handle = old.handle.clone();
        async move { handle.token(Duration::ZERO, Duration::from_secs(300)).await }
    });
    assert!(old.handle.token(Duration::ZERO, Duration::from_millis(50)).await.is_err(), "it waits in vain");
    assert!(!old.actor.is_finished(), "it was not replaced by itself");
    serve(&new.handle);
    assert!(matches!(waiting.await.unwrap(), Err(Shortfall::Gone)));
    old.actor.await.unwrap().unwrap();
    assert!(!new.actor.is_finished());
}

#[tokio::test]
async fn whoever_renews_too_often_is_told_at_once_when_the_next_renewal_may_begin() {
    let at = Clock.now().since_epoch().as_secs() - 10;
    let exchanges = vec![PastExchange { at, elective: false }; 10];
    let hanging = hanging_after(Memory { exchanges, ..Memory::default() }).await;
    let (asked, outcome) = (Clock.now(), hanging.handle.refresh(Duration::from_secs(20)).await);
    assert!(!asked.after(Duration::from_secs(20)).is_reached(Clock.now()), "it did not wait");
    let Err(Shortfall::Failed { reason: Reason::Paced, retry_at: Some(at) }) = outcome else {
        panic!("{outcome:?}")
    };
    let rest = at.rest(Clock.now()).as_secs();
    assert!((30..=60).contains(&rest), "ten a minute, and the tenth was 10 s ago: {rest} s");
    let patient = hanging.handle.refresh(Duration::from_secs(300));
    let still_waits = tokio::time::timeout(Duration::from_millis(50), patient).await.is_err();
    assert!(still_waits, "who has the time waits");
}
