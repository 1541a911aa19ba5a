//! `pikaci check`: can the job file be read?

use super::project::Project;
use super::{Exit, Failure, Place, print};
use crate::report::count;

pub fn main(place: &Place) -> Result<Exit, Failure> {
    let project = Project::find(place)?;
    let config = project.config()?;
    let (jobs, targets) = (count(config.jobs.len(), "job"), count(config.targets.len(), "target"));
    print(&format!("pikaci.nix is fine: {jobs}, {targets}\n"))?;
    Ok(Exit::Passed)
}
