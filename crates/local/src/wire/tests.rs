use std::{fmt::Debug, time::Duration};

use airbyte_token_core::{AccessToken, Fingerprint, ProfileName, Secret};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::*;
use crate::span::Span;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.canary-token";
const SECRET: &str = "canary\"secret\\with\u{e9}scapes";

fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

fn stays_the_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(sample: serde_json::Value) {
    let read: T = from_json(sample.to_string().as_bytes()).unwrap();
    let written: serde_json::Value = from_json(&to_json(&read).unwrap()).unwrap();
    assert_eq!(written, sample);
}

#[test]
fn every_reply_is_written_as_it_was_read() {
    stays_the_same::<RefreshReply>(
        json!({"profile": "a", "fingerprint": "0123456789abcdef", "expires_in": 899}),
    );
    stays_the_same::<RejectRequest>(json!({"fingerprint": "0123456789abcdef"}));
    stays_the_same::<RejectReply>(json!({"current": true}));
    stays_the_same::<DefaultProfileRequest>(json!({"profile": "a"}));
    stays_the_same::<ProfilesReply>(json!({"default_profile": "a", "profiles": [
        {"name": "a", "service": "self-managed", "url": "http://127.0.0.1:8000", "client_id": "id", "vault": "file",
         "ca_file": "/etc/ca.pem", "proxy": "http://proxy:3128"},
        {"name": "b", "service": "agents", "url": "https://api.airbyte.ai", "client_id": "id", "vault": "keyring",
         "organization_id": "org"}]}));
    stays_the_same::<ErrorReply>(json!({"code": "throttled", "message": "m", "hint": "h", "profile": "a",
        "state": "throttled", "retry_at": "2030-01-01T00:00:00Z", "retry_in": 30}));
}

#[test]
fn a_status_may_say_much_or_little_of_a_profile() {
    let little = json!({"name": "a", "service": "cloud", "url": "https://api.airbyte.com", "client_id": "id",
        "vault": "memory", "state": "idle", "exchanges": 0});
    let much = json!({"name": "b", "service": "cloud", "url": "https://api.airbyte.com", "client_id": "id",
        "vault": "keyring", "state": "keyring_locked", "fingerprint": "0123456789abcdef", "expires_in": 10,
        "refresh_in": 0, "retry_in": 3, "clock_skew": -7, "exchanges": 4,
        "last_error": {"code": "keyring_locked", "message": "m", "hint": "h"}});
    stays_the_same::<StatusReply>(
        json!({"version": "1.2.3", "default_profile": "a", "config_problem": "p", "audit_problem": "q", "profiles": [little, much]}),
    );
    stays_the_same::<StatusReply>(json!({"version": "1.2.3", "profiles": []}));
}

#[test]
fn a_timeline_tells_every_kind_of_event() {
    let failed = json!({"result": "failed", "code": "throttled", "message": "m", "took_ms": 5});
    let token =
        json!({"result": "token", "fingerprint": "0123456789abcdef", "lifetime": 900, "took_ms": 120});
    let at = "2030-01-01T00:00:00Z";
    let error = json!({"code": "rejected", "message": "m", "hint": "h"});
    stays_the_same::<TimelineReply>(json!({"profile": "a", "now": at, "state": "idle", "events": []}));
    stays_the_same::<TimelineReply>(
        json!({"profile": "a", "now": at, "state": "fresh", "fingerprint": "0123456789abcdef",
        "expires_in": 800, "last_error": error, "next": {"in": 10, "why": "renewal", "held_by": "budget"}, "events": [
        {"at": at, "ago": 90, "event": "started", "remembered": error},
        {"at": at, "ago": 80, "event": "started"},
        {"at": at, "ago": 70, "event": "changed"},
        {"at": at, "ago": 65, "event": "logged_in", "fingerprint": "0123456789abcdef", "lifetime": 900},
        {"at": at, "ago": 60, "event": "clock_set", "seconds": -3600},
        {"at": at, "ago": 50, "event": "exchange", "why": "no_token", "result": failed},
        {"at": at, "ago": 40, "event": "exchange", "why": "retry", "result": token},
        {"at": at, "ago": 0, "event": "exchange", "why": "probe"}]}),
    );
}

#[test]
fn the_daemon_lends_its_token_and_the_client_reads_it() {
    let token = AccessToken::parse(Secret::new(TOKEN.into())).unwrap();
    let fingerprint: Fingerprint = "0123456789abcdef".parse().unwrap();
    let lent = TokenReply {
        access_token: &token,
        token_type: TokenType::Bearer,
        expires_in: 899,
        profile: name("a"),
        fingerprint,
    };
    let text = to_json(&lent).unwrap();
    let json: serde_json::Value = from_json(&text).unwrap();
    assert_eq!(
        json,
        json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 899, "profile": "a",
            "fingerprint": "0123456789abcdef"})
    );
    let owned: TokenReply = from_json(&text).unwrap();
    assert_eq!(owned.access_token.expose(), TOKEN);
    assert!(!format!("{owned:?}").contains("canary"));
}

