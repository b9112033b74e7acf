//! When a ClientHello that probes see is told, and whose it is said to be.

use super::*;

/// A record with a ClientHello for `a.test`.
pub(super) fn for_a_test() -> Vec<u8> {
    let mut hello = vec![22, 3, 1, 0, 62, 1, 0, 0, 58, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 15, 0, 0, 0, 11, 0, 9, 0, 0, 6]);
    hello.extend(b"a.test");
    hello
}

/// The processes of the ClientHellos that were told.
fn told(engine: &mut Engine) -> Vec<Option<u32>> {
    let told = engine.drain().into_iter().filter_map(|observation| match observation.event {
        Event::Hello(facts) => Some(facts.observer.process.as_ref().map(|process| process.pid)),
        Event::Exchange(_) | Event::Serves { .. } | Event::Connection(_) => None,
    });
    told.collect()
}

#[test]
fn a_hello_at_the_clients_end_is_told_once_its_process_is_known() {
    let process = Arc::new(Process {
        pid: 7,
        command: "x".into(),
        container: None,
        pod: None,
        started: None,
    });
    for (direction, before, after) in
        [(Direction::Sent, vec![], vec![Some(7)]), (Direction::Received, vec![None], vec![])]
    {
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
        let endpoint = |last, port| Endpoint::v4([192, 0, 2, last], port);
        let (local, remote) = (endpoint(1, 50_000), endpoint(2, 443));
        let socket = Socket { id: SocketId(1), local, remote };
        let bytes = &for_a_test()[..];
        let piece =
            ProbeEvent::Handshake { socket, direction, offset: 0, needs_session: false, bytes };
        report(&mut engine, 1, 0, piece);
        assert_eq!(told(&mut engine), before, "{direction:?}");

        let (session, process) = (SessionId(1), &process);
        let (socket, role, is_older) = (Some(socket), None, false);
        let met = ProbeEvent::Session { session, socket, process, role, is_older };
        report(&mut engine, 2, 0, met);
        assert_eq!(told(&mut engine), after, "{direction:?}");
    }
}
