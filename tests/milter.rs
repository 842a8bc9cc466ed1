//! The milter adapter as clients see it that the project did not write: Debian's `miltertest`, over both kinds of socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use mailwarden::limits::Limits;
use mailwarden::message::Origin;
use mailwarden::milter::{
    EnhancedCode, Gate, ListenAddress, Listener, Outcome, ReplyText, Transaction, serve,
};
use mailwarden::respond::{Edits, HeaderEdit, Splice};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::{Notify, watch};

/// Does what the subject says, and remembers what it was asked.
#[derive(Default)]
struct Scripted {
    judged: Mutex<Vec<Transaction>>,
    begun: Notify,
    go_on: Notify,
}

impl Gate for Scripted {
    async fn judge(&self, transaction: Transaction) -> Outcome {
        let message = transaction.message.clone();
        self.judged.lock().unwrap().push(transaction);
        let refusal = |code, text: &str| ReplyText::new(code, text);
        match subject(message.bytes()).trim() {
            "edit" => edited(message.bytes()),
            "reject" => Outcome::Reject(refusal(EnhancedCode::POLICY, "Use initials, not 100% of the name.")),
            "later" => Outcome::TemporaryFailure(refusal(EnhancedCode::SYSTEM_FULL, "")),
            "discard" => Outcome::Discard,
            "nobody left" => Outcome::Accept { remove: vec![0], add: Vec::new(), edits: Edits::default() },
            "panic" => panic!("the gate panics, as the test wants it"),
            "impossible edit" => {
                let outside = Splice { range: 0..message.bytes().len() + 1, with: Vec::new() };
                let edits = Edits { header: Vec::new(), body: vec![outside] };
                Outcome::Accept { remove: Vec::new(), add: Vec::new(), edits }
            }
            "insert in the middle" => {
                let place = message.bytes().len() / 2;
                let middle = Splice { range: place..place, with: b"in the middle".to_vec() };
                let edits = Edits { header: Vec::new(), body: vec![middle] };
                Outcome::Accept { remove: Vec::new(), add: Vec::new(), edits }
            }
            "slow" => {
                self.begun.notify_one();
                self.go_on.notified().await;
                Outcome::accept()
            }
            _ => Outcome::accept(),
        }
    }
}

fn subject(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    text.lines().find_map(|line| line.strip_prefix("Subject:").map(str::to_owned)).unwrap_or_default()
}

fn edited(message: &[u8]) -> Outcome {
    let second = message.windows(6).position(|window| window == b"second").unwrap();
    let remove = |nth| HeaderEdit::Remove { name: "X-Forged".into(), nth };
    Outcome::Accept {
        remove: vec![1],
        add: Vec::new(),
        edits: Edits {
            header: vec![
                remove(1),
                remove(2),
                HeaderEdit::Replace {
                    name: "Subject".into(),
                    nth: 1,
                    value: b" [tag] edit\r\n folded".into(),
                },
                HeaderEdit::Add { name: "X-Mailwarden".into(), value: b" checked".into() },
            ],
            body: vec![Splice { range: second..second, with: b"Note.\r\n".into() }],
        },
    }
}

/// A server in this process, on a socket of its own.
struct Server {
    gate: Arc<Scripted>,
    address: ListenAddress,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    folder: tempfile::TempDir,
}

impl Server {
    fn on_unix() -> Self {
        Self::limited(Limits::default())
    }

    /// On a Unix socket, with those limits.
    fn limited(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = ListenAddress::Unix(folder.path().join("milter.sock"));
        Self::start(&address, folder, limits)
    }

    fn on_tcp() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start(&ListenAddress::Tcp("127.0.0.1:0".into()), folder, Limits::default())
    }

    fn start(address: &ListenAddress, folder: tempfile::TempDir, limits: Limits) -> Self {
        let listener = Listener::bind(address, Some(0o600)).unwrap();
        let address = listener.address().clone();
        let gate = Arc::new(Scripted::default());
        let (stop, shutdown) = watch::channel(false);
        let serving =
            serve(vec![listener], Arc::clone(&gate), Arc::new(limits), folder.path().into(), shutdown);
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(serving)
        });
        Self { gate, address, stop, thread: Some(thread), folder }
    }

    fn unix_path(&self) -> PathBuf {
        match &self.address {
            ListenAddress::Unix(path) => path.clone(),
            ListenAddress::Tcp(_) => panic!("not on a Unix socket"),
        }
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(self.unix_path()).unwrap()
    }

    /// Runs one of the scripts in `tests/miltertest` against the server.
    fn run(&self, script: &str) {
        let socket = match &self.address {
            ListenAddress::Unix(path) => format!("unix:{}", path.display()),
            ListenAddress::Tcp(text) => {
                let (host, port) = text.split_once(':').unwrap();
                format!("inet:{port}@{host}")
            }
        };
        let script = Path::new("tests/miltertest").join(script);
        let run = Command::new("miltertest")
            .arg("-D")
            .arg(format!("socket={socket}"))
            .arg("-v")
            .arg("-s")
            .arg(&script)
            .output()
            .unwrap_or_else(|error| panic!("cannot run miltertest ({error}): `make test-tools` installs it"));
        let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{} on {socket}: {said}", script.display());
    }

    fn judged(&self) -> Vec<Transaction> {
        std::mem::take(&mut *self.gate.judged.lock().unwrap())
    }

    /// Tells the server to stop and waits until it has.
    fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
            assert!(std::fs::read_dir(self.folder.path()).unwrap().next().is_none(), "files are left behind");
        }
    }
}

