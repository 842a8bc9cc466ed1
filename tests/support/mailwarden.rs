//! The built mailwarden, run as a service manager would: a configuration, a readiness socket, signals, its commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::free_port;

/// A mailwarden with a folder of its own: configuration, policy (a copy), store, sockets, log.
pub struct Mailwarden {
    folder: TempDir,
    tcp_port: u16,
    process: Option<Child>,
}

impl Mailwarden {
    /// Starts it with a copy of that policy; what it sends goes to that SMTP port.
    pub fn start(policy: &Path, smtp_port: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("mailwarden-test-").tempdir().unwrap();
        // Postfix's users must reach the socket.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        copy(policy, &folder.path().join("policy"));
        let tcp_port = free_port();
        let config = format!(
            "[milter]\nlisten = [\"unix:milter.sock\", \"inet:127.0.0.1:{tcp_port}\"]\nsocket-mode = \"0666\"\n\
             [policy]\ndirectory = \"policy\"\nmade-up = true\n\
             [store]\ndirectory = \"store\"\n\
             [outgoing]\nsmtp = \"127.0.0.1:{smtp_port}\"\nfrom = \"mailwarden@oakfield.example\"\n\
             confirm = \"confirm@oakfield.example\"\ncheck = \"check@oakfield.example\"\n\
             [control]\nsocket = \"control.sock\"\n"
        );
        fs::write(folder.path().join("mailwarden.toml"), config).unwrap();
        let mut this = Self { folder, tcp_port, process: None };
        this.restart();
        this
    }

    /// Starts it again after it was stopped; returns when it says that it is ready.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let notify = self.path("notify.sock");
        let _ = fs::remove_file(&notify);
        let socket = UnixDatagram::bind(&notify).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let process = self
            .command(&["serve"])
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let mut told = [0; 64];
        let length = socket.recv(&mut told).unwrap_or(0);
        assert!(told[..length].starts_with(b"READY=1"), "mailwarden did not start:\n{}", self.log());
    }

    /// The filter as Postfix's `smtpd_milters` names it.
    pub fn milter(&self) -> String {
        format!("unix:{}", self.path("milter.sock").display())
    }

    /// The same over TCP.
    pub fn tcp_milter(&self) -> String {
        format!("inet:127.0.0.1:{}", self.tcp_port)
    }

    /// A file or folder of its own: `policy`, `store`, `mailwarden.toml`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.take().unwrap().wait().unwrap()
    }

    /// SIGTERM, and waits for the end, which must be a good one.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    /// Runs one of its commands with the same configuration; it must succeed.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.attempt(arguments);
        assert!(
            output.status.success(),
            "mailwarden {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        output
    }

    /// Runs one of its commands with the same configuration, however it ends.
    pub fn attempt(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// The lines of JSON that a command prints.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailwarden"));
        command.args(arguments).arg("--config").arg(self.path("mailwarden.toml")).env("NO_COLOR", "1");
        command
    }
}

impl Drop for Mailwarden {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("mailwarden's log:\n{}", self.log());
        }
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
