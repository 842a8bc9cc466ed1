//! `make run` at a terminal: it shows the samples, follows the log, and ends calmly at Ctrl-C.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::support::free_port;

#[test]
fn ctrl_c_ends_it_without_an_error() {
    let folder = tempfile::Builder::new().prefix("mailwarden-test-").tempdir().unwrap();
    // Postfix's users must reach their maildirs.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_mailwarden"), folder.path().join("release/mailwarden")).unwrap();
    let makefile = folder.path().join("Makefile");
    fs::write(&makefile, "run:\n\t@scripts/run\n").unwrap();
    // util-linux's `script` gives it a terminal.
    let mut at_terminal = Command::new("script")
        .args(["-qec", &format!("make -f {}", makefile.display()), "/dev/null"])
        .env("CARGO_TARGET_DIR", folder.path())
        .env("RUN_DIRECTORY", folder.path().join("run"))
        .env("RUN_PORT", free_port().to_string())
        .env_remove("RUN_ONCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (at_terminal.stdin.take().unwrap(), at_terminal.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut pressed = false;
    let mut piece = [0; 4096];
    loop {
        let length = screen.read(&mut piece).unwrap();
        if length == 0 {
            break;
        }
        shown.extend_from_slice(&piece[..length]);
        if !pressed && String::from_utf8_lossy(&shown).contains("Ctrl-C stops everything") {
            keys.write_all(b"\x03").unwrap();
            pressed = true;
        }
    }
    let status = at_terminal.wait().unwrap();
    let shown = String::from_utf8_lossy(&shown);
    assert!(status.success() && pressed, "{status}:\n{shown}");
    assert!(shown.contains("9-confidential-in-body") && shown.contains("stopped."), "{shown}");
    assert!(!shown.contains("Error"), "{shown}");
}