fn on_both(check: impl Fn(&Server)) {
    for server in [Server::on_unix(), Server::on_tcp()] {
        check(&server);
    }
}

#[test]
fn messages_arrive_as_they_were_sent() {
    on_both(|server| {
        server.run("pass.lua");
        let judged = server.judged();
        assert_eq!(judged.len(), 2);
        for (transaction, subject) in judged.iter().zip(["one", "two"]) {
            // miltertest adds the space after the colon itself.
            let mut expected = format!("Subject: {subject}\r\n").into_bytes();
            expected.extend_from_slice(b"X-Folded: first\r\n\tsecond\r\nX-Empty: \r\nX-Twice: 1\r\n");
            expected.extend_from_slice(b"X-Twice:  2 caf\xe9\r\n\r\nDear all,\r\nhalf a line\r\n.\r\n");
            let message = &transaction.message;
            assert_eq!(message.bytes().escape_ascii().to_string(), expected.escape_ascii().to_string());
            assert!(message.bytes()[message.body_start()..].starts_with(b"Dear all"));
            let envelope = &transaction.envelope;
            assert_eq!(envelope.sender.as_ref().unwrap().raw(), b"<j.carter@oakfield.example>");
            let recipients: Vec<&[u8]> = envelope.recipients.iter().map(|address| address.raw()).collect();
            assert_eq!(recipients, [&b"<office@beechwood.example>"[..], b"<Head@Beechwood.Example>"]);
            assert_eq!(envelope.queue_id.as_ref().unwrap().0, "4dHxyz");
            assert_eq!(envelope.authenticated, None, "the login of the message that was given up stuck");
            assert_eq!(envelope.origin, Origin::Smtp);
            let client = envelope.client.as_ref().unwrap();
            assert_eq!(client.name, "client.example");
            assert_eq!(client.address, Some([192, 0, 2, 7].into()));
        }
    });
}

#[test]
fn older_versions_of_the_protocol_are_spoken() {
    on_both(|server| {
        server.run("old_versions.lua");
        let mut messages: Vec<Vec<u8>> =
            server.judged().iter().map(|transaction| transaction.message.bytes().to_vec()).collect();
        messages.sort();
        let expected = [2, 3, 4]
            .map(|version| format!("Subject: version {version}\r\nX-Empty:\r\n\r\nhello\r\n").into_bytes());
        assert_eq!(messages, expected);
    });
}

#[test]
fn edits_are_asked_for() {
    on_both(|server| server.run("edits.lua"));
}

#[test]
fn refusals_are_told_and_a_panic_is_a_temporary_failure() {
    on_both(|server| server.run("replies.lua"));
}

#[test]
fn large_messages_come_through_files_and_a_dropped_one_harms_nobody() {
    on_both(|server| {
        server.run("large_and_dropped.lua");
        let judged = server.judged();
        assert_eq!(judged.len(), 1);
        assert!(judged[0].message.bytes().len() > 3_000_000);
    });
}

/// A frame's bytes.
fn frame(code: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap();
    [&length.to_be_bytes()[..], &[code], payload].concat()
}

fn offer() -> Vec<u8> {
    frame(b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff")
}

/// Reads one frame; `None` when the peer has closed.
fn read_frame(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    Some((frame[0], frame[1..].to_vec()))
}

#[test]
fn a_large_body_is_replaced_in_chunks() {
    let server = Server::on_unix();
    let mut stream = server.connect();
    let lines: Vec<u8> = (0..300_000).flat_map(|number| format!("{number}\r\n").into_bytes()).collect();
    let mut sent = [offer(), frame(b'M', b"<>\0"), frame(b'L', b"Subject\0 insert in the middle\0")].concat();
    sent.extend(lines.chunks(65_535).flat_map(|chunk| frame(b'B', chunk)));
    sent.extend(frame(b'E', b""));
    stream.write_all(&sent).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap().0, b'O');
    let mut body = Vec::new();
    loop {
        match read_frame(&mut stream).unwrap() {
            (b'b', chunk) => {
                assert!((1..=65_535).contains(&chunk.len()));
                body.extend(chunk);
            }
            (b'a', _) => break,
            (code, _) => panic!("an unexpected frame {}", char::from(code)),
        }
    }
    let judged = server.judged();
    let message = &judged[0].message;
    assert_eq!(&message.bytes()[message.body_start()..], lines);
    let place = message.bytes().len() / 2 - message.body_start();
    assert_eq!(body, [&lines[..place], b"in the middle", &lines[place..]].concat());
}

