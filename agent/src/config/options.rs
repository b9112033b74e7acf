//! Options that are one of a few words, on the command line and in the file alike.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Where live traffic is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Whichever works
    Auto,
    /// Probes in the kernel and in TLS libraries
    Ebpf,
    /// Packets on interfaces
    Packets,
}

/// Which exchanges are events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsOf {
    /// Those answered with 421, and their connections
    Misdirected,
    /// Those, and requests for another host than the connection is for
    Mismatched,
    /// Everything
    All,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people
    Text,
    /// JSON lines
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What fails
    Error,
    /// And what may become a problem
    Warn,
    /// And what is done
    Info,
    /// And how
    Debug,
    /// Everything
    Trace,
}

/// Whether the API server is asked which pod is whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodSource {
    /// In a pod that has a service account
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum OtlpProtocol {
    /// gRPC; collectors mostly listen on port 4317
    #[value(name = "grpc")]
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP; mostly on port 4318
    #[value(name = "http/protobuf")]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}
