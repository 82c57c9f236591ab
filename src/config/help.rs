//! What `--help` and `--version` print.

/// Name and version.
pub const VERSION: &str = concat!("wiidiaserver ", env!("CARGO_PKG_VERSION"));

/// The help text, for people at home.
pub const HELP: &str = "\
Wiidiaserver shows the films, music and pictures of one computer on the
televisions, game consoles, telephones and browsers of the house.

  wiidiaserver --library DIR

starts it for one folder. Then open http://THIS-COMPUTER:8080 on another device.

Usage:
  wiidiaserver [FLAGS]                run the server, until Ctrl-C or a signal
  wiidiaserver check-config [FLAGS]   only check the configuration, and say what is wrong
  wiidiaserver component install yt-dlp [VERSION]
                                      yt-dlp finds the films of web pages; also
                                      rollback yt-dlp, remove yt-dlp, status
  wiidiaserver devices                list the capture sticks and cards of this computer
  wiidiaserver ctl ...                look after a running server; `ctl help` lists how
  wiidiaserver --help | --version

Flags (they win over the configuration file):
  --library DIR      a folder with media; give it again for more folders.
                     They replace the folders of the configuration file
  --config FILE      the configuration file (TOML)
  --http ADDR:PORT   where the web page and HTTP media are        [0.0.0.0:8080]
  --rtmp ADDR:PORT   where RTMP players connect                   [0.0.0.0:1935]
  --data DIR         where conversions are kept
  --allow-root       run although you are root (better: an ordinary user)
  -h, --help         this text
  -V, --version      the version

  0.0.0.0 means every device of the network, 127.0.0.1 only this computer,
  [::] every device with IPv6 too. DIR may begin with ~/ for your home folder.

Without --config the first of these that exists is read:
  $XDG_CONFIG_HOME/wiidiaserver/config.toml   (mostly ~/.config/wiidiaserver/config.toml)
  /etc/wiidiaserver/config.toml
Without --data the first of these that is set is used:
  $STATE_DIRECTORY   (set by systemd)
  $XDG_STATE_HOME/wiidiaserver   (mostly ~/.local/state/wiidiaserver)

Examples:
  wiidiaserver --library ~/Videos --library /media/disk/films
  wiidiaserver --config /etc/wiidiaserver/config.toml
  wiidiaserver check-config --library ~/Videos --http 127.0.0.1:8080
";
