use proptest::prelude::*;

use super::{Budget, NodeIndex, Schedule, SkipCause};
use crate::guest::When;
use crate::id::Digest;
use crate::plan::fixture;
use crate::plan::record::{PlanNodeRecord, PlannedGroup, PlannedJob, Prepare, Work};

fn node(id: &str, needs: &[&str]) -> PlanNodeRecord {
    let prepare = Prepare::NixBuild {
        installable: String::new(),
        output_name: String::new(),
        flake_digest: Digest::of(b""),
        timeout_secs: 1,
    };
    fixture::node(id, needs, Work::Prepare { prepare })
}

fn guest(id: &str, memory_mib: u64) -> PlanNodeRecord {
    let execute = PlannedJob { memory_mib, ..fixture::job(id) };
    fixture::node(id, &[], Work::Execute { execute: Box::new(execute) })
}

/// Starts a node if one is ready.
fn start_next(schedule: &mut Schedule) -> Option<usize> {
    schedule.start_next().map(|index| index.0)
}

/// Starts every node that is ready.
fn start_all(schedule: &mut Schedule) -> Vec<usize> {
    std::iter::from_fn(|| start_next(schedule)).collect()
}

/// Ends a node, and returns the skipped nodes, each with the failed node that it needs.
fn finish(schedule: &mut Schedule, index: usize, passed: bool) -> Vec<(usize, Option<usize>)> {
    let failed = |cause| match cause {
        SkipCause::Failed(need) => Some(need.0),
        SkipCause::NoFailure => None,
    };
    schedule.finish(NodeIndex(index), passed).into_iter().map(|(index, cause)| (index.0, failed(cause))).collect()
}

/// Returns a job that runs on a condition, after other nodes.
fn conditional(id: &str, needs: &[&str], when: When) -> PlanNodeRecord {
    fixture::node(id, needs, Work::Execute { execute: Box::new(PlannedJob { when, ..fixture::job(id) }) })
}

#[test]
fn a_condition_decides_after_the_end_of_all_needs() {
    let nodes = [
        conditional("a", &[], When::Passed),
        conditional("b", &["a"], When::Passed),
        conditional("always", &["b"], When::Always),
        conditional("failed", &["a", "b"], When::Failed),
    ];
    for (passed, skipped, started) in [(true, vec![(3, None)], vec![2]), (false, vec![(1, Some(0))], vec![2, 3])] {
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
        assert_eq!(start_all(&mut schedule), [0]);
        let mut all = finish(&mut schedule, 0, passed);
        if passed {
            assert_eq!(start_all(&mut schedule), [1]);
            all.extend(finish(&mut schedule, 1, true));
        }
        assert_eq!((all, start_all(&mut schedule)), (skipped, started));
    }
}

#[test]
fn no_condition_starts_a_job_without_its_runner() {
    let nodes = [node("p", &[]), conditional("a", &["p"], When::Always)];
    let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
    assert_eq!(start_all(&mut schedule), [0]);
    assert_eq!(finish(&mut schedule, 0, false), [(1, Some(0))]);
}

#[test]
fn jobs_of_a_group_wait_for_a_place_and_others_overtake() {
    let member = |id: &str| {
        let group = Some(PlannedGroup { name: "db".to_owned(), limit: 1 });
        fixture::node(id, &[], Work::Execute { execute: Box::new(PlannedJob { group, ..fixture::job(id) }) })
    };
    let nodes = [member("a"), member("b"), guest("c", 1)];
    let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
    assert_eq!(start_all(&mut schedule), [0, 2]);
    finish(&mut schedule, 0, false);
    assert_eq!(start_all(&mut schedule), [1]);
}

fn budget(nodes: usize, cpus: u32, memory_mib: u64) -> Budget {
    Budget { nodes, cpus, memory_mib }
}

#[test]
fn jobs_share_the_memory_and_no_smaller_job_overtakes() {
    let nodes = [guest("a", 600), guest("b", 500), guest("c", 400), guest("d", 1)];
    let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
    assert_eq!(start_all(&mut schedule), [0]);
    finish(&mut schedule, 0, false);
    assert_eq!(start_all(&mut schedule), [1, 2, 3]);
}

