//! The integration tests, one module a subject. They play scenes with real servers and clients
//! and ask the built program about the captures. A new test goes into the module of its subject.
#![expect(clippy::expect_used, reason = "a test that fails says so by panicking")]

/// What the program writes about a scene against what is known of it: shared by the modules.
mod expect;

/// A Kubernetes API server of a few pods.
mod api_server;
/// Collectors of traces.
mod collector;

/// Settings that the advice names, against the programs that take them.
mod advice;
/// Field by field against tshark.
mod against_tshark;
/// A capture with packets out of order, repeated or changed: nothing is wrong, and nothing is missing without a count.
mod any_damage;
/// A capture that begins anywhere, or lacks packets: nothing that it tells is wrong.
mod any_start;
/// Apache's 421: virtual hosts with different certificates.
mod apache421;
/// Which part of the source may know what.
mod architecture;
/// The committed captures.
mod captures;
/// Why something went wrong, who says so, and whether the client got there in the end.
mod causes;
/// Several names over one connection.
mod coalescing;
/// The agent as a daemon.
mod daemon;
/// Captures cut off and scribbled over.
mod damage;
/// Grafana's dashboards, the rules and the runbooks.
mod dashboards;
/// The chart, the image, the release.
mod deploy;
/// Commands in the documentation.
mod documentation;
/// What the command line promises.
mod errors_and_exit_codes;
/// What probes tell, against packets of the same conversation.
mod from_probes;
/// The `h2` crate's peers against what is told of their bytes.
mod h2_differential;
/// Every named bound, under attack.
mod limits;
/// The agent on the running kernel.
mod live;
/// WebPKI and the `url` crate against our names.
mod names_differential;
/// nginx's 421, and what nginx serves without asking.
mod nginx421;
/// Clients that send no server name.
mod no_sni;
/// Servers asked on purpose: who serves what, what must not share a connection, who disagrees.
mod probe;
/// What the contract says of each protocol, one conversation a sentence.
mod protocol;
/// A proxy in front, and what the hop behind it makes of the proxy's SNI.
mod proxy_chain;
/// The page about a capture, in a real browser.
mod report;
/// What `run` refuses before it captures anything.
mod run_refusals;
/// The JSON lines against their published schema.
mod schema;
/// What no output must hold, and whose outputs are.
mod secrets;
/// However a conversation was cut into segments, it says the same.
mod segmentation;
/// Every version of TLS and every kind of cipher.
mod tls_versions;
/// What could not be read is reported before anything else.
mod unread;
