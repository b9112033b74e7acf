//! Against an API server that is played: it lists in pages, watches, forgets, refuses, and goes away.

mod objects;
mod server;

use super::*;
use crate::enrich::SyncState;
use server::{Answer, Server, event, list, pod, service};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The watcher waits up to half a minute before it asks again.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What is followed of this server, until `done` holds.
async fn follows(server: &Server, directory: &Arc<Directory>, done: impl Fn(SyncState) -> bool) {
    let config = Config::new(server.url().parse().unwrap());
    let client = Client::try_from(config).unwrap();
    let until = async {
        while !done(directory.view().standing()) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let both = async {
        tokio::select! {
            () = watch::all(client, "node-1", directory) => {}
            () = until => {}
        }
    };
    let waited = timeout(TIMEOUT, both).await;
    assert!(waited.is_ok(), "{:?}, asked {:#?}", directory.view().standing(), server.asked());
}

fn played(scene: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(scene);
}

/// The workload of a container's process.
fn workload_of(directory: &Directory, container: &str) -> Option<String> {
    let process = wrongdoor_core::observation::probe_event::Process {
        pid: 1,
        command: "x".into(),
        container: Some(container.into()),
        pod: None,
        started: None,
    };
    let observer = wrongdoor_core::observation::probe_event::Observer {
        role: None,
        process: Some(Arc::new(process)),
    };
    let container = directory.view().own(&observer, None)?;
    let workload = &container.pod.workload;
    Some(format!("{}/{}/{}", workload.namespace, workload.kind, workload.name))
}

#[test]
fn pods_of_this_node_are_listed_in_pages_and_then_watched() {
    played(async {
        let server = Server::start().await;
        server.answer("/api/v1/pods", Answer::page(&[pod("a", "web-5d4f-x")], "more"));
        server.answer("/api/v1/pods", list("10", &[pod("b", "web-5d4f-y")]));
        let events = [
            event("MODIFIED", &pod("a", "web-5d4f-x")),
            event("ADDED", &pod("c", "web-5d4f-z")),
            event("DELETED", &pod("b", "web-5d4f-y")),
        ];
        server.answer("/api/v1/pods", Answer::stream(&events));
        server.answer("/api/v1/services", list("10", &[service("s", "web", "10.96.0.1")]));
        let directory = Directory::new();
        follows(&server, &directory, |standing| {
            // The list has two pods as well: the third comes with the watch.
            let is_watched = workload_of(&directory, "id-of-c").is_some();
            let is_whole = standing.services.is_whole && standing.pods.is_whole;
            is_watched && is_whole && standing.pods.objects == 2
        })
        .await;
        assert_eq!(workload_of(&directory, "id-of-a").as_deref(), Some("shop/Deployment/web"));
        // Deleted, and kept for what it did.
        assert_eq!(workload_of(&directory, "id-of-b").as_deref(), Some("shop/Deployment/web"));
        let asked = server.asked();
        let of_pods: Vec<&String> = asked.iter().filter(|path| path.contains("/pods?")).collect();
        assert!(of_pods.iter().all(|path| path.contains("fieldSelector=spec.nodeName%3Dnode-1")));
        assert!(of_pods[1].contains("continue=more"), "{asked:#?}");
        assert!(of_pods[2].contains("watch=true") && of_pods[2].contains("resourceVersion=10"));
    });
}

#[test]
fn a_watch_that_ends_goes_on_behind_its_last_bookmark() {
    played(async {
        let server = Server::start().await;
        server.answer("/api/v1/pods", list("10", &[]));
        // Servers end watches every few minutes.
        server.answer("/api/v1/pods", Answer::stream(&[server::bookmark("25")]).that_ends());
        server.answer("/api/v1/pods", Answer::stream(&[event("ADDED", &pod("a", "web-5d4f-x"))]));
        let directory = Directory::new();
        follows(&server, &directory, |standing| standing.pods.objects == 1).await;
        let asked = server.asked();
        let watches: Vec<&String> = asked
            .iter()
            .filter(|path| path.contains("/pods?") && path.contains("watch="))
            .collect();
        assert!(watches[1].contains("resourceVersion=25"), "{asked:#?}");
        assert_eq!(directory.view().standing().pods.errors, 0);
    });
}

#[test]
fn what_the_server_has_forgotten_is_listed_again() {
    played(async {
        let server = Server::start().await;
        server
            .answer("/api/v1/pods", list("10", &[pod("a", "web-5d4f-x"), pod("b", "web-5d4f-y")]));
        server.answer("/api/v1/pods", Answer::stream(&[server::expired()]).that_ends());
        server.answer("/api/v1/pods", list("99", &[pod("b", "web-5d4f-y"), pod("c", "db-0")]));
        let directory = Directory::new();
        follows(&server, &directory, |standing| {
            standing.pods.errors > 0
                && standing.pods.objects == 2
                && workload_of(&directory, "id-of-c").is_some()
        })
        .await;
        // It went while nobody looked.
        assert!(workload_of(&directory, "id-of-a").is_some());
    });
}

#[test]
fn a_server_that_goes_away_costs_nothing_that_is_known() {
    played(async {
        let server = Server::start().await;
        server.answer("/api/v1/pods", list("10", &[pod("a", "web-5d4f-x")]));
        server.answer("/api/v1/pods", Answer::broken());
        server.answer("/api/v1/pods", Answer::status(503));
        server.answer("/api/v1/pods", Answer::stream(&[event("ADDED", &pod("b", "web-5d4f-y"))]));
        server
            .answer("/api/v1/pods", list("20", &[pod("a", "web-5d4f-x"), pod("b", "web-5d4f-y")]));
        let directory = Directory::new();
        follows(&server, &directory, |standing| {
            assert!(standing.pods.objects > 0 || !standing.pods.is_whole);
            standing.pods.errors > 0 && standing.pods.objects == 2
        })
        .await;
    });
}

#[test]
fn what_is_forbidden_stays_unknown_and_the_rest_is_told() {
    played(async {
        let server = Server::start().await;
        server.answer("/api/v1/services", Answer::status(403));
        server.answer("/api/v1/pods", list("10", &[pod("a", "web-5d4f-x")]));
        let directory = Directory::new();
        follows(&server, &directory, |standing| {
            standing.pods.is_whole && standing.services.errors > 0
        })
        .await;
        assert!(!directory.view().standing().services.is_whole);
        assert!(workload_of(&directory, "id-of-a").is_some());
    });
}

#[test]
fn a_cron_jobs_pods_are_its_own_and_a_job_is_asked_for_once() {
    played(async {
        let server = Server::start().await;
        let of_job =
            |uid: &str, job: &str| server::owned(pod(uid, &format!("{job}-x")), "Job", job);
        let pods = [
            of_job("a", "backup-29384756"),
            of_job("b", "backup-29384756"),
            of_job("c", "once-20240101"),
            of_job("d", "hidden"),
        ];
        server.answer("/api/v1/pods", list("10", &pods));
        let jobs = "/apis/batch/v1/namespaces/shop/jobs/";
        server.answer(
            &format!("{jobs}backup-29384756"),
            server::job("backup-29384756", Some("backup")),
        );
        server.answer(&format!("{jobs}once-20240101"), server::job("once-20240101", None));
        server.answer(&format!("{jobs}hidden"), Answer::status(403));
        let directory = Directory::new();
        let told =
            || ["a", "b", "c", "d"].map(|uid| workload_of(&directory, &format!("id-of-{uid}")));
        let asked = || server.asked().iter().filter(|path| path.contains("/jobs/")).count();
        let cron_job = "shop/CronJob/backup";
        let expected = [cron_job, cron_job, "shop/Job/once-20240101", "shop/Job/hidden"];
        // Nobody waits for jobs: the pods are known before.
        follows(&server, &directory, |standing| {
            let told = told();
            let told = told.each_ref().map(|one| one.as_deref());
            standing.pods.is_whole && told == expected.map(Some) && asked() == 3
        })
        .await;
    });
}

#[test]
fn a_job_that_is_not_told_of_now_is_asked_for_again_and_holds_nobody_up() {
    played(async {
        let server = Server::start().await;
        let of_job =
            |uid: &str| server::owned(pod(uid, "backup-29384756-x"), "Job", "backup-29384756");
        server.answer("/api/v1/pods", list("10", &[of_job("a"), pod("b", "web-5d4f-x")]));
        let job = "/apis/batch/v1/namespaces/shop/jobs/backup-29384756";
        server.answer(job, Answer::status(500));
        server.answer(job, server::job("backup-29384756", Some("backup")));
        let directory = Directory::new();
        let of = |uid: &str| workload_of(&directory, &format!("id-of-{uid}"));
        follows(&server, &directory, |standing| {
            if standing.pods.is_whole {
                assert!(of("a").is_some() && of("b").is_some());
            }
            of("a").as_deref() == Some("shop/CronJob/backup")
        })
        .await;
        let asked = server.asked().iter().filter(|path| path.contains("/jobs/")).count();
        assert_eq!(asked, 2);
    });
}
