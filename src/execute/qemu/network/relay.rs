//! The relay between a guest and the uplink. Both use QEMU's socket protocol: frames, each after its length.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "copies between sockets on threads")]

use std::convert::Infallible;
use std::io::{self, BufReader, Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::attached_networks::attached_networks;
use super::frame_filter::{FrameAction, filter_frame};
use super::subnet::Subnet;

/// Maximum length of a frame, in bytes; QEMU refuses longer ones too (`NET_BUFSIZE`).
const MAX_FRAME: usize = 4096 + 65536;
/// Time after which the networks of the host are read again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Starts to forward frames between a guest and the uplink, until one of them closes its socket. `attached` are the
/// current networks of the host.
///
/// # Errors
/// When a socket can't be shared.
pub fn start_relay(guest: UnixStream, uplink: UnixStream, attached: Vec<Subnet>) -> Result<()> {
    let share = |socket: &UnixStream| socket.try_clone().context("sharing a socket of the guest's network");
    let ends = Arc::new((share(&guest)?, share(&uplink)?));
    let (from_guest, from_uplink) = (share(&guest)?, share(&uplink)?);
    let to_guest = Arc::new(Mutex::new(guest));
    let answers = to_guest.clone();
    let host = HostNetworks { attached, read_at: Instant::now() };
    spawn_direction(ends.clone(), move || forward_out(from_guest, uplink, &answers, host));
    spawn_direction(ends, move || forward_in(from_uplink, &to_guest));
    Ok(())
}

/// Runs one direction on a thread, and closes both sockets at its end.
fn spawn_direction(
    ends: Arc<(UnixStream, UnixStream)>,
    direction: impl FnOnce() -> io::Result<Infallible> + Send + 'static,
) {
    thread::spawn(move || {
        direction().err();
        // The other direction may have closed them already.
        ends.0.shutdown(Shutdown::Both).ok();
        ends.1.shutdown(Shutdown::Both).ok();
    });
}

/// The networks of the host, read at most [`MAX_AGE`] ago.
struct HostNetworks {
    attached: Vec<Subnet>,
    read_at: Instant,
}

impl HostNetworks {
    /// Returns the networks; reads them again if they are too old.
    fn current(&mut self) -> io::Result<&[Subnet]> {
        if self.read_at.elapsed() > MAX_AGE {
            self.attached = attached_networks().map_err(io::Error::other)?;
            self.read_at = Instant::now();
        }
        Ok(&self.attached)
    }
}

/// Forwards the frames of the guest that the filter allows.
fn forward_out(
    guest: UnixStream,
    mut uplink: UnixStream,
    answers: &Mutex<UnixStream>,
    mut host: HostNetworks,
) -> io::Result<Infallible> {
    let (mut reader, mut framed) = (BufReader::with_capacity(MAX_FRAME, guest), Vec::new());
    loop {
        match filter_frame(read(&mut reader, &mut framed)?, host.current()?) {
            FrameAction::Pass => uplink.write_all(&framed)?,
            FrameAction::Drop => {}
            FrameAction::Refuse(answer) => {
                let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
                write(answers, &[&length.to_be_bytes()[..], &answer].concat())?;
            }
        }
    }
}

/// Forwards the frames of the uplink.
fn forward_in(uplink: UnixStream, guest: &Mutex<UnixStream>) -> io::Result<Infallible> {
    let (mut reader, mut framed) = (BufReader::with_capacity(MAX_FRAME, uplink), Vec::new());
    loop {
        read(&mut reader, &mut framed)?;
        write(guest, &framed)?;
    }
}

/// Reads a length and a frame into `framed`, and returns the frame.
fn read<'a>(reader: &mut impl Read, framed: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    framed.resize(4, 0);
    reader.read_exact(framed)?;
    let length = framed.first_chunk().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too long"));
    }
    framed.resize(4 + length, 0);
    reader.read_exact(&mut framed[4..])?;
    Ok(&framed[4..])
}

/// Writes a whole frame; the lock keeps the frames of two threads apart.
fn write(socket: &Mutex<UnixStream>, framed: &[u8]) -> io::Result<()> {
    socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(framed)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::{MAX_FRAME, start_relay};

    /// Returns the sockets of a guest and of an uplink, with a relay between them.
    fn relayed() -> (UnixStream, UnixStream) {
        let ((guest, inner), (outer, outside)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        start_relay(inner, outer, Vec::new()).unwrap();
        (guest, outside)
    }

    fn framed(to: [u8; 4]) -> Vec<u8> {
        let ethernet = [&[2; 12][..], &[8, 0]].concat();
        let packet = [&[0x45, 0, 0, 24, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 2, 15][..], &to, &[0; 4]].concat();
        let length = u32::try_from(ethernet.len() + packet.len()).unwrap();
        [&length.to_be_bytes()[..], &ethernet, &packet].concat()
    }

    #[test]
    fn a_frame_is_forwarded_whole_and_a_refusal_returns() {
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
        guest.write_all(&u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes()).unwrap();
        for end in [&mut outside, &mut guest] {
            assert_eq!(end.read_to_end(&mut Vec::new()).unwrap(), 0);
        }
    }
}
