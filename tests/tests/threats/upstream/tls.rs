//! Somebody in the middle: certificates that prove nothing, old protocols, plain http.

use std::{net::SocketAddr, process::Command};

use airbyte_sandbox::Tls;
use airbyte_tokend_tests::{Airbyte, Authority, Binary, Daemon, Ended, Home, Process, Recipe, Reply};
use rcgen::date_time_ymd;
use serde_json::Value;

use super::{curl, exchange};

const HOST: &str = "127.0.0.1";

/// A login at this Airbyte, which trusts this authority.
fn log_in(home: &Home, authority: &Authority, profile: Value, url: &str) -> Reply {
    let file = home.path().join("ca.pem");
    home.write(&file, authority.pem().as_bytes());
    let mut profile = profile;
    profile["url"] = url.into();
    profile["ca_file"] = file.display().to_string().into();
    Daemon::start(home).http().put("/v1/profiles/main", &profile)
}

/// Whoever shows this certificate gets a connection and no request. The control: it gets the secret of a program that
/// does not look at certificates. Gives back what was said.
fn gets_nothing(authority: &Authority, certificate: Tls) -> String {
    let home = Home::new();
    let airbyte = Airbyte::start_with(|settings| settings.tls = Some(certificate));
    let reply = log_in(&home, authority, airbyte.profile("memory"), &airbyte.url());
    assert_eq!(reply.code(), "upstream_unavailable", "{}", reply.text());
    assert!(airbyte.counts().connections > 0 && airbyte.requests().is_empty());

    exchange(curl(&airbyte, &["--insecure"]), &airbyte);
    assert_eq!(airbyte.counts().issued, 1, "it was sent the secret");
    reply.text()
}

/// T11: the four certificates of somebody in the middle. The control for all: with a good one, the secret is sent.
#[test]
fn whoever_cannot_prove_to_be_airbyte_is_sent_nothing() {
    let authority = Authority::new();
    let expired =
        |year| authority.certificate(&[HOST], |params| params.not_after = date_time_ymd(year, 1, 31));
    for (certificate, words) in [
        (expired(2024), "expired on 2024-01-31"),
        (authority.good("airbyte.example"), "another host"),
        (Authority::named("a stranger").good(HOST), "unknown authority"),
        (Authority::new().good(HOST), "was not signed by the authority"),
        (Authority::self_signed(HOST), "authority"),
    ] {
        let told = gets_nothing(&authority, certificate);
        assert!(told.contains(words), "{told}");
    }

    let home = Home::new();
    let airbyte = Airbyte::start_with(|settings| settings.tls = Some(authority.good(HOST)));
    let reply = log_in(&home, &authority, airbyte.profile("memory"), &airbyte.url());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(airbyte.counts().issued, 1);
}

/// A server that speaks TLS of one version only. It writes how each connection ended, and how many bytes were sent
/// to it inside.
const OLD: &str = "
import socket, ssl, sys, warnings
warnings.simplefilter('ignore')
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.set_ciphers('ALL:@SECLEVEL=0')
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[1]]
context.load_cert_chain(sys.argv[2])
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
while True:
    plain, _ = listener.accept()
    try:
        got = context.wrap_socket(plain, server_side=True).recv(65536)
        print('inside:', len(got), flush=True)
    except OSError as error:
        print('refused:', error, flush=True)
        plain.close()
";

/// A client that speaks whatever there is.
const LENIENT: &str = "
import socket, ssl, sys, warnings
warnings.simplefilter('ignore')
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.set_ciphers('ALL:@SECLEVEL=0')
context.minimum_version = ssl.TLSVersion.TLSv1
context.load_verify_locations(sys.argv[2])
stream = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='127.0.0.1')
stream.sendall(sys.stdin.buffer.read())
stream.close()
";

fn python(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script]).args(arguments);
    command
}

/// T11: servers that speak TLS 1.0 or 1.1 only, with a certificate that is in order. The control: a client that speaks
/// these hands the secret over.
#[test]
fn whoever_speaks_only_tls_1_0_or_1_1_is_sent_nothing() {
    for version in ["TLSv1", "TLSv1_1"] {
        let (home, authority, airbyte) = (Home::new(), Authority::new(), Airbyte::start());
        let (file, ca_file) = (home.path().join("server.pem"), home.path().join("ca.pem"));
        let Tls { certificate_pem, key_pem } = authority.good(HOST);
        home.write(&file, format!("{certificate_pem}{key_pem}").as_bytes());
        let server = Process::start(&mut python(OLD, &[version, &file.display().to_string()]), b"");
        let port = server.stdout().wait_for("\n").trim().to_owned();
        let address: SocketAddr = format!("{HOST}:{port}").parse().expect("it is an address");

        let profile = airbyte.profile("memory");
        let reply = log_in(&home, &authority, profile.clone(), &format!("https://{address}"));
        assert_eq!(reply.code(), "upstream_unavailable", "{}", reply.text());
        assert!(reply.text().contains("offers nothing that TLS 1.2 or 1.3 would accept"), "{}", reply.text());
        let seen = server.stdout().wait_for("refused:");
        assert!(!seen.contains("inside:"), "{seen}");

        let mut lenient = python(LENIENT, &[&port, &ca_file.display().to_string()]);
        let ended = Process::start(&mut lenient, profile.to_string().as_bytes()).wait();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        server.stdout().wait_for(&format!("inside: {}", profile.to_string().len()));
    }
}

