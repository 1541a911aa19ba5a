//! vfkit's REST service: the routes of `pkg/rest/rest.go`, with the replies of `pkg/rest/vf`.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{self, Answer, Request};
use crate::restful::Endpoint;
use crate::running::Running;

/// A listening service; the file of its socket is removed with it.
#[derive(Debug)]
pub struct Service {
    listener: Listener,
    /// File of the socket.
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Debug)]
struct SocketFile(String);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another process may have removed the file.
        fs::remove_file(&self.0).ok();
    }
}

#[derive(Deserialize)]
struct StateRequest {
    #[serde(default)]
    state: String,
}

impl Service {
    /// Starts to listen. An existing file of a socket is an error, whoever left it.
    pub fn bind(endpoint: &Endpoint) -> Result<Self> {
        match endpoint {
            Endpoint::Tcp(host) => {
                let listener = TcpListener::bind(host).with_context(|| format!("listen tcp {host}"))?;
                Ok(Self { listener: Listener::Tcp(listener), _file: None })
            }
            Endpoint::Unix(path) => {
                let listener = UnixListener::bind(path).with_context(|| format!("listen unix {path}: bind"))?;
                Ok(Self { listener: Listener::Unix(listener), _file: Some(SocketFile(path.clone())) })
            }
            Endpoint::Nowhere => bail!("a REST service that listens nowhere"),
        }
    }

    /// Replies to requests from now on, each connection in a thread of its own.
    pub fn start(&self, running: &Arc<Running>) -> Result<()> {
        let running = Arc::clone(running);
        match &self.listener {
            Listener::Tcp(listener) => {
                let listener = listener.try_clone().context("sharing the REST service's socket")?;
                std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| tcp(stream, &running)));
            }
            Listener::Unix(listener) => {
                let listener = listener.try_clone().context("sharing the REST service's socket")?;
                std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| unix(stream, &running)));
            }
        }
        Ok(())
    }
}

fn tcp(stream: TcpStream, running: &Arc<Running>) {
    let running = Arc::clone(running);
    std::thread::spawn(move || talk(&stream, &running));
}

fn unix(stream: UnixStream, running: &Arc<Running>) {
    let running = Arc::clone(running);
    std::thread::spawn(move || talk(&stream, &running));
}

/// Replies to the requests of a connection.
fn talk<S>(stream: &S, running: &Running) -> io::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let mut reader = BufReader::new(stream);
    while let Some(request) = http::read(&mut reader)? {
        let _answering = running.answering();
        let (answer, last) = match &request {
            Ok(request) => (answer(request, running), request.last),
            Err(why) => (Answer::text(400, format!("400 Bad Request{why}")), true),
        };
        answer.write(&mut &*stream, last)?;
        if last {
            break;
        }
    }
    Ok(())
}

fn answer(request: &Request, running: &Running) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/vm/state") => json_answer(200, &running.state()),
        ("GET", "/vm/inspect") => json_answer(200, &running.machine),
        ("POST", "/vm/state") => {
            // Only the first value of the body is read.
            let mut values = serde_json::Deserializer::from_slice(&request.body).into_iter::<StateRequest>();
            let requested = match values.next() {
                Some(Ok(requested)) => requested,
                Some(Err(error)) => return json_answer(400, &json!({ "error": error.to_string() })),
                None => return json_answer(400, &json!({ "error": "EOF" })),
            };
            match running.change(&requested.state) {
                Ok(()) => Answer::text(202, ""),
                Err(error) => json_answer(500, &json!({ "error": format!("{error:#}") })),
            }
        }
        _ => Answer::text(404, "404 page not found"),
    }
}

fn json_answer(code: u16, value: &Value) -> Answer {
    Answer { code, kind: "application/json; charset=utf-8", body: value.to_string() }
}
