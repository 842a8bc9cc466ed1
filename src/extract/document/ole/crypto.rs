//! Office encryption ([MS-OFFCRYPTO]): how a file is encrypted, and whether a password opens it: Office's own, or one that it is given.

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::extract::document::bytes::{size_at, slice_at, u16_at, u32_at, u64_at, up_to};
use crate::extract::document::reading::{Reading, Stop};

/// The password that Excel tries by itself ([MS-OFFCRYPTO] 2.4.2.3, "VelvetSweatshop").
pub(super) const DEFAULT_PASSWORD: &str = "VelvetSweatshop";
/// The most rounds of hashing that are done for a password: ten times what Office does by default.
const MOST_ROUNDS: u32 = 1_000_000;
/// The rounds of standard encryption ([MS-OFFCRYPTO] 2.3.4.7).
const STANDARD_ROUNDS: u32 = 50_000;
/// How many rounds pass between two looks at the clock.
const ROUNDS: u32 = 10_000;

/// The hash functions that encrypted documents may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its name in agile encryption ([MS-OFFCRYPTO] 2.3.4.10).
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "MD5" => Some(Self::Md5),
            "SHA1" | "SHA-1" => Some(Self::Sha1),
            "SHA256" | "SHA-256" => Some(Self::Sha256),
            "SHA384" | "SHA-384" => Some(Self::Sha384),
            "SHA512" | "SHA-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The hash of pieces one after the other.
    pub fn of(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn hash<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            pieces.iter().for_each(|piece| digest.update(piece));
            digest.finalize().to_vec()
        }
        match self {
            Self::Md5 => hash::<Md5>(pieces),
            Self::Sha1 => hash::<Sha1>(pieces),
            Self::Sha256 => hash::<Sha256>(pieces),
            Self::Sha384 => hash::<Sha384>(pieces),
            Self::Sha512 => hash::<Sha512>(pieces),
        }
    }

    /// The hash of salt and password, hashed over and over with a counter ([MS-OFFCRYPTO] 2.3.4.7, 2.3.4.11).
    ///
    /// # Errors
    /// When the time is over.
    pub fn spun(
        self,
        salt: &[u8],
        password: &[u8],
        rounds: u32,
        reading: &Reading<'_>,
    ) -> Result<Vec<u8>, Stop> {
        let mut hash = self.of(&[salt, password]);
        for round in 0..rounds {
            if round.is_multiple_of(ROUNDS) {
                reading.may_go_on()?;
            }
            hash = self.of(&[&round.to_le_bytes(), &hash]);
        }
        Ok(hash)
    }
}

/// The password as the key derivations want it.
fn password_bytes(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Decrypts whole blocks with AES: chained where there is an initial vector (CBC), else each by itself (ECB). None where
/// the key has no length of AES.
pub(super) fn aes(key: &[u8], vector: Option<&[u8]>, bytes: &[u8]) -> Option<Vec<u8>> {
    fn run<C: BlockCipherDecrypt + KeyInit>(
        key: &[u8],
        vector: Option<&[u8]>,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let cipher = C::new_from_slice(key).ok()?;
        let mut last: Option<Vec<u8>> = vector.map(|vector| up_to(vector, 0, 16).to_vec());
        let mut out = Vec::with_capacity(bytes.len());
        for packed in bytes.chunks_exact(16) {
            let mut block = packed.try_into().ok()?;
            cipher.decrypt_block(&mut block);
            match &mut last {
                Some(last) => {
                    out.extend(block.iter().zip(last.iter()).map(|(byte, mask)| byte ^ mask));
                    packed.clone_into(last);
                }
                None => out.extend_from_slice(&block),
            }
        }
        Some(out)
    }
    match key.len() {
        16 => run::<Aes128>(key, vector, bytes),
        24 => run::<Aes192>(key, vector, bytes),
        32 => run::<Aes256>(key, vector, bytes),
        _ => None,
    }
}

/// The cipher RC4, as far as it has run. Weak; old documents use it, and that is all it is here for.
pub(super) struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    pub fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (value, slot) in (0..=u8::MAX).zip(&mut state) {
            *slot = value;
        }
        let mut j = 0_u8;
        for (index, byte) in (0..256_usize).zip(key.iter().cycle()) {
            j = j.wrapping_add(state.get(index).copied().unwrap_or(0)).wrapping_add(*byte);
            state.swap(index, usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    /// Decrypts in place.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.next();
        }
    }

    fn next(&mut self) -> u8 {
        let at = |state: &[u8; 256], index: u8| state.get(usize::from(index)).copied().unwrap_or(0);
        self.i = self.i.wrapping_add(1);
        self.j = self.j.wrapping_add(at(&self.state, self.i));
        self.state.swap(usize::from(self.i), usize::from(self.j));
        at(&self.state, at(&self.state, self.i).wrapping_add(at(&self.state, self.j)))
    }
}

