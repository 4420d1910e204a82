//! A door that is open: where callers arrive, and what is to be had there by whom, as of now.

use std::{io, sync::Arc};

use airbyte_token_local::ErrorCode;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
};

use crate::{
    config::LoopbackAddress,
    door::{Kind, People, Rank, Scope},
    service::{
        Refusal,
        caller::{Caller, Peer, Who},
        turn_away::another_user,
    },
};

/// A door that callers can be let in by.
#[derive(Debug)]
pub struct Door {
    rank: Rank,
    listener: Listener,
    terms: Terms,
}

/// Where callers arrive.
#[derive(Debug)]
pub enum Listener {
    /// At a Unix socket.
    Socket(UnixListener),
    /// At a port of this machine.
    Loopback(TcpListener, LoopbackAddress),
}

/// What is to be had at a door, and by whom.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is to be had.
    pub scope: Arc<Scope>,
    /// Who may come in, where the kernel says who comes.
    pub people: People,
}

/// Whoever holds this says what the door is for. Without it the door is closed: nobody comes in any more, and those who
/// are in get nothing more.
#[derive(Debug)]
pub struct Key(watch::Sender<Rule>);

impl Door {
    /// A door that is named so in the log, and its key.
    #[must_use]
    pub fn new(name: &str, rank: Rank, listener: Listener, rule: Rule) -> (Self, Key) {
        let kind = listener.kind();
        let (key, rules) = watch::channel(rule);
        let terms = Terms { name: name.into(), kind, rules };
        (Self { rank, listener, terms }, Key(key))
    }

    pub(super) fn name(&self) -> &str {
        &self.terms.name
    }

    pub(super) const fn rank(&self) -> Rank {
        self.rank
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The next who comes.
    pub(super) async fn arrival(&self) -> io::Result<Arrival> {
        match &self.listener {
            Listener::Socket(listener) => Ok(Arrival::Socket(listener.accept().await?.0)),
            Listener::Loopback(listener, _) => Ok(Arrival::Loopback(listener.accept().await?.0)),
        }
    }
}

/// Somebody who stands at the door.
#[derive(Debug)]
pub(super) enum Arrival {
    Socket(UnixStream),
    Loopback(TcpStream),
}

impl Arrival {
    /// Who it is, as far as the kernel says; none when it is gone already, or is not of this machine.
    pub(super) fn who(&self) -> Option<Who> {
        match self {
            Self::Socket(stream) => Peer::of(stream).map(Who::Peer),
            Self::Loopback(stream) if is_of_this_machine(stream) => Some(Who::Unnamed),
            Self::Loopback(_) => {
                tracing::debug!("somebody came to a port of loopback from another machine");
                None
            }
        }
    }
}

/// Whether whoever connects does so from an address of this machine's own. A port of 127.0.0.1 is reached from outside
/// where packets are forwarded to it (`route_localnet`, or a rule of the firewall).
fn is_of_this_machine(stream: &TcpStream) -> bool {
    stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback())
}

impl Listener {
    const fn kind(&self) -> Kind {
        match self {
            Self::Socket(_) => Kind::Socket,
            Self::Loopback(_, address) => Kind::Loopback(*address),
        }
    }
}

impl Key {
    /// Makes this the rule of the door. It holds for the next request of whoever is in already, too.
    pub fn change(&self, rule: Rule) {
        self.0.send_replace(rule);
    }
}

/// Somebody who came in.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) terms: Terms,
    pub(super) who: Who,
}

impl Visitor {
    /// Who asks, and what it may have now.
    pub(super) fn caller(&self) -> Result<Caller, Refusal> {
        self.terms.admit(&self.who)
    }

    /// The daemon's own user, for whom the door is open as long as the key is held.
    pub(super) fn owner() -> (Self, Key) {
        let (key, rules) = watch::channel(Rule::of_main_door());
        let terms = Terms { name: "a stream".into(), kind: Kind::Socket, rules };
        (Self { terms, who: Caller::owner().who().clone() }, Key(key))
    }

    /// What is to be said of its not being let in.
    pub(super) fn refused_at(&self, door: &str) -> String {
        match &self.who {
            Who::Peer(peer) => format!("refused a caller that is another user, uid {}, at {door}", peer.uid),
            Who::Client(_) | Who::Unnamed => format!("refused a caller at {door}"),
        }
    }
}

/// What holds at a door.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    name: Arc<str>,
    kind: Kind,
    rules: watch::Receiver<Rule>,
}

impl Terms {
    /// Lets somebody ask for something, as the rule is now.
    pub(super) fn admit(&self, who: &Who) -> Result<Caller, Refusal> {
        if self.rules.has_changed().is_err() {
            return Err(Refusal::new(ErrorCode::NotAllowed, "this way in was closed"));
        }
        let rule = self.rules.borrow();
        match who {
            Who::Peer(peer) if !rule.people.admit(peer.uid, peer.gid) => Err(another_user()),
            Who::Peer(_) | Who::Client(_) | Who::Unnamed => {
                Ok(Caller::new(self.kind, Arc::clone(&rule.scope), who.clone()).at(&self.name))
            }
        }
    }

    /// Ends when the door is closed.
    pub(super) async fn closed(mut self) {
        while self.rules.changed().await.is_ok() {}
    }
}

impl Rule {
    /// Everything, for the daemon's own user.
    #[must_use]
    pub fn of_main_door() -> Self {
        Self { scope: Arc::new(Scope::everything()), people: People::owner() }
    }
}

#[cfg(test)]
mod tests {
    use airbyte_token_core::Moment;

    use super::*;
    use crate::{clock::Clock, door::Verb};

    fn terms(rule: Rule) -> (Terms, Key) {
        let (key, rules) = watch::channel(rule);
        (Terms { name: "test".into(), kind: Kind::Socket, rules }, Key(key))
    }

    fn caller(uid: u32) -> Who {
        let came: Moment = Clock.now();
        Who::Peer(Peer { uid, gid: uid, pid: None, came })
    }

    fn narrow(uid: u32, verbs: &[Verb]) -> Rule {
        let scope = Scope::narrow(["ci".parse().unwrap()], verbs.iter().copied());
        Rule { scope: Arc::new(scope), people: People::with([uid], []) }
    }

    #[test]
    fn a_changed_rule_holds_for_the_next_request_of_whoever_is_in() {
        let (terms, key) = terms(narrow(61_501, &[Verb::Token]));
        let who = caller(61_501);
        assert!(!terms.admit(&who).unwrap().scope().allows(Verb::Status));
        key.change(narrow(61_501, &[Verb::Token, Verb::Status]));
        assert!(terms.admit(&who).unwrap().scope().allows(Verb::Status));
        key.change(narrow(61_502, &[Verb::Token]));
        assert_eq!(terms.admit(&who).unwrap_err().reply().code, ErrorCode::PeerRefused);
    }

    #[tokio::test]
    async fn behind_a_closed_door_nothing_is_to_be_had() {
        let (terms, key) = terms(narrow(61_501, &[Verb::Token]));
        let who = caller(61_501);
        drop(key);
        assert_eq!(terms.admit(&who).unwrap_err().reply().code, ErrorCode::NotAllowed);
        terms.closed().await;
    }
}
