//! The roll as its users meet it: exports in, people out; faults at their place and without a name; files and exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic: that is how it fails"
)]

#[path = "support/blessed.rs"]
mod blessed;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use blessed::blessed;
use jiff::civil::date;
use mailwarden::people::{Export, Faults, Imported, MOST_PEOPLE, Mapping, Role, import};
use proptest::prelude::*;
use serde_json::Value;

const FOLDER: &str = "fixtures/people";
const SIMS: [&str; 3] = ["students.csv", "staff.csv", "contacts.csv"];

fn mapping(file: &Path) -> Mapping {
    Mapping::parse(&file.display().to_string(), &fs::read_to_string(file).unwrap()).unwrap()
}

/// Imports the exports of a folder, each with its name alone.
fn imported(folder: &Path, exports: &[&str]) -> Result<Imported, Faults> {
    let read: Vec<Vec<u8>> = exports.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect();
    let exports: Vec<Export<'_>> =
        exports.iter().zip(&read).map(|(file, bytes)| Export { file, bytes }).collect();
    import(&mapping(&folder.join("mapping.toml")), &exports, date(2026, 1, 14))
}

#[test]
fn each_sample_gives_the_people_that_were_accepted() {
    for (system, exports, counts) in [
        ("sims", SIMS, [4, 2, 1, 3]),
        ("arbor", ["Students Export.csv", "Staff Export.csv", "Guardians Export.csv"], [3, 3, 0, 2]),
        ("bromcom", ["pupils.csv", "staff.csv", "parents.csv"], [3, 2, 1, 2]),
    ] {
        let folder = Path::new(FOLDER).join(system);
        let imported = imported(&folder, &exports).unwrap_or_else(|faults| panic!("{system}: {faults:?}"));
        let people = imported.roll.people();
        let of = |role| people.iter().filter(|person| person.role == role).count();
        assert_eq!(Role::ALL.map(of), counts, "{system}: pupils, staff, governors, parents");
        let shown: String =
            people.iter().map(|person| serde_json::to_string(person).unwrap() + "\n").collect();
        blessed(&folder.join("people.jsonl"), &shown);
    }
}

/// What the samples are there to show, by hand, so that accepting an output cannot accept a wrong one.
#[test]
fn names_are_taken_apart_and_parents_united() {
    let sims = imported(&Path::new(FOLDER).join("sims"), &SIMS).unwrap();
    assert_eq!((sims.left, sims.without_pupil), (1, 1));
    let [zoe] = sims.roll.find("zoe")[..] else { panic!("one Zoë") };
    assert_eq!((zoe.names.family.as_str(), zoe.names.given.as_str()), ("O'Hara-Núñez", "Zoë"));
    assert_eq!((&zoe.names.preferred_given, zoe.names.preferred_family.as_deref()), (&None, Some("O'Hara")));
    assert_eq!(zoe.names.former_family, ["Marsh"]);
    let [laura] = sims.roll.find("laura")[..] else { panic!("Laura is there once") };
    let pupils: Vec<&str> = laura.pupils.iter().map(|id| id.0.as_str()).collect();
    assert_eq!(pupils, ["004101", "004105"]);
    assert_eq!(sims.roll.by_address("the.bennetts@home.example").count(), 2);
    assert_eq!(sims.roll.find("king").len(), 2, "a contact without a given name is one");

    let exports = ["pupils.csv", "staff.csv", "parents.csv"];
    let bromcom = imported(&Path::new(FOLDER).join("bromcom"), &exports).unwrap();
    let names = |text: &str| {
        let [person] = bromcom.roll.find(text)[..] else { panic!("one {text}") };
        [&person.names.given, &person.names.middle, &person.names.family].map(String::as_str)
    };
    assert_eq!(names("folasade"), ["Folasade", "Grace", "Adeyemi"]);
    assert_eq!(names("rupert"), ["Rupert", "", "St John-Smythe"]);
    assert_eq!(names("joel"), ["Joel", "", "D’Souza"]);
    assert_eq!(names("abosede"), ["Abosede", "", "Adeyemi"]);
    assert_eq!(names("ioan"), ["Ioan", "Prys", "Davies"]);
    assert_eq!(names("peter"), ["Peter", "", "Hope"]);
}

