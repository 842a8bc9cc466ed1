//! The milter thread's event loop: waits for sockets, a clock and other threads, and polls whoever has something to do.
//! It knows nothing of the protocol.
//!
//! A connection mostly brings one message, so what it costs to make and to take down a connection, each message costs.
//! Tokio's runtime makes a task, two timers and a registration for each, which together were a fifth of the filter's own time
//! on small mail; here a task lives in a slot and serves one connection after another, and one clock serves them all.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::listener::{Listener, Socket};

/// How often the clock ticks: deadlines are kept as exactly as this.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// Ticks after the last connection, before the clock stops: long enough for memory that is kept to be given back.
const TICKS_AT_REST: u64 = 30;
/// Reads in a row that one connection may do while others wait.
const READS_IN_A_ROW: u32 = 32;
/// Events that are fetched at once.
const EVENTS: usize = 64;

/// What an event is about: a slot's number, or one of these.
const OTHER_THREAD: u64 = u64::MAX;
const CLOCK: u64 = u64::MAX - 1;
/// The first listener; the next ones count downwards.
const LISTENER: u64 = u64::MAX - 2;

/// What a loop tells of itself.
pub(super) trait Observer {
    /// Nothing is left to do just now.
    fn at_rest(&self);
    /// The clock has ticked: so often since the loop began.
    fn ticked(&self, ticks: u64);
}

/// The loop, before it runs.
pub(super) struct Reactor {
    shared: Rc<Shared>,
    other_threads: Arc<OtherThreads>,
    clock: OwnedFd,
    listeners: Vec<Listener>,
    most: usize,
}

/// What the slots share with the loop.
struct Shared {
    epoll: OwnedFd,
    ticks: Cell<u64>,
    stopping: Cell<bool>,
}

/// What other threads may do to the loop.
pub(super) struct OtherThreads {
    event: OwnedFd,
    stop: AtomicBool,
    woken: Mutex<Vec<usize>>,
}

