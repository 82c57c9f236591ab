//! A film's segments: its frames between two places of the plan, waited for until they are there.

use super::super::reply::{Refusal, Reply};
use super::super::send_file::FileBody;
use super::super::watch::wait_for_point;
use super::address::FilmAddress;
use super::film::{Show, hash};
use super::late::{late, soon};
use super::linger::Lingering;
use super::sample::{Sample, parts};
use super::{immutable, ranged, set_text};
use crate::fmp4::segment::{Piece, fragments, head};
use crate::hls::{Cut, Cutter, Lead, Rule, Timetable, Version};
use crate::reel::Cursor;
use crate::server::App;
use crate::server::http::handover::SocketBody;
use crate::time::MediaTime;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use std::net::IpAddr;
use std::time::Duration;

/// Where a segment's frames end, and where the next one is planned; no frames behind the film's end.
type Made = (Option<Cut<Sample>>, MediaTime);

impl Show {
    /// `segment-<n>.m4s`
    pub(super) async fn segment(
        self,
        app: &App,
        address: &FilmAddress,
        version: Option<Version>,
        n: u32,
        headers: &HeaderMap,
        client: IpAddr,
    ) -> Result<Reply, Refusal> {
        let (content_type, asked) = (self.content_type(), address.clone());
        let lingering = app.hls.linger.clone();
        let work = async move {
            let cut = self.cut(&asked, version, n).await;
            (self, cut)
        };
        let (show, cut) = match soon(work).await {
            Ok(made) => made,
            Err(work) => {
                // Without ranges, which need the length.
                let mut reply = late(content_type, async move {
                    let (show, cut) = work.await;
                    let (cut, next) = cut?;
                    show.lingers(&lingering, client, next);
                    Ok(FileBody::new(show.viewer, parts(pieces(n, cut), 0..u64::MAX)).into_blocks())
                });
                if version.is_some() {
                    immutable(&mut reply);
                }
                return Ok(reply);
            }
        };
        let (cut, next) = cut?;
        let pieces = pieces(n, cut);
        let len = pieces.iter().map(|piece| u64::from(piece.size())).sum();
        show.lingers(&lingering, client, next);
        let viewer = show.viewer;
        let mut reply = ranged(headers, content_type, len, |range| {
            SocketBody::File(FileBody::new(viewer, parts(pieces, range))).into()
        });
        if version.is_some() && reply.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            immutable(&mut reply);
            set_text(
                &mut reply,
                header::ETAG,
                format!("\"{}.{n}.{len}\"", address.version.as_deref().unwrap_or("")),
            );
        }
        Ok(reply)
    }

    /// The client counts as a viewer at `time` until it asks for more.
    pub(super) fn lingers(&self, lingering: &Lingering, client: IpAddr, time: MediaTime) {
        let viewer = self.reel().join();
        viewer.wants(time);
        lingering.keep(client, viewer);
    }

    /// The frames of a segment, waiting until they are there, and where the next one is planned. Nothing when the
    /// film is shorter than the plan.
    async fn cut(&self, address: &FilmAddress, version: Option<Version>, n: u32) -> Result<Made, Refusal> {
        let reel = self.reel();
        let mut progress = reel.subscribe();
        // The plan of keyframes that are known may have to grow up to there first.
        let (plan, known, cell) = loop {
            progress.mark_unchanged();
            let known = self.configurations(address)?;
            let plan = match version {
                Some(version) if version.rule != Rule::Known => {
                    (Timetable::planned(version.rule, version.end), true)
                }
                version => self.plan(version.map_or(self.rule, |version| version.rule), &known),
            };
            match plan.0.cell(n) {
                Some(cell) if cell.next.is_some() || plan.1 => break (plan.0, known, cell),
                None if plan.1 => {
                    let text = format!(
                        "\"{}\" has {} segments, counted from 0",
                        address.path.file_name(),
                        plan.0.count()
                    );
                    return Err(Refusal::new(StatusCode::NOT_FOUND, text));
                }
                // The sender lives in the reel that we hold.
                _ => drop(progress.changed().await),
            }
        };
        let rule = plan.rule();
        let at = known.partition_point(|(from, _)| *from <= cell.start).saturating_sub(1);
        let configs = &known[at].1;
        let same = version.is_none_or(|version| version.init == hash(&configs.init()));
        let client = configs.video.as_ref().filter(|_| same).map(|video| video.record.clone());
        let lane = if self.codecs.video.is_some() { Lead::Video } else { Lead::Audio };
        let mut cutter = Cutter::new(cell, rule.late(), lane, client);
        let failed = |error: std::io::Error| {
            let text = format!("\"{}\" can't be read there: {error}", address.path.file_name());
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
        };
        let point = match rule {
            // Sound may be written a little before the picture that it belongs to.
            Rule::Known => {
                let points = reel.points();
                let start = points.partition_point(|point| point.time < cell.start);
                let headers = points.get(start).map(|point| reel.headers_at(*point)).unwrap_or_default();
                for header in &headers {
                    let _ = cutter.push(header, |_| Sample::new(header, 0, None));
                }
                self.viewer.wants(cell.start);
                points.get(start.saturating_sub(1)).copied().or(reel.first_point())
            }
            _ => {
                let target =
                    if n == 0 { MediaTime::ZERO } else { cell.start.saturating_add_millis(ms(rule.late())) };
                Some(wait_for_point(&self.viewer, target).await.map_err(failed)?)
            }
        };
        let next = cell.next.unwrap_or(plan.end()).max(cell.start);
        let Some(point) = point else { return Ok((None, next)) };
        if rule != Rule::Known {
            for header in &reel.headers_at(point) {
                let _ = cutter.push(header, |_| Sample::new(header, 0, None));
            }
        }
        let mut cursor = Cursor::new(reel.clone(), point);
        while let Some(tag) = cursor.wait_for_tag().await.map_err(failed)? {
            let place = cursor.place_of(&tag);
            let done = cutter.push(&tag, |skip| Sample::new(&tag, skip, place));
            self.viewer.follows(&cursor);
            if done.map_err(|error| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()))? {
                break;
            }
        }
        Ok((cutter.finish(), next))
    }
}

/// A segment as it is sent.
fn pieces(n: u32, cut: Option<Cut<Sample>>) -> Vec<Piece<Sample>> {
    let mut pieces = vec![Piece::Bytes(head())];
    if let Some(Cut { configs, limits, frames }) = cut {
        // Fragments count up through the film, whoever makes them.
        let mut sequence = n.saturating_mul(1000).saturating_add(1);
        pieces.extend(fragments(&mut sequence, &configs, limits, frames));
    }
    pieces
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
