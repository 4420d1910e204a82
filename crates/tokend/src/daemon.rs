//! Builds the parts and runs them. Tasks that outlive a connection are spawned here and nowhere else.

mod change;
mod change_error;
mod clients;
mod doors;
mod endpoints;
mod files;
mod lock;
mod sockets;
mod state;
mod vaults;

pub use change::LoggedIn;
pub use change_error::ChangeError;
pub use files::check;
pub use lock::Locking;
pub use state::State;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use airbyte_token_local::ErrorCode;
use sd_notify::NotifyState;
use tokio::{
    net::UnixListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use crate::{
    audit::{Audit, Note, Verb},
    cache::Remembering,
    clock::{Clock, LeapWatch},
    config::{Config, ConfigError},
    door::Rank,
    listen::{self, Descriptors, DirectoryError, ListenError, Listening, LockError},
    service::{self, Door, Ending, Listener, Pulse, Refusal, Rule},
    trust::Untrusted,
    vault::VaultError,
};

/// Where the daemon finds and keeps its things.
#[derive(Clone, Debug)]
pub struct Places {
    /// The configuration.
    pub config: PathBuf,
    /// The socket.
    pub socket: PathBuf,
    /// The directory of what is remembered across restarts.
    pub state: PathBuf,
}

/// A daemon that is ready to serve.
#[derive(Debug)]
pub struct Daemon {
    state: State,
    listener: std::os::unix::net::UnixListener,
    listening: Listening,
    remembering: Remembering,
    descriptors: Descriptors,
}

/// How long the disk may take for what is remembered once all else has ended.
const LAST_WRITE: Duration = Duration::from_millis(500);

impl Daemon {
    /// Reads the configuration, takes the socket, and makes every profile ready; no exchange is made. Must be called
    /// on the runtime. If that fails because of the configuration, whoever waits in systemd's socket is told so.
    ///
    /// # Errors
    /// When the configuration has mistakes or the socket is not to be had.
    pub async fn build(places: Places) -> Result<Self, StartError> {
        let inherited = listen::inherited().map_err(StartError::Inherited)?;
        let waiting = inherited.as_ref().and_then(|listener| listener.try_clone().ok());
        let built = Self::assemble(places, inherited);
        if let (Err(error), Some(listener)) = (&built, waiting) {
            tell_waiting(error, listener).await;
        }
        built
    }

    fn assemble(
        places: Places,
        inherited: Option<std::os::unix::net::UnixListener>,
    ) -> Result<Self, StartError> {
        let descriptors = Descriptors::raise();
        let config = Config::load(&places.config)?;
        descriptors.suffice_for(config.profiles.len(), config.side_doors()).map_err(ChangeError::from)?;
        files::check_state(&places.state)?;
        let (listener, listening) = Listening::open(&places.socket, inherited)?;
        let places = Places { socket: listening.path().to_owned(), ..places };
        let remembering = Remembering::load(places.state.join("memory.json"));
        let state = State::new(places, config, remembering.clone())?;
        Ok(Self { state, listener, listening, remembering, descriptors })
    }

    /// Serves until it is told to stop (`SIGTERM`, `SIGINT`), and reloads the configuration on `SIGHUP`. Leaves threads
    /// behind that a hanging disk or name server holds: the runtime must not wait for them.
    ///
    /// # Errors
    /// When the system refuses signals or the socket.
    pub async fn run(self) -> io::Result<()> {
        let Self { state, listener, listening, remembering, descriptors } = self;
        let listener = Listener::Socket(UnixListener::from_std(listener)?);
        let (main, key) = Door::new("the main socket", Rank::Main, listener, Rule::of_main_door());
        state.0.doors.serve(main);
        let doors = state.0.doors.take().ok_or_else(|| io::Error::other("the doors are served already"))?;
        let stop = Arc::new(Notify::new());
        tokio::spawn(obey_signals(state.clone(), Signals::new()?, Arc::clone(&stop)));
        tokio::spawn(tell_leaps(state.clone(), LeapWatch::new()?));
        let keeper = tokio::spawn(remembering.clone().keep());
        state.audit().begin(&state.0.places.state);
        let clients_keeper = tokio::spawn(state.clients().clone().keep());
        let vigil = listening.vigil().map(|vigil| tokio::spawn(vigil.keep()));
        tracing::info!(socket = %listening.path().display(), profiles = state.config().profiles.len(), "serving");
        tell_manager(&[NotifyState::Ready, NotifyState::Status("serving")]);
        let pulse = Pulse {
            beat: || tell_manager(&[NotifyState::Watchdog]),
            period: sd_notify::watchdog_enabled().map(|limit| limit / 3),
        };
        let end = Ending { told: stop.notified_owned(), settled: state.settled(), give_up: || state.stop() };
        let (app, audit) = (service::router(state.clone()), state.audit().clone());
        service::serve(doors, app, seats(descriptors, &state), audit, pulse, end).await;
        state.stop();
        state.0.sockets.close();
        drop(key);
        keeper.abort();
        clients_keeper.abort();
        let clients = state.clients().clone();
        let (memory, log) = (write_last(move || remembering.write()), close_log(state.audit().clone()));
        tokio::join!(memory, write_last(move || clients.write()), log);
        if let Some(vigil) = vigil {
            vigil.abort();
        }
        drop(listening);
        tracing::info!("stopped");
        Ok(())
    }
}

/// How many callers a door has seats for, as the configuration is then.
fn seats(descriptors: Descriptors, state: &State) -> impl Fn(Rank) -> usize + Send + Sync + 'static {
    let state = state.clone();
    move |rank| {
        let config = state.config();
        descriptors.seats(rank, config.profiles.len(), config.side_doors())
    }
}

