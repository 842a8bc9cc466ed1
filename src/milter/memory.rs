//! The memory that messages share while they come in: a budget, and used memory for the next ones. It knows no mail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::Limits;

/// A message's first allocation, in bytes: most mail is smaller.
const FIRST_BYTES: usize = 4 << 10;
/// A message that outgrows this gets a buffer of [`BUFFER_BYTES`] at once, a used one if there is one, and is not copied
/// again as it grows.
const SMALL_BYTES: usize = 32 << 10;
/// A message that outgrows this gets a mapping of its own, of which it touches what it fills and no more.
const BUFFER_BYTES: usize = 4 << 20;
/// By so much a message in a buffer or a mapping draws on the memory that all share.
const STEP_BYTES: usize = 256 << 10;
/// Most used buffers of [`BUFFER_BYTES`] that are kept.
const KEPT_BUFFERS: usize = 8;
/// Most used mappings that are kept.
const KEPT_MAPPINGS: usize = 4;
/// glibc's allocator maps anything larger than 32 MiB by itself and gives it back as soon as it is freed; smaller buffers
/// may stay with the process for good once a few have been used. Memory that is not touched costs nothing.
pub(super) const OWN_MAPPING_BYTES: usize = 33 << 20;

/// Memory that all messages share.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    cap: usize,
    per_message: usize,
    /// Used buffers of [`BUFFER_BYTES`]; not counted as used.
    buffers: Kept,
    /// Used mappings; not counted as used.
    mappings: Kept,
}

impl Budget {
    /// As the limits have it.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            used: AtomicUsize::new(0),
            cap: limits.bodies_in_memory_bytes,
            per_message: limits.body_in_memory_bytes,
            buffers: Kept::new(KEPT_BUFFERS),
            mappings: Kept::new(KEPT_MAPPINGS),
        }
    }

    /// Bytes that messages hold now.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Gives back the memory of earlier messages that no message needed since this was last called.
    pub(super) fn release_unneeded(&self) {
        self.buffers.release_unneeded();
        self.mappings.release_unneeded();
    }

    /// Takes back a buffer, if it is one that is kept.
    fn keep(&self, buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        if SMALL_BYTES < capacity && capacity <= BUFFER_BYTES {
            self.buffers.put(buffer);
        } else if BUFFER_BYTES < capacity && capacity <= OWN_MAPPING_BYTES {
            self.mappings.put(buffer);
        }
    }
}

/// One message's memory, drawn from the budget and given back when dropped.
#[derive(Debug)]
pub(super) struct Memory {
    budget: Arc<Budget>,
    /// Bytes drawn from the budget.
    drawn: usize,
    /// The first `filled` bytes are this message's. What follows is zeros, or what an earlier message left: nobody sees it.
    bytes: Vec<u8>,
    filled: usize,
}

impl Memory {
    /// Nothing yet.
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, drawn: 0, bytes: Vec::new(), filled: 0 }
    }

    /// What has come.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Adds bytes; false, and nothing done, where that is more than the message or all of them may have.
    pub(super) fn append(&mut self, bytes: &[u8]) -> bool {
        let has_room = self.make_room(self.filled + bytes.len());
        if has_room {
            self.put(bytes);
        }
        has_room
    }

    /// Room behind what has come, for as many bytes as have come already at most; `None` where that is more than the
    /// message or all of them may have. [`Memory::fill`] says how many came.
    pub(super) fn room(&mut self, wanted: usize) -> Option<&mut [u8]> {
        let end = self.filled + wanted.min(self.filled.max(FIRST_BYTES));
        if !self.make_room(end) {
            return None;
        }
        // What was filled once need not be made to hold something.
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes.get_mut(self.filled..end)
    }

    /// So many bytes came into the room.
    pub(super) fn fill(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.filled == self.bytes.len() {
            self.bytes.extend_from_slice(bytes);
            self.filled += bytes.len();
            return;
        }
        let used = self.bytes.get_mut(self.filled..).unwrap_or_default();
        let (over, beyond) = bytes.split_at_checked(used.len()).unwrap_or((bytes, &[]));
        if let Some(used) = used.get_mut(..over.len()) {
            used.copy_from_slice(over);
        }
        self.bytes.extend_from_slice(beyond);
        self.filled += bytes.len();
    }

    /// Makes room for `needed` bytes in all; false when that is more than the message or all of them may have.
    fn make_room(&mut self, needed: usize) -> bool {
        if needed <= self.drawn {
            return true;
        }
        let per_message = self.budget.per_message;
        if needed > per_message {
            return false;
        }
        if needed <= SMALL_BYTES {
            let wanted =
                needed.max(2 * self.bytes.capacity()).clamp(FIRST_BYTES, SMALL_BYTES).min(per_message);
            if self.draw(wanted) {
                self.bytes.reserve_exact(wanted.saturating_sub(self.bytes.len()));
                return true;
            }
        }
        if !self.draw(needed.next_multiple_of(STEP_BYTES).min(per_message)) {
            return false;
        }
        let (kept, capacity) = match per_message.min(BUFFER_BYTES) {
            buffer if needed <= buffer => (&self.budget.buffers, buffer),
            _ => (&self.budget.mappings, per_message.max(OWN_MAPPING_BYTES)),
        };
        if self.bytes.capacity() < capacity {
            let smaller = std::mem::replace(&mut self.bytes, kept.take(capacity));
            let filled = std::mem::take(&mut self.filled);
            self.put(smaller.get(..filled).unwrap_or_default());
            self.budget.keep(smaller);
        }
        true
    }

    /// Draws on the budget, up to so many bytes in all; false when it has not so many.
    fn draw(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.drawn);
        let before = self.budget.used.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.budget.cap {
            self.budget.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.drawn += more;
        true
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.budget.keep(std::mem::take(&mut self.bytes));
        self.budget.used.fetch_sub(self.drawn, Ordering::Relaxed);
    }
}

