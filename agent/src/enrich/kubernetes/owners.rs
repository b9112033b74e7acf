//! Whose a job is: of a CronJob's pods only the job says so.
//!
//! Nobody waits for the answer: a pod is its job's until it is known whose that is.

use super::super::cluster_ends::Workload;
use super::chain;
use super::objects::{PodObject, controller};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use wrongdoor_core::bounded_map::BoundedMap;

/// The most jobs that are remembered; beyond it the oldest is forgotten, and asked for again.
const MAX_JOBS: usize = 1024;
/// The most pods that wait for an answer; others stay their job's.
const MAX_WAITING: usize = 1024;
/// The most questions at a time.
const MAX_ASKED: usize = 4;
/// So long the API server has to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// So long after that it is asked again: the pods of a long job may not be told of for days.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What runs the jobs that were asked for.
pub(super) struct Owners {
    client: Client,
    known: BoundedMap<Job, Option<Arc<str>>>,
    /// By job, those whose owner is asked for.
    waiting: HashMap<Job, Vec<PodObject>>,
    /// Jobs that are still to be asked for.
    queue: VecDeque<Job>,
    asked: FuturesUnordered<BoxFuture<'static, (Job, Answer)>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Job {
    namespace: Arc<str>,
    name: Arc<str>,
}

enum Answer {
    /// It is of this CronJob, or of none.
    Owner(Option<Arc<str>>),
    /// It will not be told: it is gone, or that is forbidden.
    Never,
    /// Another time, perhaps.
    NotNow,
}

impl Owners {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            known: BoundedMap::new(MAX_JOBS),
            waiting: HashMap::new(),
            queue: VecDeque::new(),
            asked: FuturesUnordered::new(),
        }
    }

    /// What runs what runs a pod, as far as it is known now. Where it can be learnt, [`Owners::next`] tells of the pod
    /// again.
    pub(super) fn of(&mut self, workload: Workload, pod: &PodObject) -> Workload {
        // What was told of it before is over.
        self.gone(pod.metadata.uid.as_deref().unwrap_or_default());
        let Some(job) = Job::new(&workload) else { return workload };
        match self.known.get(&job) {
            Some(Some(owner)) => job.of_cron_job(owner),
            Some(None) => workload,
            None => {
                self.wait(job, pod);
                workload
            }
        }
    }

    /// The next pods of which it is known whose they are. Never, where nobody waits.
    pub(super) async fn next(&mut self) -> (Workload, Vec<PodObject>) {
        loop {
            while self.asked.len() < MAX_ASKED
                && let Some(job) = self.queue.pop_front()
            {
                self.asked.push(ask(self.client.clone(), job, Duration::ZERO).boxed());
            }
            let Some((job, answer)) = self.asked.next().await else { std::future::pending().await };
            let owner = match answer {
                Answer::Owner(owner) => owner,
                Answer::Never => None,
                Answer::NotNow if self.waiting.get(&job).is_some_and(|pods| !pods.is_empty()) => {
                    self.asked.push(ask(self.client.clone(), job, AGAIN_AFTER).boxed());
                    continue;
                }
                Answer::NotNow => {
                    self.waiting.remove(&job);
                    continue;
                }
            };
            let pods = self.waiting.remove(&job).unwrap_or_default();
            let workload = owner.as_ref().map(|owner| job.of_cron_job(owner));
            self.known.insert(job, owner);
            if let Some(workload) = workload {
                return (workload, pods);
            }
        }
    }

    /// A pod is gone: it is not told of again.
    pub(super) fn gone(&mut self, uid: &str) {
        for pods in self.waiting.values_mut() {
            pods.retain(|pod| pod.metadata.uid.as_deref() != Some(uid));
        }
    }

    /// All pods will be told anew.
    pub(super) fn begin_list(&mut self) {
        self.waiting.values_mut().for_each(Vec::clear);
    }

    fn wait(&mut self, job: Job, pod: &PodObject) {
        let pods: usize = self.waiting.values().map(|pods| pods.len().max(1)).sum();
        if pods >= MAX_WAITING {
            return;
        }
        let pods = self.waiting.entry(job.clone()).or_insert_with(|| {
            self.queue.push_back(job);
            Vec::new()
        });
        pods.push(pod.clone());
    }
}

impl Job {
    fn new(workload: &Workload) -> Option<Self> {
        (&*workload.kind == "Job").then(|| Self {
            namespace: Arc::clone(&workload.namespace),
            name: Arc::clone(&workload.name),
        })
    }

    fn of_cron_job(&self, name: &Arc<str>) -> Workload {
        let namespace = Arc::clone(&self.namespace);
        Workload { namespace, kind: "CronJob".into(), name: Arc::clone(name) }
    }
}

async fn ask(client: Client, job: Job, after: Duration) -> (Job, Answer) {
    tokio::time::sleep(after).await;
    let jobs = ApiResource {
        group: "batch".to_owned(),
        version: "v1".to_owned(),
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        plural: "jobs".to_owned(),
    };
    let jobs: Api<DynamicObject> = Api::namespaced_with(client, &job.namespace, &jobs);
    let (answer, why) = match tokio::time::timeout(TIMEOUT, jobs.get_metadata(&job.name)).await {
        Ok(Ok(found)) => {
            let owner = controller(&found.metadata).filter(|owner| owner.kind == "CronJob");
            let owner = owner.map(|owner| owner.name.as_str().into());
            return (job, Answer::Owner(owner));
        }
        Ok(Err(error)) => {
            let code = match &error {
                kube::Error::Api(status) => status.code,
                _ => 0,
            };
            (if matches!(code, 403 | 404) { Answer::Never } else { Answer::NotNow }, chain(&error))
        }
        Err(_) => (Answer::NotNow, "no answer".to_owned()),
    };
    tracing::debug!(namespace = %job.namespace, job = %job.name, "the owner of this job stays unknown: {why}");
    (job, answer)
}
