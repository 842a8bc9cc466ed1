//! The roll in force: read at the start, replaced whole by a reload. One that doesn't load never replaces one that did.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::{error, warn};

use crate::people::file::{self, RollError};
use crate::people::{People, Roll};

/// The roll that messages are judged with, and the file that it comes from.
pub struct RollInForce {
    file: Option<PathBuf>,
    people: ArcSwap<People>,
}

impl RollInForce {
    /// Reads the roll. Where it is damaged, the one before is taken; where none was imported yet, nobody is on it.
    ///
    /// # Errors
    /// When there is one and neither it nor the one before can be read: names would go out unnoticed.
    pub fn start(path: Option<PathBuf>) -> Result<Self, RollError> {
        let roll = path.as_ref().map_or_else(|| Ok(Roll::default()), |path| newest_good(path))?;
        Ok(Self { file: path, people: ArcSwap::from_pointee(roll.into()) })
    }

    /// The roll. A message keeps the one that its sweep began with.
    pub fn people(&self) -> Arc<People> {
        self.people.load_full()
    }

    /// Reads the file again; tells how many people are on the roll now, where one is configured. For a thread that may
    /// wait for the disk: the old roll is put away here too.
    ///
    /// # Errors
    /// Why the old one stays.
    pub fn reload(&self) -> Result<Option<usize>, RollError> {
        let Some(path) = &self.file else { return Ok(None) };
        let roll = match file::load(path) {
            // None was imported yet: nobody is on the roll, as at the start. One that vanished is a failure.
            Err(error) if error.is_missing() && self.people().roll().is_empty() => Roll::default(),
            outcome => outcome?,
        };
        let number = roll.len();
        drop(self.people.swap(Arc::new(roll.into())));
        Ok(Some(number))
    }
}

