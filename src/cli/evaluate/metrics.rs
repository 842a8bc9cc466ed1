//! Precision, recall and their like, from counts alone. A figure that nothing stands behind is `None`, never 0 or 1.

use serde::{Serialize, Serializer};

/// The standard normal deviate that 95 of 100 stay within.
const DEVIATE: f64 = 1.959_963_984_540_054;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Share {
    /// `part` of `whole`.
    pub const fn of(part: usize, whole: usize) -> Self {
        Self { part, whole }
    }

    /// The share from 0 to 1; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| decimal(self.part) / decimal(self.whole))
    }

    /// The share in a thousand; `None` of nothing.
    pub fn per_thousand(self) -> Option<f64> {
        self.value().map(|share| share * 1000.0)
    }

    /// Where the true share lies in 95 of 100 such samples (Wilson 1927). Unlike the usual interval it says
    /// something with few cases, and where the share is 0 or 1.
    pub fn interval(self) -> Option<[f64; 2]> {
        let (share, number) = (self.value()?, decimal(self.whole));
        let square = DEVIATE * DEVIATE;
        let middle = share + square / (2.0 * number);
        let reach = DEVIATE * (share * (1.0 - share) / number + square / (4.0 * number * number)).sqrt();
        let end = |at: f64| (at / (1.0 + square / number)).clamp(0.0, 1.0);
        Some([end(middle - reach), end(middle + reach)])
    }
}

/// What became of the messages that bear a label, and of those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bear the label and were found.
    pub right: usize,
    /// Bear the label and were not found.
    pub missed: usize,
    /// Do not bear the label and were found.
    pub wrong: usize,
    /// Do not bear the label, found or not.
    pub others: usize,
}

impl Counts {
    /// How many of those that were found bear the label. Where none bears it, nothing could have been right, and where
    /// all do, nothing could have been wrong: then it is the share of nothing, not 0 or 1.
    pub const fn precision(self) -> Share {
        if self.right + self.missed == 0 || self.others == 0 {
            return Share::of(0, 0);
        }
        Share::of(self.right, self.right + self.wrong)
    }

    /// How many of those that bear the label were found.
    pub const fn recall(self) -> Share {
        Share::of(self.right, self.right + self.missed)
    }

    /// The harmonic mean of both; `None` where either is.
    pub fn f1(self) -> Option<f64> {
        self.precision().value()?;
        self.recall().value()?;
        Share::of(2 * self.right, 2 * self.right + self.wrong + self.missed).value()
    }
}

/// A figure of `--json`: four decimals, so that it doesn't claim more than the counts beside it can bear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure(pub f64);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0 * 10_000.0).round() / 10_000.0)
    }
}

fn decimal(number: usize) -> f64 {
    // No folder holds more messages than a u32 counts.
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, wanted: f64) {
        assert!(found.is_some_and(|found| (found - wanted).abs() < 0.000_5), "{found:?} is not {wanted}");
    }

    #[test]
    fn counts_give_the_figures_of_the_textbook() {
        let counts = Counts { right: 6, missed: 2, wrong: 4, others: 9 };
        close(counts.precision().value(), 0.6);
        close(counts.recall().value(), 0.75);
        close(counts.f1(), 2.0 * 0.6 * 0.75 / (0.6 + 0.75));
        close(Share::of(3, 180).per_thousand(), 16.667);
    }

    #[test]
    fn what_nothing_stands_behind_is_no_figure() {
        let nothing = Counts::default();
        assert_eq!((nothing.precision().value(), nothing.recall().value(), nothing.f1()), (None, None, None));
        let unfound = Counts { missed: 3, others: 9, ..nothing };
        assert_eq!((unfound.precision().value(), unfound.f1()), (None, None));
        close(unfound.recall().value(), 0.0);
        let unlabelled = Counts { wrong: 3, others: 9, ..nothing };
        let figures = (unlabelled.precision().value(), unlabelled.recall().value(), unlabelled.f1());
        assert_eq!(figures, (None, None, None));
        let nothing_else = Counts { right: 3, ..nothing };
        assert_eq!((nothing_else.precision().value(), nothing_else.f1()), (None, None));
        close(nothing_else.recall().value(), 1.0);
        close(Counts { wrong: 1, missed: 1, right: 0, others: 9 }.f1(), 0.0);
        assert_eq!((Share::of(0, 0).per_thousand(), Share::of(0, 0).interval()), (None, None));
    }

    #[test]
    fn intervals_are_those_of_wilson() {
        // Newcombe 1998, table I: method 3.
        for (part, whole, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (29, 29, 0.8830, 1.0),
        ] {
            let interval = Share::of(part, whole).interval();
            close(interval.map(|ends| ends[0]), low);
            close(interval.map(|ends| ends[1]), high);
        }
    }

    #[test]
    fn figures_are_written_with_four_decimals() {
        assert_eq!(serde_json::to_string(&Figure(2.0 / 3.0)).ok().as_deref(), Some("0.6667"));
    }
}
