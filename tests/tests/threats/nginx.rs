//! A real nginx in front, as people configure it who want the endpoint elsewhere too.
//!
//! What nginx says of itself without being told to is the version of HTTP (1.0, before nginx 1.29.7) and, over TCP, nothing
//! else: `Host` is whatever `proxy_pass` names. So an nginx that speaks HTTP/1.1 and adds no header looks like any program
//! of the machine; what holds then is that nobody on its far side has a local client's secret.

use airbyte_tokend_tests::{Answer, Call, Home, Nginx, Reply, Web};

use crate::gate::{Scene, shows};

/// A `location` as nginx's manual and half of the Internet have it: what stands in it beside `proxy_pass`.
const USUAL: [(&str, &str); 8] = [
    ("nothing but `proxy_pass`", ""),
    (
        "the headers of Debian's proxy_params",
        "proxy_set_header Host $http_host;
         proxy_set_header X-Real-IP $remote_addr;
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
         proxy_set_header X-Forwarded-Proto $scheme;",
    ),
    (
        "the same for the host behind, over HTTP/1.1",
        "proxy_http_version 1.1;
         proxy_set_header X-Real-IP $remote_addr;
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
         proxy_set_header X-Forwarded-Proto $scheme;",
    ),
    ("one header, over HTTP/1.1", "proxy_http_version 1.1; proxy_set_header X-Real-IP $remote_addr;"),
    (
        "the host as it was asked for, over HTTP/1.1",
        "proxy_http_version 1.1; proxy_set_header Host $http_host;",
    ),
    (
        "what WebSockets need",
        "proxy_http_version 1.1;
         proxy_set_header Host $host;
         proxy_set_header Upgrade $http_upgrade;
         proxy_set_header Connection $connection_upgrade;",
    ),
    ("RFC 7239", "proxy_http_version 1.1; proxy_set_header Forwarded \"for=192.0.2.1\";"),
    ("RFC 9110", "proxy_http_version 1.1; proxy_set_header Via \"1.1 nginx\";"),
];

/// An nginx that shows nothing of itself.
const HIDDEN: &str = "proxy_http_version 1.1; proxy_set_header Connection \"\";";

/// What somebody on the far side asks, who has learned the secret of a local client.
fn asked(scene: &Scene) -> Call {
    Call::new("GET", "/v1/token")
        .bare()
        .header("host", "tokens.example")
        .header("authorization", &format!("Bearer {}", scene.client.secret))
}

/// The two ways to the daemon, as `proxy_pass` names them.
fn upstreams(home: &Home, scene: &Scene) -> [String; 2] {
    [format!("http://{}", scene.address), format!("http://unix:{}:", home.socket().display())]
}

fn assert_refused(reply: &Reply, scene: &Scene, what: &str) {
    let refused = [(403, "request_refused"), (421, "wrong_host")];
    assert!(refused.contains(&(reply.status, reply.code().as_str())), "{what}: {}", reply.text());
    assert!(!shows(&reply.body, &scene.airbyte.latest_token()), "{what}");
}

/// T7: whoever reaches the nginx has the secret of a local client; the nginx runs as the daemon's own user, who may use its
/// socket.
#[test]
fn through_a_real_nginx_nothing_is_to_be_had_as_it_is_usually_configured() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let ungated = home.path().join("ungated.sock");
    let token = scene.airbyte.latest_token();
    let served = token.clone();
    let _ungated = Web::at_socket(&ungated, move |_| Answer::page("text/plain", served.as_str()));
    for (name, directives) in USUAL {
        for upstream in upstreams(&home, &scene) {
            let reply = Nginx::before(&upstream, directives, &home).http().send(&asked(&scene));
            assert_refused(&reply, &scene, &format!("{name}, before {upstream}"));
        }
        let control = Nginx::before(&format!("http://unix:{}:", ungated.display()), directives, &home);
        assert_eq!(control.http().send(&asked(&scene)).text(), token, "the control: {name}");
    }
}

/// T7: what such an nginx cannot be told from is a local program, and like one it needs a secret; what pages and proxies
/// before it say goes through it.
#[test]
fn an_nginx_that_shows_nothing_of_itself_gets_what_a_local_program_gets() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let nginx = Nginx::before(&format!("http://{}", scene.address), HIDDEN, &home);
    let anybody = Call::new("GET", "/v1/token").bare().header("host", "tokens.example");
    assert_eq!(nginx.http().send(&anybody).status, 401);
    for (header, value) in [
        ("origin", "https://tokens.example"),
        ("referer", "https://tokens.example/"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "192.0.2.1"),
    ] {
        let reply = nginx.http().send(&asked(&scene).header(header, value));
        assert_refused(&reply, &scene, header);
    }
    let known = nginx.http().send(&asked(&scene));
    assert_eq!(known.status, 200, "what stays out of reach: {}", known.text());
}
