//! Builds the parts and runs them. Tasks that outlive a request are spawned here and nowhere else.

mod change;
mod state;
mod vaults;

pub use change::ChangeError;
pub use state::State;

use std::{io, path::PathBuf, sync::Arc};

use sd_notify::NotifyState;
use tokio::{
    net::UnixListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use crate::{
    cache::Remembering,
    clock::LeapWatch,
    config::{Config, ConfigError},
    listen::{self, ListenError, Listening},
    service,
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
    listening: Listening,
    remembering: Remembering,
}

impl Daemon {
    /// Reads the configuration, takes the socket, and makes every profile ready; no exchange is made. Must be called
    /// on the runtime.
    ///
    /// # Errors
    /// When the configuration has mistakes or the socket is not to be had.
    pub fn build(places: Places) -> Result<Self, StartError> {
        let inherited = listen::inherited().map_err(StartError::Inherited)?;
        let config = Config::load(&places.config)?;
        let listening = Listening::open(&places.socket, inherited)?;
        let remembering = Remembering::load(places.state.join("memory.json"));
        let state = State::new(places, config, remembering.clone())?;
        Ok(Self { state, listening, remembering })
    }

    /// Serves until it is told to stop (`SIGTERM`, `SIGINT`), and reloads the configuration on `SIGHUP`.
    ///
    /// # Errors
    /// When the system refuses signals or the socket.
    pub async fn run(self) -> io::Result<()> {
        let Self { state, listening, remembering } = self;
        let listener = UnixListener::from_std(listening.listener()?)?;
        let stop = Arc::new(Notify::new());
        tokio::spawn(obey_signals(state.clone(), Signals::new()?, Arc::clone(&stop)));
        tokio::spawn(tell_leaps(state.clone(), LeapWatch::new()?));
        let keeper = tokio::spawn(remembering.clone().keep());
        tracing::info!(socket = %listening.path().display(), profiles = state.config().profiles.len(), "serving");
        tell_manager(&[NotifyState::Ready, NotifyState::Status("serving")]);
        let beat = || tell_manager(&[NotifyState::Watchdog]);
        let period = sd_notify::watchdog_enabled().map(|limit| limit / 3);
        service::serve(listener, service::router(state.clone()), stop.notified_owned(), beat, period).await;
        state.stop();
        drop(listening);
        keeper.abort();
        remembering.write()?;
        tracing::info!("stopped");
        Ok(())
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

async fn obey_signals(state: State, mut signals: Signals, stop: Arc<Notify>) {
    loop {
        tokio::select! {
            Some(()) = signals.hang_up.recv() => reload(&state).await,
            Some(()) = signals.terminate.recv() => break,
            Some(()) = signals.interrupt.recv() => break,
            else => break,
        }
    }
    tell_manager(&[NotifyState::Stopping]);
    stop.notify_one();
}

/// systemd waits for `READY=1` after `RELOADING=1` and a time stamp (`sd_notify(3)`), whatever became of the reload.
async fn reload(state: &State) {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell_manager(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no time to tell the service manager"),
    }
    let status = match state.reload().await {
        Ok(()) => "serving".to_owned(),
        Err(error) => {
            tracing::error!(%error, "the configuration was not reloaded and the old one stays");
            format!("serving with the old configuration: {error}")
        }
    };
    tell_manager(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

async fn tell_leaps(state: State, leaps: LeapWatch) {
    while let Ok(()) = leaps.leap().await {
        tracing::info!("the wall clock was set");
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
            Self::Config(_) | Self::Change(_) => 78,
            Self::Listen(ListenError::Directory(_)) => 77,
            Self::Listen(ListenError::Lock(_) | ListenError::NoDirectory | ListenError::Socket { .. }) => 75,
            Self::Inherited(_) => 78,
        }
    }
}
