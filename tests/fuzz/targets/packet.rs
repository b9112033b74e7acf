//! Captured frames, from the link to the transport.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wrongdoor_core::wire::net::{PacketDecoder, Endpoint, LinkType, MAX_DATAGRAM, Transport};

/// Link types that are decoded, and one that is not.
const LINKS: [u32; 25] = [
    1, 101, 0, 12, 14, 108, 113, 228, 229, 276, 147, 9, 50, 51, 104, 105, 119, 127, 149, 163, 166,
    204, 226, 239, 258,
];

/// What was delivered: ends, header, payload, and how much of it is missing.
type Delivered = (Endpoint, Endpoint, Transport, Vec<u8>, usize);

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let mut decoder = PacketDecoder::default();
    while !input.is_empty() {
        let link = LinkType(LINKS[usize::from(input.arbitrary::<u8>()?) % LINKS.len()]);
        let (len, beyond): (u16, u16) = (input.arbitrary()?, input.arbitrary()?);
        let frame = input.bytes(usize::from(len).min(input.len()))?;
        let wire_len = frame.len() + usize::from(beyond >> 8);
        let delivered = decode(&mut decoder, link, frame, wire_len);
        if let Some((_, _, _, payload, missing)) = &delivered {
            assert!(payload.len() <= frame.len().max(MAX_DATAGRAM));
            assert!(*missing <= MAX_DATAGRAM.max(wire_len));
        }
        // The same frame, of which less was captured.
        let cut = usize::from(beyond) % (frame.len() + 1);
        let whole = decode(&mut PacketDecoder::default(), link, frame, wire_len);
        let part = decode(&mut PacketDecoder::default(), link, &frame[..cut], wire_len);
        // A datagram that is cut in the header of a tunnel is an ordinary one.
        if let Some((source, destination, Transport::Tcp(tcp), payload, missing)) = part {
            let whole = whole.expect("there is more of it");
            let ends = (source, destination, Transport::Tcp(tcp));
            assert_eq!(ends, (whole.0, whole.1, whole.2));
            assert!(whole.3.starts_with(&payload));
            assert_eq!(payload.len() + missing, whole.3.len() + whole.4, "the length is the same");
        }
    }
    Ok(())
}

fn decode(
    decoder: &mut PacketDecoder,
    link: LinkType,
    frame: &[u8],
    wire_len: usize,
) -> Option<Delivered> {
    let delivered = decoder.decode(link, frame, wire_len, |packet| {
        let payload = packet.payload.to_vec();
        (packet.source, packet.destination, packet.transport, payload, packet.missing)
    });
    delivered.ok().flatten()
}
