use anyhow::Result;
use wrongdoor_core::side::Side::{self, Client, Server};
use wrongdoor_tests::wire::{Found, Names, Sealed, Talk, observe, tls};

const H2: Names<'_> = Names { sni: Some("a.test"), alpn: "h2", certificate: &["a.test"] };

/// What the engine reports of a handshake in which these records follow the ClientHello.
fn refused(records: &[(Side, Vec<u8>)]) -> Found {
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello([1; 32], Some("a.test"))));
    for (side, record) in records {
        talk.say(*side, record);
    }
    talk.close();
    observe(&talk.frames(), &[])
}

fn alert(side: Side, content: &[u8]) -> (Side, Vec<u8>) {
    (side, tls::record(21, content))
}

#[test]
fn the_alert_that_refuses_a_name_is_told_with_its_sender() {
    for side in [Client, Server] {
        let found = refused(&[alert(side, &[2, 112])]);
        assert_eq!(found.connection().alert, Some((side, 112)));
        assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
    }
}

#[test]
fn a_fatal_alert_comes_before_warnings_and_an_end_in_peace_is_none() {
    let cases = [
        (vec![[1, 112], [2, 40]], Some(40)),
        (vec![[2, 40], [2, 80]], Some(40)),
        (vec![[1, 112], [1, 100]], Some(112)),
        (vec![[1, 0]], None),
        (vec![[1, 90], [1, 0]], None),
    ];
    for (alerts, expected) in cases {
        let records: Vec<_> = alerts.iter().map(|content| alert(Server, content)).collect();
        let found = refused(&records);
        assert_eq!(found.connection().alert.map(|(_, code)| code), expected, "{alerts:?}");
        assert_eq!(found.errors("tls", "alert"), 0);
    }
}

#[test]
fn what_is_no_alert_is_counted_and_an_encrypted_one_is_not_guessed() {
    let found = refused(&[alert(Server, &[7, 112])]);
    assert_eq!((found.connection().alert, found.errors("tls", "alert")), (None, 1));
    // Behind the change of keys, the same type has other bytes.
    let hello = tls::record(22, &tls::server_hello([2; 32]));
    let change = tls::record(20, &[1]);
    let sealed = alert(Server, &[2, 112]);
    let found = refused(&[(Server, hello), (Server, change), sealed]);
    assert_eq!((found.connection().alert, found.errors("tls", "alert")), (None, 0));
}

#[test]
fn an_encrypted_alert_is_told_where_the_keys_are() -> Result<()> {
    let mut session = Sealed::open(Talk::open(443), 1, H2)?;
    session.alert(Server, [2, 116])?.alert(Server, [1, 0])?;
    session.talk.close();
    let frames = session.talk.frames();
    let keys = session.keys_log(|_| true);
    assert_eq!(observe(&frames, &keys).connection().alert, Some((Server, 116)));
    assert_eq!(observe(&frames, &[]).connection().alert, None);
    Ok(())
}
