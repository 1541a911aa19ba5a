//! The output of `pikaci init`, as nixfmt formats it.

use std::fs;

use crate::support::init_trees::TREES;
use crate::support::project::{Project, ran};
use crate::support::tools::tool_command;

#[test]
fn a_first_job_file_is_formatted() {
    for tree in TREES {
        let project = tree.fill(Project::new(""));
        project.pikaci(&["init"]).exits(0);
        let job_file = project.path("pikaci.nix");
        let text = fs::read_to_string(&job_file).unwrap();
        ran(tool_command("nixfmt").arg(&job_file)).exits(0);
        assert_eq!(fs::read_to_string(&job_file).unwrap(), text, "{}", tree.job);
    }
}