/// A daemon whose configuration has a profile with this line in it.
fn check(url: &str, line: &str) -> Ended {
    let home = Home::new();
    home.write_config(&format!(
        "[profiles.main]\nservice = \"self-managed\"\nurl = \"{url}\"\nclient_id = \"x\"\nvault = \"memory\"\n{line}\n"
    ));
    let mut command = home.command(Binary::Daemon);
    Process::start(command.arg("--check"), b"").wait()
}

/// T11: plain http to anything but this machine, in whatever spelling, is not even started with. The control: to this
/// machine it is.
#[test]
fn plain_http_to_another_machine_is_a_mistake_in_the_configuration() {
    for url in [
        "http://10.0.0.1",
        "http://192.0.2.1:8000",
        "http://airbyte.example",
        "http://localhost.airbyte.example",
        "http://127.0.0.1.airbyte.example",
        "http://0.0.0.0:8000",
        "http://[::]:8000",
        "http://[::ffff:192.0.2.1]:8000",
        "http://[fe80::1]",
        "http://user@127.0.0.1",
        "http://127.0.0.1@airbyte.example",
        "http://127.0.0.1#@airbyte.example",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//127.0.0.1",
    ] {
        let ended = check(url, "");
        assert_eq!(ended.code(), Some(78), "{url}: {}", ended.stderr);
    }
    for url in
        ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "https://airbyte.example"]
    {
        let ended = check(url, "");
        assert_eq!(ended.code(), Some(0), "{url}: {}", ended.stderr);
    }
}

/// What switches off checks of certificates in other programs.
const SWITCHES: [&str; 12] = [
    "insecure",
    "insecure_skip_verify",
    "danger_accept_invalid_certs",
    "danger_accept_invalid_hostnames",
    "verify",
    "verify_ssl",
    "verify_tls",
    "ssl_verify",
    "tls_verify",
    "skip_tls_verify",
    "no_check_certificate",
    "allow_http",
];

/// T11: no key in the configuration and no option of either program switches checks off. The control: keys and options
/// that there are.
#[test]
fn nothing_switches_the_checks_of_certificates_off() {
    let url = "https://airbyte.example";
    for name in SWITCHES {
        for value in ["true", "false", "0"] {
            let ended = check(url, &format!("{name} = {value}"));
            assert_eq!(ended.code(), Some(78), "{name}: {}", ended.stderr);
        }
        let option = format!("--{}", name.replace('_', "-"));
        let home = Home::new();
        for (binary, arguments) in [(Binary::Daemon, &["--check"][..]), (Binary::Client, &["login"])] {
            let mut command = home.command(binary);
            let ended = Process::start(command.args(arguments).arg(&option), b"").wait();
            assert_eq!(ended.code(), Some(2), "{option}: {}", ended.stderr);
        }
    }
    assert_eq!(check(url, "proxy = \"http://proxy.example:3128\"").code(), Some(0));
    let home = Home::new();
    let missing = ["--check", "--config", "/nowhere"];
    assert_ne!(Recipe::of(&home).arguments(&missing).fail().code(), Some(2));
}

/// Whether a text is in a program, whatever the case of its letters.
fn is_in(text: &str, binary: Binary) -> bool {
    let mut grep = Command::new("grep");
    grep.args(["--text", "--quiet", "--ignore-case", "--fixed-strings", text]).arg(binary.path());
    match Process::start(&mut grep, b"").wait().code() {
        Some(0) => true,
        code => {
            assert_eq!(code, Some(1), "grep reads it");
            false
        }
    }
}

/// T11: nor is there a call in the code that would. The control: a call to another setting of the same library is found.
#[test]
fn the_daemon_never_asks_its_library_to_trust_everybody() {
    for name in ["danger_accept", "insecure_skip", "skip_verif"] {
        assert!(!is_in(name, Binary::Daemon), "{name}");
    }
    assert!(is_in("no_proxy", Binary::Daemon));
}
