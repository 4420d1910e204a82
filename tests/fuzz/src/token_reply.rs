//! The reply to an exchange: from whatever answers at the profile's URL to a token, or to the reason why there is none.
//!
//! The bytes are written like a reply: a line with the status and, if it is not the self-managed one, the service; the
//! headers; an empty line; the body.

mod second_reader;

use airbyte_token_core::{Failure, Issued, Secret};
use airbyte_tokend::issuer::{Endpoint, Reply, Service, judge};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::{collections::BTreeSet, time::Duration};
use zeroize::Zeroizing;

use self::second_reader::Said;
use crate::{
    broken::{Broken, ensure, insist},
    printable,
    watched::{SECRET, shows},
};

/// The most that is read of a reply: the receiver has refused more before anything is judged.
const MOST_HEADERS: usize = 16 * 1024;
const MOST_BODY: usize = 64 * 1024;
/// A piece of what upstream said has at most 80 characters, and the marks around it and behind it.
const LONGEST_QUOTATION: usize = 80 + "...".len();

/// What a judge makes of a reply.
pub type Judgement = Result<Issued, Failure>;

/// Judges the reply that the bytes stand for, and looks at the judgement.
///
/// # Panics
/// When a promise is broken.
pub fn check(bytes: &[u8]) {
    insist(&verdict(bytes, judge));
}

/// What is to be said of a judge that judges this reply.
///
/// # Errors
/// Which promise it breaks:
/// - no panic; the same reply means the same again;
/// - a token is a bearer token of 20 to 8,192 characters, and what `access_token` said, once;
/// - its life is at least a millisecond and at most a day, and never beyond an `expires_in` of a minute or more;
/// - nothing but 200 and a whole, plain JSON object brings a token, and an honest one does;
/// - a wait is 1 s to 900 s;
/// - what is told is one printable line of at most 200 characters, without eight bytes of the secret in a row; of a
///   refusal it quotes at most 80 characters at a time, of a 200 nothing but the name of its media type.
pub fn verdict(bytes: &[u8], judge: impl Fn(&Reply, &Endpoint, &Secret) -> Judgement) -> Result<(), Broken> {
    let Some((reply, service)) = read(bytes) else { return Ok(()) };
    let endpoint = endpoint(service);
    let judge = |reply: &Reply| judge(reply, &endpoint, &Secret::new(SECRET.to_owned()));
    let judgement = judge(&reply);
    let again = judge(&reply);
    ensure!(same(&judgement, &again), "the same reply means {judgement:?} and then {again:?}");
    match &judgement {
        Ok(issued) => a_token_is_what_it_should_be(&reply, issued),
        Err(failure) => {
            a_failure_is_fit_to_be_told(failure)?;
            if reply.status == 200 {
                nothing_of_the_body_is_told(&reply, failure, judge)?;
            }
            no_honest_reply_is_refused(&reply, failure)
        }
    }
}

/// The reply that the bytes stand for; none where there is no status.
fn read(bytes: &[u8]) -> Option<(Reply, Service)> {
    let (line, mut rest) = line(bytes)?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let status = words.next()?.parse().ok().filter(|status| (100..=999).contains(status))?;
    let service = words.next().and_then(|word| word.parse().ok()).unwrap_or(Service::SelfManaged);
    let (mut headers, mut room) = (HeaderMap::new(), MOST_HEADERS);
    while let Some((line, after)) = self::line(rest) {
        rest = after;
        if line.is_empty() {
            break;
        }
        room = room.checked_sub(line.len() + 2)?;
        if let Some((name, value)) = header(line) {
            headers.append(name, value);
        }
    }
    let body = Zeroizing::new(rest.get(..MOST_BODY).unwrap_or(rest).to_vec());
    Some((Reply { status, headers, body }, service))
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    Some((line, &bytes[end + 1..]))
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let value = line[colon + 1..].trim_ascii();
    Some((HeaderName::from_bytes(&line[..colon]).ok()?, HeaderValue::from_bytes(value).ok()?))
}

fn endpoint(service: Service) -> Endpoint {
    let own = (service == Service::SelfManaged).then_some("http://localhost:8000");
    Endpoint::new(service, own).expect("each service has an endpoint at its known address")
}

fn same(one: &Judgement, other: &Judgement) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            one.access_token.expose() == other.access_token.expose() && one.lifetime == other.lifetime
        }
        (Err(one), Err(other)) => one == other,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    }
}