/// How an RC4-encrypted legacy document makes the key of each of its blocks, once the password is known to be right.
pub(super) enum BlockKeys {
    /// 40-bit RC4 ([MS-OFFCRYPTO] 2.3.6.2): the first five bytes of a hash.
    Short([u8; 5]),
    /// RC4 of the CryptoAPI ([MS-OFFCRYPTO] 2.3.5.2): a hash, and the length of keys in bytes.
    CryptoApi(Vec<u8>, usize),
}

impl BlockKeys {
    /// The keys that a password gives for an encryption header of version 1.1 (40-bit RC4) or 2.2 to 4.2 (CryptoAPI),
    /// `version` included; none where it is another.
    pub fn by(header: &[u8], password: &str) -> Option<Self> {
        let password = password_bytes(password);
        if u32_at(header, 0)? == 0x0001_0001 {
            let (salt, verifier) = (slice_at(header, 4, 16)?, slice_at(header, 20, 32)?);
            let hash = Hash::Md5.of(&[&password]);
            let short = up_to(&hash, 0, 5);
            let salted: Vec<u8> = [short, salt].concat().repeat(16);
            let keys = Self::Short(up_to(&Hash::Md5.of(&[&salted]), 0, 5).try_into().ok()?);
            return keys.fits(Hash::Md5, verifier).then_some(keys);
        }
        let length = size_at(header, 8)?;
        let bits = u32_at(header, 12 + 16)?;
        let verifier = header.get(12_usize.checked_add(length)?..)?;
        let salt = slice_at(verifier, 4, 16)?;
        let hash = Hash::Sha1.of(&[salt, &password]);
        let keys = Self::CryptoApi(hash, usize::try_from(if bits == 0 { 40 } else { bits }).ok()? / 8);
        let proof = [slice_at(verifier, 20, 16)?, slice_at(verifier, 40, 20)?].concat();
        keys.fits(Hash::Sha1, &proof).then_some(keys)
    }

    /// The cipher at the beginning of a block.
    pub fn cipher(&self, block: u32) -> Rc4 {
        let number = block.to_le_bytes();
        match self {
            Self::Short(hash) => Rc4::new(&Hash::Md5.of(&[hash, &number])),
            Self::CryptoApi(hash, length) => {
                let key = Hash::Sha1.of(&[hash, &number]);
                let mut key = up_to(&key, 0, *length).to_vec();
                // A key of 40 bits is filled up with zeros to 128 ([MS-OFFCRYPTO] 2.3.5.2).
                if *length == 5 {
                    key.resize(16, 0);
                }
                Rc4::new(&key)
            }
        }
    }

    /// Whether a verifier of 16 bytes and its hash, encrypted one after the other, fit.
    fn fits(&self, hash: Hash, proof: &[u8]) -> bool {
        let mut proof = proof.to_vec();
        self.cipher(0).apply(&mut proof);
        let (verifier, stated) = (up_to(&proof, 0, 16), proof.get(16..).unwrap_or_default());
        !stated.is_empty() && hash.of(&[verifier]) == stated
    }
}

