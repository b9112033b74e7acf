//! ORIGIN frames: what else the server says it speaks for (RFC 8336).

use crate::name::Authority;
use crate::observation::Context;
use crate::wire::reader::Reader;

/// Adds the frame's https origins to the connection's set; entries that are not origins are ignored, as
/// §2.1 asks.
pub(super) fn handle(payload: &[u8], cx: &mut Context<'_>) {
    cx.origins(|set| {
        let mut reader = Reader::new(payload);
        while let Some(entry) = reader.vec16() {
            let text = std::str::from_utf8(entry).unwrap_or_default();
            let authority = text.strip_prefix("https://").filter(|rest| !rest.contains('/'));
            if let Some(Ok(origin)) =
                authority.map(|authority| Authority::parse(authority.as_bytes()))
            {
                let port = origin.port_or(443);
                set.add(origin.host, port);
            }
        }
    });
}
