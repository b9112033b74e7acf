//! Writes the seeds: `cargo run --example seeds`, in the folder of the package.
//!
//! They are what the targets read: sessions of the committed captures as scripts, and texts by hand. Beside
//! them, as `found-…`, is what once broke a promise.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashMap;
use std::fs;
use std::io::{Cursor, Result, Write};
use std::path::Path;
use wrongdoor_core::wire::net::{PacketDecoder, FlowKey, LinkType, Transport};
use wrongdoor_fuzz::CAPTURES;
use wrongdoor_pcap::CaptureFile;

/// Captures by their place in [`CAPTURES`].
const COALESCING: usize = 1;
const ODD_REQUESTS: usize = 4;
const QUIC: [usize; 4] = [7, 8, 9, 10];

/// What a step does: its bytes arrive in one segment, or in small ones.
const WHOLE: u8 = 0x00;
const PIECES: u8 = 0x90;

fn main() -> Result<()> {
    capture_files()?;
    engine()?;
    keylog()?;
    packet()?;
    tls()?;
    http1()?;
    http2()?;
    quic()
}

fn save(target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// A step of a script; the side is 0 for the client and 1 for the server.
fn step(side: u8, what: u8, how: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
    [&[side | what, how][..], &len, bytes].concat()
}

fn frames(capture: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut capture = CaptureFile::from_reader("seed", Cursor::new(capture.to_vec()));
    while let Ok(Some(window)) = capture.next_window() {
        found.extend(window.packets().map(|packet| packet.bytes.to_vec()));
    }
    found
}

fn capture_files() -> Result<()> {
    let capture = CAPTURES[COALESCING];
    save("capture_file", "micro.pcap", capture)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(capture)?;
    save("capture_file", "packed.pcap.gz", &packed.finish()?)?;
    save("capture_file", "one.pcapng", &pcapng(u32::to_le_bytes))?;
    save("capture_file", "swapped.pcapng", &pcapng(u32::to_be_bytes))
}

/// A section, an interface with a resolution, secrets, and packets of all three kinds.
fn pcapng(word: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let block = |kind: u32, words: &[u32], bytes: &[u8]| {
        let padding = bytes.len().next_multiple_of(4) - bytes.len();
        let len = 12 + 4 * words.len() + bytes.len() + padding;
        let len = word(u32::try_from(len).unwrap_or(0));
        let words: Vec<u8> = words.iter().flat_map(|value| word(*value)).collect();
        [&word(kind)[..], &len, &words, bytes, &vec![0; padding], &len].concat()
    };
    // Two halves of a word, in the order of the file.
    let halves = |first: u32, second: u32| {
        if word(1) == [1, 0, 0, 0] { second << 16 | first } else { first << 16 | second }
    };
    let packets = frames(CAPTURES[COALESCING]);
    let len = |packet: &[u8]| u32::try_from(packet.len()).unwrap_or(0);
    let mut file = block(0x0a0d_0d0a, &[0x1a2b_3c4d, halves(1, 0), u32::MAX, u32::MAX], &[]);
    let resolution = [word(halves(9, 1)), [9, 0, 0, 0], [0; 4]].concat();
    file.extend(block(1, &[halves(1, 0), 0], &resolution));
    let secrets = b"CLIENT_RANDOM 00 00\n";
    file.extend(block(10, &[0x544c_534b, 20], secrets));
    for (packet, kind) in packets.iter().zip([6, 3, 2, 6, 6]) {
        let (captured, wire) = (len(packet), len(packet));
        let words: &[u32] = match kind {
            2 => &[halves(0, 0), 0x5_0000, 7, captured, wire],
            3 => &[wire],
            _ => &[0, 0x5_0000, 7, captured, wire],
        };
        file.extend(block(kind, words, packet));
    }
    file
}

fn engine() -> Result<()> {
    for (number, choice) in [(0, 0x10), (1, 0x10), (2, 0x13), (5, 0x14), (6, 0x12), (8, 0x10)] {
        // Captures by number with changes: nothing, one lost, one doubled, one cut, one changed.
        let seed = [&[choice, number][..], &[0, 9, 0, 0, 0], &[1, 12, 0, 0, 0]].concat();
        let seed = [&seed[..], &[3, 30, 0, 60, 0], &[4, 20, 0, 90, 0, 7]].concat();
        save("engine", &format!("changed-{number}"), &seed)?;
    }
    for (name, capture) in [("coalescing", COALESCING), ("odd-requests", ODD_REQUESTS)] {
        save("engine", name, &[&[0x08], CAPTURES[capture]].concat())?;
        let packets: Vec<u8> = frames(CAPTURES[capture])
            .iter()
            .flat_map(|frame| [&[0][..], &length(frame), &[0], frame].concat())
            .collect();
        save("engine", &format!("{name}-packets"), &[&[0x00], &packets[..]].concat())?;
    }
    Ok(())
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes()
}

fn keylog() -> Result<()> {
    let random = "ab".repeat(32);
    let mut text = format!("# by hand\r\n\nCLIENT_RANDOM {random} {}\n", "0f".repeat(48));
    for label in ["CLIENT_EARLY", "CLIENT_HANDSHAKE", "SERVER_HANDSHAKE"] {
        text += &format!("{label}_TRAFFIC_SECRET {random} {}\n", "1E".repeat(32));
    }
    text += &format!("CLIENT_TRAFFIC_SECRET_0 {random} 00\nSERVER_TRAFFIC_SECRET_0\t{random} 01\n");
    text +=
        &format!("ECH_SECRET {random} 02\nEXPORTER_SECRET {random} 03\nCLIENT_RANDOM {random}\n");
    save("keylog", "labels", text.as_bytes())
}

fn packet() -> Result<()> {
    let frames = frames(CAPTURES[ODD_REQUESTS]);
    let whole = frames.iter().take(6);
    let whole: Vec<u8> =
        whole.flat_map(|frame| [&[0][..], &length(frame), &[40, 0], frame].concat()).collect();
    save("packet", "ethernet", &whole)?;
    let ip = |protocol: u8, payload: &[u8]| {
        let len = length(&vec![0; 20 + payload.len()]);
        let head =
            [0x45, 0, len[1], len[0], 0, 7, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        [&head[..], payload].concat()
    };
    let udp = |port: u16, payload: &[u8]| {
        let [a, b] = port.to_be_bytes();
        let len = length(&vec![0; 8 + payload.len()]);
        [&[0xc0, 0, a, b, len[1], len[0], 0, 0][..], payload].concat()
    };
    let tcp = [
        &[0xc3, 0x50, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 0x10, 0, 0, 0, 0, 0, 0][..],
        &[1; 12],
        b"GET",
    ];
    let inner = ip(6, &tcp.concat());
    let ethernet = [&[0; 12][..], &[8, 0], &inner].concat();
    let vlan = [&[0; 12][..], &[0x81, 0, 0, 5, 0x88, 0x47, 0, 0, 1, 64], &inner].concat();
    let vxlan = ip(17, &udp(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &ethernet].concat()));
    let geneve = ip(17, &udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 9, 0][..], &ethernet].concat()));
    let gre = ip(47, &[&[0x20, 0, 8, 0, 0, 0, 0, 1][..], &inner].concat());
    let six =
        [&[0x60, 0, 0, 0, 0, 23, 43, 64][..], &[0x20; 32], &[6, 0, 0, 0, 0, 0, 0, 0]].concat();
    let six = [&six[..], &inner[20..35]].concat();
    let mut first = inner.clone();
    (first[3], first[6]) = (36, 0x20);
    let mut last = [&inner[..20], &inner[36..]].concat();
    (last[3], last[7]) = (39, 2);
    let mut seed = Vec::new();
    for (link, frame) in
        [(0, &ethernet), (0, &vlan), (1, &vxlan), (1, &geneve), (1, &gre), (1, &six)]
    {
        seed.extend([&[link][..], &length(frame), &[30, 0], frame].concat());
    }
    for frame in [&first[..36], &last] {
        seed.extend([&[1][..], &length(frame), &[0, 0], frame].concat());
    }
    save("packet", "tunnels", &seed)
}

