//! The port: where it may be, who else may have it, and what a reload does to it.

use std::net::{SocketAddr, TcpListener, TcpStream};

use airbyte_tokend_tests::{Daemon, Home, Recipe};

use crate::gate::{Ask, Scene, Way, free_address, listening_at};

/// T8: a configuration that would have other machines reach it.
#[test]
fn an_address_that_others_reach_is_refused_with_its_place() {
    let home = Home::new();
    for address in [
        "0.0.0.0:8797",
        "[::]:8797",
        "192.0.2.1:8797",
        "127.0.0.2:8797",
        "localhost:8797",
        "[::ffff:127.0.0.1]:8797",
        "127.0.0.1:0",
        "127.0.0.1",
        "8797",
    ] {
        home.write_config(&format!("\n[http]\nlisten = \"{address}\"\n"));
        let ended = Recipe::of(&home).fail();
        assert_eq!(ended.code(), Some(78), "{address}: {}", ended.stderr);
        let log = ended.stderr.to_string();
        assert!(log.contains("config.toml:3:1: `http.listen`: only this machine may reach it"), "{log}");
    }
    let address = free_address();
    home.write_config(&listening_at(&[&address.to_string()]));
    assert_eq!(Daemon::start(&home).stop().code(), Some(0), "the control");
}

/// The addresses at which somebody listens on this port, as the kernel writes them (proc_net_tcp(5)).
fn listening(port: u16) -> Vec<String> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let listening = lines.filter_map(|line| {
        let cells: Vec<_> = line.split_whitespace().collect();
        let (address, number) = cells[1].split_once(':')?;
        let is_it = cells[3] == "0A" && u16::from_str_radix(number, 16) == Ok(port);
        is_it.then(|| address.to_owned())
    });
    listening.collect()
}

/// T8: another machine looks for the port.
#[test]
fn the_port_is_open_on_loopback_and_nowhere_else() {
    let home = Home::new();
    let (four, six) =
        (free_address(), SocketAddr::new([0, 0, 0, 0, 0, 0, 0, 1].into(), free_address().port()));
    home.write_config(&listening_at(&[&four.to_string(), &six.to_string()]));
    let scene = Scene::with(&home, four, &Recipe::of(&home));
    assert_eq!(listening(four.port()), ["0100007F"]);
    assert_eq!(listening(six.port()), ["00000000000000000000000001000000"]);
    for address in [four, six] {
        for host in [address.to_string(), format!("localhost:{}", address.port())] {
            let ask = Ask::token(&host).bearer(&scene.client.secret);
            assert_eq!(Way::Loopback(address).send(&ask).status, 200, "{host}");
        }
    }
    let everywhere = TcpListener::bind("0.0.0.0:0").expect("there is a port");
    let port = everywhere.local_addr().expect("it has one").port();
    assert_eq!(listening(port), ["00000000"], "the control");
}

/// T8: without being asked to, the daemon opens no port at all.
#[test]
fn loopback_http_is_off_by_default() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let sockets = |pid: u32| {
        let of_process = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
        let inodes = of_process.filter_map(|fd| std::fs::read_link(fd.path()).ok());
        let inodes: Vec<_> = inodes.map(|link| link.to_string_lossy().replace("socket:", "")).collect();
        let tables = ["tcp", "tcp6", "udp", "udp6"]
            .map(|table| std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default());
        let lines: Vec<_> = tables.iter().flat_map(|table| table.lines().skip(1)).collect();
        let inode = |line: &str| line.split_whitespace().nth(9).map(|inode| format!("[{inode}]"));
        lines.iter().filter(|line| inode(line).is_some_and(|inode| inodes.contains(&inode))).count()
    };
    assert_eq!(sockets(daemon.pid()), 0);
    home.write_config(&listening_at(&[&free_address().to_string()]));
    daemon.reload();
    assert_eq!(sockets(daemon.pid()), 1, "the control");
}

/// T8: somebody else has the port, and would be sent the bearers of our clients.
#[test]
fn a_port_that_is_taken_is_named_and_the_daemon_does_not_start_beside_it() {
    let home = Home::new();
    let address = free_address();
    let squatter = TcpListener::bind(address).expect("it is free");
    home.write_config(&listening_at(&[&address.to_string()]));
    let ended = Recipe::of(&home).fail();
    assert_eq!(ended.code(), Some(75), "{}", ended.stderr);
    let log = ended.stderr.to_string();
    let expected = format!("{address}: another program has port {}", address.port());
    assert!(log.contains(&expected) && log.contains("stop it, or choose another port"), "{log}");
    drop(squatter);
    assert_eq!(Daemon::start(&home).stop().code(), Some(0), "the control");
}

/// T8: a port that is not to be had leaves everything as it was; one that is, is moved to, and the old one is closed.
#[test]
fn a_reload_moves_the_endpoint_whole_or_not_at_all() {
    let home = Home::new();
    let scene = Scene::new(&home);
    let (old, new) = (scene.address, free_address());
    let serves = |address: SocketAddr| {
        let ask = Ask::token(&address.to_string()).bearer(&scene.client.secret);
        TcpStream::connect(address).is_ok() && Way::Loopback(address).send(&ask).status == 200
    };
    let profile = home.config().split_once("[profiles").map(|(_, rest)| format!("[profiles{rest}"));
    let profile = profile.expect("there is a profile");
    let configure = |http: &str| home.write_config(&format!("{http}{profile}"));

    let squatter = TcpListener::bind(new).expect("it is free");
    configure(&listening_at(&[&new.to_string()]));
    let said = scene.daemon.reload();
    assert!(said.contains("serving with the old configuration") && said.contains(&new.to_string()), "{said}");
    assert!(serves(old), "the old one stays");
    drop(squatter);

    assert!(!scene.daemon.reload().contains("old configuration"));
    assert!(serves(new), "it was moved");
    assert!(TcpStream::connect(old).is_err(), "and is not where it was");

    configure("");
    scene.daemon.reload();
    assert!(TcpStream::connect(new).is_err(), "it was closed");
    configure(&listening_at(&[&old.to_string(), &format!("[::1]:{}", new.port())]));
    scene.daemon.reload();
    assert!(serves(old), "it was opened again");
    assert_eq!(scene.airbyte.exchanges(), 1, "the profile did not notice");
}
