//! A job with steps and services, and the expectations that guests and jobs without one share.

use pikaci::event::{Outcome, Status};
use pikaci::record::JobRecord;

use crate::support::project::Project;

/// The job `flow`: a leg of a matrix with steps of every condition, and services of which one ends early.
pub const FLOW: &str = r#"
  flow = {
    matrix = { cc = [ "gcc" "clang" ]; };
    adjust = [ { "with".cc = "clang"; skip = "there is no clang"; } ];
    workdir = "sub";
    shell = "bash";
    services.db = { command = "echo $NAME started; touch /tmp/ready-$NAME; sleep 1000"; ready = "[[ -e /tmp/ready-$NAME ]]"; env.NAME = "flow"; };
    services.web = { command = "echo web; sleep 1; exit 4"; needs = [ "db" ]; };
    steps = [
      { name = "one"; command = "echo $cc $PIKACI_JOB $PIKACI_ATTEMPT; cat here; sleep 1000 & sleep 2"; }
      { name = "two"; command = "echo two; exit 3"; }
      { name = "three"; command = "echo never"; }
      { name = "late"; command = "echo late; sleep 1000"; when = "failed"; timeout = 1; }
      { name = "end"; command = [ "echo" "end" ]; when = "always"; }
    ];
    allowFailure = [ 3 ];
  };
"#;

/// Id of the leg that runs.
pub const LEG: &str = "flow[cc=gcc]";

/// Asserts that the leg of the last run of a project has the steps, logs and warnings that its job file implies.
pub fn assert_flow(project: &Project) {
    let job: JobRecord = project.job(LEG);
    assert_eq!((job.status, job.exit.exit_code, job.allowed), (Status::Done(Outcome::Failed), Some(3), true));
    assert_eq!(job.exit.reason.message.as_deref(), Some("step two: the command ended with exit code 3"));
    let outcomes: Vec<_> = job.steps.iter().map(|step| (step.name.as_str(), step.status.outcome().unwrap())).collect();
    let expected = [
        ("one", Outcome::Passed),
        ("two", Outcome::Failed),
        ("three", Outcome::Skipped),
        ("late", Outcome::TimedOut),
        ("end", Outcome::Passed),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(job.warnings, ["the service web ended with exit code 4 while the job ran"]);
    let log = |part: &[&str]| project.pikaci(&[&["logs", "--job", LEG], part].concat()).exits(0).stdout;
    assert_eq!(log(&["--step", "one"]), "gcc flow[cc=gcc] 1\nhere\n");
    assert_eq!(log(&["--step", "late"]), "late\n");
    assert_eq!(log(&["--service", "db"]), "flow started\n");
    assert_eq!(log(&["--service", "web"]), "web\n");
    assert_eq!(log(&[]), "gcc flow[cc=gcc] 1\nhere\ntwo\nlate\nend\n");
    let left_out = &project.record().left_out;
    assert_eq!((left_out[0].id.as_str(), left_out[0].reason.as_str()), ("flow[cc=clang]", "there is no clang"));
}
