//! A stretch of a manual that a test makes: between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

/// Compares the stretch with what was measured; MAILWARDEN_BLESS=1 writes it.
pub fn hold(file: &str, name: &str, text: &str) {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    let manual = std::fs::read_to_string(file).expect("the manual");
    let (head, rest) = manual.split_once(&begin).expect("where the stretch begins");
    let (before, tail) = rest.split_once(&end).expect("where the stretch ends");
    let fresh = format!("\n{}\n\n", text.trim());
    if std::env::var_os("MAILWARDEN_BLESS").is_some() {
        std::fs::write(file, format!("{head}{begin}{fresh}{end}{tail}")).expect("writing the manual");
        return;
    }
    assert_eq!(
        before, fresh,
        "{file} tells other figures than are measured; MAILWARDEN_BLESS=1 accepts them"
    );
}
