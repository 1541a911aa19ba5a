//! The relay between a guest and the outside. Both speak QEMU's socket protocol: frames with their length before them.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "copies between sockets on threads")]

use std::convert::Infallible;
use std::io::{self, BufReader, Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::attached::attached;
use super::judge::{Judgement, judge};
use super::rules::Subnet;

/// The longest frame, in bytes; QEMU itself takes none that is longer (`NET_BUFSIZE`).
const LONGEST: usize = 4096 + 65536;
/// Time after which the networks of the host are read again.
const FRESH: Duration = Duration::from_secs(1);

/// Passes frames between a guest and the outside until one of them is gone.
///
/// # Errors
/// When a socket can't be shared.
pub fn start(guest: UnixStream, outside: UnixStream, known: Vec<Subnet>) -> Result<()> {
    let share = |socket: &UnixStream| socket.try_clone().context("sharing a socket of the guest's network");
    let ends = Arc::new((share(&guest)?, share(&outside)?));
    let (from_guest, from_outside) = (share(&guest)?, share(&outside)?);
    let to_guest = Arc::new(Mutex::new(guest));
    let answers = to_guest.clone();
    let host = Networks { attached: known, read: Instant::now() };
    relay(ends.clone(), move || pass_out(from_guest, outside, &answers, host));
    relay(ends, move || pass_in(from_outside, &to_guest));
    Ok(())
}

/// Runs one direction to its end on a thread, and ends the other with it.
fn relay(ends: Arc<(UnixStream, UnixStream)>, direction: impl FnOnce() -> io::Result<Infallible> + Send + 'static) {
    thread::spawn(move || {
        direction().err();
        // They may be closed already.
        ends.0.shutdown(Shutdown::Both).ok();
        ends.1.shutdown(Shutdown::Both).ok();
    });
}

/// The networks of the host as they were a moment ago.
struct Networks {
    attached: Vec<Subnet>,
    read: Instant,
}

impl Networks {
    fn now(&mut self) -> io::Result<&[Subnet]> {
        if self.read.elapsed() > FRESH {
            self.attached = attached().map_err(io::Error::other)?;
            self.read = Instant::now();
        }
        Ok(&self.attached)
    }
}

fn pass_out(
    guest: UnixStream,
    mut outside: UnixStream,
    answers: &Mutex<UnixStream>,
    mut host: Networks,
) -> io::Result<Infallible> {
    let (mut reader, mut framed) = (BufReader::with_capacity(LONGEST, guest), Vec::new());
    loop {
        match judge(read(&mut reader, &mut framed)?, host.now()?) {
            Judgement::Pass => outside.write_all(&framed)?,
            Judgement::Drop => {}
            Judgement::Refuse(answer) => {
                let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
                write(answers, &[&length.to_be_bytes()[..], &answer].concat())?;
            }
        }
    }
}

fn pass_in(outside: UnixStream, guest: &Mutex<UnixStream>) -> io::Result<Infallible> {
    let (mut reader, mut framed) = (BufReader::with_capacity(LONGEST, outside), Vec::new());
    loop {
        read(&mut reader, &mut framed)?;
        write(guest, &framed)?;
    }
}

/// Reads a frame with its length before it, and returns the frame.
fn read<'a>(reader: &mut impl Read, framed: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    framed.resize(4, 0);
    reader.read_exact(framed)?;
    let length = framed.first_chunk().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too long"));
    }
    framed.resize(4 + length, 0);
    reader.read_exact(&mut framed[4..])?;
    Ok(&framed[4..])
}

/// Writes a whole frame, between those of others.
fn write(socket: &Mutex<UnixStream>, framed: &[u8]) -> io::Result<()> {
    socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(framed)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::{LONGEST, start};

    /// Returns the ends of a guest and of the outside, with a relay between them.
    fn relayed() -> (UnixStream, UnixStream) {
        let ((guest, inner), (outer, outside)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        start(inner, outer, Vec::new()).unwrap();
        (guest, outside)
    }

    fn framed(to: [u8; 4]) -> Vec<u8> {
        let ethernet = [&[2; 12][..], &[8, 0]].concat();
        let packet = [&[0x45, 0, 0, 24, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 2, 15][..], &to, &[0; 4]].concat();
        let length = u32::try_from(ethernet.len() + packet.len()).unwrap();
        [&length.to_be_bytes()[..], &ethernet, &packet].concat()
    }

    #[test]
    fn what_passes_arrives_whole_and_what_is_refused_comes_back() {
        let (mut guest, mut outside) = relayed();
        let passed = framed([1, 1, 1, 1]);
        guest.write_all(&[framed([127, 0, 0, 1]), passed.clone()].concat()).unwrap();
        let mut received = vec![0; passed.len()];
        outside.read_exact(&mut received).unwrap();
        assert_eq!(received, passed);
        let mut answer = [0; 4 + 14 + 20 + 2];
        guest.read_exact(&mut answer).unwrap();
        assert_eq!(answer[4 + 14 + 20..], [3, 13]);
        guest.read_exact(&mut [0; 6 + 24]).unwrap();
        outside.write_all(&passed).unwrap();
        guest.read_exact(&mut received).unwrap();
        assert_eq!(received, passed);
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_relay() {
        let (mut guest, mut outside) = relayed();
        guest.write_all(&u32::try_from(LONGEST + 1).unwrap().to_be_bytes()).unwrap();
        for end in [&mut outside, &mut guest] {
            assert_eq!(end.read_to_end(&mut Vec::new()).unwrap(), 0);
        }
    }
}