#[test]
fn each_faulty_export_is_refused_at_line_and_column_without_a_name() {
    let folder = Path::new(FOLDER).join("faults");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".csv"))
        .collect();
    names.sort_unstable();
    assert!(names.len() >= 15);
    let mut shown = String::new();
    for name in &names {
        let faults = imported(&folder, &[name]).map(|imported| imported.roll).unwrap_err();
        assert_eq!(faults.kept.len(), faults.number);
        for fault in &faults.kept {
            let value = serde_json::to_value(fault).unwrap();
            shown += &format!("{fault}\n    help: {}\n", value["help"].as_str().unwrap());
        }
    }
    for said in ["Ash", "Elm", "Ada", "Prefect", "soon", "d@oak", "Zo"] {
        assert!(!shown.contains(said), "what an export says gets into an error");
    }
    blessed(&folder.join("faults.txt"), &shown);
}

#[test]
fn fifty_thousand_people_are_taken_and_one_more_is_not() {
    let mapping = mapping(&Path::new(FOLDER).join("faults/mapping.toml"));
    let mut text = "Id,Surname,Forename,Role,School,Left,Email\n".to_owned();
    for id in 0..MOST_PEOPLE {
        text += &format!("{id},Ash,Ada,Pupil,,,\n");
    }
    let of = |text: &str| {
        import(&mapping, &[Export { file: "all.csv", bytes: text.as_bytes() }], date(2026, 1, 14))
    };
    assert_eq!(of(&text).unwrap().roll.len(), MOST_PEOPLE);
    let faults = of(&(text + "x,Ash,Ada,Pupil,,,\ny,Ash,Ada,Pupil,,,\n")).unwrap_err();
    assert_eq!(faults.number, 1, "it ends at the first that is too many");
    assert_eq!(faults.kept[0].to_string(), "all.csv:50002: more than 50000 people");
}

/// A person as a row: family, given, middle name.
type Row = (String, String, String);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = ("[A-Za-zÀ-ÿ'-]{1,12}( [A-Za-zÀ-ÿ]{1,6})?", "[A-Za-zÀ-ÿ]{1,9}", "[A-Za-z,;\"\t]{0,9}");
    prop::collection::vec(row, 1..20)
}

