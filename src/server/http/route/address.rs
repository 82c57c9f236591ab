//! How addresses are written down, and what may be done with each: one line for every variant of [`Route`], so that the
//! compiler asks for it when there is a new one.

use super::Route;
use crate::server::http::manage::Manage;
use std::borrow::Cow;

/// From a table: the functions that tell them apart, and the list of all.
macro_rules! addresses {
    ($($route:pat => $template:literal, $methods:literal;)*) => {
        impl Route {
            /// As docs/openapi.json and docs/http-api.md write the address.
            #[cfg(test)]
            pub(in super::super) fn template(&self) -> &'static str {
                match self {
                    Self::Manage(manage) => manage.template(),
                    $($route => $template,)*
                }
            }

            /// What may be done with it, as `Allow` says it, without OPTIONS.
            pub(in super::super) fn methods(&self) -> Cow<'static, str> {
                match self {
                    Self::Manage(manage) => manage.allowed().into(),
                    $($route => $methods.into(),)*
                }
            }

            /// All of them with their methods, but those of [`Manage`].
            #[cfg(test)]
            pub(in super::super) const ADDRESSES: &[(&'static str, &'static str)] =
                &[$(($template, $methods),)*];
        }
    };
}

/// The same for what looks after the server, whose methods are told by what they need.
macro_rules! managing {
    ($($manage:pat => $template:literal;)*) => {
        impl Manage {
            /// How the address is written down.
            #[cfg(test)]
            pub(in super::super) fn template(&self) -> &'static str {
                match self { $($manage => $template,)* }
            }

            /// All of them.
            pub(in super::super) const ADDRESSES: &[&'static str] = &[$($template,)*];
        }
    };
}

managing! {
    Self::Setup => "/api/v1/setup";
    Self::Claim => "/api/v1/claim";
    Self::Session => "/api/v1/session";
    Self::Sessions => "/api/v1/sessions";
    Self::OneSession(_) => "/api/v1/sessions/{id}";
    Self::Tokens => "/api/v1/tokens";
    Self::Token(_) => "/api/v1/tokens/{id}";
    Self::Password => "/api/v1/password";
    Self::Viewers => "/api/v1/viewers";
    Self::Settings => "/api/v1/settings";
    Self::Section(_) => "/api/v1/settings/{section}";
    Self::Restart => "/api/v1/restart";
    Self::Health => "/api/v1/health";
    Self::Log => "/api/v1/log";
    Self::Support => "/api/v1/support";
    Self::Backup => "/api/v1/backup";
    Self::Restore => "/api/v1/restore";
    Self::Reset => "/api/v1/reset";
    Self::System => "/api/v1/system";
    Self::Power => "/api/v1/system/power";
    Self::Time => "/api/v1/system/time";
    Self::Network => "/api/v1/system/network";
    Self::Wifi => "/api/v1/system/wifi";
    Self::Update => "/api/v1/system/update";
    Self::Ssh => "/api/v1/system/ssh";
    Self::Storage => "/api/v1/system/storage";
    Self::Disk(_) => "/api/v1/system/disks/{device}";
    Self::Folder(_) => "/api/v1/system/folders/{name}";
    Self::Https => "/api/v1/https";
    Self::Root => "/api/v1/https/root";
    Self::Plain => "/setup/network";
}

