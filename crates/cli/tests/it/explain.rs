//! `explain`, with the real binary.

use serde_json::{Value, json};

use crate::support::{Daemon, Reply, Told, client, run};

const FINGERPRINT: &str = "0123456789abcdef";

fn timeline(more: Value) -> Value {
    let mut timeline =
        json!({"profile": "prod", "now": "2030-06-02T14:20:00+02:00", "state": "idle", "events": []});
    timeline.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    timeline
}

/// The client's page, told two hours east of Greenwich.
fn explained(reply: &Value) -> String {
    told("explain", reply).done()
}

fn told(line: &str, reply: &Value) -> Told {
    let daemon = Daemon::with([Reply::json(200, &reply.to_string())]);
    run(client(line).arg("--socket").arg(&daemon.socket), "")
}

fn outage() -> Value {
    let exchange = |at: &str, ago: u64, why: &str, result: Value| json!({"at": format!("2030-06-02T{at}+02:00"), "ago": ago, "event": "exchange", "why": why, "result": result});
    let token = json!({"result": "token", "fingerprint": FINGERPRINT, "lifetime": 900, "took_ms": 120});
    let failed = |code: &str, message: &str| json!({"result": "failed", "code": code, "message": message, "took_ms": 10_049});
    timeline(json!({"state": "degraded", "fingerprint": FINGERPRINT, "expires_in": 243,
    "last_error": {"code": "upstream_unavailable", "message": "connection refused", "hint": "wait for it"},
    "next": {"in": 12, "why": "retry", "held_by": "issuer"},
    "events": [
        {"at": "2030-06-01T23:00:00+02:00", "ago": 55_200, "event": "started",
            "remembered": {"code": "rejected", "message": "401"}},
        {"at": "2030-06-01T23:30:00+02:00", "ago": 53_400, "event": "logged_in", "fingerprint": FINGERPRINT, "lifetime": 900},
        {"at": "2030-06-02T00:30:00+02:00", "ago": 49_800, "event": "changed"},
        exchange("14:03:05", 1_015, "no_token", token),
        {"at": "2030-06-02T14:04:00+02:00", "ago": 960, "event": "clock_set", "seconds": -3_600},
        {"at": "2030-06-02T14:05:00+02:00", "ago": 900, "event": "clock_set", "seconds": 3_600},
        exchange("14:13:01", 419, "renewal", failed("upstream_unavailable", "connection refused")),
        exchange("14:19:48", 12, "asked", failed("throttled", "\u{1b}[2J429")),
    ]}))
}

#[test]
fn explain_tells_what_happened_how_things_stand_and_what_comes_next() {
    let expected = [
        "prod is degraded: a token lives, but its renewal fails: Airbyte is out of reach or in trouble",
        "what happened, oldest first:",
        "  on 2030-06-01:",
        "  23:00:00  15h 20m ago  the daemon began to serve this profile",
        "                         and remembered from before: 401 (rejected)",
        "  23:30:00  14h 50m ago  somebody logged in, and Airbyte took the secret",
        "                         got token 0123456789abcdef for 15m 0s",
        "  on 2030-06-02:",
        "  00:30:00  13h 50m ago  the profile was changed in the configuration",
        "  14:03:05  16m 55s ago  a program asked, and no token was alive",
        "                         got token 0123456789abcdef for 15m 0s, in 120 ms",
        "  14:04:00   16m 0s ago  this machine's clock was set back by 1h 0m",
        "  14:05:00   15m 0s ago  this machine's clock was set ahead by 1h 0m, or the machine was paused",
        "  14:13:01   6m 59s ago  renewed ahead of time, before the token dies",
        "                         failed after 10.0 s: connection refused (upstream_unavailable)",
        "  14:19:48      12s ago  you asked (`airbyte-token refresh`)",
        "                         failed after 10.0 s: ?[2J429 (throttled)",
        "now:",
        "  token 0123456789abcdef lives 4m 3s more",
        "  error: connection refused (upstream_unavailable)",
        "next:",
        "  in 12s: tries again after the failure; not sooner, since Airbyte asked to be left alone until then",
        "hint: wait for it",
        "",
    ];
    let page = explained(&outage());
    assert_eq!(page.lines().collect::<Vec<_>>(), expected.join("\n").lines().collect::<Vec<_>>(), "{page}");
}

