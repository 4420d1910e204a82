//! Who asks: what the door knows of whoever stands at the other end of a connection.

use std::sync::Arc;

use airbyte_token_core::{ClientName, Moment, ProfileName};
use airbyte_token_local::ErrorCode;
use axum::{
    extract::{FromRequestParts, Request, State as Asked},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::net::UnixStream;

use super::Refusal;
use crate::{
    audit::{self, Audit, Note},
    clock::Clock,
    door::{Kind, Scope, Verb},
};

/// How records call loopback HTTP.
pub(super) const HTTP: &str = "http";

/// Whoever asks, and what it may have. Every request carries it from the door on.
#[derive(Clone, Debug)]
pub struct Caller {
    kind: Kind,
    scope: Arc<Scope>,
    who: Who,
    door: Option<Arc<str>>,
}

/// Who that is.
#[derive(Clone, Debug)]
pub enum Who {
    /// A process of this machine.
    Peer(Peer),
    /// A local client, which showed its credential.
    Client(ClientName),
    /// Some process of this machine that has not shown yet who it is. Nothing is to be had for it.
    Unnamed,
}

/// The process at the other end of a Unix socket, as of `connect(2)` (`SO_PEERCRED`, `unix(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its user: this decides.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its number, for records only: by now it may be another process's.
    pub pid: Option<i32>,
    /// When it was let in.
    pub came: Moment,
}

impl Peer {
    /// Asks the kernel; none when the caller is gone already.
    #[must_use]
    pub(super) fn of(stream: &UnixStream) -> Option<Self> {
        let credentials = stream.peer_cred().ok()?;
        Some(Self {
            uid: credentials.uid(),
            gid: credentials.gid(),
            pid: credentials.pid(),
            came: Clock.now(),
        })
    }
}

impl Caller {
    /// A caller that came through a door of this kind with this scope.
    #[must_use]
    pub const fn new(kind: Kind, scope: Arc<Scope>, who: Who) -> Self {
        Self { kind, scope, who, door: None }
    }

    /// The daemon's own user, at a door to everything.
    #[must_use]
    pub fn owner() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let pid = i32::try_from(std::process::id()).ok();
        let who = Who::Peer(Peer { uid, gid, pid, came: Clock.now() });
        Self::new(Kind::Socket, Arc::new(Scope::everything()), who)
    }

    /// The same, which came in by the door of this name.
    #[must_use]
    pub fn at(self, door: &Arc<str>) -> Self {
        Self { door: Some(Arc::clone(door)), ..self }
    }

    /// How it came, for records: by which socket, or over `http`.
    #[must_use]
    pub fn door(&self) -> Option<&str> {
        match self.kind {
            Kind::Socket => self.door.as_deref(),
            Kind::Loopback(_) => Some(HTTP),
        }
    }

    /// How it came.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it may have.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Who it is.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
    }

    /// What it is told of a change that was not made: what the configuration says of others is not its business.
    pub(super) fn spare_details(&self, refusal: Refusal) -> Refusal {
        if self.scope.is_everything() || refusal.reply().code != ErrorCode::ConfigInvalid {
            return refusal;
        }
        Refusal::new(
            ErrorCode::ConfigInvalid,
            "the configuration has mistakes, or cannot be changed as asked",
        )
        .hint("the daemon's log says what is wrong, and so does its own socket")
    }

    /// Lets it have this profile, or tells it that it may not.
    pub(super) fn admit_to(&self, profile: &ProfileName) -> Result<(), Refusal> {
        if self.scope.holds(profile) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::NotAllowed, format!("the profile `{profile}` is not to be had here")))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get().cloned().ok_or_else(nobody_knows)
    }
}

fn nobody_knows() -> Refusal {
    Refusal::new(ErrorCode::PeerRefused, "nobody knows who asks")
}

/// Lets the request through if its caller may ask this. What is not to be had there is noted.
pub(super) async fn admit(
    Asked((verb, audit)): Asked<(Verb, Audit)>,
    caller: Result<Caller, Refusal>,
    request: Request,
    next: Next,
) -> Response {
    let caller = match caller {
        Ok(Caller { who: Who::Unnamed, .. }) => return nobody_knows().into_response(),
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let response = if caller.scope.allows(verb) {
        next.run(request).await
    } else {
        Refusal::new(ErrorCode::NotAllowed, format!("`{verb}` is not to be had here")).into_response()
    };
    if response.extensions().get() == Some(&ErrorCode::NotAllowed) {
        let note = Note::of(audit::Verb::Refused).refused(ErrorCode::NotAllowed);
        audit.note(&caller, &note.detail(verb.name()));
    }
    response
}
