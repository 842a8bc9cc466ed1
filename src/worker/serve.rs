//! A worker's own side: takes its sandbox, then reads one document after another. Knows nothing of messages or policies.

use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::sandbox;
use super::wire::{self, Answer, Broken, Job};
use crate::extract::document::{self, Inspection};
use crate::limits::Limits;
use crate::verdict::Gap;

/// What reads a document: its name, its bytes, the words that may be its password, the caps, and whether the time is over.
pub type Reader = dyn Fn(Option<&str>, &[u8], &[String], &Limits, &dyn Fn() -> bool) -> Inspection;

/// Runs this process as a worker until its filter wants no more of it.
pub fn read_documents() -> ExitCode {
    serve(&document::inspect_with)
}

/// Runs this process as a worker that reads with `reader`: other readers than the filter's own are for tests.
pub fn serve(reader: &Reader) -> ExitCode {
    // A panic's message may quote what it stumbled over, which is somebody's mail.
    panic::set_hook(Box::new(|_| {}));
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    match converse(&mut input, &mut output, reader) {
        // The filter went away, or is done with this worker: both are ordinary ends.
        Ok(()) | Err(Broken::Gone) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn converse(input: &mut impl Read, output: &mut impl Write, reader: &Reader) -> Result<(), Broken> {
    let limits: Limits = wire::read_frame(input, wire::FROM_FILTER)?;
    say(output, &wire::frame(&sandbox::enter(&limits))?)?;
    loop {
        let job = wire::read_frame(input, wire::FROM_FILTER)?;
        let Job { name, bytes: size, passwords, locks, milliseconds } = job;
        let patience = Duration::from_millis(milliseconds);
        let started = Instant::now();
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(usize::MAX));
        if input.take(size).read_to_end(&mut bytes)? as u64 != size {
            return Err(Broken::Gone);
        }
        let expired = || started.elapsed() >= patience;
        let work = || match locks.is_empty() {
            true => Answer::Read(reader(name.as_deref(), &bytes, &passwords, &limits, &expired)),
            false => Answer::Tried(document::try_locks(&locks, &passwords, &limits, &expired)),
        };
        let answer = panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Answer::Panicked);
        say(output, &answer_within(answer, wire::longest_answer(&limits))?)?;
    }
}

fn say(output: &mut impl Write, framed: &[u8]) -> Result<(), Broken> {
    output.write_all(framed)?;
    Ok(output.flush()?)
}

/// The answer as a frame that the filter takes: where it would be too long, without the text.
fn answer_within(answer: Answer, most: usize) -> Result<Vec<u8>, Broken> {
    let framed = wire::frame(&answer)?;
    let Answer::Read(mut inspection) = answer else { return Ok(framed) };
    if framed.len() <= most {
        return Ok(framed);
    }
    inspection.text.clear();
    inspection.places.marks.clear();
    inspection.places.sheets.clear();
    inspection.gaps.push((Gap::TooMuchText, 0));
    inspection.gaps.sort_unstable();
    inspection.gaps.dedup();
    wire::frame(&Answer::Read(inspection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::document::Item;
    use crate::verdict::Kind;

    #[test]
    fn an_answer_that_is_too_long_goes_without_its_text() {
        let inspection = Inspection {
            items: vec![Item::new(Kind::Docx, None, 1)],
            text: "text ".repeat(1_000),
            ..Inspection::default()
        };
        let framed = answer_within(Answer::Read(inspection), 1_000).unwrap();
        assert!(framed.len() < 1_000);
        let Ok(Answer::Read(back)) = wire::read_frame(&mut framed.as_slice(), 1_000) else {
            panic!("no answer")
        };
        assert_eq!((back.items.len(), back.gaps), (1, vec![(Gap::TooMuchText, 0)]));
    }
}
