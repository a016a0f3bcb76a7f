//! The largest document known has a Core fragment of 47 MB. `WEIR_LARGE_MB` says how large a
//! document to import here; without it the test passes at once, because it takes a while.

use std::fs;
use std::io::Write;
use std::time::Instant;

use super::support::{Server, run, sample, scratch};

/// Most memory of the server, in bytes of the document. Text, fragment, its escaped and its
/// compressed form are held at once, and the messages of the socket.
const MEMORY_FACTOR: u64 = 12;

#[test]
fn a_large_document_is_imported_and_shown() {
    let Some(megabytes) = std::env::var("WEIR_LARGE_MB").ok().and_then(|text| text.parse().ok())
    else {
        eprintln!("skipped: WEIR_LARGE_MB is not set");
        return;
    };
    let dir = scratch();
    let document = dir.path().join("large.xml");
    let length = write_large(&document, megabytes).expect("written");
    let data = dir.path().join("data");
    let server = Server::start(&data, &[]);

    let begun = Instant::now();
    let import = ["import", document.to_str().expect("a name"), "--json"];
    assert_eq!(run(&data, &import).succeeded().json()["new"], 1);
    let imported = begun.elapsed();
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    eprintln!("{length} bytes: {imported:?}, at most {peak} KiB of the server");
    assert!(peak * 1024 < MEMORY_FACTOR * length + (128 << 20), "{peak} KiB");

    let update = "7509bbfa-124b-407a-85ab-96c47f862775";
    let core = run(&data, &["update", "show", update, "--fragment", "core"]).succeeded();
    assert!(core.out.len() as u64 > length / 2);
}

/// A detectoid with rules enough.
fn write_large(path: &std::path::Path, megabytes: usize) -> std::io::Result<u64> {
    let small = fs::read_to_string(sample().join("detectoid-x64.xml"))?;
    let (before, after) = small.split_once("<upd:IsInstalled>").expect("rules");
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    write!(file, "{before}<upd:IsInstalled>")?;
    let rule = |number: usize| {
        format!(
            "<bar:RegSzToVersion Key=\"HKEY_LOCAL_MACHINE\" Subkey=\"SOFTWARE\\Weirworks\\{number}\" \
             Value=\"Version\" Comparison=\"GreaterThanOrEqualTo\" Data=\"2.{number}.0.0\" />"
        )
    };
    for number in 0..(megabytes << 20) / rule(100_000).len() {
        file.write_all(rule(number).as_bytes())?;
    }
    write!(file, "{after}")?;
    file.flush()?;
    Ok(fs::metadata(path)?.len())
}
