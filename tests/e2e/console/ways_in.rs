//! The console over HTTPS: by the daemon itself, and behind nginx, whose word on who asks is taken.

use std::fs;
use std::path::Path;
use std::process::Child;

use super::live::new_call;
use super::{desk, script};
use crate::certificates::{Authority, Valid};
use crate::daemon::{Daemon, free, peer};

/// Somebody who listens to the menu for a while.
fn call(daemon: &Daemon) -> String {
    let before = daemon.calls();
    let mut caller = daemon.dialling(&daemon.uri(), &["--from", "13900139000", "--hangup-after", "8"]);
    let call = new_call(daemon, &before);
    std::thread::spawn(move || caller.wait());
    call.to_string()
}

#[test]
fn the_daemon_itself_serves_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let [certificate, key] = authority.certifies("desk", &["localhost"], Valid::Now);
    let daemon = desk(&[
        ("CONSOLE__TLS", "on"),
        ("TLS__CERTIFICATES", certificate.to_str().expect("text")),
        ("TLS__KEYS", key.to_str().expect("text")),
    ]);
    script("ways_in", &format!("https://localhost:{}", daemon.console.port()), |wish| match wish {
        "call" => call(&daemon),
        _ => String::new(),
    });
}

/// nginx with HTTPS before a console, which it asks from an address of its own: on this machine browsers have the other.
struct Nginx(Child);

impl Nginx {
    fn start(folder: &Path, port: u16, certificate: &Path, key: &Path, console: &str) -> Self {
        let file = folder.join("nginx.conf");
        let (certificate, key) = (certificate.display(), key.display());
        let config = format!(
            "daemon off;\npid {at}/nginx.pid;\nerror_log {at}/error.log;\nevents {{}}\nhttp {{\n\
             access_log off;\nclient_body_temp_path {at}/body;\nproxy_temp_path {at}/proxy;\n\
             fastcgi_temp_path {at}/fastcgi;\nuwsgi_temp_path {at}/uwsgi;\nscgi_temp_path {at}/scgi;\n\
             server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {certificate};\nssl_certificate_key {key};\n\
             client_max_body_size 12m;\nlocation / {{\nproxy_pass http://{console};\nproxy_http_version 1.1;\nproxy_bind 127.0.0.2;\n\
             proxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme;\n}}\n}}\n}}\n",
            at = folder.display(),
        );
        fs::write(&file, config).expect("written");
        Self(peer("nginx").arg("-c").arg(&file).arg("-p").arg(folder).spawn().expect("nginx starts"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        // SAFETY: kill(2) takes two numbers; the child was not waited for, so its pid is its own. Its workers end with it.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}

#[test]
fn a_proxy_is_believed_who_asks_and_a_desk_that_is_away_costs_nothing_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let [certificate, key] = authority.certifies("desk", &["localhost"], Valid::Now);
    let console = free().to_string();
    let settings = [("CONSOLE__LISTEN", console.as_str()), ("CONSOLE__TRUSTED_PROXIES", "127.0.0.2/32")];
    let mut daemon = Some(desk(&settings));
    let port = free().port();
    let _nginx = Nginx::start(folder.path(), port, &certificate, &key, &console);
    script("ways_in", &format!("https://localhost:{port}"), |wish| {
        let running = daemon.as_ref().expect("it runs");
        match wish {
            "call" => call(running),
            "who signed in" => running.json(&["audit", "--json"]).to_string(),
            "proxy" => "yes".to_owned(),
            "stop" => {
                running.signal(libc::SIGKILL);
                String::new()
            }
            "restart" => {
                daemon = daemon.take().map(Daemon::kill_and_restart);
                String::new()
            }
            _ => panic!("nobody does this: {wish}"),
        }
    });
}
