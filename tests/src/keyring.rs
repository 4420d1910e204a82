//! A session bus and a keyring of one's own.

use std::{fs, path::PathBuf, process::Command};

use rustix::process::Signal;
use zbus::{
    blocking::{Connection, connection},
    zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

use crate::{Home, PATIENCE, Process, eventually, random};

/// A private D-Bus and the GNOME keyring on it, unlocked; both end when dropped.
#[derive(Debug)]
pub struct Keyring<'home> {
    home: &'home Home,
    bus: Option<Process>,
    address: String,
    password: String,
    daemon: Option<Process>,
}

const SERVICE: &str = "org.freedesktop.secrets";

impl<'home> Keyring<'home> {
    /// An empty keyring in this home.
    #[must_use]
    pub fn start(home: &'home Home) -> Self {
        let mut keyring = Self::bus_alone(home);
        keyring.begin();
        keyring
    }

    /// A bus on which nobody keeps secrets.
    #[must_use]
    pub fn bus_alone(home: &'home Home) -> Self {
        let socket = home.path().join("bus");
        home.write(&bus_configuration(home), BUS.replace("SOCKET", &socket.display().to_string()).as_bytes());
        let address = format!("unix:path={}", socket.display());
        let mut keyring = Self { home, bus: None, address, password: random::hex::<16>(), daemon: None };
        keyring.begin_bus();
        keyring
    }

    /// Has the bus run, at the same address as before.
    ///
    /// # Panics
    /// When it does not.
    pub fn begin_bus(&mut self) {
        let mut command = tool(self.home, "dbus-daemon");
        let config = format!("--config-file={}", bus_configuration(self.home).display());
        let bus = Process::start(command.args(["--nofork", "--print-address", &config]), b"");
        bus.stdout().wait_for("\n");
        self.bus = Some(bus);
    }

    /// Kills the bus, and with it whatever lives on it: the keyring too.
    pub fn end_bus(&mut self) {
        (self.bus, self.daemon) = (None, None);
    }

    /// What `DBUS_SESSION_BUS_ADDRESS` should say.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has the keyring run, unlocked, with what it held before.
    ///
    /// # Panics
    /// When it does not.
    pub fn begin(&mut self) {
        let mut command = tool(self.home, "gnome-keyring-daemon");
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        let daemon = Process::start(&mut command, self.password.as_bytes());
        let said = daemon.stderr().clone();
        self.daemon = Some(daemon);
        eventually(&format!("the keyring answers; it said: {said}"), PATIENCE, || {
            (self.is_there() && self.is_locked() == Some(false)).then_some(())
        });
    }

    /// Ends the keyring; the bus stays.
    pub fn end(&mut self) {
        self.daemon = None;
        eventually("the bus forgets the keyring", PATIENCE, || (!self.is_there()).then_some(()));
    }

    /// Locks it.
    ///
    /// # Panics
    /// When it does not lock.
    pub fn lock(&self) {
        let one = format!("array:objpath:{COLLECTION}");
        self.call(SERVICE, SECRETS, "org.freedesktop.Secret.Service.Lock", &[&one])
            .expect("the keyring answers");
        assert_eq!(self.is_locked(), Some(true));
    }

    /// Unlocks it, as logging in to the desktop does.
    ///
    /// # Panics
    /// When it does not unlock.
    pub fn unlock(&self) {
        let bus = self.connect();
        let plain = ("plain", Value::from(""));
        let service = "org.freedesktop.Secret.Service";
        let reply = bus.call_method(Some(SERVICE), SECRETS, Some(service), "OpenSession", &plain);
        let (_, session): (OwnedValue, OwnedObjectPath) =
            reply.expect("it answers").body().deserialize().expect("as the Secret Service API says");
        let password = (session, Vec::<u8>::new(), self.password.as_bytes(), "text/plain");
        let collection = ObjectPath::try_from(COLLECTION).expect("it is a path");
        let private = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        let arguments = (collection, password);
        bus.call_method(Some(SERVICE), SECRETS, Some(private), "UnlockWithMasterPassword", &arguments)
            .expect("the password is right");
        assert_eq!(self.is_locked(), Some(false));
    }

    /// Has the bus refuse everybody who calls the keyring.
    pub fn deny_all(&self) {
        let deny = format!("<deny send_destination=\"{SERVICE}\"/></policy>");
        self.change_bus(|configuration| configuration.replace("</policy>", &deny));
    }

    /// Has the bus let everybody call the keyring again.
    pub fn allow_all(&self) {
        let deny = format!("<deny send_destination=\"{SERVICE}\"/>");
        self.change_bus(|configuration| configuration.replace(&deny, ""));
    }

    /// Stops its clock: it neither answers nor ends.
    ///
    /// # Panics
    /// When there is none.
    pub fn freeze(&self) {
        self.daemon.as_ref().expect("the keyring runs").signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When there is none.
    pub fn thaw(&self) {
        self.daemon.as_ref().expect("the keyring runs").signal(Signal::CONT);
    }

    /// Where the keyring keeps its files.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.home.path().join("data/keyrings")
    }

    fn change_bus(&self, change: impl FnOnce(String) -> String) {
        let path = bus_configuration(self.home);
        let configuration = fs::read_to_string(&path).expect("it was written");
        self.home.write(&path, change(configuration).as_bytes());
        let bus = "org.freedesktop.DBus";
        self.call(bus, "/org/freedesktop/DBus", "org.freedesktop.DBus.ReloadConfig", &[])
            .expect("the bus answers");
    }

    fn connect(&self) -> Connection {
        let builder = connection::Builder::address(self.address.as_str()).expect("it is an address");
        builder.build().expect("the bus lets us in")
    }

    fn is_there(&self) -> bool {
        let name = format!("string:{SERVICE}");
        let bus = "org.freedesktop.DBus";
        let reply = self.call(bus, "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", &[&name]);
        reply.is_some_and(|reply| reply.contains("boolean true"))
    }

    fn is_locked(&self) -> Option<bool> {
        let property = ["string:org.freedesktop.Secret.Collection", "string:Locked"];
        let reply = self.call(SERVICE, COLLECTION, "org.freedesktop.DBus.Properties.Get", &property)?;
        Some(reply.contains("boolean true"))
    }

    /// What the answer was, if there was one.
    fn call(&self, to: &str, path: &str, method: &str, arguments: &[&str]) -> Option<String> {
        let mut command = tool(self.home, "dbus-send");
        command.arg(format!("--bus={}", self.address)).args(["--print-reply", "--reply-timeout=5000"]);
        command.arg(format!("--dest={to}")).args([path, method]).args(arguments);
        let ended = Process::start(&mut command, b"").wait();
        (ended.code() == Some(0)).then(|| ended.text())
    }
}

const SECRETS: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

fn bus_configuration(home: &Home) -> PathBuf {
    home.path().join("bus.conf")
}

fn tool(home: &Home, name: &str) -> Command {
    home.command_of(home.person(), name.as_ref())
}

/// Nothing is started on demand: a keyring that is not there is not there.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
