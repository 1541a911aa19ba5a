//! Keys of a job file.

/// A key of a set.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Type of the value, for messages.
    pub(super) expected: &'static str,
    /// Valid definition, for hints.
    pub(super) example: &'static str,
}

const fn key(name: &'static str, expected: &'static str, example: &'static str) -> Key {
    Key { name, expected, example }
}

const TIME: &str = "a string such as \"30m\", or an integer of seconds";
const COMMAND: Key = key("command", "a string, or a list of strings", "command = \"make test\";");
const TIMEOUT: Key = key("timeout", TIME, "timeout = \"30m\";");
const STALL: Key = key("stall", TIME, "stall = \"5m\";");
const GUEST: Key = key("guest", "a string: the name of a guest", "guest = \"default\";");
const ENV: Key = key("env", "a set of strings", "env = { LANG = \"C.UTF-8\"; };");
const RUN_AS_ROOT: Key = key("runAsRoot", "true or false", "runAsRoot = true;");
const NETWORK: Key = key("network", "true, false or \"host\"", "network = true;");
const RETRIES: Key = key("retries", "an integer", "retries = 1;");
const WHEN: Key = key("when", "a string", "when = \"always\";");
const ALLOW_FAILURE: Key = key("allowFailure", "true, false or a list of exit codes", "allowFailure = [ 77 ];");
const GROUP: Key = key("group", "a string: the name of a group", "group = \"database\";");
const SHELL: Key = key("shell", "\"sh\", \"bash\" or a list of strings", "shell = \"bash\";");
const WORKDIR: Key = key("workdir", "a string: a folder of the project", "workdir = \"sub\";");
const SERVICES: Key = key("services", "a set of services", "services.db = { command = \"postgres -D data\"; };");
const PATHS: Key = key("paths", "a list of strings: globs", "paths = [ \"src/**\" ];");
const ARTIFACTS: Key = key("artifacts", "a list of strings: globs", "artifacts = [ \"build/*.log\" ];");
const DESCRIPTION: Key = key("description", "a string", "description = \"Unit tests\";");
const NEEDS: Key = key("needs", "a list of strings: names of jobs", "needs = [ \"build\" ];");
const STEPS: Key = key("steps", "a list of sets", "steps = [ { name = \"build\"; command = \"make\"; } ];");

pub(super) const FILE: &[Key] = &[
    key("defaults", "a set", "defaults = { timeout = \"30m\"; };"),
    key("groups", "a set of groups", "groups.database = { limit = 1; };"),
    key("guests", "a set of guests", "guests.default = { memory = \"2G\"; };"),
    key("jobs", "a set of jobs", "jobs.test = { command = \"make test\"; };"),
    key("targets", "a set of targets", "targets.all = { jobs = [ \"test\" ]; };"),
];

pub(super) const DEFAULTS: &[Key] = &[
    SERVICES,
    ENV,
    TIMEOUT,
    STALL,
    SHELL,
    WORKDIR,
    GUEST,
    RUN_AS_ROOT,
    NETWORK,
    RETRIES,
    WHEN,
    ALLOW_FAILURE,
    GROUP,
    PATHS,
    ARTIFACTS,
];

pub(super) const JOB: &[Key] = &[
    COMMAND,
    STEPS,
    DESCRIPTION,
    key("matrix", "a set of lists of strings", "matrix = { cc = [ \"gcc\" \"clang\" ]; };"),
    key("adjust", "a list of sets", "adjust = [ { \"with\" = { cc = \"gcc\"; }; skip = \"reason\"; } ];"),
    NEEDS,
    SERVICES,
    ENV,
    TIMEOUT,
    STALL,
    SHELL,
    WORKDIR,
    GUEST,
    RUN_AS_ROOT,
    NETWORK,
    RETRIES,
    WHEN,
    ALLOW_FAILURE,
    GROUP,
    PATHS,
    ARTIFACTS,
];

pub(super) const ADJUST: &[Key] = &[
    key("with", "a set of strings", "\"with\" = { cc = \"gcc\"; };"),
    key("skip", "a string: the reason", "skip = \"no such build\";"),
    COMMAND,
    STEPS,
    DESCRIPTION,
    NEEDS,
    SERVICES,
    ENV,
    TIMEOUT,
    STALL,
    SHELL,
    WORKDIR,
    GUEST,
    RUN_AS_ROOT,
    NETWORK,
    RETRIES,
    WHEN,
    ALLOW_FAILURE,
    GROUP,
    PATHS,
    ARTIFACTS,
];

pub(super) const STEP: &[Key] = &[key("name", "a string", "name = \"build\";"), COMMAND, TIMEOUT, WHEN];

pub(super) const SERVICE: &[Key] = &[
    key("command", "a string, or a list of strings", "command = \"postgres -D data\";"),
    key("ready", "a string, or a list of strings", "ready = \"pg_isready\";"),
    ENV,
    TIMEOUT,
    key("needs", "a list of strings: names of services", "needs = [ \"db\" ];"),
];

pub(super) const INHERITED: &[Key] =
    &[key("inherit", "true", "\"inherit\" = true;"), key("default", "a string", "default = \"\";")];

pub(super) const GROUP_KEYS: &[Key] = &[key("limit", "an integer", "limit = 1;")];

pub(super) const GUEST_KEYS: &[Key] = &[
    key("base", "a string", "base = \"host\";"),
    key("vcpu", "an integer", "vcpu = 2;"),
    key("memory", "a string such as \"2G\", or an integer of MiB", "memory = \"2G\";"),
    key("prepareTimeout", TIME, "prepareTimeout = \"30m\";"),
    key("bootTimeout", TIME, "bootTimeout = \"2m\";"),
    key("collectTimeout", TIME, "collectTimeout = \"7m\";"),
    key("kernel", "a string: an absolute path", "kernel = \"/boot/vmlinuz\";"),
    key("hostFolders", "a list of strings: folders", "hostFolders = [ \"~/.cargo\" ];"),
    key("packages", "a list of strings: attribute paths in nixpkgs", "packages = [ \"gnumake\" ];"),
    key("devShell", "a string: the name of a dev shell", "devShell = \"default\";"),
    key("modules", "a list of strings: files of the project", "modules = [ \"nix/guest.nix\" ];"),
];

pub(super) const TARGET: &[Key] =
    &[key("jobs", "a list of strings: names of jobs", "jobs = [ \"test\" ];"), DESCRIPTION];
