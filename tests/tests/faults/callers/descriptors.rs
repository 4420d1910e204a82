//! Few file descriptors, and none.

use std::{
    collections::BTreeSet,
    fs,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use airbyte_sandbox::Fault;
use airbyte_tokend_tests::{Airbyte, Call, Cli, Daemon, Home, Http, PATIENCE, Reply, eventually, timed};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::{
    answer, begin_limited_to,
    crowd::{Habit, Nuisance},
    limited_to,
};

/// How many callers can wait where 64 descriptors leave 29 seats: one of them is not waited in.
const WAITING: usize = 28;

/// What processor time is counted in: `sysconf(_SC_CLK_TCK)` is 100 on Linux.
const TICK: Duration = Duration::from_millis(10);

/// How much processor time the process has used (`proc_pid_stat(5)`): the 14th and the 15th field.
fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit(") ").next().expect("its name is in brackets").split(' ');
    let ticks: u32 = fields.skip(11).take(2).map(|field| field.parse::<u32>().expect("a number")).sum();
    TICK * ticks
}

/// Does something in which the daemon has next to nothing to do, and makes sure that it does next to nothing: less than
/// 5 % of a processor, and a tenth of a second for what there was to do.
fn resting(pid: u32, work: impl FnOnce()) {
    let before = processor_time(pid);
    let ((), took) = timed(work);
    let used = processor_time(pid) - before;
    assert!(used < took / 20 + Duration::from_millis(100), "{used:?} of {took:?}: it spins");
}

/// A home with one profile, whose secret is kept, and no daemon.
fn with_a_profile(airbyte: &Airbyte) -> Home {
    let home = Home::new().with_file_vault();
    assert_eq!(Daemon::start_cold(&home, airbyte).stop().code(), Some(0));
    home
}

/// Fault 27: too few file descriptors.
#[test]
fn too_few_descriptors_are_refused_by_name_and_one_more_is_enough() {
    let airbyte = Airbyte::start();
    let home = with_a_profile(&airbyte);
    let ended = begin_limited_to(42, &home).wait();
    assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
    for part in ["at most 42 files may be open", "43 are needed (profiles: 1)", "LimitNOFILE=", "ulimit -n"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!home.socket().exists());

    let _daemon = limited_to(43, &home);
    let http = Http::over(&home.socket());
    let _crowd: Vec<_> = (0..50).map(|_| Nuisance::enter(&http, Habit::Silent)).collect();
    assert_eq!(http.token(), airbyte.latest_token(), "there are enough for an exchange, too");
    let refused = http.put("/v1/profiles/other", &airbyte.profile("memory"));
    assert_eq!((refused.status, refused.code().as_str()), (409, "config_invalid"), "{}", refused.text());
    assert!(refused.text().contains("46 are needed (profiles: 2)"), "{}", refused.text());
}

/// Fault 27: 64 file descriptors and 200 idle callers.
#[test]
fn at_64_descriptors_idle_callers_make_room_for_others_and_the_daemon_rests() {
    /// What 64 descriptors leave when the daemon and its profile have theirs.
    const SEATS: usize = 29;
    let airbyte = Airbyte::start();
    let home = with_a_profile(&airbyte);
    let daemon = limited_to(64, &home);
    let http = Http::over(&home.socket());
    let mut crowd: Vec<_> = (0..200).map(|_| Nuisance::enter(&http, Habit::Silent)).collect();
    let mut connected = || crowd.iter_mut().filter_map(|one| one.is_connected().then_some(())).count();
    assert_eq!(http.token(), airbyte.latest_token());
    eventually("as many as have a seat are left", PATIENCE, || (connected() <= SEATS).then_some(()));
    resting(daemon.pid(), || {
        eventually("they are let go", PATIENCE, || (connected() == 0).then_some(()));
    });
    assert_eq!(http.token(), airbyte.latest_token());
    let said = daemon.stderr().to_string();
    assert!(said.contains("all 29 seats are taken"), "{said}");
    assert!(said.matches("seats are taken").count() <= 3, "{said}");
    assert!(!said.contains("could not be accepted"), "{said}");
}

