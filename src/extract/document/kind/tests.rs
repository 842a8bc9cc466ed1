#![allow(clippy::unwrap_used, reason = "a test may panic: that is how it fails")]
use super::*;

fn padded(parts: &[(usize, &[u8])], size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (at, part) in parts {
        bytes[*at..*at + part.len()].copy_from_slice(part);
    }
    bytes
}

/// Texts and what they are.
const TEXTS: &[(&str, Kind)] = &[
    ("", Kind::Text),
    ("Dear Mrs Bennett,\nthank you, and see you on Friday.\nYours,\nJ Hart\n", Kind::Text),
    ("Hello,\nGoodbye,\nThanks,\n", Kind::Text),
    ("[draft] see below", Kind::Text),
    ("07070712345 is Anna's new number", Kind::Text),
    ("SIT! Stay! And then a biscuit.", Kind::Text),
    ("EGGARDON HILL: trip on Friday", Kind::Text),
    ("[1] See the policy, page 4.", Kind::Text),
    ("{name}, thank you", Kind::Text),
    ("<anna.hart@oakfield.example> wrote:\n> hello", Kind::Text),
    ("From: the head\nWe are closed on Friday.", Kind::Text),
    ("Our spec says that %PDF-1.4 begins a file", Kind::Text),
    ("To use it: open PowerShell and type Write-Host, or $env:PATH if you like.", Kind::Text),
    ("a = 1;\nb = 2;\nc = 3;\n", Kind::Text),
    ("Content-Type: multipart/mixed; boundary=1\n\n--1\n", Kind::Eml),
    ("#!/bin/sh\ncat <<E\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nE\n", Kind::Script),
    ("def greet(name):\n    print('Hello', name)\n\ngreet('Anna')\n", Kind::Text),
    ("name,form\nAnna Hart,7B\nTom Reed,8C\n", Kind::Csv),
    ("name;form;dob\n\"Hart; Anna\";7B;2012-03-01\nTom;8C;2011-01-02\n", Kind::Csv),
    ("a\tb\n1\t2\n", Kind::Csv),
    ("{\"name\": \"Anna\", \"form\": \"7B\"}", Kind::Json),
    ("[{\"name\": \"Anna\"}, {\"name\": \"To", Kind::Json),
    ("{\"a\":1}\n{\"a\":2}\n", Kind::Json),
    ("<!-- saved from url=(0014)about:internet -->\n<html><body>x", Kind::Html),
    ("<!DOCTYPE html>\n<p>x", Kind::Html),
    ("  \r\n<Table border=0><tr><td>x", Kind::Html),
    ("<?xml version=\"1.0\"?><svg xmlns='http://www.w3.org/2000/svg'><text>a</text></svg>", Kind::Svg),
    ("<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x'><svg:svg/>", Kind::Svg),
    ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c>d'>]><a>&b;</a>", Kind::Xml),
    ("<pupils><pupil>Anna</pupil></pupils>", Kind::Xml),
    ("<html><head><HTA:APPLICATION id=x></head></html>", Kind::Script),
    ("<job><script language=\"VBScript\">x</script></job>", Kind::Script),
    ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", Kind::Calendar),
    ("begin:vcard\nversion:3.0\n", Kind::Vcard),
    ("[InternetShortcut]\r\nURL=https://oakfield.example/\r\n", Kind::UrlShortcut),
    ("Received: from a by b\r\nFrom: j.hart@oakfield.example\r\nTo: x@y.example\r\n\r\nHello", Kind::Eml),
    (
        "From j.hart@oakfield.example Fri Jan  2 2026\nFrom: j.hart@oakfield.example\nSubject: x\n\nHello",
        Kind::Mbox,
    ),
    ("-----BEGIN PGP MESSAGE-----\n\nhQEM\n", Kind::Pgp),
    ("Bag Attributes\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", Kind::Key),
    ("-----BEGIN PKCS7-----\nMIIE\n", Kind::Cms),
    ("#!/bin/sh\necho hello\n", Kind::Script),
    ("@ECHO OFF\r\ndel x\r\n", Kind::Script),
    (
        "$client = New-Object Net.WebClient\n$client.DownloadFile('https://x.example', \"$env:TEMP\\a\")\n",
        Kind::Script,
    ),
    ("Set shell = CreateObject(\"WScript.Shell\")\nshell.Run \"calc\"\n", Kind::Script),
    ("var s = new ActiveXObject(\"WScript.Shell\"); s.Run('calc');", Kind::Script),
    ("{\\rtf1\\ansi hello}", Kind::Rtf),
    ("%!PS-Adobe-3.0\n", Kind::PostScript),
    (
        "MZ is how programs begin, as every pupil knows. This is only a long enough letter about them.",
        Kind::Text,
    ),
];