/// Pieces of a body are read into the message itself, past what the loop reads by: whatever comes together, and wherever
/// the memory for it ends, every byte has its place.
#[test]
fn a_body_in_pieces_arrives_whole_however_the_stream_is_cut() {
    let pieces = [1, 4_096, 65_535, 65_535, 3, 64, 40_000, 0, 65_535, 20];
    let body: Vec<u8> = (0..pieces.iter().sum::<usize>()).map(|at| (at * at / 7) as u8).collect();
    let mut bytes = [frame(b'M', b"<a@b.example>\0"), frame(b'N', b"")].concat();
    let mut rest = body.as_slice();
    for (number, piece) in pieces.into_iter().enumerate() {
        let (here, after) = rest.split_at(piece);
        // Postfix has the macros before each piece; a peer may send more than is looked ahead for.
        bytes.extend(frame(b'D', &[b"Bi\0", &[b'Q'; 100][..10 * number], b"\0"].concat()));
        bytes.extend(frame(b'B', here));
        rest = after;
    }
    bytes.extend(frame(b'E', b""));
    for in_memory in [32 << 20, 100_000, 0] {
        let limits = Limits { body_in_memory_bytes: in_memory, ..Limits::default() };
        let mut server = Server::limited(limits);
        let mut stream = server.connect();
        stream.write_all(&offer()).unwrap();
        assert_eq!(read_frame(&mut stream).unwrap().0, b'O');
        let cuts = [13, 777, 4_096, 30_011, 65_544, 65_599, 90_000, bytes.len()];
        for cut in cuts {
            for chunk in bytes.chunks(cut) {
                stream.write_all(chunk).unwrap();
            }
            assert_eq!(read_frame(&mut stream).unwrap().0, b'a', "{cut} bytes at once");
        }
        let judged = server.judged();
        assert_eq!(judged.len(), cuts.len());
        for (transaction, cut) in judged.iter().zip(cuts) {
            let message = &transaction.message;
            let came = &message.bytes()[message.body_start()..];
            assert!(came == body, "{in_memory} bytes in memory, {cut} at once: other bytes than were sent");
        }
        server.stop();
    }
}

#[test]
fn hostile_bytes_end_their_own_connection_alone() {
    let server = Server::on_unix();
    let mut bystander = server.connect();
    bystander.write_all(&offer()).unwrap();
    assert_eq!(read_frame(&mut bystander).unwrap().0, b'O');
    for (name, bytes) in [
        ("a frame without a code", vec![0, 0, 0, 0]),
        ("a frame beyond the cap", vec![0xff, 0xff, 0xff, 0xff, b'O']),
        ("no protocol at all", b"EHLO client.example\r\n".to_vec()),
        ("an unknown command", frame(b'?', b"")),
        ("a cut offer", frame(b'O', b"\0\0")),
        ("a version before the first", frame(b'O', b"\0\0\0\x01\0\0\x01\xff\0\x1f\xff\xff")),
        ("a message before the offer", frame(b'M', b"<>\0")),
        ("a body before a message", [offer(), frame(b'B', b"x")].concat()),
    ] {
        let mut hostile = server.connect();
        hostile.write_all(&bytes).unwrap();
        let mut frames = 0;
        while let Some((code, _)) = read_frame(&mut hostile) {
            assert_eq!(code, b'O', "{name}");
            frames += 1;
        }
        assert!(frames <= 1, "{name}");
    }
    bystander.write_all(&[frame(b'M', b"<>\0"), frame(b'E', b"")].concat()).unwrap();
    assert_eq!(read_frame(&mut bystander), Some((b'a', Vec::new())));
}

#[test]
fn replies_come_over_tcp_to_an_mta_that_wants_each() {
    let server = Server::on_tcp();
    let ListenAddress::Tcp(address) = &server.address else { panic!() };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&frame(b'O', b"\0\0\0\x02\0\0\0\x3f\0\0\0\x7f")).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap().0, b'O');
    for command in [frame(b'C', b"x\0U"), frame(b'M', b"<>\0"), frame(b'R', b"<a@b.example>\0")] {
        stream.write_all(&command).unwrap();
        assert_eq!(read_frame(&mut stream), Some((b'c', Vec::new())));
    }
}