/// Fault 27: 64 file descriptors and 200 callers who wait.
#[test]
fn at_64_descriptors_whoever_cannot_wait_is_told_so_and_the_others_are_served() {
    const CALLERS: usize = 200;
    let airbyte = Airbyte::start();
    let home = with_a_profile(&airbyte);
    let _daemon = limited_to(64, &home);
    airbyte.add_fault(Fault::hang().forever());
    let http = Http::over(&home.socket());
    let mut callers: Vec<_> = (0..CALLERS).map(|_| Asking::for_a_token(&http)).collect();
    eventually("all others are told", PATIENCE, || {
        let told = callers.iter_mut().filter_map(Asking::answer).count();
        (told == CALLERS - WAITING).then_some(())
    });
    for reply in callers.iter_mut().filter_map(Asking::answer) {
        assert_eq!((reply.status, reply.code().as_str()), (503, "busy"));
        assert_eq!((reply.header("retry-after"), reply.json()["retry_in"].as_u64()), (Some("1"), Some(1)));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(http.get("/v1/status").status, 200, "whoever need not wait is answered");
    let said = Cli::of(&home).fail(&["print"], 75);
    assert!(said.contains("hint: try again in a moment"), "{said}");

    callers.retain_mut(|caller| caller.answer().is_none());
    assert_eq!(callers.len(), WAITING);
    drop(callers.pop());
    eventually("the next one may wait for who left", PATIENCE, || {
        let mut next = Asking::for_a_token(&http);
        // Whoever came later was answered, twice: it was heard.
        assert_eq!([http.get("/healthz").status, http.get("/healthz").status], [200, 200]);
        next.answer().is_none().then(|| callers.push(next))
    });
    airbyte.clear_faults();
    for caller in callers {
        let reply = answer(caller.stream);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// Fault 27: 64 file descriptors, one seat left, and in it a caller whose request comes together with the next caller.
#[test]
fn at_64_descriptors_whoever_has_asked_is_answered_before_the_next_one_gets_the_last_seat() {
    let airbyte = Airbyte::start();
    let home = with_a_profile(&airbyte);
    let daemon = limited_to(64, &home);
    airbyte.add_fault(Fault::hang().forever());
    let http = Http::over(&home.socket());
    let waiting: Vec<_> = (0..WAITING).map(|_| Asking::for_a_token(&http)).collect();
    let pid = Pid::from_raw(daemon.pid().try_into().expect("it is small")).expect("it is one");
    for _ in 0..20 {
        assert_eq!(http.get("/healthz").status, 200);
        let before = sockets(daemon.pid());
        let mut first = http.connect().expect("the queue is long");
        eventually("it is let in", PATIENCE, || (!sockets(daemon.pid()).is_subset(&before)).then_some(()));
        kill_process(pid, Signal::STOP).expect("it is ours");
        first.write_all(&Call::new("GET", "/healthz").bytes()).expect("it listens");
        let mut second = http.connect().expect("the queue is long");
        second.write_all(&Call::new("GET", "/healthz").bytes()).expect("it listens");
        kill_process(pid, Signal::CONT).expect("it is ours");
        assert_eq!([answer(first).status, answer(second).status], [200, 200]);
    }
    drop(waiting);
}

/// The sockets that the process holds (`proc_pid_fd(5)`).
fn sockets(pid: u32) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    // One that is closed in this moment is not there any more.
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).collect()
}

/// A caller whose answer may have come.
struct Asking {
    stream: UnixStream,
    heard: Vec<u8>,
}

impl Asking {
    fn for_a_token(http: &Http) -> Self {
        let mut stream = http.connect().expect("the queue is long");
        stream.write_all(&Call::new("GET", "/v1/token?wait=300s").bytes()).expect("it listens");
        Self { stream, heard: Vec::new() }
    }

    /// The answer, if it has come.
    fn answer(&mut self) -> Option<Reply> {
        self.stream.set_nonblocking(true).expect("it is a socket");
        let mut room = [0; 4096];
        while let Ok(count @ 1..) = self.stream.read(&mut room) {
            self.heard.extend_from_slice(&room[..count]);
        }
        self.stream.set_nonblocking(false).expect("it is a socket");
        Reply::parse(&self.heard)
    }
}

/// Fault 27: no file descriptor left at all.
#[test]
fn out_of_descriptors_the_daemon_rests_sends_the_idle_away_and_recovers() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "memory");
    let http = daemon.http();
    let mut idle = Nuisance::enter(&http, Habit::Idle);
    assert_eq!(http.token(), airbyte.latest_token());
    let before = limit(&daemon, Some(5));
    let mut waiting = http.connect().expect("the queue is long");
    waiting.write_all(&Call::new("GET", "/v1/token").bytes()).expect("it is queued");
    daemon.log().wait_for("a caller could not be accepted");
    resting(daemon.pid(), || {
        waiting.set_read_timeout(Some(Duration::from_secs(3))).expect("it can be limited");
        let nothing = waiting.read(&mut [0; 16]).expect_err("it cannot be accepted");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    });
    assert!(!idle.is_connected());
    limit(&daemon, before.current);
    waiting.set_read_timeout(Some(PATIENCE)).expect("it can be limited");
    let reply = answer(waiting);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said = daemon.log().to_string();
    assert_eq!(said.matches("could not be accepted").count(), 1, "fifteen tries, said once: {said}");
}

/// Sets how many files the daemon may open, and gives back what it was (`prlimit(2)`).
fn limit(daemon: &Daemon, current: Option<u64>) -> Rlimit {
    let pid = Pid::from_raw(daemon.pid().try_into().expect("it is small"));
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    prlimit(pid, Resource::Nofile, Rlimit { current, maximum }).expect("it is ours")
}