#[test]
fn explain_asks_for_the_profile_that_is_meant() {
    let reply = || Reply::json(200, &timeline(json!({})).to_string());
    let daemon = Daemon::with([reply(), reply(), reply()]);
    daemon.run("explain").done();
    daemon.run("explain -p prod").done();
    run(client("explain").env("AIRBYTE_PROFILE", "v").arg("--socket").arg(&daemon.socket), "").done();
    let lines: Vec<_> = daemon.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(lines, ["GET /v1/timeline", "GET /v1/timeline?profile=prod", "GET /v1/timeline?profile=v"]);
}

#[test]
fn explain_hands_programs_the_reply_as_it_is() {
    let told: Value = serde_json::from_str(&told("explain --json", &outage()).done()).unwrap();
    assert_eq!(told, outage());
}

fn next(more: Value) -> String {
    let page = explained(&timeline(more));
    let (_, next) = page.split_once("\nnext:\n  ").expect("what comes next is told");
    next.lines().next().expect("in a line").to_owned()
}

#[test]
fn where_nothing_is_planned_it_is_told_why() {
    let event = |ago: u64, event: Value| {
        let mut whole =
            json!({"at": "2030-06-02T14:00:00+02:00", "ago": ago, "event": "exchange", "why": "no_token"});
        whole.as_object_mut().expect("an object").extend(event.as_object().expect("an object").clone());
        whole
    };
    let token = |lifetime: u64| json!({"result": {"result": "token", "fingerprint": FINGERPRINT, "lifetime": lifetime, "took_ms": 1}});
    for (more, expected) in [
        (json!({}), "nothing, since no program asks; the next that asks gets a token"),
        (
            json!({"state": "renewing", "events": [event(3, json!({}))]}),
            "an exchange is under way, begun 3s ago",
        ),
        (
            json!({"state": "fresh", "events": [event(3, token(10))]}),
            "nothing, since tokens of so short a life are fetched when a program asks",
        ),
        (
            json!({"state": "rejected", "events": [event(3, token(11))]}),
            "nothing until a program asks, since none has asked for a while",
        ),
    ] {
        assert_eq!(next(more), expected);
    }
}

#[test]
fn an_exchange_ends_with_the_profile_that_it_was_made_for() {
    let open = json!({"at": "2030-06-02T14:00:00+02:00", "ago": 9, "event": "exchange", "why": "no_token"});
    let event =
        |event: &str| json!({"at": "2030-06-02T14:00:03+02:00", "ago": 6, "event": event, "seconds": -60});
    for (later, result, is_under_way) in
        [("changed", "given up", false), ("clock_set", "no answer yet", true)]
    {
        let page = explained(&timeline(json!({"state": "renewing", "events": [open, event(later)]})));
        assert!(page.contains(&format!("  {result}\n")), "{page}");
        assert_eq!(page.contains("an exchange is under way, begun 9s ago"), is_under_way, "{page}");
    }
}

#[test]
fn what_is_planned_is_told_with_its_time_and_its_reason() {
    for (plan, expected) in [
        (json!({"in": 423, "why": "renewal"}), "in 7m 3s: renews the token ahead of time, before it dies"),
        (json!({"in": 0, "why": "vault"}), "now: looks again whether the secret can be had"),
        (
            json!({"in": 40, "why": "asked", "held_by": "budget"}),
            "in 40s: renews the token, since you asked; \
             not sooner, so that Airbyte is asked 10 times a minute and 60 times an hour at most",
        ),
    ] {
        assert_eq!(next(json!({"state": "fresh", "next": plan})), expected);
    }
}

#[test]
fn a_state_that_somebody_must_mend_ends_with_its_remedy() {
    let page = explained(&timeline(json!({"state": "clock_suspect"})));
    assert!(page.ends_with("\nhint: set this machine's clock: `timedatectl set-ntp true`\n"), "{page}");
    let error = json!({"code": "rejected", "message": "m", "hint": "\u{1b}]0;owned\u{7}"});
    let page = explained(&timeline(json!({"state": "rejected", "last_error": error})));
    assert!(page.ends_with("\n  error: m\nnext:\n  nothing until a program asks, since none has asked for a while\nhint: ?]0;owned?\n"), "{page}");
    assert!(!explained(&timeline(json!({}))).contains("hint:"), "an idle profile needs no remedy");
}

#[test]
fn a_timeline_without_an_end_is_told_from_its_end() {
    let event = |ago: u64| json!({"at": "garbage\u{7}", "ago": ago, "event": "changed"});
    let events: Vec<_> = (0..2_000).rev().map(event).collect();
    let page = explained(&timeline(json!({ "events": events })));
    assert_eq!(page.matches("the profile was changed").count(), 50);
    assert!(page.contains("  ??:??:??  49s ago  ") && !page.contains(" 50s ago "), "{page}");
    assert!(!page.contains('\u{7}'));
}