/// The TCP connections of a capture as scripts.
fn scripts(capture: &[u8]) -> Vec<Vec<u8>> {
    let (mut decoder, mut connections) = (PacketDecoder::default(), Vec::<Vec<u8>>::new());
    let mut places = HashMap::new();
    for frame in frames(capture) {
        let decoded = decoder.decode(LinkType::ETHERNET, &frame, frame.len(), |packet| {
            let (key, from) = FlowKey::new(packet.source, packet.destination, 6);
            let (place, client) = *places.entry(key).or_insert((connections.len(), from));
            if place == connections.len() {
                connections.push(Vec::new());
            }
            if matches!(packet.transport, Transport::Tcp(_)) && !packet.payload.is_empty() {
                let side = u8::from(from != client);
                connections[place].extend(step(side, WHOLE, 0, packet.payload));
            }
        });
        assert!(decoded.is_ok());
    }
    connections
}

fn tls() -> Result<()> {
    for (name, capture) in [("coalescing", COALESCING), ("odd", ODD_REQUESTS), ("chain", 6)] {
        for (number, script) in scripts(CAPTURES[capture]).iter().enumerate() {
            if script.len() < 10_000 && number < 8 {
                save("tls", &format!("{name}-{number}"), &[&[0x00], &script[..]].concat())?;
            }
        }
    }
    let request = b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n";
    let response = b"HTTP/1.1 421 \r\nContent-Length: 3\r\n\r\nabc";
    // Hellos, the server's messages and both Finished, and what is inside; then a KeyUpdate.
    let made = [
        step(0, WHOLE, 3, &[]),
        step(1, WHOLE, 3, &[]),
        step(1, WHOLE, 4 | 8 << 3, &[0, 0]),
        step(1, PIECES, 4 | 20 << 3, &[1; 32]),
        step(0, WHOLE, 4 | 20 << 3, &[1; 32]),
        step(0, WHOLE, 6, request),
        step(1, PIECES, 7, response),
        step(0, WHOLE, 7, request),
        step(1, WHOLE, 6, response),
    ];
    let made = [&[0x00], &made.concat()[..]].concat();
    save("tls", "made", &made)?;
    let update = step(0, WHOLE, 5 | 2 << 3, &[24, 0, 0, 1, 0]);
    save("tls", "made-update", &[made, update, step(0, WHOLE, 6, request)].concat())?;
    save("tls", "messages", b"\x80\x03\0\x01\0\0\x03abc\x02\0\0\0\x0b\0\0\x01z")
}

