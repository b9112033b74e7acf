//! Whose a job is: of a CronJob's pods only the job says so.

use super::super::place::Workload;
use super::chain;
use super::objects::controller;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The most jobs that are remembered; beyond it all are forgotten, and asked for again.
const MAX_JOBS: usize = 1024;
/// So long the API server has to answer: until then no other pod is heard of.
const PATIENCE: Duration = Duration::from_secs(5);

/// What runs the jobs that were asked for.
pub(super) struct Owners {
    client: Client,
    jobs: HashMap<Job, Option<Arc<str>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Job {
    namespace: Arc<str>,
    name: Arc<str>,
}

impl Owners {
    pub(super) fn new(client: Client) -> Self {
        Self { client, jobs: HashMap::new() }
    }

    /// The CronJob that a job is of; none where it is of none, or that could not be learnt.
    pub(super) async fn cron_job(&mut self, workload: &Workload) -> Option<Workload> {
        if &*workload.kind != "Job" {
            return None;
        }
        let job =
            Job { namespace: Arc::clone(&workload.namespace), name: Arc::clone(&workload.name) };
        if !self.jobs.contains_key(&job) {
            let owner = self.ask(&job).await;
            if self.jobs.len() >= MAX_JOBS {
                self.jobs.clear();
            }
            // Also that nothing was learnt: a job is asked for once.
            self.jobs.insert(job.clone(), owner);
        }
        let name = self.jobs.get(&job)?.clone()?;
        Some(Workload { namespace: job.namespace, kind: "CronJob".into(), name })
    }

    async fn ask(&self, job: &Job) -> Option<Arc<str>> {
        let jobs = ApiResource {
            group: "batch".to_owned(),
            version: "v1".to_owned(),
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            plural: "jobs".to_owned(),
        };
        let jobs: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &job.namespace, &jobs);
        let why = match tokio::time::timeout(PATIENCE, jobs.get_metadata(&job.name)).await {
            Ok(Ok(found)) => {
                let owner = controller(&found.metadata).filter(|owner| owner.kind == "CronJob");
                return owner.map(|owner| owner.name.as_str().into());
            }
            Ok(Err(error)) => chain(&error),
            Err(_) => "no answer".to_owned(),
        };
        tracing::debug!(namespace = %job.namespace, job = %job.name, "whose job this is stays unknown: {why}");
        None
    }
}
