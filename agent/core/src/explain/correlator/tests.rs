use super::*;
use crate::explain::recovery::Outcome;
use crate::observation::Response;
use crate::testing::said;
use crate::time::Timestamp;

/// A request that is answered with 421 on connection 1, and the same again a moment later on connection 2.
fn refused_and_again() -> [Observation; 2] {
    let refused = said().exchange();
    let mut again = refused.clone();
    again.started.0 = refused.ended().0 + 1_000_000;
    again.response = Response::answered(200, Timestamp(refused.ended().0 + 2_000_000));
    let event = |connection, exchange| Observation {
        packet: connection,
        connection: ConnectionId(connection),
        event: Event::Exchange(exchange),
    };
    [event(1, refused), event(2, again)]
}

/// What is told of them in this order: the recovery on the line of the 421, and how many lines of recoveries follow it.
fn told(mut correlator: Correlator, order: [Observation; 2]) -> (Option<Outcome>, usize) {
    let (mut on_line, mut behind) = (None, 0);
    let mut each = |record: CorrelatedRecord| {
        match record {
            CorrelatedRecord::Exchange { exchange, classification, .. }
                if exchange.is_misdirected() =>
            {
                assert_eq!(behind, 0, "a recovery before its 421");
                on_line = classification.recovery.map(|recovery| recovery.outcome);
            }
            CorrelatedRecord::Recovery { judged, .. } => {
                assert_eq!(judged.recovery.outcome, Outcome::RecoveredNewConnection);
                behind += 1;
            }
            _ => {}
        }
        true
    };
    for observation in order {
        assert!(correlator.push(observation, Duration::ZERO, &mut each));
    }
    correlator.tick(HOLD, &mut each);
    correlator.close(HOLD, &mut each);
    (on_line, behind)
}

#[test]
fn a_421_is_told_with_its_recovery_whichever_comes_first() {
    for is_reversed in [false, true] {
        let order = || {
            let mut order = refused_and_again();
            if is_reversed {
                order.reverse();
            }
            order
        };
        let recovered = Some(Outcome::RecoveredNewConnection);
        assert_eq!(told(Correlator::offline(), order()), (recovered, 0), "{is_reversed}");
        let live = Correlator::live(Windows::default());
        assert_eq!(told(live, order()), (recovered, 1), "{is_reversed}");
    }
}
