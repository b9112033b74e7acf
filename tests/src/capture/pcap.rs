//! Taking packets out of a capture file that tcpdump wrote.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// pcap in this machine's byte order, with microseconds: what tcpdump writes.
const MAGIC: [u8; 4] = 0xa1b2_c3d4_u32.to_ne_bytes();

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

/// Where a loopback frame says IPv4 and UDP, and where its ports are: an Ethernet header of 14
/// bytes, then an IPv4 header of 20.
const ETHERTYPE: std::ops::Range<usize> = 12..14;
const PROTOCOL: usize = 14 + 9;
const DESTINATION_PORT: std::ops::Range<usize> = 14 + 20 + 2..14 + 20 + 4;

/// Rewrites `file` without the UDP datagrams to `port`.
pub(super) fn remove_udp_port(file: &Path, port: u16) -> Result<()> {
    let kept = file.with_extension("kept");
    let mut input = BufReader::new(File::open(file)?);
    let mut output = BufWriter::new(File::create(&kept)?);
    let mut header = [0; FILE_HEADER];
    input.read_exact(&mut header).context("a capture file without a header")?;
    ensure!(header.starts_with(&MAGIC), "not a capture file as tcpdump writes it");
    output.write_all(&header)?;
    let mut packet = Vec::new();
    while next(&mut input, &mut packet)? {
        if !is_udp_to(packet.get(PACKET_HEADER..).unwrap_or_default(), port) {
            output.write_all(&packet)?;
        }
    }
    output.into_inner()?.sync_data()?;
    fs::rename(&kept, file)?;
    Ok(())
}

/// Reads one packet with its header; false at the end of the file.
fn next(input: &mut impl Read, packet: &mut Vec<u8>) -> Result<bool> {
    let mut header = [0; PACKET_HEADER];
    match input.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = header;
    let length = usize::try_from(u32::from_ne_bytes([a, b, c, d]))?;
    packet.clear();
    packet.extend_from_slice(&header);
    packet.resize(PACKET_HEADER + length, 0);
    input.read_exact(packet.get_mut(PACKET_HEADER..).unwrap_or_default())?;
    Ok(true)
}

fn is_udp_to(frame: &[u8], port: u16) -> bool {
    frame.get(ETHERTYPE) == Some(&[0x08, 0x00])
        && frame.get(PROTOCOL) == Some(&17)
        && frame.get(DESTINATION_PORT) == Some(&port.to_be_bytes())
}
