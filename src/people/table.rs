//! An export as a table: bytes to text to rows, each with the line where it begins. Knows nothing of people.

use csv::{ReaderBuilder, StringRecord, StringRecordsIntoIter};

use super::fault::What;
use super::mapping::{Encoding, Separator};

/// Largest export. 50,000 people with all that a management system tells of them stay below.
const FILE_BYTES: usize = 128 << 20;

/// Where a fault stands: line, and field number where it is about one.
pub(super) type Misfit = (usize, Option<usize>, What);

/// The text of an export.
pub(super) fn decode(bytes: &[u8], declared: Encoding) -> Result<String, Misfit> {
    if bytes.len() > FILE_BYTES {
        return Err((1, None, What::TooLarge(FILE_BYTES)));
    }
    match bytes {
        [0xEF, 0xBB, 0xBF, text @ ..] => utf8(text),
        // "Unicode text" of spreadsheets.
        [0xFF, 0xFE, text @ ..] => wide(text, encoding_rs::UTF_16LE),
        [0xFE, 0xFF, text @ ..] => wide(text, encoding_rs::UTF_16BE),
        _ => match declared {
            Encoding::Utf8 => utf8(bytes),
            Encoding::Windows1252 => windows(bytes),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Misfit> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let good = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            Err((line_of_end(&good), None, What::NotUtf8))
        }
    }
}

fn wide(bytes: &[u8], encoding: &'static encoding_rs::Encoding) -> Result<String, Misfit> {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    match (damaged, text.find('\u{FFFD}')) {
        (true, at) => {
            let good = text.get(..at.unwrap_or_default()).unwrap_or_default();
            Err((line_of_end(good), None, What::NotUtf8))
        }
        (false, _) => Ok(text.into_owned()),
    }
}

fn windows(bytes: &[u8]) -> Result<String, Misfit> {
    // No text that anybody writes in Windows-1252 is by chance also UTF-8 with letters beyond ASCII.
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
        return Err((1, None, What::IsUtf8));
    }
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
    // The five bytes that Windows-1252 gives no meaning are decoded as C1 controls.
    match text.find(|letter: char| ('\u{80}'..='\u{9F}').contains(&letter)) {
        Some(at) => Err((line_of_end(text.get(..at).unwrap_or_default()), None, What::NotWindows)),
        None => Ok(text.into_owned()),
    }
}

fn line_of_end(text: &str) -> usize {
    let mut lines = Lines::new(text);
    lines.line_at(text.len())
}

/// The rows of a text, the first of them its headings.
pub(super) struct Table<'t> {
    pub(super) headings: StringRecord,
    /// The line of the headings.
    pub(super) line: usize,
    rows: StringRecordsIntoIter<&'t [u8]>,
    lines: Lines<'t>,
}

/// A row with as many fields as there are headings.
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) fields: StringRecord,
}

impl<'t> Table<'t> {
    pub(super) fn open(text: &'t str, separator: Option<Separator>) -> Result<Self, Misfit> {
        let first = text.trim_start().lines().next().unwrap_or_default();
        let mut likely = Separator::ALL;
        likely.sort_by_key(|separator| {
            std::cmp::Reverse(first.bytes().filter(|byte| *byte == separator.byte()).count())
        });
        let separator = separator.or(likely.first().copied()).unwrap_or(Separator::Comma);
        let reader = ReaderBuilder::new()
            .delimiter(separator.byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut lines = Lines::new(text);
        let mut rows = reader.into_records();
        let headings = rows.next().and_then(Result::ok).ok_or((1, None, What::NoHeadings))?;
        let line = lines.line_of(&headings);
        Ok(Self { headings, line, rows, lines })
    }

    fn fit(&self, line: usize, fields: StringRecord) -> Result<Row, Misfit> {
        let wanted = self.headings.len();
        let beyond = fields.iter().skip(wanted).any(|field| !field.trim().is_empty());
        if fields.len() < wanted || beyond {
            return Err((line, None, What::RowLength { found: fields.len(), headings: wanted }));
        }
        Ok(Row { line, fields })
    }
}

impl Iterator for Table<'_> {
    type Item = Result<Row, Misfit>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // The text is UTF-8 and rows may have any length: the reader has nothing to refuse.
            let fields = self.rows.next()?.ok()?;
            let line = self.lines.line_of(&fields);
            // Spreadsheets leave rows of separators alone at the end.
            if fields.iter().any(|field| !field.trim().is_empty()) {
                return Some(self.fit(line, fields));
            }
        }
    }
}

/// Counts lines up to places that only go forward. A line ends as Windows, Unix or old Macs end it.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    const fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0, line: 1 }
    }

    /// The line of a row: the reader puts its beginning before the blank lines that it skips.
    fn line_of(&mut self, row: &StringRecord) -> usize {
        let start = row.position().map_or(0, |position| position.byte());
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.text.get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line_at(start + blank)
    }

    fn line_at(&mut self, end: usize) -> usize {
        let passed = self.text.get(self.at..end).unwrap_or_default();
        for (index, byte) in passed.iter().enumerate() {
            let next = self.text.get(self.at + index + 1);
            self.line += usize::from(*byte == b'\n' || (*byte == b'\r' && next != Some(&b'\n')));
        }
        self.at = self.at.max(end);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_an_editor_shows() {
        let text = "a;b\r\n\r\n1;\"x\ny\"\r\n;\r\n2;3\n\n4;5;\n6\n7;8;9";
        let table = Table::open(text, None).map_err(|(_, _, what)| what).unwrap();
        assert_eq!((table.line, table.headings.len()), (1, 2));
        let found: Vec<(usize, bool)> = table
            .map(|row| match row {
                Ok(row) => (row.line, true),
                Err((line, _, what)) => (line, !matches!(what, What::RowLength { .. })),
            })
            .collect();
        assert_eq!(found, [(3, true), (6, true), (8, true), (9, false), (10, false)]);
    }

    #[test]
    fn encodings_are_read_or_refused_at_their_line() {
        let line = |bytes: &[u8], encoding| decode(bytes, encoding).map_err(|(line, _, what)| (line, what));
        let text = |bytes: &[u8], encoding| line(bytes, encoding).unwrap();
        assert_eq!(text(b"\xEF\xBB\xBFZo\xC3\xAB", Encoding::Windows1252), "Zoë");
        assert_eq!(text(b"Zo\xEB \x92", Encoding::Windows1252), "Zoë ’");
        assert_eq!(text(b"\xFF\xFEZ\0\xEB\0", Encoding::Utf8), "Zë");
        assert_eq!(line(b"a\nb\nZo\xEB", Encoding::Utf8), Err((3, What::NotUtf8)));
        assert_eq!(line(b"a\r\xEB\x81", Encoding::Windows1252), Err((2, What::NotWindows)));
        assert_eq!(line("a\nZoë".as_bytes(), Encoding::Windows1252), Err((1, What::IsUtf8)));
        assert_eq!(line(b"\xFE\xFF\0a\0\n\xD8\0\0a", Encoding::Utf8), Err((2, What::NotUtf8)));
    }
}