/// The rows as one of the ways in which exports are written: bytes, and the mapping's lines for it.
fn written(rows: &[Row], separator: u8, way: usize, unix: bool) -> (Vec<u8>, &'static str) {
    let terminator = if unix { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
    let style = if way.is_multiple_of(2) { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(separator)
        .terminator(terminator)
        .quote_style(style)
        .from_writer(Vec::new());
    writer.write_record(["Id", "Surname", "Forename", "Middle"]).unwrap();
    for (id, (family, given, middle)) in rows.iter().enumerate() {
        writer.write_record([&id.to_string(), family, given, middle]).unwrap();
    }
    let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    match way {
        0 => (text.into_bytes(), ""),
        1 => (["\u{FEFF}".as_bytes(), text.as_bytes()].concat(), "encoding = \"windows-1252\"\n"),
        2 => (encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(), "encoding = \"windows-1252\"\n"),
        _ => {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            (units.flat_map(u16::to_le_bytes).collect(), "")
        }
    }
}

fn four_columns(more: &str) -> Mapping {
    let text = format!(
        "[[file]]\nrole = \"pupil\"\nid = \"id\"\n{more}\
         names = {{ given = \"Forename\", middle = \"Middle\", family = \"Surname\" }}\n"
    );
    Mapping::parse("mapping.toml", &text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_exported_is_what_is_imported(
        rows in rows(), separator in prop::sample::select(b",;\t".to_vec()), way in 0..4_usize, unix: bool,
    ) {
        let (bytes, more) = written(&rows, separator, way, unix);
        let exports = [Export { file: "people.csv", bytes: &bytes }];
        let roll = import(&four_columns(more), &exports, date(2026, 1, 14)).expect("no fault").roll;
        let read: Vec<Row> = roll
            .people()
            .iter()
            .map(|person| {
                let names = person.names.clone();
                (names.family, names.given, names.middle)
            })
            .collect();
        let tidy = |text: &str| text.split(['\t', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let expected: Vec<Row> =
            rows.iter().map(|(family, given, middle)| (tidy(family), tidy(given), tidy(middle))).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_panic_and_no_fault_tells_them(
        start in prop::sample::select(vec![&b""[..], b"Id,Surname,Forename,Middle\n", b"\xFF\xFE"]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, &rest, b"\n9,Quagga,Quagga,Quagga,Quagga\n"].concat();
        for more in ["", "encoding = \"windows-1252\"\n"] {
            if let Err(faults) =
                import(&four_columns(more), &[Export { file: "x.csv", bytes: &bytes }], date(2026, 1, 14))
            {
                prop_assert!(faults.number > 0);
                for fault in &faults.kept {
                    prop_assert!(!fault.to_string().contains("Quagga"));
                }
            }
        }
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn mailwarden(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
        .args(arguments)
        .env_remove("MAILWARDEN_CONFIG")
        .output()
        .expect("mailwarden runs");
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The arguments that import or check a sample.
fn exports_of(command: &str, roll: &Path, system: &str, exports: &[&str]) -> Vec<String> {
    let folder = Path::new(FOLDER).join(system);
    let path = |name: &str| folder.join(name).display().to_string();
    let start = ["people", command, "--people"].map(str::to_owned);
    let mapping = [roll.display().to_string(), "--mapping".to_owned(), path("mapping.toml")];
    start.into_iter().chain(mapping).chain(exports.iter().map(|name| path(name))).collect()
}

fn with(arguments: &[String]) -> Ran {
    mailwarden(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_roll_is_imported_listed_and_searched() {
    let folder = tempfile::tempdir().unwrap();
    let roll = folder.path().join("people.roll");
    let file = roll.to_str().unwrap();
    let checked = with(&exports_of("check", &roll, "sims", &SIMS));
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
    assert!(checked.out.contains("10 people") && !roll.exists(), "{}", checked.out);
    assert_eq!(mailwarden(&["people", "list", "--people", file]).code, 3, "there is none yet");

    let ran = with(&exports_of("import", &roll, "sims", &SIMS));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(fs::metadata(&roll).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!ran.out.contains("Bennett"), "{}", ran.out);

    let pupils = mailwarden(&["people", "list", "--people", file, "--role", "pupil", "--json"]);
    let ids: Vec<Value> = pupils.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = ids.iter().map(|person| person["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["004101", "004102", "004103", "004105"]);
    assert!(mailwarden(&["people", "list", "--people", file, "--school", "elmwood"]).out.contains("nobody"));
    let found = mailwarden(&["people", "find", "benn ol", "--people", file]);
    assert!(found.code == 0 && found.out.contains("1 person"), "{}", found.out);
    let words = mailwarden(&["people", "find", "benn", "ol", "--people", file]);
    assert_eq!(words.out, found.out);
    assert_eq!(mailwarden(&["people", "find", "nemo", "--people", file]).code, 1);

    // A faulty export leaves the roll as it was, and tells no name.
    let before = fs::read(&roll).unwrap();
    let refused = with(&exports_of("import", &roll, "faults", &["names-and-ids.csv"]));
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("names-and-ids.csv:2:2") && !refused.err.contains("Ada"), "{}", refused.err);
    assert_eq!(refused.out, "");
    assert_eq!(fs::read(&roll).unwrap(), before);
    let refused =
        with(&[&exports_of("check", &roll, "faults", &["rows.csv"])[..], &["--json".to_owned()]].concat());
    let report: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((&report["ok"], &report["faults"][0]["line"]), (&false.into(), &3.into()));
}

#[test]
fn commands_use_the_roll_that_is_named_and_fail_where_it_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let roll = folder.path().join("people.roll");
    assert_eq!(with(&exports_of("import", &roll, "sims", &SIMS)).code, 0);
    let file = roll.to_str().unwrap();
    let ran = mailwarden(&["check", "fixtures/evaluate/policy", "--people", file, "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["people"], 10, "{}", ran.err);
    assert_eq!(mailwarden(&["people", "list"]).code, 2, "no roll is named");

    fs::write(&roll, "no roll").unwrap();
    let message = folder.path().join("message.eml");
    fs::write(&message, "From: a@b.example\r\nTo: c@d.example\r\n\r\nHello\r\n").unwrap();
    for command in ["scan", "explain"] {
        let arguments =
            [command, "--policy", "fixtures/evaluate/policy", message.to_str().unwrap(), "--people", file];
        let ran = mailwarden(&arguments);
        assert_eq!(ran.code, 3, "{command} without the names that there are");
        assert!(ran.err.contains("import it again"), "{}", ran.err);
        assert_eq!(mailwarden(&arguments[..4]).code, 0, "{command} needs no roll");
    }
}

#[test]
fn a_school_that_the_organisation_does_not_have_is_a_fault_where_the_policy_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mapping.toml");
    let sims = fs::read_to_string("fixtures/people/sims/mapping.toml").unwrap();
    fs::write(&mapping, sims.replace("\"oakfield\"", "\"oakfeild\"")).unwrap();
    let exports = SIMS.map(|name| format!("{FOLDER}/sims/{name}"));
    let mut arguments = vec!["people", "check", "--mapping", mapping.to_str().unwrap()];
    arguments.extend(exports.iter().map(String::as_str));
    assert_eq!(mailwarden(&arguments).code, 0, "nothing is known of the schools");
    arguments.extend(["--policy", "rules"]);
    let ran = mailwarden(&arguments);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let told = "mapping.toml:6:13: organisation.toml has no school \"oakfeild\"";
    assert!(ran.err.contains(told) && ran.err.contains("did you mean \"oakfield\"?"), "{}", ran.err);
    assert!(ran.err.contains("3 faults"), "{}", ran.err);
    fs::write(&mapping, b"# Caf\xe9\n").unwrap();
    let ran = mailwarden(&arguments);
    assert!(ran.err.contains("mapping.toml:1:6: not UTF-8 text here"), "{}", ran.err);
}

/// A running filter, ended with the test.
struct Filter {
    child: Child,
    config: PathBuf,
}

impl Filter {
    /// Starts one and waits until it says that it is ready.
    fn start(folder: &Path) -> Self {
        let config = folder.join("mailwarden.toml");
        let policy = fs::canonicalize("fixtures/evaluate/policy").unwrap();
        let text = format!(
            "[milter]\nlisten = [\"unix:milter.sock\"]\n[policy]\ndirectory = {policy:?}\n\
             [people]\nroll = \"people.roll\"\n[store]\ndirectory = \"store\"\n\
             [outgoing]\nsmtp = \"127.0.0.1:9\"\nfrom = \"mailwarden@oakfield.example\"\n\
             [control]\nsocket = \"control.sock\"\n[documents]\nworkers = 1\n"
        );
        fs::write(&config, text).unwrap();
        let ready = folder.join("ready.sock");
        let socket = UnixDatagram::bind(&ready).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_mailwarden"))
            .args(["serve", "--config", config.to_str().unwrap()])
            .env("NOTIFY_SOCKET", &ready)
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut told = [0; 16];
        let length = socket.recv(&mut told).expect("the filter starts");
        assert_eq!(&told[..length], b"READY=1");
        Self { child, config }
    }

    fn ask(&self, command: &str) -> Ran {
        mailwarden(&[command, "--config", self.config.to_str().unwrap()])
    }

    fn people(&self) -> Value {
        let status = mailwarden(&["status", "--json", "--config", self.config.to_str().unwrap()]);
        serde_json::from_str::<Value>(&status.out).unwrap()["people"].clone()
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_running_filter_takes_up_a_roll_and_keeps_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let roll = folder.path().join("people.roll");
    let filter = Filter::start(folder.path());
    assert_eq!(filter.people(), 0, "none was imported yet");
    assert_eq!(with(&exports_of("import", &roll, "sims", &SIMS)).code, 0);
    assert_eq!(filter.people(), 0, "nothing changes before a reload");
    let reloaded = filter.ask("reload");
    assert!(reloaded.code == 0 && reloaded.out.contains("10 people on the roll"), "{}", reloaded.out);
    assert_eq!(filter.people(), 10);

    fs::write(&roll, "damaged").unwrap();
    let refused = filter.ask("reload");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("the last good roll stays in force"), "{}", refused.err);
    assert!(refused.err.contains("rules, policy"), "the policy is taken up all the same: {}", refused.err);
    assert_eq!(filter.people(), 10);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("people.roll") && !log.contains("Bennett"), "{log}");
}
