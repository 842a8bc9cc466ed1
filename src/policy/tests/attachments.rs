//! Attachments, judged by what they are.

use super::*;

/// Whether an example with those attachments meets the condition, by the policy's own check of examples.
fn attached(condition: &str, attachments: &str) -> bool {
    let example = format!("[[rule.example]]\nexpect = \"match\"\nattachments = {attachments}\n");
    let conditions = format!("[rule.if]\nattachment = {condition}");
    policy(&[rule("r", &conditions, "hold") + &example]).check_examples().is_empty()
}

#[test]
fn attachments_are_judged_by_what_they_are() {
    const SHEET: &str = r#"{ name = "marks.xlsx", protection = "encrypted", coverage = ["encrypted"] }"#;
    const ZIP: &str = r#"{ name = "work.zip", protection = "partly", inside = ["a.docx", { name = "b.scr", kind = "pe" }] }"#;
    // Condition, attachments, whether it holds.
    let cases = [
        (r#"{ kind = ["xlsx"] }"#, format!("[{SHEET}]"), true),
        (r#"{ kind = ["spreadsheet"], protection = ["encrypted"] }"#, format!("[{SHEET}]"), true),
        (r#"{ kind = ["document"] }"#, format!("[{SHEET}]"), false),
        (r#"{ protection = ["none"] }"#, format!("[{SHEET}]"), false),
        (r#"{ protection = ["none"] }"#, r#"["letter.docx"]"#.to_owned(), true),
        (r#"{ coverage = ["encrypted"] }"#, format!("[{SHEET}]"), true),
        (r#"{ coverage = ["damaged"] }"#, format!("[{SHEET}]"), false),
        (r#"{ kind = ["program"] }"#, format!("[{ZIP}]"), true),
        (r#"{ kind = ["program"], inside = "no" }"#, format!("[{ZIP}]"), false),
        (r#"{ kind = ["archive"], inside = "no" }"#, format!("[{ZIP}]"), true),
        (r#"{ name = ["b.scr"], inside = "yes" }"#, format!("[{ZIP}]"), true),
        (r#"{ count = { at-least = 4 } }"#, format!("[{ZIP}]"), false),
        (r#"{ count = { at-least = 3 } }"#, format!("[{ZIP}]"), true),
        (
            r#"{ fact = ["name-hides-kind"] }"#,
            r#"[{ name = "letter.pdf.exe", kind = "pe" }]"#.to_owned(),
            true,
        ),
        (r#"{ fact = ["macros"] }"#, r#"["letter.docx"]"#.to_owned(), false),
        (r#"{ size = { at-least = "5 MB" } }"#, r#"[{ name = "a.mp4", size = "6 MB" }]"#.to_owned(), true),
        (r#"{ size = { at-least = "5 MB" } }"#, r#"[{ name = "a.mp4", size = "4 MB" }]"#.to_owned(), false),
    ];
    for (condition, attachments, holds) in cases {
        assert_eq!(attached(condition, &attachments), holds, "{condition} with {attachments}");
    }
}

#[test]
fn findings_say_which_file_it_was() {
    let conditions = "[rule.if]\nattachment = { kind = [\"program\"] }";
    let policy = policy(&[rule("r", conditions, "hold")]);
    let mut draft = outbound().text(Zone::Filename, 1, "work.zip\nwork.zip/a.docx\nwork.zip/b.scr");
    let part = PartPath::root().child(1);
    for (kind, entry) in
        [(Kind::Zip, None), (Kind::Docx, Some("work.zip/a.docx")), (Kind::Pe, Some("work.zip/b.scr"))]
    {
        let mut item = Item::new(kind, None, 10);
        item.entry = entry.map(str::to_owned);
        draft.files.push(File { part: part.clone(), item, gaps: Vec::new() });
    }
    let verdict = draft.decide(&policy);
    let found: Vec<_> = verdict.findings.iter().map(|one| (one.entity.as_str(), one.span)).collect();
    assert_eq!(found, [("pe", Span { start: 25, end: 39 })]);
}
