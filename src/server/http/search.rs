//! `GET /api/v1/search`: what is called so, wherever it is in the library.

use super::library::{Item, blocking, describe};
use super::reply::{Refusal, Reply, json};
use crate::library::{Entry, LibraryError, LibraryPath, Order, PageQuery, Sort};
use crate::limits::MAX_PAGE;
use crate::server::App;
use serde::Serialize;
use utoipa::ToSchema;

/// What a search found, or a part of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Found)]
pub(super) struct Results {
    /// How many there are, of which this may be a part.
    total: usize,
    /// How many of them come before these.
    offset: usize,
    entries: Vec<Item>,
}

/// Looks for folders and files that have all the words in their path and one at least in their name, and for files that say
/// them of themselves. What begins with a word comes first. Without words, all there is: with `sort=date&order=desc` the
/// latest.
#[utoipa::path(get, path = "/api/v1/search", operation_id = "search", tag = "library",
    params(("q" = Option<String>, Query, max_length = 255, description = "Words; neither case nor accents count"),
        ("offset" = Option<usize>, Query, description = "Entries that are skipped"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "At most so many, and at most 1000"),
        ("sort" = Option<Sort>, Query, description = "By name: what fits best first"),
        ("order" = Option<Order>, Query),
        ("kind" = Option<String>, Query, pattern = "^((folder|video|audio|picture)(,(folder|video|audio|picture)){0,3})?$",
            description = "Only entries of these kinds, with commas between them")),
    responses((status = 200, body = Results)))]
pub(super) async fn search(app: &App, query: PageQuery) -> Result<Reply, Refusal> {
    let (total, offset, entries) = find(app, query).await?;
    Ok(json(&Results { total, offset, entries: describe(app, entries) }))
}

/// How many there are, how many come before these, and these. Those that are gone since the last walk are left out.
pub(super) async fn find(
    app: &App,
    mut query: PageQuery,
) -> Result<(usize, usize, Vec<(LibraryPath, Entry)>), Refusal> {
    query.limit = Some(query.limit.unwrap_or(MAX_PAGE));
    let (library, index) = (app.providers.library().clone(), app.index.clone());
    blocking(move || {
        let found = index.search(&query);
        let entry = |path: LibraryPath| library.entry_at(&path).ok().map(|entry| (path, entry));
        let entries = found.paths.into_iter().filter_map(entry).collect();
        Ok::<_, LibraryError>((found.total, found.offset, entries))
    })
    .await
}