#[test]
fn texts_are_told_by_what_is_telling() {
    for (text, kind) in TEXTS {
        assert_eq!(sniff(text.as_bytes()), *kind, "{text:?}");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xff\xfe".as_slice(), &wide].concat();
        // What programs read as bytes is not UTF-16.
        if !matches!(kind, Kind::Rtf | Kind::PostScript) {
            assert_eq!(sniff(&marked), *kind, "UTF-16 of {text:?}");
            assert_eq!(
                sniff(&[b"\xef\xbb\xbf", text.as_bytes()].concat()),
                *kind,
                "marked UTF-8 of {text:?}"
            );
        }
        if text.len() > 64 && text.is_ascii() && *kind == Kind::Text {
            assert_eq!(sniff(&wide), *kind, "UTF-16 without a mark of {text:?}");
        }
    }
}

#[test]
fn bytes_are_told_by_their_signatures() {
    let class: &[u8] = b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10";
    let fat: &[u8] = b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07";
    let sealed: &[u8] = b"\x85\x01\x0c\x03\x01\x02\x03\x04\x05\x06\x07\x08\x01\x08\x00\xff\x12\x00";
    let cases: Vec<(&str, Vec<u8>, Kind)> = vec![
        ("junk before a PDF", b"\x00\x01junk\n%PDF-1.4\n1 0 obj\n".to_vec(), Kind::Pdf),
        (
            "mail with a part of bytes",
            b"From: a@b.example\nTo: c@d.example\n\n\0\x01\0\x02".to_vec(),
            Kind::Eml,
        ),
        ("a program", padded(&[(0, b"MZ\x90"), (0x3c, b"\x80"), (0x80, b"PE\0\0")], 512), Kind::Pe),
        ("a program with a long stub", padded(&[(0, b"MZ\x90"), (0x3c, b"\0\x30")], 8_192), Kind::Pe),
        ("a program of DOS", padded(&[(0, b"MZ\x90")], 512), Kind::Dos),
        ("a Java class", class.to_vec(), Kind::Jar),
        ("a program for two processors", fat.to_vec(), Kind::MachO),
        ("a disc", padded(&[(32_769, b"CD001")], 40_000), Kind::Iso),
        ("a tar", padded(&[(0, b"a.txt"), (257, b"ustar\0")], 1_024), Kind::Tar),
        ("sealed with OpenPGP", sealed.to_vec(), Kind::Pgp),
        ("CMS", b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80".to_vec(), Kind::Cms),
        (
            "a certificate",
            b"\x30\x82\x03\x01\x30\x82\x02\x01\xa0\x03\x02\x01\x02\x02\x01".to_vec(),
            Kind::Key,
        ),
        ("HEIC", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic".to_vec(), Kind::Heif),
        ("MP4", b"\0\0\0\x18ftypisom\0\0\0\0isomavc1".to_vec(), Kind::Mp4),
        ("M4A", b"\0\0\0\x18ftypM4A \0\0\0\0isom".to_vec(), Kind::M4a),
        (
            "MP3 without a tag",
            padded(&[(0, b"\xff\xfb\x90\x00"), (417, b"\xff\xfb\x90\x00")], 1_000),
            Kind::Mp3,
        ),
        ("noughts", vec![0; 2_000], Kind::Unknown),
        (
            "noise",
            (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
            Kind::Unknown,
        ),
    ];
    for (name, bytes, kind) in cases {
        assert_eq!(sniff(&bytes), kind, "{name}");
    }
}

#[test]
fn the_head_alone_says_the_same() {
    let long = "name,form\n".repeat(5_000);
    assert_eq!(sniff(long.as_bytes()), Kind::Csv);
    assert_eq!(sniff(&long.as_bytes()[..HEAD]), Kind::Csv);
    let json = format!("[{}1]", "{\"a\": \"b\"},".repeat(2_000));
    assert_eq!(sniff(json.as_bytes()), Kind::Json);
    let cut = "é".repeat(HEAD);
    assert_eq!(sniff(&cut.as_bytes()[..HEAD - 1]), Kind::Text);
}
