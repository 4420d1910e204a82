//! A daemon with a token, a socket, and loopback HTTP with one local client.

use std::net::{Ipv4Addr, SocketAddr};

use airbyte_tokend_tests::{Airbyte, Call, Daemon, Home, Recipe, Reply, free_port};
use serde_json::json;

use super::{Ask, Way};

/// Who is there.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) airbyte: Airbyte,
    pub(crate) daemon: Daemon,
    pub(crate) address: SocketAddr,
    pub(crate) client: Credential,
    socket: Way,
}

/// What a local client was given.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Scene {
    /// With loopback HTTP on a port that is free.
    pub(crate) fn new(home: &Home) -> Self {
        let address = free_address();
        home.write_config(&listening_at(&[&address.to_string()]));
        Self::with(home, address, &Recipe::of(home))
    }

    /// With a configuration that is written already, and has loopback HTTP there.
    pub(crate) fn with(home: &Home, address: SocketAddr, recipe: &Recipe<'_>) -> Self {
        let (airbyte, daemon) = (Airbyte::start(), recipe.start());
        daemon.log_in("main", &airbyte, "memory");
        let client = add_client(&daemon, "tool", "main", "token");
        Self { airbyte, daemon, address, client, socket: Way::Socket(home.socket()) }
    }

    /// The two ways in, each with a request that is good there.
    pub(crate) fn ways(&self) -> [(Way, Ask); 2] {
        [(self.loopback(), self.ask()), (self.socket.clone(), Ask::token("localhost"))]
    }

    pub(crate) const fn loopback(&self) -> Way {
        Way::Loopback(self.address)
    }

    /// A good request over loopback.
    pub(crate) fn ask(&self) -> Ask {
        self.ask_without_bearer().bearer(&self.client.secret)
    }

    /// The same without what shows who asks.
    pub(crate) fn ask_without_bearer(&self) -> Ask {
        Ask::token(&self.address.to_string())
    }

    /// Sends this over loopback.
    pub(crate) fn send(&self, ask: &Ask) -> Reply {
        self.loopback().send(ask)
    }

    /// How many requests loopback HTTP has refused for this reason, as the metrics say.
    pub(crate) fn refused(&self, reason: &str) -> u64 {
        let page = self.daemon.http().get("/metrics").text();
        let sample = format!("airbyte_tokend_loopback_refusals_total{{reason=\"{reason}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&sample)).expect("it is counted");
        value.parse().expect("it is a number")
    }
}

/// Has the daemon make a local client.
pub(crate) fn add_client(daemon: &Daemon, name: &str, profile: &str, mode: &str) -> Credential {
    let body = json!({ "name": name, "profile": profile, "mode": mode });
    let reply = daemon.http().send(&Call::new("POST", "/v1/clients").json(&body));
    assert_eq!(reply.status, 201, "{}", reply.text());
    let reply = reply.json();
    let text = |key: &str| reply[key].as_str().expect("it is text").to_owned();
    Credential { id: text("id"), secret: text("secret") }
}

/// Where nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    let (_, port) = free_port();
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The part of a configuration that has loopback HTTP at these addresses.
pub(crate) fn listening_at(addresses: &[&str]) -> String {
    format!("[http]\nlisten = {addresses:?}\n")
}

/// Whether so much of the token is in there that it could not be by chance.
pub(crate) fn shows(bytes: &[u8], token: &str) -> bool {
    token.as_bytes().windows(12).any(|piece| bytes.windows(12).any(|window| window == piece))
}
