//! `wiidia-load`: publishers and viewers by the thousand, for `scripts/bench`. One process, one thread.
//!
//! Works on any RTMP or HTTP-FLV server of this machine; see docs/performance.md for what the figures mean.

mod client;
mod cost;
mod demux;
mod floor;
mod publish;
mod report;
mod run;
mod stamp;
mod viewer;
mod wire;

use client::{Failure, Target};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
wiidia-load: loads an RTMP or HTTP-FLV server of this machine and measures it.

  wiidia-load publish URL FILE.flv [--seconds S]     publishes in real time, every frame stamped
  wiidia-load view URL --viewers N --seconds S       live viewers: bytes, stalls, loss, latency
  wiidia-load join URL --viewers N --seconds S       viewers that leave at their first keyframe
  wiidia-load vod URL --viewers N --seconds S [--seeks]
                                                     a recording: rtmp paced, http as fast as it goes
  wiidia-load floor ADDR:PORT FILE.flv [--gather MS] what sending alone costs: a live server that does nothing else
  wiidia-load report FILE...                         tables from the lines that the others print

  --warmup S     from the last join to the measured window (view, vod) or to the first join (join) [1]
  --spread S     the viewers join over this time [2]
  --linger S     they stay this long behind the window [0]
  --server PID   tells what this process and its children cost in the window
  --prefix P     before the metrics' names; only those of the latency remain
  --case C --name N --load L   said in the line, for the report

URLs have numeric addresses: rtmp://127.0.0.1:1935/live/name (or rtmps), http://127.0.0.1:8080/live/name.flv
Ends with 3 when the server does not do what it is asked for.
";

/// The server refuses what it is asked for, rather than failing at it.
const NOT_SERVED: u8 = 3;

fn main() -> ExitCode {
    match arguments() {
        Ok(Some(task)) => start(task),
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wiidia-load: {error}; wiidia-load --help shows what there is");
            ExitCode::from(2)
        }
    }
}

/// What the command line asks for.
struct Task {
    verb: String,
    /// URL and file, or the files of a report.
    words: Vec<String>,
    plan: Numbers,
    seeks: bool,
    gather: Duration,
    labels: Map<String, Json>,
}

#[derive(Default)]
struct Numbers {
    viewers: usize,
    seconds: Option<f64>,
    spread: Option<f64>,
    warmup: Option<f64>,
    linger: f64,
    server: Option<u32>,
    prefix: String,
}

fn arguments() -> Result<Option<Task>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_env();
    let (mut words, mut plan, mut labels) = (Vec::new(), Numbers::default(), Map::new());
    let (mut seeks, mut gather) = (false, Duration::ZERO);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("viewers") => plan.viewers = parser.value()?.parse()?,
            Long("seconds") => plan.seconds = Some(parser.value()?.parse()?),
            Long("spread") => plan.spread = Some(parser.value()?.parse()?),
            Long("warmup") => plan.warmup = Some(parser.value()?.parse()?),
            Long("linger") => plan.linger = parser.value()?.parse()?,
            Long("server") => plan.server = Some(parser.value()?.parse()?),
            Long("prefix") => plan.prefix = parser.value()?.string()?,
            Long("seeks") => seeks = true,
            Long("gather") => gather = Duration::from_millis(parser.value()?.parse()?),
            Long("case") => drop(labels.insert("case".into(), json!(parser.value()?.string()?))),
            Long("name") => drop(labels.insert("server".into(), json!(parser.value()?.string()?))),
            Long("load") => drop(labels.insert("viewers".into(), json!(parser.value()?.parse::<u64>()?))),
            Long("help") | Short('h') => return Ok(None),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    let verb = words.remove(0);
    Ok(Some(Task { verb, words, plan, seeks, gather, labels }))
}

fn start(task: Task) -> ExitCode {
    raise_file_limit();
    match (task.verb.as_str(), &task.words[..]) {
        ("report", files) => return end(report::print(files).map_err(|error| error.to_string())),
        ("floor", [listen, file]) => {
            let listen = listen.parse().map_err(|error| format!("{listen}: {error}"));
            return end(listen.and_then(|listen| floor::run(listen, file.as_ref(), task.gather)));
        }
        _ => {}
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(error.to_string())),
    };
    let prefix = task.plan.prefix.clone();
    let mut line = task.labels.clone();
    line.entry("viewers").or_insert_with(|| json!(task.plan.viewers));
    let result = tokio::task::LocalSet::new().block_on(&runtime, perform(task));
    let code = match result {
        Ok(metrics) => {
            let metrics = match prefix.as_str() {
                "" => metrics,
                _ => metrics
                    .into_iter()
                    .filter(|(name, _)| name.starts_with("latency"))
                    .map(|(name, value)| (format!("{prefix}{name}"), value))
                    .collect(),
            };
            line.insert("metrics".into(), metrics.into());
            ExitCode::SUCCESS
        }
        Err(Failure::Refused(why)) => {
            eprintln!("wiidia-load: not served: {why}");
            line.insert("not_served".into(), json!(why));
            ExitCode::from(NOT_SERVED)
        }
        Err(Failure::Broken(why)) => {
            eprintln!("wiidia-load: {why}");
            line.insert("failed".into(), json!(why));
            ExitCode::FAILURE
        }
    };
    println!("{}", Json::Object(line));
    code
}

fn end(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wiidia-load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(task: Task) -> Result<Map<String, Json>, Failure> {
    let broken = Failure::Broken;
    let url = task.words.first().ok_or_else(|| broken("which address? See wiidia-load --help".into()))?;
    let target: Target = url.parse().map_err(broken)?;
    let numbers = task.plan;
    if task.verb == "publish" {
        let file = task.words.get(1).ok_or_else(|| broken("publish which file?".into()))?;
        return publish::run(&target, &PathBuf::from(file), numbers.seconds).await;
    }
    let plan = run::Plan {
        target,
        viewers: numbers.viewers.max(1),
        seconds: numbers.seconds.unwrap_or(5.0),
        spread: numbers.spread.unwrap_or(2.0),
        warmup: numbers.warmup.unwrap_or(1.0),
        linger: numbers.linger,
        server: numbers.server,
    };
    match (task.verb.as_str(), plan.target.rtmp) {
        ("view", _) => run::view(&plan).await,
        ("join", _) => run::join(&plan).await,
        ("vod", true) => run::vod(&plan, task.seeks).await,
        ("vod", false) => run::fetch(&plan).await,
        (other, _) => Err(broken(format!("does not know \"{other}\"; see wiidia-load --help"))),
    }
}

/// As many sockets as this user may have.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("wiidia-load: can't raise the limit of open files: {error}; many viewers may not fit");
    }
}
