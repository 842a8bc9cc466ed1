//! A Postfix of the test's own, by `scripts/postfix-instance`, and its log. Gone when the test is, whatever happens.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::{Sink, Watched};

/// A running Postfix.
pub struct Postfix {
    pub port: u16,
    folder: PathBuf,
    supervisor: Child,
    log_reader: Child,
    log: Arc<Watched<String>>,
    _parent: TempDir,
}

/// What became of a message that Postfix took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It went through the queue and left it.
    Left,
    /// The filter had it discarded.
    Discarded,
}

impl Postfix {
    /// Starts one on that port which calls that filter (empty for none) and delivers to the sink.
    pub fn start(port: u16, milter: &str, sink: &Sink) -> Self {
        let parent = tempfile::Builder::new().prefix("mailwarden-test-").tempdir().unwrap();
        let folder = parent.path().join("postfix");
        let created = script()
            .arg("create")
            .arg(&folder)
            .args(["--port", &port.to_string(), "--milter", milter])
            .args(["--deliver", &format!("lmtp:127.0.0.1:{}", sink.port)])
            .output()
            .unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        let mut supervisor =
            script().arg("run").arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "Postfix did not start");
        let (log_reader, log) = follow(&folder.join("log/mail.log"));
        Self { port, folder, supervisor, log_reader, log, _parent: parent }
    }

    /// Waits until Postfix is done with a message: delivered or returned to everyone, or discarded by the filter.
    pub fn fate(&self, queue_id: &str) -> Fate {
        let removed = format!(" {queue_id}: removed");
        let discarded = format!(" {queue_id}: milter-discard:");
        self.log.wait(&format!("the end of {queue_id}"), |lines| {
            lines.iter().find_map(|line| match line {
                line if line.contains(&removed) => Some(Fate::Left),
                line if line.contains(&discarded) => Some(Fate::Discarded),
                _ => None,
            })
        })
    }

    /// Waits for a line of the log in which all these stand.
    pub fn log_line(&self, parts: &[&str]) -> String {
        self.log.wait(&format!("a log line with {parts:?}"), |lines| {
            lines.iter().find(|line| parts.iter().all(|part| line.contains(part))).cloned()
        })
    }

    /// Hands in a message by Postfix's `sendmail`, as programs on the machine do.
    pub fn sendmail(&self, from: &str, to: &[&str], message: &[u8]) {
        let mut sendmail = as_root("/usr/sbin/sendmail")
            .arg("-C")
            .arg(self.folder.join("etc"))
            .args(["-i", "-f", from, "--"])
            .args(to)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // sendmail takes lines as Unix has them.
        let text: Vec<u8> = message.iter().copied().filter(|byte| *byte != b'\r').collect();
        sendmail.stdin.take().unwrap().write_all(&text).unwrap();
        assert!(sendmail.wait().unwrap().success());
    }

    /// Waits until each message that the queue manager saw has left the queue.
    pub fn wait_for_empty_queue(&self) {
        self.log.wait("an empty queue", |lines| {
            let begun = lines.iter().filter(|line| line.contains("/qmgr[") && line.contains(": from=<"));
            let mut waiting: BTreeSet<&str> = begun.filter_map(|line| queue_id(line)).collect();
            for line in lines.iter().filter(|line| line.ends_with(": removed")) {
                queue_id(line).map(|id| waiting.remove(id));
            }
            waiting.is_empty().then_some(())
        });
    }

    /// How many messages are in the queue.
    pub fn queue_length(&self) -> usize {
        let output = as_root("postqueue").arg("-c").arg(self.folder.join("etc")).arg("-j").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if thread::panicking() {
            self.log.look(|lines| {
                let from = lines.len().saturating_sub(40);
                eprintln!("the end of Postfix's log:\n{}", lines[from..].join("\n"));
            });
        }
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
        let _ = self.log_reader.kill();
        let _ = self.log_reader.wait();
        let _ = script().arg("destroy").arg(&self.folder).status();
    }
}

/// The queue id of a line such as `… postfix/qmgr[12]: 4dHxyz: removed`.
fn queue_id(line: &str) -> Option<&str> {
    line.split(": ").nth(1)
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postfix-instance"))
}

fn as_root(program: &str) -> Command {
    if rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--", program]);
    command
}

/// The lines of a file as they are written.
fn follow(file: &Path) -> (Child, Arc<Watched<String>>) {
    let mut tail = Command::new("tail")
        .args(["--lines=+1", "--follow"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let reader = BufReader::new(tail.stdout.take().unwrap());
    let lines = Arc::new(Watched::default());
    let shelf = Arc::clone(&lines);
    thread::spawn(move || {
        for line in reader.split(b'\n').map_while(Result::ok) {
            shelf.push(String::from_utf8_lossy(&line).into_owned());
        }
    });
    (tail, lines)
}