fn a_token_is_what_it_should_be(reply: &Reply, issued: &Issued) -> Result<(), Broken> {
    let token = issued.access_token.expose();
    ensure!(is_bearer_token(token), "no bearer token was let in");
    ensure!(reply.status == 200, "a token came with status {}", reply.status);
    ensure!(!is_web_page(&reply.headers), "a token came out of a web page");
    ensure!(!is_encoded(&reply.headers), "a token came out of a compressed body");
    let said = Said::read(&reply.body);
    let said = said.ok_or_else(|| Broken("a token came out of what is no JSON object".to_owned()))?;
    ensure!(said.is_unambiguous(), "a token came out of an object that says a thing twice");
    ensure!(said.access_token().as_deref() == Some(token), "another token than the reply's");
    ensure!(said.is_bearer(), "a token of another type");
    let life = issued.lifetime;
    let may_live = Duration::from_millis(1)..=Duration::from_secs(86_400);
    ensure!(may_live.contains(&life), "a life of {life:?}");
    if let Some(expires_in) = said.expires_in().filter(|seconds| *seconds >= 60.0) {
        ensure!(life.as_secs_f64() <= expires_in, "{life:?} where expires_in is {expires_in} s");
    }
    Ok(())
}

/// RFC 6750 §2.1, and the length of a real one.
fn is_bearer_token(text: &str) -> bool {
    let inner = text.trim_end_matches('=');
    let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    (20..=8_192).contains(&text.len()) && !inner.is_empty() && inner.bytes().all(is_b64token)
}

fn is_web_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().to_ascii_lowercase().contains("html")
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn a_failure_is_fit_to_be_told(failure: &Failure) -> Result<(), Broken> {
    let told = failure.detail().as_str();
    printable::line(told)?;
    ensure!(!shows(told.as_bytes(), SECRET), "the secret is told: {told}");
    let longest = told.split('"').skip(1).step_by(2).map(str::len).max().unwrap_or(0);
    ensure!(longest <= LONGEST_QUOTATION, "{longest} characters are quoted: {told}");
    let again = airbyte_token_core::Detail::new(told);
    ensure!(again.as_str() == told, "cleaned again, {told:?} is {again:?}");
    let wait = match failure {
        Failure::Transient { retry_after, .. } | Failure::Throttled { retry_after, .. } => *retry_after,
        Failure::Suspect { .. } | Failure::Rejected { .. } | Failure::Misdirected { .. } => None,
        Failure::Unreached { .. } | Failure::Untrusted { .. } | Failure::Vault { .. } => {
            return Err(Broken(format!("no reply means this: {failure:?}")));
        }
    };
    let wait = wait.unwrap_or(Duration::from_secs(1));
    ensure!((1..=900).contains(&wait.as_secs()) && wait.subsec_nanos() == 0, "a wait of {wait:?}");
    Ok(())
}

/// What is told of a 200 is, but for numbers, one of the few things that are told of any 200 with the same headers.
fn nothing_of_the_body_is_told(
    reply: &Reply,
    failure: &Failure,
    judge: impl Fn(&Reply) -> Judgement,
) -> Result<(), Broken> {
    let told = without_numbers(failure);
    let known: BTreeSet<String> = second_reader::EXAMPLES
        .iter()
        .map(|example| Zeroizing::new(example.as_bytes().to_vec()))
        .filter_map(|body| judge(&Reply { status: 200, headers: reply.headers.clone(), body }).err())
        .map(|failure| without_numbers(&failure))
        .collect();
    ensure!(known.contains(&told), "of a 200 this was told: {told}");
    Ok(())
}

fn without_numbers(failure: &Failure) -> String {
    let mut text = failure.detail().as_str().replace(|c: char| c.is_ascii_digit(), "#");
    while text.contains("##") {
        text = text.replace("##", "#");
    }
    text
}

/// A token that works is not withheld for a reason that nobody has.
fn no_honest_reply_is_refused(reply: &Reply, failure: &Failure) -> Result<(), Broken> {
    let is_text = std::str::from_utf8(&reply.body).is_ok();
    let is_plain =
        reply.status == 200 && is_text && !is_web_page(&reply.headers) && !is_encoded(&reply.headers);
    let Some(said) = Said::read(&reply.body).filter(|said| is_plain && said.is_unambiguous()) else {
        return Ok(());
    };
    let is_opaque = |token: &String| is_bearer_token(token) && !token.contains('.');
    let is_honest = said.access_token().is_some_and(|token| is_opaque(&token))
        && said.is_bearer()
        && said.expires_in().is_some_and(|seconds| seconds >= 1.0);
    ensure!(!is_honest, "an honest reply is refused: {failure:?}");
    Ok(())
}
