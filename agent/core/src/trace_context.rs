//! What a request says of the trace that it is part of (W3C Trace Context).

/// The length of version 00, and of what every later version begins with.
const LEN: usize = 55;

/// The value of a `traceparent` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace; never all zeros.
    pub trace_id: [u8; 16],
    /// The span that the request is part of; never all zeros.
    pub parent_id: [u8; 8],
    /// The caller's flags. Of versions that are not known yet only the first bit, which they keep.
    pub flags: u8,
}

impl TraceParent {
    /// Reads a value; `None` where it is not valid, and so says nothing (§3.2.2).
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LEN)?;
        let mut parts = head.split(|byte| *byte == b'-');
        let [version] = hex::<1>(parts.next()?)?;
        let trace_id = hex::<16>(parts.next()?).filter(|id| *id != [0; 16])?;
        let parent_id = hex::<8>(parts.next()?).filter(|id| *id != [0; 8])?;
        let [flags] = hex::<1>(parts.next()?)?;
        let flags = match (version, rest) {
            (0, []) => flags,
            (0 | 0xff, _) => return None,
            // Later versions may append, and keep what is here.
            (_, [] | [b'-', ..]) => flags & 1,
            _ => return None,
        };
        Some(Self { trace_id, parent_id, flags })
    }
}

/// Exactly so many bytes in lower-case hexadecimal.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn parse(text: &str) -> Option<TraceParent> {
        TraceParent::parse(text.as_bytes())
    }

    #[test]
    fn a_valid_value_is_read_whole() {
        let read = parse(&format!("00-{TRACE}-{PARENT}-01")).unwrap();
        assert_eq!(u128::from_be_bytes(read.trace_id), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(u64::from_be_bytes(read.parent_id), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(read.flags, 1);
        assert_eq!(parse(&format!("00-{TRACE}-{PARENT}-ff")).unwrap().flags, 0xff);
    }

    #[test]
    fn later_versions_keep_what_is_here_and_may_append() {
        for later in ["01", "cc", "fe"] {
            for rest in ["", "-", "-what comes"] {
                let read = parse(&format!("{later}-{TRACE}-{PARENT}-ff{rest}")).unwrap();
                assert_eq!(read.flags, 1, "{later}{rest}");
            }
            assert_eq!(parse(&format!("{later}-{TRACE}-{PARENT}-01x")), None);
        }
    }

    #[test]
    fn what_is_not_valid_says_nothing() {
        let upper = TRACE.to_uppercase();
        let zeros = "0".repeat(32);
        let cases = [
            String::new(),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01 "),
            format!(" 00-{TRACE}-{PARENT}-01"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{upper}-{PARENT}-01"),
            format!("00-{zeros}-{PARENT}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-{PARENT}-0g"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("0-0{TRACE}-{PARENT}-01"),
            format!("00_{TRACE}_{PARENT}_01"),
            format!("+0-{TRACE}-{PARENT}-01"),
        ];
        for case in cases {
            assert_eq!(parse(&case), None, "{case}");
        }
    }
}
