//! The command line as its users meet it: exit codes, what is printed, what is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SOLICITOR: &[u8] =
    b"From: Jo Hart <j.hart@oakfield.example>\r\nTo: Sam Lee <s.lee@solicitors.example>\r\n\
    Subject: Friday\r\n\r\nThe safeguarding referral and the child protection plan are ready for Friday.\r\n";
const COACHES: &[u8] =
    b"From: j.hart@oakfield.example\r\nTo: hire@coaches.example\r\nSubject: Two coaches\r\n\r\n\
    Two coaches for the museum trip, please.\r\n";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn mailwarden(arguments: &[&str]) -> Ran {
    ran(command(arguments).output().expect("mailwarden runs"))
}

fn mailwarden_reading(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("mailwarden runs");
    // A command that refuses its arguments ends without reading, maybe before all is written.
    match child.stdin.take().expect("a pipe").write_all(input) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => panic!("writing to it: {error}"),
        _ => {}
    }
    ran(child.wait_with_output().expect("it ends"))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailwarden"));
    command.args(arguments).env_remove("MAILWARDEN_CONFIG").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

#[test]
fn the_shipped_policy_checks() {
    let ran = mailwarden(&["check", "rules"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("every example holds"), "{}", ran.out);
    let report = json(&mailwarden(&["check", "rules", "--json"]).out);
    assert_eq!(report["ok"], true);
    assert!(report["rules"].as_u64().unwrap() >= 10);
}

#[test]
fn the_made_up_organisation_is_told_where_a_configuration_names_it_and_does_not_mean_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mailwarden.toml");
    let named = |more: &str| {
        let rules = Path::new("rules").canonicalize().unwrap();
        let packaged = fs::read_to_string("packaging/mailwarden.toml").unwrap();
        fs::write(&config, packaged.replace("\"rules\"", &format!("{rules:?}\n{more}"))).unwrap();
        mailwarden(&["check", "--config", config.to_str().unwrap()])
    };
    let ran = named("");
    assert!(ran.code == 0 && ran.out.contains("every example holds"), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("advice  organisation.toml:5:13: this is still the made-up organisation"),
        "{}",
        ran.out
    );
    for quiet in [named("made-up = true"), mailwarden(&["check", "rules"])] {
        assert!(quiet.code == 0 && !quiet.out.contains("advice"), "{}", quiet.out);
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let copied = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &copied),
            false => _ = fs::copy(entry.path(), copied).unwrap(),
        }
    }
}

/// The shipped policy, copied and changed as somebody does who begins and goes no further: the name, the domains and who decides.
fn half_changed(folder: &Path) -> PathBuf {
    let rules = folder.join("rules");
    copy_all(Path::new("rules"), &rules);
    let mut organisation = fs::read_to_string("rules/organisation.toml").unwrap();
    for (shipped, own) in [
        ("\"Hillside Trust\"", "\"Ash Trust\""),
        ("[\"hillside-trust.example\"]", "[\"trust.ash.sch.uk\"]"),
        ("[\"oakfield.example\", \"pupils.oakfield.example\"]", "[\"ash.sch.uk\", \"pupils.ash.sch.uk\"]"),
        ("[\"beechwood.example\", \"pupils.beechwood.example\"]", "[\"elm.sch.uk\", \"pupils.elm.sch.uk\"]"),
        ("[\"beechwood-*@hillside-trust.example\"]", "[]"),
        (
            "[\"data-protection@hillside-trust.example\", \"head@hillside-trust.example\"]",
            "[\"head@ash.sch.uk\"]",
        ),
    ] {
        assert!(organisation.contains(shipped), "{shipped}");
        organisation = organisation.replacen(shipped, own, 1);
    }
    fs::write(rules.join("organisation.toml"), organisation).unwrap();
    rules
}

