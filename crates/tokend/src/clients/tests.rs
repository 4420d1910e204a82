//! Local clients, with the files that they are in.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use super::*;

fn name(text: &str) -> ClientName {
    text.parse().unwrap()
}

fn new(text: &str, profile: &str) -> NewClient {
    let profile = profile.parse().unwrap();
    NewClient { name: name(text), profile, mode: ClientMode::Proxy, read_only: false }
}

fn at(seconds: u64) -> Moment {
    Moment::new(Duration::from_secs(100), Duration::from_secs(seconds))
}

/// A directory, what is in it, and a client `ci` of profile `prod` with its secret.
struct Room {
    home: tempfile::TempDir,
    clients: Clients,
    client: Client,
    secret: String,
}

impl Room {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clients = Clients::load(home.path());
        let (client, secret) = clients.add(new("ci", "prod")).unwrap();
        Self { home, clients, client, secret: secret.expose().to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("clients.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// As a daemon finds them that is started now.
    fn restarted(&self) -> Clients {
        Clients::load(self.home.path())
    }

    fn knows_it(&self, clients: &Clients) -> bool {
        clients.by_bearer(self.secret.as_bytes()).is_some()
    }

    /// Nothing is written any more: where the new file would be there is something that is no file.
    fn fill(&self) -> PathBuf {
        let obstacle = self.home.path().join("clients.new");
        fs::create_dir(&obstacle).unwrap();
        obstacle
    }
}

#[test]
fn the_file_has_the_hash_of_a_secret_and_no_secret() {
    let room = Room::new();
    let text = room.text();
    let hash = SecretHash::of(room.secret.as_bytes()).to_hex();
    assert!(text.contains(&hash) && !text.contains(&room.secret), "{text}");
    assert_eq!(fs::metadata(room.path()).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(room.home.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_client_is_known_by_its_secret_and_by_its_pair_and_by_nothing_else() {
    let room = Room::new();
    let (other, _) = room.clients.add(new("other", "prod")).unwrap();
    let (id, secret) = (room.client.id.as_str().as_bytes(), room.secret.as_bytes());
    assert_eq!(room.clients.by_bearer(secret).as_ref(), Some(&room.client));
    assert_eq!(room.clients.by_pair(id, secret).as_ref(), Some(&room.client));
    let longer = format!("{}A", room.secret);
    let hash = SecretHash::of(secret).to_hex();
    for wrong in [b"".as_slice(), &secret[1..], longer.as_bytes(), hash.as_bytes(), id, &[0xff; 4096]] {
        assert_eq!(room.clients.by_bearer(wrong), None);
        assert_eq!(room.clients.by_pair(id, wrong), None);
    }
    for wrong in [b"".as_slice(), &id[1..], other.id.as_str().as_bytes(), b"ci"] {
        assert_eq!(room.clients.by_pair(wrong, secret), None);
    }
}

#[test]
fn a_hash_that_differs_in_one_bit_anywhere_is_another_one() {
    let room = Room::new();
    let register = Register::parse(room.text().as_bytes()).unwrap();
    let hash = SecretHash::of(room.secret.as_bytes()).to_hex();
    assert!(register.by_secret(&SecretHash::from_hex(&hash).unwrap()).is_some());
    for place in 0..hash.len() {
        let digit = u8::from_str_radix(&hash[place..=place], 16).unwrap() ^ 1;
        let other = format!("{}{digit:x}{}", &hash[..place], &hash[place + 1..]);
        assert_eq!(register.by_secret(&SecretHash::from_hex(&other).unwrap()), None, "{place}");
    }
}

#[test]
fn every_client_is_found_wherever_it_stands() {
    let home = tempfile::tempdir().unwrap();
    let clients = Clients::load(home.path());
    let added: Vec<_> = ["m", "a", "z", "b"].map(|text| clients.add(new(text, "prod")).unwrap()).into();
    for (client, secret) in &added {
        assert_eq!(clients.by_bearer(secret.expose().as_bytes()).as_ref(), Some(client));
    }
    let names: Vec<_> = clients.all().into_iter().map(|client| client.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "m", "z"]);
}

#[test]
fn a_restart_keeps_every_client_as_it_is() {
    let room = Room::new();
    let special = NewClient { mode: ClientMode::Token, ..new("special", "staging") };
    let reader = NewClient { read_only: true, ..new("reader", "prod") };
    for new in [special, reader] {
        room.clients.add(new).unwrap();
    }
    assert_eq!(room.restarted().all(), room.clients.all());
    assert!(room.knows_it(&room.restarted()));
}

#[test]
fn a_name_that_is_taken_is_refused_and_its_client_stays() {
    let room = Room::new();
    let before = room.text();
    assert!(matches!(room.clients.add(new("ci", "staging")), Err(ClientsError::Taken(_))));
    assert_eq!(room.text(), before);
    assert!(room.knows_it(&room.clients));
}

#[test]
fn there_are_256_clients_at_most_and_their_file_is_read_whatever_their_names() {
    let home = tempfile::tempdir().unwrap();
    let profile: ProfileName = "p".repeat(ProfileName::LONGEST).parse().unwrap();
    let mut register = Register::default();
    for number in 1..MOST_CLIENTS {
        let (name, id) = (name(&format!("{number:064}")), credentials::id().unwrap());
        let client = Client { name, id, profile: profile.clone(), mode: ClientMode::Proxy, read_only: false };
        register.add(client, SecretHash::of(&number.to_be_bytes())).unwrap();
    }
    disk::replace(&home.path().join("clients.json"), &register.to_json()).unwrap();
    let clients = Clients::load(home.path());
    clients.add(new("the-last", "prod")).unwrap();
    assert!(matches!(clients.add(new("one-too-many", "prod")), Err(ClientsError::TooMany)));
    assert_eq!(Clients::load(home.path()).all().len(), MOST_CLIENTS);
}

#[test]
fn a_token_cannot_be_made_read_only() {
    let room = Room::new();
    let new = NewClient { mode: ClientMode::Token, read_only: true, ..new("reader", "prod") };
    assert!(matches!(room.clients.add(new), Err(ClientsError::ReadOnlyToken)));
    assert_eq!(room.clients.all().len(), 1);
}

#[test]
fn whoever_is_removed_is_refused_at_once_and_after_a_restart_and_others_are_not() {
    let room = Room::new();
    let (_, other) = room.clients.add(new("other", "prod")).unwrap();
    room.clients.remove(&name("ci")).unwrap();
    for clients in [&room.clients, &room.restarted()] {
        assert!(!room.knows_it(clients));
        assert!(clients.by_bearer(other.expose().as_bytes()).is_some());
    }
    assert!(matches!(room.clients.remove(&name("ci")), Err(ClientsError::NoSuchClient(_))));
}

#[test]
fn a_damaged_file_lets_nobody_in_and_is_not_written_over() {
    let room = Room::new();
    let good = room.text();
    let client = &good[good.find("[{").unwrap() + 1..good.len() - 2];
    let changed = |from: &str, to: &str| good.replacen(from, to, 1);
    for damaged in [
        String::new(),
        "{}".to_owned(),
        good[..good.len() - 1].to_owned(),
        good.clone() + "x",
        changed("\"version\":1", "\"version\":2"),
        changed("\"version\":1", "\"version\":1,\"more\":1"),
        changed("\"name\":\"ci\"", "\"name\":\"ci\",\"more\":1"),
        changed("\"name\":\"ci\"", "\"name\":\"c i\""),
        changed("\"name\":\"ci\",", ""),
        changed("\"profile\":\"prod\"", "\"profile\":\"../prod\""),
        changed("\"mode\":\"proxy\"", "\"mode\":\"all\""),
        changed("\"mode\":\"proxy\",\"read_only\":false", "\"mode\":\"token\",\"read_only\":true"),
        changed("\"secret_sha256\":\"", "\"secret_sha256\":\"0"),
        changed("\"id\":\"", "\"id\":\"0"),
        changed(client, &format!("{client},{client}")),
        " ".repeat(usize::try_from(register::LARGEST_FILE).unwrap()) + &good,
    ] {
        fs::write(room.path(), &damaged).unwrap();
        let clients = room.restarted();
        assert!(!room.knows_it(&clients) && clients.all().is_empty(), "{damaged}");
        let problem = clients.problem().unwrap();
        assert!(problem.contains("clients.json is") && !problem.contains(&room.secret), "{problem}");
        assert!(matches!(clients.add(new("new", "prod")), Err(ClientsError::Damaged { .. })), "{damaged}");
        drop(clients.remove(&name("ci")));
        drop(clients.remove_of(&"prod".parse().unwrap()));
        assert_eq!(fs::read_to_string(room.path()).unwrap(), damaged);
    }
    fs::write(room.path(), &good).unwrap();
    assert!(room.knows_it(&room.restarted()), "the same file, whole");
}

#[test]
fn a_file_that_is_damaged_while_the_daemon_runs_is_not_written_over_either() {
    let room = Room::new();
    let good = room.text();
    fs::write(room.path(), "{").unwrap();
    assert!(matches!(room.clients.add(new("new", "prod")), Err(ClientsError::Damaged { .. })));
    assert!(room.clients.problem().is_some() && !room.knows_it(&room.clients));
    fs::write(room.path(), &good).unwrap();
    room.clients.add(new("new", "prod")).unwrap();
    assert_eq!((room.clients.problem(), room.knows_it(&room.clients)), (None, true), "it is mended");
}

#[test]
fn a_file_that_others_may_write_lets_nobody_in() {
    let room = Room::new();
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o666)).unwrap();
    let clients = room.restarted();
    assert!(!room.knows_it(&clients));
    let problem = clients.problem().unwrap();
    assert!(problem.contains("clients.json is not believed") && problem.contains("mode 0666"), "{problem}");
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(room.knows_it(&room.restarted()));
}

#[test]
fn what_is_no_file_lets_nobody_in() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("clients.json")).unwrap();
    assert!(Clients::load(home.path()).problem().is_some());
}

