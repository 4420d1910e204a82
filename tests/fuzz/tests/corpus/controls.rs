//! Each check can fail: something that breaks a promise on purpose is caught by a seed.

use std::{collections::BTreeSet, time::Duration};

use airbyte_token_core::{AccessToken, Detail, Failure, Fingerprint, Issued, Secret};
use airbyte_token_local::client::Client;
use airbyte_tokend::{
    config::Config,
    issuer::{Endpoint, Reply, judge},
};
use airbyte_tokend_checks::{
    Broken,
    config::{self, edits, edits::Edit},
    jwt, request, rogue_server, token_reply, waits,
};

use super::seeds;

/// The first words of what the verdict says of any seed, where it says that a promise is broken.
fn caught(target: &str, verdict: impl Fn(&[u8]) -> Result<(), Broken>) -> BTreeSet<String> {
    let broken = seeds(target).into_iter().filter_map(|(_, bytes)| verdict(&bytes).err());
    broken.map(|broken| broken.to_string().chars().take(80).collect()).collect()
}

#[track_caller]
fn assert_caught(caught: &BTreeSet<String>, words: &str) {
    assert!(caught.iter().any(|broken| broken.contains(words)), "no {words:?} in {caught:?}");
}

fn told(words: &str) -> Failure {
    Failure::Transient { retry_after: None, detail: Detail::new(words) }
}

#[test]
fn a_judge_that_believes_any_text_is_caught() {
    let gullible = |reply: &Reply, _: &Endpoint, _: &Secret| {
        let text = format!("{:0<20}", reply.body.len());
        Ok(Issued {
            access_token: AccessToken::parse(Secret::new(text)).unwrap(),
            fingerprint: Fingerprint::from_sha256([0; 32]),
            lifetime: Duration::from_secs(900),
        })
    };
    let caught = caught("token_reply", |bytes| token_reply::verdict(bytes, gullible));
    for words in
        ["with status", "web page", "compressed", "no JSON object", "says a thing twice", "another token"]
    {
        assert_caught(&caught, words);
    }
}

#[test]
fn a_judge_that_lets_tokens_live_too_long_is_caught() {
    let lenient = |reply: &Reply, endpoint: &Endpoint, secret: &Secret| {
        judge(reply, endpoint, secret).map(|issued| Issued { lifetime: issued.lifetime * 100, ..issued })
    };
    let caught = caught("token_reply", |bytes| token_reply::verdict(bytes, lenient));
    assert_caught(&caught, "a life of");
    assert_caught(&caught, "where expires_in is");
}

#[test]
fn a_judge_that_quotes_what_it_reads_is_caught() {
    let talkative = |reply: &Reply, _: &Endpoint, _: &Secret| {
        Err(told(&format!("the server said {}", String::from_utf8_lossy(&reply.body))))
    };
    let caught = caught("token_reply", |bytes| token_reply::verdict(bytes, talkative));
    for words in ["the secret is told", "characters are quoted", "of a 200 this was told"] {
        assert_caught(&caught, words);
    }
}

#[test]
fn a_judge_that_refuses_everything_is_caught() {
    let surly = |_: &Reply, _: &Endpoint, _: &Secret| Err(told("no"));
    assert_caught(
        &caught("token_reply", |bytes| token_reply::verdict(bytes, surly)),
        "an honest reply is refused",
    );
}

#[test]
fn a_judge_that_believes_a_token_more_than_its_issuer_is_caught() {
    let gives = |to_a_jwt: u64, to_others: u64| {
        let is_jwt = |reply: &Reply| reply.body.windows(4).any(|part| part == b"In0.");
        let life = move |reply: &Reply| if is_jwt(reply) { to_a_jwt } else { to_others };
        caught("jwt", |bytes| jwt::verdict(bytes, |reply| Ok(Duration::from_secs(life(reply)))))
    };
    assert_caught(&gives(86_400, 60), "s with claims");
    assert_caught(&gives(86_400, 86_400), "where expires_in is");
    assert_caught(&gives(900, 900), "s at most");
    assert_caught(&gives(900, 900), "and dead for");
    assert_caught(&gives(901, 901), "of a token for");
    assert_caught(&gives(60, 61), "for no reason");
    assert_caught(&gives(86_401, 900), "a life of");
}

#[test]
fn a_judge_that_waits_as_long_as_it_is_told_is_caught() {
    let obedient = |reply: &Reply| {
        let text = reply.headers.get("retry-after").and_then(|value| value.to_str().ok());
        let wait = text.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Some(Failure::Transient { retry_after: wait, detail: Detail::new("no") })
    };
    let caught = caught("waits", |bytes| waits::verdict(bytes, obedient));
    assert_caught(&caught, "a wait of");
    assert_caught(&caught, "lies None");
}

#[test]
fn a_reader_that_overlooks_what_it_does_not_know_is_caught() {
    let harmless = Config::parse("", "config.toml".as_ref()).unwrap();
    let caught = caught("config", |bytes| config::verdict(bytes, |_| Ok(harmless.clone())));
    for words in ["no TOML is accepted", "a key at", "a table at", "an unknown key is accepted"] {
        assert_caught(&caught, words);
    }
}

