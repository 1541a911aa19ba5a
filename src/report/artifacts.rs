//! Artifacts of a run.

use std::path::PathBuf;

use serde::Serialize;

use super::Page;
use super::schema_version::SCHEMA_VERSION;
use crate::id::{Digest, JobId, RunId};
use crate::record::ArtifactLink;
use crate::text::{plain, size};

/// Artifacts of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Artifacts {
    schema_version: u32,
    /// Id of the run.
    pub run_id: RunId,
    /// Jobs with artifacts.
    pub jobs: Vec<JobArtifacts>,
}

/// Artifacts of a job.
#[derive(Clone, Debug, Serialize)]
pub struct JobArtifacts {
    /// Name of the job.
    pub job: JobId,
    /// Folder of the files.
    pub folder: PathBuf,
    /// Files in the folder.
    pub files: Vec<ArtifactFile>,
    /// Symbolic links of the job; those that aren't kept are not in the folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<ArtifactLink>,
}

/// File of a job's artifacts.
#[derive(Clone, Debug, Serialize)]
pub struct ArtifactFile {
    /// Path, relative to the folder.
    pub path: String,
    /// Length, in bytes.
    pub len: u64,
    /// Mode in octal digits; absent for artifacts of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Digest of the content; absent for artifacts of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

impl Artifacts {
    /// Creates the artifacts of a run.
    #[must_use]
    pub fn new(run_id: RunId, jobs: Vec<JobArtifacts>) -> Self {
        Self { schema_version: SCHEMA_VERSION, run_id, jobs }
    }
}

/// Renders the folder of each job with its files.
#[must_use]
pub fn artifacts(artifacts: &Artifacts) -> Page {
    let mut page = Page::default();
    for job in &artifacts.jobs {
        page.line(format!("{}: {}", job.job, job.folder.display()));
        for file in &job.files {
            page.line(format!("  {:>9}  {}", size(file.len), plain(&file.path)));
        }
        for link in &job.links {
            let note = if link.kept { "" } else { " (not kept: it leads to no artifact)" };
            page.line(format!("  {:>9}  {} -> {}{note}", "link", plain(&link.path), plain(&link.target)));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::{ArtifactFile, Artifacts, JobArtifacts, artifacts};
    use crate::id::{JobId, RunId};
    use crate::record::ArtifactLink;

    #[test]
    fn each_job_has_its_folder() {
        let file = |path: &str, len| ArtifactFile { path: path.to_owned(), len, mode: None, sha256: None };
        let job = |name: &str, files| JobArtifacts {
            job: JobId::new(name),
            folder: format!("/p/.pikaci/runs/1/jobs/{name}/attempts/1/artifacts").into(),
            files,
            links: vec![ArtifactLink {
                path: "l".to_owned(),
                target: "\u{1b}[31m/etc".to_owned(),
                kept: name == "test",
            }],
        };
        let all = vec![
            job("build", vec![file("build/libutf8.a", 15_432), file("build/\u{1b}[31mlog", 0)]),
            job("test", vec![file("report.xml", 734)]),
        ];
        insta::assert_snapshot!(artifacts(&Artifacts::new(RunId::new("1"), all)).render(false), @r#"
        build: /p/.pikaci/runs/1/jobs/build/attempts/1/artifacts
           15.0 KiB  build/libutf8.a
                0 B  build/log
               link  l -> /etc (not kept: it leads to no artifact)
        test: /p/.pikaci/runs/1/jobs/test/attempts/1/artifacts
              734 B  report.xml
               link  l -> /etc
        "#);
    }
}