impl OtherThreads {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Arc::new(Self { event, stop: AtomicBool::new(false), woken: Mutex::default() }))
    }

    /// Has the loop accept no more, close what is idle, and end with the last connection.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.interrupt();
    }

    fn wake(&self, slot: usize) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.push(slot);
        if woken.len() == 1 {
            self.interrupt();
        }
    }

    fn take_woken(&self) -> Vec<usize> {
        // It is full only after so many calls that are not there, and empty where another call was quicker.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
        std::mem::take(&mut self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn interrupt(&self) {
        // It fails only where it has been written to 2^64 times since it was read: then the loop is awake.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }
}

/// Wakes what is polled in a slot, from any thread.
struct SlotWaker {
    slot: usize,
    other_threads: Arc<OtherThreads>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.other_threads.wake(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.other_threads.wake(self.slot);
    }
}

impl Reactor {
    /// A loop that serves at most so many connections at once, to all the listeners together.
    pub(super) fn new(
        listeners: Vec<Listener>,
        most: usize,
        other_threads: Arc<OtherThreads>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let clock =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &other_threads.event, EventData::new_u64(OTHER_THREAD), EventFlags::IN)?;
        epoll::add(&epoll, &clock, EventData::new_u64(CLOCK), EventFlags::IN)?;
        for listener in &listeners {
            listener.set_nonblocking()?;
        }
        let shared = Rc::new(Shared { epoll, ticks: Cell::new(0), stopping: Cell::new(false) });
        Ok(Self { shared, other_threads, clock, listeners, most })
    }

    /// Runs until [`OtherThreads::stop`] and the end of the last connection. `serve` makes what lives in a slot: it takes
    /// one connection after the other from [`Slot::accepted`], and does not end.
    pub(super) fn run<F: Future<Output = ()>>(
        self,
        serve: impl Fn(Rc<Slot>) -> F,
        observer: &impl Observer,
    ) -> io::Result<()> {
        let Self { shared, other_threads, clock, listeners, most } = self;
        let mut running = Running {
            shared,
            other_threads,
            clock,
            listeners,
            most,
            serve,
            tasks: Vec::new(),
            free: Vec::new(),
            served: 0,
            listening: false,
            retry_at: 0,
            last_served: None,
            unfinished: Vec::new(),
        };
        running.listen()?;
        let mut events = Vec::with_capacity(EVENTS);
        while !running.is_over() {
            observer.at_rest();
            events.clear();
            // What was interrupted has more to read: then only look whether others have too.
            let patience = (!running.unfinished.is_empty()).then_some(Timespec { tv_sec: 0, tv_nsec: 0 });
            match epoll::wait(&running.shared.epoll, spare_capacity(&mut events), patience.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                running.take(event, observer)?;
            }
            for slot in std::mem::take(&mut running.unfinished) {
                running.poll(slot);
            }
        }
        Ok(())
    }
}

/// The loop at work.
struct Running<F, S> {
    shared: Rc<Shared>,
    other_threads: Arc<OtherThreads>,
    clock: OwnedFd,
    listeners: Vec<Listener>,
    most: usize,
    serve: S,
    tasks: Vec<Task<F>>,
    /// The slots in which no connection is.
    free: Vec<usize>,
    /// How many slots have a connection.
    served: usize,
    /// Whether the listeners are watched.
    listening: bool,
    /// The tick at which they may be watched again after a fault.
    retry_at: u64,
    /// When there was a connection, in ticks; `None` while the clock is stopped.
    last_served: Option<u64>,
    /// Slots that were interrupted, and have more to read.
    unfinished: Vec<usize>,
}

/// What lives in a slot.
struct Task<F> {
    slot: Rc<Slot>,
    waker: Waker,
    future: Pin<Box<F>>,
}

impl<F: Future<Output = ()>, S: Fn(Rc<Slot>) -> F> Running<F, S> {
    fn is_over(&self) -> bool {
        self.shared.stopping.get() && self.served == 0
    }

    fn take(&mut self, event: &epoll::Event, observer: &impl Observer) -> io::Result<()> {
        match event.data.u64() {
            OTHER_THREAD => {
                for slot in self.other_threads.take_woken() {
                    self.poll(slot);
                }
                if self.other_threads.stop.load(Ordering::Acquire) && !self.shared.stopping.replace(true) {
                    self.stop_listening()?;
                    // That closes them and removes their files.
                    self.listeners.clear();
                    self.poll_all(|_| true);
                }
            }
            CLOCK => self.tick(observer)?,
            number => match self.listeners.get(usize::try_from(LISTENER - number).unwrap_or(usize::MAX)) {
                Some(listener) if self.listening => match listener.accept() {
                    Ok(socket) => self.accepted(socket)?,
                    // Another event told of the same connection, or its client is gone.
                    Err(error) if is_passing(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a milter connection");
                        // Out of file descriptors, most likely: give connections time to end.
                        self.retry_at = self.shared.ticks.get() + 1;
                        self.start_clock()?;
                        self.stop_listening()?;
                    }
                },
                _ => {
                    let slot = usize::try_from(number).unwrap_or(usize::MAX);
                    if let Some(task) = self.tasks.get(slot) {
                        task.slot.note(event.flags);
                        self.poll(slot);
                    }
                }
            },
        }
        Ok(())
    }

    fn accepted(&mut self, socket: Socket) -> io::Result<()> {
        let number = self.free.pop().unwrap_or_else(|| self.add_task());
        self.served += 1;
        self.start_clock()?;
        if let Some(task) = self.tasks.get(number) {
            task.slot.give(socket);
        }
        self.poll(number);
        // Past the cap, connections wait in the listeners' queues.
        if self.served >= self.most { self.stop_listening() } else { Ok(()) }
    }

    fn add_task(&mut self) -> usize {
        let number = self.tasks.len();
        let slot = Rc::new(Slot::new(Rc::clone(&self.shared), number));
        let waker = SlotWaker { slot: number, other_threads: Arc::clone(&self.other_threads) };
        let future = Box::pin((self.serve)(Rc::clone(&slot)));
        self.tasks.push(Task { slot, waker: Arc::new(waker).into(), future });
        number
    }

    /// Lets the connection in a slot go on.
    fn poll(&mut self, number: usize) {
        let Some(task) = self.tasks.get_mut(number).filter(|task| task.slot.occupied.get()) else { return };
        task.slot.reads.set(0);
        let mut context = Context::from_waker(&task.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut context)));
        if !matches!(polled, Ok(Poll::Pending)) {
            tracing::error!("serving a milter connection failed by a fault of ours; it is closed");
            task.future = Box::pin((self.serve)(Rc::clone(&task.slot)));
            task.slot.vacate();
        }
        if !task.slot.occupied.get() {
            self.served -= 1;
            self.free.push(number);
            // Where that fails, the next tick tries again.
            let _ = self.listen();
        } else if task.slot.reads.get() > READS_IN_A_ROW {
            self.unfinished.push(number);
        }
    }

    fn poll_all(&mut self, which: impl Fn(&Slot) -> bool) {
        for number in 0..self.tasks.len() {
            if self.tasks.get(number).is_some_and(|task| which(&task.slot)) {
                self.poll(number);
            }
        }
    }

    fn tick(&mut self, observer: &impl Observer) -> io::Result<()> {
        let _ = rustix::io::read(&self.clock, &mut [0; 8]);
        let ticks = self.shared.ticks.get() + 1;
        self.shared.ticks.set(ticks);
        observer.ticked(ticks);
        self.poll_all(|slot| slot.deadline.get() <= ticks);
        self.listen()?;
        if self.served > 0 {
            self.last_served = Some(ticks);
        } else if self.listening && self.last_served.is_some_and(|last| last + TICKS_AT_REST <= ticks) {
            self.last_served = None;
            set_clock(&self.clock, Duration::ZERO)?;
        }
        Ok(())
    }

    fn start_clock(&mut self) -> io::Result<()> {
        if self.last_served.is_none() {
            set_clock(&self.clock, TICK)?;
            self.last_served = Some(self.shared.ticks.get());
        }
        Ok(())
    }

    /// Watches the listeners, unless they are watched or must not be now.
    fn listen(&mut self) -> io::Result<()> {
        if self.listening || self.served >= self.most || self.shared.ticks.get() < self.retry_at {
            return Ok(());
        }
        for (listener, number) in self.listeners.iter().zip(0..) {
            let data = EventData::new_u64(LISTENER - number);
            // Told of again as long as somebody waits, so that no attempt to accept has to fail.
            epoll::add(&self.shared.epoll, listener, data, EventFlags::IN)?;
        }
        self.listening = true;
        Ok(())
    }

    fn stop_listening(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.listening) {
            for listener in self.listeners.iter() {
                epoll::delete(&self.shared.epoll, listener)?;
            }
        }
        Ok(())
    }
}