addresses! {
    Self::Page => "/", "GET, HEAD";
    Self::Plain { .. } => "/plain/{path}", "GET, HEAD";
    Self::PlainStyle => "/plain.css", "GET, HEAD";
    Self::Description => "/device.xml", "GET, HEAD";
    Self::Licences(None) => "/licences", "GET, HEAD";
    Self::Licences(Some(_)) => "/licences/{name}", "GET, HEAD";
    Self::Asset(_) => "/assets/{name}", "GET, HEAD";
    Self::Library { .. } => "/api/v1/library/{path}", "GET, HEAD";
    Self::Neighbours { .. } => "/api/v1/neighbours/{path}", "GET, HEAD";
    Self::Search(_) => "/api/v1/search", "GET, HEAD";
    Self::Info(_) => "/api/v1/info/{path}", "GET, HEAD";
    Self::Poster { .. } => "/api/v1/poster/{path}", "GET, HEAD";
    Self::Bar { .. } => "/api/v1/bar/{path}", "GET, HEAD";
    Self::Index => "/api/v1/index", "GET, HEAD";
    Self::Cache => "/api/v1/cache", "GET, HEAD, DELETE";
    Self::Quarantine(_) => "/api/v1/quarantine/{path}", "GET, HEAD, DELETE";
    Self::Subtitles { .. } => "/subtitles/{path}", "GET, HEAD";
    Self::Media { .. } => "/api/v1/media/{path}", "GET, HEAD";
    Self::Events { .. } | Self::LibraryEvents => "/api/v1/events", "GET, HEAD";
    Self::About => "/api/v1/about", "GET, HEAD";
    Self::OpenApi => "/api/v1/openapi.json", "GET, HEAD";
    Self::Flv { .. } => "/flv/{path}", "GET, HEAD";
    Self::Fmp4 { .. } => "/fmp4/{path}", "GET, HEAD";
    Self::Mp4 { .. } => "/mp4/{path}", "GET, HEAD";
    Self::Hls(_) => "/hls/{path}/index.m3u8", "GET, HEAD";
    Self::GetInfo { .. } => "/getinfo/{path}", "GET, HEAD";
    Self::WiidiaPage { .. } => "/wiidiaplayer.html", "GET, HEAD";
    Self::WiidiaSwf => "/wiidiaplayer.swf", "GET, HEAD";
    Self::Picture { .. } => "/picture/{path}", "GET, HEAD";
    Self::Download(_) => "/download/{path}", "GET, HEAD";
    Self::Share(_) => "/share/{path}", "GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK";
    Self::Playlist { .. } => "/m3u/{path}.m3u8", "GET, HEAD";
    Self::Live { .. } => "/live/{key}.flv", "GET, HEAD";
    Self::LiveMp4(_) => "/live/{key}.mp4", "GET, HEAD";
    Self::Uploads => "/api/v1/uploads", "GET, HEAD";
    Self::Upload { .. } => "/api/v1/upload/{path}", "GET, HEAD, PUT, DELETE";
    Self::File(_) => "/api/v1/files/{path}", "GET, HEAD, POST, DELETE";
    Self::Positions(_) => "/api/v1/positions/{viewer}", "GET, HEAD, DELETE";
    Self::Position { .. } => "/api/v1/positions/{viewer}/{path}", "GET, HEAD, PUT, DELETE";
    Self::Snapshot { .. } => "/live/{key}.jpg", "GET, HEAD";
    Self::Devices => "/api/v1/devices", "GET, HEAD";
    Self::DeviceControls(_) => "/api/v1/devices/{id}/controls", "PUT";
    Self::Streams => "/api/v1/streams", "GET, HEAD";
    Self::Relays => "/api/v1/relays", "GET, HEAD";
    Self::Recordings => "/api/v1/recordings", "GET, HEAD, POST";
    Self::Recording(_) => "/api/v1/recordings/{key}", "GET, HEAD, DELETE";
    Self::Sources => "/api/v1/sources", "GET, HEAD, POST";
    Self::Source(_) => "/api/v1/sources/{name}", "GET, HEAD, PUT, DELETE";
    Self::Web(_) => "/api/v1/web/{address}", "GET, HEAD";
    Self::Components => "/api/v1/components", "GET, HEAD";
    Self::Component(_) => "/api/v1/components/{name}", "POST, DELETE";
    Self::ComponentRollback(_) => "/api/v1/components/{name}/rollback", "POST";
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
            assert_eq!(methods.contains("GET"), methods.contains("HEAD"), "{template}: {methods}");
            let example = template.replace(['{', '}'], "");
            let route = Route::decode(&example, Some("path=x"));
            assert_eq!(route.map(|route| route.template()), Ok(*template), "{example}");
        }
        for template in Manage::ADDRESSES {
            let route = Route::decode(&template.replace(['{', '}'], ""), None);
            assert_eq!(route.map(|route| route.template()), Ok(*template));
        }
    }
}
