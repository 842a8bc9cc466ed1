//! The milter wire's frames: four bytes of length, a code, a payload. Splits and writes bytes; never does I/O.

use std::ops::ControlFlow;

/// Bytes of the length that opens each frame.
const LENGTH_BYTES: usize = 4;
/// A stash that grew beyond this gives its memory back once it is empty, so that idle connections stay small.
const STASH_KEPT_BYTES: usize = 4 << 10;

/// The code of frames that are handed out in pieces as they come: pieces of a message's body.
const STREAMED: u8 = b'B';

/// One frame as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'x> {
    /// What it is: a command's or a reply's letter.
    pub code: u8,
    /// What follows the letter.
    pub payload: &'x [u8],
    /// Whether the frame is complete with this.
    pub end: End,
}

/// Whether a frame is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is.
    Complete,
    /// More of its payload comes, as frames of the same code.
    MoreToCome,
}

/// A frame that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Its length is 0: there is not even a code.
    #[error("a frame of length 0")]
    Empty,
    /// Its length is beyond the cap.
    #[error("a frame of {length} bytes, more than limits.frame-bytes = {cap}")]
    TooLarge {
        /// The length that the frame announced.
        length: usize,
        /// The cap.
        cap: usize,
    },
}

/// Takes the first frame off `buffer`: the frame and the bytes that it took up; `None` while it is incomplete.
///
/// # Errors
/// When the length is 0 or beyond `cap`, as soon as the length is there.
pub fn split(buffer: &[u8], cap: usize) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((length, rest)) = buffer.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length == 0 {
        return Err(FrameError::Empty);
    }
    if length > cap {
        return Err(FrameError::TooLarge { length, cap });
    }
    let Some((whole, _)) = rest.split_at_checked(length) else { return Ok(None) };
    let Some((&code, payload)) = whole.split_first() else { return Err(FrameError::Empty) };
    Ok(Some((Frame { code, payload, end: End::Complete }, LENGTH_BYTES + length)))
}

/// Puts frames together again, however the stream was cut.
///
/// What one read brought is handed out in place, and pieces of a body as far as they have come; only the start of other
/// frames is copied. The memory that it takes grows with what has come, never with the length that a peer announces.
#[derive(Debug)]
pub struct Reassembly {
    stash: Vec<u8>,
    /// Bytes of a streamed frame that are still to come.
    streaming: usize,
    cap: usize,
}

impl Reassembly {
    /// Nothing has come yet; frames may announce at most `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self { stash: Vec::new(), streaming: 0, cap }
    }

    /// Hands each frame that is now complete to `handle`, in order, until it breaks. What comes after that, or is
    /// incomplete, is kept for the next call, which may bring no further bytes.
    ///
    /// # Errors
    /// When a frame cannot be. The stream is then out of step for good.
    pub fn feed<T>(
        &mut self,
        bytes: &[u8],
        mut handle: impl FnMut(Frame<'_>) -> ControlFlow<T>,
    ) -> Result<Option<T>, FrameError> {
        if self.stash.is_empty() {
            let (taken, broke) = self.run(bytes, &mut handle)?;
            self.stash.extend_from_slice(bytes.get(taken..).unwrap_or_default());
            return Ok(broke);
        }
        let mut stash = std::mem::take(&mut self.stash);
        stash.extend_from_slice(bytes);
        let (taken, broke) = self.run(&stash, &mut handle)?;
        if taken >= stash.len() {
            stash.clear();
            stash.shrink_to(STASH_KEPT_BYTES);
        } else {
            stash.drain(..taken);
        }
        self.stash = stash;
        Ok(broke)
    }

    /// Whether bytes wait that no frame has used.
    pub fn has_rest(&self) -> bool {
        !self.stash.is_empty()
    }

    /// Bytes that the piece of a body whose start has been handed out still lacks. While it lacks any, nothing waits here:
    /// they may be read to where they belong, and [`Reassembly::took`] be told.
    pub fn awaited(&self) -> usize {
        self.streaming
    }

    /// So many bytes of the piece of a body have been read past this. Whether it is complete with them.
    pub fn took(&mut self, count: usize) -> End {
        self.streaming = self.streaming.saturating_sub(count);
        if self.streaming == 0 { End::Complete } else { End::MoreToCome }
    }

    /// Hands out what is there: how many bytes that took up, and what `handle` broke with.
    fn run<T>(
        &mut self,
        bytes: &[u8],
        handle: &mut impl FnMut(Frame<'_>) -> ControlFlow<T>,
    ) -> Result<(usize, Option<T>), FrameError> {
        let mut rest = bytes;
        while let Some((frame, taken)) = self.next(rest)? {
            rest = rest.get(taken..).unwrap_or_default();
            if let ControlFlow::Break(outcome) = handle(frame) {
                return Ok((bytes.len() - rest.len(), Some(outcome)));
            }
        }
        Ok((bytes.len() - rest.len(), None))
    }

    fn next<'x>(&mut self, bytes: &'x [u8]) -> Result<Option<(Frame<'x>, usize)>, FrameError> {
        if self.streaming == 0 {
            let whole = split(bytes, self.cap)?;
            let (Some(head), None) = (bytes.first_chunk::<{ LENGTH_BYTES + 1 }>(), &whole) else {
                return Ok(whole);
            };
            let [a, b, c, d, STREAMED] = *head else { return Ok(None) };
            self.streaming = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX) - 1;
            let payload = bytes.get(head.len()..).unwrap_or_default();
            self.streaming -= payload.len();
            return Ok(Some((Frame { code: STREAMED, payload, end: End::MoreToCome }, bytes.len())));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let payload = bytes.get(..self.streaming).unwrap_or(bytes);
        let end = self.took(payload.len());
        Ok(Some((Frame { code: STREAMED, payload, end }, payload.len())))
    }
}

