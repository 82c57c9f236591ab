//! The page without JavaScript, by the programs that it is for.

use crate::http_client::{get, get_with};
use crate::program::{run, succeed};
use crate::server::{Server, folder_for_server};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// Names that mean something in HTML, in addresses or to a terminal.
const HOSTILE: &[&str] = &[
    "<script>alert(1)<script>.avi",
    "\"onmouseover=\"alert(1).mp4",
    "'><img src=x onerror=alert(1)>.mp3",
    "a&amp;b &lt; c.mkv",
    "new\nline\ttab\u{1b}[31m.avi",
    "evil\u{202e}gpj.avi",
    "-->]]>{{7*7}}.avi",
    "100% #1 & more?.mp4",
    "javascript:alert(1).avi",
];

/// What HTML Tidy complains of.
#[track_caller]
fn tidy(html: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), html).unwrap();
    run("tidy", &["-errors", "-quiet", "-utf8", file.path().to_str().unwrap()], LIMIT).stderr
}

#[test]
fn files_of_any_name_are_listed_in_valid_html_and_break_nothing() {
    let folder = folder_for_server();
    for name in HOSTILE {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    std::fs::create_dir(folder.path().join("<b>folder")).unwrap();
    let server = Server::over(folder.path());
    for target in [
        "/plain/",
        "/plain/?q=alert",
        "/plain/%3Cb%3Efolder",
        "/plain/?q=%22%3E%3Cscript%3E",
        "/plain/nothing",
    ] {
        let page = get(server.http, target);
        let html = page.text();
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(tidy(&html), "", "{target}:\n{html}");
        for bad in ["<script", "<img src=x", "<b>", "\u{202e}", "\u{1b}", "onmouseover=\"alert"] {
            assert!(!html.contains(bad), "{target}: {bad}\n{html}");
        }
        assert!(html.len() < 16_000, "{} bytes", html.len());
    }
    // Every link leads somewhere.
    let html = get(server.http, "/plain/").text();
    let links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut count = 0;
    for link in links.filter(|link| !link.starts_with("/flv/")) {
        let answer = get(server.http, &link.replace("&amp;", "&"));
        assert_eq!(answer.status, 200, "{link}");
        count += 1;
    }
    assert!(count > 2 * HOSTILE.len(), "{count} links");
}

#[test]
fn text_browsers_show_it_and_find_their_way() {
    let server = Server::start();
    for (program, arguments) in
        [("w3m", ["-dump", "-cols", "100"]), ("lynx", ["-dump", "-width=100", "-display_charset=utf-8"])]
    {
        let show = |target: &str| {
            let address = format!("http://{}{target}", server.http);
            let arguments: Vec<&str> = arguments.iter().copied().chain([address.as_str()]).collect();
            String::from_utf8_lossy(&succeed(program, &arguments, LIMIT).stdout).into_owned()
        };
        // At / as well, because these programs can do nothing with the page there.
        for target in ["/", "/plain/"] {
            let top = show(target);
            assert!(top.contains("Films") && top.contains("日本語"), "{program} {target}:\n{top}");
        }
        let films = show("/plain/Films");
        assert!(
            films.contains("Big Test (H.264).mp4") && films.contains("Zwölf Bären.mkv"),
            "{program}:\n{films}"
        );
        let gone = run(program, &[arguments[0], &format!("http://{}/plain/gone", server.http)], LIMIT);
        let gone = String::from_utf8_lossy(&gone.stdout).into_owned();
        assert!(
            gone.contains("There is nothing here") && gone.contains("Back to the library"),
            "{program}:\n{gone}"
        );
    }
    let curl = succeed("curl", &["-s", &format!("http://{}/", server.http)], LIMIT);
    assert!(String::from_utf8_lossy(&curl.stdout).contains("href=\"/plain/Films\""));
}

#[test]
fn it_speaks_german_comes_in_pages_and_lets_one_search() {
    let folder = folder_for_server();
    for n in 0..120 {
        std::fs::write(folder.path().join(format!("Film {n}.avi")), "x").unwrap();
    }
    let server = Server::over(folder.path());
    let german = get_with(server.http, "/plain/", "Accept-Language: de-DE,de;q=0.9,en;q=0.8\r\n");
    assert!(german.text().contains("<html lang=\"de\">") && german.text().contains("Mediathek"));
    assert_eq!(german.header("vary"), "Accept-Language");
    let mut target = "/plain/".to_owned();
    let mut pages = 0;
    loop {
        let html = get(server.http, &target).text();
        pages += 1;
        assert!(html.contains(&format!("<strong>Film {}.avi</strong>", 50 * (pages - 1))), "{html}");
        let next = html.split("<a href=\"").filter(|link| link.contains("Next page")).last();
        match next.and_then(|link| link.split('"').next()) {
            Some(link) => target = link.replace("&amp;", "&"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    let found = get(server.http, "/plain/?q=film+11").text();
    assert!(found.contains("Film 110.avi") && !found.contains("Film 12.avi"), "{found}");
    assert!(found.contains("href=\"/m3u/.m3u8?q=film%2011\""), "{found}");
}