/// Whether a failed attempt to accept says nothing about the next one.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted)
}

/// Has the clock tick every so often; never, where that is zero.
fn set_clock(clock: &OwnedFd, every: Duration) -> io::Result<()> {
    let every = Timespec { tv_sec: every.as_secs().cast_signed(), tv_nsec: every.subsec_nanos().into() };
    let when = Itimerspec { it_interval: every, it_value: every };
    timerfd_settime(clock, TimerfdTimerFlags::empty(), &when)?;
    Ok(())
}

/// Where one connection at a time is served, and what the loop knows of it.
pub(super) struct Slot {
    shared: Rc<Shared>,
    number: usize,
    occupied: Cell<bool>,
    accepted: Cell<Option<Socket>>,
    /// Whether a read may bring something.
    readable: Cell<bool>,
    /// Whether the other side will send no more: from then on a read always brings something.
    ended: Cell<bool>,
    writable: Cell<bool>,
    /// The tick at which to poll whatever happens.
    deadline: Cell<u64>,
    /// Reads since it was last polled.
    reads: Cell<u32>,
}

impl Slot {
    fn new(shared: Rc<Shared>, number: usize) -> Self {
        Self {
            shared,
            number,
            occupied: Cell::new(false),
            accepted: Cell::new(None),
            readable: Cell::new(false),
            ended: Cell::new(false),
            writable: Cell::new(false),
            deadline: Cell::new(u64::MAX),
            reads: Cell::new(0),
        }
    }

    fn give(&self, socket: Socket) {
        self.occupied.set(true);
        self.accepted.set(Some(socket));
        // The MTA speaks first, and mostly has when its connection is accepted.
        self.readable.set(true);
        self.ended.set(false);
        self.writable.set(false);
        self.deadline.set(u64::MAX);
    }

    fn vacate(&self) {
        self.occupied.set(false);
    }

