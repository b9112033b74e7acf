//! The test kit: private servers, real clients, and captures of what they said to each other.
//!
//! Read [`scenario`] first: each of its functions plays a scene and returns a capture, a key log
//! and what was done. The other modules are what scenes are made of. Everything lives in a
//! temporary folder, listens on loopback on ports found free, and ends with the value that
//! started it.
//!
//! [`live`] is for the agent on the running kernel.
//!
//! [`wire`] is for what needs no network: packets made by hand or cut anew, and what the engine
//! makes of them.

pub mod apache;
pub mod binary;
pub mod browser;
pub mod caddy;
pub mod capture;
pub mod certs;
pub mod chromium;
pub mod curl;
pub mod dashboards;
pub mod deploy;
pub mod documentation;
pub mod door;
pub mod golden;
pub mod haproxy;
pub mod live;
pub mod nginx;
pub mod node;
pub mod openssl;
pub mod ports;
pub mod prometheus;
pub mod report;
pub mod scenario;
pub mod server;
pub mod tomcat;
pub mod tools;
pub mod tshark;
pub mod visitor;
pub mod wait;
pub mod wire;
