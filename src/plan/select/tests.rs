use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select as any_of, subsequence};

use super::{Changes, Selection, select};
use crate::config::{self, Config};
use crate::facts::{HostFacts, MissingFact};
use crate::flake::ProjectFiles;
use crate::glob::Globs;
use crate::id::{Digest, JobId, RunId};
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::record::RunPlanRecord;
use crate::plan::{Budget, BudgetRequest, CallerEnv, FailedJobs, FileDigests, PlanInput, SelectionRequest, build};

const JOBS: &str = r#"{
    guests.default.base = "none";
    jobs.lint.command = "true";
    jobs.unit = { command = "true"; paths = [ "src" "lib/*.c" ]; needs = [ "lint" ]; };
    jobs.test = { command = "true"; matrix.cc = [ "gcc" "clang" ]; needs = [ "unit" ]; paths = [ "tests" ];
        adjust = [ { "with".cc = "gcc"; skip = "no gcc"; } ]; };
    jobs.docs = { command = "true"; paths = [ "docs" ]; };
    targets.fast.jobs = [ "lint" "docs" ];
}"#;

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn changed(files: &[&str]) -> Changes {
    Changes::Files { files: strings(files), comparison: "against HEAD".to_owned(), before: None, ignored: Vec::new() }
}

fn read(text: &str) -> Config {
    config::read("pikaci.nix", text).unwrap()
}

/// Returns a line for each job that runs or is left out, with its reason.
fn lines(request: &SelectionRequest, changes: &Changes) -> Vec<String> {
    let selection = select(&read(JOBS), request, changes).unwrap();
    assert!(selection.jobs.iter().eq(selection.reasons.keys()));
    let runs = selection.reasons.iter().map(|(job, reason)| format!("{job}: {reason}"));
    let left_out = selection.left_out.iter().map(|job| {
        let mark = if job.skipped { "!" } else { "-" };
        format!("{mark}{}: {}", job.id, job.reason)
    });
    runs.chain(left_out).collect()
}

const DOCS: &str = "-docs: no file of its paths changed against HEAD";
const UNIT: &str = "-unit: no file of its paths changed against HEAD";
const CLANG: &str = "-test[cc=clang]: no file of its paths changed against HEAD";
const GCC: &str = "!test[cc=gcc]: no gcc";

fn named(names: &[&str]) -> SelectionRequest {
    SelectionRequest { names: strings(names), ..SelectionRequest::default() }
}

#[test]
fn every_selected_or_left_out_job_has_a_reason() {
    for (request, changes, expected) in [
        (
            named(&[]),
            changed(&["src/main.rs", "x"]),
            vec!["lint: it has no paths", "unit: its paths match src/main.rs", DOCS, CLANG, GCC],
        ),
        (
            named(&[]),
            changed(&["tests/a"]),
            vec![
                "lint: it has no paths",
                "test[cc=clang]: its paths match tests/a",
                "unit: test[cc=clang] needs it",
                DOCS,
                GCC,
            ],
        ),
        (
            named(&["fast", "unit"]),
            changed(&["x"]),
            vec!["lint: it has no paths", "unit: named on the command line", DOCS],
        ),
        (
            named(&["fast", "test[cc=gcc]"]),
            changed(&["pikaci.nix"]),
            vec!["docs: pikaci.nix changed", "lint: pikaci.nix changed", GCC],
        ),
        (named(&["fast"]), Changes::NotCompared("--all".to_owned()), vec!["docs: --all", "lint: --all"]),
    ] {
        assert_eq!(lines(&request, &changes), expected, "{request:?} {changes:?}");
    }
}