#[test]
fn more_connections_than_the_cap_wait_their_turn() {
    let server = Server::limited(Limits { connections: 1, ..Limits::default() });
    let mut first = server.connect();
    first.write_all(&offer()).unwrap();
    assert_eq!(read_frame(&mut first).unwrap().0, b'O');
    let mut second = server.connect();
    second.write_all(&offer()).unwrap();
    first.write_all(&[frame(b'M', b"<>\0"), frame(b'E', b"")].concat()).unwrap();
    assert_eq!(read_frame(&mut first), Some((b'a', Vec::new())));
    second.set_nonblocking(true).unwrap();
    let too_early = second.read(&mut [0]).unwrap_err();
    assert_eq!(too_early.kind(), std::io::ErrorKind::WouldBlock, "the second was served beside the first");
    second.set_nonblocking(false).unwrap();
    drop(first);
    assert_eq!(read_frame(&mut second).unwrap().0, b'O');
}

#[test]
fn stopping_finishes_messages_and_closes_idle_connections() {
    let mut server = Server::on_unix();
    let mut idle = server.connect();
    idle.write_all(&offer()).unwrap();
    assert_eq!(read_frame(&mut idle).unwrap().0, b'O');
    let mut half = server.connect();
    half.write_all(&[offer(), frame(b'M', b"<>\0"), frame(b'L', b"A\0 b\0")].concat()).unwrap();
    assert_eq!(read_frame(&mut half).unwrap().0, b'O');
    let mut judging = server.connect();
    let message =
        [offer(), frame(b'M', b"<>\0"), frame(b'L', b"Subject\0 slow\0"), frame(b'E', b"")].concat();
    judging.write_all(&message).unwrap();
    assert_eq!(read_frame(&mut judging).unwrap().0, b'O');
    let wait = tokio::runtime::Builder::new_current_thread().build().unwrap();
    wait.block_on(server.gate.begun.notified());

    server.stop.send_replace(true);
    assert_eq!(read_frame(&mut idle), None, "the idle connection is closed");
    half.write_all(&frame(b'E', b"body\r\n")).unwrap();
    assert_eq!(read_frame(&mut half), Some((b'a', Vec::new())), "the message that was coming in is taken");
    assert_eq!(read_frame(&mut half), None);
    // The listener hears of the stop by itself; what came to it before that is closed, and then nobody is taken.
    let refused = (0..100).any(|_| match UnixStream::connect(server.unix_path()) {
        Err(_) => true,
        Ok(mut early) => early.read(&mut [0]).is_err(),
    });
    assert!(refused || UnixStream::connect(server.unix_path()).is_err(), "connections are still taken");
    server.gate.go_on.notify_one();
    assert_eq!(read_frame(&mut judging), Some((b'a', Vec::new())), "the message in judgement is answered");
    assert_eq!(read_frame(&mut judging), None);
    server.stop();
}

#[test]
fn a_silent_connection_is_closed_after_its_time() {
    let server = Server::limited(Limits { idle_seconds: 1, ..Limits::default() });
    let mut silent = server.connect();
    silent.write_all(&[offer(), frame(b'M', b"<>\0")].concat()).unwrap();
    assert_eq!(read_frame(&mut silent).unwrap().0, b'O');
    assert_eq!(read_frame(&mut silent), None);
    assert!(server.judged().is_empty());
}

#[test]
fn an_mta_that_takes_no_answer_is_let_go() {
    let server = Server::limited(Limits { idle_seconds: 1, ..Limits::default() });
    let mut deaf = server.connect();
    let mut sent = [offer(), frame(b'M', b"<>\0"), frame(b'L', b"Subject\0 insert in the middle\0")].concat();
    // Its new body is far more than a socket holds.
    sent.extend((0..64).flat_map(|_| frame(b'B', &[b'x'; 65_535])));
    sent.extend(frame(b'E', b""));
    deaf.write_all(&sent).unwrap();
    let mut closed = [PollFd::new(&deaf, PollFlags::RDHUP)];
    poll(&mut closed, None).unwrap();
    assert_eq!(server.judged().len(), 1);
}

#[test]
fn an_mta_hears_that_judging_goes_on() {
    let server = Server::on_unix();
    let mut stream = server.connect();
    let message =
        [offer(), frame(b'M', b"<>\0"), frame(b'L', b"Subject\0 slow\0"), frame(b'E', b"")].concat();
    stream.write_all(&message).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap().0, b'O');
    assert_eq!(read_frame(&mut stream), Some((b'p', Vec::new())));
    server.gate.go_on.notify_one();
    assert_eq!(read_frame(&mut stream), Some((b'a', Vec::new())));
}
