//! Every cap that protects the process from what a message or a peer can do. Plain numbers, never behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The caps in force. Each has a default that suits a school; the configuration's `[limits]` may change any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// Largest milter frame that is accepted, in bytes. Postfix sends body chunks of at most 65,535 bytes.
    pub frame_bytes: usize,
    /// Largest header of one message, all fields together, in bytes.
    pub header_bytes: usize,
    /// Most header fields of one message.
    pub header_fields: usize,
    /// Most recipients of one message.
    pub recipients: usize,
    /// Bytes of one message's body that are kept in memory; what is beyond goes to an unlinked temporary file.
    pub body_in_memory_bytes: usize,
    /// Bytes of bodies that all messages together may keep in memory; past it, bodies go to temporary files.
    pub bodies_in_memory_bytes: usize,
    /// Largest message that is parsed, in bytes. Of a larger one, this many bytes are read and the coverage says so.
    pub message_bytes: usize,
    /// Deepest nesting of multiparts and messages that is followed.
    pub mime_depth: usize,
    /// Most parts of one message that are looked at.
    pub mime_parts: usize,
    /// Most bytes of decoded text that are swept in one message.
    pub text_bytes: usize,
    /// Most bytes of decoded text that are swept in one part.
    pub part_text_bytes: usize,
    /// Most hits of one detector that are kept for one message.
    pub hits: usize,
    /// Deepest nesting of files in files that is followed: archives in archives, documents in mail in archives.
    pub document_depth: usize,
    /// Most files inside one attachment that are looked at, at all depths together.
    pub document_entries: usize,
    /// Most bytes that one file inside another may unpack to.
    pub entry_bytes: u64,
    /// Most bytes that all files inside one attachment may unpack to, at all depths together.
    pub expanded_bytes: u64,
    /// Most bytes that a file may unpack to for each byte that it is packed in, past `expansion-free-bytes`.
    pub expansion_ratio: u64,
    /// Bytes that a file may unpack to whatever it is packed in: small files of much white space are no bombs.
    pub expansion_free_bytes: u64,
    /// Longest time that reading one attachment may take, in milliseconds.
    pub document_milliseconds: u64,
    /// Most memory that reading one attachment may take, in bytes.
    pub document_memory_bytes: u64,
    /// Longest time that one message's sweep may take, in milliseconds.
    pub scan_milliseconds: u64,
    /// Most milter connections at once.
    pub connections: usize,
    /// Longest silence on a milter connection before it is closed, in seconds. Postfix keeps idle ones open.
    pub idle_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 1 << 20,
            header_bytes: 1 << 20,
            header_fields: 2_000,
            recipients: 50_000,
            body_in_memory_bytes: 32 << 20,
            bodies_in_memory_bytes: 64 << 20,
            message_bytes: 100 << 20,
            mime_depth: 20,
            mime_parts: 1_000,
            text_bytes: 16 << 20,
            part_text_bytes: 8 << 20,
            hits: 10_000,
            document_depth: 8,
            document_entries: 10_000,
            entry_bytes: 64 << 20,
            expanded_bytes: 256 << 20,
            expansion_ratio: 200,
            expansion_free_bytes: 8 << 20,
            document_milliseconds: 5_000,
            document_memory_bytes: 1 << 30,
            scan_milliseconds: 10_000,
            connections: 1_000,
            idle_seconds: 600,
        }
    }
}