    fn note(&self, flags: EventFlags) {
        if flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            self.ended.set(true);
        }
        // Trying is harmless, whatever the event was.
        self.readable.set(true);
        self.writable.set(true);
    }

    /// The next connection that is served here.
    pub(super) async fn accepted(&self) -> Socket {
        poll_fn(|_| match self.accepted.take() {
            Some(socket) => Poll::Ready(socket),
            None => {
                self.vacate();
                Poll::Pending
            }
        })
        .await
    }

    /// Has the loop watch a socket for what comes in, which it tells once each time.
    ///
    /// Not for room to write: it would tell of that each time the MTA has taken a reply, which was a fifth of all wake-ups.
    pub(super) fn watch(&self, socket: &impl AsFd) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.shared.epoll, socket, self.data(), flags)?)
    }

    /// Waits until there is room to write, at most `ticks`; whether there is.
    pub(super) async fn writable(&self, socket: &impl AsFd, ticks: u64) -> io::Result<bool> {
        let reading = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        self.writable.set(false);
        epoll::modify(&self.shared.epoll, socket, self.data(), reading | EventFlags::OUT)?;
        self.set_deadline(ticks);
        let writable = poll_fn(|_| match self.writable.get() {
            true => Poll::Ready(true),
            false if self.is_late() => Poll::Ready(false),
            false => Poll::Pending,
        })
        .await;
        epoll::modify(&self.shared.epoll, socket, self.data(), reading)?;
        Ok(writable)
    }

    fn data(&self) -> EventData {
        EventData::new_u64(self.number as u64)
    }

    /// Reads by `read`, unless that would only fail or others have waited too long; `asked` is how much it asks for.
    pub(super) fn poll_read(
        &self,
        asked: usize,
        read: impl FnOnce() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if !self.readable.get() {
            return Poll::Pending;
        }
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() > READS_IN_A_ROW {
            return Poll::Pending;
        }
        match read() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable.set(false);
                Poll::Pending
            }
            // Less than asked for: that was all, and the loop will tell of more. Saves a read that would fail.
            Ok(count) if (1..asked).contains(&count) => {
                self.readable.set(self.ended.get());
                Poll::Ready(Ok(count))
            }
            read => Poll::Ready(read),
        }
    }

    /// Has the slot polled after so many ticks, whatever happens: the next tick may come at once and does not count.
    pub(super) fn set_deadline(&self, ticks: u64) {
        self.deadline.set(self.shared.ticks.get().saturating_add(ticks).saturating_add(1));
    }

    /// Whether the deadline has come.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.get() <= self.shared.ticks.get()
    }

    /// Whether the server is to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.shared.stopping.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let shared = Shared { epoll, ticks: Cell::new(0), stopping: Cell::new(false) };
        let slot = Slot::new(Rc::new(shared), 0);
        slot.readable.set(true);
        slot
    }

    fn never() -> io::Result<usize> {
        panic!("nothing is there to be read")
    }

    #[test]
    fn nothing_is_read_until_more_may_have_come() {
        let slot = slot();
        assert!(matches!(slot.poll_read(8, || Ok(8)), Poll::Ready(Ok(8))));
        assert!(matches!(slot.poll_read(8, || Ok(5)), Poll::Ready(Ok(5))));
        assert!(slot.poll_read(8, never).is_pending());
        slot.note(EventFlags::IN);
        let blocks = || Err(io::Error::from(io::ErrorKind::WouldBlock));
        assert!(slot.poll_read(8, blocks).is_pending());
        assert!(slot.poll_read(8, never).is_pending());
    }

    /// The kernel tells of the end once, which may be together with the last bytes.
    #[test]
    fn the_end_is_read_after_the_last_bytes() {
        let slot = slot();
        slot.note(EventFlags::IN | EventFlags::RDHUP);
        assert!(matches!(slot.poll_read(8, || Ok(5)), Poll::Ready(Ok(5))));
        assert!(matches!(slot.poll_read(8, || Ok(0)), Poll::Ready(Ok(0))));
    }

    #[test]
    fn whoever_sends_without_pause_lets_others_have_their_turn() {
        let slot = slot();
        let reads = (0..1_000).take_while(|_| slot.poll_read(8, || Ok(8)).is_ready()).count();
        assert_eq!(reads, READS_IN_A_ROW as usize);
        assert!(slot.reads.get() > READS_IN_A_ROW, "the loop is told that there is more");
    }

    /// What a slot does with its connections, as a script: it never ends by itself.
    async fn panics_at_the_first(slot: Rc<Slot>, served: Rc<Cell<u32>>) {
        loop {
            let _socket = slot.accepted().await;
            served.set(served.get() + 1);
            assert!(served.get() > 1, "the first connection panics, as the test wants it");
            slot.shared.stopping.set(true);
        }
    }

    struct Nobody;

    impl Observer for Nobody {
        fn at_rest(&self) {}
        fn ticked(&self, _: u64) {}
    }

    #[test]
    fn a_panic_ends_its_own_connection_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let address = crate::milter::ListenAddress::Unix(path.clone());
        let listener = Listener::bind(&address, None).unwrap();
        let reactor = Reactor::new(vec![listener], 1, OtherThreads::new().unwrap()).unwrap();
        let clients: Vec<_> =
            (0..2).map(|_| std::os::unix::net::UnixStream::connect(&path).unwrap()).collect();
        let served = Rc::new(Cell::new(0));
        reactor.run(|slot| panics_at_the_first(slot, Rc::clone(&served)), &Nobody).unwrap();
        assert_eq!(served.get(), 2);
        drop(clients);
    }
}
