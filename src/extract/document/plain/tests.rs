#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]
use crate::extract::document::{Inspection, inspect};
use crate::limits::Limits;
use crate::verdict::{Fact, Kind};

fn read(name: &str, bytes: &[u8]) -> Inspection {
    inspect(Some(name), bytes, &Limits::default(), &|| false)
}

#[test]
fn characters_are_told_by_mark_declaration_and_validity() {
    let wide: Vec<u8> =
        "Déjà vu, a letter that is long enough".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>); 7] = [
        ("g.html", "<html><meta charset=unicode><p>Déjà vu, a letter that is long enough".into()),
        ("a.txt", "Déjà vu, a letter that is long enough".into()),
        ("b.txt", b"D\xe9j\xe0 vu, a letter that is long enough".to_vec()),
        ("c.txt", [b"\xff\xfe".as_slice(), &wide].concat()),
        ("d.txt", [b"\xef\xbb\xbf", "Déjà vu, a letter that is long enough".as_bytes()].concat()),
        ("e.html", b"<html><meta charset=iso-8859-1><p>D\xe9j\xe0 vu, a letter that is long enough".to_vec()),
        (
            "f.xml",
            b"<?xml version='1.0' encoding='ISO-8859-1'?><a>D\xe9j\xe0 vu, a letter that is long enough</a>"
                .to_vec(),
        ),
    ];
    for (name, bytes) in cases {
        let inspection = read(name, &bytes);
        assert_eq!(inspection.text.trim(), "Déjà vu, a letter that is long enough", "{name}");
        assert_eq!(inspection.gaps, [], "{name}");
    }
}

#[test]
fn cells_are_located() {
    let table = "name,note\r\n\"Hart, Anna\",\"said \"\"no\"\"\r\nand left\"\r\nTom,ill\r\nSam,well\r\n";
    let inspection = read("pupils.csv", table.as_bytes());
    assert_eq!(inspection.text, "name\nnote\nHart, Anna\nsaid \"no\"\nand left\nTom\nill\nSam\nwell\n");
    let at = |word: &str| inspection.places.at(inspection.text.find(word).unwrap());
    assert_eq!(at("Hart").as_deref(), Some("cell A2"));
    assert_eq!(at("and left").as_deref(), Some("cell B2"));
    assert_eq!(at("Tom").as_deref(), Some("cell A3"));
    assert_eq!(at("well").as_deref(), Some("cell B4"));
}

#[test]
fn each_form_of_text_says_what_a_person_reads() {
    let cases = [
        (
            "a.json",
            r#"{"name":"Anna Hart","note":"a\nb\u00e9 \ud83d\ude00"}"#,
            "\"Anna Hart\",\"note\":\"a\nbé 😀\"",
        ),
        (
            "a.ics",
            "BEGIN:VCALENDAR\r\nSUMMARY:Meeting with An\r\n na Hart\\, 7B\r\n",
            "Meeting with Anna Hart, 7B",
        ),
        (
            "a.vcf",
            "BEGIN:VCARD\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:H=C3=A4rt;An=\r\nna\r\n",
            "Härt;Anna",
        ),
        (
            "a.xml",
            "<pupils><pupil name='Anna Hart'><!-- old --><![CDATA[7B]]></pupil></pupils>",
            "Anna Hart\n7B",
        ),
        ("a.svg", "<svg><style>x{}</style><text>Anna Hart</text></svg>", "Anna Hart"),
        (
            "a.html",
            "<html><title>Anna &amp; Tom</title><p>seen<p hidden>not seen",
            "Anna & Tom\nseen\nnot seen",
        ),
    ];
    for (name, text, wanted) in cases {
        let inspection = read(name, text.as_bytes());
        assert!(inspection.text.contains(wanted), "{name}: {:?}", inspection.text);
    }
    let page = read("a.html", b"<html><p>seen<p hidden>not seen");
    assert_eq!(page.places.at(page.text.find("not").unwrap()).as_deref(), Some("hidden text"));
}

#[test]
fn a_file_in_a_calendar_is_opened() {
    let text = "BEGIN:VCALENDAR\r\nATTACH;ENCODING=BASE64;X-FILENAME=\"note.txt\":QW5uYSBIYXJ0IGlzIGlsbA==\r\nEND:VCALENDAR\r\n";
    let inspection = read("a.ics", text.as_bytes());
    assert_eq!(inspection.items.get(1).and_then(|item| item.entry.as_deref()), Some("note.txt"));
    assert!(inspection.text.contains("Anna Hart is ill"));
}

/// A file as a literal of base64: what it begins with, then noise.
fn literal(beginning: &[u8]) -> String {
    let noise = (0..3_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 11) as u8);
    encoded(&beginning.iter().copied().chain(noise).collect::<Vec<u8>>())
}

fn encoded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits =
        bytes.chunks_exact(3).map(|three| three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)));
    bits.flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize])))
        .collect()
}

#[test]
fn smuggled_files_are_told_from_what_pages_carry() {
    let zip = literal(b"PK\x03\x04\x14\0\0\0\x08\0");
    let split: Vec<&str> = zip.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let filler = "<p>A long and honest page with words on it.</p>".repeat(400);
    let smuggling = [
        format!(
            "<script>var b=new Blob([atob('{zip}')]);a.href=URL.createObjectURL(b);a.download='x.zip';a.click()</script>"
        ),
        format!(
            "<script>var d=\"{}\";navigator.msSaveOrOpenBlob(new Blob([atob(d)]),'x.zip')</script>{filler}",
            split.join("\" +\n\"")
        ),
        format!("<a href=\"data:application/zip;base64,{zip}\" download=\"x.zip\">Invoice</a>{filler}"),
        format!(
            "<script>document.write(atob(\"{}\"))</script>",
            encoded("<html><body><form action=x>".repeat(40).as_bytes())
        ),
        format!(
            "<script>var k='{}';var u=new Uint8Array(k.length);x(atob(k));l=URL.createObjectURL(new Blob([u]));a.click()</script>",
            literal(b"\x01\x99").repeat(3)
        ),
    ];
    for page in smuggling {
        let inspection = read("invoice.html", format!("<html>{page}</html>").as_bytes());
        let start: String = page.chars().take(60).collect();
        assert!(inspection.items.first().unwrap().facts.contains(&Fact::ScriptPayload), "{start}");
    }
    let picture = literal(b"\x89PNG\r\n\x1a\n");
    let font = literal(b"wOF2\0\x01\0\0");
    let script = "!function(){var t=new Blob([r]);n.href=URL.createObjectURL(t);n.download=e;n.click();x=atob(s);el.innerHTML=y}();";
    let honest = [
        format!("<img src=\"data:image/png;base64,{picture}\"><script>{script}</script>"),
        format!(
            "<style>@font-face{{src:url(data:font/woff2;base64,{font})}}</style><script>{script}</script>"
        ),
        format!("<a href=\"data:image/png;base64,{picture}\" download=\"chart.png\">Save the chart</a>"),
        format!("<script>{script}</script>{filler}"),
        format!("<p>The zip in text: {zip}</p>"),
    ];
    for page in honest {
        let inspection = read("report.html", format!("<html>{page}</html>").as_bytes());
        let start: String = page.chars().take(60).collect();
        assert_eq!(inspection.items.first().unwrap().facts, [], "{start}");
    }
    let smuggled = read("x.html", format!("<html><script>document.write(atob('{zip}'))</script>").as_bytes());
    assert_eq!(smuggled.items.get(1).map(|item| item.kind), Some(Kind::Zip));
}
