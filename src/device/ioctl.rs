//! The questions that the `v4l` crate does not ask: which sockets a device has, which television standards, and which codings
//! when its pictures come in planes.
//!
//! The only unsafe code of this program beside the libraries'. Each call hands the kernel a structure of the size that
//! is part of the request's number, zeroed before, and alive until the call returns.

#![allow(unsafe_code, reason = "ioctl, which takes a pointer to a structure")]

use super::Input;
use crate::limits::{MAX_DEVICE_FORMATS, MAX_DEVICE_INPUTS, MAX_DEVICE_STANDARDS};
use std::io;
use std::os::raw::{c_int, c_void};
use v4l::v4l_sys::{
    V4L2_IN_ST_NO_POWER, V4L2_IN_ST_NO_SIGNAL, v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
    v4l2_fmtdesc, v4l2_input, v4l2_standard, v4l2_std_id,
};
use v4l::v4l2::{ioctl, vidioc};

/// What people call the families of standards, and all of each (`V4L2_STD_PAL` and so on).
const COMMON: [(&str, v4l2_std_id); 3] =
    [("PAL", 0x0000_00ff), ("NTSC", 0x0000_b000), ("SECAM", 0x00ff_0000)];

/// All sockets, in the driver's order. None: the device has no choice.
pub(super) fn inputs(device: &v4l::Device) -> Vec<Input> {
    let selected = selected_input(device).ok();
    let standards = standards(device);
    let described = (0..MAX_DEVICE_INPUTS as u32).map_while(|index| input(device, index).ok());
    let inputs = described.map(|input| {
        let status = input.status;
        // The driver names those of the socket in use.
        let named = standards.iter().filter(|(_, id)| input.std & id != 0).map(|(name, _)| name.clone());
        let common = COMMON.iter().filter(|(_, id)| input.std & id != 0).map(|(name, _)| (*name).to_owned());
        let mut of_this: Vec<String> = common.collect();
        of_this.extend(named.filter(|name| !COMMON.iter().any(|(common, _)| common == name)));
        Input {
            name: text(&input.name),
            selected: selected == Some(input.index as c_int),
            no_signal: status & (V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_POWER) != 0,
            standards: of_this,
        }
    });
    inputs.collect()
}

/// Chooses a socket by its place in [`inputs`].
pub(super) fn select_input(device: &v4l::Device, index: usize) -> io::Result<()> {
    let mut index = c_int::try_from(index).map_err(io::Error::other)?;
    ask(device, vidioc::VIDIOC_S_INPUT, &mut index)
}

/// Chooses a television standard by its name.
pub(super) fn select_standard(device: &v4l::Device, name: &str) -> io::Result<()> {
    let known = standards(device);
    let named = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, id)| *id);
    let common = || {
        let (_, id) = COMMON.iter().find(|(common, _)| common.eq_ignore_ascii_case(name))?;
        let of_input = selected_input(device).and_then(|index| input(device, index.unsigned_abs())).ok()?.std;
        Some(of_input & id).filter(|id| *id != 0)
    };
    let found = named.or_else(common);
    let mut id: v4l2_std_id = found.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    ask(device, vidioc::VIDIOC_S_STD, &mut id)
}

fn selected_input(device: &v4l::Device) -> io::Result<c_int> {
    let mut index: c_int = 0;
    ask(device, vidioc::VIDIOC_G_INPUT, &mut index)?;
    Ok(index)
}

fn input(device: &v4l::Device, index: u32) -> io::Result<v4l2_input> {
    // SAFETY: a structure of numbers and arrays of numbers, for which all zeros is a value.
    let mut input = v4l2_input { index, ..unsafe { std::mem::zeroed() } };
    ask(device, vidioc::VIDIOC_ENUMINPUT, &mut input)?;
    Ok(input)
}

/// The codings of a device whose pictures come in several planes, which the `v4l` crate does not ask for: four letters, and
/// the driver's words.
pub(super) fn planar_formats(device: &v4l::Device) -> Vec<(v4l::FourCC, String)> {
    let described = (0..MAX_DEVICE_FORMATS as u32).map_while(|index| {
        let kind = v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
        // SAFETY: as above.
        let mut format = v4l2_fmtdesc { index, type_: kind, ..unsafe { std::mem::zeroed() } };
        ask(device, vidioc::VIDIOC_ENUM_FMT, &mut format).ok()?;
        Some((format.pixelformat.into(), text(&format.description)))
    });
    described.collect()
}

/// Names and numbers of the standards of the socket in use.
fn standards(device: &v4l::Device) -> Vec<(String, v4l2_std_id)> {
    let described = (0..MAX_DEVICE_STANDARDS as u32).map_while(|index| {
        // SAFETY: as above.
        let mut standard = v4l2_standard { index, ..unsafe { std::mem::zeroed() } };
        ask(device, vidioc::VIDIOC_ENUMSTD, &mut standard).ok()?;
        Some((text(&standard.name), standard.id))
    });
    described.collect()
}

/// `T` has to be the structure that belongs to `request`.
fn ask<T>(device: &v4l::Device, request: vidioc::_IOC_TYPE, about: &mut T) -> io::Result<()> {
    // SAFETY: `about` is exclusively ours, has the size that `request` says (the requests above are made with
    // the size of their structure), and outlives the call. The handle keeps the descriptor open.
    unsafe { ioctl(device.handle().fd(), request, std::ptr::from_mut(about).cast::<c_void>()) }
}

/// The kernel's texts end with a zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}
