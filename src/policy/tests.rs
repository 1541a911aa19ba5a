//! Policies and the jobs that they refuse.

use super::Policy;
use crate::config::{Base, Network, SecretKind, SecretSource};
use crate::plan::fixture::{guest_job, job, node, plan};
use crate::plan::record::{GuestChoices, JobExecutor, PlannedJob, PlannedSecret, Work};

/// Returns a job that every policy allows.
fn plain_job() -> PlannedJob {
    guest_job("a", Base::Host)
}

fn job_with(change: impl FnOnce(&mut GuestChoices)) -> PlannedJob {
    let mut job = plain_job();
    if let JobExecutor::VmCommand { choices: Some(choices), .. } = &mut job.executor {
        change(choices);
    }
    job
}

fn with_secret(source: SecretSource) -> PlannedJob {
    let secret = PlannedSecret { name: "TOKEN".to_owned(), source, as_file: false, line: None };
    PlannedJob { secrets: vec![secret], ..plain_job() }
}

/// Returns the key of the policy that refuses a job.
fn refusing_key(policy: &Policy, job: PlannedJob) -> Option<&'static str> {
    let plan = plan(vec![node("execute:a", &[], Work::Execute { execute: Box::new(job) })]);
    policy.check(&plan, "the policy").err().map(|violation| violation.key)
}

#[test]
fn each_key_refuses_only_its_own_request() {
    let (all, untrusted) = (Policy::default(), Policy::untrusted());
    let unrecorded = {
        let mut job = plain_job();
        if let JobExecutor::VmCommand { choices, .. } = &mut job.executor {
            *choices = None;
        }
        job
    };
    for (key, job) in [
        ("bases", job("a")),
        ("bases", unrecorded),
        ("network", PlannedJob { network: Network::Outside, ..plain_job() }),
        ("network", PlannedJob { network: Network::Host, ..plain_job() }),
        ("runAsRoot", PlannedJob { run_as_root: true, ..plain_job() }),
        ("kernel", job_with(|choices| choices.kernel = true)),
        ("devShell", job_with(|choices| choices.dev_shell = true)),
        ("modules", job_with(|choices| choices.modules = true)),
        ("ownLock", job_with(|choices| choices.own_lock = true)),
        ("hostFolders", job_with(|choices| choices.host_folders = true)),
        ("secrets", with_secret(SecretSource::Env("TOKEN".to_owned()))),
        ("secrets", with_secret(SecretSource::File("/token".to_owned()))),
        ("secrets", with_secret(SecretSource::Command(vec!["pass".to_owned()]))),
        ("inheritEnv", PlannedJob { inherited: ["TOKEN".to_owned()].into(), ..plain_job() }),
    ] {
        assert_eq!(refusing_key(&untrusted, job.clone()), Some(key));
        assert_eq!(refusing_key(&all, job), None, "{key}");
    }
    assert_eq!(refusing_key(&untrusted, plain_job()), None);
    let mut including = plan(vec![node("execute:a", &[], Work::Execute { execute: Box::new(plain_job()) })]);
    including.include = vec![".env".to_owned()];
    assert_eq!(untrusted.check(&including, "the policy").unwrap_err().key, "ignoredFiles");
    assert_eq!(all.check(&including, "the policy"), Ok(()));
    let small = Policy { memory_mib: Some(512), disk_mib: Some(600), vcpu: Some(2), ..Policy::default() };
    assert_eq!(refusing_key(&small, PlannedJob { disk_mib: Some(601), ..plain_job() }), Some("disk"));
    assert_eq!(refusing_key(&small, PlannedJob { memory_mib: 513, ..plain_job() }), Some("memory"));
    assert_eq!(refusing_key(&small, PlannedJob { vcpu: 3, ..plain_job() }), Some("vcpu"));
    assert_eq!(refusing_key(&small, PlannedJob { memory_mib: 512, disk_mib: Some(600), vcpu: 2, ..plain_job() }), None);
    let outside = Policy { network: Network::Outside, ..Policy::default() };
    assert_eq!(refusing_key(&outside, PlannedJob { network: Network::Outside, ..plain_job() }), None);
    assert_eq!(refusing_key(&outside, PlannedJob { network: Network::Host, ..plain_job() }), Some("network"));
}

#[test]
fn a_policy_has_the_syntax_of_values_in_a_job_file() {
    let text = r#"{ "bases": ["host"], "network": true, "runAsRoot": false, "memory": "4G", "disk": "1G", "secrets": ["env"] }"#;
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let expected = Policy {
        bases: [Base::Host].into(),
        network: Network::Outside,
        run_as_root: false,
        secrets: [SecretKind::Env].into(),
        memory_mib: Some(4096),
        disk_mib: Some(1024),
        ..Policy::default()
    };
    assert_eq!(policy, expected);
    for wrong in [
        r#"{ "runAsroot": false }"#,
        r#"{ "bases": ["docker"] }"#,
        r#"{ "network": "all" }"#,
        r#"{ "memory": 4 }"#,
        r#"{ "disk": "0G" }"#,
        "[]",
    ] {
        assert!(Policy::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
