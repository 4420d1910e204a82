//! What the stand-in remembers, behind one lock that is never held across an await.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::watch;

use crate::{
    clock,
    fault::{Fault, FaultQueue, Scope},
    http::Request,
    seen::{Bearer, SeenRequest},
    settings::Settings,
};

/// How many requests, tokens and jobs are remembered, each; the oldest are forgotten.
const MEMORY: usize = 10_000;

/// How often what has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections accepted, those to the control endpoint and those reset at once included.
    pub connections: usize,
    /// Requests that arrived whole, the control endpoint's excepted.
    pub requests: usize,
    /// Requests to the token endpoint in any spelling, answered or not.
    pub exchanges: usize,
    /// Tokens made.
    pub issued: usize,
    /// Jobs started.
    pub jobs: usize,
}

/// A token that was made here.
#[derive(Clone, Debug)]
pub(crate) struct IssuedToken {
    pub(crate) text: String,
    /// Seconds since 1970 on this server's clock.
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}

/// A job that was started here.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: usize,
    pub(crate) connection_id: String,
    pub(crate) job_type: String,
    /// Seconds since 1970.
    pub(crate) started_at: i64,
}

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    counts: watch::Sender<Counts>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    /// Every secret ever accepted, so that leaks of an old one show too.
    secrets: Vec<String>,
    faults: FaultQueue,
    requests: VecDeque<SeenRequest>,
    tokens: VecDeque<IssuedToken>,
    jobs: VecDeque<Job>,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut faults = FaultQueue::default();
        for fault in &settings.faults {
            faults.push(fault.clone());
        }
        let state = State {
            secrets: vec![settings.client_secret.clone()],
            settings,
            faults,
            requests: VecDeque::new(),
            tokens: VecDeque::new(),
            jobs: VecDeque::new(),
        };
        Self { state: Mutex::new(state), counts: watch::Sender::new(Counts::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.state();
        change(&mut state.settings);
        let secret = state.settings.client_secret.clone();
        if !state.secrets.contains(&secret) {
            state.secrets.push(secret);
        }
    }

    /// This server's clock, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        clock::skewed_seconds(self.state().settings.clock_skew)
    }

    pub(crate) fn counts(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }

    pub(crate) fn count_connection(&self) {
        self.counts.send_modify(|counts| counts.connections += 1);
    }

    // Faults.

    pub(crate) fn add_fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        self.state().faults.clear();
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.state().faults.waiting().to_vec()
    }

    pub(crate) fn take_fault(&self, asked: Scope) -> Option<Fault> {
        self.state().faults.take(asked)
    }

    pub(crate) fn take_reset_on_accept(&self) -> bool {
        self.state().faults.take_reset_on_accept()
    }

    // Requests.

    /// Writes a request down and returns its number.
    pub(crate) fn record(&self, request: &Request, asked: Scope) -> usize {
        let bearer = match request.bearer() {
            None => Bearer::None,
            Some(token) if self.is_live(token) => Bearer::Live,
            Some(_) => Bearer::Dead,
        };
        let mut state = self.state();
        let mut seen = SeenRequest::of(request, clock::since_epoch(), asked, bearer, &state.secrets);
        self.counts.send_modify(|counts| {
            counts.requests += 1;
            counts.exchanges += usize::from(asked == Scope::Token);
            seen.number = counts.requests;
            remember(&mut state.requests, seen.clone());
        });
        seen.number
    }

    pub(crate) fn record_answer(&self, number: usize, status: u16) {
        let mut state = self.state();
        if let Some(seen) = state.requests.iter_mut().rev().find(|seen| seen.number == number) {
            seen.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.state().requests.iter().cloned().collect()
    }

    /// Forgets the requests and starts counting anew. Tokens stay alive.
    pub(crate) fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.jobs.clear();
        self.counts.send_replace(Counts::default());
    }

    // Tokens.

    pub(crate) fn issue(&self, text: String, expires_at: i64) {
        remember(&mut self.state().tokens, IssuedToken { text, expires_at, revoked: false });
        self.counts.send_modify(|counts| counts.issued += 1);
    }

    pub(crate) fn issued_tokens(&self) -> Vec<String> {
        self.state().tokens.iter().map(|token| token.text.clone()).collect()
    }

    pub(crate) fn is_live(&self, text: &str) -> bool {
        let now = self.now();
        self.state().tokens.iter().any(|token| token.text == text && !token.revoked && now < token.expires_at)
    }

    /// Revokes the tokens that are meant, and says how many that were.
    pub(crate) fn revoke(&self, is_meant: impl Fn(&str) -> bool) -> usize {
        let mut state = self.state();
        let meant = state.tokens.iter_mut().filter(|token| !token.revoked && is_meant(&token.text));
        meant.map(|token| token.revoked = true).count()
    }

    // Jobs.

    pub(crate) fn start_job(&self, connection_id: String, job_type: String) -> Job {
        let started_at = self.now();
        let mut job = Job { id: 0, connection_id, job_type, started_at };
        let mut state = self.state();
        self.counts.send_modify(|counts| {
            counts.jobs += 1;
            job.id = counts.jobs;
            remember(&mut state.jobs, job.clone());
        });
        job
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.state().jobs.iter().cloned().collect()
    }
}

fn remember<T>(memory: &mut VecDeque<T>, new: T) {
    if memory.len() == MEMORY {
        memory.pop_front();
    }
    memory.push_back(new);
}