/// Used memory that waits for the next message: what was touched before costs no page faults, which were a quarter of what
/// a message with attachments cost. It goes when it was not needed for a while.
#[derive(Debug)]
struct Kept {
    most: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    buffers: Vec<Vec<u8>>,
    /// The fewest that lay here at any time since [`Kept::release_unneeded`] last looked.
    unneeded: usize,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { most, shelf: Mutex::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A used buffer, or a new one of that capacity.
    fn take(&self, capacity: usize) -> Vec<u8> {
        let mut shelf = self.shelf();
        let kept = shelf.buffers.pop();
        shelf.unneeded = shelf.unneeded.min(shelf.buffers.len());
        kept.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut shelf = self.shelf();
        if shelf.buffers.len() < self.most {
            shelf.buffers.push(buffer);
        }
    }

    fn release_unneeded(&self) {
        let mut shelf = self.shelf();
        // The first were put here before the others, and those are taken first.
        let unneeded = shelf.unneeded.min(shelf.buffers.len());
        let released: Vec<Vec<u8>> = shelf.buffers.drain(..unneeded).collect();
        shelf.unneeded = shelf.buffers.len();
        drop(shelf);
        drop(released);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per_message: usize, together: usize) -> Arc<Budget> {
        let limits = Limits {
            body_in_memory_bytes: per_message,
            bodies_in_memory_bytes: together,
            ..Limits::default()
        };
        Arc::new(Budget::new(&limits))
    }

    fn filled(budget: &Arc<Budget>, bytes: usize) -> Memory {
        let mut memory = Memory::new(Arc::clone(budget));
        assert!(memory.append(&vec![b'x'; bytes]));
        memory
    }

    #[test]
    fn memory_of_earlier_messages_is_used_again_and_goes_when_nobody_needs_it() {
        let budget = budget(32 << 20, 64 << 20);
        for (bytes, kept) in [(1 << 20, &budget.buffers), (5 << 20, &budget.mappings)] {
            let place = filled(&budget, bytes).bytes().as_ptr();
            let again = filled(&budget, bytes);
            assert_eq!(again.bytes().as_ptr(), place, "{bytes} bytes: not the buffer that was there");
            drop((again, filled(&budget, bytes)));
            for (left, needed) in [(2, "two at once"), (1, "one at a time"), (0, "none")] {
                budget.release_unneeded();
                assert_eq!(
                    kept.shelf().buffers.len(),
                    left,
                    "{bytes} bytes: {needed} needed since the last look"
                );
                if left == 2 {
                    drop(filled(&budget, bytes));
                }
            }
        }
    }

    #[test]
    fn of_an_earlier_message_nothing_is_seen_however_the_next_one_comes() {
        let budget = budget(1 << 20, 1 << 20);
        let earlier = filled(&budget, 200_000);
        drop(earlier);
        let mut memory = filled(&budget, 40_000);
        let mut expected = vec![b'x'; 40_000];
        // Into room that was used and room that was not, with less coming than there is room for.
        for (number, came) in [(b'a', 30_000), (b'b', 1), (b'c', 70_000), (b'd', 100_000), (b'e', 90_000)] {
            let room = memory.room(came + 7).unwrap();
            assert_eq!(room.len(), came + 7);
            room[..came].fill(number);
            room[came..].fill(b'?');
            memory.fill(came);
            expected.extend(vec![number; came]);
            assert_eq!(memory.bytes().len(), expected.len());
            assert!(memory.append(&[b'!'; 3]));
            expected.extend([b'!'; 3]);
        }
        assert!(memory.bytes() == expected, "other bytes than came");
    }

    #[test]
    fn room_grows_with_what_has_come_and_ends_at_the_caps() {
        let budget = budget(100_000, 150_000);
        let mut memory = Memory::new(Arc::clone(&budget));
        for expected in [1, 1, 2].map(|times| times * FIRST_BYTES) {
            let room = memory.room(1 << 20).unwrap().len();
            assert_eq!(room, expected);
            memory.fill(room);
        }
        assert!(memory.append(&[b'x'; 60_000]));
        assert!(memory.room(60_000).is_none(), "more than one message may have");
        assert_eq!(memory.room(20_000).unwrap().len(), 20_000);
        let mut other = Memory::new(Arc::clone(&budget));
        assert!(!other.append(&[b'x'; 60_000]), "more than all may have together");
        drop((memory, other));
        assert_eq!(budget.used(), 0);
    }
}
