//! Changes of inputs: with pieces of a corpus and words of its language, the same ones for the same seed.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest input, in bytes.
const LONGEST: usize = 64 << 10;
/// Bytes and texts that end or begin a part in most languages.
const ENDS: [&str; 22] = [
    "\0",
    "\n",
    "\r\n",
    " ",
    "\"",
    "\\",
    "/",
    "..",
    "{",
    "}",
    "[",
    "]",
    "-1",
    "0",
    "255",
    "65536",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "1e999",
    "\u{202e}",
    "\u{1b}[31m",
];

/// Numbers that follow from a seed (`SplitMix64`).
pub struct Random(u64);

impl Random {
    /// Creates the numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates numbers that differ each time.
    pub fn of_now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound; 0 if the bound is 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn choice<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Returns an input of the corpus with a few changes.
pub fn change(random: &mut Random, corpus: &[(PathBuf, Vec<u8>)], words: &[&str]) -> Vec<u8> {
    let mut input = random.choice(corpus).1.clone();
    for _ in 0..=random.below(6) {
        change_once(random, corpus, words, &mut input);
    }
    input.truncate(LONGEST);
    input
}

fn change_once(random: &mut Random, corpus: &[(PathBuf, Vec<u8>)], words: &[&str], input: &mut Vec<u8>) {
    let at = random.below(input.len() + 1);
    let len = random.below(input.len() - at + 1).min(1 + random.below(64));
    match random.below(9) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..at + len)),
        2 => insert(input, at, &[random.byte()]),
        3 => insert(input, at, random.choice(&ENDS).as_bytes()),
        4 => {
            // Replaces a part by a part of another input, such as a value in JSON.
            let other = &random.choice(corpus).1;
            let from = random.below(other.len() + 1);
            let count = random.below(other.len() - from + 1);
            let part = other[from..from + count].to_vec();
            input.splice(at..at + len, part);
        }
        5 => {
            let times = 1 + random.below(8) * random.below(64);
            let part = input[at..at + len].repeat(times);
            insert(input, at, &part[..part.len().min(LONGEST)]);
        }
        6 if !words.is_empty() => {
            let word = random.choice(words).as_bytes().to_vec();
            input.splice(at..at + len, word);
        }
        7 => {
            let number = *random.choice(&[0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX]);
            let width = *random.choice(&[1, 2, 4, 8]);
            for (byte, new) in input[at..].iter_mut().zip(&number.to_le_bytes()[..width]) {
                *byte = *new;
            }
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}
