//! The agent on the running kernel, with real servers and clients. What a test here says of exchanges is held against
//! what both ends of them logged.

/// Servers and clients without the agent: what they log is what was said, and both ends agree.
mod peers;
