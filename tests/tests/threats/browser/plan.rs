//! What the attacker's page is told to attack.

use serde_json::{Value, json};

use crate::gate::Scene;

/// The contract of the local API: every route of it is attacked.
const API: &str = include_str!("../../../../crates/tokend/openapi.json");

/// The names that a page has for the machine that its visitor sits at.
pub(super) const NAMES: [&str; 5] = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", super::attacker::REBOUND];

/// What to attack, and all that could help: the worst case, a page that has learned a good credential.
pub(super) struct Plan(Value);

impl Plan {
    /// Whoever serves this port, by every name of the machine; by so many of them it is tried to change something.
    pub(super) fn against(port: u16, changes: usize, scene: &Scene) -> Self {
        let targets = NAMES.map(|name| format!("http://{name}:{port}"));
        Self(json!({
            "look": targets,
            "change": targets[..changes],
            "routes": routes(scene),
            "id": scene.client.id,
            "secret": scene.client.secret,
        }))
    }

    /// As the page reads it.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Every route that does something, each with a body that has it done; what only asks for more work comes first.
fn routes(scene: &Scene) -> Vec<Value> {
    let api: Value = serde_json::from_str(API).expect("the contract is JSON");
    let paths = api["paths"].as_object().expect("it lists paths");
    let mut routes: Vec<_> = paths.iter().flat_map(|(path, methods)| of_path(path, methods, scene)).collect();
    routes.sort_by_key(|route| !is_harmless(route));
    routes
}

fn is_harmless(route: &Value) -> bool {
    route["path"].as_str().is_some_and(|path| path.starts_with("/v1/token/refresh"))
}

fn of_path(path: &str, methods: &Value, scene: &Scene) -> Vec<Value> {
    let methods = methods.as_object().expect("it lists methods").keys();
    let doing = methods.filter(|method| ["post", "put", "delete", "patch"].contains(&method.as_str()));
    let path = path.replace("{name}", "other").replace("/refresh", "/refresh?profile=main&wait=1s");
    let route = |method: &String| json!({ "method": method.to_uppercase(), "path": path, "body": body(&path, scene).to_string() });
    doing.map(route).collect()
}

fn body(path: &str, scene: &Scene) -> Value {
    match path {
        "/v1/profiles/other" => scene.airbyte.profile("memory"),
        "/v1/default-profile" => json!({ "profile": "other" }),
        "/v1/clients" => json!({ "name": "thief", "profile": "main", "mode": "token" }),
        _ => json!({}),
    }
}
