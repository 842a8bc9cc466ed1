//! What a file's name says against its content. Never opens the file.

use crate::verdict::{Fact, Kind, KindGroup};

/// The facts about a file that its name and its kind give together; ordered.
pub fn facts_of_name(name: &str, kind: Kind) -> Vec<Fact> {
    let mut facts = Vec::new();
    if hides_kind(name) {
        facts.push(Fact::NameHidesKind);
    }
    if is_wrong(&ending(name), kind) {
        facts.push(Fact::WrongEnding);
    }
    facts
}

/// Endings that make a computer run what is in the file, or what the file points to.
const RUN: &[&str] = &[
    "exe",
    "com",
    "scr",
    "pif",
    "bat",
    "cmd",
    "msi",
    "msp",
    "mst",
    "dll",
    "cpl",
    "ocx",
    "sys",
    "lnk",
    "url",
    "hta",
    "js",
    "jse",
    "vbs",
    "vbe",
    "wsf",
    "wsh",
    "wsc",
    "sct",
    "ps1",
    "psm1",
    "psd1",
    "jar",
    "apk",
    "app",
    "dmg",
    "pkg",
    "deb",
    "rpm",
    "sh",
    "command",
    "chm",
    "hlp",
    "reg",
    "inf",
    "scf",
    "msc",
    "gadget",
    "application",
    "appref-ms",
    "appx",
    "msix",
    "xll",
    "iso",
    "img",
    "vhd",
    "vhdx",
    "library-ms",
    "search-ms",
    "settingcontent-ms",
    "diagcab",
    "ppkg",
    "pyw",
    "ade",
    "adp",
];

/// How many blanks in a row push an ending out of sight.
const MANY_BLANKS: usize = 8;

/// Whether the name is made so that people take the file for another kind.
fn hides_kind(name: &str) -> bool {
    let shown = name.trim_end_matches(is_blank_or_dot);
    let ending = ending(shown);
    let stem = shown.get(..shown.len() - ending.len()).unwrap_or(shown).trim_end_matches(is_blank_or_dot);
    let runs = RUN.contains(&ending.as_str()) || is_class(&ending);
    name.contains(turns) || name.contains(|letter: char| letter.is_control() && letter != '\t')
        // Windows forgets dots and spaces at the end: `letter.exe.` is run.
        || runs && shown.len() < name.len()
        || runs && is_of_document(stem)
        || has_gap(shown) && !ending.is_empty()
        || is_class(&ending)
}

/// Whether the stem ends as a document, picture or archive does: `letter.pdf` of `letter.pdf.exe`.
fn is_of_document(stem: &str) -> bool {
    let inner = ending(stem);
    let belongs = belongs(&inner);
    belongs.is_some_and(|kinds| !kinds.is_empty()) && !RUN.contains(&inner.as_str())
}

/// Letters that turn the direction of writing, so that `\u{202e}fdp.exe` is shown as `exe.pdf`. The isolates that phones
/// write around names and numbers (U+2066, U+2068) and marks (U+200E, U+200F) turn nothing in an English name.
const fn turns(letter: char) -> bool {
    matches!(letter, '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2067}')
}

fn is_blank_or_dot(letter: char) -> bool {
    letter == '.' || is_blank(letter)
}

/// White space, and letters that look like it.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{3164}' | '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{ffa0}')
}

fn has_gap(name: &str) -> bool {
    let mut run = 0;
    name.chars().any(|letter| {
        run = if is_blank(letter) { run + 1 } else { 0 };
        run >= MANY_BLANKS
    })
}

/// A class of Windows' registry in place of an ending, which Explorer does not show.
fn is_class(ending: &str) -> bool {
    ending.len() == 38 && ending.starts_with('{') && ending.ends_with('}')
}

/// What stands after the name's last dot, in lower case and without blanks; empty where there is no such thing.
fn ending(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => ending.trim_matches(is_blank).to_lowercase(),
        _ => String::new(),
    }
}

/// Whether the ending belongs to other kinds than this. An ending that is not known says nothing, and an unknown kind
/// belongs everywhere.
fn is_wrong(ending: &str, kind: Kind) -> bool {
    if kind == Kind::Unknown {
        return false;
    }
    let Some(kinds) = belongs(ending) else { return false };
    if kinds.is_empty() || kinds.contains(&kind) {
        return false;
    }
    // Phones, browsers and messengers save pictures, sound and film under one another's names, and every program shows
    // them all the same. SVG is no such picture: it may run scripts.
    let media = |kind: Kind| match kind.group() {
        KindGroup::Image if kind != Kind::Svg => Some(KindGroup::Image),
        KindGroup::Audio | KindGroup::Video => Some(KindGroup::Video),
        _ => None,
    };
    let first = kinds.first().and_then(|first| media(*first));
    first.is_none() || first != media(kind)
}

/// The kind that a name's ending stands for first; none for an ending that is not known or tells nothing.
pub(crate) fn kind_of_name(name: &str) -> Option<Kind> {
    belongs(&ending(name))?.first().copied()
}

