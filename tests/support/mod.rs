//! What the end-to-end tests stand on: a real Postfix, the built mailwarden, an SMTP client and a mailbox. Never sleeps.

mod mailwarden;
mod postfix;
mod sink;
mod smtp;
mod watched;

pub use mailwarden::Mailwarden;
pub use postfix::{Fate, Postfix};
pub use sink::{Delivery, Sink};
pub use smtp::{Reply, Smtp};
pub use watched::Watched;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

/// A Postfix, the mailwarden that it calls, and where its mail ends up.
pub struct World {
    // Dropped in this order: Postfix first, so that it finds its filter until the end.
    pub postfix: Postfix,
    pub mailwarden: Mailwarden,
    pub sink: Sink,
}

impl World {
    /// Everything, with the policy under `fixtures/mail/policy`.
    pub fn start() -> Self {
        Self::with_policy(&fixture("policy"))
    }

    /// Everything, with the policy in that folder.
    pub fn with_policy(policy: &Path) -> Self {
        let port = free_port();
        let sink = Sink::start();
        let mailwarden = Mailwarden::start(policy, port);
        let postfix = Postfix::start(port, &mailwarden.milter(), &sink);
        Self { postfix, mailwarden, sink }
    }

    /// The same with a file of mailwarden's folder changed, such as `mailwarden.toml` or `policy/rules.toml`: what stands for the
    /// first text is the second. An empty first text stands for the file's end.
    pub fn with(mut self, file: &str, from: &str, to: &str) -> Self {
        self.mailwarden.stop();
        let path = self.mailwarden.path(file);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from}");
        let changed = if from.is_empty() { format!("{text}{to}") } else { text.replacen(from, to, 1) };
        std::fs::write(path, changed).unwrap();
        self.mailwarden.restart();
        self
    }

    /// Changes rows of the store's database, as time or an accident would.
    pub fn in_database(&self, statement: &'static str) {
        let database = self.mailwarden.path("store/mailwarden.sqlite");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
            sqlx::query(statement).execute(&pool).await.unwrap();
            pool.close().await;
        });
    }

    /// A connection to Postfix, greeted.
    pub fn connect(&self) -> Smtp {
        Smtp::connect(self.postfix.port)
    }
}

/// A file or folder under `fixtures/mail`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mail").join(name)
}

/// A message of text. Lines of the body end with CRLF; `body` may be any bytes.
pub fn mail(from: &str, to: &str, subject: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut message = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Mon, 2 Mar 2026 09:30:00 +0000\r\n\
         Message-ID: <{subject_id}@oakfield.example>\r\n\r\n",
        subject_id = subject.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
    )
    .into_bytes();
    message.extend_from_slice(body.as_ref());
    message
}

/// A message with a file.
pub fn mail_with(from: &str, to: &str, subject: &str, body: &str, file: (&str, &[u8])) -> Vec<u8> {
    let (name, bytes) = file;
    let parts = format!(
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n--b\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        base64(bytes)
    );
    let mime = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n";
    [mime.as_bytes(), &mail(from, to, subject, parts)].concat()
}

/// RFC 2045 §6.8.
pub fn base64(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let mut out = String::new();
    for (number, three) in bytes.chunks(3).enumerate() {
        if number > 0 && number % 19 == 0 {
            out.push_str("\r\n");
        }
        let group =
            three.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = alphabet[(group >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= three.len() { letter } else { '=' });
        }
    }
    out
}

/// The values of a header's fields of that name, unfolded bytes as they stand.
pub fn header_values(message: &[u8], name: &str) -> Vec<String> {
    let end = find(message, b"\r\n\r\n").unwrap_or(message.len());
    let header = String::from_utf8_lossy(&message[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
    let wanted = format!("{}:", name.to_lowercase());
    header
        .split("\r\n")
        .filter(|field| field.to_lowercase().starts_with(&wanted))
        .map(|field| field[wanted.len()..].trim().to_owned())
        .collect()
}

/// Where a stretch of bytes first stands in another.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A port that nothing listens on, and that is given once in a test run. It lies below those that the system hands out by itself,
/// so that nobody's connection takes it while a server that had it is stopped and started again.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 100;
    loop {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(given < 20_000, "no port is free");
        // Each process begins elsewhere, as several may run.
        let port = 10_000 + (begin * 200 + u32::from(given)) % 20_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
