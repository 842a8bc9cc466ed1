//! Dates as management systems and spreadsheets write them, the day before the month. Never guesses at anything else.

use jiff::civil::Date;

const FORMS: [&str; 8] =
    ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d/%m/%y"];

/// Reads a date, with or without a time of day behind it.
pub(super) fn date(text: &str) -> Option<Date> {
    let text = match text.rsplit_once([' ', 'T']) {
        Some((date, time)) if time.contains(':') => date.trim_end(),
        _ => text,
    };
    // A year of two digits is no year of the Romans'.
    let plausible = |date: &Date| (1900..2200).contains(&date.year());
    FORMS.iter().find_map(|form| Date::strptime(form, text).ok().filter(plausible))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_is_written_in_the_uk() {
        for text in [
            "2026-03-02",
            "02/03/2026",
            "2/3/2026",
            "02-03-2026",
            "02.03.2026",
            "02 Mar 2026",
            "2-Mar-2026",
            "2 March 2026",
            "02/03/26",
            "02/03/2026 00:00:00",
            "2026-03-02T00:00:00",
        ] {
            assert_eq!(date(text), Some(jiff::civil::date(2026, 3, 2)), "{text}");
        }
        for text in ["", "03/24/2026", "yesterday", "31/02/2026", "46083"] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
