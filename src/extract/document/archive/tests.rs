#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use crate::extract::document::{Inspection, inspect};
use crate::limits::Limits;
use crate::verdict::{Gap, Kind, KindGroup};

fn read(name: &str, bytes: &[u8], limits: &Limits) -> Inspection {
    inspect(Some(name), bytes, limits, &|| false)
}

fn gaps(inspection: &Inspection) -> BTreeSet<Gap> {
    inspection.gaps.iter().map(|(gap, _)| *gap).collect()
}

fn small() -> Limits {
    Limits {
        entry_bytes: 1 << 20,
        expanded_bytes: 4 << 20,
        expansion_free_bytes: 64 << 10,
        ..Limits::default()
    }
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive. Each entry of the directory: its name, and the index of the file that it points to.
fn zip(files: &[&[u8]], directory: &[(String, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places = Vec::new();
    for data in files {
        let (packed, sum) = (deflated(data), crc(data));
        places.push((out.len() as u32, packed.len() as u32, data.len() as u32, sum));
        out.extend_from_slice(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0");
        for number in [sum, packed.len() as u32, data.len() as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[1, 0, 0, 0, b'f']);
        out.extend_from_slice(&packed);
    }
    let start = out.len() as u32;
    for (name, index) in directory {
        let (at, packed, size, sum) = places[*index];
        out.extend_from_slice(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0");
        for number in [sum, packed, size] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0; 12]);
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(name.as_bytes());
    }
    let (count, size) = (directory.len().min(0xfffe) as u16, out.len() as u32 - start);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn crc(data: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(data);
    sum.sum()
}

fn one(name: &str, data: &[u8]) -> Vec<u8> {
    zip(&[data], &[(name.to_owned(), 0)])
}

#[test]
fn a_bomb_ends_with_a_gap() {
    let bomb = one("bomb.txt", &vec![0; 2 << 20]);
    let inspection = read("bomb.zip", &bomb, &small());
    assert_eq!(gaps(&inspection), [Gap::ExpandsTooMuch].into());
    assert_eq!(inspection.items.len(), 2);
    assert_eq!(inspection.text, "");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 2 << 20]).unwrap();
    assert_eq!(gaps(&read("bomb.gz", &encoder.finish().unwrap(), &small())), [Gap::ExpandsTooMuch].into());
}

#[test]
fn bombs_in_archives_share_the_room() {
    let inner = one("space.txt", &vec![b' '; 60 << 10]);
    let names: Vec<(String, usize)> = (0..500).map(|number| (format!("{number}.zip"), 0)).collect();
    // All entries lie on one another.
    let overlapping = zip(&[&inner], &names);
    let inspection = read("nested.zip", &overlapping, &small());
    assert!(gaps(&inspection).contains(&Gap::ExpandsTooMuch), "{:?}", gaps(&inspection));
    // 60 KiB each: the room of 4 MiB is over after some seventy.
    assert!(inspection.items.len() < 150, "{} items", inspection.items.len());
}

#[test]
fn an_archive_of_ten_thousand_entries_ends_with_a_gap() {
    let names: Vec<(String, usize)> = (0..10_001).map(|number| (format!("{number}.txt"), 0)).collect();
    let limits = Limits::default();
    let inspection = read("many.zip", &zip(&[b"a"], &names), &limits);
    assert_eq!(gaps(&inspection), [Gap::TooManyParts].into());
    assert_eq!(inspection.items.len(), limits.document_entries);
}

#[test]
fn a_deep_nest_ends_with_a_gap() {
    let limits = Limits::default();
    let zips = (0..100).fold(b"deep inside".to_vec(), |inner, depth| one(&format!("{depth}.zip"), &inner));
    let gzips = (0..100).fold(b"deep inside".to_vec(), |inner, _| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&inner).unwrap();
        encoder.finish().unwrap()
    });
    for (name, bytes) in [("nest.zip", zips), ("nest.gz", gzips)] {
        let inspection = read(name, &bytes, &limits);
        assert_eq!(gaps(&inspection), [Gap::TooDeep].into(), "{name}");
        assert_eq!(inspection.items.len(), limits.document_depth + 2, "{name}");
    }
}

#[test]
fn time_that_is_over_ends_with_a_gap() {
    let inspection = inspect(Some("a.zip"), &one("a.txt", b"letter"), &Limits::default(), &|| true);
    assert_eq!(gaps(&inspection), [Gap::OutOfTime].into());
}

#[test]
fn a_name_of_any_length_is_kept_short() {
    let long = format!("{}.exe", "x".repeat(60_000));
    let inspection = read("a.zip", &one(&long, b"letter"), &Limits::default());
    let entry = inspection.items[1].entry.as_deref().unwrap();
    assert!(entry.len() < 1_000 && entry.ends_with("x.exe"));
}

#[test]
fn a_disc_whose_folder_holds_itself_ends() {
    let mut disc = vec![0; 20 * 2_048];
    let mut record = vec![0_u8; 36];
    record[0] = 36;
    record[2..6].copy_from_slice(&18_u32.to_le_bytes());
    record[10..14].copy_from_slice(&2_048_u32.to_le_bytes());
    record[25] = 2;
    record[32] = 1;
    record[33] = b'A';
    disc[16 * 2_048] = 1;
    disc[16 * 2_048 + 1..16 * 2_048 + 6].copy_from_slice(b"CD001");
    disc[16 * 2_048 + 156..16 * 2_048 + 190].copy_from_slice(&record[..34]);
    disc[18 * 2_048..18 * 2_048 + 36].copy_from_slice(&record);
    let inspection = read("a.iso", &disc, &Limits::default());
    assert_eq!((inspection.items.len(), inspection.items[0].kind), (1, Kind::Iso));
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from("fixtures/documents/archives");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending != "json") && !file.ends_with("make"));
    files.sort();
    let named =
        |file: PathBuf| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&file).unwrap());
    files.into_iter().map(named).collect()
}

#[test]
fn a_truncated_archive_says_that_something_is_missing() {
    let limits = Limits::default();
    let fixtures = fixtures();
    assert!(fixtures.len() > 40);
    for (name, bytes) in fixtures {
        let whole = read(&name, &bytes, &limits);
        for eighth in 1..8 {
            let cut = read(&name, &bytes[..bytes.len() * eighth / 8], &limits);
            // Cut before its signature it is another kind, or none; behind its last file nothing is missing.
            let kind = cut.items[0].kind;
            let same = kind == whole.items[0].kind && kind.group() == KindGroup::Archive;
            if same && cut.text != whole.text {
                assert!(!cut.gaps.is_empty(), "{name} cut at {eighth}/8");
            }
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let limits = Limits { expanded_bytes: 8 << 20, ..Limits::default() };
    let mut state: u32 = 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize
    };
    for (name, bytes) in fixtures() {
        for _ in 0..60 {
            let mut changed = bytes.clone();
            for _ in 0..=random() % 4 {
                let at = random() % changed.len();
                changed[at] = random() as u8;
            }
            let inspection = read(&name, &changed, &limits);
            assert!(!inspection.items.is_empty());
        }
    }
}
