//! An element that reads a film through the server: `filesrc` for what is no file. Demuxers pull from it as from a file.

use super::super::remote;
use super::mend;
use gst::glib;
use gst::subclass::prelude::*;
use gstreamer as gst;
use gstreamer_base as gst_base;
use std::cell::Cell;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads of a film's headers before it is played. Each may be a question to another continent; a film whose boxes lie
/// apart (fragmented MP4) has thousands.
const HEADER_READS: u32 = 64;

/// The socket on standard input, behind which the server has the film.
#[derive(Debug)]
pub(super) struct Feed {
    socket: Mutex<UnixStream>,
    len: u64,
}

impl Feed {
    /// The film of `len` bytes behind standard input.
    pub(super) fn on_stdin(len: u64) -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { socket: Mutex::new(socket), len })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills as much of `bytes` as the film has from `offset` on.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        remote::ask(&*socket, offset, bytes)
    }
}

/// A film's headers, of which not too many are read.
#[derive(Debug)]
pub(super) struct Headers<'a> {
    feed: &'a Feed,
    left: Cell<u32>,
}

impl<'a> Headers<'a> {
    pub(super) fn of(feed: &'a Feed) -> Self {
        Self { feed, left: Cell::new(HEADER_READS) }
    }
}

impl mend::Source for Headers<'_> {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let left = self.left.get().checked_sub(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.left.set(left);
        match self.feed.read(offset, bytes)? {
            read if read == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn len(&self) -> u64 {
        self.feed.len
    }
}

glib::wrapper! {
    /// The element.
    pub(super) struct RemoteSrc(ObjectSubclass<imp::RemoteSrc>)
        @extends gst_base::BaseSrc, gst::Element, gst::Object;
}

/// An element that reads from `feed`.
pub(super) fn element(feed: Arc<Feed>) -> gst::Element {
    let element: RemoteSrc = glib::Object::new();
    // A new object has none.
    let _ = element.imp().feed.set(feed);
    gst::prelude::Cast::upcast(element)
}

mod imp {
    use super::{Arc, Feed, glib, gst, gst_base};
    use gst::subclass::prelude::*;
    use gst_base::subclass::base_src::CreateSuccess;
    use gst_base::subclass::prelude::*;
    use std::sync::{LazyLock, OnceLock};

    #[derive(Default)]
    pub(in super::super) struct RemoteSrc {
        pub(super) feed: OnceLock<Arc<Feed>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RemoteSrc {
        const NAME: &'static str = "WiidiaRemoteSrc";
        type Type = super::RemoteSrc;
        type ParentType = gst_base::BaseSrc;
    }

    impl ObjectImpl for RemoteSrc {}

    impl GstObjectImpl for RemoteSrc {}

    impl ElementImpl for RemoteSrc {
        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let any = gst::Caps::new_any();
                let template =
                    gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &any);
                template.into_iter().collect()
            });
            &TEMPLATES
        }
    }

    impl BaseSrcImpl for RemoteSrc {
        fn start(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn stop(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn is_seekable(&self) -> bool {
            true
        }

        fn size(&self) -> Option<u64> {
            self.feed.get().map(|feed| feed.len())
        }

        fn create(
            &self,
            offset: u64,
            buffer: Option<&mut gst::BufferRef>,
            length: u32,
        ) -> Result<CreateSuccess, gst::FlowError> {
            match buffer {
                Some(buffer) => {
                    self.fill_from(offset, length, buffer)?;
                    Ok(CreateSuccess::FilledBuffer)
                }
                None => {
                    let mut buffer =
                        gst::Buffer::with_size(length as usize).map_err(|_| gst::FlowError::Error)?;
                    let own = buffer.get_mut().ok_or(gst::FlowError::Error)?;
                    self.fill_from(offset, length, own)?;
                    Ok(CreateSuccess::NewBuffer(buffer))
                }
            }
        }
    }

    impl RemoteSrc {
        fn fill_from(
            &self,
            offset: u64,
            length: u32,
            buffer: &mut gst::BufferRef,
        ) -> Result<(), gst::FlowError> {
            let feed = self.feed.get().ok_or(gst::FlowError::Error)?;
            let read = {
                let mut bytes = buffer.map_writable().map_err(|_| gst::FlowError::Error)?;
                let wanted = bytes.len().min(length as usize);
                feed.read(offset, &mut bytes[..wanted])
            };
            match read {
                Ok(0) => Err(gst::FlowError::Eos),
                Ok(read) => {
                    buffer.set_size(read);
                    buffer.set_offset(offset);
                    buffer.set_offset_end(offset + read as u64);
                    Ok(())
                }
                Err(error) => {
                    gst::element_imp_error!(self, gst::ResourceError::Read, ["{error}"]);
                    eprintln!("the film at byte {offset}: {error}");
                    Err(gst::FlowError::Error)
                }
            }
        }
    }
}
