//! Live sources as somebody writes them: the address, and the whole of it as JSON.

use wiidiaserver::config::{Input, Source, WrittenSource};
use wiidiaserver::source_url::SourceUrl;

pub fn law(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(url) = SourceUrl::parse(&text) {
        address(&url);
    }
    if let Ok(written) = serde_json::from_slice::<WrittenSource>(input)
        && let Ok(source) = Source::check(&written)
    {
        if let Input::Network(url) = &source.input {
            address(url);
        }
        assert_eq!(Source::check(&source.to_written()), Ok(source), "what is kept comes back");
    }
}

fn address(url: &SourceUrl) {
    let whole = url.with_secrets();
    assert_eq!(SourceUrl::parse(whole).as_ref(), Ok(url));
    assert!(!whole.contains(char::is_whitespace));
    let shown = url.to_string();
    let (_, rest) = shown.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    assert!(!authority.contains('@'), "{shown}");
    let of_whole = whole.split_once("://").unwrap().1.split(['/', '?', '#']).next().unwrap();
    if let Some((user, _)) =
        of_whole.rsplit_once('@').filter(|(user, _)| user.len() >= 3 && !user.contains('…'))
    {
        for text in [whole.to_owned(), format!("Not found ({whole})"), format!("user {user}")] {
            assert!(!url.redact(&text).contains(user), "{text}");
        }
    }
    let _ = (url.mdns_host(), url.with_host("[::1]"), url.redact("no connection (1)"));
}
