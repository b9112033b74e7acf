//! A collector of a few lines, with bad habits.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Habit {
    Take,
    /// Takes all but so many.
    Reject(i64),
    /// Answers with this status and fields.
    Answer(u16, &'static str),
    /// Closes the connection.
    Close,
    /// Answers after so long.
    Sleep(Duration),
}

/// What it has seen.
#[derive(Clone, Default)]
pub(super) struct CollectorRecord {
    spans: Arc<Mutex<Vec<Span>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl CollectorRecord {
    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Starts one that does to its first request what the first habit says and so on; the last one stays.
pub(super) fn start(habits: &'static [Habit]) -> (SocketAddr, CollectorRecord) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, serve(listener, habits))
}

/// The same on a listener that is there.
pub(super) fn serve(listener: TcpListener, habits: &'static [Habit]) -> CollectorRecord {
    let seen = CollectorRecord::default();
    let kept = seen.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let habit = habits[number.min(habits.len() - 1)];
            answer(stream.unwrap(), habit, &kept);
        }
    });
    seen
}

fn answer(stream: TcpStream, habit: Habit, seen: &CollectorRecord) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or_default() == 0 {
            return;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    if head.contains("content-encoding: gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
        body = plain;
    }
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
    let spans: Vec<Span> = scopes.flat_map(|spans| spans.spans).collect();
    let mut rejected = 0;
    let (status, fields) = match habit {
        Habit::Take => (200, ""),
        Habit::Reject(count) => {
            rejected = count;
            (200, "")
        }
        Habit::Answer(status, fields) => (status, fields),
        Habit::Close => return,
        Habit::Sleep(length) => {
            thread::sleep(length);
            (200, "")
        }
    };
    let partial = (rejected > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: rejected,
        error_message: "too many".to_owned(),
    });
    seen.heads.lock().unwrap().push(head);
    let said = ExportTraceServiceResponse { partial_success: partial }.encode_to_vec();
    let mut stream = reader.into_inner();
    let head_out = format!(
        "HTTP/1.1 {status} x\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
        said.len()
    );
    let written = stream.write_all(head_out.as_bytes()).and_then(|()| stream.write_all(&said));
    // Whoever does not wait does not know.
    if written.is_ok() && status == 200 {
        seen.spans.lock().unwrap().extend(spans.into_iter().skip(rejected as usize));
    }
}
