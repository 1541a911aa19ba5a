//! Job files that pikaci and `mkChecks` refuse, each with the message of Nix.

/// Attributes of a job, each with the message that refuses them.
pub const REFUSED_JOBS: &[(&str, &str)] = &[
    (r#"comand = "true";"#, r#"the job "a b": unknown key `comand`; it may have adjust, allowFailure, "#),
    (r#"description = "x";"#, r#"the job "a b": it has no `command`"#),
    ("command = 1;", r#"the job "a b": `command` must be a string, or a list of strings"#),
    (r#"command = " ";"#, r#"the job "a b": `command` is empty"#),
    ("command = [ ];", r#"the job "a b": `command` is empty"#),
    (r#"command = [ "" ];"#, r#"the job "a b": `command` is empty"#),
    (r#"command = "a\r\nb";"#, "`command` has Windows line endings"),
    (r#"steps = [ { name = "a"; command = "a\r\n"; } ];"#, "`steps[0].command` has Windows line endings"),
    ("steps = [ ];", "`steps` must have 1 to 40 steps"),
    (r#"steps = [ { name = "a"; } ];"#, "`steps[0]` has no `command`"),
    (r#"steps = [ { command = "a"; } ];"#, "`steps[0]` has no `name`"),
    (r#"steps = [ { name = "a"; command = "a"; timeout = 0; } ];"#, "`steps[0].timeout` must be a string such"),
    (
        r#"steps = [ { name = "a"; command = "a"; } { name = "a"; command = "b"; } ];"#,
        "two steps in `steps` have the same name",
    ),
];

/// Attributes of a job that has a command.
pub const REFUSED_WITH_COMMAND: &[(&str, &str)] = &[
    (r#"steps = [ { name = "a"; command = "b"; } ];"#, "it has a `command` and `steps`"),
    ("services.db = { };", "`services.db` has no `command`"),
    (r#"services.db = { command = "x"; needs = [ "a" ]; };"#, r#"a service of it needs "a", which is no"#),
    (r#"guest = "tols";"#, r#"the job "a b": there is no guest "tols"; there are "default""#),
    (r#"caches = [ "c" ];"#, r#"the job "a b": there is no cache "c""#),
    (r#"group = "db";"#, r#"the job "a b": there is no group "db""#),
    (r#"needs = [ "god" ];"#, r#"the job "a b": it needs "god", which is no job"#),
    (r#"needs = [ "good[a=b]" ];"#, r#"it needs "good[a=b]", which is no leg of that job"#),
    (r#"needs = [ "good[" ];"#, r#"it needs "good[", which is no job"#),
    ("inputs.i = { };", "`inputs.i` has no `from`"),
    (r#"inputs.i.from = "god";"#, r#"it needs "god", which is no job"#),
    (r#"inputs.i.from = "good";"#, r#"the input "i" is from "good", which keeps no artifacts"#),
    (r#"artifacts = [ "x" ]; inputs.i.from = "a b";"#, r#"jobs wait for each other: "a b" needs "a b""#),
    (r#"inputs.i = { from = "kept"; to = "../a"; };"#, "`inputs.i.to` must be a folder of the project"),
    (r#"inputs.i = { from = "kept"; to = "a/.GIT/b"; };"#, "`inputs.i.to` must be a folder of the project that"),
    (
        r#"inputs = { i.from = "kept"; j = { from = "kept"; to = "a"; }; };"#,
        r#"the inputs "j" and "i" have the same folder, or one inside of the other"#,
    ),
    (
        r#"inputs = { i = { from = "kept"; to = "a"; }; j = { from = "kept"; to = "a"; }; };"#,
        r#"the inputs "i" and "j" have the same folder, or one inside of the other"#,
    ),
    (r#"inputs.i.from = "slash";"#, "a value of \"slash[a=b/c]\" has a `/`"),
    (r#"inputs.i.from = "out";"#, "`adjust` leaves out all of the input \"i\""),
    (r#"needs = [ "a b" ];"#, r#"jobs wait for each other: "a b" needs "a b""#),
    (r#"network = "out";"#, r#"the job "a b": `network` must be true, false or "host""#),
    (r#"when = "ever";"#, r#"`when` must be "passed" or "failed" or "always""#),
    ("allowFailure = [ 0 ];", "`allowFailure` must be true, false or a list of exit codes from 1"),
    (r#"shell = "zsh";"#, r#"`shell` must be "sh", "bash" or a list of strings"#),
    (r#"workdir = "a/../b";"#, "`workdir` must be a folder of the project"),
    (r#"workdir = "/";"#, "`workdir` must be a folder of the project"),
    (r#"timeout = "nope";"#, r#"`timeout` must be a string such as "30m", or an integer of seconds"#),
    (r#"stall = "8d";"#, r#"`stall` must be a string such as "30m", or an integer of seconds"#),
    ("retries = 11;", "`retries` must be an integer from 0 to 10"),
    ("env.A = 1;", r#"the job "a b": `env.A` must be a string"#),
    (r#"env.A = { default = ""; };"#, "`env.A` has no value"),
    (r#"env."A-B" = "";"#, r#"the variable "A-B" in `env` isn't the name"#),
    (r#"env.PIKACI_JOB = "";"#, r#"the variable "PIKACI_JOB" in `env` is reserved"#),
    (r#"paths = [ "/a" ];"#, r#""/a" in `paths[0]` is absolute"#),
    (r#"paths = [ "a/{.,b}" ];"#, r#""a/{.,b}" in `paths[0]` never matches because of the `.`"#),
    ("artifacts = { };", "`artifacts` has no `paths`"),
    (r#"artifacts = { paths = [ "a" ]; size = "1M"; };"#, "`artifacts.size` must be a string such as \"20G\""),
    (r#"artifacts = { paths = [ "a" ]; required = 1; };"#, "`artifacts.required` must be true or false"),
    (r#"artifacts = [ "a/.git/x" ];"#, r#""a/.git/x" in `artifacts[0]` never matches"#),
    (r#"artifacts = [ "src\\main" ];"#, "has a backslash before a letter"),
    (r#"paths = [ "a{b" ];"#, r#""a{b" in `paths[0]` isn't a glob: a `{` has no `}`"#),
    (r#"artifacts = [ "[b-a]" ];"#, r#""[b-a]" in `artifacts[0]` isn't a glob: the range `b-a` is empty"#),
    (r#"workdir = "a\nb";"#, "`workdir` must be a folder of the project"),
    (r#"description = "a\nb";"#, "`description` must be a string of one line"),
    ("description = \"a\u{85}b\";", "`description` must be a string of one line"),
    (r#"shell = [ "" ];"#, "`shell` is empty"),
    (r#"services.db.command = "a\r\nb";"#, "`services.db.command` has Windows line endings"),
    (
        r#"services = { a = { command = "a"; needs = [ "b" ]; }; b = { command = "b"; needs = [ "c" ]; };
                        c = { command = "c"; needs = [ "b" ]; }; };"#,
        r#"the job "a b": its service "a" needs itself, by way of others"#,
    ),
    (r#"adjust = [ { "with".a = "b"; } ];"#, "`adjust` is for a job with a matrix"),
    ("matrix = { };", "`matrix` has no axis"),
    ("matrix.a = [ ];", "`matrix.a` has no value"),
    (r#"matrix.a = [ "b" "b" ];"#, "`matrix.a` has a value twice"),
    (r#"matrix.a = [ "b,c" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix.a = [ "[" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix.a = [ " b" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix."a b" = [ "c" ];"#, r#"the variable "a b" in `matrix` isn't the name"#),
    (r#"matrix.a = [ "b" ]; adjust = [ { skip = "c"; } ];"#, "`adjust[0]` has no `with`"),
    (r#"matrix.a = [ "b" ]; adjust = [ { "with".a = "c"; } ];"#, "fits no leg of the matrix"),
    (
        r#"matrix.a = [ "b" ]; adjust = [ { "with".a = "b"; retries = -1; } ];"#,
        r#"the job "a b[a=b]": `retries` must be an integer from 0 to 10"#,
    ),
];

/// Attributes of a job file that has a job `a`.
pub const REFUSED_FILES: &[(&str, &str)] = &[
    (r#"guests.g.base = "nixs";"#, r#"the guest "g": `base` must be "#),
    (r#"caches.c.size = "1G";"#, r#"the cache "c": it has no `path`"#),
    (r#"caches.c.path = "a/~";"#, "`path` must be a folder of the project, or of the job's home"),
    (
        r#"caches = { a.path = "t"; b.path = "t/b"; }; jobs.b = { command = "x"; caches = [ "a" "b" ]; };"#,
        r#"the job "b": its cache "b" overlaps another one"#,
    ),
    ("guests.g.cpus = 1;", r#"the guest "g": unknown key `cpus`"#),
    ("guests.g.vcpu = 0;", r#"the guest "g": `vcpu` must be an integer from 1 to 256"#),
    (r#"guests.g.memory = "1M";"#, r#"the guest "g": `memory` must be a string such as "2G""#),
    (r#"guests.g = { base = "none"; packages = [ ]; };"#, "a guest of base `none` can't have `packages`"),
    (r#"guests.g.devShell = "a";"#, "a guest without a `base` can't have `devShell`"),
    (r#"guests."/g".vcpu = 1;"#, r#"the name "/g" in `guests` starts or ends with `/`"#),
    (r#"guests.g.kernel = "boot/vmlinuz";"#, r#"the guest "g": `kernel` must be an absolute path"#),
    (r#"guests.g.hostFolders = [ "/a/../b" ];"#, "`hostFolders[0]` must be a folder below `/` or `~/`"),
    (r#"guests.g = { base = "nix"; packages = [ "a..b" ]; };"#, "`packages[0]` must be an attribute path in nixpkgs"),
    (r#"guests.g = { base = "nix"; devShell = ""; };"#, "`devShell` must be the name of a dev shell"),
    (r#"guests.g = { base = "nixos"; modules = [ "../a.nix" ]; };"#, "`modules[0]` must be the path of a .nix file"),
    ("jobs.\"a\u{85}\".command = \"x\";", "has a control character"),
    (
        r#"defaults.services.web = { command = "web"; needs = [ "db" ]; }; jobs.a.services.db.command = "d";"#,
        r#"`defaults`: a service of it needs "db", which is no"#,
    ),
    ("groups.g = { };", r#"the group "g": it has no `limit`"#),
    ("groups.g.limit = 0;", r#"the group "g": `limit` must be an integer from 1 to 1000"#),
    (r#"targets.t.jobs = [ "b" ];"#, r#"the target "t": it has "b", which is no job"#),
    ("targets.t.jobs = [ ];", r#"the target "t": it has no jobs"#),
    ("targets.t = { };", r#"the target "t": it has no `jobs`"#),
    (r#"targets.a.jobs = [ "a" ];"#, r#"the target "a": a job has this name too"#),
    (r#"defaults.guest = "g";"#, r#"`defaults`: there is no guest "g""#),
    (r#"defaults.command = "x";"#, "unknown key `defaults.command`"),
    ("job = { };", "the job file: unknown key `job`"),
    (r#"jobs."a[x=1]".command = "x";"#, r#"the name "a[x=1]" in `jobs` has a bracket"#),
    (
        r#"jobs.b = { command = "x"; needs = [ "c" ]; }; jobs.c = { command = "x"; needs = [ "d" ]; };
           jobs.d = { command = "x"; needs = [ "c" ]; };"#,
        r#"jobs wait for each other: "b" needs "c" needs "d" needs "c""#,
    ),
];

/// Jobs that keep artifacts.
pub const KEEPING: &str = r#"jobs.kept = { command = "true"; artifacts = [ "a" ]; };
    jobs.slash = { command = "true"; artifacts = [ "a" ]; matrix.a = [ "b/c" ]; };
    jobs.out = { command = "true"; artifacts = [ "a" ]; matrix.a = [ "b" ]; adjust = [ { "with".a = "b"; skip = "x"; } ]; };"#;
