//! A refusal that outlives whoever heard it, and one that nobody lived to hear.

use std::{fs, thread, time::Duration};

use airbyte_sandbox::{Fault, Reply as Answer, Trouble};
use airbyte_tokend_tests::{Airbyte, Canary, Cli, Clocks, Daemon, Home, Http, PATIENCE, Recipe, eventually};

use super::killed::await_memory;

const RESTARTS: usize = 50;
/// The most exchanges within any minute.
const MOST: usize = 3;

/// A sealed secret that Airbyte does not accept any more, and nobody who runs. Airbyte's counts begin at zero.
fn refused(home: &Home) -> Airbyte {
    let airbyte = Airbyte::start();
    Daemon::start_cold(home, &airbyte).kill();
    airbyte.set_secret("another-secret-by-now");
    airbyte
}

/// In no minute were there more exchanges than may be, however long all of it took; and there was more than one.
fn assert_few(airbyte: &Airbyte) {
    let times: Vec<_> = airbyte.requests().iter().filter(|seen| seen.exchange).map(|seen| seen.at).collect();
    assert!(times.len() >= 2, "it was asked {} times", times.len());
    for minute in times.windows(MOST + 1) {
        let took = minute[MOST] - minute[0];
        assert!(took >= Duration::from_secs(60), "{} exchanges within {took:?}", MOST + 1);
    }
}

/// Asks as a caller does, and does not care for the answer.
fn ask(http: &Http) {
    let http = http.clone();
    thread::spawn(move || drop(http.connect().map(|_| http.get("/v1/token?wait=1s"))));
}

/// Fault 24: a refused secret.
#[test]
fn fifty_restarts_within_a_minute_with_a_refused_secret_make_three_exchanges_at_most() {
    let home = Home::new().with_file_vault();
    let (clocks, airbyte) = (Clocks::still(&home), refused(&home));
    for _ in 0..RESTARTS {
        let daemon = Recipe::of(&home).clocks(&clocks).start();
        let reply = daemon.http().get("/v1/token?wait=2s");
        assert!([424, 503].contains(&reply.status), "{}", reply.text());
        daemon.kill();
        clocks.suspend(Duration::from_secs(1));
    }
    let exchanges = airbyte.exchanges();
    assert!((1..=MOST).contains(&exchanges), "{exchanges} exchanges");
}

/// Fault 24: a refused secret, and a kill in the middle of every exchange.
#[test]
fn fifty_kills_before_the_refusal_is_heard_make_three_exchanges_a_minute_at_most() {
    let home = Home::new().with_file_vault();
    let airbyte = refused(&home);
    airbyte.add_fault(Fault::hang().forever());
    for _ in 0..RESTARTS {
        kill_at_the_worst_moment(&home, &airbyte);
    }
    assert_few(&airbyte);
    let daemon = Daemon::start(&home);
    let reply = daemon.http().get("/v1/token?wait=1s");
    assert_eq!((reply.status, reply.code().as_str()), (503, "upstream_unavailable"), "{}", reply.text());
    assert!(reply.text().contains("times in a row before Airbyte had answered"), "{}", reply.text());
    assert!(reply.json()["retry_in"].as_u64().is_some_and(|wait| wait <= 60), "{}", reply.text());
}

/// Fault 24: a refused secret, and a kill in the middle of every other exchange.
#[test]
fn fifty_restarts_of_which_some_are_kills_in_the_middle_make_three_exchanges_a_minute_at_most() {
    let home = Home::new().with_file_vault();
    let airbyte = refused(&home);
    for restart in 0..RESTARTS {
        if restart % 2 == 0 {
            airbyte.add_fault(Fault::hang());
        }
        kill_at_the_worst_moment(&home, &airbyte);
        airbyte.clear_faults();
    }
    assert_few(&airbyte);
}

/// A life that ends with an exchange that has just been sent, or when it is clear that there will be none soon.
fn kill_at_the_worst_moment(home: &Home, airbyte: &Airbyte) {
    let (daemon, before) = (Daemon::start(home), airbyte.exchanges());
    ask(&daemon.http());
    eventually("Airbyte is asked, or will not be asked soon", PATIENCE, || {
        let waits = daemon.http().status_of("main")["retry_in"].as_u64().is_some_and(|wait| wait > 1);
        (waits || airbyte.exchanges() > before).then_some(())
    });
    daemon.kill();
}

/// Fault 24: the secret is put right.
#[test]
fn a_new_secret_is_tried_at_once_whatever_is_remembered_of_the_old_one() {
    let home = Home::new().with_file_vault();
    let airbyte = refused(&home);
    let daemon = Daemon::start(&home);
    drop(daemon.http().get("/v1/token?wait=10s"));
    airbyte.wait_for_exchanges(2);
    await_memory(&home, "parked");
    daemon.kill();
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.http().get("/v1/token").code(), "rejected");
    assert_eq!(airbyte.exchanges(), 2);
    let login = Cli::of(&home).log_in_with(&airbyte, "file", "another-secret-by-now", &["-p", "main"]);
    assert_eq!(login.code(), Some(0), "{}", login.stderr);
    assert_eq!(daemon.http().token(), airbyte.latest_token());
    assert_eq!(daemon.http().status_of("main")["state"], "fresh");
    assert_eq!(airbyte.exchanges(), 3);
    daemon.kill();
    assert_eq!(Daemon::start(&home).http().token(), airbyte.latest_token(), "and nothing else is remembered");
}

/// Fault 24: what is remembered.
#[test]
fn what_is_remembered_holds_neither_secret_nor_token_though_airbyte_repeats_both() {
    let (home, airbyte) = (Home::new().with_file_vault(), Airbyte::start());
    let daemon = Daemon::start(&home);
    daemon.log_in("main", &airbyte, "file");
    let token = Canary::of(airbyte.latest_token());
    let words = format!("no {} and no {}", airbyte.secret().expose(), token.expose());
    let body = serde_json::json!({ "message": words }).to_string();
    let content = Some(("application/json".to_owned(), body));
    airbyte.add_fault(Fault::new(Trouble::Reply(Answer::Status { code: 401, content })).forever());
    assert!(daemon.http().post("/v1/token/refresh?wait=5s").status >= 400);
    let memory = await_memory(&home, "rejected");
    daemon.kill();
    for file in [memory, home.state().join("secrets")] {
        let bytes = fs::read(&file).expect("it is there");
        airbyte.secret().assert_absent(&file.display().to_string(), &bytes);
        token.assert_absent(&file.display().to_string(), &bytes);
    }
}
