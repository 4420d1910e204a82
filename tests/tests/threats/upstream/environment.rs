//! What the environment says of proxies, keys and authorities.

use std::process::Command;

use airbyte_tokend_tests::{Airbyte, Authority, Daemon, Home, Process, Recipe, Reply};

use super::ENDPOINT;

const HOST: &str = "127.0.0.1";
const PROXIES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "CGI_HTTP_PROXY",
    "socks_proxy",
];

/// An Airbyte that speaks https, and the file of the authority that vouches for it.
struct Secure {
    airbyte: Airbyte,
    ca_file: String,
    directory: String,
}

impl Secure {
    fn start(home: &Home) -> Self {
        let authority = Authority::new();
        let airbyte = Airbyte::start_with(|settings| settings.tls = Some(authority.good(HOST)));
        let directory = home.path().join("authorities");
        home.make_directory(&directory);
        let ca_file = directory.join("ca.pem");
        home.write(&ca_file, authority.pem().as_bytes());
        Self { airbyte, ca_file: ca_file.display().to_string(), directory: directory.display().to_string() }
    }

    /// Logs in; `trusting` the authority because the profile says so.
    fn log_in(&self, daemon: &Daemon, trusting: bool) -> Reply {
        let mut profile = self.airbyte.profile("memory");
        if trusting {
            profile["ca_file"] = self.ca_file.clone().into();
        }
        daemon.http().put("/v1/profiles/main", &profile)
    }

    /// In an environment with nothing in it but what is to be shown.
    fn curl(&self, home: &Home) -> Command {
        let mut command = home.command_of(home.person(), "curl".as_ref());
        command
            .args(["--silent", "--max-time", "30", "--data", "{}"])
            .arg(format!("{}{ENDPOINT}", self.airbyte.url()));
        command
    }
}

/// T12: every variable that names a proxy, for https. The control: curl goes to it.
#[test]
fn no_proxy_of_the_environment_gets_a_connection_to_a_secure_airbyte() {
    let (home, proxy) = (Home::new(), Airbyte::start());
    let secure = Secure::start(&home);
    let recipe = PROXIES.iter().fold(Recipe::of(&home), |recipe, name| recipe.variable(name, &proxy.url()));
    let daemon = recipe.start();
    let reply = secure.log_in(&daemon, true);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(daemon.http().post("/v1/token/refresh").status, 200);
    assert_eq!((secure.airbyte.exchanges(), proxy.counts().connections), (2, 0));

    let mut curl = secure.curl(&home);
    drop(Process::start(curl.env("https_proxy", proxy.url()), b"").wait());
    assert_eq!(proxy.counts().connections, 1);
}

/// T12: a file that wants the keys of every connection, which make what was sent readable to whoever recorded it. The
/// control: curl writes them down.
#[test]
fn the_keys_of_a_connection_are_not_written_down() {
    let home = Home::new();
    let (secure, keys) = (Secure::start(&home), home.path().join("keys"));
    let daemon = Recipe::of(&home).variable("SSLKEYLOGFILE", &keys.display().to_string()).start();
    let reply = secure.log_in(&daemon, true);
    assert_eq!(reply.status, 200, "{}", reply.text());
    daemon.stop();
    assert!(!keys.exists());

    let mut curl = secure.curl(&home);
    drop(Process::start(curl.args(["--cacert", &secure.ca_file]).env("SSLKEYLOGFILE", &keys), b"").wait());
    assert!(keys.exists());
}

/// T12: variables that name authorities to trust. The control: curl trusts them, and its request arrives.
#[test]
fn an_authority_of_the_environment_is_not_trusted() {
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"] {
        let home = Home::new();
        let secure = Secure::start(&home);
        let value = if name == "SSL_CERT_DIR" { &secure.directory } else { &secure.ca_file };
        let daemon = Recipe::of(&home).variable(name, value).start();
        let reply = secure.log_in(&daemon, false);
        assert_eq!(reply.code(), "upstream_unavailable", "{name}: {}", reply.text());
        assert!(reply.text().contains("unknown authority"), "{name}: {}", reply.text());
        assert_eq!(secure.airbyte.requests().len(), 0, "{name}");
    }
    let home = Home::new();
    let secure = Secure::start(&home);
    drop(Process::start(secure.curl(&home).env("SSL_CERT_FILE", &secure.ca_file), b"").wait());
    assert_eq!(secure.airbyte.requests().len(), 1);
}

/// T12: a variable that could be taken for the secret, or for a level of the log. The control is the daemon's own option.
#[test]
fn neither_log_level_nor_secret_is_taken_from_the_environment() {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let secret = airbyte.secret().expose();
    let recipe = Recipe::of(&home).variable("RUST_LOG", "trace").variable("AIRBYTE_CLIENT_SECRET", secret);
    let daemon = recipe.start();
    let mut profile = airbyte.profile("memory");
    profile.as_object_mut().expect("it is an object").remove("client_secret");
    assert_eq!(daemon.http().put("/v1/profiles/main", &profile).code(), "bad_request");
    daemon.log_in("main", &airbyte, "memory");
    assert!(!daemon.stop().stderr.contains("TRACE"));

    let daemon = Recipe::of(&home).arguments(&["--log", "trace"]).start();
    daemon.log_in("main", &airbyte, "memory");
    assert!(daemon.stop().stderr.contains("TRACE"));
}
