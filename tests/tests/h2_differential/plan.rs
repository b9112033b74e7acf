use http::header::{HeaderMap, HeaderValue};
use wrongdoor_tests::wire::Dice;

/// What a request is to be, and how it is to be answered.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) method: &'static str,
    pub(super) authority: String,
    pub(super) headers: HeaderMap,
    pub(super) body: usize,
    pub(super) trailers: bool,
    /// The client gives up at once.
    pub(super) cancel: bool,
    pub(super) answer: Answer,
}

/// How a request is to be answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// `None`: it is reset.
    pub(super) status: Option<u16>,
    pub(super) headers: HeaderMap,
    pub(super) body: usize,
    pub(super) trailers: bool,
    /// Reset behind the head.
    pub(super) reset: bool,
    /// An authority that is pushed.
    pub(super) push: Option<String>,
}

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PROPFIND", "OPTIONS"];
const STATUSES: [u16; 7] = [200, 204, 302, 404, 421, 500, 599];
const NAMES: [&str; 6] =
    ["a.test", "B.Test:8443", "c.test.", "192.0.2.7", "[2001:db8::1]:81", "d.test"];

impl Plan {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let authority = if dice.once_in(4) {
            format!("n{}.test", dice.within(0..5000))
        } else {
            (*dice.one_of(&NAMES)).to_owned()
        };
        let headers = headers(dice);
        let cancel = dice.once_in(12);
        let mut answer = Answer::new(dice);
        if cancel {
            // A promise on a stream that its client has reset trips an assertion of h2's own.
            answer.push = None;
        }
        Self {
            method: *dice.one_of::<&str>(&METHODS),
            authority,
            headers,
            body: if dice.once_in(2) { 0 } else { dice.within(1..30_000) },
            trailers: dice.once_in(5),
            cancel,
            answer,
        }
    }
}

impl Answer {
    fn new(dice: &mut Dice) -> Self {
        let status = if dice.once_in(12) { None } else { Some(*dice.one_of(&STATUSES)) };
        Self {
            status,
            headers: headers(dice),
            body: if dice.once_in(2) { 0 } else { dice.within(1..30_000) },
            trailers: dice.once_in(5),
            reset: dice.once_in(10),
            push: dice.once_in(8).then(|| format!("pushed{}.test", dice.within(0..9))),
        }
    }
}

/// A few headers: small and large, repeated and unique, some never to be indexed.
fn headers(dice: &mut Dice) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let names = ["accept", "cookie", "x-small", "x-large", "user-agent", "x-odd"];
    for name in names {
        if dice.once_in(2) {
            continue;
        }
        let len = match name {
            // Larger than a frame: CONTINUATION.
            "x-large" if dice.once_in(6) => 17_000 + dice.within(0..20_000),
            "x-large" => dice.within(0..3000),
            _ => dice.within(0..40),
        };
        // Text that Huffman coding makes shorter, and text that it makes longer.
        let alphabet: &[u8] = if dice.once_in(3) { b"~^|{}<>\\#" } else { b"abcdefgh 0123" };
        let kinds = 1 + dice.within(0..4);
        let mut text = Dice::new(u64::try_from(dice.within(0..kinds)).unwrap_or(0));
        let value: Vec<u8> = (0..len).map(|_| *text.one_of(alphabet)).collect();
        let Ok(mut value) = HeaderValue::from_bytes(&value) else { continue };
        value.set_sensitive(dice.once_in(5));
        headers.insert(name, value);
    }
    headers
}
