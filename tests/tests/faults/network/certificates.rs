//! Certificates of servers, and what is wrong with them.

use std::{fs, time::Duration};

use airbyte_sandbox::Tls;
use airbyte_tokend_tests::Authority;
use rcgen::{CertificateParams, date_time_ymd};

use super::secure::{HOST, Secure};

const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR_2001: i64 = 978_307_200;

/// A certificate that is made with what the server has to make one is told in these words, and healed by another.
fn is_told(bad: impl FnOnce(&Authority) -> Tls, words: &str, remedy: &str) {
    let mut secure = Secure::new();
    secure.show(bad(&secure.authority));
    let message = secure.is_not_trusted();
    assert!(message.contains(words), "{message}");
    assert!(message.ends_with(remedy) || message.contains(remedy), "{message}");
    secure.show(secure.authority.good(HOST));
    secure.heals();
}

/// The moment so many seconds after 1970, for a certificate.
fn at(params: &mut CertificateParams, since_epoch: Duration) {
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch;
}

/// Fault 11: expired, long ago.
#[test]
fn a_certificate_that_expired_long_ago_is_told_with_its_date_and_the_clock_s() {
    let expired = |authority: &Authority| {
        authority.certificate(&[HOST], |params| params.not_after = date_time_ymd(2024, 2, 29))
    };
    is_told(
        expired,
        "expired on 2024-02-29T00:00:00Z; renew it",
        ", or set this machine's clock, which says 20",
    );
}

/// Fault 11: expired within the hour.
#[test]
fn a_certificate_that_has_just_expired_is_told_with_its_date_and_no_doubt_of_the_clock() {
    let mut secure = Secure::new();
    let now = secure.since_epoch();
    secure.show(secure.authority.certificate(&[HOST], |params| at(params, now - HOUR)));
    let message = secure.is_not_trusted();
    assert!(message.contains("expired on 20") && message.ends_with("Z; renew it"), "{message}");
}

/// Fault 11: not valid yet.
#[test]
fn a_certificate_of_the_future_is_told_with_its_date_and_the_clock_s() {
    let early = |authority: &Authority| {
        authority.certificate(&[HOST], |params| params.not_before = date_time_ymd(3000, 1, 1))
    };
    let remedy = "wait until then, or set this machine's clock, which says 20";
    is_told(early, "valid only from 3000-01-01T00:00:00Z", remedy);
}

/// Fault 11: the certificate is in order, and this machine's clock is not.
#[test]
fn a_wrong_clock_is_told_and_a_set_one_heals() {
    let mut secure = Secure::new();
    secure
        .show(secure.authority.certificate(&[HOST], |params| params.not_before = date_time_ymd(2020, 1, 1)));
    secure.clocks.set_wall_to(YEAR_2001);
    let message = secure.is_not_trusted();
    assert!(message.contains("valid only from 2020-01-01T00:00:00Z"), "{message}");
    assert!(message.contains("or set this machine's clock, which says 2001-01-01T00:0"), "{message}");
    secure.clocks.correct_wall();
    secure.heals();
}

/// Fault 11: from an authority that nobody here knows.
#[test]
fn a_certificate_of_an_unknown_authority_is_told() {
    let unknown = |_: &Authority| Authority::named("a stranger").good(HOST);
    is_told(
        unknown,
        "is from an unknown authority",
        "put that authority's certificate into a file and set ca_file to it",
    );
}

/// Fault 11: from somebody who calls himself as an authority does that is known here.
#[test]
fn a_certificate_of_a_namesake_is_told_apart() {
    let namesake = |_: &Authority| Authority::new().good(HOST);
    is_told(namesake, "was not signed by the authority it names", "is ca_file the right one?");
}

/// Fault 11: an authority that is new, and whose certificate takes the place of the old one's on the disk.
#[test]
fn a_file_of_authorities_that_is_replaced_needs_no_reload() {
    let mut secure = Secure::new();
    let new = Authority::named("the company's next authority");
    secure.show(new.good(HOST));
    assert!(secure.is_not_trusted().contains("is from an unknown authority"));
    fs::write(secure.ca_file(), new.pem()).expect("it is ours");
    secure.heals();
}

/// Fault 11: the same, in another file, which only a person can say.
#[test]
fn a_person_who_names_another_file_of_authorities_is_heard_at_once() {
    let mut secure = Secure::new();
    let new = Authority::named("the company's next authority");
    secure.show(new.good(HOST));
    assert!(secure.is_not_trusted().contains("set ca_file to it"));
    let file = secure.home.path().join("next.pem");
    secure.home.write(&file, new.pem().as_bytes());
    secure.clocks.suspend(Duration::from_secs(1));
    let reply = secure.log_in(&file);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(secure.status()["state"], "fresh");
}

/// Fault 11: it was renewed, and whoever did so does not wait.
#[test]
fn a_person_who_renewed_the_certificate_is_heard_at_once() {
    let mut secure = Secure::new();
    secure.show(Authority::named("a stranger").good(HOST));
    secure.is_not_trusted();
    secure.show(secure.authority.good(HOST));
    secure.clocks.suspend(Duration::from_secs(1));
    secure.cli().succeed(&["refresh"]);
    assert_eq!(secure.status()["state"], "fresh");
}

/// Fault 11: nobody renews it for as long as the token lives, and longer.
#[test]
fn a_certificate_that_stays_bad_is_looked_at_once_a_minute() {
    let mut secure = Secure::new();
    secure.show(Authority::named("a stranger").good(HOST));
    let message = secure.is_not_trusted();
    let connections = secure.connections();
    for minute in 1..=15 {
        secure.pass(super::secure::LANE);
        secure.wait_for_connections(connections + minute);
    }
    secure.await_state("expired");
    assert_eq!(secure.connections(), connections + 15, "and no more often");
    let said = secure.cli().fail(&["print", "--wait", "0"], 75);
    assert!(said.contains(&message), "{said}");
    secure.show(secure.authority.good(HOST));
    secure.pass(Duration::from_secs(100));
    secure.await_state("fresh");
}

/// Fault 11b: what `openssl req -x509` makes, used both as the server's certificate and as `ca_file`.
#[test]
fn an_authority_s_certificate_that_a_server_uses_as_its_own_is_told() {
    let mut secure = Secure::new();
    let own = Authority::self_signed(HOST);
    fs::write(secure.ca_file(), &own.certificate_pem).expect("it is ours");
    secure.show(own);
    let message = secure.is_not_trusted();
    assert!(message.contains("uses an authority's certificate as its own"), "{message}");
    assert!(
        message.ends_with("issue one for the server signed by it, and set ca_file to the authority's"),
        "{message}"
    );

    let authority = Authority::named("the server's own authority");
    fs::write(secure.ca_file(), authority.pem()).expect("it is ours");
    secure.show(authority.good(HOST));
    secure.heals();
}

/// Fault 11b: a name only where nobody looks for it any more, in the subject.
#[test]
fn a_certificate_without_a_subject_alternative_name_is_told() {
    let nameless = |authority: &Authority| authority.certificate(&[], |_| {});
    is_told(nameless, "names no host at all (no subjectAltName)", "issue one that does");
}

/// Fault 11b: for another host.
#[test]
fn a_certificate_for_another_host_is_told() {
    let other = |authority: &Authority| authority.good("airbyte.example.com");
    is_told(other, "but for another host", "check the url or issue one for this host");
}
