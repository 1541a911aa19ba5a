//! What jobs brought back, for people.

use std::path::PathBuf;

use serde::Serialize;

use super::plain::plain;
use super::{Page, SCHEMA_VERSION};
use crate::id::{JobId, RunId};

/// What the jobs of a run brought back.
#[derive(Clone, Debug, Serialize)]
pub struct Artifacts {
    schema_version: u32,
    /// The run.
    pub run_id: RunId,
    /// The jobs that brought something back.
    pub jobs: Vec<JobArtifacts>,
}

/// What a job brought back.
#[derive(Clone, Debug, Serialize)]
pub struct JobArtifacts {
    /// The job.
    pub job: JobId,
    /// The folder that the files lie in.
    pub folder: PathBuf,
    /// The files: their paths in the folder, and their lengths in bytes.
    pub files: Vec<Artifact>,
}

/// A file that a job brought back.
#[derive(Clone, Debug, Serialize)]
pub struct Artifact {
    /// Its path in the folder.
    pub path: String,
    /// Its length, in bytes.
    pub len: u64,
}

impl Artifacts {
    /// Returns the artifacts of a run.
    #[must_use]
    pub fn new(run_id: RunId, jobs: Vec<JobArtifacts>) -> Self {
        Self { schema_version: SCHEMA_VERSION, run_id, jobs }
    }
}

/// Returns each job's files under the folder that they lie in.
#[must_use]
pub fn artifacts(artifacts: &Artifacts) -> Page {
    let mut page = Page::default();
    for job in &artifacts.jobs {
        page.line(format!("{}: {}", job.job, job.folder.display()));
        for file in &job.files {
            page.line(format!("  {:>9}  {}", size(file.len), plain(&file.path)));
        }
    }
    page
}

/// Returns a length for people, rounded down: `999 B`, `1.2 KiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // More bytes than any disk has are what a forged manifest says.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::{Artifact, Artifacts, JobArtifacts, artifacts, size};
    use crate::id::{JobId, RunId};

    #[test]
    fn each_job_has_its_folder() {
        let file = |path: &str, len| Artifact { path: path.to_owned(), len };
        let job = |name: &str, files| JobArtifacts {
            job: JobId::new(name),
            folder: format!("/p/.pikaci/runs/1/jobs/{name}/attempts/1/artifacts").into(),
            files,
        };
        let all = vec![
            job("build", vec![file("build/libutf8.a", 15_432), file("build/\u{1b}[31mlog", 0)]),
            job("test", vec![file("report.xml", 734)]),
        ];
        insta::assert_snapshot!(artifacts(&Artifacts::new(RunId::new("1"), all)).render(false), @r#"
        build: /p/.pikaci/runs/1/jobs/build/attempts/1/artifacts
           15.0 KiB  build/libutf8.a
                0 B  build/log
        test: /p/.pikaci/runs/1/jobs/test/attempts/1/artifacts
              734 B  report.xml
        "#);
    }

    #[test]
    fn sizes_are_rounded_down() {
        let mib = 1 << 20;
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1023.9 KiB"),
            (mib, "1.0 MiB"),
            (1500 * mib, "1.4 GiB"),
            (5000 * 1024 * mib, "4.8 TiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
