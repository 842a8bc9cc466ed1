//! Whether bytes are OpenPGP packets (RFC 9580 §4), which have no signature of their own. Never reads their content.

/// Whether a packet begins there that makes sense, and another one after it where it can be seen.
pub(super) fn is_packets(head: &[u8]) -> bool {
    let Some(packet) = packet(head) else { return false };
    let follows = packet.end.and_then(|end| head.get(end)).is_none_or(|next| next & 0x80 != 0);
    follows && makes_sense(&packet)
}

/// A packet's beginning.
pub(in crate::extract::document) struct Packet<'x> {
    /// Its type.
    pub tag: u8,
    /// From its body on, to the end of the bytes.
    pub body: &'x [u8],
    /// Where it ends; none for one whose length is not said at its beginning.
    pub end: Option<usize>,
}

/// RFC 9580 §4.2: the old format and the new one.
pub(in crate::extract::document) fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let (first, rest) = bytes.split_first()?;
    let number = |digits: &[u8]| digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
    let old = |octets: usize| Some((number(rest.get(..octets)?), octets, true));
    let (length, octets, whole) = match (first & 0xc0, first & 3) {
        (0x80, 0) => old(1)?,
        (0x80, 1) => old(2)?,
        (0x80, 2) => old(4)?,
        (0x80, _) => (0, 0, false),
        (0xc0, _) => match rest {
            [short @ 0..=191, ..] => (usize::from(*short), 1, true),
            [high @ 192..=223, low, ..] => {
                ((usize::from(*high) - 192) * 256 + usize::from(*low) + 192, 2, true)
            }
            [255, long @ ..] => (number(long.get(..4)?), 5, true),
            [_, ..] => (0, 1, false),
            [] => return None,
        },
        _ => return None,
    };
    let tag = if first & 0x40 == 0 { first >> 2 & 0x0f } else { first & 0x3f };
    Some(Packet {
        tag,
        body: rest.get(octets..)?,
        end: whole.then(|| 1_usize.saturating_add(octets).saturating_add(length)),
    })
}

/// Whether the packet's first bytes are what its type demands (RFC 9580 §5).
fn makes_sense(packet: &Packet<'_>) -> bool {
    match (packet.tag, packet.body) {
        // A session key for somebody's key: versions 3 and 6. The key's number, then its algorithm.
        (1, [3, _, _, _, _, _, _, _, _, algorithm, ..]) => matches!(algorithm, 1..=3 | 16..=22 | 25..=28),
        (1, [6, key, ..]) => matches!(key, 0 | 21 | 33),
        // A signature, version and type.
        (2, [3, 5, ..]) => true,
        (2, [4..=6, class, algorithm, ..]) => {
            matches!(class, 0..=2 | 0x10..=0x1f | 0x20 | 0x28 | 0x30 | 0x40 | 0x50)
                && matches!(algorithm, 1..=30)
        }
        // A session key for a password: version, cipher, way to the key.
        (3, [4, 1..=13, 0..=4, ..]) => true,
        (3, [5 | 6, ..]) => true,
        (4, [3 | 6, 0..=2, ..]) => true,
        // Keys: version, time, algorithm.
        (5 | 6, [4..=6, _, _, _, _, algorithm, ..]) => matches!(algorithm, 1..=3 | 16..=28),
        (8, [3, b'B', b'Z', b'h', ..]) => true,
        (8, [1 | 2, ..]) => packet.end.is_none() || packet.end.is_some_and(|end| end > 16),
        (10, [b'P', b'G', b'P', ..]) => true,
        (18, [1, ..]) | (18, [2, 1..=13, 1..=3, ..]) => true,
        (20, [1, 1..=13, 1..=3, ..]) => true,
        _ => false,
    }
}
