//! Recordings that were broken off: what is kept are whole tags, all of them up to the damage.

use bytes::{BufMut, Bytes};
use wiidiaserver::flv::reader::take_tag;
use wiidiaserver::limits::RECORD_KEYFRAMES;
use wiidiaserver::recording::fuzzing::{HEAD_LEN, broken_off, file_name, head};

pub fn law(input: &[u8]) {
    // As a whole file it is hardly ever one of ours; behind a head it is.
    let _ = broken_off(input);
    let mut file = head("cam");
    file.put_slice(input);
    let found = broken_off(&file).unwrap();
    assert!((HEAD_LEN..=file.len() as u64).contains(&found.end), "{found:?}");

    let kept = Bytes::from(file[HEAD_LEN as usize..found.end as usize].to_vec());
    let mut rest = kept.clone();
    let mut tags = Vec::new();
    while let Some(tag) = take_tag(&mut rest).unwrap() {
        tags.push((found.end - rest.len() as u64 - tag.encoded_len() as u64, tag));
    }
    assert!(rest.is_empty(), "half a tag is kept");
    let mut again = Vec::new();
    tags.iter().for_each(|(_, tag)| tag.encode_into(&mut again));
    // Reserved bits apart, which our own files have as zeros.
    assert_eq!(again.len(), kept.len());

    // What follows is no whole tag of ours.
    if let Ok(Some(next)) = take_tag(&mut Bytes::from(file[found.end as usize..].to_vec())) {
        let size = &file[found.end as usize + 11 + next.body.len()..][..4];
        assert_ne!(size, ((11 + next.body.len()) as u32).to_be_bytes(), "a whole tag is lost");
    }

    assert!(found.keyframes.len() <= RECORD_KEYFRAMES);
    for (time, position) in &found.keyframes {
        let (_, tag) = tags.iter().find(|(at, _)| at == position).expect("a keyframe is at a tag");
        assert_eq!(tag.timestamp, *time);
    }

    let (name, known) = file_name(&String::from_utf8_lossy(input));
    assert!(known && name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\0']), "{name:?}");
}
