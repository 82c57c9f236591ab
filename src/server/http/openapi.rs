//! The API's description for programs: OpenAPI 3.1, made of the types that are sent and of what is written beside the
//! functions that answer. What is served is docs/openapi.json as it was committed; a test holds it against the types.

use super::manage::{Manage, backup, health, https, session, settings, setup, storage, system, wifi};
use super::reply::{Reply, reply};
use crate::access::Need;
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::OpenApi;

/// The table of operations: each has its address, parameters and answers beside it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wiidiaserver",
        description = "What the server's own page uses, and what other programs may. Media themselves come from other \
            addresses; they, and what stands behind these figures, are in docs/http-api.md.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        super::library::list,
        super::library::neighbours,
        super::search::search,
        super::index::info,
        super::index::poster,
        super::index::bar,
        super::index::progress,
        super::upload::list,
        super::upload::received,
        super::upload::take,
        super::upload::abandon,
        super::upload::file,
        super::upload::change,
        super::upload::remove,
        super::positions::list,
        super::positions::forget_all,
        super::positions::one,
        super::positions::put,
        super::positions::forget,
        super::media::media,
        super::media::events,
        super::metrics::list,
        super::relays::list,
        super::recordings::list,
        super::recordings::one,
        super::recordings::start,
        super::recordings::stop,
        super::sources::list,
        super::sources::one,
        super::sources::add,
        super::sources::put,
        super::sources::remove,
        super::devices::list,
        super::devices::control,
        super::cache::show,
        super::cache::empty,
        super::quarantine::list,
        super::quarantine::release,
        super::web::describe,
        super::components::list,
        super::components::install,
        super::components::roll_back,
        super::components::remove,
        super::about::about,
        committed,
        setup::state,
        setup::restart,
        session::claim,
        session::state,
        session::sign_in,
        session::sign_out,
        session::list,
        session::end_others,
        session::end,
        session::tokens,
        session::make_token,
        session::remove_token,
        session::change_password,
        session::viewers,
        session::set_viewers,
        settings::all,
        settings::one,
        settings::change,
        health::health,
        health::lines,
        health::support,
        backup::make,
        backup::restore,
        backup::reset,
        system::state,
        system::power,
        system::set_time,
        system::try_network,
        system::end_trial,
        system::update,
        system::upload,
        system::ssh,
        wifi::state,
        wifi::search,
        wifi::join,
        wifi::forget,
        storage::state,
        storage::add_folder,
        storage::disk,
        storage::remove_folder,
        https::state,
        https::make,
        https::upload,
        https::remove,
        https::root,
    ),
    components(schemas(super::problem::Problem, super::media::MediaEvent, super::events::LibraryEvent)),
    tags(
        (name = "library", description = "Folders and files, and what is known of them"),
        (name = "playing", description = "A file while it is played"),
        (name = "live", description = "Live streams, where they come from, and recordings of them"),
        (name = "server", description = "The server itself"),
        (name = "managing", description = "Looking after the server: who may do what, settings, the machine"),
    ),
)]
struct Document;

