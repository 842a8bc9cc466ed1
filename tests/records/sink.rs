//! A mail server for tests: takes mail over SMTP, asks the gate about it as Postfix does, and fails where it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use mailwarden::message::Address;
use mailwarden::records::{PASS_HEADER, Redeemed, Store};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does when it has a whole message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Asks the gate, then says so.
    Ask,
    /// Takes it without asking the gate.
    TakeUnasked,
    /// Breaks the connection before it asks the gate.
    Drop,
    /// Asks the gate and breaks the connection.
    AskThenDrop,
    /// Asks the gate and answers with that line.
    AskThenSay(&'static str),
    /// Never says a word again, and has not asked the gate.
    Hang,
    /// Asks the gate, then never says a word again.
    AskThenHang,
}

/// A message that came in, and how the gate saw it.
#[derive(Debug, Clone)]
pub struct Received {
    pub sender: String,
    pub mail: String,
    pub recipients: Vec<String>,
    pub content: Vec<u8>,
    pub pass: Option<Redeemed>,
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    after: VecDeque<After>,
    /// What is said to a recipient in whose address that stands.
    refuse: Vec<(String, String)>,
    most_recipients: Option<usize>,
    /// The first line of each message that came whole, whatever became of it.
    headers: Vec<String>,
    hanging: Arc<Notify>,
    arrived: Arc<Notify>,
}

pub struct Sink {
    pub address: String,
    shared: Arc<Mutex<Shared>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    pub async fn start(store: Store, now: Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, store.clone(), Arc::clone(&served), now));
            }
        });
        Self { address, shared, task }
    }

    /// What it does with the next messages, in their order; then it asks.
    pub fn then(&self, after: &[After]) {
        self.shared.lock().unwrap().after.extend(after);
    }

    pub fn refuse(&self, recipient: &str, reply: &str) {
        self.shared.lock().unwrap().refuse.push((recipient.to_owned(), reply.to_owned()));
    }

    pub fn forgive(&self) {
        self.shared.lock().unwrap().refuse.clear();
    }

    pub fn most_recipients(&self, most: usize) {
        self.shared.lock().unwrap().most_recipients = Some(most);
    }

    /// Notified of each message that was taken.
    pub fn arrivals(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.lock().unwrap().arrived)
    }

    /// Waits until it hangs.
    pub async fn hanging(&self) {
        let hanging = Arc::clone(&self.shared.lock().unwrap().hanging);
        hanging.notified().await;
    }

    /// What stood in the pass header of each message that came whole.
    pub fn passes(&self) -> Vec<String> {
        let value = |header: &String| header.split_once(": ").unwrap().1.trim_end().to_owned();
        self.shared.lock().unwrap().headers.iter().map(value).collect()
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }
}

async fn serve(stream: TcpStream, store: Store, shared: Arc<Mutex<Shared>>, now: Timestamp) {
    let mut stream = BufReader::new(stream);
    let (mut mail, mut recipients) = (String::new(), Vec::new());
    say(&mut stream, "220 mail.oakfield.example").await;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => say(&mut stream, "250-mail.oakfield.example\r\n250-8BITMIME\r\n250 SMTPUTF8").await,
            "MAIL" => {
                (mail, recipients) = (line, Vec::new());
                say(&mut stream, "250 2.1.0 Ok").await;
            }
            "RCPT" => {
                let reply = answer_recipient(&shared, &line, recipients.len());
                if reply.starts_with('2') {
                    recipients.push(line.split_once(':').unwrap().1.to_owned());
                }
                say(&mut stream, &reply).await;
            }
            "DATA" => {
                say(&mut stream, "354 End data with <CR><LF>.<CR><LF>").await;
                let Some(data) = read_data(&mut stream).await else { return };
                let Some(reply) = take(&store, &shared, &mail, &recipients, data, now).await else { return };
                say(&mut stream, &reply).await;
            }
            _ => say(&mut stream, "221 2.0.0 Bye").await,
        }
    }
}

fn answer_recipient(shared: &Mutex<Shared>, line: &str, before: usize) -> String {
    let shared = shared.lock().unwrap();
    if shared.most_recipients.is_some_and(|most| before >= most) {
        return "452 4.5.3 Error: too many recipients".to_owned();
    }
    let refused = shared.refuse.iter().find(|(part, _)| line.contains(part.as_str()));
    refused.map_or_else(|| "250 2.1.5 Ok".to_owned(), |(_, reply)| reply.clone())
}

/// The message, dots put right; `None` where the client goes before its end.
async fn read_data(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        if line == b".\r\n" {
            return Some(data);
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

async fn take(
    store: &Store,
    shared: &Mutex<Shared>,
    mail: &str,
    recipients: &[String],
    data: Vec<u8>,
    now: Timestamp,
) -> Option<String> {
    let after = {
        let mut shared = shared.lock().unwrap();
        shared
            .headers
            .push(String::from_utf8_lossy(data.split(|byte| *byte == b'\n').next().unwrap()).into_owned());
        shared.after.pop_front().unwrap_or(After::Ask)
    };
    if after == After::Hang {
        hang(shared).await;
    }
    if after == After::Drop {
        return None;
    }
    let end = data.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let (header, content) = data.split_at(end);
    let header = String::from_utf8(header.to_vec()).unwrap();
    let value = header.strip_prefix(PASS_HEADER).unwrap().strip_prefix(':').unwrap();
    let sender = mail.split_once(':').unwrap().1.split(' ').next().unwrap().to_owned();
    let pass = if after == After::TakeUnasked {
        None
    } else {
        let addresses: Vec<Address> =
            recipients.iter().filter_map(|one| Address::parse(one.as_bytes())).collect();
        let from = Address::parse(sender.as_bytes());
        Some(store.redeem(value.as_bytes(), content, from.as_ref(), &addresses, now).await.unwrap())
    };
    match after {
        After::AskThenDrop => None,
        After::AskThenHang => {
            hang(shared).await;
            None
        }
        After::AskThenSay(reply) => Some(reply.to_owned()),
        _ => {
            let received = Received {
                sender,
                mail: mail.to_owned(),
                recipients: recipients.to_vec(),
                content: content.to_vec(),
                pass,
            };
            let mut shared = shared.lock().unwrap();
            shared.received.push(received);
            shared.arrived.notify_one();
            Some("250 2.0.0 Ok: queued".to_owned())
        }
    }
}

async fn hang(shared: &Mutex<Shared>) {
    let hanging = Arc::clone(&shared.lock().unwrap().hanging);
    hanging.notify_one();
    std::future::pending::<()>().await;
}

async fn say(stream: &mut BufReader<TcpStream>, reply: &str) {
    let _ = stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await;
}