#[test]
fn options_narrow_a_selection() {
    let failed = |jobs: &[&str], names: &[&str]| {
        let jobs = jobs.iter().map(|job| JobId::new(*job)).collect();
        SelectionRequest { failed: Some(FailedJobs { run: RunId::new("r1"), jobs }), ..named(names) }
    };
    let skipping = |skip: &[&str], names: &[&str]| SelectionRequest { skip: strings(skip), ..named(names) };
    let affected = |names: &[&str]| SelectionRequest { affected: true, ..named(names) };
    let clang = "test[cc=clang]: named on the command line";
    for (request, files, expected) in [
        (SelectionRequest { only: true, ..named(&["test[cc=clang]"]) }, &["x"][..], vec![clang]),
        (
            skipping(&["lint", "d*"], &[]),
            &["src/a", "docs/b"],
            vec!["unit: its paths match src/a", "!docs: --skip d*", "!lint: --skip lint", CLANG, GCC],
        ),
        // The needs of a skipped job don't run, and the job that needs it does.
        (skipping(&["unit"], &["test*"]), &["x"], vec![clang, GCC, "!unit: --skip unit"]),
        (
            affected(&["test[cc=clang]", "docs"]),
            &["docs/a"],
            vec![
                "docs: its paths match docs/a",
                "lint: unit needs it",
                "test[cc=clang]: unit, which it needs, is affected",
                "unit: test[cc=clang] needs it",
            ],
        ),
        (affected(&["unit", "docs"]), &[], vec![DOCS, UNIT]),
        (affected(&["lint"]), &[], vec!["-lint: no file changed against HEAD"]),
        (failed(&["unit", "removed"], &[]), &["x"], vec!["lint: unit needs it", "unit: it didn't pass in run r1"]),
        (failed(&["unit"], &["docs"]), &["x"], vec![]),
    ] {
        assert_eq!(lines(&request, &changed(files)), expected, "{request:?} {files:?}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_existing_ones() {
    let unknown = |names: &[&str], skip: &[&str]| {
        let request = SelectionRequest { names: strings(names), skip: strings(skip), ..SelectionRequest::default() };
        select(&read(JOBS), &request, &changed(&[])).unwrap_err()
    };
    for error in [unknown(&["lint", "x*"], &[]), unknown(&[], &["x*"])] {
        assert_eq!(error.name, "x*");
        assert_eq!(error.names, ["fast", "docs", "lint", "test[cc=clang]", "test[cc=gcc]", "unit"]);
    }
}

const FILES: [&str; 5] = ["a/x", "b", "c.md", "d", "pikaci.nix"];

/// Returns a job file of some jobs, each of which needs earlier ones.
fn job_file() -> impl Strategy<Value = String> {
    let job =
        (vec(any_of(vec![true, false, false]), 8), subsequence(FILES[..4].to_vec(), 0..3), any_of(vec![0, 0, 0, 1]));
    vec(job, 1..8).prop_map(|jobs| {
        let jobs = jobs.iter().enumerate().map(|(number, (needs, paths, limit))| {
            let needs = (0..number)
                .filter(|need| needs[*need])
                .map(|need| format!("\"j{need}\" "))
                .collect::<Vec<_>>()
                .concat();
            let paths = paths.iter().map(|path| format!("\"{path}\" ")).collect::<Vec<_>>().concat();
            format!(
                "jobs.j{number} = {{ command = \"x{limit}\"; retries = {limit}; needs = [ {needs}]; paths = [ {paths}]; }};\n"
            )
        });
        format!("{{ guests.default.base = \"none\"; defaults.cache = \"trust\";\n{} }}", jobs.collect::<Vec<_>>().concat())
    })
}

fn request() -> impl Strategy<Value = SelectionRequest> {
    let names = || vec(any_of(vec!["j0", "j*", "*"]).prop_map(str::to_owned), 0..3);
    (names(), vec(Just("j0".to_owned()), 0..2), any::<bool>(), any::<bool>()).prop_map(
        |(names, skip, only, affected)| SelectionRequest { names, skip, only, affected, ..SelectionRequest::default() },
    )
}

/// Returns the plan of a selection on these files.
fn planned(config: &Config, selection: &Selection, tree: &Digest, files: &FileDigests) -> RunPlanRecord {
    let missing = || MissingFact { reason: String::new(), hint: String::new() };
    let facts = HostFacts {
        system: "x86_64-linux".to_owned(),
        cpus: 1,
        memory_mib: 8192,
        os_release: None,
        tools: BTreeMap::new(),
        kernels: BTreeMap::new(),
        busybox: Err(missing()),
        userland: None,
    };
    let hypervisor = Capabilities {
        hypervisor: Hypervisor::Qemu,
        name: "QEMU",
        read_only_shares: true,
        secrets: false,
        host_store: true,
        programs: &[],
    };
    let plan = build(PlanInput {
        repository: None,
        config,
        selection,
        facts: &facts,
        tree,
        files,
        hypervisor: &hypervisor,
        project: &ProjectFiles::default(),
        budget: Budget::new(BudgetRequest::default(), &facts),
        caller_env: &CallerEnv::default(),
        allow_local_inputs: false,
    });
    plan.unwrap().record
}

/// Returns the edges between the jobs of the plan of a selection.
fn planned_edges(config: &Config, selection: &Selection) -> BTreeSet<(String, String)> {
    let nodes = planned(config, selection, &Digest::of(b""), &FileDigests::new()).nodes;
    let name = |id: &str| id.trim_start_matches("execute:").to_owned();
    nodes.iter().flat_map(|node| node.depends_on.iter().map(|on| (name(node.id.as_str()), name(on.as_str())))).collect()
}

/// Returns the digests of the result keys of all jobs, in a project with this job file and these contents of the files.
fn key_digests(text: &str, contents: &[u8]) -> BTreeMap<JobId, Digest> {
    let config = read(text);
    let digest = |paths: &[String]| {
        let globs = Globs::new(paths.iter().map(String::as_str)).unwrap();
        let matched = FILES.iter().zip(contents).filter(|(file, _)| globs.is_match(file.as_ref()));
        Digest::of(format!("{:?}", matched.collect::<Vec<_>>()).as_bytes())
    };
    let files = config.jobs.values().filter(|job| !job.paths.is_empty());
    let files = files.map(|job| (job.paths.clone(), digest(&job.paths))).collect();
    let tree = Digest::of(format!("{text}{contents:?}").as_bytes());
    let everything = select(&config, &SelectionRequest::default(), &Changes::NotCompared(String::new())).unwrap();
    let plan = planned(&config, &everything, &tree, &files);
    plan.jobs().map(|job| (job.job.clone(), job.result_key.clone().unwrap().digest)).collect()
}

proptest! {
    #[test]
    fn a_job_is_affected_exactly_if_its_result_key_differs(
        before in job_file(),
        other in job_file(),
        is_same in any::<bool>(),
        contents in (vec(0..3_u8, 4), vec(0..3_u8, 4)),
    ) {
        let after = if is_same { &before } else { &other };
        let mut files: Vec<&str> = FILES[..4].to_vec();
        files.retain(|file| {
            let index = FILES.iter().position(|other| other == file).unwrap();
            contents.0[index] != contents.1[index]
        });
        files.extend((before != *after).then_some("pikaci.nix"));
        let comparison = String::new();
        let changes = Changes::Files {
            files: strings(&files),
            comparison,
            before: Some(Box::new(read(&before))),
            ignored: Vec::new(),
        };
        let request = SelectionRequest { affected: true, only: true, ..SelectionRequest::default() };
        let affected = select(&read(after), &request, &changes).unwrap().jobs;
        let (keys_before, keys_after) = (key_digests(&before, &contents.0), key_digests(after, &contents.1));
        let differs = |(job, key): &(&JobId, &Digest)| keys_before.get(*job) != Some(*key);
        let changed: BTreeSet<JobId> = keys_after.iter().filter(differs).map(|(job, _)| job.clone()).collect();
        prop_assert_eq!(affected, changed);
    }

    #[test]
    fn more_changes_never_select_fewer_jobs(
        text in job_file(),
        request in request(),
        few in subsequence(FILES.to_vec(), 0..3),
        more in subsequence(FILES.to_vec(), 0..3),
    ) {
        let config = read(&text);
        let jobs = |files: &[&str]| select(&config, &request, &changed(files)).unwrap().jobs;
        let all = [few.clone(), more].concat();
        prop_assert!(jobs(&few).is_subset(&jobs(&all)));
        let everything = select(&config, &request, &Changes::NotCompared(String::new())).unwrap().jobs;
        prop_assert!(jobs(&all).is_subset(&everything));
    }

    #[test]
    fn edges_between_selected_jobs_stay(
        text in job_file(),
        request in request(),
        files in subsequence(FILES.to_vec(), 0..3),
    ) {
        let config = read(&text);
        let selection = select(&config, &request, &changed(&files)).unwrap();
        let edges = selection.jobs.iter().flat_map(|job| {
            let needs = config.jobs[job].needs.iter().filter(|need| selection.jobs.contains(*need));
            needs.map(|need| (job.to_string(), need.to_string()))
        });
        prop_assert_eq!(edges.collect::<BTreeSet<_>>(), planned_edges(&config, &selection));
        if !request.only && request.skip.is_empty() {
            let needs = selection.jobs.iter().flat_map(|job| &config.jobs[job].needs);
            prop_assert!(needs.into_iter().all(|need| selection.jobs.contains(need)));
        }
        let left_out: BTreeSet<&JobId> = selection.left_out.iter().map(|job| &job.id).collect();
        prop_assert!(left_out.into_iter().all(|job| !selection.jobs.contains(job)));
    }
}