/// Only where the next start would fail in the same way: otherwise those who wait are better off waiting.
async fn tell_waiting(error: &StartError, listener: std::os::unix::net::UnixListener) {
    let hint = match error {
        StartError::Change(ChangeError::Descriptors(_)) => "raise the limit, then start airbyte-tokend again",
        StartError::Change(ChangeError::System(_) | ChangeError::Port(_) | ChangeError::Socket { .. }) => {
            return;
        }
        StartError::Config(_) | StartError::Change(_) | StartError::Untrusted(_) | StartError::Vault(_) => {
            "`airbyte-tokend --check` lists every mistake"
        }
        StartError::Listen(_) | StartError::Inherited(_) => return,
    };
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let refusal = Refusal::new(ErrorCode::ConfigInvalid, first).hint(hint);
    if let Err(error) = service::turn_waiting_away(listener, &refusal).await {
        tracing::warn!(%error, "those who wait in the socket cannot be told");
    }
}

/// A disk that hangs or is full costs what was remembered, and does not turn a stop into a failure.
async fn write_last<E>(write: impl FnOnce() -> Result<(), E> + Send + 'static)
where
    E: std::fmt::Display + Send + 'static,
{
    let write = tokio::task::spawn_blocking(write);
    match tokio::time::timeout(LAST_WRITE, write).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "what is to be remembered cannot be written"),
        Ok(Err(error)) => tracing::error!(%error, "what is to be remembered was not written"),
        Err(_) => tracing::warn!("the disk does not take what is to be remembered"),
    }
}

/// The same for the audit log.
async fn close_log(audit: Audit) {
    if let Err(error) = tokio::task::spawn_blocking(move || audit.close(LAST_WRITE)).await {
        tracing::error!(%error, "the end of the audit log was not written");
    }
}

