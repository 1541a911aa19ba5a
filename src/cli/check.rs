//! `pikaci check`: can the job file be read?

use super::project::Project;
use super::{Exit, Failure, Place, print};

pub fn main(place: &Place) -> Result<Exit, Failure> {
    let project = Project::find(place)?;
    let config = project.config()?;
    print(&format!("pikaci.nix is fine: {} jobs, {} targets\n", config.jobs.len(), config.targets.len()))?;
    Ok(Exit::Passed)
}
