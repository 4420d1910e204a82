//! Asking the daemon for the secret: at every route, with every method, in every way to be wrong.

use std::collections::BTreeSet;

use airbyte_tokend_tests::{Airbyte, Call, Canary, Home, Http, Keyring, Traced};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{VAULTS, airbytes, holding};

/// What there is to ask for.
const DOCUMENT: &str = include_str!("../../../../crates/tokend/openapi.json");
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "EXPOSE", "DELETE"];

/// Every path of the API with this profile in it, and those at which a secret might be looked for.
fn paths(profile: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("it is JSON");
    let known = document["paths"].as_object().expect("it has paths").keys();
    let guessed = [
        "/v1/secret",
        "/v1/secrets",
        "/v1/profiles/{name}/secret",
        "/v1/profiles/{name}/client_secret",
        "/v1/profiles/..%2f..%2fstate%2fairbyte-tokend%2fsecrets",
        "/v1/vault",
        "/v1/config",
        "/debug",
        "/debug/pprof/heap",
        "/../../../../proc/self/environ",
    ];
    let all = known.map(String::as_str).chain(guessed);
    all.map(|path| path.replace("{name}", profile)).collect()
}

/// What else a request may say: queries, and bodies of every kind that there is.
fn variants(method: &str, profile: &str) -> Vec<(String, Option<Value>)> {
    let queries =
        [String::new(), format!("?profile={profile}&wait=0s"), format!("?profile={profile}&secret=1")];
    let bodies = match method {
        "POST" | "PUT" | "PATCH" => vec![
            json!({}),
            json!({ "fingerprint": "0123456789abcdef" }),
            json!({ "name": profile, "profile": profile, "mode": "token" }),
            json!({ "client_id": "x", "client_secret": "", "url": "http://localhost:1" }),
            json!({ "default_profile": profile, "name": profile, "profile": profile, "show": "secret" }),
        ],
        _ => Vec::new(),
    };
    let by_name = queries[1].clone();
    let bare = queries.into_iter().map(|query| (query, None));
    bare.chain(bodies.into_iter().map(|body| (by_name.clone(), Some(body)))).collect()
}

/// Asks this in every variant. Gives back how often there was an answer at all.
fn ask(http: &Http, method: &str, path: &str, profile: &str, secrets: &[&Canary]) -> usize {
    let mut answered = 0;
    for (query, body) in variants(method, profile) {
        let call = Call::new(method, &format!("{path}{query}"));
        let call = body.map_or(call.clone(), |body| call.json(&body));
        let answer = http.raw(&call.bytes());
        answered += usize::from(answer.starts_with(b"HTTP/1.1 "));
        for secret in secrets {
            assert_eq!(secret.found_in(&answer), None, "the answer to {method} {path}{query}");
        }
    }
    answered
}

/// Errors that Airbyte has a part in: a secret that it refuses, and what repeats it.
fn provoke(http: &Http, vault: &str, airbyte: &Airbyte) {
    airbyte.set_secret("another-secret-by-now");
    assert_eq!(http.post(&format!("/v1/token/refresh?profile={vault}&wait=5s")).code(), "rejected");
    assert_eq!(http.get(&format!("/v1/token?profile={vault}&min_ttl=23h")).code(), "min_ttl_unmet");
}

/// T5: everything that there is to ask for, with a secret in each vault. The control is the request to Airbyte: the same
/// search finds the secret there, and it is on no other descriptor.
#[test]
fn whatever_the_daemon_is_asked_the_secret_goes_to_airbyte_and_nowhere_else() {
    let (home, airbytes) = (Home::new().with_file_vault(), airbytes());
    let keyring = Keyring::start(&home);
    let bus = ("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    let traced = Traced::start(&home, Traced::WRITES, &[bus]);
    let http = traced.http();
    for (vault, airbyte) in &airbytes {
        let reply = http.put(&format!("/v1/profiles/{vault}"), &airbyte.profile(vault));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let secrets: Vec<_> = airbytes.iter().map(|(_, airbyte)| airbyte.secret()).collect();
    let mut methods = BTreeSet::new();
    airbytes.iter().for_each(|(vault, airbyte)| provoke(&http, vault, airbyte));
    for (vault, _) in &airbytes {
        for method in METHODS {
            for path in paths(vault) {
                assert!(ask(&http, method, &path, vault, &secrets) > 0, "{method} {path} was answered");
                if path.ends_with("/lock") {
                    // What comes after it is asked of a daemon that has something to give away.
                    drop(http.post("/v1/unlock"));
                }
                methods.insert(method);
            }
        }
    }
    let pid = i32::try_from(traced.pid()).ok().and_then(Pid::from_raw).expect("it is not zero");
    kill_process(pid, Signal::HUP).expect("it is ours");
    let (ended, trace) = traced.stop();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!((methods.len(), airbytes.len()), (METHODS.len(), VAULTS.len()));

    for (vault, airbyte) in &airbytes {
        let lines = holding(&trace, airbyte.secret());
        let to_airbyte = format!("->{}]>", airbyte.address());
        let elsewhere: Vec<_> = lines.iter().filter(|line| !line.contains(&to_airbyte)).collect();
        assert!(elsewhere.is_empty(), "{vault}: {elsewhere:?}");
        assert_eq!(lines.len(), airbyte.exchanges(), "{vault}: one write for each exchange");
        airbyte.secret().assert_absent("the log", ended.stderr.as_bytes());
    }
}
