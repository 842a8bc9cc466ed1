//! What an inline style says of whether text can be seen. Knows no other property, and no style sheet.

/// What a `style` attribute does to the text in its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Style {
    /// Nobody sees the element, whatever is inside.
    pub hidden: bool,
    /// The text is too small to see, where no inner element sets another size.
    pub tiny: bool,
    /// The text has a size of its own that can be read.
    pub readable: bool,
    /// White space is kept.
    pub preformatted: bool,
    /// `border: none`: an indented block, no quotation.
    pub borderless: bool,
}

/// Reads a `style` attribute.
pub(super) fn read(style: &str) -> Style {
    let mut out = Style::default();
    let mut clipped = false;
    let mut flat = false;
    for declaration in style.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let value = value.trim();
        let is =
            |wanted: &str| value.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted));
        match name.trim() {
            name if name.eq_ignore_ascii_case("display") => out.hidden |= is("none"),
            name if name.eq_ignore_ascii_case("visibility") => out.hidden |= is("hidden") || is("collapse"),
            name if name.eq_ignore_ascii_case("mso-hide") => out.hidden |= is("all"),
            name if name.eq_ignore_ascii_case("opacity") => {
                out.hidden |= number(value).is_some_and(|size| size < 0.05);
            }
            name if name.eq_ignore_ascii_case("font-size") => {
                let size = number(value);
                out.tiny = size.is_some_and(|size| size <= 1.0 && !is_relative(value) || size < 0.05);
                out.readable = !out.tiny && !is_relative(value);
            }
            name if name.eq_ignore_ascii_case("white-space") => out.preformatted = is("pre"),
            name if name.eq_ignore_ascii_case("border") => {
                out.borderless = is("none") || number(value) == Some(0.0);
            }
            name if name.eq_ignore_ascii_case("overflow") => clipped = is("hidden"),
            name if name.eq_ignore_ascii_case("max-height") || name.eq_ignore_ascii_case("height") => {
                flat |= number(value) == Some(0.0);
            }
            _ => {}
        }
    }
    out.hidden |= clipped && flat;
    out
}

/// The number that a value starts with.
fn number(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

/// Whether a size is in terms of the surrounding one.
fn is_relative(value: &str) -> bool {
    let value = value.trim_end_matches("!important").trim_end();
    value.ends_with('%') || (value.ends_with("em") && !value.ends_with("rem"))
}