/// What is said, in order: by the client (0) or the server (1).
type Turns<'a> = &'a [(u8, &'a [u8])];

fn http1() -> Result<()> {
    let texts: [(&str, Turns<'_>); 5] = [
        (
            "lengths",
            &[
                (0, b"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbodyGET / HTTP/1.0\r\n\r\n"),
                (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 421 \r\nContent-Length: 2\r\n\r\nhiHTTP/1.0 200 OK\r\n\r\nend"),
            ],
        ),
        (
            "chunked",
            &[
                (0, b"PUT https://b.test:8443/ HTTP/1.1\nTransfer-Encoding: chunked\nHost: a.test\n\n5;x\r\nhello\r\n0\r\nT: 1\r\n\r\n"),
                (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            ],
        ),
        (
            "tunnel",
            &[
                (0, b"CONNECT c.test:443 HTTP/1.1\r\nHost: c.test\r\n\r\n"),
                (1, b"HTTP/1.1 200 OK\r\n\r\n"),
                (0, b"HEAD / HTTP/1.1\r\nHost: d.test\r\n\r\n"),
                (1, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            ],
        ),
        (
            "upgrade",
            &[
                (0, b"GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
                (1, b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88"),
                (0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
            ],
        ),
        (
            "proxied",
            &[
                (0, b"PROXY TCP4 192.0.2.9 192.0.2.2 50000 80\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
                (1, b"HTTP/1.1 204 \r\n\r\n"),
            ],
        ),
    ];
    for (name, turns) in texts {
        let turns: Vec<u8> =
            turns.iter().flat_map(|(side, text)| step(*side, PIECES, 0, text)).collect();
        save("http1", name, &[&[0x00], &turns[..]].concat())?;
    }
    Ok(())
}

fn http2() -> Result<()> {
    // Static names, literal values, and an entry that is used again.
    let request = b"\x82\x41\x06a.test\x84\x87";
    let again = b"\x82\xbe\x84\x87";
    let framed = |stream: u8, block: &[u8]| [&[stream], block].concat();
    let connection = [
        step(0, WHOLE, 4 << 1, &framed(0, &[0, 3, 0, 0, 0, 100])),
        step(1, WHOLE, 5 << 1, &framed(0, &[])),
        step(0, PIECES, 0x10, &framed(1, request)),
        step(0, PIECES, 0x10, &framed(3, again)),
        step(1, PIECES, 0x00, &framed(1, b"\x48\x03421")),
        step(1, WHOLE, 0x32, &framed(1, b"body")),
        step(1, WHOLE, 0x10, &framed(3, b"\x88")),
        step(0, WHOLE, 0x20, &framed(5, request)),
        step(0, WHOLE, 0x04, &framed(5, b"\x66\x06b.test")),
        step(1, WHOLE, 0x06, &framed(1, &[&[0, 0, 0, 2], &request[..]].concat())),
        step(0, WHOLE, 0x28, &framed(5, &[0, 0, 0, 8])),
        step(1, WHOLE, 0x0c, &framed(0, b"\0\x0ehttps://c.test")),
    ];
    save("http2", "connection", &[&[0x00], &connection.concat()[..]].concat())?;
    let blocks: [&[u8]; 4] = [
        request,
        again,
        b"\x3f\xe1\x1f\x48\x03421\x40\x01x\x01y",
        b"\xbe\xbf\x7e\x01z\x0f\x2f\x01c",
    ];
    for late in [0, 1, 2] {
        let blocks = blocks.iter().flat_map(|block| [&length(block)[..], block].concat());
        let seed: Vec<u8> = [0x80 | late].into_iter().chain(blocks).collect();
        save("http2", &format!("blocks-{late}"), &seed)?;
    }
    Ok(())
}

fn quic() -> Result<()> {
    for number in QUIC {
        let mut seed = vec![0x00];
        let mut first = None;
        for frame in frames(CAPTURES[number]) {
            let decoded =
                PacketDecoder::default().decode(LinkType::ETHERNET, &frame, frame.len(), |packet| {
                    let client = *first.get_or_insert(packet.source);
                    let side = u8::from(packet.source != client);
                    seed.extend(
                        [&[side, 0, 0][..], &length(packet.payload), packet.payload].concat(),
                    );
                });
            assert!(decoded.is_ok());
        }
        save("quic", &format!("capture-{number}"), &seed)?;
    }
    let packet =
        |how: u8, number: u8, bytes: &[u8]| [&[how, number][..], &length(bytes), bytes].concat();
    let seed = [
        vec![0x00, 0x00],
        packet(5, 0, &[]),
        vec![0x41],
        packet(5, 0, &[]),
        packet(7 | 8 << 3, 0, b"\0\x09\0\x10\0\x05\0\x03\x02h3"),
        vec![0x01],
        packet(4, 1, b"\x14\0\0\x20"),
        vec![0x00],
        packet(6, 1, &[]),
    ];
    save("quic", "made", &seed.concat())
}
