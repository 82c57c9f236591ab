//! How addresses are written down, and what may be done with each: one line for every variant of [`Route`], so that the
//! compiler asks for it when there is a new one.

use super::Route;

/// From a table: the two functions that tell them apart, and the list of all.
macro_rules! addresses {
    ($($route:pat => $template:literal, $methods:literal;)*) => {
        impl Route {
            /// As docs/openapi.json and docs/http-api.md write the address.
            #[cfg(test)]
            pub(in super::super) fn template(&self) -> &'static str {
                match self { $($route => $template,)* }
            }

            /// What may be done with it, as `Allow` says it, without OPTIONS.
            pub(in super::super) fn methods(&self) -> &'static str {
                match self { $($route => $methods,)* }
            }

            /// All of them with their methods.
            #[cfg(test)]
            pub(in super::super) const ADDRESSES: &[(&'static str, &'static str)] =
                &[$(($template, $methods),)*];
        }
    };
}

addresses! {
    Self::Page => "/", "GET, HEAD";
    Self::Plain { .. } => "/plain/{path}", "GET, HEAD";
    Self::PlainStyle => "/plain.css", "GET, HEAD";
    Self::Asset(_) => "/assets/{name}", "GET, HEAD";
    Self::Library { .. } => "/api/v1/library/{path}", "GET, HEAD";
    Self::Neighbours { .. } => "/api/v1/neighbours/{path}", "GET, HEAD";
    Self::Search(_) => "/api/v1/search", "GET, HEAD";
    Self::Info(_) => "/api/v1/info/{path}", "GET, HEAD";
    Self::Poster { .. } => "/api/v1/poster/{path}", "GET, HEAD";
    Self::Bar { .. } => "/api/v1/bar/{path}", "GET, HEAD";
    Self::Index => "/api/v1/index", "GET, HEAD";
    Self::Media { .. } => "/api/v1/media/{path}", "GET, HEAD";
    Self::Events { .. } | Self::LibraryEvents => "/api/v1/events", "GET, HEAD";
    Self::About => "/api/v1/about", "GET, HEAD";
    Self::OpenApi => "/api/v1/openapi.json", "GET, HEAD";
    Self::Flv { .. } => "/flv/{path}", "GET, HEAD";
    Self::Fmp4 { .. } => "/fmp4/{path}", "GET, HEAD";
    Self::Picture { .. } => "/picture/{path}", "GET, HEAD";
    Self::Download(_) => "/download/{path}", "GET, HEAD";
    Self::Playlist { .. } => "/m3u/{path}.m3u8", "GET, HEAD";
    Self::Live { .. } => "/live/{key}.flv", "GET, HEAD";
    Self::Uploads => "/api/v1/uploads", "GET, HEAD";
    Self::Upload { .. } => "/api/v1/upload/{path}", "GET, HEAD, PUT, DELETE";
    Self::File(_) => "/api/v1/files/{path}", "GET, HEAD, POST, DELETE";
    Self::Positions(_) => "/api/v1/positions/{viewer}", "GET, HEAD, DELETE";
    Self::Position { .. } => "/api/v1/positions/{viewer}/{path}", "GET, HEAD, PUT, DELETE";
    Self::Streams => "/api/v1/streams", "GET, HEAD";
    Self::Relays => "/api/v1/relays", "GET, HEAD";
    Self::Recordings => "/api/v1/recordings", "GET, HEAD, POST";
    Self::Recording(_) => "/api/v1/recordings/{key}", "GET, HEAD, DELETE";
    Self::Sources => "/api/v1/sources", "GET, HEAD, POST";
    Self::Source(_) => "/api/v1/sources/{name}", "GET, HEAD, PUT, DELETE";
    Self::Metrics => "/metrics", "GET, HEAD";
    Self::GetDir(_) => "/getdir/{path}", "GET, HEAD";
    Self::Feedback(_) => "/feedback/{text}", "GET, HEAD";
    Self::CrossDomain => "/crossdomain.xml", "GET, HEAD";
    Self::ProblemType(_) => "/problems/{kind}", "GET, HEAD";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_interface_leads_to_the_route_that_says_so() {
        for (template, methods) in Route::ADDRESSES {
            assert!(methods.starts_with("GET, HEAD"), "{template}: {methods}");
            let example = template.replace(['{', '}'], "");
            let route = Route::decode(&example, Some("path=x"));
            assert_eq!(route.map(|route| route.template()), Ok(*template), "{example}");
        }
    }
}
