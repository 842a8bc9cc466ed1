//! Numbers of spreadsheets as people see them: dates above all. Knows the formats well enough to be searched, no more.

use std::fmt::Write;

/// How cells of one style show their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum NumberFormat {
    /// As the number is.
    #[default]
    General,
    /// With leading zeros, and what stands between the digits: `00000 000000`.
    Digits(String),
    /// As a date or a time.
    Date(Vec<Piece>),
}

impl NumberFormat {
    /// A format by its number, where it is one that files do not write out (ECMA-376-1 §18.8.30). Dates that follow
    /// the reader's country are shown as in the United Kingdom.
    pub fn built_in(number: u32) -> Self {
        let code = match number {
            14 | 27..=31 | 36 | 50..=54 | 57 | 58 => "dd/mm/yyyy",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 | 32 => "h:mm",
            21 | 33..=35 | 55 | 56 => "h:mm:ss",
            22 => "dd/mm/yyyy h:mm",
            45 | 47 => "mm:ss",
            46 => "h:mm:ss",
            _ => return Self::General,
        };
        Self::Date(pieces(code))
    }

    /// A format by its code (ECMA-376-1 §18.8.31).
    pub fn of_code(code: &str) -> Self {
        let first = code.split(';').next().unwrap_or_default();
        let plain = plain_letters(first);
        if plain.chars().any(|letter| matches!(letter.to_ascii_lowercase(), 'y' | 'd' | 'h' | 's' | 'm'))
            && !plain.contains(['#', '0', 'E', '?'])
        {
            return Self::Date(pieces(first));
        }
        let pattern = first.replace(['\\', '"'], "");
        let is_pattern =
            pattern.starts_with('0') && pattern.chars().all(|letter| matches!(letter, '0' | '#' | ' ' | '-'));
        if is_pattern && pattern.len() > 1 { Self::Digits(pattern) } else { Self::General }
    }

    /// The number as a cell of this format shows it. `is_1904`: days are counted from 1904, as on old Macs.
    pub fn show(&self, number: f64, is_1904: bool) -> String {
        match self {
            Self::General => general(number),
            Self::Digits(pattern) => digits(pattern, number),
            Self::Date(code) => {
                Moment::of(number, is_1904).map_or_else(|| general(number), |at| at.show(code))
            }
        }
    }
}

/// A number that is packed into 30 bits ([MS-XLS] 2.5.217).
pub(super) fn rk(packed: u32) -> f64 {
    let number = if packed & 2 == 0 {
        f64::from_bits(u64::from(packed & 0xffff_fffc) << 32)
    } else {
        f64::from(packed.cast_signed() >> 2)
    };
    if packed & 1 == 0 { number } else { number / 100.0 }
}

/// A format's code without what is quoted, escaped or in brackets.
fn plain_letters(code: &str) -> String {
    let mut plain = String::new();
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => letters.by_ref().take_while(|&letter| letter != '"').for_each(drop),
            // Colours and countries; elapsed hours, minutes and seconds are times.
            '[' => {
                let inside: String = letters.by_ref().take_while(|&letter| letter != ']').collect();
                if !inside.is_empty() && inside.chars().all(|letter| matches!(letter, 'h' | 'm' | 's')) {
                    plain.push_str(&inside);
                }
            }
            '\\' | '_' | '*' => drop(letters.next()),
            other => plain.push(other),
        }
    }
    // "General" has letters that dates have.
    plain.replace("General", "").replace("Standard", "")
}

/// Fifteen digits, as spreadsheets show: 0.1 + 0.2 is 0.3.
fn general(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded}")
}

fn digits(pattern: &str, number: f64) -> String {
    let mut left: Vec<char> = format!("{:.0}", number.abs()).chars().collect();
    let mut shown = Vec::new();
    for letter in pattern.chars().rev() {
        match letter {
            '0' => shown.push(left.pop().unwrap_or('0')),
            '#' => shown.extend(left.pop()),
            other => shown.push(other),
        }
    }
    shown.extend(left.into_iter().rev());
    shown.into_iter().rev().collect()
}

/// A piece of a date as a format has it; lengths are counts of letters, as in `mmm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    HalfDay,
}

/// The pieces of a date's format (ECMA-376-1 §18.8.31).
fn pieces(code: &str) -> Vec<Piece> {
    let mut letters = code.chars().peekable();
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some(letter) = letters.next() {
        let piece = match letter.to_ascii_lowercase() {
            'a' if letters.peek().is_some_and(|next| matches!(next, 'M' | 'm' | '/')) => {
                // `AM/PM` or `A/P`.
                while letters
                    .next_if(|next| matches!(next, 'M' | 'm' | 'A' | 'a' | 'P' | 'p' | '/'))
                    .is_some()
                {}
                Piece::HalfDay
            }
            field @ ('y' | 'm' | 'd' | 'h' | 's') => {
                let mut length = 1;
                while letters.next_if(|next| next.eq_ignore_ascii_case(&field)).is_some() {
                    length += 1;
                }
                match field {
                    'y' => Piece::Year(length),
                    'm' => Piece::Month(length),
                    'd' => Piece::Day(length),
                    'h' => Piece::Hour(length),
                    _ => Piece::Second(length),
                }
            }
            '"' => Piece::Text(letters.by_ref().take_while(|&letter| letter != '"').collect()),
            // Elapsed hours, minutes and seconds are shown as others; colours and countries are not.
            '[' if letters.peek().is_some_and(|next| matches!(next, 'h' | 'm' | 's')) => continue,
            '[' => {
                letters.by_ref().take_while(|&letter| letter != ']').for_each(drop);
                continue;
            }
            ']' | '@' => continue,
            '\\' => Piece::Text(letters.next().map(String::from).unwrap_or_default()),
            '_' | '*' => {
                letters.next();
                continue;
            }
            _ => Piece::Text(letter.to_string()),
        };
        pieces.push(piece);
    }
    tell_minutes(&mut pieces);
    pieces
}

