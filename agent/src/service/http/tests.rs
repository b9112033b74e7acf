use super::*;
use crate::config::Config;
use crate::service::{HttpService, Reload, ServiceError, listen};
use crate::testing::run_as_typed;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

fn start(
    listener: std::net::TcpListener,
    shared: Arc<AgentState>,
) -> Result<HttpService, ServiceError> {
    let access = Arc::new(Access::read(&AccessFiles::default()).unwrap());
    let (typed, config) = (run_as_typed(&[]), Config::default());
    let reload = Reload::new(typed, config, Arc::clone(&access), Arc::clone(&shared));
    HttpService::start(listener, shared, access, reload)
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    // To the end: the connection is closed behind the answer.
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_answers_over_tcp() {
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let shared = AgentState::new(None);
    let service = start(listener, Arc::clone(&shared)).unwrap();

    let metrics = get(address, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 "), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4\r\n"), "{metrics}");
    assert!(metrics.contains("\nwrongdoor_build_info{version=\""), "{metrics}");
    assert!(metrics.contains("\nprocess_resident_memory_bytes "), "{metrics}");

    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    let ready = get(address, "/readyz");
    assert!(
        ready.starts_with("HTTP/1.1 503 ") && ready.contains("capture has not started"),
        "{ready}"
    );
    shared.health.turned(None);
    assert!(get(address, "/readyz").starts_with("HTTP/1.1 200 "));
    shared.health.over();
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 503 "));
    assert!(get(address, "/").starts_with("HTTP/1.1 404 "));
    service.stop();
    assert!(TcpStream::connect(address).is_err(), "it is not answered any more");
}

#[test]
fn an_address_in_use_is_named_with_the_remedy() {
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let failure = listen(address).unwrap_err();
    let text = failure.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("--listen"), "{text}");
}

#[test]
fn who_holds_connections_keeps_nobody_out_for_ever() {
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let service = start(listener, AgentState::new(None)).unwrap();
    let held: Vec<_> = (0..150).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    drop(held);
    service.stop();
}
