//! Keys of guests.

use super::keys::{TEXTS, TIME, TIMES};
use crate::config::key::{Key, Shape};

pub(super) const GUEST_KEYS: &[Key] = &[
    Key {
        name: "base",
        shape: Shape::Choice(&["host", "nix", "nixos", "none"]),
        expected: "a string",
        default: "`\"host\"` on Linux, `\"nixos\"` on macOS",
        example: "base = \"host\";",
        doc: "The operating system: `\"host\"` has the kernel and `/usr` of this machine, `\"nix\"` a kernel and busybox of \
              nixpkgs, `\"nixos\"` is a NixOS; `\"none\"` is no virtual machine, and isolates nothing.",
    },
    Key {
        name: "vcpu",
        shape: Shape::Integer(1, 256),
        expected: "an integer",
        default: "`1`",
        example: "vcpu = 2;",
        doc: "The number of virtual CPUs, 1 to 256.",
    },
    Key {
        name: "memory",
        shape: Shape::AnyOf(&[Shape::Text, Shape::Integer(64, 4 << 20)]),
        expected: "a string such as \"2G\", or an integer of MiB",
        default: "`\"1G\"`",
        example: "memory = \"2G\";",
        doc: "The memory: `\"512M\"`, `\"2G\"` or MiB, at least 64 MiB. Without `disk`, what the job writes is in it, too.",
    },
    Key {
        name: "disk",
        shape: Shape::AnyOf(&[Shape::Text, Shape::Integer(64, 1 << 20)]),
        expected: "a string such as \"20G\", or an integer of MiB",
        default: "none",
        example: "disk = \"20G\";",
        doc: "A disk for what the job writes in its workspace, in `/tmp` and in `/var`: `\"512M\"`, `\"20G\"` or MiB, 64 MiB \
              to 1 TiB. It takes space only where it is written, and is gone after the job. Without it, three quarters \
              of the memory are the disk.",
    },
    Key {
        name: "prepareTimeout",
        shape: TIMES,
        expected: TIME,
        default: "`\"30m\"`",
        example: "prepareTimeout = \"30m\";",
        doc: "The time limit for Nix to build the guest.",
    },
    Key {
        name: "bootTimeout",
        shape: TIMES,
        expected: TIME,
        default: "`\"2m\"`",
        example: "bootTimeout = \"2m\";",
        doc: "The time limit for the boot. After it the job is errored.",
    },
    Key {
        name: "collectTimeout",
        shape: TIMES,
        expected: TIME,
        default: "`\"7m\"`",
        example: "collectTimeout = \"7m\";",
        doc: "The time limit after the last command, for artifacts and power-off.",
    },
    Key {
        name: "kernel",
        shape: Shape::Text,
        expected: "a string: an absolute path",
        default: "the running kernel, or the newest in `/boot`",
        example: "kernel = \"/boot/vmlinuz\";",
        doc: "Base `host`: a kernel image on this machine.",
    },
    Key {
        name: "hostFolders",
        shape: TEXTS,
        expected: "a list of strings: folders",
        default: "`[ ]`",
        example: "hostFolders = [ \"~/.cargo\" ];",
        doc: "Base `host`: folders of this machine that the guest sees read-only at the same place, absolute or below \
              `~/`. A run refuses them without `--allow-host-folders`.",
    },
    Key {
        name: "packages",
        shape: TEXTS,
        expected: "a list of strings: attribute paths in nixpkgs",
        default: "`[ ]`",
        example: "packages = [ \"gnumake\" ];",
        doc: "Bases `nix` and `nixos`: packages of the guest, such as `\"python3Packages.requests\"`.",
    },
    Key {
        name: "devShell",
        shape: Shape::Text,
        expected: "a string: the name of a dev shell",
        default: "none",
        example: "devShell = \"default\";",
        doc: "Bases `nix` and `nixos`: a dev shell of the project's `flake.nix`, whose packages the guest has.",
    },
    Key {
        name: "modules",
        shape: TEXTS,
        expected: "a list of strings: files of the project",
        default: "`[ ]`",
        example: "modules = [ \"nix/guest.nix\" ];",
        doc: "Base `nixos`: NixOS modules, as paths of files of the project.",
    },
];
