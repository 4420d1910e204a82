use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, time::Duration};

use airbyte_token_local::ProfileState;
use proptest::prelude::*;

use super::*;

fn meant(line: &str) -> Result<Invocation, UsageError> {
    parse(line.split_whitespace().map(OsString::from), None)
}

fn command(line: &str) -> Command {
    match meant(line).unwrap() {
        Invocation::Run { command, .. } => command,
        other @ (Invocation::Help(_) | Invocation::Version) => panic!("{line}: {other:?}"),
    }
}

fn login(line: &str) -> Login {
    let Command::Login(login) = command(line) else { panic!("{line} is no login") };
    login
}

fn name(text: &str) -> Option<ProfileName> {
    Some(text.parse().unwrap())
}

fn new_client(profile: Option<ProfileName>, mode: ClientMode) -> NewClient {
    NewClient { name: "ci".parse().unwrap(), profile, mode, read_only: false }
}

fn span(seconds: u64) -> Option<Span> {
    Some(Span::new(Duration::from_secs(seconds)))
}

#[test]
fn every_command_is_understood() {
    let plain = TokenArgs { profile: None, min_ttl: None, wait: None };
    let full = || TokenArgs { profile: name("a"), min_ttl: span(300), wait: span(10) };
    for (line, expected) in [
        ("print", Command::Print { query: plain, json: false }),
        ("print -p a --min-ttl 5m --wait=10 --json", Command::Print { query: full(), json: true }),
        ("--profile=a --wait 10s print --min-ttl 300", Command::Print { query: full(), json: false }),
        ("header -pa --min-ttl 5m --wait 10s", Command::Header(full())),
        ("status", Command::Status { only: None, json: false }),
        ("status -p a --json", Command::Status { only: name("a"), json: true }),
        ("refresh -p a --wait 10s", Command::Refresh { profile: name("a"), wait: span(10) }),
        ("profiles --json", Command::Profiles { only: None, json: true }),
        ("explain", Command::Explain { profile: None, json: false }),
        ("explain -p a --json", Command::Explain { profile: name("a"), json: true }),
        ("wait", Command::Wait(WaitArgs { profile: None, min_ttl: None, timeout: None })),
        (
            "wait -p a --timeout 1h --min-ttl 5m",
            Command::Wait(WaitArgs { profile: name("a"), min_ttl: span(300), timeout: span(3_600) }),
        ),
        ("reload", Command::Reload),
        ("lock", Command::Lock),
        ("unlock", Command::Unlock),
        ("logout -p a", Command::Logout { profile: name("a"), force: false }),
        ("logout --force", Command::Logout { profile: None, force: true }),
        ("use a", Command::Use { profile: "a".parse().unwrap() }),
        ("client list", Command::ClientList { only: None, json: false }),
        ("client list -p a --json", Command::ClientList { only: name("a"), json: true }),
        ("client rm ci", Command::ClientRm { name: "ci".parse().unwrap() }),
        ("client add ci", Command::ClientAdd { new: new_client(None, ClientMode::Proxy), json: false }),
        (
            "--json client --mode token add -p a ci",
            Command::ClientAdd { new: new_client(name("a"), ClientMode::Token), json: true },
        ),
        (
            "client add --read-only ci --mode=proxy",
            Command::ClientAdd {
                new: NewClient { read_only: true, ..new_client(None, ClientMode::Proxy) },
                json: false,
            },
        ),
        (
            "print -p b -p a",
            Command::Print {
                query: TokenArgs { profile: name("a"), min_ttl: None, wait: None },
                json: false,
            },
        ),
    ] {
        assert_eq!(command(line), expected, "{line}");
    }
}