#[test]
fn a_link_in_the_way_is_replaced_and_what_it_leads_to_stays() {
    let room = Room::new();
    let victim = room.home.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, room.home.path().join("clients.new")).unwrap();
    room.clients.add(new("new", "prod")).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!room.path().is_symlink());
}

#[test]
fn a_full_disk_refuses_a_client_and_leaves_nothing_of_it() {
    let room = Room::new();
    let before = room.text();
    let obstacle = room.fill();
    assert!(matches!(room.clients.add(new("new", "prod")), Err(ClientsError::Unwritten { .. })));
    assert_eq!((room.text(), room.clients.all().len()), (before, 1));
    fs::remove_dir(obstacle).unwrap();
    room.clients.add(new("new", "prod")).unwrap();
}

#[test]
fn a_full_disk_does_not_keep_a_removed_client_in() {
    let room = Room::new();
    let obstacle = room.fill();
    let error = room.clients.remove(&name("ci")).unwrap_err();
    assert!(matches!(error, ClientsError::StillWritten { .. }), "{error}");
    assert!(!room.knows_it(&room.clients), "refused all the same");
    assert!(room.knows_it(&room.restarted()), "the file still has it");
    assert!(room.clients.remove(&name("ci")).is_err(), "may be tried again");
    fs::remove_dir(obstacle).unwrap();
    room.clients.write().unwrap();
    assert!(!room.knows_it(&room.restarted()), "the daemon writes it down as soon as it can");
}

