//! A milter that does nothing: the baseline that benchmarks compare with. Hand-written, as cheap as can be, no library.
//!
//! It asks for the events that mailwarden asks for, skims them, and accepts every message: one thread, one epoll, no
//! allocation per message. `do_nothing_filter unix:/path | inet:host:port`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::event::epoll;
use rustix::net::{SocketFlags, accept_with};

/// Version 6, mailwarden's actions and steps, and its macro lists.
const AGREEMENT: &[u8] = b"\0\0\0\x5cO\0\0\0\x06\0\0\x01\x1f\0\x1f\xf3\xc2\
    \0\0\0\0{none}\0\0\0\0\x01{none}\0\0\0\0\x02{auth_authen}\0\
    \0\0\0\x03{none}\0\0\0\0\x04{none}\0\0\0\0\x05i\0\0\0\0\x06{none}\0";
const ACCEPT: &[u8] = b"\0\0\0\x01a";

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    match address.split_once(':') {
        Some(("unix", path)) => {
            let _ = std::fs::remove_file(path);
            let listener = UnixListener::bind(path)?;
            listener.set_nonblocking(true)?;
            run(listener.into(), |fd| Ok(UnixStream::from(fd)))
        }
        Some(("inet", address)) => {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            run(listener.into(), |fd| {
                let stream = TcpStream::from(fd);
                stream.set_nodelay(true)?;
                Ok(stream)
            })
        }
        _ => Err(io::Error::other("usage: do_nothing_filter unix:/path | inet:host:port")),
    }
}

/// A connection, and where it stands within a frame.
struct Connection<S> {
    stream: S,
    head: [u8; 5],
    head_length: usize,
    skip: usize,
}

fn run<S: Read + Write + AsFd>(listener: OwnedFd, open: fn(OwnedFd) -> io::Result<S>) -> io::Result<()> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, epoll::EventData::new_u64(u64::MAX), epoll::EventFlags::IN)?;
    let mut connections: Vec<Option<Connection<S>>> = Vec::new();
    let mut buffer = vec![0; 128 << 10];
    let mut events = Vec::with_capacity(64);
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            if place != usize::MAX {
                let connection = connections.get_mut(place);
                if let Some(slot) = connection
                    && slot
                        .as_mut()
                        .is_some_and(|connection| !serve(connection, &mut buffer).unwrap_or(false))
                {
                    *slot = None;
                }
            } else if let Ok(fd) = accept_with(&listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                let place = usize::try_from(fd.as_raw_fd()).unwrap_or(0);
                epoll::add(&poll, &fd, epoll::EventData::new_u64(place as u64), epoll::EventFlags::IN)?;
                if connections.len() <= place {
                    connections.resize_with(place + 1, || None);
                }
                if let (Some(slot), Ok(stream)) = (connections.get_mut(place), open(fd)) {
                    *slot = Some(Connection { stream, head: [0; 5], head_length: 0, skip: 0 });
                }
            }
        }
    }
}

/// Reads once. Of each frame the length and the letter are looked at and the rest is skipped. False at the end.
fn serve<S: Read + Write>(connection: &mut Connection<S>, buffer: &mut [u8]) -> io::Result<bool> {
    let Connection { stream, head, head_length, skip } = connection;
    let count = stream.read(buffer)?;
    let mut rest = buffer.get(..count).unwrap_or_default();
    while !rest.is_empty() {
        let skipped = rest.len().min(*skip);
        *skip -= skipped;
        rest = rest.get(skipped..).unwrap_or_default();
        let taken = rest.len().min(head.len() - *head_length);
        for (place, &byte) in head.iter_mut().skip(*head_length).zip(rest) {
            *place = byte;
        }
        rest = rest.get(taken..).unwrap_or_default();
        *head_length += taken;
        if *head_length < head.len() {
            break;
        }
        *head_length = 0;
        let [a, b, c, d, code] = *head;
        *skip = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(1);
        match code {
            b'O' => stream.write_all(AGREEMENT)?,
            b'E' => stream.write_all(ACCEPT)?,
            b'Q' => return Ok(false),
            _ => {}
        }
    }
    Ok(count > 0)
}
