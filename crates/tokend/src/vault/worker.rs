//! One thread for one store, and the deadlines in front of it.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use airbyte_token_core::VaultTrouble;
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use super::{Store, StoreKind, VaultError};

type Job = Box<dyn FnOnce(&mut dyn Store) + Send>;
type Open = Box<dyn FnOnce() -> Box<dyn Store> + Send>;

/// A handle to the thread that owns a store. The thread starts with the first call and ends after the last handle.
#[derive(Clone)]
pub(super) struct Worker {
    kind: StoreKind,
    /// One permit: whoever holds it has the store. It travels with the job, so a stuck job keeps it.
    turn: Arc<Semaphore>,
    /// Whether the job in the store's hands is overdue. The job owns the flag: when it is gone, so is the flag.
    overdue: Arc<Mutex<Weak<AtomicBool>>>,
    thread: Arc<Mutex<Thread>>,
}

/// The thread before its first job, when only `open` is there, and after it.
struct Thread {
    open: Option<Open>,
    running: Option<Running>,
}

struct Running {
    jobs: mpsc::Sender<Job>,
    /// Nothing is ever sent: it closes when the store is gone.
    ended: mpsc::Receiver<Infallible>,
}

/// How long whoever drops the last handle waits for the store, and all that it keeps in memory, to be gone. It takes
/// microseconds, unless the store is stuck.
const FAREWELL: Duration = Duration::from_millis(100);

impl Worker {
    pub(super) fn new(kind: StoreKind, open: impl FnOnce() -> Box<dyn Store> + Send + 'static) -> Self {
        Self {
            kind,
            turn: Arc::new(Semaphore::new(1)),
            overdue: Arc::default(),
            thread: Arc::new(Mutex::new(Thread { open: Some(Box::new(open)), running: None })),
        }
    }

    /// Runs `job` on the store's thread. After `patience` the answer is [`VaultTrouble::Slow`], and the job goes on
    /// alone if it had begun; if it had not, it never will.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce(&mut dyn Store) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        if self.is_overdue() {
            return Err(self.slow());
        }
        let mut flight = Weak::new();
        let answer = timeout(patience, self.take_turn(&mut flight, job)).await;
        answer.unwrap_or_else(|_elapsed| {
            if let Some(overdue) = flight.upgrade() {
                overdue.store(true, Ordering::Relaxed);
            }
            Err(self.slow())
        })
    }

    fn is_overdue(&self) -> bool {
        let current = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().is_some_and(|overdue| overdue.load(Ordering::Relaxed))
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        flight: &mut Weak<AtomicBool>,
        job: impl FnOnce(&mut dyn Store) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let permit = Arc::clone(&self.turn).acquire_owned().await;
        let permit = permit.map_err(|_closed: AcquireError| self.gone())?;
        let overdue = Arc::new(AtomicBool::new(false));
        *flight = Arc::downgrade(&overdue);
        *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&overdue);

        let (reply, answer) = oneshot::channel();
        self.send(Box::new(move |store| {
            let outcome = job(store);
            release(overdue, permit);
            // The caller may have given up; what it no longer wants is wiped here.
            drop(reply.send(outcome));
        }))?;
        answer.await.unwrap_or_else(|_dropped| Err(self.gone()))
    }

    fn send(&self, job: Job) -> Result<(), VaultError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.started(self.kind).and_then(|jobs| jobs.send(job).ok()).ok_or_else(|| self.gone())
    }

    fn slow(&self) -> VaultError {
        let detail = match self.kind {
            StoreKind::Keyring => "the keyring does not answer; look for its prompt, or restart it",
            StoreKind::File => "the vault file does not answer; look at the disk it is on",
            StoreKind::Memory => "the vault in memory does not answer",
        };
        VaultError::new(VaultTrouble::Slow, detail)
    }

    fn gone(&self) -> VaultError {
        let detail = format!("the thread for the {} vault does not run; restart the daemon", self.kind);
        VaultError::new(VaultTrouble::Absent, &detail)
    }
}