#[test]
fn a_token_that_could_carry_a_header_of_its_own_is_refused() {
    let text = json!({"access_token": format!("{TOKEN}\r\nX-Injected: yes"), "token_type": "Bearer",
        "expires_in": 1, "profile": "a", "fingerprint": "0123456789abcdef"});
    let refused = from_json::<TokenReply>(text.to_string().as_bytes()).unwrap_err();
    assert_eq!(refused.trouble, Trouble::Data);
}

fn request() -> serde_json::Value {
    json!({"service": "cloud", "client_id": "id", "client_secret": SECRET})
}

#[test]
fn a_secret_arrives_as_it_was_sent_and_shows_itself_nowhere() {
    let read: ProfileRequest = from_json(request().to_string().as_bytes()).unwrap();
    assert_eq!(read.client_secret.expose(), SECRET);
    assert!(!read.default && read.vault.is_none());
    assert!(!format!("{read:?}").contains("canary"));
    let again: ProfileRequest = from_json(&to_json(&read).unwrap()).unwrap();
    assert_eq!(again.client_secret.expose(), SECRET);
}

#[test]
fn a_request_with_a_field_that_we_do_not_know_is_refused_and_a_reply_is_not() {
    let mut request = request();
    request["secret_name"] = json!("x");
    assert!(from_json::<ProfileRequest>(request.to_string().as_bytes()).is_err());
    assert!(from_json::<RejectReply>(br#"{"current": true, "moon": 1}"#).is_ok());
}

#[test]
fn an_error_in_json_never_quotes_it() {
    for text in [
        json!({"service": "cloud", "client_id": "id", "client_secret": ["canary"]}),
        json!({"service": "canary", "client_id": "id", "client_secret": "x"}),
        json!({"service": "cloud", "client_id": "can ary", "client_secret": "x", "default": "canary"}),
        json!({"service": "cloud", "client_id": "id", "client_secret": "x", "canary": 1}),
    ] {
        let error = from_json::<ProfileRequest>(text.to_string().as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!((error.trouble, error.line), (Trouble::Data, 1));
    }
    assert_eq!(from_json::<RejectReply>(b"{\"current\"").unwrap_err().trouble, Trouble::Truncated);
    assert_eq!(from_json::<RejectReply>(b"<html>").unwrap_err().trouble, Trouble::Syntax);
}

#[test]
fn targets_carry_only_what_was_asked() {
    assert_eq!(TokenQuery::default().target(), "/v1/token");
    let query = TokenQuery {
        profile: Some(name("prod")),
        min_ttl: Some("5m".parse().unwrap()),
        wait: Some(Span::new(Duration::from_millis(1_500))),
    };
    assert_eq!(query.target(), "/v1/token?profile=prod&min_ttl=300&wait=1500ms");
    let wait = Some("10s".parse().unwrap());
    assert_eq!(RefreshQuery { profile: None, wait }.target(), "/v1/token/refresh?wait=10");
    assert_eq!(RejectQuery { profile: Some(name("b")) }.target(), "/v1/token/reject?profile=b");
    assert_eq!(TimelineQuery { profile: Some(name("b")) }.target(), "/v1/timeline?profile=b");
    let ready = ReadyQuery { min_ttl: wait, ..ReadyQuery::default() };
    assert_eq!(ready.target(), "/v1/ready?min_ttl=10");
    assert_eq!(
        ReadyQuery { profile: Some(name("b")), wait, ..ready }.target(),
        "/v1/ready?profile=b&min_ttl=10&wait=10"
    );
    let targets = [false, true].map(|force| LogoutQuery { force }.target(&name("b")));
    assert_eq!(targets, ["/v1/profiles/b", "/v1/profiles/b?force=true"]);
}

#[test]
fn names_on_the_wire_are_the_names_people_type() {
    for service in Service::ALL {
        assert_eq!(serde_json::to_value(service).unwrap(), service.name());
        assert_eq!(service.name().parse(), Ok(service));
    }
    for store in StoreKind::ALL {
        assert_eq!(serde_json::to_value(store).unwrap(), store.name());
        assert_eq!(store.name().parse(), Ok(store));
    }
    assert!("Cloud".parse::<Service>().is_err() && "vault".parse::<StoreKind>().is_err());
}
