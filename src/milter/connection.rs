//! One connection's loop: reads what is there, lets the session work, writes the replies in one go. No protocol here.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use super::answer::Answer;
use super::command::Command;
use super::frame::{End, FrameError, Reassembly};
use super::reactor::{Slot, TICK};
use super::reply::EnhancedCode;
use super::session::{self, Ready, Session, SessionError, Step};
use super::spool::Complete;
use super::stream::Stream;
use super::{Gate, Outcome, Server, Transaction};

/// Bytes that are read at once, at most.
const READ_BYTES: usize = 128 << 10;
/// Bytes that are read beyond a piece of a body: Postfix sends the macros anew before the next one, whose head is then
/// there too.
const BETWEEN_BYTES: usize = 64;
/// Replies are written once they have grown to this.
const WRITE_BYTES: usize = 64 << 10;
/// How often the MTA hears that judging goes on. Postfix waits 300 s by default, Sendmail 10 s for each reply.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// The same, in ticks of the loop's clock.
const PROGRESS_TICKS: u64 = PROGRESS_EVERY.as_secs() / TICK.as_secs();

thread_local! {
    /// What is read is used up before the thread turns to another connection, so one buffer serves all of a thread's.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Why a connection ended before the MTA said goodbye.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Session(#[from] SessionError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("nothing came or could be sent for limits.idle-seconds")]
    Idle,
}

struct Connection<G> {
    stream: Stream,
    server: Arc<Server<G>>,
    session: Session,
    frames: Reassembly,
    out: Vec<u8>,
    number: u64,
}

/// Serves one connection after the other, as they are given to the slot.
pub(super) async fn serve_slot<G: Gate>(slot: Rc<Slot>, server: Arc<Server<G>>) {
    loop {
        let stream = Stream::new(slot.accepted().await, Rc::clone(&slot));
        serve_one(stream, &server).await;
    }
}

async fn serve_one<G: Gate>(stream: Stream, server: &Arc<Server<G>>) {
    let number = server.next_connection();
    let mut connection = Connection {
        stream,
        server: Arc::clone(server),
        session: Session::new(Arc::clone(&server.limits), Arc::clone(&server.spools)),
        frames: Reassembly::new(server.limits.frame_bytes),
        out: Vec::new(),
        number,
    };
    // The MTA may go at any time, and does when a message is given up: no fault of anyone's.
    match connection.serve().await {
        Err(error @ (ConnectionError::Frame(_) | ConnectionError::Session(_))) => {
            tracing::warn!(connection = number, %error, "milter protocol error, connection closed");
        }
        ended => tracing::debug!(connection = number, ?ended, "milter connection ended"),
    }
}

/// What came of waiting for the MTA.
enum Event {
    /// Frames came; the step that the last one asks for, if it asks for one.
    Fed(Option<Step>),
    Stop,
    Idle,
}

impl<G: Gate> Connection<G> {
    async fn serve(&mut self) -> Result<(), ConnectionError> {
        // The MTA's offer is mostly there already: no need to be told of it.
        let mut step = match self.poll_receive() {
            Poll::Ready(step) => step?,
            Poll::Pending => None,
        };
        self.stream.watch()?;
        loop {
            match step {
                Some(Step::Judge(ready)) => self.judge(*ready).await?,
                Some(Step::Close) => return self.flush().await,
                None | Some(Step::Next) => {}
            }
            if self.frames.has_rest() {
                step = self.feed(&[])?;
                if step.is_some() {
                    continue;
                }
            }
            self.flush().await?;
            step = match self.wait().await? {
                Event::Fed(step) => step,
                Event::Stop => return Ok(()),
                Event::Idle => return Err(ConnectionError::Idle),
            };
        }
    }

    /// Waits until the MTA sends something, and handles it. Between messages, also until the server is to stop.
    async fn wait(&mut self) -> Result<Event, ConnectionError> {
        self.stream.slot().set_deadline(self.idle_ticks());
        poll_fn(|_| {
            // First what has come: a message that is on its way in is taken even while stopping.
            if let Poll::Ready(fed) = self.poll_receive() {
                return Poll::Ready(fed.map(Event::Fed));
            }
            let slot = self.stream.slot();
            if self.session.is_idle() && !self.frames.has_rest() && slot.is_stopping() {
                return Poll::Ready(Ok(Event::Stop));
            }
            if slot.is_late() { Poll::Ready(Ok(Event::Idle)) } else { Poll::Pending }
        })
        .await
    }

    fn idle_ticks(&self) -> u64 {
        self.server.limits.idle_seconds.max(1) / TICK.as_secs()
    }

