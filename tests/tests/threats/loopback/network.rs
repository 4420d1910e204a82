//! Another machine, one cable away.

use airbyte_tokend_tests::{Binary, Daemon, Ended, Home, Island, Process, Recipe};

use crate::gate::{free_address, listening_at};

/// An island with a daemon that has loopback HTTP on this port, and a server of Airbyte's kind on that one.
struct Machine<'home> {
    island: &'home Island,
    port: u16,
    control: u16,
    _daemon: Daemon,
    _server: Process,
}

impl<'home> Machine<'home> {
    /// The server is at this address of the machine.
    fn new(home: &'home Home, island: &'home Island, server_at: &str) -> Self {
        let (port, control) = (free_address().port(), free_address().port());
        home.write_config(&listening_at(&[&format!("127.0.0.1:{port}")]));
        let daemon = Recipe::of(home).on(island).start();
        let mut server = home.command(Binary::Sandbox);
        let server = Process::start(
            &mut island.command(server.args(["--listen", &format!("{server_at}:{control}")])),
            b"",
        );
        let machine = Self { island, port, control, _daemon: daemon, _server: server };
        machine.await_server(server_at);
        machine
    }

    fn await_server(&self, address: &str) {
        let arguments = ["--retry", "100", "--retry-delay", "1", "--retry-connrefused"];
        let ended = ask(self.island, address, self.control, &arguments);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    }
}

/// Asks from there. A code of 0 is an answer of any kind, 7 a connection that was refused, 52 and 56 one that was
/// closed without a word (curl(1)).
fn ask(from: &Island, address: &str, port: u16, more: &[&str]) -> Ended {
    let url = format!("http://{address}:{port}/v1/token");
    from.run(&[&["curl", "--silent", "--show-error", "--max-time", "60"], more, &[&url]].concat())
}

/// T8: another machine on the same network looks for the port.
#[test]
fn another_machine_does_not_reach_the_port() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let (here, there) = (Island::new(&home, "files"), Island::new(&elsewhere, "files"));
    let machine = Machine::new(&home, &here, "192.0.2.2");
    here.lay_cable(&there);
    let own = ask(&here, "127.0.0.1", machine.port, &[]);
    assert!(own.text().contains("unauthorized"), "it serves: {}", own.text());
    assert_eq!(ask(&there, "192.0.2.2", machine.port, &[]).code(), Some(7));
    assert_eq!(ask(&there, "192.0.2.2", machine.control, &[]).code(), Some(0), "the control");
}

/// T8: another machine on the same network sends to 127.0.0.1, where the kernel was told to let that pass.
#[test]
fn whoever_reaches_the_port_from_another_address_is_not_heard() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let (here, there) = (Island::new(&home, "files"), Island::new(&elsewhere, "files"));
    let machine = Machine::new(&home, &here, "127.0.0.1");
    here.lay_cable(&there);
    for (island, device) in [(&here, "out"), (&there, "cable")] {
        let switch = format!("net.ipv4.conf.{device}.route_localnet=1");
        assert_eq!(island.run(&["sysctl", "-w", &switch]).code(), Some(0));
    }
    there.ip(&["address", "del", "127.0.0.1/8", "dev", "lo"]);
    there.ip(&["route", "add", "127.0.0.1", "via", "192.0.2.2", "dev", "cable"]);
    let code = ask(&there, "127.0.0.1", machine.port, &[]).code();
    assert!(matches!(code, Some(52 | 56)), "{code:?}");
    assert_eq!(ask(&there, "127.0.0.1", machine.control, &[]).code(), Some(0), "the control");
    assert_eq!(ask(&here, "127.0.0.1", machine.port, &[]).code(), Some(0), "it serves");
}
