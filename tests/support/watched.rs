//! A list that grows, and waiting for something to appear in it. Waits for events, with a deadline.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it; generous, for machines that do much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// A list that other threads add to.
pub struct Watched<T> {
    items: Mutex<Vec<T>>,
    grown: Condvar,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { items: Mutex::new(Vec::new()), grown: Condvar::new() }
    }
}

impl<T> Watched<T> {
    /// Adds an item.
    pub fn push(&self, item: T) {
        self.items.lock().unwrap().push(item);
        self.grown.notify_all();
    }

    /// Waits until `seek` finds what it wants among the items.
    pub fn wait<R>(&self, what: &str, mut seek: impl FnMut(&mut Vec<T>) -> Option<R>) -> R {
        let deadline = Instant::now() + PATIENCE;
        let mut items = self.items.lock().unwrap();
        loop {
            if let Some(found) = seek(&mut items) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(items);
                panic!("waited {PATIENCE:?} in vain for {what}");
            }
            items = self.grown.wait_timeout(items, left).unwrap().0;
        }
    }

    /// Looks at the items as they are now.
    pub fn look<R>(&self, seek: impl FnOnce(&mut Vec<T>) -> R) -> R {
        seek(&mut self.items.lock().unwrap())
    }
}
