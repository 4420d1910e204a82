//! What `--help` says.

use std::fmt::Write as _;

use airbyte_token_local::{ExitStatus, ProfileState};

use super::verb::Verb;

/// The help page of a command, or of all.
pub(crate) fn page(verb: Option<Verb>) -> String {
    let text = match verb {
        Some(Verb::Status) => &STATUS.replace(STATES, &states()),
        None => ALL,
        Some(Verb::Login) => LOGIN,
        Some(Verb::Logout) => LOGOUT,
        Some(Verb::Print) => PRINT,
        Some(Verb::Header) => HEADER,
        Some(Verb::Explain) => EXPLAIN,
        Some(Verb::Wait) => WAIT,
        Some(Verb::Refresh) => REFRESH,
        Some(Verb::Reload) => RELOAD,
        Some(Verb::Lock) => LOCK,
        Some(Verb::Unlock) => UNLOCK,
        Some(Verb::Profiles) => PROFILES,
        Some(Verb::Use) => USE,
        Some(Verb::Client) => CLIENT,
        Some(Verb::ClientAdd) => CLIENT_ADD,
        Some(Verb::ClientList) => CLIENT_LIST,
        Some(Verb::ClientRm) => CLIENT_RM,
        Some(Verb::Audit) => AUDIT,
        Some(Verb::Trace) => TRACE,
    };
    format!("{text}\n{}\n{}", GLOBAL, exit_statuses())
}

/// Stands in a page for what [`states`] lists.
const STATES: &str = "STATES\n";

