//! A session bus, and a GNOME Keyring on it.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use zbus::{
    blocking::{Connection, fdo::DBusProxy},
    zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

pub(crate) const KEYRING: &str = "org.freedesktop.secrets";
const SECRETS: &str = "/org/freedesktop/secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const PASSWORD: &str = "test-pass";

/// Who may call the keyring.
pub(crate) enum Policy {
    Open,
    KeyringDenied,
}

/// Whether the bus starts a keyring that is called and not there.
pub(crate) enum Activation {
    None,
    Keyring,
}

/// A `dbus-daemon`, until dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn start(home: &Path, address: &str, policy: Policy, activation: Activation) -> Self {
        let config = home.join("bus.conf");
        fs::write(&config, configuration(home, address, policy, activation)).unwrap();
        let mut child = Command::new("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--config-file={}", config.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:"), "the bus says where it is: {line}");
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// As open as Debian's, whose session bus lets everybody listen to everything.
fn configuration(home: &Path, address: &str, policy: Policy, activation: Activation) -> String {
    let services = home.join("services");
    fs::create_dir_all(&services).unwrap();
    if let Activation::Keyring = activation {
        let start = "gnome-keyring-daemon --start --foreground --components=secrets";
        let file = format!("[D-BUS Service]\nName={KEYRING}\nExec=/usr/bin/env {start}\n");
        fs::write(services.join("keyring.service"), file).unwrap();
    }
    let denied = match policy {
        Policy::Open => String::new(),
        Policy::KeyringDenied => format!("<deny send_destination='{KEYRING}'/>"),
    };
    let services = services.display();
    format!(
        "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'
           'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>
         <busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth>
           <servicedir>{services}</servicedir>
           <policy context='default'>
             <allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>{denied}
           </policy>
         </busconfig>"
    )
}

/// A GNOME Keyring whose login keyring is unlocked, until dropped.
pub(crate) struct Keyring(Child);

impl Keyring {
    pub(crate) fn start() -> Self {
        let bus = Connection::session().unwrap();
        let owners = DBusProxy::new(&bus).unwrap();
        let mut changes = owners.receive_name_owner_changed_with_args(&[(0, KEYRING)]).unwrap();
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        let is_there = |owner: &str| !owner.is_empty();
        while !changes.next().unwrap().args().unwrap().new_owner().as_ref().is_some_and(|name| is_there(name))
        {
        }
        Self(child)
    }

    pub(crate) fn lock(&self) {
        let objects = vec![ObjectPath::try_from(LOGIN).unwrap()];
        let _locked: (Vec<OwnedObjectPath>, OwnedObjectPath) = call(SECRETS, SERVICE, "Lock", &(objects,));
    }

    /// What logging in to the desktop does.
    pub(crate) fn unlock(&self) {
        let bus = Connection::session().unwrap();
        let session = open_plain_session(&bus);
        let password = (session, Vec::<u8>::new(), PASSWORD.as_bytes().to_vec(), "text/plain");
        let arguments = (ObjectPath::try_from(LOGIN).unwrap(), password);
        let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        call_on(&bus, SECRETS, interface, "UnlockWithMasterPassword", &arguments)
            .body()
            .deserialize::<()>()
            .unwrap();
    }

    /// Stops it as SIGSTOP does, and returns when it has stopped.
    pub(crate) fn pause(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
    }

    pub(crate) fn resume(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    pub(crate) fn kill(mut self) {
        end(&mut self.0);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Reads an item as a careless program does: without encryption.
pub(crate) fn read_in_clear(attributes: &HashMap<&str, &str>) -> Vec<u8> {
    let bus = Connection::session().unwrap();
    let session = open_plain_session(&bus);
    let reply = call_on(&bus, SECRETS, SERVICE, "SearchItems", &(attributes,));
    let (unlocked, _locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        reply.body().deserialize().unwrap();
    let item = unlocked.first().unwrap().as_str();
    let reply = call_on(&bus, item, "org.freedesktop.Secret.Item", "GetSecret", &(session,));
    type Answer = ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),);
    let ((_, _, secret, _),): Answer = reply.body().deserialize().unwrap();
    secret
}

fn open_plain_session(bus: &Connection) -> OwnedObjectPath {
    let reply = call_on(bus, SECRETS, SERVICE, "OpenSession", &("plain", Value::from("")));
    let (_, session): (OwnedValue, OwnedObjectPath) = reply.body().deserialize().unwrap();
    session
}

fn call<T>(path: &str, interface: &str, method: &str, arguments: &(impl serde::Serialize + DynamicType)) -> T
where
    T: serde::de::DeserializeOwned + zbus::zvariant::Type,
{
    let bus = Connection::session().unwrap();
    call_on(&bus, path, interface, method, arguments).body().deserialize().unwrap()
}

fn call_on(
    bus: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    arguments: &(impl serde::Serialize + DynamicType),
) -> zbus::Message {
    bus.call_method(Some(KEYRING), path, Some(interface), method, arguments).unwrap()
}
