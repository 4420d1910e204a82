//! The control: the daemon as it would be without its gate.

use std::sync::{Arc, Mutex, PoisonError};

use airbyte_tokend_tests::{Answer, Asked, Call, Http};

/// What a server without the gate says of pages of other origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// Nothing, as most do.
    Silent,
    /// That all of them may read what it answers and send what they like.
    Inviting,
}

/// Passes on to the daemon all that it is asked, without whatever the gate would look at, and keeps what came of it.
#[derive(Clone, Debug)]
pub(super) struct Ungated {
    daemon: Http,
    manners: Manners,
    served: Arc<Mutex<Vec<(Asked, u16)>>>,
}

impl Ungated {
    /// Before this daemon.
    pub(super) fn before(daemon: Http, manners: Manners) -> Self {
        Self { daemon, manners, served: Arc::default() }
    }

    /// Whether a request like this came, however it ended.
    pub(super) fn has_heard(&self, like: impl Fn(&Asked) -> bool) -> bool {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(asked, _)| like(asked))
    }

    /// Whether a request like this was served.
    pub(super) fn has_served(&self, like: impl Fn(&Asked) -> bool) -> bool {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.iter().any(|(asked, status)| *status < 400 && like(asked))
    }

    /// What came, for complaints.
    pub(super) fn served(&self) -> Vec<String> {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(asked, status): &(Asked, u16)| {
            let header = |name| asked.header(name).unwrap_or("-").to_owned();
            format!(
                "{status} {} {} host {} origin {} dest {} mode {}",
                asked.method,
                asked.target,
                header("host"),
                header("origin"),
                header("sec-fetch-dest"),
                header("sec-fetch-mode")
            )
        };
        served.iter().map(line).collect()
    }

    /// What it answers.
    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        let (status, answer) = match (asked.method.as_str(), self.manners) {
            ("OPTIONS", Manners::Inviting) => (204, Answer::of(204)),
            (_, Manners::Inviting | Manners::Silent) => self.pass_on(asked),
        };
        self.served.lock().unwrap_or_else(PoisonError::into_inner).push((asked.clone(), status));
        match self.manners {
            Manners::Silent => answer,
            Manners::Inviting => invite(asked, answer),
        }
    }

    fn pass_on(&self, asked: &Asked) -> (u16, Answer) {
        // An answer to HEAD has no body, and its length says otherwise.
        let method = if asked.method == "HEAD" { "GET" } else { &asked.method };
        let mut call = Call::new(method, &asked.target).body(asked.body.clone());
        if let Some(accept) = asked.header("accept") {
            call = call.header("accept", accept);
        }
        let reply = self.daemon.send(&call);
        let kind = reply.header("content-type").unwrap_or("text/plain").to_owned();
        // A frame tells nobody that it was answered with 204.
        let status = if reply.status == 204 { 200 } else { reply.status };
        (status, Answer::of(status).header("content-type", &kind).body(reply.body))
    }
}

fn invite(asked: &Asked, answer: Answer) -> Answer {
    answer
        .header("access-control-allow-origin", asked.header("origin").unwrap_or("*"))
        .header("access-control-allow-credentials", "true")
        .header("access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE")
        .header("access-control-allow-headers", asked.header("access-control-request-headers").unwrap_or("*"))
}
