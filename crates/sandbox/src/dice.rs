//! Randomness: ids, signatures, and whether an improbable fault happens.

use ring::rand::{SecureRandom as _, SystemRandom};

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system always has random bytes to give");
    bytes
}

/// A random UUID (RFC 9562 §5.4).
pub(crate) fn uuid() -> String {
    let mut random = u128::from_be_bytes(bytes());
    random &= !(0xf << 76) & !(0b11 << 62);
    random |= (0x4 << 76) | (0b10 << 62);
    let hex = format!("{random:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// True with this probability: never at 0, always at 1.
pub(crate) fn happens(probability: f64) -> bool {
    f64::from(u32::from_be_bytes(bytes())) < probability * (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{happens, uuid};

    #[test]
    fn a_uuid_names_its_version_and_variant() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }

    #[test]
    fn the_certain_happens_and_the_impossible_does_not() {
        assert!((0..1000).all(|_| happens(1.0)));
        assert!(!(0..1000).any(|_| happens(0.0)));
    }
}
