//! The request to vfkit's REST service that stops its guest.

#![expect(clippy::disallowed_types, reason = "connects to a socket")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Time limit of the response.
const DEADLINE: Duration = Duration::from_secs(1);
/// Body of the request to stop the guest at once (`HardStop` in `pkg/rest/vf`). The guest's state is thrown away anyway.
const BODY: &str = r#"{"state":"HardStop"}"#;

/// Requests vfkit to stop its guest.
///
/// # Errors
/// When vfkit doesn't listen, or doesn't accept the request in time.
pub fn hard_stop(socket: &Path) -> Result<()> {
    let request = || {
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
    let line = request().with_context(|| format!("requesting a stop of vfkit at {}", socket.display()))?;
    if line.split(' ').nth(1) != Some("202") {
        bail!("vfkit refuses to stop: its response is {:?}", line.trim_end());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "stands in for vfkit")]
#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::hard_stop;

    /// Sends one response to `hard_stop`, and returns the result and the received request.
    fn respond(response: &'static str) -> (anyhow::Result<()>, String) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("rest");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = [0; 1024];
            let mut count = 0;
            while !received[..count].ends_with(b"}") {
                count += stream.read(&mut received[count..]).unwrap();
            }
            stream.write_all(response.as_bytes()).unwrap();
            String::from_utf8(received[..count].to_vec()).unwrap()
        });
        (hard_stop(&socket), server.join().unwrap())
    }

    #[test]
    fn a_stop_is_an_http_request() {
        let (result, request) = respond("HTTP/1.1 202 Accepted\r\n\r\n");
        result.unwrap();
        let expected = "POST /vm/state HTTP/1.1\r\nHost: vfkit\r\nContent-Type: application/json\r\n\
            Content-Length: 20\r\nConnection: close\r\n\r\n{\"state\":\"HardStop\"}";
        assert_eq!(request, expected);
    }

    #[test]
    fn a_refusal_is_an_error() {
        let (result, _) = respond("HTTP/1.1 500 Internal Server Error\r\n\r\n");
        assert!(result.unwrap_err().to_string().contains("500 Internal"));
        let gone = hard_stop("/nonexistent/rest".as_ref()).unwrap_err();
        assert_eq!(gone.to_string(), "requesting a stop of vfkit at /nonexistent/rest");
    }
}
