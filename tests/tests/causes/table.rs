use wrongdoor_tests::scenario::reproductions::{self, Finding};

const CAUSES: [&str; 22] = [
    "probe",
    "application",
    "cached",
    "crawler_opt_out",
    "connect_compared",
    "proxy_omits_sni",
    "client_omits_sni",
    "proxy_wrong_sni",
    "proxy_pool_not_keyed",
    "front_coalescing_leaked",
    "coalesced_tls_policy",
    "coalesced_name_check",
    "reuse_not_covered",
    "passthrough_wildcard",
    "name_not_served",
    "trailing_dot",
    "host_override",
    "ambiguous_authority",
    "bad_alternative",
    "ech_outer_compared",
    "cluster_redirect",
    "unknown",
];

/// The probe has tests of its own. No client that Debian has encrypts its hello without help from DNS; and what is not
/// known has no scene.
const NOT_PLAYED: [&str; 3] = ["probe", "ech_outer_compared", "unknown"];

const GENERATORS: [&str; 15] = [
    "apache",
    "nginx",
    "caddy",
    "haproxy",
    "traefik",
    "envoy",
    "go",
    "fastly",
    "cloudfront",
    "azure",
    "h2o",
    "httpcore",
    "node",
    "other",
    "unknown",
];

const OUTCOMES: [&str; 7] = [
    "recovered_new_connection",
    "recovered_same_connection",
    "retried_still_421",
    "retried_same_connection_421",
    "other_connection_opened",
    "protocol_fallback",
    "not_retried",
];

fn findings() -> impl Iterator<Item = &'static Finding> {
    reproductions::ALL
        .into_iter()
        .flat_map(|subject| subject.iter())
        .flat_map(|reproduction| reproduction.findings)
}

#[test]
fn every_expectation_is_one_that_can_be_met() {
    for finding in findings() {
        for (cause, confidences) in finding.causes {
            assert!(CAUSES.contains(cause), "{finding:?}");
            let known = |confidence: &&str| ["high", "medium", "low"].contains(confidence);
            assert!(!confidences.is_empty() && confidences.iter().all(known), "{finding:?}");
        }
        let all_of = |known: &[&str], used: &[&str]| {
            let is_known = |one: &&str| known.contains(one) || *one == "none";
            !used.is_empty() && used.iter().all(is_known)
        };
        assert!(!finding.causes.is_empty(), "{finding:?}");
        assert!(all_of(&GENERATORS, finding.generators), "{finding:?}");
        assert!(all_of(&OUTCOMES, finding.outcomes), "{finding:?}");
    }
}

#[test]
fn every_cause_and_outcome_is_played() {
    // The first is the true one.
    let causes: Vec<&str> =
        findings().filter_map(|finding| Some(finding.causes.first()?.0)).collect();
    let missing: Vec<&str> = CAUSES.into_iter().filter(|cause| !causes.contains(cause)).collect();
    assert_eq!(missing, NOT_PLAYED);
    let outcomes: Vec<&str> =
        findings().filter_map(|finding| finding.outcomes.first().copied()).collect();
    assert!(OUTCOMES.iter().all(|outcome| outcomes.contains(outcome)), "{outcomes:?}");
}