/// Ends a job's turn, before its caller hears of it: a caller that calls again at once must find the store free.
fn release(overdue: Arc<AtomicBool>, permit: OwnedSemaphorePermit) {
    drop(overdue);
    drop(permit);
}

impl Thread {
    /// Where to send jobs, if the thread runs or can be started. It is tried once: where no thread can be had, the
    /// system is out of memory or threads, and the daemon's supervisor is the one to act.
    fn started(&mut self, kind: StoreKind) -> Option<&mpsc::Sender<Job>> {
        if let Some(open) = self.open.take() {
            self.running = start(kind, open);
        }
        self.running.as_ref().map(|running| &running.jobs)
    }
}

impl Drop for Thread {
    /// A process that ends right after this has wiped what the store kept: its thread would not be waited for.
    fn drop(&mut self) {
        if let Some(Running { jobs, ended }) = self.running.take() {
            drop(jobs);
            if ended.recv_timeout(FAREWELL) == Err(mpsc::RecvTimeoutError::Timeout) {
                tracing::debug!("a vault is stuck and is left behind");
            }
        }
    }
}

fn start(kind: StoreKind, open: Open) -> Option<Running> {
    let (jobs, inbox) = mpsc::channel::<Job>();
    let (alive, ended) = mpsc::channel();
    let serve = move || {
        let mut store = open();
        for job in inbox {
            job(store.as_mut());
        }
        drop(store);
        drop(alive);
    };
    thread::Builder::new().name(format!("vault-{kind}")).spawn(serve).ok()?;
    Some(Running { jobs, ended })
}

#[cfg(test)]
mod tests {
    use airbyte_token_core::{ProfileName, Secret};

    use super::*;
    use crate::vault::{StoredSecret, VaultError};

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(20);

    /// A store whose calls say that they began and then wait to be let go.
    struct Gate {
        began: mpsc::Sender<()>,
        go: mpsc::Receiver<()>,
        _ended: oneshot::Sender<()>,
    }

    impl Store for Gate {
        fn read(&mut self, profile: &ProfileName, _patience: Duration) -> Result<StoredSecret, VaultError> {
            self.began.send(()).map_err(|_| VaultError::empty(profile))?;
            self.go.recv().map_err(|_| VaultError::empty(profile))?;
            let origin = format!("https://{profile}.example").parse();
            let origin = origin.map_err(|_| VaultError::empty(profile))?;
            Ok(StoredSecret { origin, client_secret: Secret::new("s".into()) })
        }

        fn write(&mut self, _: &ProfileName, _: &StoredSecret, _: Duration) -> Result<(), VaultError> {
            panic!("a store that breaks its promise");
        }

        fn delete(&mut self, _: &ProfileName, _: Duration) -> Result<(), VaultError> {
            Ok(())
        }
    }

    struct Bench {
        worker: Worker,
        began: mpsc::Receiver<()>,
        go: mpsc::Sender<()>,
        ended: oneshot::Receiver<()>,
    }

    fn bench() -> Bench {
        let (began_sender, began) = mpsc::channel();
        let (go, go_receiver) = mpsc::channel();
        let (ended_sender, ended) = oneshot::channel();
        let gate = Gate { began: began_sender, go: go_receiver, _ended: ended_sender };
        Bench { worker: Worker::new(StoreKind::Memory, || Box::new(gate)), began, go, ended }
    }

