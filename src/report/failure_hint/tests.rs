use super::{FailedCommand, failure_hint};
use crate::config::{Base, Network};
use crate::facts::HostProgram;
use crate::plan::fixture;
use crate::plan::record::PlannedJob;

fn job(base: Base) -> PlannedJob {
    let job = if base == Base::None { fixture::job("build") } else { fixture::guest_job("build", base) };
    PlannedJob { guest: Some("default".into()), memory_mib: 1024, network: Network::None, ..job }
}

fn locate(program: &str) -> Option<HostProgram> {
    let (folder, shares) = match program {
        "cargo" => ("/home/u/.cargo/bin", &["~/.cargo/bin", "~/.rustup"][..]),
        "node" => ("/home/u/.nvm/versions/node/v22/bin", &["~/.nvm/versions/node/v22"][..]),
        "fortune" => ("/usr/games", &["/usr/games"][..]),
        _ => return None,
    };
    let env = (program == "cargo").then(|| ("RUSTUP_HOME", "/home/u/.rustup".to_owned()));
    Some(HostProgram {
        folder: folder.to_owned(),
        shares: shares.iter().map(|share| (*share).to_owned()).collect(),
        env,
    })
}

fn hint(job: &PlannedJob, exit_code: i32, line: &str) -> Option<String> {
    let tail = ["before".to_owned(), line.to_owned()];
    failure_hint(&FailedCommand { job, exit_code: Some(exit_code), tail: &tail, locate: &locate })
}

#[test]
fn each_failure_has_its_remedy() {
    for (base, exit_code, line, expected) in [
        (
            Base::Host,
            127,
            "sh: 1: cargo: not found",
            r#"cargo is in /home/u/.cargo/bin, which guests don't see: guests.default.hostFolders = [ "~/.cargo/bin" "~/.rustup" ]; and in the job env.PATH = "/home/u/.cargo/bin:/usr/local/bin:/usr/bin:/bin"; env.RUSTUP_HOME = "/home/u/.rustup";"#,
        ),
        (Base::Host, 127, "bash: line 3: node: command not found", r#"hostFolders = [ "~/.nvm/versions/node/v22" ];"#),
        (
            Base::Host,
            127,
            "env: ‘fortune’: No such file or directory",
            r#"fortune is in /usr/games: write env.PATH = "/usr/games:"#,
        ),
        (Base::Host, 127, "sh: valgrind: not found", "install valgrind on this machine, whose /usr the guest sees"),
        (
            Base::Nix,
            127,
            "sh: cargo: not found",
            "add the package of nixpkgs that has cargo to guests.default.packages",
        ),
        (
            Base::None,
            127,
            "nsenter: can't execute 'cargo': No such file or directory",
            "export PATH=/home/u/.cargo/bin:$PATH",
        ),
        (Base::Host, 127, "sh: 1: ./gen.py: not found", "check that git doesn't ignore ./gen.py"),
        (
            Base::Host,
            126,
            "nsenter: can't execute './ci.sh': Permission denied",
            "make it executable: chmod +x ./ci.sh",
        ),
        (Base::Host, 126, "sh: 1: ./my ci.sh: Permission denied", "chmod +x './my ci.sh'"),
        (
            Base::Host,
            6,
            "curl: (6) Could not resolve host: example.org",
            "this job has `network = false`: write `network = true;`",
        ),
        (Base::Nix, 1, "wget: bad address 'example.org'", "this job has `network = false`"),
        (
            Base::Host,
            1,
            "cp: error writing 'x': No space left on device",
            "is memory, 768 MiB of its 1024 MiB: write guests.default.disk = \"20G\"; in pikaci.nix, or raise \
             guests.default.memory",
        ),
        (Base::Host, 127, "sh: 1: [[: not found", r#"write `shell = "bash";` in the job"#),
        (Base::None, 128, "fatal: not a git repository (or any parent)", "jobs run without .git: pass build what it"),
    ] {
        let hint = hint(&job(base), exit_code, line).unwrap_or_default();
        assert!(hint.contains(expected), "{line}: {hint}");
    }
}

#[test]
fn a_failure_of_another_kind_has_no_hint() {
    let online = PlannedJob { network: Network::Outside, ..job(Base::Host) };
    for (job, exit_code, line) in [
        (job(Base::Host), 1, "sh: 1: cargo: not found"),
        (job(Base::Host), 127, "make: *** [all] Error 127"),
        (job(Base::Host), 127, ": not found"),
        (job(Base::Host), 126, "cp: x: Is a directory"),
        (job(Base::Host), 1, "cat: x: Permission denied"),
        (online, 6, "curl: (6) Could not resolve host: example.org"),
        (job(Base::None), 6, "curl: (6) Could not resolve host: example.org"),
        (job(Base::None), 1, "cp: No space left on device"),
    ] {
        assert_eq!(hint(&job, exit_code, line), None, "{line}");
    }
}

#[test]
fn a_guest_with_another_name_is_named_in_the_hint() {
    let named = PlannedJob { guest: Some("my guest".to_owned()), ..job(Base::Nixos) };
    assert!(hint(&named, 127, "sh: x: not found").unwrap().ends_with(r#"guests."my guest".packages"#));
}
