//! Fuzzing of all bytes that the host reads from a guest, a repository or a state folder.
//!
//! A target is a function of bytes that panics if its invariant doesn't hold. `targets` lists them; `corpus/<target>/`
//! has their seeds. `make test` runs each target on its corpus and on a fixed number of changed inputs, the same ones
//! each time; `make fuzz [SECONDS=60] [TARGET=<name>]` continues with other inputs. An input that fails is kept; after
//! the bug is fixed, it belongs into the corpus. Everything runs on stable Rust; a fuzzer that is guided by coverage
//! can call the same functions.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests have effects")]
#![expect(clippy::unwrap_used, reason = "a test that can't continue fails")]

mod files;
mod folders;
mod mutation;
mod targets;
mod values;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutation::Random;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Limit of the memory of the process, in bytes: more than the limit of any decoder, and less than a machine has.
const MEMORY: u64 = 6 << 30;

/// A parser of foreign bytes.
struct Target {
    /// The name of the target and of its corpus.
    name: &'static str,
    /// Number of changed inputs that `make test` tries.
    inputs: usize,
    /// Words of its language.
    words: &'static [&'static str],
    /// Reads an input; panics if the invariant doesn't hold.
    read: fn(&[u8]),
}

/// Runs a target on its corpus, then on changed inputs.
fn fuzz(name: &str) {
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).unwrap();
    let target = targets::TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = corpus(name);
    for (path, seed) in &seeds {
        println!("{}", path.display());
        (target.read)(seed);
    }
    let mut random = Random::new(0);
    let next = |random: &mut Random| {
        let input = mutation::change(random, &seeds, target.words);
        try_input(target, &input);
    };
    match std::env::var("FUZZ_SECONDS").ok().map(|text| Duration::from_secs(text.parse().unwrap())) {
        None => (0..target.inputs).for_each(|_| next(&mut random)),
        Some(time) => {
            let began = Instant::now();
            let mut random = Random::of_now();
            let mut count = 0_u64;
            while began.elapsed() < time {
                next(&mut random);
                count += 1;
            }
            println!("{name}: {count} inputs");
        }
    }
}

/// Returns the seeds of a target.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs a target on an input. An input that fails, or that ends the process, stays in a file.
fn try_input(target: &Target, input: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}-last", target.name));
    fs::write(&path, input).unwrap();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.read)(input))) {
        let kept = folder.join(format!("{}-{}", target.name, pikaci::id::Digest::of(input)));
        fs::rename(&path, &kept).unwrap();
        eprintln!("failed: {}\nonce it is mended: mv it to fuzz/corpus/{}/", kept.display(), target.name);
        resume_unwind(panic);
    }
}

#[test]
fn every_corpus_has_a_target_and_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut corpora: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    corpora.sort();
    let mut targets: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
    targets.sort_unstable();
    assert_eq!(corpora, targets);
    assert_eq!(targets::TESTED.len(), targets.len());
}
