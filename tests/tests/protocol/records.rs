use anyhow::Result;
use wrongdoor_core::side::Side::{Client, Server};
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::{
    Frame, Names, Sealed, Segment, Talk, contradictions, observe, silences,
};

use super::asked;

const H2: Names<'_> = Names { sni: Some("a.test"), alpn: "h2", certificate: &["a.test"] };
const H1: Names<'_> = Names { alpn: "http/1.1", ..H2 };

/// A session in which the server's second record is larger than any that is decrypted whole.
struct Large {
    frames: Vec<Frame>,
    keys: Vec<u8>,
}

impl Large {
    fn of(mut session: Sealed) -> Self {
        session.talk.close();
        Self { frames: session.talk.frames(), keys: session.keys_log(|_| true) }
    }

    /// HTTP/2: heads and bodies of three answers in one record.
    fn h2() -> Result<Self> {
        let (mut ask, mut answer) = (Hpack::default(), Hpack::default());
        let mut session = Sealed::open(Talk::open(443).with_mss(20_000), 1, H2)?;
        let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
        session.say(Client, [h2::PREFACE, &settings].concat())?.say(Server, &settings)?;
        let mut said = Vec::new();
        for (stream, status) in [(1, 200), (3, 421), (5, 200)] {
            session.say(Client, h2::headers(stream, true, &ask.request("GET", "b.test")))?;
            said.extend(h2::headers(stream, false, &answer.response(status)));
            said.extend(h2::data(stream, true, &[b'x'; 700]));
        }
        session.say(Server, said)?;
        session.say(Client, h2::headers(7, true, &ask.request("GET", "a.test")))?;
        // A fresh table: what refers to a lost block cannot be read.
        session.say(Server, h2::headers(7, true, &Hpack::default().response(204)))?;
        Ok(Self::of(session))
    }

    /// HTTP/1: two answers in one record, one with chunks.
    fn h1() -> Result<Self> {
        let mut session = Sealed::open(Talk::open(443).with_mss(20_000), 1, H1)?;
        let body = "x".repeat(700);
        session.say(Client, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".repeat(2))?;
        let chunked = format!("2bc\r\n{body}\r\n1\r\ny\r\n0\r\n\r\n");
        session.say(
            Server,
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}\
                 HTTP/1.1 421 No\r\nContent-Length: 700\r\n\r\n{body}"
            ),
        )?;
        session.say(Client, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")?;
        session.say(Server, "HTTP/1.1 204 No\r\n\r\n")?;
        Ok(Self::of(session))
    }

    /// The frame with the large record, and how many bytes of it are payload.
    fn record(&self) -> (usize, usize) {
        let of_server = |frame: &Frame| Segment::of(frame).filter(|it| it.from.port() == 443);
        let sizes =
            self.frames.iter().map(|frame| of_server(frame).map_or(0, |it| it.payload.len()));
        sizes.enumerate().max_by_key(|(_, len)| *len).unwrap_or_default()
    }

    /// The frames with one bit changed, so many bytes before the end of a frame.
    fn flipped(&self, frame: usize, from_end: usize, bit: u8) -> Vec<Frame> {
        let mut frames = self.frames.clone();
        let bytes = frames.get_mut(frame).map(|frame| &mut frame.bytes).expect("a frame");
        let byte = bytes.iter_mut().rev().nth(from_end - 1).expect("a byte");
        *byte ^= 1 << bit;
        frames
    }
}

#[test]
fn a_flipped_bit_in_a_large_record_is_a_counted_gap() -> Result<()> {
    for large in [Large::h2()?, Large::h1()?] {
        let whole = observe(&large.frames, &large.keys);
        assert!(whole.counters.decode_errors.is_empty(), "{:?}", whole.counters);
        assert!(whole.exchanges.iter().any(|told| told.status == Some(421)), "{whole:#?}");
        let (frame, len) = large.record();
        assert!(len > 1500, "{len}");
        for from_end in 1..=len {
            let what = format!("{from_end} bytes from the end");
            let found = observe(&large.flipped(frame, from_end, (from_end % 8) as u8), &large.keys);
            let wrong = contradictions(&found, &whole);
            assert!(wrong.is_empty(), "{what}: {wrong:?}");
            let silent = silences(&found, &whole);
            assert!(silent.is_empty(), "{what}: {silent:?} {:?}", found.counters);
            assert!(found.counters.lost_total() > 0, "{what}: {:?}", found.counters);
        }
    }
    Ok(())
}

/// The records behind it are read as before.
#[test]
fn behind_a_record_that_does_not_open_the_next_ones_are_read() -> Result<()> {
    let large = Large::h2()?;
    let (frame, _) = large.record();
    let found = observe(&large.flipped(frame, 100, 3), &large.keys);
    let b = Some("b.test");
    let expected = [(1, b, None), (3, b, None), (5, b, None), (7, Some("a.test"), Some(204))];
    let mut told = asked(&found);
    told.sort_unstable();
    assert_eq!(told, expected, "{:?}", found.counters);
    assert_eq!((found.errors("tls", "bad_record"), found.connection().gaps), (1, 1));
    Ok(())
}

/// A type that only stands in the clear, where everything is sealed.
#[test]
fn a_record_with_another_type_is_not_passed_over() -> Result<()> {
    let large = Large::h2()?;
    let whole = observe(&large.frames, &large.keys);
    let (frame, len) = large.record();
    for last in [frame, large.frames.len() - 4] {
        let len = Segment::of(&large.frames[last]).map_or(len, |segment| segment.payload.len());
        let found = observe(&large.flipped(last, len, 0), &large.keys);
        assert!(contradictions(&found, &whole).is_empty());
        assert_eq!(silences(&found, &whole), [""; 0], "{:?}", found.counters);
    }
    Ok(())
}
