//! Copies of a file that are changed at random, the same each time.

/// The copy of that number: one to four changes, such as damage and malice make.
pub fn changed(name: &str, bytes: &[u8], copy: u64) -> Vec<u8> {
    let mut dice = Dice::new(name, copy);
    let mut changed = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut changed, &mut dice);
    }
    changed
}

fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let length = bytes.len().max(1);
    let at = dice.below(length).min(bytes.len());
    let longest = 1 << dice.below(8);
    let run = 1 + dice.below(longest);
    let end = (at + run).min(bytes.len());
    match dice.below(8) {
        0 | 1 => bytes[at..end].iter_mut().for_each(|byte| *byte = dice.byte()),
        2 => {
            let filling = [0, 0xff, 0x80, b' ', b'9', b'('][dice.below(6)];
            bytes[at..end].fill(filling);
        }
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let to = dice.below(length).min(bytes.len());
            bytes.splice(to..to, copy);
        }
        5 => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << dice.below(8)),
        // A number made larger: most counts and lengths are digits somewhere.
        6 => {
            if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + dice.byte() % 10;
            }
        }
        _ => {
            let number = [u32::MAX, 0x7fff_ffff, 0x8000_0000, 0xffff, 0][dice.below(5)].to_le_bytes();
            for (slot, byte) in bytes[at..].iter_mut().zip(number) {
                *slot = byte;
            }
        }
    }
}

/// Numbers that are the same for the same file and copy (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new(name: &str, copy: u64) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self((seed ^ copy.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() & 0xff) as u8
    }
}