#[test]
fn jobs_share_the_cpus() {
    let mut wide = guest("b", 1);
    let Work::Execute { execute } = &mut wide.work else { unreachable!() };
    execute.vcpu = 3;
    let nodes = [guest("a", 1), wide, guest("c", 1)];
    let mut schedule = Schedule::new(&nodes, budget(9, 3, 1000));
    assert_eq!(start_all(&mut schedule), [0]);
    finish(&mut schedule, 0, true);
    assert_eq!(start_all(&mut schedule), [1]);
    finish(&mut schedule, 1, true);
    assert_eq!(start_all(&mut schedule), [2]);
}

#[test]
fn a_job_larger_than_the_budget_runs_alone() {
    let nodes = [guest("a", 5000), guest("b", 1), node("p", &[])];
    let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
    assert_eq!(start_all(&mut schedule), [0]);
    finish(&mut schedule, 0, true);
    assert_eq!(start_all(&mut schedule), [1, 2]);
}

#[test]
fn a_build_counts_as_a_node_and_a_cpu_without_memory() {
    let nodes = [guest("a", 1000), node("p", &[]), node("q", &[])];
    for budget in [budget(2, 9, 1000), budget(9, 2, 1000)] {
        let mut schedule = Schedule::new(&nodes, budget);
        assert_eq!(start_all(&mut schedule), [0, 1]);
        finish(&mut schedule, 0, true);
        assert_eq!(start_all(&mut schedule), [2]);
    }
}

proptest! {
    /// In every order of ends, every job runs, and the running jobs fit into the budget unless one is alone.
    #[test]
    fn every_job_runs_and_the_running_jobs_fit(
        sizes in prop::collection::vec(1_u64..1500, 1..12),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let nodes: Vec<_> = sizes.iter().map(|size| guest(&size.to_string(), *size)).collect();
        let mut schedule = Schedule::new(&nodes, budget(3, 2, 1000));
        let (mut running, mut started): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        for end in &ends {
            let more = start_all(&mut schedule);
            running.extend(&more);
            started.extend(more);
            let used: u64 = running.iter().map(|index| sizes[*index]).sum();
            prop_assert!(running.len() <= 2 && (used <= 1000 || running.len() == 1));
            if running.is_empty() {
                break;
            }
            finish(&mut schedule, running.remove(end.index(running.len())), true);
        }
        prop_assert!(schedule.is_over());
        prop_assert_eq!(started, (0..nodes.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_failure_skips_only_the_nodes_that_need_it() {
    let nodes = [node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])];
    let mut schedule = Schedule::new(&nodes, budget(2, 9, 0));
    assert_eq!(
        (start_next(&mut schedule), start_next(&mut schedule), start_next(&mut schedule)),
        (Some(0), Some(3), None)
    );
    assert_eq!(finish(&mut schedule, 0, false), [(1, Some(0)), (2, Some(1))]);
    assert!(!schedule.is_over());
    assert_eq!(finish(&mut schedule, 3, true), []);
    assert!(schedule.is_over());
}

#[test]
fn a_node_starts_after_the_nodes_that_it_needs() {
    let nodes = [node("a", &[]), node("b", &[]), node("c", &["a", "b"])];
    let mut schedule = Schedule::new(&nodes, budget(9, 9, 0));
    assert_eq!(
        (start_next(&mut schedule), start_next(&mut schedule), start_next(&mut schedule)),
        (Some(0), Some(1), None)
    );
    assert_eq!(finish(&mut schedule, 0, true), []);
    assert_eq!(start_next(&mut schedule), None);
    assert_eq!(finish(&mut schedule, 1, true), []);
    assert_eq!(start_next(&mut schedule), Some(2));
}

#[test]
fn waiting_nodes_are_cancelled_and_running_ones_end() {
    let nodes = [node("a", &[]), node("b", &[])];
    let mut schedule = Schedule::new(&nodes, budget(1, 9, 0));
    assert_eq!(start_next(&mut schedule), Some(0));
    assert_eq!(schedule.cancel_waiting(), [NodeIndex(1)]);
    assert!(!schedule.is_over());
    assert_eq!(finish(&mut schedule, 0, false), []);
    assert!(schedule.is_over());
}
