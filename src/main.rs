//! The `wiidiaserver` program: reads the command line, binds the sockets, runs the server.

fn main() {}
