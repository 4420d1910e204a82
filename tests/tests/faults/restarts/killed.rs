//! Killed without a word, again and again, while callers go on asking.

use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{
    Airbyte, Call, Clocks, Daemon, Home, Http, PATIENCE, Recipe, Reply, eventually, timed,
};

/// How far the clocks are moved after each death: as far apart as exchanges may always be, and longer than a successor
/// waits after one whose end nobody saw.
const BETWEEN: Duration = Duration::from_secs(100);
const DEATHS: u64 = 200;

/// Callers who ask without a pause and check each answer.
struct Callers {
    http: Http,
    airbyte: Airbyte,
    done: AtomicBool,
    right: AtomicUsize,
}

impl Callers {
    fn ask(&self) {
        while !self.done.load(Ordering::Relaxed) {
            if let Some(reply) = self.reply() {
                self.judge(&reply);
            }
        }
    }

    /// Nothing, when nobody listens or whoever listened died before it had answered.
    fn reply(&self) -> Option<Reply> {
        let stream = self.http.connect().ok()?;
        answer(stream)
    }

    /// Either a live token or word that there is none at the moment.
    fn judge(&self, reply: &Reply) {
        if reply.status != 200 {
            let code = reply.code();
            let passing = ["upstream_unavailable", "throttled", "shutting_down", "wait_over"];
            assert!(passing.contains(&code.as_str()), "{}", reply.text());
            return;
        }
        let told = reply.json();
        assert_eq!(told["profile"], "main", "{told}");
        assert!(self.airbyte.is_live(told["access_token"].as_str().expect("it is text")), "it is dead");
        self.right.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells whoever goes on until then, also when the test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn answer(mut stream: UnixStream) -> Option<Reply> {
    use std::io::{Read as _, Write as _};
    stream.write_all(&Call::new("GET", "/v1/token?wait=2s").bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    Reply::parse(&bytes)
}

/// At which point of its life a daemon is killed.
#[derive(Clone, Copy)]
enum Moment {
    Starting,
    Ready,
    Serving,
    InTheMiddleOfAnExchange,
}

const MOMENTS: [Moment; 4] =
    [Moment::Starting, Moment::Ready, Moment::Serving, Moment::InTheMiddleOfAnExchange];

/// Fault 24: two hundred times.
#[test]
fn killed_two_hundred_times_it_never_gives_a_wrong_answer_and_serves_soon_after_each_start() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let clocks = Clocks::still(&home);
    let recipe = Recipe::of(&home).clocks(&clocks);
    let first = recipe.start();
    first.log_in("main", &airbyte, "file");
    let http = first.http();
    drop(first.kill());
    let callers = Callers { http, airbyte, done: AtomicBool::new(false), right: AtomicUsize::new(0) };
    let mut firsts = Vec::new();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| callers.ask())).collect();
        let told = Done(&callers.done);
        for death in 0..DEATHS {
            pass(&clocks, &callers.airbyte);
            let moment = MOMENTS[usize::try_from(death).expect("a small number") % MOMENTS.len()];
            firsts.extend(live_until(moment, &recipe, &callers));
        }
        drop(told);
        asking.into_iter().for_each(|caller| caller.join().expect("every answer was right"));
    });
    assert!(callers.right.load(Ordering::Relaxed) > 0, "callers got tokens in between");
    firsts.sort();
    // A second is what a person allows. That half of the starts keep it on any machine leaves room for what two busy
    // cores do to the rest.
    let median = firsts[firsts.len() / 2];
    assert!(
        median <= Duration::from_secs(1),
        "from start to first token: {median:?}, at worst {:?}",
        firsts.last()
    );
}

fn pass(clocks: &Clocks, airbyte: &Airbyte) {
    let seconds = i64::try_from(BETWEEN.as_secs()).expect("a small number");
    airbyte.change_settings(|settings| settings.clock_skew += seconds);
    clocks.suspend(BETWEEN);
}

/// One life, and how long it took from its beginning to the first token, if it came so far.
fn live_until(moment: Moment, recipe: &Recipe<'_>, callers: &Callers) -> Option<Duration> {
    match moment {
        Moment::Starting => {
            recipe.begin().kill();
            None
        }
        Moment::Ready => {
            recipe.start().kill();
            None
        }
        Moment::Serving => {
            let (daemon, took) = timed(|| {
                let daemon = recipe.start();
                let token = daemon.http().token();
                assert!(callers.airbyte.is_live(&token));
                daemon
            });
            daemon.kill();
            Some(took)
        }
        Moment::InTheMiddleOfAnExchange => {
            let before = callers.airbyte.exchanges();
            callers.airbyte.add_fault(Fault::hang());
            let daemon = recipe.start();
            callers.airbyte.wait_for_exchanges(before + 1);
            daemon.kill();
            callers.airbyte.clear_faults();
            None
        }
    }
}

/// Fault 24: right after an answer.
#[test]
fn whoever_is_killed_right_after_its_first_answer_leaves_nothing_to_wait_for() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let clocks = Clocks::still(&home);
    Daemon::start_cold(&home, &airbyte).kill();
    for _ in 0..8 {
        // The floor between two exchanges, and the second to which what is remembered is rounded.
        clocks.suspend(Duration::from_secs(2));
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        let reply = daemon.http().get("/v1/token?wait=5s");
        daemon.kill();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_eq!(airbyte.exchanges(), 8);
}

/// Fault 24: Airbyte had asked for patience.
#[test]
fn what_airbyte_asked_for_is_remembered_by_whoever_comes_after_the_killed() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    airbyte.add_fault(Fault::status(429).retry_after("600").forever());
    assert_eq!(daemon.http().get("/v1/token?wait=5s").code(), "throttled");
    await_memory(&home, "throttled");
    daemon.kill();
    for _ in 0..10 {
        let daemon = Daemon::start(&home);
        let reply = daemon.http().get("/v1/token?wait=1s");
        assert_eq!(reply.code(), "throttled");
        let wait = reply.json()["retry_in"].as_u64();
        assert!(wait.is_some_and(|wait| (500..=751).contains(&wait)), "{}", reply.text());
        daemon.kill();
    }
    assert_eq!(airbyte.exchanges(), 1);
}

/// Waits until this stands in what is remembered.
pub(super) fn await_memory(home: &Home, wanted: &str) -> PathBuf {
    let path = home.state().join("memory.json");
    eventually(&format!("`{wanted}` is written down"), PATIENCE, || {
        std::fs::read_to_string(&path).ok().filter(|text| text.contains(wanted)).map(drop)
    });
    path
}

/// Fault 24: lock and socket.
#[test]
fn whoever_comes_after_the_killed_takes_its_lock_and_replaces_its_socket() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start_cold(&home, &airbyte);
    daemon.kill();
    let refused = UnixStream::connect(home.socket()).expect_err("the socket is there and nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let daemon = Daemon::start(&home);
    let lock = std::fs::read_to_string(home.socket().with_extension("lock")).expect("it is there");
    assert_eq!(lock.trim(), daemon.pid().to_string());
    assert_eq!(daemon.http().token(), airbyte.latest_token());
}
