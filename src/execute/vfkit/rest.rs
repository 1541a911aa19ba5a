//! vfkit's REST service: the one request that ends its guest.

#![expect(clippy::disallowed_types, reason = "talks over a socket")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(1);
/// Ends the guest at once (`pkg/rest/vf`, HardStop): it holds nothing that isn't thrown away.
const BODY: &str = r#"{"state":"HardStop"}"#;

/// Asks vfkit to end its guest.
///
/// # Errors
/// When it doesn't listen, or doesn't say in time that it will.
pub fn hard_stop(socket: &Path) -> Result<()> {
    let talk = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        write!(
            stream,
            "POST /vm/state HTTP/1.1\r\nHost: vfkit\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{BODY}",
            BODY.len()
        )?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok::<_, std::io::Error>(line)
    };
    let line = talk().with_context(|| format!("telling vfkit to stop by {}", socket.display()))?;
    if line.split(' ').nth(1) != Some("202") {
        bail!("vfkit doesn't stop: it answered {:?}", line.trim_end());
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "stands in for vfkit")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::hard_stop;

    /// Answers one request, and returns how it was taken and what was asked.
    fn answered(answer: &'static str) -> (anyhow::Result<()>, String) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("rest");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let mut count = 0;
            while !asked[..count].ends_with(b"}") {
                count += stream.read(&mut asked[count..]).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked[..count].to_vec()).unwrap()
        });
        (hard_stop(&socket), server.join().unwrap())
    }

    #[test]
    fn a_stop_is_asked_for_in_http() {
        let (result, asked) = answered("HTTP/1.1 202 Accepted\r\n\r\n");
        result.unwrap();
        let expected = "POST /vm/state HTTP/1.1\r\nHost: vfkit\r\nContent-Type: application/json\r\n\
            Content-Length: 20\r\nConnection: close\r\n\r\n{\"state\":\"HardStop\"}";
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_refusal_is_told() {
        let (result, _) = answered("HTTP/1.1 500 Internal Server Error\r\n\r\n");
        assert!(result.unwrap_err().to_string().contains("500 Internal"));
        let gone = hard_stop("/nonexistent/rest".as_ref()).unwrap_err();
        assert_eq!(gone.to_string(), "telling vfkit to stop by /nonexistent/rest");
    }
}