#[test]
fn a_removed_client_that_the_disk_still_has_may_be_removed_again_and_does_not_come_back_with_another() {
    let room = Room::new();
    let obstacle = room.fill();
    room.clients.remove(&name("ci")).unwrap_err();
    fs::remove_dir(obstacle).unwrap();
    room.clients.remove(&name("ci")).unwrap();
    assert!(!room.knows_it(&room.restarted()));

    let room = Room::new();
    let obstacle = room.fill();
    room.clients.remove(&name("ci")).unwrap_err();
    fs::remove_dir(obstacle).unwrap();
    room.clients.add(new("ci", "prod")).unwrap();
    assert!(!room.knows_it(&room.clients) && !room.knows_it(&room.restarted()));
    assert_eq!(room.restarted().all().len(), 1);
}

#[test]
fn the_clients_of_a_profile_go_together_and_come_back_together() {
    let room = Room::new();
    room.clients.add(new("ci-2", "prod")).unwrap();
    let (_, other) = room.clients.add(new("other", "staging")).unwrap();
    let before = room.clients.all();
    let removed = room.clients.remove_of(&"prod".parse().unwrap()).unwrap();
    assert_eq!(removed.count(), 2);
    assert!(!room.knows_it(&room.clients) && !room.knows_it(&room.restarted()));
    assert!(room.restarted().by_bearer(other.expose().as_bytes()).is_some());
    room.clients.put_back(removed).unwrap();
    assert_eq!((room.clients.all(), room.restarted().all()), (before.clone(), before));
    assert!(room.knows_it(&room.restarted()));
}

