//! Redirects are not followed: not with the secret, not without.

use airbyte_sandbox::Fault;
use airbyte_token_core::{Failure, Misdirection};

use crate::support::{CLIENT_ID, Parrot, SECRET, SUCCESS, airbyte, default_client, failure, issuer};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

#[tokio::test]
async fn a_redirect_sends_nothing_on() {
    let (sandbox, collector) = (airbyte(), Parrot::start(SUCCESS).await);
    for status in STATUSES {
        sandbox.add_fault(Fault::redirect(status, format!("{}/steal?canary=1", collector.url())));
        let failure = failure(&issuer(&sandbox.url())).await;
        let Failure::Misdirected { by: Misdirection::Interception, detail } = &failure else {
            panic!("{failure:?}")
        };
        let named = format!("redirects to {} ({status})", collector.url());
        assert!(detail.as_str().contains(&named) && !detail.as_str().contains("steal"), "{detail}");
    }
    assert_eq!(collector.seen().await, [""; 0]);
    assert_eq!(sandbox.exchanges(), STATUSES.len());
}

/// Shows that the collector would have got the secret from a client that follows, and so that the test above can fail.
#[tokio::test]
async fn a_client_that_follows_redirects_would_leak() {
    let (sandbox, collector) = (airbyte(), Parrot::start(SUCCESS).await);
    let follower = default_client();
    let url = format!("{}/v1/applications/token", sandbox.url());
    for status in STATUSES {
        sandbox.add_fault(Fault::redirect(status, format!("{}/steal", collector.url())));
        let body = format!(r#"{{"client_id":"{CLIENT_ID}","client_secret":"{SECRET}"}}"#);
        follower.post(&url).body(body).send().await.unwrap();
    }
    let seen = collector.seen().await;
    assert_eq!(seen.len(), STATUSES.len());
    assert_eq!(
        seen.iter().filter(|request| request.contains(SECRET)).count(),
        2,
        "307 and 308 carry the body on"
    );
}