/// The description as JSON, made anew from the types.
pub fn openapi() -> String {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    say_whose(&mut document);
    if let Some(operations) = document["paths"].as_object_mut() {
        operations.values_mut().filter_map(Value::as_object_mut).flat_map(|of| of.values_mut()).for_each(
            |one| {
                one["responses"]["default"] = json!({ "$ref": "#/components/responses/Problem" });
                let answers =
                    one["responses"].as_object_mut().into_iter().flat_map(|answers| answers.values_mut());
                for answer in
                    answers.filter_map(Value::as_object_mut).filter(|answer| !answer.contains_key("$ref"))
                {
                    // It has to be there (OpenAPI 3.1, 4.8.17).
                    answer.entry("description").or_insert_with(|| "What the type says".into());
                }
            },
        );
    }
    document["components"]["responses"]["Problem"] = json!({
        "description": "A problem (RFC 9457)",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(require_nullable);
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Says of each operation that looks after the server whether it is the owner's alone, which the guard's table knows.
fn say_whose(document: &mut Value) {
    for address in Manage::ADDRESSES {
        let Some(manage) = Manage::decode(&address.replace(['{', '}'], "")) else { continue };
        let owners = manage.needs().iter().filter(|(_, need)| *need == Need::Own);
        for operation in owners.map(|(method, _)| method.to_lowercase()) {
            let Some(operation) = document["paths"][*address][operation].as_object_mut() else { continue };
            let before = operation.get("description").and_then(Value::as_str).unwrap_or_default();
            let whole = format!("{before}\n\nOnly for the owner.").trim_start().to_owned();
            operation.insert("description".to_owned(), whole.into());
        }
    }
}

/// What may be null in an answer is always there; what may be missing is marked `nullable = false`, and stays optional.
/// The derive macro takes either for optional. What is sent to us (no further properties) may lack both.
fn require_nullable(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(require_nullable);
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                return;
            }
            let Some(properties) = object.get("properties").and_then(Value::as_object) else { return };
            let nullable = properties.iter().filter(|(_, property)| is_nullable(property));
            let mut required: Vec<Value> = nullable.map(|(name, _)| Value::from(name.clone())).collect();
            let before = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            required.extend(before);
            required.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            required.dedup();
            if !required.is_empty() {
                object.insert("required".to_owned(), required.into());
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(require_nullable),
        _ => {}
    }
}

fn is_nullable(property: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null";
    let any = |key: &str, test: &dyn Fn(&Value) -> bool| {
        property.get(key).and_then(Value::as_array).is_some_and(|parts| parts.iter().any(test))
    };
    any("type", &is_null) || any("oneOf", &|part| part.get("type").is_some_and(is_null))
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "describeApi", tag = "server",
    responses((status = 200, body = Object)))]
pub(super) fn committed() -> Reply {
    reply("application/json", Bytes::from_static(include_bytes!("../../../docs/openapi.json")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::route::Route;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

    /// With UPDATE_OPENAPI=1 it is written instead.
    #[test]
    fn the_committed_description_is_that_of_the_types() {
        let made = openapi();
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(FILE, &made).unwrap();
        }
        let committed = std::fs::read_to_string(FILE).unwrap_or_default();
        let first = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
        assert!(
            made == committed,
            "docs/openapi.json is not what the types say (line {}); write it anew with \
             `UPDATE_OPENAPI=1 cargo test --lib openapi && node web/scripts/api-types.mjs`, look at the difference, commit it",
            first.unwrap_or(0) + 1
        );
    }

    /// By address, the methods of the description and of the routes.
    #[test]
    fn every_route_of_the_api_is_described_and_everything_described_is_a_route() {
        let document: Value = serde_json::from_str(&openapi()).unwrap();
        let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (address, operations) in document["paths"].as_object().unwrap() {
            let methods = operations.as_object().unwrap().keys().map(|method| method.to_uppercase());
            described.insert(address.clone(), methods.collect());
        }
        let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (address, methods) in Route::ADDRESSES.iter().filter(|(address, _)| address.starts_with("/api/"))
        {
            // HEAD goes with GET, everywhere.
            let methods = methods.split(", ").filter(|method| *method != "HEAD").map(str::to_owned);
            routes.entry((*address).to_owned()).or_default().extend(methods);
        }
        for address in Manage::ADDRESSES.iter().filter(|address| address.starts_with("/api/")) {
            let manage = Manage::decode(&address.replace(['{', '}'], "")).unwrap();
            let methods = manage.needs().iter().map(|(method, _)| (*method).to_owned());
            routes.insert((*address).to_owned(), methods.collect());
        }
        assert_eq!(
            described, routes,
            "left: described in src/server/http/openapi.rs, right: lines of src/server/http/route/address.rs"
        );
    }

    #[test]
    fn operations_have_names_of_their_own_and_say_what_they_are_for() {
        let document: Value = serde_json::from_str(&openapi()).unwrap();
        let mut names = BTreeSet::new();
        for (address, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
                assert!(names.insert(name.clone()), "{method} {address}: {name} is taken");
                assert!(operation["summary"].is_string(), "{method} {address} says nothing");
                assert!(operation["tags"].is_array(), "{method} {address} has no tag");
            }
        }
    }

    #[test]
    fn every_address_is_in_the_documentation() {
        let documentation = include_str!("../../../docs/http-api.md");
        let own = Route::ADDRESSES.iter().map(|(address, _)| *address);
        for address in own.chain(Manage::ADDRESSES.iter().copied()) {
            // The documentation writes <path> for {path}.
            let written = address.replace('{', "<").replace('}', ">");
            assert!(documentation.contains(&format!("`{written}")), "{written} is not in docs/http-api.md");
        }
    }
}