#[test]
fn a_use_is_told_of_and_survives_a_restart_once_it_is_written() {
    let room = Room::new();
    assert_eq!(room.clients.last_use(&room.client), None);
    room.clients.note_use(&name("ci"), at(1_750_000_000));
    let told = Some(Duration::from_secs(1_750_000_000));
    assert_eq!(room.clients.last_use(&room.client), told);
    assert_eq!(room.restarted().last_use(&room.client), None, "a request does not wait for the disk");
    room.clients.write().unwrap();
    assert_eq!(room.restarted().last_use(&room.client), told);
    assert!(!fs::read_to_string(room.home.path().join("client-uses.json")).unwrap().contains(&room.secret));
}

#[test]
fn a_client_made_anew_under_an_old_name_was_never_used() {
    let room = Room::new();
    room.clients.note_use(&name("ci"), at(1_750_000_000));
    room.clients.write().unwrap();
    room.clients.remove(&name("ci")).unwrap();
    let (successor, _) = room.clients.add(new("ci", "prod")).unwrap();
    assert_eq!(room.clients.last_use(&successor), None);
    room.clients.note_use(&name("ci"), at(1_750_000_001));
    room.clients.write().unwrap();
    assert_eq!(room.restarted().last_use(&room.client), None, "the old one's is not kept for ever");
}

#[test]
fn a_use_that_the_disk_did_not_take_is_written_the_next_time() {
    let room = Room::new();
    let obstacle = room.home.path().join("client-uses.new");
    fs::create_dir(&obstacle).unwrap();
    room.clients.note_use(&name("ci"), at(1_750_000_000));
    assert!(room.clients.write().is_err());
    fs::remove_dir(obstacle).unwrap();
    room.clients.write().unwrap();
    assert!(room.restarted().last_use(&room.client).is_some());
}

#[test]
fn uses_that_cannot_be_read_are_forgotten_and_nobody_is_refused_for_it() {
    let room = Room::new();
    fs::write(room.home.path().join("client-uses.json"), "{").unwrap();
    let clients = room.restarted();
    assert!(room.knows_it(&clients) && clients.problem().is_none());
    clients.note_use(&name("ci"), at(1_750_000_000));
    clients.write().unwrap();
    assert!(room.restarted().last_use(&room.client).is_some());
}

#[tokio::test(start_paused = true)]
async fn uses_are_written_by_themselves_and_once_a_minute_at_most() {
    let room = Room::new();
    let keeper = tokio::spawn(room.clients.clone().keep());
    let written = async |seconds: u64| {
        let mut waited = 0;
        while room.restarted().last_use(&room.client) != Some(Duration::from_secs(seconds)) {
            assert!(waited <= 120, "never written");
            time::sleep(Duration::from_secs(1)).await;
            waited += 1;
        }
        waited
    };
    room.clients.note_use(&name("ci"), at(1_750_000_000));
    assert!(written(1_750_000_000).await <= 1);
    room.clients.note_use(&name("ci"), at(1_750_000_005));
    let waited = written(1_750_000_005).await;
    assert!((58..=61).contains(&waited), "{waited} s");
    keeper.abort();
}