/// The kinds that an ending stands for, those included that people really put under it; none for an ending that is not
/// known. An empty list: whatever it is, it is no surprise.
fn belongs(ending: &str) -> Option<&'static [Kind]> {
    ENDINGS.iter().find(|(endings, _)| endings.split(' ').any(|one| one == ending)).map(|(_, kinds)| *kinds)
}

/// Word opens what is RTF, a page or its XML under `.doc` without a word, and MIS and web programs write reports so.
/// Excel does the same under `.xls`, though it asks. Under the new endings neither is opened, so there it is wrong.
/// `zip` and `office` stand beside packages and compound files: a damaged or encrypted one is no more than that.
const ENDINGS: &[(&str, &[Kind])] = &[
    ("dat bin tmp bak old part data", &[]),
    ("pdf", &[Kind::Pdf]),
    (
        "doc dot",
        &[Kind::Doc, Kind::Office, Kind::Rtf, Kind::Html, Kind::Xml, Kind::Docx, Kind::Text, Kind::Eml],
    ),
    ("docx dotx", &[Kind::Docx, Kind::Office, Kind::Zip]),
    ("docm dotm", &[Kind::Docm, Kind::Docx, Kind::Office, Kind::Zip]),
    (
        "xls xlt",
        &[Kind::Xls, Kind::Office, Kind::Csv, Kind::Text, Kind::Html, Kind::Xml, Kind::Xlsx, Kind::Eml],
    ),
    ("xlsx xltx", &[Kind::Xlsx, Kind::Office, Kind::Zip]),
    ("xlsm xltm xlam", &[Kind::Xlsm, Kind::Xlsx, Kind::Office, Kind::Zip]),
    ("xlsb", &[Kind::Xlsb, Kind::Office, Kind::Zip]),
    ("ppt pot pps", &[Kind::Ppt, Kind::Office, Kind::Pptx]),
    ("pptx potx ppsx", &[Kind::Pptx, Kind::Office, Kind::Zip]),
    ("pptm potm ppsm", &[Kind::Pptm, Kind::Pptx, Kind::Office, Kind::Zip]),
    ("pub", &[Kind::Publisher, Kind::Office, Kind::Key]),
    ("vsd", &[Kind::Visio, Kind::Office]),
    ("vsdx", &[Kind::Visio, Kind::Office, Kind::Zip]),
    ("one onetoc2", &[Kind::OneNote]),
    ("onepkg", &[Kind::OneNote, Kind::Cab]),
    ("odt ott", &[Kind::Odt, Kind::Zip]),
    ("ods ots", &[Kind::Ods, Kind::Zip]),
    ("odp otp", &[Kind::Odp, Kind::Zip]),
    ("odg odf odb", &[Kind::OpenDocument, Kind::Zip]),
    ("epub", &[Kind::Epub, Kind::Zip]),
    ("rtf", &[Kind::Rtf]),
    ("ps eps ai", &[Kind::PostScript, Kind::Pdf]),
    (
        "txt text log md asc",
        &[
            Kind::Text,
            Kind::Csv,
            Kind::Json,
            Kind::Xml,
            Kind::Html,
            Kind::Eml,
            Kind::Mbox,
            Kind::Calendar,
            Kind::Vcard,
            Kind::Pgp,
            Kind::Key,
            Kind::Cms,
        ],
    ),
    ("csv tsv tab", &[Kind::Csv, Kind::Text]),
    ("htm html xhtml shtml", &[Kind::Html, Kind::Xml, Kind::Text]),
    ("mht mhtml", &[Kind::Eml, Kind::Html]),
    ("xml", &[Kind::Xml, Kind::Html, Kind::Svg, Kind::Text]),
    ("json", &[Kind::Json, Kind::Text]),
    ("eml", &[Kind::Eml, Kind::Mbox, Kind::Text]),
    ("mbox", &[Kind::Mbox, Kind::Eml, Kind::Text]),
    ("msg oft", &[Kind::Msg, Kind::Office]),
    ("pst ost", &[Kind::Pst]),
    ("ics ical vcs", &[Kind::Calendar, Kind::Text]),
    ("vcf", &[Kind::Vcard, Kind::Text]),
    ("zip", &[Kind::Zip]),
    ("7z", &[Kind::SevenZip]),
    ("rar", &[Kind::Rar]),
    ("tar", &[Kind::Tar]),
    ("gz tgz", &[Kind::Gzip]),
    ("bz2 tbz tbz2", &[Kind::Bzip2]),
    ("xz txz", &[Kind::Xz]),
    ("zst", &[Kind::Zstd]),
    ("cab", &[Kind::Cab]),
    ("iso img", &[Kind::Iso]),
    ("jpg jpeg jpe jfif", &[Kind::Jpeg]),
    ("png", &[Kind::Png]),
    ("gif", &[Kind::Gif]),
    ("webp", &[Kind::Webp]),
    ("tif tiff", &[Kind::Tiff]),
    ("bmp", &[Kind::Bmp]),
    ("heic heif avif", &[Kind::Heif]),
    ("ico emf wmf psd jp2 jxl", &[Kind::Image]),
    ("svg", &[Kind::Svg, Kind::Xml]),
    ("mp3", &[Kind::Mp3]),
    ("m4a m4b", &[Kind::M4a]),
    ("wav", &[Kind::Wav]),
    ("flac", &[Kind::Flac]),
    ("ogg oga opus", &[Kind::Ogg]),
    ("wma", &[Kind::Wmv]),
    ("aac amr mid midi aif aiff", &[Kind::Audio]),
    ("mp4 m4v 3gp", &[Kind::Mp4]),
    ("mov qt", &[Kind::Mov]),
    ("avi", &[Kind::Avi]),
    ("mkv webm", &[Kind::Mkv]),
    ("wmv asf", &[Kind::Wmv]),
    ("flv mpg mpeg", &[Kind::Video]),
    ("exe scr dll cpl ocx sys xll", &[Kind::Pe, Kind::Dos]),
    ("com", &[Kind::Dos, Kind::Pe]),
    ("msi msp", &[Kind::Msi, Kind::Office]),
    ("jar", &[Kind::Jar, Kind::Zip]),
    ("apk", &[Kind::Apk, Kind::Jar, Kind::Zip]),
    ("lnk", &[Kind::Shortcut]),
    ("url", &[Kind::UrlShortcut]),
    ("chm", &[Kind::Chm]),
    ("bat cmd ps1 vbs vbe js jse wsf hta sh", &[Kind::Script, Kind::Text, Kind::Html, Kind::Xml]),
    ("db sqlite sqlite3", &[Kind::Sqlite]),
    ("mdb accdb", &[Kind::Access]),
    ("pgp gpg", &[Kind::Pgp]),
    ("p7m p7s p7c p7b", &[Kind::Cms, Kind::Eml, Kind::Pgp]),
    ("ttf otf woff woff2", &[Kind::Font]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hide_are_told_from_names_that_do_not() {
        let hiding = [
            "letter.pdf.exe",
            "letter.pdf .scr",
            "Report.DOCX.js",
            "photo.jpg.lnk",
            "photo\u{202e}gpj.exe",
            "letter.pdf                    .exe",
            "letter                              .docx",
            "setup.exe.",
            "letter.pdf.exe. .",
            "letter\u{0}.pdf",
            "letter.{00020900-0000-0000-c000-000000000046}",
        ];
        for name in hiding {
            assert!(facts_of_name(name, Kind::Unknown).contains(&Fact::NameHidesKind), "{name:?}");
        }
        let honest = [
            "letter.pdf",
            "setup.exe",
            "Setup 2.1.exe",
            "jquery.min.js",
            "letters.tar.gz",
            "Letter from Mr. Smith.",
            "Trip  letter .docx",
            "WhatsApp Chat with \u{2068}Anna\u{2069}.txt",
            "\u{200e}Photo.jpg",
            ".exe",
            "letter",
            "www.oakfield.example.html",
        ];
        for name in honest {
            assert!(!facts_of_name(name, Kind::Unknown).contains(&Fact::NameHidesKind), "{name:?}");
        }
    }

    #[test]
    fn wrong_endings_are_told_and_those_of_every_day_are_not() {
        let wrong = [
            ("letter.pdf", Kind::Pe),
            ("letter.pdf", Kind::Docx),
            ("letter.docx", Kind::Docm),
            ("letter.docx", Kind::Rtf),
            ("photo.jpg", Kind::Svg),
            ("photo.jpg", Kind::Zip),
            ("letter.txt", Kind::Script),
            ("letter.zip", Kind::Rar),
            ("sums.csv", Kind::Xlsx),
            ("setup.exe", Kind::Pdf),
        ];
        for (name, kind) in wrong {
            assert_eq!(facts_of_name(name, kind), [Fact::WrongEnding], "{name} {kind}");
        }
        let right = [
            ("letter.pdf", Kind::Pdf),
            ("LETTER.PDF", Kind::Pdf),
            ("letter.pdf", Kind::Unknown),
            ("page.htm", Kind::Html),
            ("photo.jpeg", Kind::Jpeg),
            ("photo.jpg", Kind::Webp),
            ("clip.mp4", Kind::Mov),
            ("letter.doc", Kind::Rtf),
            ("letter.doc", Kind::Html),
            ("report.xls", Kind::Csv),
            ("report.xls", Kind::Html),
            ("sealed.docx", Kind::Office),
            ("winmail.dat", Kind::Tnef),
            ("letters.tar.gz", Kind::Gzip),
            ("setup.xyz", Kind::Pe),
            ("letter", Kind::Docx),
            ("1. Letter", Kind::Docx),
        ];
        for (name, kind) in right {
            assert_eq!(facts_of_name(name, kind), [], "{name} {kind}");
        }
    }

    #[test]
    fn every_ending_stands_in_one_row() {
        let mut all: Vec<&str> = ENDINGS.iter().flat_map(|(endings, _)| endings.split(' ')).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
