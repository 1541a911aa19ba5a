//! `pikaci init`: writes a first job file for the builds of a project.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::host_programs::locate_program;
use crate::cli::output::{eprint_line, print, print_bytes};
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::read_policy::operator_policy;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::host::search_path;
use crate::init::{self, Build, Machine, READ_FILES, Survey, Toolchain};
use crate::plan::select::JOB_FILE;
use crate::report::Page;
use crate::snapshot;
use crate::state::write_new;

/// Maximum size of a file that describes a build, in bytes.
const READ_LIMIT: u64 = 1 << 20;
/// Folders of the programs that a guest of base `host` sees.
const GUEST_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";

#[derive(Debug, Args)]
pub struct Options {
    /// Print the job file, and write nothing
    #[arg(long, env = "PIKACI_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,
    /// Name folders of this machine only if this policy allows them [default: /etc/pikaci/policy.json, if it exists]
    #[arg(long, value_name = "FILE", env = "PIKACI_POLICY")]
    policy: Option<PathBuf>,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let project = Project::to_begin(project_args)?;
    let file = Beneath::new(&project.root).join(JOB_FILE);
    if file.is_there() && !options.dry_run {
        return Err(exists(&file));
    }
    let survey = survey(&project)?;
    let builds = init::detect(&survey);
    let (_, policy) = operator_policy(options.policy.as_deref())?;
    let machine = Machine { allows_folders: policy.host_folders, ..machine(&survey, &builds) };
    let text = init::render(&survey, &builds, &machine);
    if options.dry_run {
        print_bytes(text.as_bytes())?;
        return Ok(Exit::Passed);
    }
    if !write_new(Point::JobFile, &file, text.as_bytes())? {
        return Err(exists(&file));
    }
    let programs: Vec<&str> = machine.missing().map(|toolchain| toolchain.program.as_str()).collect();
    if !programs.is_empty() {
        eprint_line(&format_args!("note: not in /usr, where guests have their programs: {}", programs.join(", ")));
    }
    print(&summary(&file, &builds, &machine))?;
    Ok(Exit::Passed)
}

fn exists(file: &Path) -> Failure {
    let error = anyhow!("{} exists already", file.display());
    Failure::new(Exit::Usage, error).hint("pikaci check reads it; pikaci init --dry-run prints another one")
}

/// Reads the files that describe builds. One that can't be read is left out, with a note.
fn survey(project: &Project) -> Result<Survey, Failure> {
    let names = snapshot::top_names(&project.root, project.state.root());
    let mut names = names.map_err(|error| project.snapshot_failure(error))?;
    let mut texts = BTreeMap::new();
    for name in READ_FILES {
        if !names.contains(name) {
            continue;
        }
        match Beneath::new(&project.root).join(name).read(READ_LIMIT) {
            Ok(bytes) => drop(texts.insert(name.to_owned(), String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => {
                eprint_line(&format_args!("note: {name} is left out: {error}"));
                names.remove(name);
            }
        }
    }
    Ok(Survey { names, texts })
}

/// Locates the programs of the builds, and starts none.
fn machine(survey: &Survey, builds: &[Build]) -> Machine {
    let is_linux = std::env::consts::OS == "linux";
    let needs_usr = is_linux && !survey.has_dev_shell();
    let mut toolchains: Vec<Toolchain> = Vec::new();
    for program in builds.iter().flat_map(|build| &build.programs).filter(|_| needs_usr) {
        let is_listed = toolchains.iter().any(|toolchain| toolchain.program == *program);
        if !is_listed && search_path(OsStr::new(GUEST_PATH), program).is_none() {
            toolchains.push(Toolchain { program: (*program).to_owned(), located: locate_program(program) });
        }
    }
    Machine { is_linux, toolchains, ..Machine::default() }
}

/// Returns the lines about a job file that was just written.
fn summary(file: &Path, builds: &[Build], machine: &Machine) -> Page {
    let mut page = Page::default();
    for build in builds {
        page.line(format!("job {}: the build of {}", build.job, build.file));
    }
    if builds.is_empty() {
        page.line("no build was recognised: write your command into the job hello");
    }
    page.line(format!("wrote {}", file.display()));
    let folders = if machine.shared().next().is_some() { " --allow-host-folders" } else { "" };
    page.line(format!("next: pikaci check, then pikaci run{folders}"));
    page
}
