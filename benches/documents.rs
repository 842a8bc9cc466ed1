//! What it costs to read a document of 1 MB in a worker, beside reading it here; and that text costs no worker.
//!
//! `cargo bench --bench documents`; what the pool takes is the difference of the medians.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench may panic: that is how it fails"
)]

use std::fmt::Write as _;
use std::io::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use mailwarden::extract::Extraction;
use mailwarden::extract::document::{InProcess, Inspector};
use mailwarden::limits::Limits;
use mailwarden::message::Message;
use mailwarden::worker::{Deaths, Pool, Settings};

fn main() {
    divan::main();
}

#[divan::bench]
fn docx_here(bencher: Bencher<'_, '_>) {
    here(bencher, "letter.docx", &docx());
}

#[divan::bench]
fn docx_in_a_worker(bencher: Bencher<'_, '_>) {
    in_a_worker(bencher, "letter.docx", &docx());
}

#[divan::bench]
fn pdf_here(bencher: Bencher<'_, '_>) {
    here(bencher, "letter.pdf", &pdf());
}

#[divan::bench]
fn pdf_in_a_worker(bencher: Bencher<'_, '_>) {
    in_a_worker(bencher, "letter.pdf", &pdf());
}

/// What every message pays: whether it has documents is asked, and no worker is started.
#[divan::bench]
fn message_without_documents(bencher: Bencher<'_, '_>) {
    let raw = format!("Subject: Minutes of Tuesday\r\nContent-Type: text/plain\r\n\r\n{}", prose(2_000));
    let pool = pool();
    bencher.counter(BytesCount::of_str(&raw)).bench_local(|| {
        let message = Message::parse(raw.as_bytes(), pool.limits());
        assert!(!mailwarden::extract::wants_inspector(&message));
        Extraction::read(&message, pool.limits(), &pool)
    });
    assert_eq!(pool.status().started, 0);
}

fn here(bencher: Bencher<'_, '_>, name: &str, bytes: &[u8]) {
    let limits = Limits::default();
    bencher
        .counter(BytesCount::of_slice(bytes))
        .bench_local(|| InProcess(&limits).inspect(Some(name), bytes));
}

fn in_a_worker(bencher: Bencher<'_, '_>, name: &str, bytes: &[u8]) {
    let pool = pool();
    pool.start().expect("workers start");
    assert_eq!(pool.inspect(Some(name), bytes), InProcess(pool.limits()).inspect(Some(name), bytes));
    bencher.counter(BytesCount::of_slice(bytes)).bench_local(|| pool.inspect(Some(name), bytes));
    assert_eq!(pool.status().died, Deaths::default());
}

fn pool() -> Pool {
    let program = env!("CARGO_BIN_EXE_mailwarden").into();
    Pool::new(Settings { program, ..Settings::own(Limits::default()) })
}

/// English prose of about so many bytes, no two lines alike.
fn prose(bytes: usize) -> String {
    let mut text = String::new();
    for line in 0.. {
        if text.len() >= bytes {
            break;
        }
        let _ = writeln!(
            text,
            "In line {line} of the minutes the governors thank the staff of year {}.",
            line % 13
        );
    }
    text
}

/// Bytes that don't compress, as pictures.
fn picture(bytes: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| noise()).collect()
}

/// A Word document of about 1 MB: 400 kB of text and a picture.
fn docx() -> Vec<u8> {
    let paragraphs: String = prose(400_000)
        .lines()
        .map(|line| format!("<w:p><w:pPr><w:jc w:val=\"both\"/></w:pPr><w:r><w:t>{line}</w:t></w:r></w:p>"))
        .collect();
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{paragraphs}</w:body></w:document>"
    );
    let types = "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Override PartName=\"/word/document.xml\" ContentType=\
        \"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let relations = "<?xml version=\"1.0\"?>\
        <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
        Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
        Target=\"word/document.xml\"/></Relationships>";
    zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", document.as_bytes()),
        ("word/media/image1.png", &picture(960_000)),
    ])
}

/// A ZIP archive (APPNOTE.TXT 4.3) of deflated files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in files {
        let mut deflater = DeflateEncoder::new(Vec::new(), Compression::default());
        deflater.write_all(bytes).unwrap();
        let packed = deflater.finish().unwrap();
        let mut checksum = flate2::Crc::new();
        checksum.update(bytes);
        let numbers = |bytes: &mut Vec<u8>, numbers: &[u32]| {
            numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        };
        // Version 2.0, no flags, deflated; the time, then checksum, sizes and the length of the name.
        let sizes = [checksum.sum(), packed.len() as u32, bytes.len() as u32, name.len() as u32];
        let offset = archive.len() as u32;
        archive.extend(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\x21\x5c");
        numbers(&mut archive, &sizes);
        archive.extend(name.as_bytes());
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\x21\x5c");
        numbers(&mut directory, &sizes);
        numbers(&mut directory, &[0, 0]);
        directory.extend(&[0, 0]);
        numbers(&mut directory, &[offset]);
        directory.extend(name.as_bytes());
    }
    let (start, size, count) = (archive.len() as u32, directory.len() as u32, files.len() as u16);
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    archive.extend([0, 0]);
    archive
}

/// A PDF of about 1 MB: a hundred pages of text, and a picture.
fn pdf() -> Vec<u8> {
    let text = prose(400_000);
    let lines: Vec<&str> = text.lines().collect();
    let pages: Vec<&[&str]> = lines.chunks(lines.len().div_ceil(100)).collect();
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 5 + 2 * page)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {}/Kids[{kids}]>>", pages.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        stream(
            "/Type/XObject/Subtype/Image/Width 980/Height 980/BitsPerComponent 8/ColorSpace/DeviceGray",
            &picture(960_400),
        ),
    ];
    for (number, page) in pages.iter().enumerate() {
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
                 /Resources<</Font<</F1 3 0 R>>/XObject<</I1 4 0 R>>>>>>",
                6 + 2 * number
            )
            .into_bytes(),
        );
        let shown: String = page.iter().map(|line| format!("({line}) Tj T*\n")).collect();
        objects.push(stream("", format!("BT /F1 9 Tf 11 TL 50 800 Td\n{shown}ET").as_bytes()));
    }
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", number + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    let size = objects.len() + 1;
    let table: String = offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
    file.extend(format!("xref\n0 {size}\n0000000000 65535 f \n{table}").into_bytes());
    file.extend(format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    file
}

/// A compressed stream with that in its dictionary.
fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let mut deflater = ZlibEncoder::new(Vec::new(), Compression::default());
    deflater.write_all(bytes).unwrap();
    let packed = deflater.finish().unwrap();
    let mut object =
        format!("<<{dictionary}/Filter/FlateDecode/Length {}>>stream\n", packed.len()).into_bytes();
    object.extend(packed);
    object.extend(b"\nendstream");
    object
}
