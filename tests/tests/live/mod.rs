//! The agent on the running kernel, with real servers and clients. What a test here says of exchanges is held against
//! what both ends of them logged.

/// Handshakes that an end refuses.
mod alerts;
/// Programs whose TLS cannot be seen.
mod blind;
/// Content stays where it is.
mod bodies;
/// Certificates of TLS 1.3, and handshakes without one.
mod certificates;
/// Many connections, many processes, more than the ring holds.
mod churn;
/// Several names over one connection, many times, and Apache's 421.
mod coalesced;
/// A server in a container.
mod container;
/// What becomes of traps that nobody runs into any more.
mod detached;
/// Connections without a word, and requests sent with the end of the handshake.
mod early_write;
/// HTTP/1.1 as few clients and servers write it.
mod edges;
/// Envoy as the client of an upstream.
mod envoy_as_client;
/// Files that are called like libraries and are none.
mod hostile;
/// What is counted, from the kernel to the lines.
mod ledger;
/// TLS libraries of other makes.
mod library_versions;
/// Agents that come late, are replaced, end, or are killed.
mod lifecycle;
/// A server in another network.
mod network;
/// Packets on interfaces.
mod packets;
/// Packets on interfaces that come and go, and in other network namespaces.
mod packets_elsewhere;
/// Every client with every server, at both ends.
mod pairs;
/// Servers and clients without the agent: what they log is what was said, and both ends agree.
mod peers;
/// What the API server says of a server in a container.
mod pods;
/// What the agent may do, and what it gives up.
mod privileges;
/// `wrongdoor probe` beside an agent.
mod probe;
/// What is included and excluded.
mod scope;
/// The kit itself, held against packets.
mod second_opinion;
/// Many places to detach from, and a restart after SIGKILL.
mod stopping;
/// What collectors of traces get.
mod traces;
/// Processes that a careless tracer would harm.
mod unharmed;
/// A library replaced while servers use it.
mod upgraded;