#[test]
fn the_service_follows_from_what_is_said_of_it() {
    for (line, service, url) in [
        ("login", None, None),
        ("login --service cloud", Some(Service::Cloud), None),
        ("login --url https://a.example", Some(Service::SelfManaged), Some("https://a.example")),
        (
            "login --service self-managed --url https://a.example",
            Some(Service::SelfManaged),
            Some("https://a.example"),
        ),
        ("login --agents", Some(Service::Agents), None),
        ("login --agents --service agents", Some(Service::Agents), None),
        ("login --agents --url http://127.0.0.1:1", Some(Service::Agents), Some("http://127.0.0.1:1")),
        ("login --service cloud --url http://127.0.0.1:1", Some(Service::Cloud), Some("http://127.0.0.1:1")),
    ] {
        let login = login(line);
        assert_eq!((login.service, login.url.as_deref()), (service, url), "{line}");
    }
}

#[test]
fn a_login_takes_everything_but_the_secret() {
    let login = login(
        "login -p a --client-id id --vault file --organization-id org --ca-file ca.pem --proxy http://p:1 --default",
    );
    let expected = Login {
        profile: name("a"),
        service: None,
        url: None,
        client_id: Some("id".parse().unwrap()),
        organization_id: Some("org".into()),
        vault: Some(StoreKind::File),
        ca_file: Some("ca.pem".into()),
        proxy: Some("http://p:1".into()),
        default: true,
    };
    assert_eq!(login, expected);
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_quoted() {
    for line in [
        "login --client-secret canary",
        "login --client-secret=canary",
        "--secret=canary login",
        "login --password canary",
        "print --token=canary",
    ] {
        let error = meant(line).unwrap_err();
        assert!(matches!(error.mistake, Mistake::SecretInArgument(_)), "{line}: {error:?}");
        assert!(error.to_string().contains("seen by every user"), "{error}");
        assert!(error.hint().contains("prompt"));
    }
    for line in [
        "login canary",
        "login -p a canary",
        "login --agents=canary",
        "login --vault canary",
        "-p ?canary print",
    ] {
        let error = meant(line).unwrap_err();
        assert!(!format!("{error} {}", error.hint()).contains("canary"), "{line}: {error}");
    }
}

#[test]
fn mistakes_are_named_with_a_way_out() {
    for (line, what, hint) in [
        ("", "no command given", "--help"),
        ("pirnt", "there is no command `pirnt`", "did you mean `print`?"),
        ("frobnicate", "there is no command `frobnicate`", "--help"),
        ("print --min-tl 5m", "there is no option --min-tl", "did you mean --min-ttl?"),
        ("--frobnicate", "there is no option --frobnicate", "`airbyte-token --help`"),
        ("print --frobnicate", "there is no option --frobnicate", "airbyte-token print --help"),
        ("print -x", "there is no option -x", "airbyte-token print --help"),
        ("print --min-ttl", "--min-ttl needs a value", "airbyte-token print --help"),
        (
            "print --min-ttl soon",
            "the value of --min-ttl cannot be used: not a length of time",
            "airbyte-token print --help",
        ),
        ("print --json=yes", "--json takes no value", "airbyte-token print --help"),
        ("explain main", "`explain` was given a word too many", "airbyte-token explain --help"),
        ("reload -p a", "--profile does not belong to `reload`", "airbyte-token reload --help"),
        ("reload a", "`reload` was given a word too many", "see `airbyte-token reload --help`"),
        ("wait --wait 5s", "--wait does not belong to `wait`", "airbyte-token wait --help"),
        (
            "wait --timeout 61m",
            "the value of --timeout cannot be used: longer than an hour",
            "airbyte-token wait --help",
        ),
        ("wait --timeout 2d", "the value of --timeout cannot be used: longer than an hour", "wait --help"),
        ("wait --timeout never", "the value of --timeout cannot be used: not a length", "wait --help"),
        ("print --force", "--force does not belong to `print`", "airbyte-token print --help"),
        ("print --url https://a.example", "--url does not belong to `print`", "airbyte-token print --help"),
        ("header --json", "--json does not belong to `header`", "airbyte-token header --help"),
        ("print prod", "`print` was given a word too many", "-p"),
        ("use", "`use` needs the name of a profile", "airbyte-token profiles"),
        ("use a b", "`use` was given a word too many", "airbyte-token use --help"),
        ("use ../a", "the value of NAME cannot be used: a profile name has", "--help"),
        ("client", "`client` needs to be told what to do", "add, list or rm"),
        ("client remove ci", "there is no command `client remove`", "airbyte-token client --help"),
        ("client ad ci", "there is no command `client ad`", "did you mean `client add`?"),
        ("client add", "`client add` needs the name of a local client", "airbyte-token client add --help"),
        ("client rm", "`client rm` needs the name of a local client", "airbyte-token client list"),
        ("client add a b", "`client add` was given a word too many", "-p"),
        (
            "client add ../a",
            "the value of NAME cannot be used: a local client's name has",
            "client add --help",
        ),
        ("client rm a --json", "--json does not belong to `client rm`", "client rm --help"),
        (
            "client add a --mode all",
            "the value of --mode cannot be used: not a mode; choose one of",
            "--help",
        ),
        ("client add a --mode token --read-only", "--read-only needs --mode proxy", "leave one of them out"),
        ("audit now", "`audit` was given a word too many", "-p"),
        ("audit --wait 1s", "--wait does not belong to `audit`", "airbyte-token audit --help"),
        ("audit --since yesterday", "the value of --since cannot be used: not a length", "audit --help"),
        ("audit --state-dir=", "--state-dir was given an empty value", "--help"),
        ("trace -p main", "--profile does not belong to `trace`", "airbyte-token trace --help"),
        ("trace 0123456789abcdef x", "`trace` was given a word too many", "airbyte-token trace --help"),
        ("trace 0123456789abcde", "the value of FINGERPRINT cannot be used: a fingerprint has", "--help"),
        ("trace eyJhbGciOiJIUzI1NiJ9.e30", "a token was given as an argument", "trace < FILE"),
        ("login --service self-managed", "a self-managed Airbyte needs its address", "--url"),
        ("login --agents --service cloud", "--agents and --service name two different services", "one"),
        (
            "login --service moon",
            "the value of --service cannot be used: not a service; choose one of",
            "--help",
        ),
        ("login --vault safe", "the value of --vault cannot be used: not a vault; choose one of", "--help"),
        ("login --url=", "--url was given an empty value", "--help"),
        ("status --socket=", "--socket was given an empty value", "--help"),
    ] {
        let error = meant(line).unwrap_err();
        assert!(error.to_string().starts_with(what), "{line}: {error}");
        assert!(error.hint().contains(hint), "{line}: {}", error.hint());
        assert!(!error.to_string().ends_with('.') && !error.hint().ends_with('.'));
    }
}

#[test]
fn the_variable_names_a_profile_where_no_option_does() {
    let with = |line: &str, variable: &str| {
        let words = line.split_whitespace().map(OsString::from);
        match parse(words, Some(variable.into())) {
            Ok(Invocation::Run { command, .. }) => Ok(command),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(error) => Err(error),
        }
    };
    let profile = |command| match command {
        Command::Header(query) | Command::Print { query, .. } => query.profile,
        Command::Logout { profile, .. }
        | Command::Refresh { profile, .. }
        | Command::Explain { profile, .. } => profile,
        Command::Wait(args) => args.profile,
        Command::Reload | Command::Lock | Command::Unlock | Command::ClientRm { .. } | Command::Trace(_) => {
            None
        }
        Command::Audit(args) => args.profile,
        Command::ClientAdd { new, .. } => new.profile,
        Command::Login(login) => login.profile,
        Command::Status { only, .. } | Command::Profiles { only, .. } | Command::ClientList { only, .. } => {
            only
        }
        Command::Use { profile } => Some(profile),
    };
    for line in ["print", "header", "logout", "refresh", "login", "explain", "wait", "client add ci"] {
        assert_eq!(profile(with(line, "v").unwrap()), name("v"), "{line}");
        assert_eq!(profile(with(&format!("{line} -p o"), "v").unwrap()), name("o"), "{line}");
    }
    for line in ["status", "profiles", "client list"] {
        assert_eq!(profile(with(line, "v").unwrap()), None, "{line} shows all");
    }
    let error = with("print", "not a name").unwrap_err();
    assert!(error.to_string().starts_with("AIRBYTE_PROFILE cannot be used"), "{error}");
    assert!(with("print -p o", "not a name").is_ok());
}

#[test]
fn help_is_there_for_all_and_for_each() {
    for (line, expected) in [
        ("--help", Invocation::Help(None)),
        ("-h", Invocation::Help(None)),
        ("help", Invocation::Help(None)),
        ("help login", Invocation::Help(Some(Verb::Login))),
        ("login -h", Invocation::Help(Some(Verb::Login))),
        ("--help print", Invocation::Help(Some(Verb::Print))),
        ("client --help", Invocation::Help(Some(Verb::Client))),
        ("help client add", Invocation::Help(Some(Verb::ClientAdd))),
        ("login --service self-managed --help", Invocation::Help(Some(Verb::Login))),
        ("--version", Invocation::Version),
        ("-V", Invocation::Version),
    ] {
        assert_eq!(meant(line), Ok(expected), "{line}");
    }
}

#[test]
fn every_help_page_has_usage_examples_and_exit_statuses_and_fits_a_terminal() {
    for verb in Verb::ALL.into_iter().map(Some).chain([None]) {
        let page = page(verb);
        for part in [
            "Usage: airbyte-token ",
            "Examples:\n",
            "Exit status:\n   0  done",
            "  69  ",
            "  78  ",
            "--socket",
        ] {
            assert!(page.contains(part), "{verb:?} lacks {part}");
        }
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{verb:?} is too wide");
        assert!(page.ends_with('\n') && !page.contains("\n\n\n"), "{verb:?}");
    }
}

#[test]
fn every_option_of_a_command_is_in_its_help_and_no_other() {
    for verb in Verb::ALL {
        let page = page(Some(verb));
        let (own, _) = page.split_once("Examples:").unwrap();
        for flag in flag::Flag::ALL {
            let listed = own.lines().any(|line| {
                let option = line.trim_start().trim_start_matches("-p, ");
                option.strip_prefix("--").is_some_and(|rest| rest.split(' ').next() == Some(flag.name()))
            });
            assert_eq!(listed, verb.flags().contains(&flag), "{} and --{}", verb.name(), flag.name());
        }
    }
}

#[test]
fn every_state_is_explained_where_states_are_shown() {
    let page = page(Some(Verb::Status));
    for state in ProfileState::ALL {
        let line = page.lines().find(|line| line.trim_start().starts_with(&format!("{state} ")));
        assert!(line.is_some_and(|line| line.ends_with(state.meaning())), "{state}");
    }
}

#[test]
fn every_command_is_in_the_help_of_all() {
    for verb in Verb::ALL {
        assert!(page(None).contains(&format!("\n  {} ", verb.name())), "{}", verb.name());
    }
}

#[test]
fn words_that_are_not_utf8_are_refused() {
    let strange = OsStr::from_bytes(b"\xff");
    for words in [vec![strange], vec![OsStr::new("print"), OsStr::new("-p"), strange]] {
        assert!(parse(words.into_iter().map(OsString::from), None).is_err());
    }
    let socket = [OsStr::new("status"), OsStr::new("--socket"), strange].map(OsString::from);
    assert!(parse(socket, None).is_ok(), "a path need not be UTF-8");
}

proptest! {
    #[test]
    fn no_command_line_panics_and_every_mistake_has_a_way_out(
        words in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "login", "print", "use", "client", "add", "rm", "--mode", "help", "--", "-p", "--json", "--min-ttl", "--wait=5m", "-", "--url", "-pV", "=",
                ]).prop_map(|word| word.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..12),
            ],
            0..6,
        )
    ) {
        let words = words.iter().map(|word| OsStr::from_bytes(word).to_owned());
        if let Err(error) = parse(words, None) {
            prop_assert!(!error.to_string().is_empty() && !error.hint().is_empty());
        }
    }
}