/// Appends a frame to `out`; its payload is the `parts` one after the other.
pub fn write(out: &mut Vec<u8>, code: u8, parts: &[&[u8]]) {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.reserve(LENGTH_BYTES + length);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.push(code);
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    fn all(chunks: &[&[u8]], cap: usize) -> Result<Vec<(u8, Vec<u8>)>, FrameError> {
        let mut frames = Vec::new();
        let mut reassembly = Reassembly::new(cap);
        for chunk in chunks {
            reassembly.feed(chunk, |frame| {
                match frames.last_mut() {
                    Some((_, payload, End::MoreToCome)) => {
                        assert_eq!(frame.code, STREAMED);
                        Vec::extend_from_slice(payload, frame.payload);
                    }
                    _ => frames.push((frame.code, frame.payload.to_vec(), frame.end)),
                }
                if let Some(last) = frames.last_mut() {
                    last.2 = frame.end;
                }
                ControlFlow::<()>::Continue(())
            })?;
        }
        Ok(frames.into_iter().map(|(code, payload, _)| (code, payload)).collect())
    }

    #[test]
    fn hostile_lengths_are_refused_before_their_bytes_come() {
        let cap = 1_000;
        for (bytes, expected) in [
            (&[0, 0, 0, 0][..], FrameError::Empty),
            (&[0, 0, 0, 0, b'Q'][..], FrameError::Empty),
            (&[0, 0, 3, 0xe9][..], FrameError::TooLarge { length: 1_001, cap }),
            (&[0x80, 0, 0, 0][..], FrameError::TooLarge { length: 1 << 31, cap }),
            (&[0xff, 0xff, 0xff, 0xff][..], FrameError::TooLarge { length: 0xffff_ffff, cap }),
        ] {
            assert_eq!(split(bytes, cap), Err(expected), "{bytes:?}");
            assert_eq!(all(&[bytes], cap), Err(expected), "{bytes:?}");
        }
        assert_eq!(split(&[0, 0, 3, 0xe8, b'B'], cap), Ok(None), "the cap itself is fine");
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut reassembly = Reassembly::new(1 << 30);
        let outcome = reassembly.feed(&[0x3f, 0xff, 0xff, 0xff, b'L', 1, 2], |_| ControlFlow::Break(()));
        assert_eq!(outcome, Ok(None));
        assert!(reassembly.stash.capacity() < 1_000, "{}", reassembly.stash.capacity());
    }

    #[test]
    fn a_body_is_handed_out_as_it_comes() {
        let mut bytes = Vec::new();
        write(&mut bytes, b'B', &[b"abcdef"]);
        write(&mut bytes, b'E', &[]);
        let mut reassembly = Reassembly::new(100);
        let mut seen = Vec::new();
        for chunk in [&bytes[..3], &bytes[3..5], &bytes[5..8], &bytes[8..]] {
            let fed = reassembly.feed(chunk, |frame| {
                seen.push((frame.code, frame.payload.to_vec(), frame.end));
                ControlFlow::<()>::Continue(())
            });
            assert_eq!(fed, Ok(None));
        }
        let expected =
            [(b'B', "", End::MoreToCome), (b'B', "abc", End::MoreToCome), (b'B', "def", End::Complete)];
        let expected = expected.into_iter().chain([(b'E', "", End::Complete)]);
        assert_eq!(seen, expected.map(|(code, text, end)| (code, text.into(), end)).collect::<Vec<_>>());
    }

    #[test]
    fn what_follows_a_break_waits_for_the_next_call() {
        let mut bytes = Vec::new();
        for code in *b"abc" {
            write(&mut bytes, code, &[b"x"]);
        }
        let mut reassembly = Reassembly::new(100);
        assert_eq!(reassembly.feed(&bytes, |frame| ControlFlow::Break(frame.code)), Ok(Some(b'a')));
        assert!(reassembly.has_rest());
        assert_eq!(reassembly.feed(&[], |frame| ControlFlow::Break(frame.code)), Ok(Some(b'b')));
        assert_eq!(reassembly.feed(&[], |frame| ControlFlow::Break(frame.code)), Ok(Some(b'c')));
        assert_eq!(reassembly.feed(&[], |frame| ControlFlow::Break(frame.code)), Ok(None));
        assert!(!reassembly.has_rest());
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_frames(
            frames in prop::collection::vec((prop::sample::select(b"BEL".to_vec()), prop::collection::vec(any::<u8>(), 0..40)), 0..12),
            cuts in prop::collection::vec(0usize..500, 0..12),
        ) {
            let mut bytes = Vec::new();
            for (code, payload) in &frames {
                write(&mut bytes, *code, &[payload]);
            }
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(all(&chunks, 1_000).unwrap(), frames);
        }

        #[test]
        fn random_bytes_never_panic_and_frames_stay_under_the_cap(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cap in 1usize..64,
        ) {
            let mut rest = &bytes[..];
            while let Ok(Some((frame, taken))) = split(rest, cap) {
                prop_assert!(frame.payload.len() < cap);
                rest = &rest[taken..];
            }
        }
    }
}
