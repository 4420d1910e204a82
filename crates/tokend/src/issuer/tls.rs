//! What is wrong with a server's certificate, or with its TLS altogether, and what to do about it.
//!
//! The remedy is never to look away: there is no switch for that.

use airbyte_token_core::{Detail, Failure};
use jiff::Timestamp;
use rustls::{AlertDescription, CertificateError, Error, OtherError, pki_types::UnixTime};

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// Why the handshake with `server` failed. What only somebody can mend there is told apart from what may pass.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is rustls's and may grow")]
pub(super) fn failure(error: &Error, server: &str) -> Failure {
    let text = match error {
        Error::InvalidCertificate(fault) => certificate(fault, server),
        Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
        | Error::PeerIncompatible(_) => {
            format!("{server} offers nothing that TLS 1.2 or 1.3 would accept; update it")
        }
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => {
            format!("{server} does not speak TLS; is it a plain http port?")
        }
        _ => {
            let detail = Detail::new(&format!("the TLS handshake with {server} failed"));
            return Failure::Transient { retry_after: None, detail };
        }
    };
    Failure::Untrusted { detail: Detail::new(&text) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is rustls's and may grow")]
fn certificate(fault: &CertificateError, server: &str) -> String {
    use CertificateError as Fault;
    match fault {
        Fault::ExpiredContext { time, not_after } => format!(
            "the certificate of {server} expired on {}; renew it{}",
            date(*not_after),
            clock_doubt(*not_after, *time)
        ),
        Fault::Expired => format!("the certificate of {server} has expired; renew it"),
        Fault::NotValidYetContext { time, not_before } => format!(
            "the certificate of {server} is valid only from {}; wait until then{}",
            date(*not_before),
            clock_doubt(*not_before, *time)
        ),
        Fault::NotValidYet => {
            format!("the certificate of {server} is not valid yet; is this machine's clock right?")
        }
        Fault::UnknownIssuer => format!(
            "the certificate of {server} is from an unknown authority; put that authority's certificate into a file \
             and set ca_file to it"
        ),
        Fault::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the certificate of {server} names no host at all (no subjectAltName); issue one that does"
        ),
        Fault::NotValidForNameContext { .. } | Fault::NotValidForName => {
            format!(
                "the certificate is not for {server} but for another host; check the url or issue one for this host"
            )
        }
        Fault::Revoked => format!("the certificate of {server} has been revoked; renew it"),
        Fault::BadSignature => format!(
            "the certificate of {server} was not signed by the authority it names; is ca_file the right one?"
        ),
        Fault::Other(other) if is_authority_as_server(other) => format!(
            "{server} uses an authority's certificate as its own; issue one for the server signed by it, and set \
             ca_file to the authority's"
        ),
        _ => format!("the certificate of {server} is not acceptable; issue a new one"),
    }
}

/// What `openssl req -x509` makes: a certificate that says of itself that it is an authority.
fn is_authority_as_server(OtherError(cause): &OtherError) -> bool {
    matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// A certificate that is out by more than a day is often in order, and this machine's clock is not.
fn clock_doubt(limit: UnixTime, now: UnixTime) -> String {
    if limit.as_secs().abs_diff(now.as_secs()) <= DAY {
        return String::new();
    }
    format!(", or set this machine's clock, which says {}", date(now))
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let timestamp = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| "an impossible date".to_owned(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: u64 = 1_750_000_000;

    fn expired(seconds_ago: u64) -> String {
        let not_after = UnixTime::since_unix_epoch(Duration::from_secs(NOON - seconds_ago));
        let time = UnixTime::since_unix_epoch(Duration::from_secs(NOON));
        certificate(&CertificateError::ExpiredContext { time, not_after }, "https://a.example:443")
    }

    #[test]
    fn the_clock_is_doubted_only_where_it_is_more_than_a_day_off() {
        let renew = "the certificate of https://a.example:443 expired on 2025-06-14T15:06:40Z; renew it";
        assert_eq!(expired(DAY), renew);
        let beyond = expired(DAY + 1);
        assert!(beyond.ends_with("; renew it, or set this machine's clock, which says 2025-06-15T15:06:40Z"));
    }
}
