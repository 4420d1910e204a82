use super::*;
use crate::config::{Config, ConfigError};

const PROFILES: &str = "[profiles.ci]\nservice = \"cloud\"\nclient_id = \"x\"\nvault = \"memory\"\n\
                        [profiles.production]\nservice = \"cloud\"\nclient_id = \"y\"\nvault = \"memory\"\n";

fn parse(sockets: &str) -> Result<Config, ConfigError> {
    Config::parse(&format!("{PROFILES}{sockets}"), Path::new("c"))
}

fn only(sockets: &str) -> Socket {
    let config = parse(sockets).unwrap();
    config.sockets.into_values().next().unwrap()
}

#[test]
fn a_socket_is_for_tokens_of_its_profiles_and_for_the_owner_unless_it_says_otherwise() {
    let socket = only("[sockets.ci]\nprofiles = [\"ci\"]\n");
    let ci: ProfileName = "ci".parse().unwrap();
    assert_eq!(socket.scope, Scope::narrow([ci], [Verb::Token]));
    assert_eq!((socket.people, socket.path), (People::owner(), None));
}

#[test]
fn what_a_socket_says_is_what_it_gives() {
    let socket = only(
        "[sockets.ci]\npath = \"/run/ci/api.sock\"\nprofiles = [\"ci\", \"production\"]\n\
         verbs = [\"token\", \"status\"]\nusers = [\"root\", \"61501\"]\ngroups = [\"61600\"]\n",
    );
    let names = ["ci", "production"].map(|name| name.parse().unwrap());
    assert_eq!(socket.scope, Scope::narrow(names, [Verb::Token, Verb::Status]));
    assert_eq!(socket.people, People::with([0, 61_501], [61_600]));
    assert_eq!(socket.path.as_deref(), Some(Path::new("/run/ci/api.sock")));
}

#[test]
fn a_socket_without_a_path_has_a_directory_of_its_own_beside_the_main_one() {
    let socket = only("[sockets.ci]\nprofiles = \"ci\"\n");
    let place = socket.place(&"ci".parse().unwrap(), Path::new("/run/user/1000/airbyte-tokend/api.sock"));
    assert_eq!(place, Path::new("/run/user/1000/airbyte-tokend/ci/api.sock"));
}

#[test]
fn everything_that_is_wrong_with_a_socket_is_told_with_its_place() {
    for (text, expected) in [
        ("[sockets.ci]\n", "c:9:10: `sockets.ci.profiles` is missing"),
        ("[sockets.ci]\nprofiles = []\n", "c:10:1: `sockets.ci.profiles` must be text in quotes"),
        (
            "[sockets.ci]\nprofiles = [\"x\"]\n",
            "c:10:1: `sockets.ci.profiles` names `x`, and there is no [prof",
        ),
        ("[sockets.ci]\nprofiles = [\"a b\"]\n", "c:10:1: `sockets.ci.profiles`: `a b`: a profile name has"),
        ("[sockets.CI]\nprofiles = [\"ci\"]\n", "c:9:10: `CI`: a socket's name has"),
        ("[sockets.\"api.sock\"]\nprofiles = [\"ci\"]\n", "c:9:10: `api.sock`: a socket's name has"),
        (
            "[sockets.ci]\nprofiles = \"ci\"\nverbs = [\"login\"]\n",
            "c:11:1: `sockets.ci.verbs`: `login`: there",
        ),
        ("[sockets.ci]\nprofiles = \"ci\"\nverbs = []\n", "c:11:1: `sockets.ci.verbs` must be text"),
        ("[sockets.ci]\nprofiles = \"ci\"\nusers = [1234]\n", "c:11:1: `sockets.ci.users` must be text"),
        (
            "[sockets.ci]\nprofiles = \"ci\"\nusers = [\"no one\"]\n",
            "c:11:1: `sockets.ci.users`: there is no user",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\nusers = [\"65534\"]\n",
            "c:11:1: `sockets.ci.users`: 65534 stands for",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\ngroups = [\"no one\"]\n",
            "c:11:1: `sockets.ci.groups`: there is no gr",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\ngroups = \"65534\"\n",
            "c:11:1: `sockets.ci.groups`: 65534 stands for",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\npath = \"api.sock\"\n",
            "c:11:1: `sockets.ci.path`: the path must be ab",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\npath = \"/run/\"\n",
            "c:11:1: `sockets.ci.path` must end in the socket",
        ),
        (
            "[sockets.ci]\nprofiles = \"ci\"\nuser = \"x\"\n",
            "unknown key `sockets.ci.user`; did you mean `users`?",
        ),
        ("[sockets]\nci = 3\n", "c:10:1: `sockets.ci` must be a table"),
    ] {
        let complaint = parse(text).unwrap_err().to_string();
        assert!(complaint.contains(expected), "{expected}\nis not in\n{complaint}");
    }
    let long = format!("[sockets.ci]\nprofiles = \"ci\"\npath = \"/{}\"\n", "x".repeat(LONGEST_PATH));
    assert!(parse(&long).unwrap_err().to_string().contains("is longer than a socket's may be"));
}

#[test]
fn two_sockets_cannot_have_one_path() {
    let one = |name: &str| format!("[sockets.{name}]\nprofiles = \"ci\"\npath = \"/run/x/api.sock\"\n");
    assert!(parse(&one("a")).is_ok());
    let complaint = parse(&(one("a") + &one("b"))).unwrap_err().to_string();
    assert!(complaint.contains("`sockets.b.path` is another socket's, too"), "{complaint}");
}

#[test]
fn one_socket_more_than_a_daemon_serves_is_refused() {
    let some =
        |count: usize| (0..count).map(|n| format!("[sockets.s{n}]\nprofiles = \"ci\"\n")).collect::<String>();
    assert_eq!(parse(&some(MOST_SOCKETS)).unwrap().sockets.len(), MOST_SOCKETS);
    let complaint = parse(&some(MOST_SOCKETS + 1)).unwrap_err().to_string();
    assert!(complaint.contains("there are 17 sockets, and one daemon serves 16"), "{complaint}");
}
