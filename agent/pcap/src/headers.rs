//! The headers that are met once per file, section or interface, read by `pcap-parser`.
//!
//! Packets are not read by it: its block parsers want the whole block in memory even where it is
//! only passed over, collect options into a vector per packet, refuse blocks whose data is not
//! padded, and know neither the obsolete packet block nor a simple packet block's snapshot length.

use pcap_parser::pcapng::{
    parse_decryptionsecretsblock_be, parse_decryptionsecretsblock_le,
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use pcap_parser::{OptionCode, PcapNGOption, parse_pcap_header};
use wrongdoor_core::wire::net::LinkType;

use super::clock::InterfaceClock;
use super::endian::Endian;

/// The size of a pcap file's header.
pub(super) const PCAP_HEADER_BYTES: usize = 24;

/// The part of a pcap header's link-layer field that is the type; above it come flags and the
/// length of a frame check sequence.
const LINK_TYPE_MASK: u32 = 0x03ff_ffff;

/// `secrets_type` of text in NSS key log format.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// The one major version of pcapng there is.
const PCAPNG_MAJOR: u16 = 1;

/// What a pcap file's header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct PcapHeader {
    pub(super) endian: Endian,
    pub(super) nanoseconds: bool,
    /// Whether record headers are those of the patched libpcap of 1990s Linux, 8 bytes longer.
    pub(super) patched: bool,
    pub(super) snaplen: u32,
    pub(super) link: LinkType,
}

/// What an interface description block says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    pub(super) clock: InterfaceClock,
}

/// Reads the first 24 bytes of a pcap file.
pub(super) fn pcap_header(bytes: &[u8]) -> Option<PcapHeader> {
    let (_, header) = parse_pcap_header(bytes).ok()?;
    Some(PcapHeader {
        endian: if header.is_bigendian() { Endian::Big } else { Endian::Little },
        nanoseconds: header.is_nanosecond_precision(),
        patched: header.is_modified_format(),
        snaplen: header.snaplen,
        link: LinkType(header.network.0.cast_unsigned() & LINK_TYPE_MASK),
    })
}

/// The version of a whole section header block, if it is one that cannot be read.
pub(super) fn section_is_foreign(block: &[u8]) -> Option<u16> {
    let (_, section) = parse_sectionheaderblock(block).ok()?;
    (section.major_version != PCAPNG_MAJOR).then_some(section.major_version)
}

/// Reads a whole interface description block.
pub(super) fn interface(block: &[u8], endian: Endian) -> Option<Interface> {
    let parse = match endian {
        Endian::Little => parse_interfacedescriptionblock_le,
        Endian::Big => parse_interfacedescriptionblock_be,
    };
    let (_, description) = parse(block).ok()?;
    let clock = interface_clock(&description.options, endian);
    let link = LinkType(description.linktype.0.cast_unsigned());
    Some(Interface { link, snaplen: description.snaplen, clock })
}

/// The options are decoded here because `pcap-parser` reads `if_tsoffset` as little-endian in
/// every section, takes no power of two as `if_tsresol`, and reads on behind the end of options.
fn interface_clock(options: &[PcapNGOption<'_>], endian: Endian) -> InterfaceClock {
    let mut resolution = InterfaceClock::DEFAULT_RESOLUTION;
    let mut offset = 0;
    for option in options.iter().take_while(|option| option.code != OptionCode::EndOfOpt) {
        let value = option.as_bytes().unwrap_or_default();
        match (option.code, value) {
            (OptionCode::IfTsresol, [value]) => resolution = *value,
            (OptionCode::IfTsoffset, value) => {
                if let Ok(value) = value.try_into() {
                    offset = endian.u64(value).cast_signed();
                }
            }
            _ => {}
        }
    }
    InterfaceClock::new(resolution, offset)
}

/// What a whole decryption secrets block holds.
pub(super) enum SecretsBlock<'a> {
    KeyLog(&'a [u8]),
    OfAnotherKind,
    Malformed,
}

/// Reads a whole decryption secrets block.
pub(super) fn secrets(block: &[u8], endian: Endian) -> SecretsBlock<'_> {
    let parse = match endian {
        Endian::Little => parse_decryptionsecretsblock_le,
        Endian::Big => parse_decryptionsecretsblock_be,
    };
    let Ok((_, secrets)) = parse(block) else { return SecretsBlock::Malformed };
    if secrets.secrets_type.0 != TLS_KEY_LOG {
        return SecretsBlock::OfAnotherKind;
    }
    // The parser's data still has the padding behind it.
    usize::try_from(secrets.secrets_len)
        .ok()
        .and_then(|len| secrets.data.get(..len))
        .map_or(SecretsBlock::Malformed, SecretsBlock::KeyLog)
}
