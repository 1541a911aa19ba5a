//! Projects without a job file, each with the job that `pikaci init` writes first.

use std::fs;
use std::path::Path;

use crate::support::project::Project;

const C_LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/c-library");
/// Files of the example of a C library, without its job file.
const C_FILES: [&str; 5] = ["Makefile", "include/utf8.h", "src/utf8.c", "tests/test_utf8.c", "tools/check_api.py"];

/// A project by the files that it has.
pub struct Tree {
    /// Name of the first job; that of the job file has the same.
    pub job: &'static str,
    files: &'static [(&'static str, &'static str)],
}

pub const PYTHON: Tree = Tree {
    job: "python",
    files: &[
        ("pyproject.toml", "[project]\nname = \"greet\"\nversion = \"1\"\ndependencies = []\n"),
        ("src/greet.py", "def greet(name):\n    return f\"hello {name}\"\n"),
        (
            "tests/test_greet.py",
            "import unittest\nfrom greet import greet\n\n\nclass Greets(unittest.TestCase):\n    \
             def test_greets(self):\n        self.assertEqual(greet(\"you\"), \"hello you\")\n",
        ),
    ],
};

/// One for each kind of build, one of several kinds, and one of none.
pub const TREES: [Tree; 11] = [
    PYTHON,
    Tree { job: "hello", files: &[("README.md", "No build.\n")] },
    Tree { job: "hello", files: &[("flake.nix", "{ outputs = _: { devShells = { }; }; }\n"), ("flake.lock", "{}\n")] },
    Tree {
        job: "cargo",
        files: &[
            ("Cargo.toml", "[package]\nname = \"greet\"\nedition = \"2024\"\nrust-version = \"1.88\"\n"),
            ("src/lib.rs", "#[test]\nfn it_works() {}\n"),
        ],
    },
    Tree { job: "cmake", files: &[("CMakeLists.txt", "cmake_minimum_required(VERSION 3.20)\nproject(greet C)\n")] },
    Tree { job: "autotools", files: &[("configure.ac", "AC_INIT([greet], [1])\n"), ("Makefile.am", "")] },
    Tree { job: "node", files: &[("package.json", r#"{ "scripts": { "test": "node --test" } }"#)] },
    Tree { job: "go", files: &[("go.mod", "module greet\n\ngo 1.22\n"), ("greet_test.go", "package greet\n")] },
    Tree { job: "meson", files: &[("meson.build", "project('greet', 'c')\n")] },
    Tree {
        job: "cargo",
        files: &[
            ("Cargo.toml", "[dependencies]\nanyhow = \"1\"\n"),
            ("package.json", r#"{ "dependencies": { "left-pad": "1" } }"#),
            ("requirements.txt", "requests\n"),
            ("Makefile", "check:\n\tcargo test\n"),
        ],
    },
    Tree { job: "make", files: &[("GNUmakefile", "all:\n")] },
];

impl Tree {
    /// Makes an empty project one of these files.
    pub fn fill(&self, project: Project) -> Project {
        self.files.iter().fold(without_job_file(project), |project, (name, text)| project.file(name, text))
    }
}

/// Makes an empty project the example of a C library.
pub fn c_library(project: Project) -> Project {
    let read = |name: &str| fs::read_to_string(Path::new(C_LIBRARY).join(name)).unwrap();
    C_FILES.iter().fold(without_job_file(project), |project, name| project.file(name, &read(name)))
}

fn without_job_file(project: Project) -> Project {
    fs::remove_file(project.path("pikaci.nix")).unwrap();
    project
}
