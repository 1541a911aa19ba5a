//! The jobs that `pikaci init` writes, in guests.

use crate::support::init_trees::{PYTHON, c_library};
use crate::support::project::Project;

#[test]
fn the_first_job_of_a_new_job_file_passes() {
    for (job, project, line) in [
        ("make", c_library(Project::with_guests("")), "8 tests, 0 failed"),
        ("python", PYTHON.fill(Project::with_guests("")), "Ran 1 test in "),
    ] {
        project.pikaci(&["init"]).exits(0);
        project.pikaci(&["run", job]).exits(0);
        let output = project.output(job);
        assert!(output.contains(line), "{output}");
    }
}
