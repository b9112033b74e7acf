//! Packets made by hand, or taken apart and cut anew, and what the engine makes of them: no
//! network, no clock, no chance but a seeded one.

mod dice;
mod found;
mod frame;
pub mod h2;
mod links;
pub mod live;
mod sample;
mod script;
mod sealed;
mod segment;
mod talk;
pub mod tls;
mod truth;

pub use dice::Dice;
pub use found::{Found, Told, ToldConnection, observe, observe_with};
pub use frame::{Frame, pcap, read, read_bytes};
pub use links::{LINKS, Link};
pub use sample::samples;
pub use script::{Cut, Said, Script, scripts};
pub use sealed::{Names, Sealed, certificate};
pub use segment::{ACK, FIN, RST, SYN, Segment};
pub use talk::Talk;
pub use truth::{contradictions, silences};
