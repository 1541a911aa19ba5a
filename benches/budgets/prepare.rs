//! Preparing a runner that is built already, with a Nix that fails when it is started.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pikaci::cancel::Cancel;
use pikaci::foreign::Beneath;
use pikaci::nix::Nix;
use pikaci::plan::RunPlanRecord;
use pikaci::plan::record::{Prepare, Work};
use pikaci::prepare::{PrepareOutcome, prepare_runner};
use pikaci::state::read_json;

use crate::bench::Bench;
use crate::sample::{Contender, interleave};
use crate::table::{Check, Row};

/// Path of a program that doesn't exist.
const NO_NIX: &str = "/nonexistent/nix";

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let guest = bench.guest()?;
    let plan: RunPlanRecord = read_json(&guest.state.recorded(&guest.run.selection.plan_path))?;
    let digest = plan.nodes.iter().find_map(|node| match &node.work {
        Work::Prepare { prepare: Prepare::NixBuild { flake_digest, .. } } => Some(flake_digest),
        Work::Execute { .. } => None,
    });
    let digest = digest.context("the plan has no Prepare node")?;
    let nix = Nix::new(NO_NIX, |name| std::env::var_os(name));
    let (log, cancel) = (bench.folder().join("prepare.log"), Cancel::default());
    let warm = || match prepare_runner(
        &guest.state,
        &nix,
        digest,
        None,
        &Beneath::in_its_folder(&log),
        Duration::MAX,
        &cancel,
    )? {
        PrepareOutcome::Cached(_) => Ok(()),
        other => bail!("the built runner isn't reused: {other:?}"),
    };
    let build = format!(
        "nix build --extra-experimental-features 'nix-command flakes' --no-write-lock-file --no-link \
         path:$B/guest/.pikaci/flakes/{digest}#runner"
    );
    let contenders = vec![
        Contender::call("pikaci::prepare::prepare, with a Nix that isn't there", warm),
        Contender::shell(bench, build),
    ];
    Ok(vec![Row {
        name: "warm prepare",
        figures: interleave(bench, 9, contenders)?,
        checks: vec![Check::within(0, Duration::from_millis(5)), Check::only(0, 1)],
    }])
}