fn newest_good(path: &Path) -> Result<Roll, RollError> {
    let failed = match file::load(path) {
        Ok(roll) => return Ok(roll),
        Err(failed) => failed,
    };
    match file::load(&file::previous(path)) {
        Ok(roll) => {
            error!("the roll before the last is in force: {failed}");
            Ok(roll)
        }
        Err(_) if failed.is_missing() => {
            warn!(
                "nobody is on the roll: {} is not there yet; `mailwarden people import` makes it",
                path.display()
            );
            Ok(Roll::default())
        }
        Err(_) => Err(failed),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::detect::names;
    use crate::people::{Names, Person, PersonId, Role};

    /// A roll of which everybody has the same family name.
    fn family(name: &str, number: usize) -> Roll {
        let person = |index: usize| Person {
            id: PersonId(index.to_string()),
            role: Role::Pupil,
            school: None,
            year: None,
            class: None,
            names: Names { given: "Ada".to_owned(), family: name.to_owned(), ..Names::default() },
            addresses: Vec::new(),
            pupils: Vec::new(),
        };
        Roll::new((0..number).map(person).collect())
    }

    fn with_word(roll: &RollInForce, word: &str) -> usize {
        roll.people().roll().by_name_word(word).count()
    }

    #[test]
    fn a_reload_replaces_the_whole_roll_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.roll");
        file::write(&path, &family("Ash", 300)).unwrap();
        let roll = RollInForce::start(Some(path.clone())).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut sweeps = 0;
                        while !over.load(Ordering::Relaxed) || sweeps == 0 {
                            let people = roll.people();
                            let [ash, elm] =
                                ["ash", "elm"].map(|word| people.roll().by_name_word(word).count());
                            assert!(matches!((ash, elm), (300, 0) | (0, 200)), "{ash} and {elm}");
                            sweeps += 1;
                        }
                    })
                })
                .collect();
            for round in 0..20 {
                let next = if round % 2 == 0 { family("Elm", 200) } else { family("Ash", 300) };
                file::write(&path, &next).unwrap();
                assert_eq!(roll.reload().unwrap(), Some(next.len()));
            }
            over.store(true, Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
    }

    /// How often a text names somebody on the roll in force, as a sweep asks it.
    fn named(roll: &RollInForce, text: &str) -> usize {
        let (people, mut hits) = (roll.people(), Vec::new());
        let full = names::Wanted { full: true, ..names::Wanted::default() };
        names::find(text, names::TextKind::Running, people.roll(), full, 100, &mut hits);
        hits.len()
    }

    #[test]
    fn messages_are_judged_with_the_old_roll_while_the_new_one_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, next) = (folder.path().join("people.roll"), folder.path().join("next.roll"));
        file::write(&path, &family("Ash", 1)).unwrap();
        file::write(&next, &family("Elm", 1)).unwrap();
        let roll = RollInForce::start(Some(path.clone())).unwrap();
        fs::remove_file(&path).unwrap();
        let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR);
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).unwrap();
        std::thread::scope(|scope| {
            let reload = scope.spawn(|| roll.reload());
            // Opens when the reload reads at the other end, and holds it there.
            let mut writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let text = "Ada Ash met Ada Elm.";
            let (first, rest) = {
                let bytes = fs::read(&next).unwrap();
                let (first, rest) = bytes.split_at(bytes.len() / 2);
                (first.to_vec(), rest.to_vec())
            };
            for piece in [first, rest] {
                for _ in 0..100 {
                    assert_eq!(named(&roll, text), 1);
                    assert_eq!((with_word(&roll, "ash"), with_word(&roll, "elm")), (1, 0));
                }
                std::io::Write::write_all(&mut writer, &piece).unwrap();
            }
            drop(writer);
            assert_eq!(reload.join().unwrap().unwrap(), Some(1));
        });
        assert_eq!((with_word(&roll, "ash"), with_word(&roll, "elm")), (0, 1));
        assert_eq!(named(&roll, "Ada Ash met Ada Elm."), 1);
    }

    #[test]
    fn a_roll_that_does_not_load_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.roll");
        assert_eq!(
            with_word(&RollInForce::start(Some(path.clone())).unwrap(), "ada"),
            0,
            "none imported yet"
        );
        file::write(&path, &family("Ash", 3)).unwrap();
        file::write(&path, &family("Elm", 2)).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let roll = RollInForce::start(Some(path.clone())).unwrap();

        let good = fs::read(&path).unwrap();
        let flipped = [&good[..good.len() - 1], &[good[good.len() - 1] ^ 1]].concat();
        for bad in [&good[..good.len() - 9], &flipped[..], &good[1..], b"", b"mailwarden roll 1\nshort"] {
            fs::write(&path, bad).unwrap();
            let told = roll.reload().unwrap_err().to_string();
            assert!(told.contains("people.roll") && !told.contains("Elm"), "{told}");
            assert_eq!(with_word(&roll, "elm"), 2);
            assert_eq!(
                with_word(&RollInForce::start(Some(path.clone())).unwrap(), "ash"),
                3,
                "the one before"
            );
        }
        fs::remove_file(&path).unwrap();
        assert!(roll.reload().unwrap_err().is_missing(), "a roll that vanished is no empty one");
        assert_eq!(with_word(&roll, "elm"), 2);

        fs::write(&path, b"damaged").unwrap();
        file::write(&path, &family("Oak", 1)).unwrap();
        assert_eq!(
            file::load(&file::previous(&path)).unwrap().len(),
            3,
            "a damaged roll is no good one to keep"
        );
        fs::write(&path, b"damaged").unwrap();
        fs::remove_file(file::previous(&path)).unwrap();
        assert!(RollInForce::start(Some(path)).is_err(), "starting without the names that there are");
    }

    #[test]
    fn an_import_that_was_cut_short_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.roll");
        fs::write(folder.path().join("people.roll.new"), b"half").unwrap();
        file::write(&path, &family("Ash", 3)).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["people.roll"]);
        let held = fs::File::open(folder.path()).unwrap();
        held.lock().unwrap();
        assert!(matches!(file::write(&path, &family("Elm", 3)), Err(RollError::Busy(_))));
    }
}
