################################################################################
#
# wiidiaserver
#
################################################################################

# scripts/source-tarball makes the archive, with its crates and its web page,
# and the checksum that goes with it (dist/hashes, a global patch directory).
WIIDIASERVER_VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' \
	$(BR2_EXTERNAL_WIIDIA_PATH)/../Cargo.toml | head -n 1)
WIIDIASERVER_SITE = file://$(BR2_EXTERNAL_WIIDIA_PATH)/../dist
WIIDIASERVER_LICENSE = MIT or Apache-2.0
WIIDIASERVER_LICENSE_FILES = LICENSE-MIT LICENSE-APACHE
WIIDIASERVER_DEPENDENCIES = host-pkgconf gstreamer1 gst1-plugins-base

# The crates of GStreamer ask pkg-config, and refuse to when they see a cross
# build, unless told that it answers for the target. Buildroot's does.
WIIDIASERVER_CARGO_ENV = PKG_CONFIG_ALLOW_CROSS=1

WIIDIASERVER_CARGO_INSTALL_OPTS = --bin wiidiaserver

# The root file system cannot be written, so users are made while it is built:
# the same as in rootfs-overlay/usr/lib/sysusers.d.
define WIIDIASERVER_USERS
	wiidia 900 wiidia 900 * /var/lib/wiidiaserver - video,audio,render Wiidiaserver
endef

# Units and folders come with rootfs-overlay, which the Debian package
# and the virtual box share; board/common/finish-root puts it in.

$(eval $(cargo-package))
