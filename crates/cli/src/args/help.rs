//! What `--help` says.

use std::fmt::Write as _;

use airbyte_token_local::ExitStatus;

use super::verb::Verb;

/// The help page of a command, or of all.
pub(crate) fn page(verb: Option<Verb>) -> String {
    let text = match verb {
        None => ALL,
        Some(Verb::Login) => LOGIN,
        Some(Verb::Logout) => LOGOUT,
        Some(Verb::Print) => PRINT,
        Some(Verb::Header) => HEADER,
        Some(Verb::Status) => STATUS,
        Some(Verb::Refresh) => REFRESH,
        Some(Verb::Profiles) => PROFILES,
        Some(Verb::Use) => USE,
    };
    format!("{text}\n{}\n{}", GLOBAL, exit_statuses())
}

fn exit_statuses() -> String {
    let mut table = String::from("Exit status:\n");
    for status in ExitStatus::ALL {
        writeln!(table, "  {:>2}  {}", status.code(), status.meaning()).unwrap_or(());
    }
    table
}

const GLOBAL: &str = "\
Always:
      --socket PATH   the daemon's socket, instead of AIRBYTE_TOKEND_SOCKET, the user's own
                      ($XDG_RUNTIME_DIR/airbyte-tokend/api.sock), or the system's
                      (/run/airbyte-tokend/api.sock)
  -h, --help          this help; after a command, that command's
  -V, --version       the version
";

const ALL: &str = "\
Prints a live Airbyte access token. The daemon airbyte-tokend keeps it live.

Usage: airbyte-token COMMAND [OPTIONS]

Commands:
  login      store an application's client secret with the daemon
  logout     forget a profile and its secret
  print      print the access token
  header     print `Authorization: Bearer TOKEN`, for curl -H @-
  status     show how every profile fares
  refresh    renew a token now
  profiles   list the profiles
  use        choose the profile that is meant when none is named

Examples:
  airbyte-token login
  curl -H @<(airbyte-token header) https://api.airbyte.com/v1/workspaces
  airbyte-token print -p staging --min-ttl 5m
";

const LOGIN: &str = "\
Makes a profile, or gives it a new secret: the daemon proves client id and secret with one exchange,
then stores the secret. Nothing is stored if the exchange fails.

Usage: airbyte-token login [OPTIONS]

The secret is typed at a prompt that does not show it, or is the first line of standard input.
It is never an argument and never a variable: those can be read by others.

Options:
  -p, --profile NAME      the profile's name [AIRBYTE_PROFILE, else default]
      --url URL           a self-managed Airbyte at this address
      --agents            Airbyte's agents platform
      --service SERVICE   cloud, self-managed or agents [cloud]; with --url, at that address
      --client-id ID      the application's id [asked for at a terminal]
      --vault VAULT       where the secret is kept: keyring, file or memory [keyring]
      --organization-id ID  the organization to ask tokens for (agents)
      --ca-file FILE      certificate authorities to trust besides the built-in ones
      --proxy URL         the proxy to go through; none is read from the environment
      --default           make it the default profile; the first profile always is

Examples:
  airbyte-token login
  airbyte-token login -p staging --url https://airbyte.example.com
  airbyte-token login --client-id \"$ID\" < secret-file
";

const LOGOUT: &str = "\
Forgets a profile, its secret and its token.

Usage: airbyte-token logout [-p NAME]

Options:
  -p, --profile NAME   which profile [AIRBYTE_PROFILE, else the default one]

Examples:
  airbyte-token logout -p staging
";

const PRINT: &str = "\
Prints the access token and a line break: nothing else, or nothing at all.

Usage: airbyte-token print [OPTIONS]

Options:
  -p, --profile NAME   whose token [AIRBYTE_PROFILE, else the default profile]
      --min-ttl TIME   how long it must still live (90s, 5m, or seconds); without it, any live
                       token will do
      --wait TIME      how long to wait for a token; also waits for a daemon that is starting
      --json           print what is known of the token, too

A token in an argument can be read by every user of this machine: for curl, see `header`.

Examples:
  airbyte-token print --min-ttl 5m
  airbyte-token print --json | jq .expires_in
";

const HEADER: &str = "\
Prints `Authorization: Bearer TOKEN` and a line break, for curl to read from a file: so the
token stands in no argument, where every user of this machine could read it.

Usage: airbyte-token header [OPTIONS]

Options:
  -p, --profile NAME   whose token [AIRBYTE_PROFILE, else the default profile]
      --min-ttl TIME   how long it must still live (90s, 5m, or seconds)
      --wait TIME      how long to wait for a token; also waits for a daemon that is starting

Examples:
  curl -H @<(airbyte-token header) https://api.airbyte.com/v1/workspaces
  airbyte-token header | curl -H @- https://api.airbyte.com/v1/workspaces
";

const STATUS: &str = "\
Shows how every profile fares: how long its token still lives, when it is renewed, what went
wrong last and what to do about it. Exits with 0 if the daemon answers, however profiles fare.

Usage: airbyte-token status [-p NAME] [--json]

Options:
  -p, --profile NAME   this profile only
      --json           for programs

Examples:
  airbyte-token status
  airbyte-token status --json | jq -r '.profiles[] | select(.state != \"fresh\") | .name'
";

const REFRESH: &str = "\
Renews a token now, though the old one may still live. Also has the daemon try again at once
after Airbyte refused the credentials.

Usage: airbyte-token refresh [OPTIONS]

Options:
  -p, --profile NAME   whose token [AIRBYTE_PROFILE, else the default profile]
      --wait TIME      how long to wait for the new token; also for a daemon that is starting

Examples:
  airbyte-token refresh -p staging
";

const PROFILES: &str = "\
Lists the profiles; a star marks the default one.

Usage: airbyte-token profiles [-p NAME] [--json]

Options:
  -p, --profile NAME   this profile only
      --json           for programs

Examples:
  airbyte-token profiles
  airbyte-token profiles --json | jq -r '.profiles[].name'
";

const USE: &str = "\
Chooses the profile that is meant when none is named.

Usage: airbyte-token use NAME

Examples:
  airbyte-token use staging
";
