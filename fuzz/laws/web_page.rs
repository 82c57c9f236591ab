//! Pages, feeds and playlists: whatever is in them, what is read are few addresses of the web and titles of one line, and
//! nothing of an HLS playlist gets past its rewriting.

use wiidiaserver::web_page::fuzzing::page;

pub fn law(input: &[u8]) {
    page(input);
}
