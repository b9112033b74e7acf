//! What requests and responses say beside authority and status that helps to name the cause of a 421.
//!
//! Of each header field only what a rule needs is kept: its presence, a class, a number, or a keyed hash. The text
//! itself is gone once the header block is read, also from the table that HPACK needs.

mod agent;
mod body;
mod error_response;
mod field;
mod generator;
mod software;

pub use agent::AgentClass;
pub(crate) use body::Sniff;
pub use body::{BodyMark, MAX_SNIFFED};
pub(crate) use error_response::is_refusal;
pub use error_response::{ContentType, ErrorResponse};
pub(crate) use field::Hints;
pub use field::{Hint, RequestSignals};
pub use generator::{Attribution, Generator};
pub use software::ServerSoftware;