#[test]
fn what_is_left_of_the_made_up_organisation_is_told_where_half_of_it_is_somebodys_own() {
    let folder = tempfile::tempdir().unwrap();
    let rules = half_changed(folder.path());
    let ran = mailwarden(&["check", rules.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "advice is no fault: {}{}", ran.out, ran.err);
    for told in [
        "`groups.pupils` still has what is made up: \"pupils.oakfield.example\", \"pupils.beechwood.example\"",
        "no pupil of yours is in the group `pupils`: rules for pupils meet nobody",
        "`reviewer.addresses` still has what is made up: \"dsl@oakfield.example\"",
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    let config = folder.path().join("mailwarden.toml");
    let packaged = fs::read_to_string("packaging/mailwarden.toml").unwrap();
    for (more, told) in [("", true), ("made-up = true", false)] {
        fs::write(&config, packaged.replace("\"rules\"", &format!("\"rules\"\n{more}"))).unwrap();
        let ran = mailwarden(&["check", "--config", config.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        for one in [
            "`groups.pupils` still has",
            "mailwarden.toml:20:11: `outgoing.from` still has what is made up: \"mailwarden@oakfield.example\"",
            "`outgoing.contact` still has what is made up: \"it-support@oakfield.example\"",
            "`outgoing.confirm` still has what is made up: \"mailwarden-confirm@oakfield.example\"",
            "the disclaimer \"trust\" still speaks of the made-up Hillside Trust",
        ] {
            assert_eq!(ran.out.contains(one), told, "{more}: {one}: {}", ran.out);
        }
    }
}

#[test]
fn a_fault_is_shown_at_its_line_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["organisation.toml", "disclaimers.toml"] {
        fs::copy(Path::new("rules").join(file), folder.path().join(file)).unwrap();
    }
    fs::write(folder.path().join("mine.toml"), "[[rule]]\nid = \"mine\"\ntitel = \"Mine\"\n").unwrap();
    let ran = mailwarden(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("mine.toml:3:1") && ran.out.contains("title"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "colour although this is no terminal");
    let scanned = mailwarden_reading(&["scan", "--policy", folder.path().to_str().unwrap(), "-"], COACHES);
    assert_eq!(scanned.code, 1, "a policy with a fault is used");
}

#[test]
fn scan_says_where_and_keeps_the_words_to_itself() {
    let arguments = ["scan", "--policy", "rules", "--json", "--at", "2026-01-14T10:00", "-"];
    let report = json(&mailwarden_reading(&arguments, SOLICITOR).out);
    assert_eq!((&report["version"], &report["file"]), (&3.into(), &"-".into()));
    assert_eq!(report["actions"][0]["direction"], "outbound");
    let findings = report["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "{report}");
    assert!(!report.to_string().contains("safeguarding referral"), "words of the message in {report}");

    let revealed = json(&mailwarden_reading(&[&arguments[..], &["--reveal"]].concat(), SOLICITOR).out);
    let shown = json(&mailwarden_reading(&["show", "--json", "-"], SOLICITOR).out);
    for finding in revealed["findings"].as_array().unwrap() {
        let text = shown["texts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|text| text["zone"] == finding["zone"] && text["part"] == finding["part"])
            .unwrap_or_else(|| panic!("no text for {finding}"));
        let at = |name: &str| usize::try_from(finding[name].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start"), at("end"));
        assert_eq!(&text["text"].as_str().unwrap()[start..end], finding["text"].as_str().unwrap());
    }
}

/// A policy that looks for a disguised word, and a message that has one.
fn teapots() -> (tempfile::TempDir, &'static [u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("organisation.toml"),
        "name = \"Oakfield\"\ndomains = [\"oakfield.example\"]\n",
    )
    .unwrap();
    fs::create_dir(folder.path().join("lists")).unwrap();
    fs::write(folder.path().join("lists/china.txt"), "@disguises all\ncrock*\nteapot = 3\n").unwrap();
    let rule = "[[rule]]\nid = \"china\"\ntitle = \"China\"\ncategory = \"trips\"\nseverity = \"mild\"\nmode = \"notify\"\n\
        [rule.if]\nwords = { list = \"china\", at-least = 2 }\n[rule.then]\naction = \"tag\"\n";
    fs::write(folder.path().join("china.toml"), rule).unwrap();
    let message = b"From: j.hart@oakfield.example\r\nTo: hire@coaches.example\r\nSubject: Two\r\n\r\n\
        A t3apot, and further crockery.\r\n";
    (folder, message)
}

#[test]
fn a_finding_tells_the_disguise_and_to_whom_may_see_it_the_term() {
    let (folder, message) = teapots();
    let policy = folder.path().to_str().unwrap();
    for command in [&["scan", "--json"][..], &["scan"], &["explain"], &["explain", "--json"]] {
        let arguments = [command, &["--policy", policy, "-"]].concat();
        let ran = mailwarden_reading(&arguments, message);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("leet"), "{}", ran.out);
        for word in ["t3apot", "teapot", "crock"] {
            assert!(!ran.out.contains(word), "{command:?} shows {word}: {}", ran.out);
        }
        let ran = mailwarden_reading(&[&arguments[..], &["--reveal"]].concat(), message);
        for word in ["t3apot", "teapot", "crockery", "crock*", "leet"] {
            assert!(ran.out.contains(word), "{command:?} --reveal lacks {word}: {}", ran.out);
        }
    }
    let arguments = ["scan", "--json", "--reveal", "--policy", policy, "-"];
    let findings = &json(&mailwarden_reading(&arguments, message).out)["findings"];
    let shown = |index: usize| ["text", "term", "disguises"].map(|name| findings[index][name].to_string());
    assert_eq!(shown(0), [r#""t3apot""#, r#""teapot""#, r#"["leet"]"#]);
    assert_eq!(shown(1), [r#""crockery""#, r#""crock*""#, "[]"]);
}

#[test]
fn explain_tells_the_places_of_what_was_not_enough() {
    let (folder, _) = teapots();
    let message = b"From: j.hart@oakfield.example\r\nTo: a@b.example\r\nSubject: One\r\n\r\nA teap0t.\r\n";
    let policy = folder.path().to_str().unwrap();
    let ran = mailwarden_reading(&["explain", "--policy", policy, "--all", "-"], message);
    assert!(
        ran.out.contains("did not match") && ran.out.contains("bytes 2 to 8, disguised (leet)"),
        "{}",
        ran.out
    );
}

#[test]
fn an_innocent_message_passes() {
    let ran = mailwarden_reading(&["scan", "--policy", "rules", "--json", "-"], COACHES);
    let report = json(&ran.out);
    assert_eq!((ran.code, &report["verdict"]), (0, &"pass".into()), "{report}");
    assert!(report["findings"].as_array().unwrap().is_empty());
}

#[test]
fn explain_names_rules_and_conditions() {
    let ran =
        mailwarden_reading(&["explain", "--policy", "rules", "--at", "2026-01-14T10:00", "-"], SOLICITOR);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("matched") && ran.out.contains("if words"), "{}", ran.out);
    let all = mailwarden_reading(&["explain", "--policy", "rules", "--all", "--json", "-"], SOLICITOR);
    assert!(json(&all.out)["rules"].as_array().unwrap().len() >= 10);
}

#[test]
fn backtest_counts_what_a_changed_policy_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let mail = folder.path().join("archive.mbox");
    let mbox = [b"From a Mon\n", COACHES, b"\nFrom b Tue\n", SOLICITOR].concat();
    fs::write(&mail, mbox).unwrap();
    let changed = folder.path().join("changed");
    fs::create_dir(&changed).unwrap();
    let rule = "[[rule]]\nid = \"coaches\"\ntitle = \"Coaches\"\ncategory = \"trips\"\nseverity = \"mild\"\nmode = \"enforce\"\n\
        [rule.if]\nheader = { name = \"Subject\", contains = [\"coaches\"] }\n[rule.then]\naction = \"hold\"\n\
        [[rule.example]]\nexpect = \"match\"\nsubject = \"Two coaches\"\n[[rule.example]]\nexpect = \"no-match\"\nsubject = \"Three\"\n";
    fs::write(changed.join("trips.toml"), rule).unwrap();
    let organisation = "name = \"Hillside Trust\"\ntime-zone = \"Europe/London\"\ndomains = [\"hillside-trust.example\"]\n\
        [[school]]\nid = \"oakfield\"\nname = \"Oakfield School\"\ndomains = [\"oakfield.example\"]\n";
    fs::write(changed.join("organisation.toml"), organisation).unwrap();
    let against = changed.to_str().unwrap();
    let ran = mailwarden(&[
        "backtest",
        "--policy",
        "rules",
        "--against",
        against,
        "--json",
        mail.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let outcome = json(&ran.out);
    assert_eq!(outcome["messages"], 2);
    assert_eq!(outcome["rules"]["coaches"]["after"], 1, "{outcome}");
    assert_eq!(outcome["actions"]["pass -> hold"], 1, "{outcome}");
}

#[test]
fn schemas_manual_and_completions_are_printed() {
    for what in ["config", "rules", "organisation", "disclaimers"] {
        let schema = json(&mailwarden(&["schema", what]).out);
        assert!(schema["properties"].is_object(), "{what}: {schema}");
    }
    for command in ["serve", "check", "scan", "held"] {
        assert!(mailwarden(&["man", command]).out.starts_with(".ie"), "{command} has no manual page");
    }
    assert!(mailwarden(&["completions", "bash"]).out.contains("_mailwarden"));
    // `mailwarden completions bash | head`: whoever reads has had enough.
    let mut child = command(&["completions", "bash"]).spawn().expect("mailwarden runs");
    drop(child.stdout.take());
    let ran = ran(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn a_document_that_is_named_is_no_message() {
    for command in ["scan", "explain", "show"] {
        for file in
            ["fixtures/documents/pdf/updated.pdf", "fixtures/documents/compound/password-standard.docx"]
        {
            let ran = mailwarden(&[command, "--policy", "rules", file]);
            assert_eq!(ran.code, 2, "{command} {file}: {}", ran.err);
            assert!(ran.err.contains("no message but a file of kind"), "{}", ran.err);
        }
    }
}

#[test]
fn what_is_no_message_on_the_standard_input_is_refused_or_told() {
    let pdf = fs::read("fixtures/documents/pdf/updated.pdf").unwrap();
    let ran = mailwarden_reading(&["scan", "--policy", "rules", "-"], &pdf);
    assert!(
        ran.code == 2 && ran.err.contains("the standard input is no message but a file of kind pdf"),
        "{}",
        ran.err
    );
    let ran = mailwarden_reading(&["scan", "--policy", "rules", "-"], b"Two coaches, please.\n");
    assert!(ran.code == 0 && ran.err.contains("note: - has no header"), "{}", ran.err);
    assert_eq!(mailwarden_reading(&["scan", "--policy", "rules", "-"], COACHES).err, "");
}

#[test]
fn whether_a_pupil_is_told_who_can_help_is_told() {
    let mail = b"From: sam@pupils.oakfield.example\r\nTo: tutor@oakfield.example\r\nSubject: hi\r\n\r\n\
        i dont want to be here any more\r\n";
    let told = |command: &str, at: &str, login: &[&str]| {
        let arguments = [&[command, "--policy", "rules", "--at", at], login, &["-"]].concat();
        mailwarden_reading(&arguments, mail).out
    };
    for command in ["explain", "scan"] {
        for (at, login, wanted) in [
            (
                "2026-01-14T22:00",
                &["--authenticated", "sam"][..],
                "out of hours: the sender is told who can help, once in 12 hours",
            ),
            ("2026-01-14T22:00", &[], "the address is not proven (--authenticated"),
            (
                "2026-01-14T10:00",
                &["--authenticated", "sam"],
                "in hours: the sender is not told who can help",
            ),
        ] {
            let out = told(command, at, login);
            assert!(out.contains(wanted), "{command} {at}: {out}");
            assert!(command == "scan" || out.contains("example, 14 January 2026, "), "{out}");
        }
    }
    let quiet =
        mailwarden_reading(&["explain", "--policy", "rules", "--at", "2026-01-14T22:00", "-"], COACHES).out;
    assert!(!quiet.contains("who can help"), "{quiet}");
}

#[test]
fn a_list_of_another_encoding_is_a_fault_at_its_line_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lists")).unwrap();
    fs::write(folder.path().join("organisation.toml"), "name = \"A\"\ndomains = [\"a.example\"]\n").unwrap();
    fs::write(folder.path().join("lists/words.txt"), b"one\ncaf\xe9\n").unwrap();
    let ran = mailwarden(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for told in ["lists/words.txt:2:4: not UTF-8 text here", "save the file as UTF-8"] {
        assert!(ran.err.replace("\n  │ ", "").contains(told), "no \"{told}\": {}", ran.err);
    }
}

#[test]
fn a_warning_is_told_apart_from_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("organisation.toml"),
        "name = \"A\"\ntime-zone = \"Europe/London\"\ndomains = [\"a.example\"]\n",
    )
    .unwrap();
    fs::create_dir(folder.path().join("guidance")).unwrap();
    fs::write(folder.path().join("guidance/unused.md"), "# Nobody reads this\n").unwrap();
    let ran = mailwarden(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("1 warning\n") && ran.out.contains('⚠') && !ran.out.contains('×'),
        "{}",
        ran.out
    );
}

#[test]
fn wrong_arguments_end_with_2_and_say_what_to_do() {
    for arguments in [
        &["scan"][..],
        &["frobnicate"],
        &["scan", "--policy", "rules", "--at", "yesterday", "-"],
        &["check", "rules", "--effective", "--school", "atlantis"],
        &["man", "frobnicate"],
    ] {
        let ran = mailwarden_reading(arguments, COACHES);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn no_store_is_made_where_none_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mailwarden.toml");
    let text = fs::read_to_string("packaging/mailwarden.toml").unwrap();
    fs::write(&config, text.replace("/var/lib/mailwarden\"", "store\"")).unwrap();
    let listed = mailwarden(&["held", "list", "--config", config.to_str().unwrap()]);
    assert_eq!(listed.code, 3, "{}", listed.err);
    assert!(listed.err.contains("did `mailwarden serve` run?"), "{}", listed.err);
    assert!(!folder.path().join("store").exists());
}

#[test]
fn what_cannot_be_read_or_reached_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    let ran = mailwarden(&["scan", "--policy", "rules", missing.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let config = folder.path().join("mailwarden.toml");
    fs::write(
        &config,
        "[milter]\nlisten = [\"unix:m.sock\"]\n[policy]\ndirectory = \"rules\"\n[store]\ndirectory = \"store\"\n\
         [outgoing]\nsmtp = \"127.0.0.1:9\"\nfrom = \"warden@oakfield.example\"\n[control]\nsocket = \"c.sock\"\n",
    )
    .unwrap();
    let config = config.to_str().unwrap();
    for arguments in [&["reload", "--config", config][..], &["status", "--config", config]] {
        let ran = mailwarden(arguments);
        assert_eq!(ran.code, 3, "{arguments:?}");
        assert!(ran.err.contains("mailwarden serve"), "{}", ran.err);
    }
    for arguments in [
        &["held", "list", "--config", config][..],
        &["held", "release", "K7QF-2M9P", "--why", "fine", "--by", "m.okafor", "--config", config],
    ] {
        let ran = mailwarden(arguments);
        assert_eq!(ran.code, 3, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("did `mailwarden serve` run?"), "{}", ran.err);
    }
}
