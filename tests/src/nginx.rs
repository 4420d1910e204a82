//! A real nginx, as people put it in front of things.

use std::path::PathBuf;

use crate::{Home, Http, PATIENCE, Process, eventually, random};

/// An nginx that passes everything on, as one says in a `location`. It listens on a Unix socket, since it cannot be told
/// to take any port that is free, and ends when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    _process: Process,
    socket: PathBuf,
}

impl Nginx {
    /// Passes on to `upstream`, as `proxy_pass` takes it (`http://127.0.0.1:80`, `http://unix:/a/socket:`), with these
    /// directives beside.
    #[must_use]
    pub fn before(upstream: &str, directives: &str, home: &Home) -> Self {
        let directory = home.path().join(format!("nginx-{}", random::hex::<4>()));
        home.make_directory(&directory);
        let (socket, file) = (directory.join("front.sock"), directory.join("nginx.conf"));
        let place = directory.display();
        let config = format!(
            r"
daemon off;
master_process off;
pid {place}/pid;
error_log stderr info;
events {{}}
http {{
  access_log off;
  client_body_temp_path {place}/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen unix:{};
    location / {{
      {directives}
      proxy_pass {upstream};
    }}
  }}
}}
",
            socket.display()
        );
        home.write(&file, config.as_bytes());
        let mut command = home.command_of(home.person(), "nginx".as_ref());
        command.args(["-e", "stderr", "-p"]).arg(&directory).arg("-c").arg(&file);
        let process = Process::start(&mut command, b"");
        eventually("nginx listens", PATIENCE, || Http::over(&socket).connect().ok());
        Self { _process: process, socket }
    }

    /// Its side of the world.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::over(&self.socket)
    }
}
