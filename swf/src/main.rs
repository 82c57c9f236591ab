//! `wiidia-swf SOURCE.as… OUTPUT.swf`: makes a SWF of ActionScript, of several files in this order.
//! `wiidia-swf --check SOURCE.as… OUTPUT.swf`: says whether it is what the sources make.

use std::process::ExitCode;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Vec<String>) -> Result<(), String> {
    let check = arguments.first().is_some_and(|first| first == "--check");
    if check {
        arguments.remove(0);
    }
    let output = arguments.pop().filter(|_| !arguments.is_empty());
    let output = output.ok_or("usage: wiidia-swf [--check] SOURCE.as… OUTPUT.swf")?;
    let mut source = String::new();
    // Which line of all is the first one of which file.
    let mut firsts = Vec::new();
    for file in &arguments {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file} can't be read: {error}"))?;
        firsts.push((source.matches('\n').count() as u32, file));
        source.push_str(&text);
        source.push('\n');
    }
    let made = wiidia_swf::compile(&source).map_err(|wrong| {
        let of = firsts.iter().rev().find(|(first, _)| *first < wrong.line);
        let (first, file) = of.map_or((0, ""), |(first, file)| (*first, file.as_str()));
        format!("{file}:{}: {}", wrong.line - first, wrong.what)
    })?;
    if check {
        let there = std::fs::read(&output).map_err(|error| format!("{output} can't be read: {error}"))?;
        return match there == made {
            true => Ok(()),
            false => {
                Err(format!("{output} is not what its sources make; run scripts/build-swf and commit it"))
            }
        };
    }
    std::fs::write(&output, &made).map_err(|error| format!("{output} can't be written: {error}"))?;
    eprintln!("{output}: {} bytes", made.len());
    Ok(())
}