/// The file of the corpus that has one of everything.
fn everything() -> String {
    let (_, bytes) = seeds("config").into_iter().find(|(name, _)| name == "everything").unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_edit_that_loses_something_is_caught() {
    let (old, cloud) = (everything(), || "cloud".parse().unwrap());
    let lost = |edit: Edit, new: &str| {
        let broken = edits::verdict(&old, &edit, new).unwrap_err().to_string();
        assert!(broken.contains("changes the rest"), "{edit:?}: {broken}");
    };
    assert_eq!(edits::verdict(&old, &Edit::Rewrite(cloud()), &old), Ok(()), "nothing is lost");
    assert_eq!(edits::verdict(&old, &Edit::Choose(cloud()), &old), Ok(()), "it was chosen already");
    let without_comment = old.replace("# the one in the cellar\n", "");
    assert_ne!(old, without_comment);
    lost(Edit::Rewrite(cloud()), &without_comment);
    lost(Edit::Choose(cloud()), &without_comment);
}

#[test]
fn an_edit_that_does_something_else_is_caught() {
    let (old, cloud) = (everything(), || "cloud".parse().unwrap());
    for edit in [Edit::Remove(cloud()), Edit::Choose("own".parse().unwrap()), Edit::Add] {
        let broken = edits::verdict(&old, &edit, &old).unwrap_err().to_string();
        assert!(broken.contains("means something else"), "{edit:?}: {broken}");
    }
    let broken = |new: &str| edits::verdict(&old, &Edit::Rewrite(cloud()), new).unwrap_err().to_string();
    assert!(broken("oops = 1\n").contains("no longer accepted"));
    let crlf = old.replace('\n', "\r\n");
    let broken = edits::verdict(&crlf, &Edit::Rewrite(cloud()), &old).unwrap_err().to_string();
    assert!(broken.contains("lines end otherwise"), "{broken}");
}

/// A daemon that says this to anything.
fn always(answer: &str) -> BTreeSet<String> {
    caught("request", |bytes| request::verdict(bytes, answer.as_bytes()))
}

const TOKEN: &str = "kZ3.a-token-that-nobody-issued.Wq8";
const PLAIN: &str = "cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
    content-security-policy: default-src 'none'\r\ncontent-type: text/plain";

#[test]
fn a_daemon_that_gives_everybody_its_token_is_caught() {
    let caught =
        always(&format!("HTTP/1.1 200 OK\r\n{PLAIN}\r\ncontent-length: {}\r\n\r\n{TOKEN}", TOKEN.len()));
    for words in [
        "granted to the host [",
        "granted to the authority",
        "granted with the header origin",
        "granted with the header x-forwarded-for",
        "granted with the header sec-fetch-site",
        "granted: POST",
        "cannot make out",
        "where none was asked for",
    ] {
        assert_caught(&caught, words);
    }
    let honest = b"GET /v1/token HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = format!("HTTP/1.1 200 OK\r\n{PLAIN}\r\ncontent-length: {}\r\n\r\n{TOKEN}", TOKEN.len());
    assert_eq!(request::verdict(honest, answer.as_bytes()), Ok(()), "who may have it may have it");
}

#[test]
fn a_daemon_that_blabs_in_its_refusals_is_caught() {
    let refusal = |message: &str| {
        let body = format!(r#"{{"code":"bad_request","message":"{message}"}}"#);
        always(&format!(
            "HTTP/1.1 400 Bad Request\r\n{PLAIN}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    assert_caught(&refusal(TOKEN), "a token where none was asked for");
    assert_caught(&refusal("Qx7!only-fuzzers-know-this!Jv2"), "the secret is in the answer");
    assert_caught(&refusal("\\u001b[31m"), "not printable");
    assert_caught(&refusal(&"x".repeat(201)), "201 characters");
    assert!(!refusal("no").iter().any(|broken| broken.contains("no\"")), "a plain one is fine");
}

#[test]
fn a_daemon_that_lets_others_keep_or_read_its_answers_is_caught() {
    let kept = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";
    assert_caught(&always(kept), "may be kept");
    let open = "HTTP/1.1 403 Forbidden\r\naccess-control-allow-origin: *\r\ncontent-length: 0\r\n\r\n";
    assert_caught(&always(open), "other origins are let in");
    assert_caught(&always("ICY 200 OK\r\n\r\n"), "no reply");
}

#[test]
fn a_client_that_believes_anything_is_caught() {
    let caught = caught("rogue_server", |bytes| {
        rogue_server::verdict(bytes, |_| Ok(AccessToken::parse(Secret::new("x".repeat(20))).unwrap()))
    });
    assert_caught(&caught, "no whole token");
}

#[test]
fn a_client_that_makes_room_without_end_is_caught() {
    let caught = caught("rogue_server", |bytes| {
        rogue_server::verdict(bytes, |server| {
            let mut room = vec![0; 2 * 1024 * 1024];
            drop(std::io::Read::read(server, &mut room));
            Client::over(server).bare_token(&Default::default())
        })
    });
    assert_caught(&caught, "room for");
}