    fn name(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    async fn read(worker: &Worker, profile: &str, patience: Duration) -> Result<String, VaultTrouble> {
        let profile = name(profile);
        let outcome = worker.call(patience, move |store| store.read(&profile, patience)).await;
        outcome.map(|secret| secret.origin.host().to_owned()).map_err(|error| error.trouble)
    }

    async fn delete(worker: &Worker, patience: Duration) -> Result<(), VaultTrouble> {
        let outcome = worker.call(patience, move |store| store.delete(&name("a"), patience)).await;
        outcome.map_err(|error| error.trouble)
    }

    #[tokio::test]
    async fn a_call_brings_back_what_the_store_answers() {
        let bench = bench();
        bench.go.send(()).unwrap();
        assert_eq!(read(&bench.worker, "a", LONG).await, Ok("a.example".into()));
        assert_eq!(delete(&bench.worker, LONG).await, Ok(()));
    }

    #[tokio::test]
    async fn calls_take_turns_and_each_gets_its_own_answer() {
        let bench = bench();
        bench.go.send(()).unwrap();
        bench.go.send(()).unwrap();
        let both = tokio::join!(read(&bench.worker, "a", LONG), read(&bench.worker, "b", LONG));
        assert_eq!(both, (Ok("a.example".into()), Ok("b.example".into())));
    }

    #[tokio::test]
    async fn a_stuck_call_is_slow_when_its_patience_is_over() {
        let bench = bench();
        assert_eq!(read(&bench.worker, "a", SHORT).await, Err(VaultTrouble::Slow));
    }

    #[tokio::test]
    async fn while_a_call_is_overdue_others_are_slow_at_once() {
        let bench = bench();
        assert_eq!(read(&bench.worker, "a", SHORT).await, Err(VaultTrouble::Slow));
        let answer = timeout(Duration::from_secs(30), delete(&bench.worker.clone(), LONG)).await;
        assert_eq!(answer, Ok(Err(VaultTrouble::Slow)));
    }

    #[tokio::test]
    async fn a_call_that_only_waited_for_its_turn_never_happens() {
        let bench = bench();
        let worker = bench.worker.clone();
        let first = tokio::spawn(async move { read(&worker, "a", LONG).await });
        while bench.began.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(read(&bench.worker, "b", SHORT).await, Err(VaultTrouble::Slow));
        bench.go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok("a.example".into()));
        assert_eq!(delete(&bench.worker, LONG).await, Ok(()));
        assert_eq!(bench.began.try_recv(), Err(mpsc::TryRecvError::Empty));
    }

    #[tokio::test]
    async fn a_waiting_call_does_not_make_the_one_in_hand_overdue() {
        let bench = bench();
        let worker = bench.worker.clone();
        let first = tokio::spawn(async move { read(&worker, "a", LONG).await });
        while bench.began.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(delete(&bench.worker, SHORT).await, Err(VaultTrouble::Slow));
        assert!(!bench.worker.is_overdue());
        bench.go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok("a.example".into()));
    }

    #[tokio::test]
    async fn a_store_that_answers_after_all_serves_again() {
        let bench = bench();
        assert_eq!(read(&bench.worker, "a", SHORT).await, Err(VaultTrouble::Slow));
        bench.go.send(()).unwrap();
        drop(bench.worker.turn.acquire().await.unwrap());
        bench.go.send(()).unwrap();
        assert_eq!(read(&bench.worker, "b", LONG).await, Ok("b.example".into()));
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_blocks_nobody() {
        let bench = bench();
        let worker = bench.worker.clone();
        let caller = tokio::spawn(async move { read(&worker, "a", LONG).await });
        while bench.began.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        bench.go.send(()).unwrap();
        assert_eq!(delete(&bench.worker, LONG).await, Ok(()));
    }

    #[tokio::test]
    async fn a_store_that_dies_is_absent_and_nobody_hangs() {
        let bench = bench();
        let origin = "https://a.example".parse().unwrap();
        let secret = StoredSecret { origin, client_secret: Secret::new("s".into()) };
        let write = bench.worker.call(LONG, move |store| store.write(&name("a"), &secret, LONG)).await;
        assert_eq!(write.unwrap_err().trouble, VaultTrouble::Absent);
        assert_eq!(delete(&bench.worker, LONG).await, Err(VaultTrouble::Absent));
    }

    #[tokio::test]
    async fn the_thread_ends_with_the_last_handle() {
        let Bench { worker, began: _began, go: _go, mut ended } = bench();
        let second = worker.clone();
        drop(worker);
        assert_eq!(delete(&second, LONG).await, Ok(()));
        drop(second);
        assert!(
            ended.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed),
            "whoever let it go has waited for it"
        );
    }
}
