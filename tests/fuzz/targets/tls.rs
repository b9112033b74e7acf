//! TLS: its messages one by one, and sessions through the engine.
#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use wrongdoor_core::wire::tls::certificate;
use wrongdoor_core::wire::tls::alpn::MAX_ALPN;
use wrongdoor_core::wire::tls::client_hello::{ClientHello, MAX_SERVER_NAME, ServerName};
use wrongdoor_core::wire::tls::handshake::{MAX_MESSAGE, MessageType, Messages, Next};
use wrongdoor_core::wire::tls::server_hello::{EncryptedExtensions, ServerHello};
use wrongdoor_fuzz::{Records, Script, Shape, Watched, config, keys};

fuzz_target!(|data: &[u8]| {
    let _ended_early = run(&mut Unstructured::new(data));
});

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let choice: u8 = input.arbitrary()?;
    if choice & 0x80 != 0 {
        let piece = usize::from(input.arbitrary::<u16>()?) + 1;
        let bytes = input.bytes(input.len())?;
        bodies(bytes);
        assert_eq!(messages(bytes, piece), messages(bytes, usize::MAX));
        return Ok(());
    }
    let mut records = Records::default();
    let script = Script::read(input, |side, how, bytes| records.wrap(side, how, bytes))?;
    let opened = choice & 0x40 == 0;
    run_session(&script, choice, Shape::AsTold, opened);
    if choice & 3 == 0 {
        let (whole, limited) = run_session(&script, choice, Shape::Whole, true);
        let (pieces, limited_too) = run_session(&script, choice, Shape::Pieces, true);
        if !limited && !limited_too {
            assert_eq!(whole, pieces, "segments make no difference");
        }
    }
    Ok(())
}

fn run_session(script: &Script, choice: u8, shape: Shape, opened: bool) -> (Vec<String>, bool) {
    let mut watched = Watched::new(config(choice), keys());
    for (moment, (frame, wire_len)) in script.packets(shape, opened) {
        watched.frame(moment, &frame, wire_len);
    }
    let told = watched.finish();
    (told.exchanges(), told.limited)
}

fn bodies(body: &[u8]) {
    if let Some(hello) = ClientHello::parse(body) {
        assert!(hello.alpn.iter().count() <= MAX_ALPN && hello.session_id.len() <= 32);
        if let ServerName::Name(name) = hello.server_name {
            assert!((1..=MAX_SERVER_NAME).contains(&name.len()));
        }
    }
    drop((ServerHello::parse(body), EncryptedExtensions::parse(body)));
    drop((certificate::names_tls12(body), certificate::names(body)));
    for kind in [MessageType::CERTIFICATE, MessageType::COMPRESSED_CERTIFICATE] {
        drop(certificate::names_tls13(kind, body));
    }
}

/// The messages in a stream that comes in pieces.
fn messages(stream: &[u8], piece: usize) -> Vec<(u8, Option<Vec<u8>>)> {
    let (mut messages, mut found) = (Messages::default(), Vec::new());
    for bytes in stream.chunks(piece.min(stream.len().max(1))) {
        messages.push(bytes);
        loop {
            match messages.pop() {
                Next::Message(kind, body) => found.push((kind.0, Some(body.to_vec()))),
                Next::TooLong(kind) => found.push((kind.0, None)),
                Next::NeedMore => break,
            }
        }
        assert!(messages.held() <= MAX_MESSAGE + 4 + bytes.len());
    }
    found
}
