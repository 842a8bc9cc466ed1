//! When a task of the filter looks whether something is due: at intervals, when woken, until the filter stops. Does nothing itself.

use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The moments at which a task looks.
pub struct Looks<'f> {
    ticks: Interval,
    wake: &'f Notify,
    stopped: watch::Receiver<bool>,
}

impl<'f> Looks<'f> {
    /// At once, then so often, and whenever it is woken.
    pub fn new(every: Duration, wake: &'f Notify, stopped: watch::Receiver<bool>) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, wake, stopped }
    }

    /// Waits for the next one; `false` where the filter stops.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.stopped.changed() => false,
            _ = self.ticks.tick() => true,
            () = self.wake.notified() => true,
        }
    }
}