/// Whether an encryption header of a legacy document names a cipher that is broken easily: RC4 of 40 bits.
pub(super) fn is_weak(header: &[u8]) -> bool {
    u32_at(header, 0) == Some(0x0001_0001) || matches!(u32_at(header, 12 + 16), Some(0 | 40))
}

/// About how many rounds of hashing a password of a package takes.
pub(in crate::extract::document) fn rounds(info: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(info);
    let stated = element(&text, "encryptedKey").and_then(|key| attribute(key, "spinCount")?.parse().ok());
    stated.unwrap_or(u64::from(STANDARD_ROUNDS))
}

/// The package inside `EncryptedPackage`, where the password opens it ([MS-OFFCRYPTO] 2.3.4).
///
/// # Errors
/// When the time is over.
pub(super) fn open_package(
    info: &[u8],
    packed: &[u8],
    password: &str,
    reading: &Reading<'_>,
) -> Result<Option<Vec<u8>>, Stop> {
    let password = password_bytes(password);
    let package = match (u16_at(info, 0), u16_at(info, 2)) {
        (Some(4), Some(4)) => agile(info.get(8..).unwrap_or_default(), packed, &password, reading)?,
        (Some(2..=4), Some(2)) => standard(info.get(4..).unwrap_or_default(), packed, &password, reading)?,
        _ => None,
    };
    Ok(package)
}

/// Standard encryption ([MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.9): AES without chaining.
fn standard(
    info: &[u8],
    packed: &[u8],
    password: &[u8],
    reading: &Reading<'_>,
) -> Result<Option<Vec<u8>>, Stop> {
    let parsed = (|| {
        let length = size_at(info, 4)?;
        let bits = usize::try_from(u32_at(info, 8 + 16)?).ok()?;
        let verifier = info.get(8_usize.checked_add(length)?..)?;
        Some((bits / 8, slice_at(verifier, 4, 16)?, slice_at(verifier, 20, 16)?, slice_at(verifier, 40, 32)?))
    })();
    let Some((length, salt, proof, proof_hash)) = parsed else { return Ok(None) };
    let spun = Hash::Sha1.spun(salt, password, STANDARD_ROUNDS, reading)?;
    let last = Hash::Sha1.of(&[&spun, &0_u32.to_le_bytes()]);
    let mixed = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(&last).for_each(|(byte, mask)| *byte ^= mask);
        Hash::Sha1.of(&[&block])
    };
    let key = [mixed(0x36), mixed(0x5c)].concat();
    let key = up_to(&key, 0, length);
    let opened = (|| {
        let hash = Hash::Sha1.of(&[&aes(key, None, proof)?]);
        let stated = aes(key, None, proof_hash)?;
        if up_to(&stated, 0, hash.len()) != hash {
            return None;
        }
        let mut package = aes(key, None, packed.get(8..)?)?;
        package.truncate(usize::try_from(u64_at(packed, 0)?).ok()?);
        Some(package)
    })();
    Ok(opened)
}

/// What agile encryption says of a key in its XML.
struct AgileKey {
    salt: Vec<u8>,
    block: usize,
    length: usize,
    hash: Hash,
}

