use super::*;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::Command;

/// As [`sealed`], with the second profile.
fn sealed_but_network<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
    let sealed = move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        seal_but_network(&BTreeSet::new()).expect("this test needs a kernel with Landlock and seccomp");
        attempt()
    };
    std::thread::spawn(sealed).join().unwrap()
}

#[test]
fn with_the_network_connections_go_out_and_none_come_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (out, datagrams, listening, unix) = sealed_but_network(move || {
        let neighbour = std::os::unix::net::UnixStream::connect("/run/dbus/system_bus_socket");
        (
            TcpStream::connect(address),
            UdpSocket::bind("127.0.0.1:0"),
            TcpListener::bind("127.0.0.1:0"),
            neighbour,
        )
    });
    assert!(out.is_ok() && datagrams.is_ok());
    assert_eq!(listening.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(
        unix.unwrap_err().kind(),
        std::io::ErrorKind::PermissionDenied,
        "not even whether it is there"
    );
}

#[test]
fn with_one_port_there_is_no_other_and_no_datagram() {
    let [one, other] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let [one, other] = [&one, &other].map(|listener| listener.local_addr().unwrap());
    let attempt = move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        seal_but_port(&BTreeSet::new(), one.port())
            .expect("this test needs a kernel with Landlock and seccomp");
        (TcpStream::connect(one), TcpStream::connect(other), UdpSocket::bind("127.0.0.1:0"))
    };
    let (to_one, to_other, datagrams) = std::thread::spawn(attempt).join().unwrap();
    assert!(to_one.is_ok());
    assert_eq!(to_other.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied, "needs Linux 6.7");
    assert_eq!(datagrams.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn a_program_in_our_place_reads_what_it_is_and_reaches_one_port() {
    let [one, other] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let [one, other] = [&one, &other].map(|listener| listener.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let [own, private] = ["own", "private"].map(|name| dir.path().join(name));
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("file"), "mine").unwrap();
    std::fs::write(&private, "private").unwrap();
    let attempt = move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        seal_program(std::slice::from_ref(&own), one.port())
            .expect("this test needs a kernel with Landlock and seccomp");
        let program = Command::new("/usr/bin/env").arg("true").output();
        let settings = File::open("/etc/passwd").is_err() && File::create(own.join("new")).is_err();
        let sockets = (TcpStream::connect(one).is_ok(), TcpStream::connect(other).is_err());
        let datagram = UdpSocket::bind("127.0.0.1:0").is_err();
        (std::fs::read(own.join("file")), File::open(private), settings, sockets, datagram, program)
    };
    let (own, private, settings, sockets, datagram, program) = std::thread::spawn(attempt).join().unwrap();
    assert_eq!(own.unwrap(), b"mine");
    assert!(private.is_err() && settings);
    assert_eq!((sockets, datagram), ((true, true), true));
    assert!(program.unwrap().status.success());
}

#[test]
fn with_the_network_there_are_no_files_to_send_away_and_no_programs() {
    let dir = tempfile::tempdir().unwrap();
    let private = dir.path().join("letters");
    std::fs::write(&private, "private").unwrap();
    let (letters, new) = (private.clone(), dir.path().join("new"));
    let (settings, letters, new, plugin, program) = sealed_but_network(move || {
        let settings = File::open("/etc/passwd");
        let program = Command::new("true").spawn().map(drop);
        (settings, File::open(letters), File::create(new), File::open("/usr/bin/env"), program)
    });
    let denied = std::io::ErrorKind::PermissionDenied;
    assert_eq!(settings.unwrap_err().kind(), denied);
    assert_eq!(letters.unwrap_err().kind(), denied);
    assert_eq!(new.unwrap_err().kind(), denied);
    assert!(plugin.is_ok(), "plug-ins are read from there");
    assert!(program.is_err());
}

/// Runs `attempt` in a thread of its own that is sealed, because a seal is for ever.
fn sealed<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
    let sealed = move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        seal(&BTreeSet::new()).expect("this test needs a kernel with Landlock and seccomp");
        attempt()
    };
    std::thread::spawn(sealed).join().unwrap()
}

#[test]
fn what_is_open_is_read_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("film"), dir.path().join("letters"));
    std::fs::write(&path, "film").unwrap();
    std::fs::write(&other, "private").unwrap();
    let film = File::open(&path).unwrap();
    let through_proc = format!("/proc/self/fd/{}", film.as_raw_fd());
    let (beside, new) = (other.clone(), dir.path().join("new"));
    let (read, again, beside, new, program) = sealed(move || {
        let mut bytes = [0; 8];
        let read = film.read_at(&mut bytes, 0).and_then(|read| Ok((read, film.metadata()?.len())));
        (read, File::open(through_proc), File::open(beside), File::create(new), File::open("/usr/bin/env"))
    });
    assert_eq!(read.unwrap(), (4, 4));
    for closed in [again, beside, new] {
        assert_eq!(closed.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }
    assert!(program.is_ok(), "plug-ins are read from there");
    assert_eq!(std::fs::read(other).unwrap(), b"private", "others are not sealed");
}

#[test]
fn there_is_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (out, listening) = sealed(move || (TcpStream::connect(address), TcpListener::bind("127.0.0.1:0")));
    assert_eq!(out.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(listening.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn no_program_starts_and_no_process_is_signalled() {
    let mut neighbour = Command::new("sleep").arg("60").spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&neighbour);
    let (program, signal) = sealed(move || {
        let signal = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        (Command::new("true").spawn().map(drop), signal)
    });
    assert!(program.is_err());
    assert_eq!(signal, Err(rustix::io::Errno::PERM));
    assert_eq!(neighbour.try_wait().unwrap(), None, "it is still there");
    neighbour.kill().unwrap();
    neighbour.wait().unwrap();
}

#[test]
fn threads_still_start() {
    assert_eq!(sealed(|| std::thread::spawn(|| 7).join().unwrap()), 7);
}
