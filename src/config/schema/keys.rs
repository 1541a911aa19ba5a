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
const TIMEOUT: Key = key("timeout", TIME, "timeout = \"30m\";");
const GUEST: Key = key("guest", "a string: the name of a guest", "guest = \"default\";");
const ENV: Key = key("env", "a set of strings", "env = { LANG = \"C.UTF-8\"; };");
const RUN_AS_ROOT: Key = key("runAsRoot", "true or false", "runAsRoot = true;");
const NETWORK: Key = key("network", "true, false or \"host\"", "network = true;");
const RETRIES: Key = key("retries", "an integer", "retries = 1;");
const DESCRIPTION: Key = key("description", "a string", "description = \"Unit tests\";");

pub(super) const FILE: &[Key] = &[
    key("defaults", "a set", "defaults = { timeout = \"30m\"; };"),
    key("guests", "a set of guests", "guests.default = { memory = \"2G\"; };"),
    key("jobs", "a set of jobs", "jobs.test = { command = \"make test\"; };"),
    key("targets", "a set of targets", "targets.all = { jobs = [ \"test\" ]; };"),
];

pub(super) const DEFAULTS: &[Key] = &[TIMEOUT, GUEST, ENV, RUN_AS_ROOT, NETWORK, RETRIES];

pub(super) const JOB: &[Key] = &[
    key("command", "a string, or a list of strings", "command = \"make test\";"),
    DESCRIPTION,
    key("needs", "a list of strings: names of jobs", "needs = [ \"build\" ];"),
    ENV,
    TIMEOUT,
    GUEST,
    RUN_AS_ROOT,
    NETWORK,
    RETRIES,
    key("paths", "a list of strings: globs", "paths = [ \"src/**\" ];"),
    key("artifacts", "a list of strings: globs", "artifacts = [ \"build/*.log\" ];"),
];

pub(super) const GUEST_KEYS: &[Key] = &[
    key("base", "a string", "base = \"host\";"),
    key("vcpu", "an integer", "vcpu = 2;"),
    key("memory", "a string such as \"2G\", or an integer of MiB", "memory = \"2G\";"),
    key("prepareTimeout", TIME, "prepareTimeout = \"30m\";"),
    key("bootTimeout", TIME, "bootTimeout = \"2m\";"),
    key("collectTimeout", TIME, "collectTimeout = \"7m\";"),
    key("kernel", "a string: an absolute path", "kernel = \"/boot/vmlinuz\";"),
    key("packages", "a list of strings: attribute paths in nixpkgs", "packages = [ \"gnumake\" ];"),
    key("devShell", "a string: the name of a dev shell", "devShell = \"default\";"),
    key("modules", "a list of strings: files of the project", "modules = [ \"nix/guest.nix\" ];"),
];

pub(super) const TARGET: &[Key] =
    &[key("jobs", "a list of strings: names of jobs", "jobs = [ \"test\" ];"), DESCRIPTION];
