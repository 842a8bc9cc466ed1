//! Policies in fixtures: good ones whose examples hold, bad ones with the faults that they must show.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mailwarden::policy::{Policy, Sources};

#[test]
fn good_policies_compile_and_their_examples_hold() {
    for folder in folders("fixtures/policies/good") {
        let policy = Policy::compile(&sources(&folder)).unwrap_or_else(|faults| {
            panic!("{}: {:?}", folder.display(), miette::Report::new(faults));
        });
        assert!(!policy.rules().is_empty(), "{} has no rule", folder.display());
        for fault in policy.check_examples() {
            panic!("{}: {:?}", folder.display(), miette::Report::new(fault));
        }
    }
}

#[test]
fn bad_policies_show_every_fault_at_its_place() {
    for folder in folders("fixtures/policies/bad") {
        let shown = match Policy::compile(&sources(&folder)) {
            Err(faults) => rendered(&faults),
            Ok(policy) => {
                let examples = policy.check_examples();
                assert!(!examples.is_empty(), "{}: nothing is wrong with it", folder.display());
                examples.iter().map(|fault| rendered(fault)).collect()
            }
        };
        blessed(Path::new(&format!("{}.txt", folder.display())), &shown);
    }
}

fn rendered(diagnostic: &dyn miette::Diagnostic) -> String {
    let mut out = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut out, diagnostic)
        .unwrap();
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// The folders within a folder, of which there must be some.
fn folders(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert!(!found.is_empty(), "{folder} holds no case");
    found.sort();
    found
}

/// All files below a folder.
fn sources(folder: &Path) -> Sources {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut files);
    Sources { files }
}

/// Compares with what was accepted before; MAILWARDEN_BLESS=1 accepts what is shown now.
fn blessed(file: &Path, shown: &str) {
    if std::env::var_os("MAILWARDEN_BLESS").is_some() {
        fs::write(file, shown).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert!(
        expected == shown,
        "{} differs; MAILWARDEN_BLESS=1 accepts it:\n{}",
        file.display(),
        similar::TextDiff::from_lines(expected.as_str(), shown).unified_diff()
    );
}