/// `m` after hours or before seconds are minutes.
fn tell_minutes(pieces: &mut [Piece]) {
    let fields: Vec<usize> = (0..pieces.len())
        .filter(|&index| pieces.get(index).is_some_and(|piece| !matches!(piece, Piece::Text(_))))
        .collect();
    for (at, &index) in fields.iter().enumerate() {
        let piece_at =
            |at: Option<usize>| at.and_then(|at| fields.get(at)).and_then(|&index| pieces.get(index));
        let is_minute = matches!(piece_at(at.checked_sub(1)), Some(Piece::Hour(_)))
            || matches!(piece_at(at.checked_add(1)), Some(Piece::Second(_)));
        if let Some(piece) = pieces.get_mut(index).filter(|_| is_minute)
            && let Piece::Month(length @ (1 | 2)) = *piece
        {
            *piece = Piece::Minute(length);
        }
    }
}

/// A moment in the calendar.
struct Moment {
    year: i64,
    month: usize,
    day: i64,
    /// The day of the week, Monday being 0.
    weekday: usize,
    seconds: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Moment {
    /// From a count of days; none outside the years that spreadsheets know.
    fn of(serial: f64, is_1904: bool) -> Option<Self> {
        if !(0.0..2_958_466.0).contains(&serial) {
            return None;
        }
        // In range: checked above.
        let seconds = (serial * 86_400.0).round() as i64;
        let mut days = seconds / 86_400;
        // 1900 is a leap year for spreadsheets: the days before its 1 March are counted one too low otherwise.
        days += if is_1904 { 1462 } else { i64::from(days < 60) };
        // Days since 1970, then the calendar (Hinnant, "chrono-compatible low-level date algorithms").
        let since_1970 = days - 25_569;
        let shifted = since_1970 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Some(Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).ok()?,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            weekday: usize::try_from((since_1970 + 3).rem_euclid(7)).ok()?,
            seconds: seconds.rem_euclid(86_400),
        })
    }

    fn show(&self, pieces: &[Piece]) -> String {
        let mut shown = String::with_capacity(16);
        let is_half_day = pieces.contains(&Piece::HalfDay);
        for piece in pieces {
            self.show_piece(piece, is_half_day, &mut shown);
        }
        shown
    }

    fn show_piece(&self, piece: &Piece, is_half_day: bool, shown: &mut String) {
        let hours = self.seconds / 3_600;
        let month = MONTHS.get(self.month.saturating_sub(1)).copied().unwrap_or_default();
        let weekday = WEEKDAYS.get(self.weekday).copied().unwrap_or_default();
        let (number, width) = match *piece {
            Piece::Text(ref text) => return shown.push_str(text),
            Piece::HalfDay => return shown.push_str(if self.seconds < 43_200 { "AM" } else { "PM" }),
            Piece::Year(length) => (if length > 2 { self.year } else { self.year % 100 }, 2),
            Piece::Month(3) => return shown.push_str(short(month)),
            Piece::Month(4..) => return shown.push_str(month),
            Piece::Month(length) => (i64::try_from(self.month).unwrap_or(0), length),
            Piece::Day(3) => return shown.push_str(short(weekday)),
            Piece::Day(4..) => return shown.push_str(weekday),
            Piece::Day(length) => (self.day, length),
            Piece::Hour(length) => (if is_half_day { (hours + 11) % 12 + 1 } else { hours }, length.min(2)),
            Piece::Minute(length) => (self.seconds / 60 % 60, length),
            Piece::Second(length) => (self.seconds % 60, length.min(2)),
        };
        // Writing into a string cannot fail.
        let _ = write!(shown, "{number:0width$}");
    }
}

fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_shown_as_their_cells_show_them() {
        let cases = [
            ("dd/mm/yyyy", 39_814.0, "01/01/2009"),
            ("d mmmm yyyy", 40_237.0, "28 February 2010"),
            ("[$-809]dddd, d mmm yy;@", 40_238.0, "Monday, 1 Mar 10"),
            ("yyyy-mm-dd hh:mm:ss", 40_238.75, "2010-03-01 18:00:00"),
            ("h:mm AM/PM", 0.75, "6:00 PM"),
            ("dd\\.mm\\.yy", 61.0, "01.03.00"),
            ("mm:ss", 0.000_694_5, "01:00"),
        ];
        for (code, serial, expected) in cases {
            let format = NumberFormat::of_code(code);
            assert_eq!(format.show(serial, false), expected, "{code}");
        }
        assert_eq!(NumberFormat::built_in(14).show(0.0, true), "01/01/1904");
    }

    #[test]
    fn numbers_are_shown_with_their_zeros_and_without_noise() {
        assert_eq!(NumberFormat::General.show(0.1 + 0.2, false), "0.3");
        assert_eq!(NumberFormat::General.show(9_434_765_919.0, false), "9434765919");
        assert_eq!(NumberFormat::of_code("00000\\ 000000").show(7_700_900_123.0, false), "07700 900123");
        assert_eq!(NumberFormat::of_code("0.00").show(1.5, false), "1.5");
        assert_eq!(NumberFormat::of_code("[Red]General"), NumberFormat::General);
        assert_eq!(NumberFormat::of_code("#,##0.00\" days\""), NumberFormat::General);
    }
}
