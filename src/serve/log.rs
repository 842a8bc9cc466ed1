//! The log: a line an event on standard error, as tracing's own formatter has them, for less work. Never holds a line back.
//!
//! The thread that serves mail writes its lines when it comes to rest, which is before it waits for anything, or at once
//! where they tell of a fault: several messages make one write, and none waits for it.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, registry};

/// Begins to log what `RUST_LOG` asks for, from `info` on where it asks for nothing.
pub fn begin() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    if io::stderr().is_terminal() {
        let layer = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
        layer.with_target(false).init();
    } else {
        registry().with(filter).with(LineLayer).init();
    }
}

/// Says that the thread comes to rest now, and that it will say so each time: its lines are gathered from now on.
pub fn rest() {
    // While the thread ends, there is nothing to gather.
    let _ = LINES.try_with(|lines| {
        if let Ok(mut lines) = lines.try_borrow_mut() {
            lines.gathers = true;
            lines.write_to(&mut io::stderr());
        }
    });
}

thread_local! {
    static LINES: RefCell<Lines> = const { RefCell::new(Lines::new()) };
}

/// Lines of one thread.
struct Lines {
    text: String,
    gathers: bool,
    /// The second of the last line's time, and how it is written.
    second: Option<i64>,
    time: String,
}

impl Lines {
    const fn new() -> Self {
        Self { text: String::new(), gathers: false, second: None, time: String::new() }
    }

    /// Adds an event's line; it is written at once where the thread does not say when it rests, or it tells of a fault.
    fn add(&mut self, event: &Event<'_>, at: Timestamp, out: &mut impl io::Write) {
        if self.second != Some(at.as_second()) {
            self.second = Some(at.as_second());
            let whole = Timestamp::from_second(at.as_second()).unwrap_or_default().to_string();
            self.time = whole.trim_end_matches('Z').to_owned();
        }
        let level = *event.metadata().level();
        let Self { text, time, .. } = self;
        // Writing to a string does not fail.
        let _ = write!(text, "{time}.{:06}Z {level:>5}", at.subsec_microsecond());
        event.record(&mut Fields { text });
        text.push('\n');
        if !self.gathers || level <= Level::WARN {
            self.write_to(out);
        }
    }

    fn write_to(&mut self, out: &mut impl io::Write) {
        if !self.text.is_empty() {
            // Where nobody takes the log, mail goes on.
            let _ = out.write_all(self.text.as_bytes());
            self.text.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.write_to(&mut io::stderr());
    }
}

/// Writes each event as a line.
struct LineLayer;

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = Timestamp::now();
        let add = |lines: &mut Lines| lines.add(event, now, &mut io::stderr());
        let added = LINES.try_with(|lines| lines.try_borrow_mut().map(|mut lines| add(&mut lines)));
        // The thread ends, or a value that is being written has something to say itself.
        if !matches!(added, Ok(Ok(()))) {
            add(&mut Lines::new());
        }
    }
}

/// Writes an event's message and its fields, each after a space.
struct Fields<'l> {
    text: &'l mut String,
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if field.name() != "message" && value.bytes().all(is_plain) {
            for piece in [" ", field.name(), "=\"", value, "\""] {
                self.text.push_str(piece);
            }
        } else if field.name() == "message" {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            let _ = write!(self.text, " {}={value:?}", field.name());
            return;
        }
        self.text.push(' ');
        let start = self.text.len();
        let _ = write!(self.text, "{value:?}");
        let message = self.text.get(start..).unwrap_or_default();
        if message.contains(drives_terminals) {
            let safe: String = message.chars().map(harmless).collect();
            self.text.truncate(start);
            self.text.push_str(&safe);
        }
    }
}

/// Whether a terminal may take the character for an order.
fn drives_terminals(character: char) -> bool {
    matches!(character, '\x07' | '\x08' | '\x0c' | '\x1b' | '\x7f'..='\u{9f}')
}

fn harmless(character: char) -> String {
    match character {
        '\u{80}'.. if drives_terminals(character) => character.escape_unicode().to_string(),
        _ if drives_terminals(character) => format!("\\x{:02x}", u32::from(character)),
        _ => character.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{error, info, warn};

    use super::*;

    /// What is written, in place of standard error.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// Adds events to lines, which it writes elsewhere than to standard error.
    struct Adding(Arc<Mutex<Lines>>, Written);

    impl<S: Subscriber> Layer<S> for Adding {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().add(event, Timestamp::now(), &mut self.1.clone());
        }
    }

    fn adding(gathers: bool) -> (Adding, Written) {
        let written = Written::default();
        let mut lines = Lines::new();
        lines.gathers = gathers;
        (Adding(Arc::new(Mutex::new(lines)), written.clone()), written)
    }

    #[test]
    fn lines_are_those_of_tracings_own_formatter() {
        fn said() {
            let (rules, odd) = ("mild harsh", "a \"b\" \\ \u{e9} \u{1b}[1m\u{9b}m \x07\x7f\n");
            info!(queue_id = "4Abc", rules, odd, count = 3_u64, less = -1, yes = true, "verdict reached");
            warn!(reference = %"K7QF-2M9P", path = ?"/a b", "{odd}");
            error!("no fields");
            info!(only = 1);
            info!("");
        }
        let theirs = Written::default();
        let writer = theirs.clone();
        let formatter = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
        with_default(formatter.with_target(false).finish(), said);
        let (layer, ours) = adding(false);
        with_default(registry().with(layer), said);
        // Each asks for the time by itself.
        let parts = |text: String| -> Vec<(usize, String)> {
            let lines = text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")));
            lines.map(|(time, rest)| (time.len(), rest.to_owned())).collect()
        };
        assert_eq!(parts(ours.text()), parts(theirs.text()));
    }

    #[test]
    fn a_thread_that_rests_gathers_lines_until_one_tells_of_a_fault() {
        let (layer, written) = adding(true);
        let lines = Arc::clone(&layer.0);
        with_default(registry().with(layer), || {
            info!("one");
            info!("two");
            assert_eq!(written.text(), "");
            warn!("three");
            info!("four");
        });
        let said = |text: String| text.lines().map(|line| line[34..].to_owned()).collect::<Vec<_>>();
        assert_eq!(said(written.text()), ["one", "two", "three"]);
        lines.lock().unwrap().write_to(&mut written.clone());
        assert_eq!(said(written.text()), ["one", "two", "three", "four"]);
    }
}
