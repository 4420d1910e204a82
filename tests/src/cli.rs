//! The client, run as a person runs it.

use std::{ffi::OsString, path::PathBuf, process::Command};

use crate::{Airbyte, Binary, Ended, Home, Process};

/// The client, ready to run in a home.
#[derive(Debug)]
pub struct Cli<'home> {
    home: &'home Home,
    socket: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl<'home> Cli<'home> {
    /// The client of this home's owner.
    #[must_use]
    pub const fn of(home: &'home Home) -> Self {
        Self { home, socket: None, variables: Vec::new() }
    }

    /// The same, told to use this socket.
    #[must_use]
    pub fn socket(self, socket: impl Into<PathBuf>) -> Self {
        Self { socket: Some(socket.into()), ..self }
    }

    /// The same with one variable more.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Starts it with these arguments and this on its standard input.
    #[must_use]
    pub fn start(&self, arguments: &[&str], input: &str) -> Process {
        Process::start(&mut self.command(arguments), input.as_bytes())
    }

    /// Runs it with these arguments.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments, "").wait()
    }

    /// Runs it and expects success; gives back its standard output.
    ///
    /// # Panics
    /// When it fails.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code(), Some(0), "{arguments:?}: {}", ended.stderr);
        ended.text()
    }

    /// Runs it and expects this exit status, nothing on standard output, and one error with one hint on standard
    /// error, which it gives back.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn fail(&self, arguments: &[&str], status: i32) -> String {
        assert_failed(self.run(arguments), arguments, status)
    }

    /// Logs in to this Airbyte, with more arguments if need be.
    #[must_use]
    pub fn log_in(&self, airbyte: &Airbyte, vault: &str, more: &[&str]) -> Ended {
        self.log_in_with(airbyte, vault, airbyte.secret().expose(), more)
    }

    /// Logs in with another secret.
    #[must_use]
    pub fn log_in_with(&self, airbyte: &Airbyte, vault: &str, secret: &str, more: &[&str]) -> Ended {
        let url = airbyte.url();
        let mut arguments =
            vec!["login", "--url", &url, "--client-id", airbyte.client_id(), "--vault", vault];
        arguments.extend(more);
        self.start(&arguments, &format!("{secret}\n")).wait()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(Binary::Client);
        command.args(arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(socket) = &self.socket {
            command.arg("--socket").arg(socket);
        }
        command
    }
}

/// Expects this exit status, nothing on standard output, and one error with one hint, which it gives back.
///
/// # Panics
/// When it is otherwise.
pub fn assert_failed(ended: Ended, arguments: &[&str], status: i32) -> String {
    let Ended { stdout, stderr, .. } = &ended;
    assert_eq!(ended.code(), Some(status), "{arguments:?}: {stderr}");
    assert!(stdout.is_empty(), "{arguments:?} failed and wrote to standard output");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "an error and a hint: {stderr}");
    assert!(lines[0].starts_with("airbyte-token: error: "), "{stderr}");
    assert!(lines[1].starts_with("hint: ") && lines[1].len() > "hint: ".len(), "{stderr}");
    ended.stderr
}
