//! A zone's file (RFC 9636), as far as it tells the time: no names, no leap seconds.

use super::{Zone, rule::Rule};

/// The zone in these bytes; none where they are no such file, or one of the first version, which nobody writes any more.
pub(super) fn parse(bytes: &[u8]) -> Option<Zone> {
    let (first, rest) = Header::parse(bytes)?;
    let (header, rest) = Header::parse(rest.get(first.block(4)?..)?)?;
    let (block, footer) = rest.split_at_checked(header.block(8)?)?;
    let (times, rest) = block.split_at_checked(header.times * 8)?;
    let (kinds, rest) = rest.split_at_checked(header.times)?;
    let types: Vec<i64> = rest.get(..header.types * 6)?.chunks_exact(6).map(ahead).collect::<Option<_>>()?;
    let changes = times.chunks_exact(8).zip(kinds).map(|(time, kind)| {
        let since = i64::from_be_bytes(time.try_into().ok()?);
        Some((since, *types.get(usize::from(*kind))?))
    });
    Some(Zone { before: *types.first()?, changes: changes.collect::<Option<_>>()?, after: rule(footer) })
}

/// Of a type of local time: the seconds, before whether it is summer and what it is called.
fn ahead(kind: &[u8]) -> Option<i64> {
    Some(i64::from(i32::from_be_bytes(kind.get(..4)?.try_into().ok()?)))
}

/// The rule between two line breaks; where it is empty, the last change counts for ever.
fn rule(footer: &[u8]) -> Option<Rule> {
    let text = std::str::from_utf8(footer).ok()?.strip_prefix('\n')?.strip_suffix('\n')?;
    Rule::parse(text)
}

/// How much there is of what.
struct Header {
    utc_flags: usize,
    standard_flags: usize,
    leaps: usize,
    times: usize,
    types: usize,
    characters: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(44)?;
        if !head.starts_with(b"TZif") || head[4] < b'2' {
            return None;
        }
        let mut counts = head[20..]
            .chunks_exact(4)
            .map(|count| usize::try_from(u32::from_be_bytes(count.try_into().ok()?)).ok());
        let mut next = || counts.next().flatten();
        let header = Self {
            utc_flags: next()?,
            standard_flags: next()?,
            leaps: next()?,
            times: next()?,
            types: next()?,
            characters: next()?,
        };
        Some((header, rest))
    }

    /// How many bytes come after it, where a time takes so many.
    fn block(&self, time: usize) -> Option<usize> {
        let Self { utc_flags, standard_flags, leaps, times, types, characters } = self;
        let parts = [
            times.checked_mul(time + 1)?,
            types.checked_mul(6)?,
            leaps.checked_mul(time + 4)?,
            *characters,
            *standard_flags,
            *utc_flags,
        ];
        parts.into_iter().try_fold(0_usize, usize::checked_add)
    }
}
