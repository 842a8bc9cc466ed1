//! What a file is and how it is protected: plain data that rules test. Never how it was found out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of file, each with its name in rules and `--json`, and its group.
macro_rules! kinds {
    ($($(#[$comment:meta])* $kind:ident, $name:literal, $group:ident;)*) => {
        /// What a file is, by its content.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Kind {
            $($(#[$comment])* #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            /// All kinds, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The kind's name as rules and `--json` write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What people would call it.
            pub const fn group(self) -> KindGroup {
                match self {
                    $(Self::$kind => KindGroup::$group,)*
                }
            }
        }
    };
}

kinds! {
    /// Plain text.
    Text, "text", Text;
    /// Comma- or tab-separated values.
    Csv, "csv", Spreadsheet;
    /// HTML.
    Html, "html", Text;
    /// XML of no known kind.
    Xml, "xml", Text;
    /// JSON.
    Json, "json", Text;
    /// Rich Text Format.
    Rtf, "rtf", Document;
    /// PDF.
    Pdf, "pdf", Document;
    /// PostScript.
    PostScript, "postscript", Document;
    /// Word, Office Open XML; `docm` where it has macros.
    Docx, "docx", Document;
    /// Word with macros.
    Docm, "docm", Document;
    /// Word 97 to 2003.
    Doc, "doc", Document;
    /// Excel, Office Open XML.
    Xlsx, "xlsx", Spreadsheet;
    /// Excel with macros.
    Xlsm, "xlsm", Spreadsheet;
    /// Excel, binary in a package.
    Xlsb, "xlsb", Spreadsheet;
    /// Excel 97 to 2003, and before.
    Xls, "xls", Spreadsheet;
    /// PowerPoint, Office Open XML.
    Pptx, "pptx", Presentation;
    /// PowerPoint with macros.
    Pptm, "pptm", Presentation;
    /// PowerPoint 97 to 2003.
    Ppt, "ppt", Presentation;
    /// An encrypted Office document whose program cannot be told from outside.
    Office, "office", Document;
    /// Publisher.
    Publisher, "publisher", Document;
    /// Visio.
    Visio, "visio", Document;
    /// OneNote.
    OneNote, "onenote", Document;
    /// OpenDocument text.
    Odt, "odt", Document;
    /// OpenDocument spreadsheet.
    Ods, "ods", Spreadsheet;
    /// OpenDocument presentation.
    Odp, "odp", Presentation;
    /// OpenDocument of another kind.
    OpenDocument, "opendocument", Document;
    /// An electronic book.
    Epub, "epub", Document;
    /// A mail message.
    Eml, "eml", Mail;
    /// Outlook's message.
    Msg, "msg", Mail;
    /// Outlook's `winmail.dat`.
    Tnef, "tnef", Mail;
    /// Several messages in a file.
    Mbox, "mbox", Mail;
    /// Outlook's store.
    Pst, "pst", Mail;
    /// A calendar entry.
    Calendar, "calendar", Calendar;
    /// An address card.
    Vcard, "vcard", Contact;
    /// ZIP.
    Zip, "zip", Archive;
    /// 7-Zip.
    SevenZip, "7z", Archive;
    /// RAR, version 4 or 5.
    Rar, "rar", Archive;
    /// tar.
    Tar, "tar", Archive;
    /// gzip.
    Gzip, "gz", Archive;
    /// bzip2.
    Bzip2, "bz2", Archive;
    /// xz.
    Xz, "xz", Archive;
    /// Zstandard.
    Zstd, "zst", Archive;
    /// Microsoft's cabinet.
    Cab, "cab", Archive;
    /// An image of a disc.
    Iso, "iso", Archive;
    /// An archive of another kind, such as LHA, ARJ and ACE, which is known and not opened.
    Archive, "archive", Archive;
    /// PNG.
    Png, "png", Image;
    /// JPEG.
    Jpeg, "jpeg", Image;
    /// GIF.
    Gif, "gif", Image;
    /// WebP.
    Webp, "webp", Image;
    /// TIFF.
    Tiff, "tiff", Image;
    /// Windows bitmap.
    Bmp, "bmp", Image;
    /// HEIF and AVIF, as phones make them.
    Heif, "heif", Image;
    /// SVG.
    Svg, "svg", Image;
    /// An image of another kind.
    Image, "image", Image;
    /// MP3.
    Mp3, "mp3", Audio;
    /// MPEG-4 audio.
    M4a, "m4a", Audio;
    /// WAV.
    Wav, "wav", Audio;
    /// FLAC.
    Flac, "flac", Audio;
    /// Ogg.
    Ogg, "ogg", Audio;
    /// Sound of another kind.
    Audio, "audio", Audio;
    /// MPEG-4 video.
    Mp4, "mp4", Video;
    /// QuickTime.
    Mov, "mov", Video;
    /// AVI.
    Avi, "avi", Video;
    /// Matroska and WebM.
    Mkv, "mkv", Video;
    /// Windows Media, sound or video.
    Wmv, "wmv", Video;
    /// Video of another kind.
    Video, "video", Video;
    /// A program or library for Windows.
    Pe, "pe", Program;
    /// A program or library for Linux and its like.
    Elf, "elf", Program;
    /// A program or library for macOS.
    MachO, "mach-o", Program;
    /// A program for DOS.
    Dos, "dos", Program;
    /// An installer for Windows.
    Msi, "msi", Program;
    /// A Java program.
    Jar, "jar", Program;
    /// An Android program.
    Apk, "apk", Program;
    /// A shortcut for Windows.
    Shortcut, "shortcut", Program;
    /// A web shortcut.
    UrlShortcut, "url", Program;
    /// Compiled HTML help.
    Chm, "chm", Program;
    /// A script that a computer runs.
    Script, "script", Script;
    /// A database of SQLite.
    Sqlite, "sqlite", Database;
    /// A database of Access.
    Access, "access", Database;
    /// OpenPGP: a message, a signature or a key.
    Pgp, "pgp", Crypto;
    /// CMS, as S/MIME uses it.
    Cms, "cms", Crypto;
    /// A certificate or key.
    Key, "key", Crypto;
    /// A font.
    Font, "font", Other;
    /// None of these.
    Unknown, "unknown", Other;
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A family of kinds; rules may name it in place of its kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KindGroup {
    /// Text that needs no reader.
    Text,
    /// Letters and reports.
    Document,
    /// Tables.
    Spreadsheet,
    /// Slides.
    Presentation,
    /// Mail in a file.
    Mail,
    /// Calendar entries.
    Calendar,
    /// Address cards.
    Contact,
    /// Files in a file.
    Archive,
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Film.
    Video,
    /// What a computer runs.
    Program,
    /// What an interpreter runs.
    Script,
    /// Databases.
    Database,
    /// Signatures, keys and sealed messages.
    Crypto,
    /// All else.
    Other,
}

impl KindGroup {
    /// All groups, in the order in which they are documented.
    pub const ALL: [Self; 16] = [
        Self::Text,
        Self::Document,
        Self::Spreadsheet,
        Self::Presentation,
        Self::Mail,
        Self::Calendar,
        Self::Contact,
        Self::Archive,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Program,
        Self::Script,
        Self::Database,
        Self::Crypto,
        Self::Other,
    ];

    /// The group's name as rules write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Document => "document",
            Self::Spreadsheet => "spreadsheet",
            Self::Presentation => "presentation",
            Self::Mail => "mail",
            Self::Calendar => "calendar",
            Self::Contact => "contact",
            Self::Archive => "archive",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Program => "program",
            Self::Script => "script",
            Self::Database => "database",
            Self::Crypto => "crypto",
            Self::Other => "other",
        }
    }
}

/// How a file is protected against being read.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Plain: whoever gets it can read it.
    #[default]
    None,
    /// Signed: readable, and any edit breaks it.
    Signed,
    /// Some of what is inside is encrypted and some is not.
    Partly,
    /// Encrypted: not readable without a password or a key.
    Encrypted,
    /// Not known: damaged, or a kind that nobody knows.
    Unknown,
}

impl Protection {
    /// The protection's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Signed => "signed",
            Self::Partly => "partly",
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something about a file that is neither its kind nor its protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Its name hides what it is: a double ending before a program's (`letter.pdf.exe`), a change of the direction of
    /// writing, many spaces before the ending.
    NameHidesKind,
    /// Its ending belongs to another kind than its content.
    WrongEnding,
    /// It has macros.
    Macros,
    /// It is a page that runs a script which brings a file or sends elsewhere (HTML smuggling), or a PDF that runs one.
    ScriptPayload,
    /// It is encrypted in a way that is broken easily: ZipCrypto, 40-bit RC4, XOR.
    WeakEncryption,
    /// It is encrypted with the password that Office tries by itself, which protects nothing.
    DefaultPassword,
    /// It is encrypted, and a password that stands in the same message opens it.
    PasswordInMessage,
    /// A PDF that opens without a password and only forbids printing or copying, which protects nothing.
    OwnerPasswordOnly,
    /// It has hidden sheets, rows, columns, slides or text.
    HiddenContent,
    /// It has tracked changes, the deleted text among them.
    TrackedChanges,
    /// It has comments.
    Comments,
    /// A PDF with pages that are pictures and no text, such as scans: what they say is not read.
    PicturePages,
    /// It was read as far as it went: damaged or cut short.
    Damaged,
}

impl Fact {
    /// All facts, in the order in which they are documented.
    pub const ALL: [Self; 13] = [
        Self::NameHidesKind,
        Self::WrongEnding,
        Self::Macros,
        Self::ScriptPayload,
        Self::WeakEncryption,
        Self::DefaultPassword,
        Self::PasswordInMessage,
        Self::OwnerPasswordOnly,
        Self::HiddenContent,
        Self::TrackedChanges,
        Self::Comments,
        Self::PicturePages,
        Self::Damaged,
    ];

    /// The fact's name as rules and `--json` write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameHidesKind => "name-hides-kind",
            Self::WrongEnding => "wrong-ending",
            Self::Macros => "macros",
            Self::ScriptPayload => "script-payload",
            Self::WeakEncryption => "weak-encryption",
            Self::DefaultPassword => "default-password",
            Self::PasswordInMessage => "password-in-message",
            Self::OwnerPasswordOnly => "owner-password-only",
            Self::HiddenContent => "hidden-content",
            Self::TrackedChanges => "tracked-changes",
            Self::Comments => "comments",
            Self::PicturePages => "picture-pages",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
