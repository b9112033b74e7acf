use super::*;
use crate::enrich::Workload;
use crate::testing::exchanges;
use std::net::SocketAddr;
use wrongdoor_core::observation::{Ends, Exchange};

const WEB: &str = "10.0.0.7";
const NODE: &str = "192.0.2.1";

fn workload(kind: &str, name: &str) -> Arc<Workload> {
    Arc::new(Workload { namespace: "shop".into(), kind: kind.into(), name: name.into() })
}

fn web(uid: &str, containers: &[(&str, &str)], addresses: &[&str]) -> PodSeen {
    PodSeen {
        pod: Pod {
            name: format!("web-{uid}").into(),
            uid: uid.into(),
            node: Some("node-1".into()),
            workload: workload("Deployment", "web"),
        },
        alias: None,
        containers: containers.iter().map(|(id, name)| ((*id).into(), (*name).into())).collect(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

/// A connection between these, seen at an end by a process in a container of a pod.
fn facts(role: Option<Side>, ends: [&str; 2], home: Option<(Option<&str>, Option<&str>)>) -> Facts {
    let like: Vec<Exchange> = exchanges("coalescing");
    let end = |text: &str, port| Endpoint::from(SocketAddr::new(text.parse().unwrap(), port));
    let [client, server] = ends;
    let process = home.map(|(container, pod)| {
        let (container, pod) = (container.map(Into::into), pod.map(Into::into));
        Arc::new(Process { pid: 1, command: "nginx".into(), container, pod, started: None })
    });
    Facts {
        ends: Some(Ends { client: end(client, 50_000), server: end(server, 443) }),
        observer: Observer { role, process },
        ..Facts::clone(&like[0].connection)
    }
}

fn name(container: Option<&Arc<Container>>) -> Option<(String, Option<&str>)> {
    container.map(|container| (container.pod.name.to_string(), container.name.as_deref()))
}

#[test]
fn a_process_is_its_containers_or_at_least_its_pods() {
    let directory = Directory::new();
    directory.pods(|pods| {
        pods.apply(web("u1", &[("c0ffee", "nginx")], &[WEB]));
        pods.apply(PodSeen { alias: Some("5ca1e".into()), ..web("u2", &[], &[]) });
    });
    let view = directory.view();
    let of = |home| {
        let place = view.place(&facts(Some(Side::Server), ["203.0.113.9", WEB], home));
        name(place.pod.as_ref()).map(|(pod, container)| (pod, container.map(str::to_owned)))
    };
    let nginx = Some(("web-u1".to_owned(), Some("nginx".to_owned())));
    let pod = |name: &str| Some((name.to_owned(), None));
    assert_eq!(of(Some((Some("c0ffee"), None))), nginx);
    assert_eq!(of(Some((Some("c0ffee"), Some("u1")))), nginx);
    // One that kubelet has not told of yet; a container within the container; a static pod.
    assert_eq!(of(Some((Some("dead"), Some("u1")))), pod("web-u1"));
    assert_eq!(of(Some((None, Some("u1")))), pod("web-u1"));
    assert_eq!(of(Some((None, Some("5ca1e")))), pod("web-u2"));
    // A process of the node, although its address is a pod's; one of which nothing is known.
    assert_eq!(of(Some((None, None))), None);
    assert_eq!(of(Some((Some("dead"), Some("u9")))), None);
    assert_eq!(of(None), None);
}

#[test]
fn an_address_is_a_pods_or_a_services_and_never_the_nodes() {
    let directory = Directory::new();
    directory.pods(|pods| {
        pods.apply(web("u1", &[], &[WEB, "2001:db8::7"]));
        // On the node's network: its address is everybody's there.
        pods.apply(web("u2", &[], &[]));
    });
    directory.services(|services| {
        services.apply(ServiceSeen {
            uid: "s1".into(),
            service: Service { namespace: "shop".into(), name: "web".into() },
            addresses: vec!["10.96.0.10".parse().unwrap()],
        });
    });
    let view = directory.view();
    let peer = |role, ends| {
        let peer = view.place(&facts(role, ends, None)).peer;
        peer.map(|peer| (peer.kind(), peer.namespace().to_owned(), peer.name().to_owned()))
    };
    let pod = Some(("pod", "shop".to_owned(), "web-u1".to_owned()));
    let service = Some(("service", "shop".to_owned(), "web".to_owned()));
    assert_eq!(peer(Some(Side::Server), [WEB, "10.0.0.8"]), pod);
    assert_eq!(peer(Some(Side::Server), ["2001:db8::7", "10.0.0.8"]), pod);
    assert_eq!(peer(Some(Side::Client), ["10.0.0.8", "10.96.0.10"]), service);
    assert_eq!(peer(Some(Side::Server), [NODE, "10.0.0.8"]), None);
    // In packets the pod is the one that answers.
    let place = view.place(&facts(None, [NODE, WEB], None));
    assert_eq!(name(place.pod.as_ref()), Some(("web-u1".to_owned(), None)));
    assert_eq!(place.peer, None);
    assert_eq!(view.place(&facts(Some(Side::Server), [NODE, WEB], None)).pod, None);
}

#[test]
fn a_pod_outlives_its_deletion_and_its_address_does_not_outlive_the_next_pod() {
    let directory = Directory::new();
    directory.pods(|pods| {
        pods.begin_list();
        pods.apply(web("u1", &[("c0ffee", "nginx")], &[WEB]));
        pods.end_list();
        pods.delete("u1");
    });
    let home = Some((Some("c0ffee"), None));
    let seen = facts(Some(Side::Server), [WEB, WEB], home);
    let place = directory.view().place(&seen);
    assert_eq!(name(place.pod.as_ref()), Some(("web-u1".to_owned(), Some("nginx"))));
    assert_eq!(place.peer.map(|peer| peer.name().to_owned()), Some("web-u1".to_owned()));
    directory.pods(|pods| pods.apply(web("u2", &[], &[WEB])));
    let place = directory.view().place(&seen);
    assert_eq!(place.pod.unwrap().pod.name, "web-u1".into());
    assert_eq!(place.peer.map(|peer| peer.name().to_owned()), Some("web-u2".to_owned()));
    // By then the address may be somebody's on another node.
    directory.pods(|pods| pods.delete("u2"));
    let later = View { now: directory.begun.elapsed() + ADDRESS_GRACE_PERIOD, ..directory.view() };
    let place = later.place(&seen);
    assert_eq!((place.pod.unwrap().pod.name.clone(), place.peer), ("web-u1".into(), None));
    drop(later);
    directory.pods(|pods| pods.apply(web("u2", &[], &[WEB])));
    let SyncState { pods, services } = directory.view().standing();
    assert!(pods.is_whole && !services.is_whole);
    assert_eq!((pods.objects, pods.errors, pods.refused), (1, 0, 0));
}
