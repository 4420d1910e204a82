//! What a line says.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Hash, Stamp};

/// The outcome of what was done as asked; otherwise an outcome is an error's code.
pub const DONE: &str = "done";

/// What happened. Texts that programs chose are made fit to be shown before they come in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When; the last time, if it happened more than once.
    pub time: Stamp,
    /// The first time, if it happened more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Stamp>,
    /// How often, if more than once: the same asker did the same over and over.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u64,
    /// What was asked or done.
    pub verb: Verb,
    /// What came of it: [`DONE`] or an error's code.
    pub outcome: Cow<'static, str>,
    /// The profile that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The public name of the token that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// When that token was asked of Airbyte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Stamp>,
    /// Who asked; none where the daemon did it of itself or a signal told it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// The way in: a socket's name, or `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// What else there is to say, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The SHA-256 of the line above, which was never finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Hash>,
}

const fn once() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_once(times: &u64) -> bool {
    *times == 1
}

impl Event {
    /// Something that happened once, with nothing else to say of it.
    #[must_use]
    pub const fn new(time: Stamp, verb: Verb) -> Self {
        Self {
            time,
            first: None,
            times: 1,
            verb,
            outcome: Cow::Borrowed(DONE),
            profile: None,
            fingerprint: None,
            issued: None,
            who: None,
            door: None,
            detail: None,
            torn: None,
        }
    }

    /// The first time that it happened.
    #[must_use]
    pub fn first(&self) -> Stamp {
        self.first.unwrap_or(self.time)
    }
}

/// A line as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number; the first ever is 1.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub event: Event,
    /// The hash of the line before it; of the first ever, 64 zeros.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// Who asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The local client's name, for one that showed its id and secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The user, as the kernel says it (`SO_PEERCRED`, unix(7)): this was what decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The process, as far as it could be seen.
    #[serde(flatten)]
    pub process: Process,
    /// The process that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Process>,
}

/// A process, as far as it could be seen. Never what decides: numbers are used again, and names are chosen freely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// The file that it runs, as the kernel says it (`/proc/PID/exe`, proc(5)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The name that it goes by, where its file cannot be seen (`/proc/PID/comm`): it may call itself anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comm: Option<String>,
}

macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $verb:ident => $name:literal,)+) => {
        /// What was asked or done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Verb {
            $($(#[doc = $doc])+ $verb,)+
            /// Something that this build does not know: the daemon was newer. Read, never written.
            Other,
        }

        impl Verb {
            /// Every verb that is written.
            pub const ALL: &[Self] = &[$(Self::$verb,)+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$verb => $name,)+
                    Self::Other => "other",
                }
            }
        }
    };
}

verbs! {
    /// A token was handed out.
    Token => "token",
    /// A token was renewed because somebody asked.
    Refresh => "refresh",
    /// Somebody reported that Airbyte refused a token.
    Reject => "reject",
    /// A profile was made, or given a new secret.
    Login => "login",
    /// A profile was removed.
    Logout => "logout",
    /// Another profile became the default one.
    Use => "use",
    /// The configuration was read anew.
    Reload => "reload",
    /// The daemon was locked.
    Lock => "lock",
    /// The daemon was unlocked.
    Unlock => "unlock",
    /// A local client was added.
    ClientAdd => "client-add",
    /// A local client was removed.
    ClientRm => "client-rm",
    /// Somebody was turned away.
    Refused => "refused",
    /// The daemon began to serve.
    Start => "start",
    /// The daemon stopped by itself, and all that came before was written.
    Stop => "stop",
    /// A file begins here.
    Begin => "begin",
    /// So many events were not written, since the disk did not take them.
    Lost => "lost",
    /// The line above was never finished: the machine or the daemon ended in the middle.
    Torn => "torn",
    /// The file was not as the daemon had left it.
    Damaged => "damaged",
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Verb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Verb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::ALL.iter().copied().find(|verb| verb.name() == name).unwrap_or(Self::Other))
    }
}