    /// Reads what is there, and handles it. What belongs to a body is read into the message, where there is room: copying
    /// it there afterwards was a twelfth of what a message with attachments cost.
    fn poll_receive(&mut self) -> Poll<Result<Option<Step>, ConnectionError>> {
        let Self { stream, session, frames, out, .. } = self;
        let awaited = frames.awaited();
        let room = (awaited > 0).then(|| session.body_room(awaited + BETWEEN_BYTES)).flatten();
        let Some(room) = room else {
            return READ.with_borrow_mut(|buffer| {
                self.stream.poll_read(buffer).map(|read| self.feed_read(buffer, read))
            });
        };
        let count = ready!(stream.poll_read(room))?;
        if count == 0 {
            return Poll::Ready(Ok(Some(Step::Close)));
        }
        let came = count.min(awaited);
        let next: Vec<u8> = room.get(came..count).unwrap_or_default().to_vec();
        session.fill_body(came);
        if frames.took(came) == End::Complete {
            session.handle(Command::Body(&[], End::Complete), out)?;
        }
        Poll::Ready(self.feed(&next))
    }

    /// Handles what one read brought. `None` when more is needed.
    fn feed_read(&mut self, buffer: &[u8], read: io::Result<usize>) -> Result<Option<Step>, ConnectionError> {
        match read? {
            0 => Ok(Some(Step::Close)),
            count => self.feed(buffer.get(..count).unwrap_or_default()),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<Option<Step>, ConnectionError> {
        let Self { frames, session, out, .. } = self;
        let step = frames.feed(bytes, |frame| {
            match Command::parse(frame)
                .map_err(SessionError::from)
                .and_then(|command| session.handle(command, out))
            {
                Ok(Step::Next) => ControlFlow::Continue(()),
                step => ControlFlow::Break(step),
            }
        })?;
        Ok(step.transpose()?)
    }

    async fn judge(&mut self, ready: Ready) -> Result<(), ConnectionError> {
        // Replies to what came before the message must not wait for it.
        self.flush().await?;
        let Ready { envelope, message } = ready;
        let message = match message {
            Complete::Ready(message) => message,
            Complete::OnFile(file) => match self.with_progress(pin!(file.load())).await {
                Ok(message) => message,
                Err(error) => {
                    tracing::error!(connection = self.number, %error, "a message is lost: temporary failure");
                    let mut answer = self.session.answer_failure(session::spool_code(&error));
                    return self.send(&mut answer).await;
                }
            },
        };
        let transaction = Transaction { envelope, message };
        let gate = Arc::clone(&self.server.gate);
        let given = transaction.clone();
        let judging = pin!(async move { gate.judge(given).await });
        let outcome = self.with_progress(caught(judging)).await;
        let outcome = outcome.unwrap_or_else(|()| {
            let queue_id = transaction.envelope.queue_id.as_ref().map(tracing::field::display);
            tracing::error!(
                connection = self.number,
                queue_id,
                "judging a message panicked: temporary failure"
            );
            Outcome::TemporaryFailure(super::ReplyText::new(EnhancedCode::SYSTEM, ""))
        });
        let mut answer = match self.session.answer(&transaction, &outcome) {
            Ok(answer) => answer,
            Err(error) => {
                let queue_id = transaction.envelope.queue_id.as_ref().map(tracing::field::display);
                tracing::error!(connection = self.number, queue_id, %error,
                    "a message could not be edited: temporary failure");
                self.session.answer_failure(EnhancedCode::SYSTEM)
            }
        };
        self.send(&mut answer).await?;
        self.server.gate.answered(&transaction.envelope);
        Ok(())
    }

    /// Waits for a future; meanwhile the MTA hears now and then that work goes on. When it no longer listens, the work
    /// is still done: what the gate has decided must be on record.
    ///
    /// It is given futures that lie elsewhere: one that is given by value takes up its size twice.
    async fn with_progress<T>(&mut self, mut work: impl Future<Output = T> + Unpin) -> T {
        let mut listens = true;
        loop {
            let slot = self.stream.slot();
            slot.set_deadline(PROGRESS_TICKS);
            let done = poll_fn(|context| match Pin::new(&mut work).poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if slot.is_late() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            match done.await {
                Some(done) => return done,
                None if listens => {
                    Session::write_progress(&mut self.out);
                    listens = self.flush().await.is_ok();
                }
                None => {}
            }
        }
    }

    /// Writes an answer, frame by frame where it is long.
    async fn send(&mut self, answer: &mut Answer<'_>) -> Result<(), ConnectionError> {
        while answer.write_next(&mut self.out) {
            if self.out.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), ConnectionError> {
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.stream.writable(self.idle_ticks()).await? {
                        return Err(ConnectionError::Idle);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.out.shrink_to(WRITE_BYTES);
        Ok(())
    }
}

/// The future's output; an error when it panics.
fn caught<T>(mut work: Pin<&mut impl Future<Output = T>>) -> impl Future<Output = Result<T, ()>> {
    // The future is dropped right after a panic, and what the gate shares between messages is its own to guard.
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(())),
    })
}