/// Agile encryption ([MS-OFFCRYPTO] 2.3.4.10 to 2.3.4.15): AES, chained within segments of 4096 bytes.
fn agile(xml: &[u8], packed: &[u8], password: &[u8], reading: &Reading<'_>) -> Result<Option<Vec<u8>>, Stop> {
    let text = String::from_utf8_lossy(xml);
    let key_of = |element: &str| {
        let value = |name: &str| attribute(element, name);
        Some(AgileKey {
            salt: base64(value("saltValue")?)?,
            block: value("blockSize")?.parse().ok()?,
            length: value("keyBits")?.parse::<usize>().ok()? / 8,
            hash: Hash::named(value("hashAlgorithm")?)?,
        })
    };
    let parsed = (|| {
        let (data, sealed) = (element(&text, "keyData")?, element(&text, "encryptedKey")?);
        let rounds =
            attribute(sealed, "spinCount")?.parse::<u32>().ok().filter(|&rounds| rounds <= MOST_ROUNDS)?;
        Some((sealed, rounds, key_of(data)?, key_of(sealed)?))
    })();
    let Some((sealed, rounds, data, encryptor)) = parsed else { return Ok(None) };
    let spun = encryptor.hash.spun(&encryptor.salt, password, rounds, reading)?;
    let opened = (|| {
        let unlock = |name: &str, block: [u8; 8]| {
            let key = fitted(&encryptor.hash.of(&[&spun, &block]), encryptor.length);
            aes(&key, Some(&fitted(&encryptor.salt, encryptor.block)), &base64(attribute(sealed, name)?)?)
        };
        let proof = unlock("encryptedVerifierHashInput", [0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79])?;
        let stated = unlock("encryptedVerifierHashValue", [0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e])?;
        let hash = encryptor.hash.of(&[up_to(&proof, 0, encryptor.salt.len())]);
        if up_to(&stated, 0, hash.len()) != hash {
            return None;
        }
        let key = unlock("encryptedKeyValue", [0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6])?;
        let key = up_to(&key, 0, data.length).to_vec();
        let mut package = Vec::with_capacity(packed.len());
        for (number, segment) in (0_u32..).zip(packed.get(8..)?.chunks(4096)) {
            let vector = fitted(&data.hash.of(&[&data.salt, &number.to_le_bytes()]), data.block);
            package.extend(aes(&key, Some(&vector), segment)?);
        }
        package.truncate(usize::try_from(u64_at(packed, 0)?).ok()?);
        Some(package)
    })();
    Ok(opened)
}

/// A hash cut to a length, or filled up with 0x36 to it ([MS-OFFCRYPTO] 2.3.4.11). Keys and blocks are short.
fn fitted(hash: &[u8], length: usize) -> Vec<u8> {
    let mut fitted = hash.to_vec();
    fitted.resize(length.min(64), 0x36);
    fitted
}

/// The start tag of the first element of that local name. The XML is a header of known shape, written by programs.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let begins = xml.match_indices(name).find(|(at, _)| {
        xml.get(..*at).is_some_and(|before| before.ends_with(['<', ':']) && !before.ends_with("</"))
    })?;
    let rest = xml.get(begins.0..)?;
    rest.get(..rest.find('>')?)
}

fn attribute<'x>(element: &'x str, name: &str) -> Option<&'x str> {
    let mut from = 0;
    loop {
        let at = from + element.get(from..)?.find(name)?;
        from = at + name.len();
        let Some(rest) = element.get(from..)?.trim_start().strip_prefix('=') else { continue };
        if element.get(..at)?.ends_with(char::is_whitespace) {
            let rest = rest.trim_start();
            let quote = rest.chars().next()?;
            return rest.get(1..)?.split(quote).next();
        }
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    mail_parser::decoders::base64::base64_decode(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_gives_the_known_stream() {
        // The first vector of RFC 6229: key 0x0102030405, offset 0.
        let mut bytes = [0; 16];
        Rc4::new(&[1, 2, 3, 4, 5]).apply(&mut bytes);
        assert_eq!(bytes[..4], [0xb2, 0x39, 0x63, 0x05]);
    }

    #[test]
    fn attributes_are_found_by_their_whole_names() {
        let tag = element(
            r#"<a xmlns:p="u"><p:encryptedKey xspinCount="1" spinCount="100000" b='2'/></a>"#,
            "encryptedKey",
        );
        assert_eq!(attribute(tag.unwrap(), "spinCount"), Some("100000"));
        assert_eq!(attribute(tag.unwrap(), "b"), Some("2"));
        assert_eq!(attribute(tag.unwrap(), "c"), None);
    }
}