fn states() -> String {
    let mut table = String::new();
    for state in ProfileState::ALL {
        writeln!(table, "  {:<16}  {}", state.name(), state.meaning()).unwrap_or(());
    }
    table
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
                      (/run/airbyte-tokend/api.sock); if it is neither yours nor root's,
                      AIRBYTE_TOKEND_UID says whose daemon is to be believed
  -h, --help          this help; after a command, that command's
  -V, --version       the version
";

const ALL: &str = "\
Prints a live Airbyte access token. The daemon airbyte-tokend keeps it live.

Usage: airbyte-token COMMAND [OPTIONS]

Commands:
  login        store an application's client secret with the daemon
  logout       forget a profile and its secret
  print        print the access token
  header       print `Authorization: Bearer TOKEN`, for curl -H @-
  status       show how every profile fares
  explain      tell what happened to a profile of late, why, and what comes next
  wait         wait until a profile can serve a token
  refresh      renew a token now
  reload       read the daemon's configuration anew
  lock         wipe the tokens, and fetch none until it is unlocked
  unlock       serve again
  profiles     list the profiles
  use          choose the profile that is meant when none is named
  client       tools with an id and a secret of their own for loopback HTTP:
  client add   make a local client, and show its secret once
  client list  list the local clients, and when they last came
  client rm    refuse a local client from now on
  audit        tell who was given tokens, and who changed what
  trace        tell who was given this token

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
Forgets a profile, its secret and its token. Its local clients are refused from then on and
forgotten, too: a profile that is later made under the same name does not let them in.

Usage: airbyte-token logout [-p NAME] [--force]

Options:
  -p, --profile NAME   which profile [AIRBYTE_PROFILE, else the default one]
      --force          forget the profile even if its vault is gone or locked; the secret is then
                       left there

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

States:
STATES

Examples:
  airbyte-token status
  airbyte-token status --json | jq -r '.profiles[] | select(.state != \"fresh\") | .name'
";

const EXPLAIN: &str = "\
Tells what happened to a profile of late: when Airbyte was asked for a token, why, and what came
of it; how the profile stands now, what the daemon does next and when, and what you can do.

Usage: airbyte-token explain [-p NAME] [--json]

Options:
  -p, --profile NAME   which profile [AIRBYTE_PROFILE, else the default one]
      --json           for programs

Times are this machine's, in its time zone. The daemon remembers the last fifty events since it
was started.

Examples:
  airbyte-token explain
  airbyte-token explain -p staging --json | jq .next
";

const WAIT: &str = "\
Waits until a profile has a token to serve, and has one fetched if need be. Prints no token. Waits
for what passes: a daemon that is starting, a locked keyring, Airbyte out of reach. Fails at once
for what somebody must mend first: refused credentials, no secret stored, no such profile.

Usage: airbyte-token wait [OPTIONS]

Options:
  -p, --profile NAME   whose token [AIRBYTE_PROFILE, else the default profile]
      --timeout TIME   how long to wait [30s]; at most 1h
      --min-ttl TIME   how long the token must still live (90s, 5m, or seconds)

Examples:
  airbyte-token wait && terraform apply
  ExecStartPre=%h/.local/bin/airbyte-token wait --timeout 1m      # in a systemd user unit
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

const RELOAD: &str = "\
Has the daemon read its configuration anew. If there is any mistake in it, all of them are listed,
and the old configuration stays in force. Profiles that are the same as before keep their tokens.

Usage: airbyte-token reload

Examples:
  airbyte-token reload
";

const LOCK: &str = "\
Has the daemon wipe every token, give up what it is fetching, and fetch none until it is told to by
`airbyte-token unlock`: before you lend the machine, for instance. It holds across restarts. Secrets
that are in memory only (`--vault memory`) are forgotten; those in a keyring or a sealed file stay
there. There is no password: whoever may use the daemon may unlock it. Tokens that were handed out
live on.

Usage: airbyte-token lock

Examples:
  airbyte-token lock
  airbyte-token lock && loginctl lock-session
";

const UNLOCK: &str = "\
Has a locked daemon serve again; tokens are fetched as programs ask for them.

Usage: airbyte-token unlock

Examples:
  airbyte-token unlock
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

const AUDIT: &str = "\
Tells who was given tokens, who changed what, and who was turned away, as the daemon wrote it down.
Reads the files themselves, so the daemon need not run, and checks that nobody changed, took out or
moved a line: what is wrong is told on standard error, with file, line and record, all that can be
read is shown nevertheless, and the exit status is 78.

Usage: airbyte-token audit [OPTIONS]

Options:
  -p, --profile NAME   what was about this profile only
      --since TIME     what happened within this time only (90s, 5m, 12h, 7d)
      --follow         go on as the daemon writes, until Ctrl-C
      --json           the records as they are written, one a line
      --state-dir DIR  where the daemon keeps the log [$XDG_STATE_HOME/airbyte-tokend]

Times are told in the time zone of whoever reads; the log has them in UTC. What the same program
does over and over is told once a minute, with how often.

Examples:
  airbyte-token audit --since 1h
  airbyte-token audit --follow -p production
  airbyte-token audit --json | jq -r '.who.parent.program // empty' | sort | uniq -c
  sudo airbyte-token audit --state-dir /var/lib/airbyte-tokend
";

const TRACE: &str = "\
Tells who was given a token: which users and programs, when first and last, and how often; and when
Airbyte was asked for it. A token that turned up where it should not be leads to whoever had it.

Usage: airbyte-token trace [FINGERPRINT] [OPTIONS]

The token is read from standard input, with or without `Authorization: Bearer` before it. It is
never an argument: those can be read by others. Its fingerprint (the first 16 hex digits of its
SHA-256, as `status --json` and the daemon's log have it) may be one.

Options:
      --json           for programs
      --state-dir DIR  where the daemon keeps the log [$XDG_STATE_HOME/airbyte-tokend]

Examples:
  airbyte-token trace < found-token
  airbyte-token trace 0123456789abcdef
  airbyte-token print | airbyte-token trace --json | jq '.given[].who'
";

const USE: &str = "\
Chooses the profile that is meant when none is named.

Usage: airbyte-token use NAME

Examples:
  airbyte-token use staging
";

const CLIENT: &str = "\
Local clients: tools that cannot use the daemon's socket are given an id and a secret of their own
for its loopback HTTP endpoint ([http] listen in the configuration). They are good there and nowhere
else, and each can be refused by itself.

Usage: airbyte-token client add NAME [OPTIONS]
       airbyte-token client list [-p NAME] [--json]
       airbyte-token client rm NAME

Examples:
  airbyte-token client add dagster -p staging
  airbyte-token client list
  airbyte-token client rm dagster
";

const CLIENT_ADD: &str = "\
Makes a local client of a profile, and shows its id and its secret. The secret is shown this once:
the daemon keeps a hash of it alone. There are at most 256 local clients.

A local client goes when its profile is logged out. It stays when the profile is given a new secret.

Usage: airbyte-token client add NAME [OPTIONS]

Options:
  -p, --profile NAME   which profile [AIRBYTE_PROFILE, else the default one]
      --mode MODE      proxy: Airbyte's API through the daemon, and no token that works elsewhere;
                       token: the profile's access token [proxy]
      --read-only      only what reads; needs mode proxy, since a token cannot be made read-only
      --json           for programs

Examples:
  airbyte-token client add dagster -p staging
  airbyte-token client add notebook --mode token
  airbyte-token client add agent --read-only --json | jq -r .secret
";

const CLIENT_LIST: &str = "\
Lists the local clients: whose they are, what they may have, and when they last came. Says so where
all of them are refused because their file is damaged. No secret is shown.

Usage: airbyte-token client list [-p NAME] [--json]

Options:
  -p, --profile NAME   those of this profile only
      --json           for programs

Examples:
  airbyte-token client list
  airbyte-token client list --json | jq -r '.clients[] | select(.last_used == null) | .name'
";

const CLIENT_RM: &str = "\
Refuses a local client from its next request on, and forgets it; no other. A token that it was given
before lives on until it expires.

Usage: airbyte-token client rm NAME

Examples:
  airbyte-token client rm dagster
";
