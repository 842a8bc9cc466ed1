//! Joins the lines of `format=flowed` text to paragraphs (RFC 3676). Changes no other text.

/// What a flowed text's own declaration says of its soft line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SoftSpace {
    /// The space before a soft line break is part of the text.
    Kept,
    /// It is not (`delsp=yes`, §4.1).
    Deleted,
}

/// Undoes soft line breaks and space-stuffing. Quoted lines begin with one `>` for each level, and a space.
pub(super) fn unwrap(text: &str, soft: SoftSpace) -> String {
    let mut out = String::with_capacity(text.len());
    // The quote depth of the paragraph that the last line left open.
    let mut open: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let depth = line.bytes().take_while(|&byte| byte == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        // §4.3: the signature's mark is never flowed. §4.5: depth that changes ends a paragraph.
        let is_mark = content == "-- ";
        if open.take_if(|last| *last != depth || is_mark).is_some() {
            out.push('\n');
        }
        if open.is_none() && depth > 0 {
            out.extend(std::iter::repeat_n('>', depth));
            out.push(' ');
        }
        let flows = content.ends_with(' ') && !is_mark;
        let kept = match soft {
            SoftSpace::Deleted if flows => content.strip_suffix(' ').unwrap_or(content),
            _ => content,
        };
        out.push_str(kept);
        if flows {
            open = Some(depth);
        } else {
            open = None;
            out.push('\n');
        }
    }
    out
}
