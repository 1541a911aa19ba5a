//! Plans.

use super::Page;
use super::unisolated::UNISOLATED;
use crate::plan::record::{JobExecutor, LOCAL, PlanNodeRecord, PlannedInput, PlannedJob, Work};
use crate::plan::{PlannedCache, RunPlanRecord};

/// Renders a plan: the jobs that are left out with their reasons, then the nodes in order.
#[must_use]
pub fn plan(plan: &RunPlanRecord) -> Page {
    let mut page = Page::from(format!("{} ({})", plan.target_id, plan.scope));
    for job in &plan.left_out {
        page.line(format!("  left out  {}: {}", job.id, job.reason));
    }
    for node in &plan.nodes {
        page.line(format!("  {}", node_line(node)));
    }
    page
}

fn node_line(node: &PlanNodeRecord) -> String {
    match &node.work {
        Work::Prepare { .. } => {
            format!("prepare   {}: {}", node.id.as_str().trim_start_matches("prepare:"), node.description)
        }
        Work::Execute { execute } => {
            let after: Vec<&str> =
                node.depends_on.iter().map(|id| id.as_str().trim_start_matches("execute:")).collect();
            let after = if after.is_empty() { String::new() } else { format!("after {}; ", after.join(", ")) };
            let place = if node.executor == LOCAL { format!("{UNISOLATED}; ") } else { String::new() };
            let place = format!("{place}{}", conditions(execute));
            let PlannedJob { job, vcpu, memory_mib, timeout_secs, .. } = &**execute;
            let disk = execute.disk_mib.map_or(String::new(), |mib| format!("a disk of {mib} MiB, "));
            format!(
                "execute   {job}: {} ({after}{place}{vcpu} vcpu, {memory_mib} MiB, {disk}at most {timeout_secs} s)",
                node.description
            )
        }
    }
}

/// Returns the parts of a job that decide when it runs and of what it consists, each with a separator after it.
fn conditions(job: &PlannedJob) -> String {
    let names = |names: Vec<&str>| names.join(", ");
    let when = (!job.when.is_default()).then(|| format!("when {}", job.when.name()));
    let group = job.group.as_ref().map(|group| format!("group {}, {} at a time", group.name, group.limit));
    let inputs = (!job.inputs.is_empty()).then(|| {
        let input = |input: &PlannedInput| {
            let run = input.run.as_ref().map_or(String::new(), |run| format!(" in run {run}"));
            let to = if input.to.is_empty() { String::new() } else { format!(" in {}", input.to) };
            format!("{}{run}{to}", input.job)
        };
        format!("artifacts of {}", job.inputs.iter().map(input).collect::<Vec<_>>().join(", "))
    });
    let services = (!job.services.is_empty())
        .then(|| format!("services {}", names(job.services.iter().map(|service| service.name.as_str()).collect())));
    let steps = (!job.steps.is_empty())
        .then(|| format!("steps {}", names(job.steps.iter().map(|step| step.name.as_str()).collect())));
    let inherited = (!job.inherited.is_empty())
        .then(|| format!("inherits {}", names(job.inherited.iter().map(String::as_str).collect())));
    let cache = |cache: &PlannedCache| match &cache.filled_by {
        Some(job) => format!("{} after {job} fills it", cache.name),
        None => cache.name.clone(),
    };
    let caches = (!job.caches.is_empty())
        .then(|| format!("caches {}", job.caches.iter().map(cache).collect::<Vec<_>>().join(", ")));
    let secrets = (!job.secrets.is_empty()).then(|| {
        let place = match job.executor {
            JobExecutor::VmCommand { .. } => "",
            JobExecutor::LocalCommand { .. } => ", readable by all processes of this user",
        };
        let secrets = job.secrets.iter().map(|secret| secret.name.as_str()).collect();
        format!("secrets {}{place}", names(secrets))
    });
    [when, group, inputs, services, steps, caches, inherited, secrets]
        .into_iter()
        .flatten()
        .fold(String::new(), |text, part| text + &part + "; ")
}
