//! A gzip bomb, written bit by bit: a few hundred KiB of repetition.

use std::sync::OnceLock;

/// What the bomb unpacks to: 64 MiB of spaces, rounded up to whole repetitions.
const REPETITIONS: usize = (64 << 20) / LONGEST_MATCH;
/// The longest repetition that deflate can express (RFC 1951 §3.2.5).
const LONGEST_MATCH: usize = 258;

/// The bomb, made once.
pub(crate) fn bomb() -> Vec<u8> {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| spaces(REPETITIONS)).clone()
}

/// `1 + 258 × repetitions` spaces as a gzip file (RFC 1952).
fn spaces(repetitions: usize) -> Vec<u8> {
    let length = 1 + repetitions * LONGEST_MATCH;
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(deflate(repetitions));
    file.extend(crc32_of_spaces(length).to_le_bytes());
    let length_mod_4_gib = u32::try_from(length & 0xffff_ffff).unwrap_or(u32::MAX);
    file.extend(length_mod_4_gib.to_le_bytes());
    file
}

/// One block in fixed Huffman codes (RFC 1951 §3.2.6): a space, then "258 bytes from 1 byte ago" over and over.
fn deflate(repetitions: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push_low_first(0b011, 3);
    bits.push_code(0x30 + u32::from(b' '), 8);
    for _ in 0..repetitions {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push_low_first(&mut self, value: u32, count: u32) {
        for shift in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from((value >> shift) & 1 == 1) << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Huffman codes are packed with their first bit first, unlike every other field.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push_low_first(code.reverse_bits() >> (32 - count), count);
    }
}

fn crc32_of_spaces(length: usize) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|index| (0..8).fold(index, |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())))
        .collect();
    let crc = (0..length).fold(u32::MAX, |crc, _| {
        let index = usize::from(crc.to_le_bytes()[0] ^ b' ');
        (crc >> 8) ^ table[index]
    });
    !crc
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::{LONGEST_MATCH, bomb, spaces};

    #[test]
    fn the_file_is_gzip_and_unpacks_to_spaces() {
        let mut text = String::new();
        GzDecoder::new(spaces(1000).as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, " ".repeat(1 + 1000 * LONGEST_MATCH));
    }

    #[test]
    fn the_bomb_grows_over_a_hundredfold() {
        let bomb = bomb();
        let unpacked = u32::from_le_bytes(bomb[bomb.len() - 4..].try_into().unwrap());
        assert!(unpacked > 60 << 20 && bomb.len() < 512 << 10, "{} to {unpacked}", bomb.len());
    }
}
