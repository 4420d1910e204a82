//! The flags, and the settings they amount to.

use std::{fs, io, net::SocketAddr, path::PathBuf, time::Duration};

use airbyte_sandbox::{
    Canned, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Edition, ExpiresIn, Fault, Settings, Tls,
};
use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  A self-managed Airbyte whose tokens live 3 minutes, on a fixed port:
    airbyte-sandbox --listen 127.0.0.1:8000 --edition core --token-lifetime 3m

  Airbyte Cloud; then fetch a token and use it:
    airbyte-sandbox --listen 127.0.0.1:8000
    curl -s http://127.0.0.1:8000/v1/applications/token --json \\
      '{\"client_id\":\"sandbox-client-id\",\"client_secret\":\"sandbox-client-secret\"}' |
      jq -r '\"Authorization: Bearer \" + .access_token' > header
    curl -H @header http://127.0.0.1:8000/v1/organizations

  Replies that say 900 seconds for tokens that live 180:
    airbyte-sandbox --token-lifetime 3m --expires-in 900

  Two 503 with a Retry-After, then a reset, then an answer after 5 seconds, then all is well:
    airbyte-sandbox --fault status=503,retry-after=7,times=2 --fault reset --fault delay=5s

  While it runs:
    curl -d 'status=429,retry-after=date+30' http://127.0.0.1:8000/sandbox/faults
    curl -X DELETE http://127.0.0.1:8000/sandbox/faults
    curl http://127.0.0.1:8000/sandbox/requests
    curl -X POST http://127.0.0.1:8000/sandbox/revoke
    curl -X PUT -d '{\"token_lifetime\":\"60s\"}' http://127.0.0.1:8000/sandbox/settings

Editions:
  cloud | agents
  core | core-180 | core-bare                      self-managed, from 1.6 | to 1.5 | to 0.63.8
  keycloak | keycloak-500 | keycloak-exception     self-managed with Keycloak, new | 2.0 | to 1.8

Faults: one of
  status=CODE [content-type=TYPE,body=TEXT] | answer=NAME | redirect=CODE,to=URL
  gzip-bomb | deep-json
  expires-in=JSON|missing | token-type=TEXT | duplicate-keys
  token=missing|empty|null|number|crlf|esc|nul|bidi|huge|opaque
  hang | reset | reset-on-accept | reset-mid-body | half-close | torn-body | drip=INTERVAL
  endless-headers | endless-body | delay=DURATION (the true answer, late)
with any of
  times=N|forever   on=token|api|any   probability=0..1   delay=DURATION
  retry-after=TEXT  retry-after=date+SECONDS

Answers that were seen in the wild, by name:
";

/// A stand-in Airbyte for tests and CI.
///
/// Plays Airbyte's token endpoint and a little of its API, prints where it listens in one line, and breaks on
/// request. It holds nothing real: its client secret may be known to everybody.
#[derive(Debug, Parser)]
#[command(version, after_help = after_help())]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Which Airbyte to play.
    #[arg(long, default_value_t = Edition::Cloud)]
    edition: Edition,

    /// The client id that may fetch tokens.
    #[arg(long, value_name = "ID", default_value = DEFAULT_CLIENT_ID)]
    client_id: String,

    /// A file with the client secret that goes with it; without one it is `sandbox-client-secret`.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// How long tokens live, such as 15m; by default as long as the edition's do.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    token_lifetime: Option<Duration>,

    /// What replies say about that: truthful, missing, or a JSON value such as 900, '"900"' or -1.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    expires_in: Option<ExpiresIn>,

    /// The organisation the application belongs to.
    #[arg(long, value_name = "UUID")]
    organization_id: Option<String>,

    /// Refuse the path spellings of other editions, and HTTP Basic, as the edition itself would.
    #[arg(long)]
    strict: bool,

    /// How many seconds this server's clock is ahead.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    clock_skew: i64,

    /// The start of the absolute links to further pages of lists.
    #[arg(long, value_name = "URL")]
    api_host: Option<String>,

    /// Something that goes wrong; may be given several times, strikes in this order.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,

    /// A certificate chain (PEM), to speak https.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// The examples, and then the names of all answers, four a line.
fn after_help() -> String {
    let names = Canned::ALL.map(Canned::name);
    let lines: Vec<_> = names.chunks(4).map(|line| format!("  {}", line.join(" | "))).collect();
    format!("{EXAMPLES}{}", lines.join("\n"))
}

/// Flags that name what is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadArgs {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file for the secret has none in it.
    #[error("{} holds no client secret: put it there on one line", .0.display())]
    NoSecret(PathBuf),
}

impl TryFrom<Args> for Settings {
    type Error = BadArgs;

    fn try_from(args: Args) -> Result<Self, BadArgs> {
        let edition = Self::of(args.edition);
        Ok(Self {
            listen: args.listen,
            tls: args.tls_cert.zip(args.tls_key).map(tls).transpose()?,
            faults: args.fault,
            client_id: args.client_id,
            client_secret: args
                .client_secret_file
                .map_or_else(|| Ok(DEFAULT_CLIENT_SECRET.to_owned()), secret)?,
            token_lifetime: args.token_lifetime.unwrap_or(edition.token_lifetime),
            expires_in: args.expires_in.unwrap_or_else(|| edition.expires_in.clone()),
            organization_id: args.organization_id,
            strict: args.strict,
            clock_skew: args.clock_skew,
            api_host: args.api_host.unwrap_or_else(|| edition.api_host.clone()),
            ..edition
        })
    }
}

fn tls((certificate, key): (PathBuf, PathBuf)) -> Result<Tls, BadArgs> {
    Ok(Tls { certificate_pem: read(certificate)?, key_pem: read(key)? })
}

/// The first line of the file, without white space around it.
fn secret(path: PathBuf) -> Result<String, BadArgs> {
    let text = read(path.clone())?;
    let secret = text.lines().next().unwrap_or_default().trim();
    if secret.is_empty() { Err(BadArgs::NoSecret(path)) } else { Ok(secret.to_owned()) }
}

fn read(path: PathBuf) -> Result<String, BadArgs> {
    fs::read_to_string(&path).map_err(|source| BadArgs::Unreadable { path, source })
}
