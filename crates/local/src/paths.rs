//! Where things live: the socket, the lock, the config and the state. Pure functions of what the environment says.
//!
//! There is no fallback to `/tmp` or to any other directory that more than one user may write: whoever came first there
//! could pose as the daemon.

mod env;

pub use env::{ClientEnv, Env};

use std::path::{Path, PathBuf};

/// The directory of ours inside each of the user's directories.
pub const OURS: &str = "airbyte-tokend";

/// The socket of the service that the whole system shares.
pub const SYSTEM_SOCKET: &str = "/run/airbyte-tokend/api.sock";

const SOCKET: &str = "api.sock";
const LOCK: &str = "api.lock";
const CONFIG: &str = "config.toml";

/// Where a daemon keeps its things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The socket of the local API.
    pub socket: PathBuf,
    /// Locked for as long as the daemon runs; beside the socket.
    pub lock: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// The directory of what is remembered across restarts. No secret and no token is ever in it.
    pub state: PathBuf,
}

impl Paths {
    /// Where a daemon in this environment keeps its things. Where systemd made directories for it
    /// (`RuntimeDirectory=` and its kin, systemd.exec(5)), those; else the user's (XDG Base Directory Specification).
    ///
    /// # Errors
    /// Where the environment names no such directory: says which variable would.
    pub fn of_daemon(env: &Env) -> Result<Self, NoPlace> {
        let runtime = place(&env.service_runtime, &env.runtime_dir).ok_or(NoPlace::Runtime)?;
        let config = place(&env.service_config, &env.config_home).ok_or(NoPlace::Config)?;
        Ok(Self {
            socket: runtime.join(SOCKET),
            lock: runtime.join(LOCK),
            config: config.join(CONFIG),
            state: state(env)?,
        })
    }
}

/// Where a daemon in this environment keeps what is remembered across restarts, and its audit log.
///
/// # Errors
/// Where the environment names no such directory.
pub fn state(env: &Env) -> Result<PathBuf, NoPlace> {
    place(&env.service_state, &env.state_home).ok_or(NoPlace::State)
}

fn place(from_systemd: &Option<PathBuf>, of_user: &Option<PathBuf>) -> Option<PathBuf> {
    from_systemd.clone().or_else(|| of_user.as_ref().map(|home| home.join(OURS)))
}

/// The socket that a client should use: the one named on the command line, else the one named in
/// `AIRBYTE_TOKEND_SOCKET`, else the user's, else [`SYSTEM_SOCKET`] if that is there and the user's is not. `exists`
/// says whether a path is there.
///
/// # Errors
/// Where nothing names a socket and the system has none.
pub fn client_socket(
    named: Option<&Path>,
    env: &ClientEnv,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, NoPlace> {
    if let Some(socket) = named.or(env.socket.as_deref()) {
        return Ok(socket.to_owned());
    }
    let system = Path::new(SYSTEM_SOCKET);
    match &env.runtime_dir {
        Some(runtime) => {
            let of_user = runtime.join(OURS).join(SOCKET);
            let use_system = !exists(&of_user) && exists(system);
            Ok(if use_system { system.to_owned() } else { of_user })
        }
        None if exists(system) => Ok(system.to_owned()),
        None => Err(NoPlace::Runtime),
    }
}

/// The environment does not say where something lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// The socket and its lock.
    #[error(
        "no place for the socket: XDG_RUNTIME_DIR is not set to an absolute path; \
         log in through a session (pam_systemd sets it to /run/user/UID), or name a socket"
    )]
    Runtime,
    /// The configuration.
    #[error("no place for the configuration: neither XDG_CONFIG_HOME nor HOME is set to an absolute path")]
    Config,
    /// The state.
    #[error("no place for the state: neither XDG_STATE_HOME nor HOME is set to an absolute path")]
    State,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Env {
        Env {
            runtime_dir: Some("/run/user/1000".into()),
            config_home: Some("/home/u/.config".into()),
            state_home: Some("/home/u/.local/state".into()),
            ..Env::default()
        }
    }

    fn client() -> ClientEnv {
        ClientEnv { runtime_dir: Some("/run/user/1000".into()), ..ClientEnv::default() }
    }

    #[test]
    fn a_user_s_daemon_lives_in_the_user_s_directories() {
        let paths = Paths::of_daemon(&user()).unwrap();
        assert_eq!(paths.socket, Path::new("/run/user/1000/airbyte-tokend/api.sock"));
        assert_eq!(paths.lock, Path::new("/run/user/1000/airbyte-tokend/api.lock"));
        assert_eq!(paths.config, Path::new("/home/u/.config/airbyte-tokend/config.toml"));
        assert_eq!(paths.state, Path::new("/home/u/.local/state/airbyte-tokend"));
    }

    #[test]
    fn directories_that_systemd_made_are_used_as_they_are() {
        let env = Env {
            service_runtime: Some("/run/airbyte-tokend".into()),
            service_config: Some("/etc/airbyte-tokend".into()),
            service_state: Some("/var/lib/airbyte-tokend".into()),
            ..Env::default()
        };
        let paths = Paths::of_daemon(&env).unwrap();
        assert_eq!(paths.socket, Path::new(SYSTEM_SOCKET));
        assert_eq!(paths.config, Path::new("/etc/airbyte-tokend/config.toml"));
        assert_eq!(paths.state, Path::new("/var/lib/airbyte-tokend"));
    }

    #[test]
    fn a_place_that_nobody_named_is_an_error_and_never_tmp() {
        for (env, missing, variable) in [
            (Env { runtime_dir: None, ..user() }, NoPlace::Runtime, "XDG_RUNTIME_DIR"),
            (Env { config_home: None, ..user() }, NoPlace::Config, "XDG_CONFIG_HOME"),
            (Env { state_home: None, ..user() }, NoPlace::State, "XDG_STATE_HOME"),
        ] {
            assert_eq!(Paths::of_daemon(&env), Err(missing));
            assert!(missing.to_string().contains(variable));
        }
    }

    #[test]
    fn a_named_socket_wins_and_the_nearest_name_wins_most() {
        let env = ClientEnv { socket: Some("/from/env".into()), ..client() };
        let named = client_socket(Some(Path::new("/from/argument")), &env, |_| true);
        assert_eq!(named.unwrap(), Path::new("/from/argument"));
        assert_eq!(client_socket(None, &env, |_| true).unwrap(), Path::new("/from/env"));
    }

    #[test]
    fn the_system_s_socket_is_used_only_where_the_user_has_none() {
        let of_user = Path::new("/run/user/1000/airbyte-tokend/api.sock");
        let system = Path::new(SYSTEM_SOCKET);
        let chosen = |there: &[&Path]| client_socket(None, &client(), |path| there.contains(&path)).unwrap();
        assert_eq!(chosen(&[of_user, system]), of_user);
        assert_eq!(chosen(&[of_user]), of_user);
        assert_eq!(chosen(&[system]), system);
        assert_eq!(chosen(&[]), of_user);
    }

    #[test]
    fn without_a_session_only_the_system_s_socket_is_left() {
        let env = ClientEnv::default();
        assert_eq!(client_socket(None, &env, |_| true).unwrap(), Path::new(SYSTEM_SOCKET));
        assert_eq!(client_socket(None, &env, |_| false), Err(NoPlace::Runtime));
    }
}
