//! A running stand-in and the handle to it.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime,
    sync::{oneshot, watch},
    task::JoinSet,
    time,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    connection,
    fault::Fault,
    seen::SeenRequest,
    settings::Settings,
    state::{Counts, Shared},
    tls::{self, TlsError},
};

/// How long to wait after a failed accept, which is mostly a lack of file descriptors.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// A stand-in that is listening. Dropping it stops it and cuts its connections.
pub struct Sandbox {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    /// Dropped last of all, it ends the accept loop.
    _stop: oneshot::Sender<()>,
}

/// Why a stand-in could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for any free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No thread or no runtime to run on.
    #[error("cannot start a thread to serve from: {0}")]
    Thread(io::Error),
}

impl Sandbox {
    /// Starts a stand-in on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// If it cannot start, as [`Sandbox::try_start`] tells, and outside a tokio runtime.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        Self::try_start(settings).expect("a loopback port is free and the certificate is sound")
    }

    /// Starts a stand-in on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address is taken or the certificate is unsound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn try_start(settings: Settings) -> Result<Self, StartError> {
        let (sandbox, server) = Self::prepare(settings)?;
        tokio::spawn(server.run());
        Ok(sandbox)
    }

    /// Starts a stand-in on a thread of its own, for tests that block theirs.
    ///
    /// # Errors
    ///
    /// When the address is taken, the certificate is unsound, or there is no thread to be had.
    pub fn start_on_a_thread(settings: Settings) -> Result<Self, StartError> {
        let (sandbox, server) = Self::prepare(settings)?;
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        thread::Builder::new()
            .name("airbyte-sandbox".to_owned())
            .spawn(move || runtime.block_on(server.run()))
            .map_err(StartError::Thread)?;
        Ok(sandbox)
    }

    fn prepare(settings: Settings) -> Result<(Self, Server), StartError> {
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let failed = |source| StartError::Listen { address: settings.listen, source };
        let listener = StdListener::bind(settings.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared::new(settings));
        let (_stop, stopped) = oneshot::channel();
        let server = Server { listener, tls, shared: Arc::clone(&shared), stopped };
        Ok((Self { address, scheme, shared, _stop }, server))
    }

    /// Where it listens: `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a fault behind those that are waiting.
    pub fn add_fault(&self, fault: impl Into<Fault>) {
        self.shared.add_fault(fault.into());
    }

    /// Removes all faults that are waiting; requests already struck stay so.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// The faults that are waiting, next first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.faults()
    }

    /// How often the token endpoint was asked, answered or not.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.counts().exchanges
    }

    /// How often what has happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.shared.counts().borrow()
    }

    /// The requests that arrived, oldest first; the latest 10 000.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.requests()
    }

    /// Forgets the requests and counts from zero. Tokens and faults stay.
    pub fn forget_requests(&self) {
        self.shared.forget_requests();
    }

    /// Waits until the token endpoint was asked this often in all. Returns when the request has arrived; its
    /// answer may be still to come.
    pub async fn wait_for_exchanges(&self, count: usize) {
        self.wait_until(|counts| counts.exchanges >= count).await;
    }

    /// Waits until the counts are as wanted.
    pub async fn wait_until(&self, wanted: impl FnMut(&Counts) -> bool) {
        let mut counts: watch::Receiver<Counts> = self.shared.counts();
        let reached = counts.wait_for(wanted).await;
        debug_assert!(reached.is_ok(), "the sender of the counts lives in this sandbox");
    }

    /// The tokens made so far, oldest first; the latest 10 000.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.shared.issued_tokens()
    }

    /// Whether the API takes this token now.
    #[must_use]
    pub fn is_live(&self, token: &str) -> bool {
        self.shared.is_live(token)
    }

    /// Accepts this client secret instead of the present one. Tokens stay alive.
    pub fn set_secret(&self, secret: impl Into<String>) {
        self.change_settings(|settings| settings.client_secret = secret.into());
    }

    /// Changes how it behaves from the next request on; what is fixed once started stays.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.change_settings(change);
    }

    /// Revokes one token; true if it was one from here and not revoked yet.
    pub fn revoke(&self, token: &str) -> bool {
        self.shared.revoke(|text| text == token) > 0
    }

    /// Revokes every token made so far, and says how many that were.
    pub fn revoke_all(&self) -> usize {
        self.shared.revoke(|_| true)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").field("url", &self.url()).finish_non_exhaustive()
    }
}

struct Server {
    listener: StdListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
}

impl Server {
    /// Accepts until the handle is dropped; dropping the set then cuts the connections.
    async fn run(mut self) {
        let listener = TcpListener::from_std(self.listener).expect("the listener does not block");
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = &mut self.stopped => return,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection::serve(Arc::clone(&self.shared), stream, self.tls.clone()));
                    }
                    Err(_) => time::sleep(ACCEPT_BACK_OFF).await,
                },
            }
        }
    }
}
