//! A cold virtual machine that runs `true`, compared with a script that boots the same machine.

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use pikaci::guest::{Access, Mount, Request, StepRequest, When, encode_request};
use pikaci::record::JobRecord;
use pikaci::state::read_json;

use crate::bench::{Bench, Guest};
use crate::sample::{Contender, interleave, shell};
use crate::table::{Check, Row};

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runs = match std::env::var("BENCH_RUNS") {
        Ok(text) => text.parse().ok().filter(|runs| *runs > 0).context("BENCH_RUNS isn't a number above 0")?,
        Err(_) => 5,
    };
    let guest = bench.guest()?;
    let mount =
        |tag: &str, mount_point: &str, access| Mount { tag: tag.into(), mount_point: mount_point.into(), access };
    let shares = vec![mount("usr", "/usr", Access::ReadOnly), mount("workspace", "/workspace", Access::Overlay)];
    let with_shares = request_disk("true", "/workspace", shares)?;
    // Without the host's /usr, a guest has only the programs of the agent.
    let without_shares = request_disk("/pikaci/bin/true", "/", Vec::new())?;
    for (name, tar) in [("request", with_shares), ("request-no-shares", without_shares)] {
        fs::write(bench.folder().join(name), tar).with_context(|| format!("writing {name}"))?;
    }
    make_userland(bench, guest)?;
    let (runner, accelerator) = (&guest.runner, &guest.accelerator);
    let workspace = format!("$B/guest/.pikaci/{}", guest.run.source.snapshot_dir);
    let bare = format!("ACCEL={accelerator} benches/bare-vm.sh {runner}");
    let contenders = vec![
        Contender::shell(bench, format!("pikaci -C $B/guest run --accel={accelerator}")),
        Contender::shell(bench, format!("{bare} $B/request usr=$B/userland workspace={workspace}")),
        Contender::shell(bench, format!("{bare} $B/request-no-shares")),
    ];
    Ok(vec![Row {
        name: "cold VM, `true`",
        figures: interleave(bench, runs, contenders)?,
        checks: vec![Check::at_most(0, 1.15, 1), Check::at_most(0, 1.35, 2)],
    }])
}

/// Creates the folder of the host's userland as pikaci shares it: the time of the agent depends on the size of /etc.
fn make_userland(bench: &Bench, guest: &Guest) -> Result<()> {
    let userland = bench.folder().join("userland");
    fs::create_dir_all(userland.join("usr")).with_context(|| format!("making {}", userland.display()))?;
    let job = guest.run.jobs.first().context("the run has no job")?;
    let job: JobRecord = read_json(&guest.state.recorded(&job.status_path))?;
    let log = guest.state.root().join(job.logs.host_log_path.context("the job has no log")?);
    let log = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
    let words: Vec<&str> = log.split_whitespace().collect();
    let shared = words.windows(2).filter(|pair| pair[0].starts_with("--ro-bind") && pair[1].starts_with("/etc/"));
    let shared: Vec<&str> = shared.map(|pair| pair[1].trim_start_matches('/')).collect();
    ensure!(!shared.is_empty(), "pikaci's log doesn't name the shared part of /etc");
    shell(bench, &format!("cd / && cp -a --parents {} $B/userland", shared.join(" ")))
}

/// Returns the content of the request disk that pikaci would write.
fn request_disk(command: &str, workdir: &str, shares: Vec<Mount>) -> Result<Vec<u8>> {
    let uid = match rustix::process::getuid().as_raw() {
        0 => 1000,
        uid => uid,
    };
    let request = Request {
        steps: vec![StepRequest { command: vec![command.to_owned()], timeout_secs: None, when: When::Passed }],
        services: Vec::new(),
        stall_secs: None,
        env: BTreeMap::new(),
        secrets: Vec::new(),
        workdir: workdir.to_owned(),
        uid,
        timeout_secs: 1800,
        artifacts: Vec::new(),
        shares,
        caches: Vec::new(),
        has_disk: false,
        network: false,
        epoch_secs: SystemTime::now().duration_since(UNIX_EPOCH).context("reading the clock")?.as_secs(),
    };
    encode_request(&request).context("encoding the guest's request")
}
