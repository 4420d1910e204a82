//! What answers in Airbyte's stead, and a URL where Airbyte is not.

use std::time::Duration;

use airbyte_sandbox::{Canned, Fault, Reply, Trouble};
use airbyte_tokend_tests::Canary;

use super::{HOUR, MINUTE, World};

/// By then what answered in Airbyte's stead is tried again: a minute, and up to a quarter more by chance.
const LANE: Duration = Duration::from_secs(75);

/// An answer with this status, content type and body.
fn answer(code: u16, content_type: &str, body: &str) -> Fault {
    let content = Some((content_type.to_owned(), body.to_owned()));
    Fault::new(Trouble::Reply(Reply::Status { code, content }))
}

/// What comes with such faults is no Airbyte and passes: it is told so in these words, a live token is served, and
/// once it steps aside a new token comes soon after a minute, without anybody doing anything.
fn is_waited_out(world: &World, fault: Fault, words: &str) {
    let alive = world.airbyte.latest_token();
    world.airbyte.add_fault(fault.forever());
    let told = world.fail_to_refresh();
    assert_eq!((told.status, told.code().as_str()), (424, "misdirected"), "{}", told.text());
    assert!(told.json()["message"].as_str().is_some_and(|said| said.contains(words)), "{}", told.text());
    assert_eq!(world.status()["state"], "misdirected");
    assert_eq!(world.cli().succeed(&["print"]), format!("{alive}\n"));

    world.pass(Duration::from_secs(5));
    world.airbyte.wait_for_exchanges(2);
    for exchanges in 3..=17 {
        world.pass(LANE);
        world.airbyte.wait_for_exchanges(exchanges);
    }
    world.settle();
    assert_eq!(world.airbyte.exchanges(), 17, "one a minute, and never parked");
    let said = world.cli().fail(&["print", "--wait", "0"], 78);
    assert!(said.contains(words), "{said}");

    world.airbyte.clear_faults();
    world.pass(Duration::from_secs(100));
    world.await_state("fresh");
    world.serves(&world.airbyte.latest_token());
}

/// Fault 5: a captive portal, a login page, the web UI in front of a wrong path.
#[test]
fn a_web_page_in_airbyte_s_stead_is_called_one_and_shown_to_nobody() {
    let world = World::warm();
    let canary = Canary::new("portal");
    let page =
        format!("<html><title>{0}</title><body>Log in to the wifi: {0}</body></html>", canary.expose());
    let words = "not an Airbyte token endpoint: got text/html";
    is_waited_out(&world, answer(200, "text/html; charset=utf-8", &page), words);
    let told = [world.http().get("/v1/status").body, world.http().get("/v1/timeline").body].concat();
    canary.assert_absent("what it tells", &told);
    canary.assert_absent("the log", &world.daemon.log().bytes());
    canary.assert_absent_under(&world.home.state());
}

/// Fault 5: a page that a portal sends with a refusal.
#[test]
fn a_web_page_that_refuses_is_no_refusal_of_airbyte_s() {
    let page = answer(403, "text/html", "<html>Blocked by your company</html>");
    is_waited_out(&World::warm(), page, "not an Airbyte token endpoint: got a web page (403)");
}

/// Fault 5: plain text.
#[test]
fn text_in_airbyte_s_stead_is_called_so() {
    let words = "not an Airbyte token endpoint: got text/plain";
    is_waited_out(&World::warm(), answer(200, "text/plain", "It works!"), words);
}

/// Fault 5: a token in a web page.
#[test]
fn a_token_in_a_web_page_is_not_taken() {
    let body =
        r#"{"access_token":"eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw","expires_in":900}"#;
    is_waited_out(
        &World::warm(),
        answer(200, "text/html", body),
        "not an Airbyte token endpoint: got text/html",
    );
}

/// Nothing at this URL is Airbyte's token endpoint: that is confirmed once, told as a mistake in the URL and not in
/// the secret, and looked into after five minutes, a quarter of an hour, and then every hour.
fn is_a_wrong_address(fault: Fault, words: &str) {
    let world = World::warm();
    let alive = world.airbyte.latest_token();
    world.airbyte.add_fault(fault.forever());
    let told = world.fail_to_refresh();
    assert_eq!((told.status, told.code().as_str()), (424, "misdirected"), "{}", told.text());
    let message = told.json()["message"].as_str().expect("it is text").to_owned();
    assert!(message.contains(words) && message.contains("check the url"), "{message}");
    for wrong in ["reject", "refuse", "secret"] {
        assert!(!told.text().contains(wrong), "{}", told.text());
    }
    world.pass(Duration::from_secs(5));
    world.airbyte.wait_for_exchanges(2);
    world.serves(&alive);

    for (wait, exchanges) in [5 * MINUTE, 15 * MINUTE, HOUR].into_iter().zip(3..) {
        world.pass(wait - MINUTE);
        assert_eq!(world.airbyte.exchanges(), exchanges - 1, "nobody asks before its time");
        assert_eq!(world.status()["state"], "misdirected");
        world.pass(MINUTE);
        world.airbyte.wait_for_exchanges(exchanges);
    }
    let said = world.cli().fail(&["print", "--wait", "0"], 78);
    assert!(said.contains(words) && said.contains("check the profile's service and URL"), "{said}");

    world.airbyte.clear_faults();
    world.cli().succeed(&["refresh"]);
    world.serves(&world.airbyte.latest_token());
}

/// Fault 10: 404, as Airbyte answers it.
#[test]
fn a_path_that_is_not_there_is_a_mistake_in_the_url() {
    is_a_wrong_address(Fault::answer(Canned::Problem404), "no token endpoint at");
}

/// Fault 10: 404, with a web page.
#[test]
fn a_page_that_is_not_there_is_a_mistake_in_the_url() {
    is_a_wrong_address(answer(404, "text/html", "<html>404 Not Found</html>"), "no token endpoint at");
}

/// Fault 10: 405.
#[test]
fn a_path_that_takes_no_post_is_a_mistake_in_the_url() {
    is_a_wrong_address(Fault::status(405), "no token endpoint at");
}
