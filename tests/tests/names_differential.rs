use std::net::IpAddr;

use anyhow::Result;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use wrongdoor_core::name::{Authority, CertificateNames, Coverage, Host};
use wrongdoor_core::wire::tls::certificate;
use wrongdoor_tests::wire::Dice;

struct Certificate {
    der: CertificateDer<'static>,
    ours: CertificateNames,
}

fn certificate(names: &[String]) -> Result<Certificate> {
    let key = KeyPair::generate()?;
    let der = CertificateParams::new(names)?.self_signed(&key)?.der().clone();
    let ours = certificate::names(&der).expect("a certificate that can be read");
    Ok(Certificate { der, ours })
}

/// What WebPKI says; `None` for what it does not take for a name.
fn theirs(certificate: &Certificate, name: &str) -> Option<bool> {
    let name = ServerName::try_from(name.to_owned()).ok()?;
    let parsed = EndEntityCert::try_from(&certificate.der).expect("WebPKI reads it");
    Some(parsed.verify_is_valid_for_subject_name(&name).is_ok())
}

fn ours(certificate: &Certificate, host: &Host) -> bool {
    certificate.ours.covers(host) == Coverage::Covered
}

#[track_caller]
fn compare(certificate: &Certificate, names: &[String], name: &str) -> bool {
    let Ok(authority) = Authority::parse(name.as_bytes()) else { return false };
    let Some(theirs) = theirs(certificate, name) else { return false };
    let ours = ours(certificate, &authority.host);
    assert_eq!(ours, theirs, "{names:?}, {name}");
    true
}

#[test]
fn certificates_cover_what_webpki_says_they_do() -> Result<()> {
    let presented = [
        "a.test",
        "*.a.test",
        "A.Test",
        "*.b.a.test",
        "b.a.test",
        "*.test",
        "test",
        "xn--bcher-kva.test",
        "*.xn--bcher-kva.test",
        "a-b.test",
        "my_host.test",
        "192.0.2.1",
        "2001:db8::1",
        "1.2.test",
        "*.2.test",
    ];
    let asked = [
        "a.test",
        "A.TEST",
        "b.a.test",
        "c.b.a.test",
        "x.test",
        "test",
        "xn--bcher-kva.test",
        "www.xn--bcher-kva.test",
        "a-b.test",
        "my_host.test",
        "192.0.2.1",
        "192.0.2.2",
        "2001:db8::1",
        "1.2.test",
        "3.2.test",
        "aa.test",
        "x.b.a.test",
        "a.test.",
        "b.a.test.",
        "xn--x.a.test",
    ];
    let mut compared = 0;
    for name in presented {
        let names = [name.to_owned()];
        let certificate = certificate(&names)?;
        compared += asked.iter().filter(|asked| compare(&certificate, &names, asked)).count();
    }
    let names: Vec<_> = presented.map(str::to_owned).to_vec();
    let certificate = certificate(&names)?;
    compared += asked.iter().filter(|asked| compare(&certificate, &names, asked)).count();
    assert!(compared > 200, "only {compared} compared");
    Ok(())
}

fn random_name(dice: &mut Dice, wildcards: bool) -> String {
    let labels = ["a", "b", "www", "x-y", "example", "xn--bcher-kva", "1"];
    let mut name: Vec<_> = (0..dice.within(1..4)).map(|_| *dice.one_of(&labels)).collect();
    name.push(if dice.once_in(2) { "test" } else { "example" });
    if wildcards && dice.once_in(2) {
        name.splice(..1, ["*"]);
    }
    let name = name.join(".");
    if dice.once_in(5) { name.to_ascii_uppercase() } else { name }
}

#[test]
fn random_certificates_cover_what_webpki_says_they_do() -> Result<()> {
    let mut dice = Dice::new(9525);
    for _ in 0..60 {
        let names: Vec<_> = (0..dice.within(1..5)).map(|_| random_name(&mut dice, true)).collect();
        let certificate = certificate(&names)?;
        for _ in 0..50 {
            compare(&certificate, &names, &random_name(&mut dice, false));
        }
    }
    Ok(())
}

