//! Who and what, in words. Whatever a program chose was made fit to be shown when it was written, and is again.

use airbyte_token_local::audit::{DONE, Event, Process, Verb, Who};

/// The daemon's own door: where it is not this one, it is told.
const MAIN_DOOR: &str = "the main socket";

/// What happened, and what came of it if that is not what was asked for.
pub(super) fn what(event: &Event) -> String {
    if event.outcome == DONE { event.verb.to_string() } else { format!("{}: {}", event.verb, event.outcome) }
}

/// Who did it, by which way, and what else there is to say.
pub(super) fn by_whom(event: &Event) -> String {
    let subject = match (&event.who, event.verb) {
        (Some(asker), _) => who(asker),
        (None, Verb::Reload) => "a signal".to_owned(),
        (None, _) => "the daemon".to_owned(),
    };
    let door = way_in(event.door.as_deref());
    let detail = event.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    format!("{subject}{door}{detail}")
}

/// By which door, if it was not the daemon's own.
pub(in crate::commands) fn way_in(door: Option<&str>) -> String {
    let door = door.filter(|door| *door != MAIN_DOOR);
    door.map_or_else(String::new, |door| format!(", by {door}"))
}

/// A local client, or a user's program and the one that started it.
pub(in crate::commands) fn who(who: &Who) -> String {
    let Who { client, uid, process, parent } = who;
    if let Some(client) = client {
        return format!("local client {client}");
    }
    let Some(uid) = uid else { return "nobody knows who".to_owned() };
    let parent =
        parent.as_ref().map_or_else(String::new, |parent| format!(", started by {}", program(parent)));
    format!("uid {uid}: {}{parent}", program(process))
}

fn program(process: &Process) -> String {
    let name = match (&process.program, &process.comm) {
        (Some(program), Some(comm)) => format!("{program} ({comm})"),
        (Some(program), None) => program.clone(),
        (None, Some(comm)) => format!("({comm})"),
        (None, None) => "a program that was gone".to_owned(),
    };
    process.pid.map_or_else(|| name.clone(), |pid| format!("{name} {pid}"))
}

#[cfg(test)]
mod tests {
    use airbyte_token_local::audit::Stamp;

    use super::*;

    fn process(pid: i32, program: Option<&str>, comm: Option<&str>) -> Process {
        Process { pid: Some(pid), program: program.map(str::to_owned), comm: comm.map(str::to_owned) }
    }

    fn peer(process: Process, parent: Option<Process>) -> Who {
        Who { client: None, uid: Some(1000), process, parent }
    }

    #[test]
    fn an_asker_is_told_with_the_program_that_started_it() {
        let client = || process(42, Some("/usr/bin/airbyte-token"), None);
        let script = process(7, Some("/usr/bin/bash"), Some("deploy.sh"));
        for (asker, expected) in [
            (
                peer(client(), Some(script)),
                "uid 1000: /usr/bin/airbyte-token 42, started by /usr/bin/bash (deploy.sh) 7",
            ),
            (peer(process(42, None, Some("curl")), None), "uid 1000: (curl) 42"),
            (peer(process(42, None, None), None), "uid 1000: a program that was gone 42"),
            (peer(Process { pid: None, ..client() }, None), "uid 1000: /usr/bin/airbyte-token"),
            (Who { client: Some("dbt".to_owned()), ..Who::default() }, "local client dbt"),
            (Who::default(), "nobody knows who"),
        ] {
            assert_eq!(who(&asker), expected);
        }
    }

    #[test]
    fn a_way_in_is_told_unless_it_is_the_usual_one() {
        let stamp = Stamp::new(std::time::Duration::ZERO);
        let event = |door: &str| Event {
            who: Some(Who { client: Some("dbt".to_owned()), ..Who::default() }),
            door: Some(door.to_owned()),
            ..Event::new(stamp, Verb::Token)
        };
        assert_eq!(by_whom(&event(MAIN_DOOR)), "local client dbt");
        assert_eq!(by_whom(&event("http")), "local client dbt, by http");
        assert_eq!(by_whom(&Event::new(stamp, Verb::Reload)), "a signal");
        let detail = Some("2 of them".to_owned());
        assert_eq!(by_whom(&Event { detail, ..Event::new(stamp, Verb::Lost) }), "the daemon (2 of them)");
    }

    #[test]
    fn an_outcome_is_told_where_it_is_not_what_was_asked_for() {
        let event = Event::new(Stamp::new(std::time::Duration::ZERO), Verb::Login);
        assert_eq!(what(&event), "login");
        assert_eq!(what(&Event { outcome: "rejected".into(), ..event }), "login: rejected");
    }
}