#[derive(Debug)]
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// A reload may have to wait for its turn; being told to stop does not wait for it.
async fn obey_signals(state: State, signals: Signals, stop: Arc<Notify>) {
    let Signals { mut hang_up, mut terminate, mut interrupt } = signals;
    let reload_when_told = async {
        while let Some(()) = hang_up.recv().await {
            let outcome = reload(&state).await;
            let note = Note::of(Verb::Reload);
            let note = if outcome.is_ok() { note } else { note.refused(ErrorCode::ConfigInvalid) };
            state.audit().note_own(&note.detail("told by SIGHUP"));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = reload_when_told => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tell_manager(&[NotifyState::Stopping]);
    stop.notify_one();
}

/// Reads the configuration anew for a caller, as on `SIGHUP`; to the end, even if the caller hangs up in the middle.
pub(crate) async fn reload_for_caller(state: &State) -> Result<(), ChangeError> {
    let state = state.clone();
    tokio::spawn(async move { reload(&state).await }).await.map_err(ChangeError::Internal)?
}

/// systemd waits for `READY=1` after `RELOADING=1` and a time stamp (`sd_notify(3)`), whatever became of the reload.
async fn reload(state: &State) -> Result<(), ChangeError> {
    match Clock.stamp() {
        Ok(now) => tell_manager(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no time to tell the service manager"),
    }
    let outcome = state.reload().await;
    let status = match &outcome {
        Ok(()) => "serving".to_owned(),
        Err(error) => {
            let error = one_line(&error.to_string());
            tracing::error!("the configuration was not reloaded and the old one stays: {error}");
            format!("serving with the old configuration: {error}")
        }
    };
    tell_manager(&[NotifyState::Ready, NotifyState::Status(&status)]);
    outcome
}

/// A line of its own would be a message of its own to the service manager (`sd_notify(3)`).
fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ")
}

async fn tell_leaps(state: State, leaps: LeapWatch) {
    loop {
        if let Err(error) = leaps.leap().await {
            return tracing::error!(%error, "leaps of the wall clock go unnoticed from now on");
        }
        tracing::info!("the wall clock was set, or the machine slept");
        state.cache().all().values().for_each(crate::cache::ProfileHandle::clock_set);
    }
}

fn tell_manager(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration is well written but cannot work.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Another user could replace what is remembered.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The sealed file or its key is not fit for it. Only a check finds that out before they are needed.
    #[error("[vault.file]: {0}")]
    Vault(VaultError),
    /// There is no socket to serve on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// What systemd passed is no listening Unix socket.
    #[error("the socket that systemd passed cannot be used: {0}")]
    Inherited(io::Error),
}

impl StartError {
    /// What the process exits with: 75 where another start may succeed, 77 where somebody else's socket is in the way,
    /// 78 where the configuration must be mended first.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Change(ChangeError::System(_) | ChangeError::Port(_)) => 75,
            Self::Listen(error) | Self::Change(ChangeError::Socket { source: error, .. }) => {
                status_without_socket(error)
            }
            Self::Config(_) | Self::Change(_) | Self::Untrusted(_) | Self::Vault(_) | Self::Inherited(_) => {
                78
            }
        }
    }
}

/// What the process exits with where a socket is not to be had.
const fn status_without_socket(error: &ListenError) -> u8 {
    match error {
        ListenError::NoDirectory | ListenError::Main { .. } => 78,
        ListenError::Squatted { .. } | ListenError::Lock(LockError::Squatted { .. }) => 77,
        ListenError::Directory(error) => match error {
            DirectoryError::NotADirectory { .. }
            | DirectoryError::NotOurs { .. }
            | DirectoryError::TooOpen { .. }
            | DirectoryError::TooClosed { .. }
            | DirectoryError::Untrusted(_) => 77,
            DirectoryError::Io { .. } => 75,
        },
        ListenError::Lock(LockError::Held { .. } | LockError::File { .. }) | ListenError::Socket { .. } => 75,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(error: ListenError) -> u8 {
        StartError::Listen(error).exit_status()
    }

    #[test]
    fn a_directory_that_cannot_be_made_yet_is_no_reason_to_stay_down() {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("not/there/api.sock");
        assert_eq!(status(Listening::open(&socket, None).unwrap_err()), 75);
        let socket = home.path().join("there/api.sock");
        assert!(Listening::open(&socket, None).is_ok());
    }

    #[test]
    fn a_path_without_a_directory_is_a_mistake() {
        for path in ["api.sock", "run/api.sock", "/"] {
            assert_eq!(status(Listening::open(path.as_ref(), None).unwrap_err()), 78, "{path}");
        }
    }

    #[test]
    fn the_service_manager_is_told_in_one_line() {
        assert_eq!(one_line("serving: a:1: x\nSTOPPING=1"), "serving: a:1: x; STOPPING=1");
    }
}
