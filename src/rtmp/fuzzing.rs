//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::chunk_reader::Message;
use super::media_record::MediaRecord;

/// A message of any type as chunks, as this server writes its own.
pub fn chunks(message: &Message, csid: u8, chunk_size: usize) -> Vec<u8> {
    let Message { timestamp, type_id, stream_id, payload } = message.clone();
    MediaRecord::message(csid, type_id, stream_id, timestamp, payload, chunk_size)
        .flat_map(|chunk| chunk.parts().concat())
        .collect()
}