/// Neither of us has a client that accepts it, though RFC 9525 would not forbid it.
#[test]
fn no_wildcard_covers_a_whole_top_level_domain() -> Result<()> {
    let certificate = certificate(&["*.test".to_owned()])?;
    assert_eq!(theirs(&certificate, "a.test"), Some(false));
    let host = Authority::parse(b"a.test").expect("a name").host;
    assert!(!ours(&certificate, &host));
    Ok(())
}

/// What a URL's host and ours have in common. WHATWG's rules are for what people type: `0x7f.1` is
/// an address there and a name here, as RFC 3986 has it; those forms are left out.
#[test]
fn authorities_are_normalised_as_the_url_crate_does() {
    let names = [
        "a.test",
        "A.Test",
        "a.test:443",
        "a.test:8443",
        "a.test:",
        "a.test.",
        "[2001:DB8::1]",
        "[2001:db8:0:0:0:0:0:1]:8443",
        "192.0.2.1",
        "192.0.2.1:80",
        "b\u{fc}cher.test",
        "B\u{dc}CHER.test",
        "xn--bcher-kva.test",
        "my_host.test",
        "ex%61mple.test",
        "user@a.test",
        "user:password@a.test:444",
        "\u{212a}.test",
        "fa\u{df}.test",
        "a\u{3002}test",
        "\u{5bff}\u{53f8}.test",
        "a.test:65535",
        "a.test:00443",
        "[::]",
        "x..test",
        "a b.test",
        "a.test:65536",
        "a.test:-1",
        "[::1",
        "a%2fb.test",
        "a%00.test",
    ];
    for raw in names {
        let ours = Authority::parse(raw.as_bytes());
        let theirs = url::Url::parse(&format!("https://{raw}/"));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(host_of(&theirs), Some((ours.host, ours.dot)), "{raw}");
                assert_eq!(theirs.port_or_known_default(), Some(ours.port.unwrap_or(443)), "{raw}");
            }
            // An empty label is a domain to WHATWG; no name has one.
            (Err(_), Ok(_)) if raw.contains("..") => {}
            (ours, theirs) => {
                assert_eq!(ours.is_ok(), theirs.is_ok(), "{raw}: {ours:?} {theirs:?}")
            }
        }
    }
}

#[test]
fn random_authorities_are_normalised_as_the_url_crate_does() {
    let mut dice = Dice::new(3986);
    let pieces = [
        "a", "B", "-", ".", "xn--", "\u{fc}", "%41", "%c3%bc", "_", "9", ":", "80", "@", "[", "]",
        "::1", "test",
    ];
    let mut agreed = 0;
    for _ in 0..20_000 {
        let raw: String = (0..dice.within(1..7)).map(|_| *dice.one_of(&pieces)).collect();
        let ours = Authority::parse(raw.as_bytes());
        let Ok(theirs) = url::Url::parse(&format!("https://{raw}/")) else { continue };
        let (Ok(ours), Some((host, dot))) = (ours, host_of(&theirs)) else { continue };
        // Numbers at the end are WHATWG's idea of an IPv4 address; and it checks A-labels, which is a
        // resolver's business.
        if matches!(ours.host, Host::Ip(IpAddr::V4(_))) != matches!(host, Host::Ip(IpAddr::V4(_))) {
            continue;
        }
        agreed += 1;
        assert_eq!((&ours.host, ours.dot), (&host, dot), "{raw}");
        assert_eq!(theirs.port_or_known_default(), Some(ours.port.unwrap_or(443)), "{raw}");
    }
    assert!(agreed > 2000, "only {agreed} compared");
}

/// The host of a URL, and whether it ends with a dot.
fn host_of(url: &url::Url) -> Option<(Host, bool)> {
    Some(match url.host()? {
        url::Host::Domain(name) => {
            let bare = name.strip_suffix('.').unwrap_or(name);
            (Host::Name(bare.into()), bare != name)
        }
        url::Host::Ipv4(ip) => (Host::Ip(ip.into()), false),
        url::Host::Ipv6(ip) => (Host::Ip(ip.into()), false),
    })
}
