//! Catalogues and data directories to measure with, made by the binary that is measured.
//!
//! Making them takes longer than measuring, so both are kept under `target/bench`, and each
//! measure works on a copy: what it stores must not be there for the next one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::catalogue::published;
use crate::options::{Options, Size};
use crate::{Outcome, reported};

/// What lies below is shared with the original instead of copied: it is most of a store, never
/// changes, and only an import, which no measure makes into a copy, adds to it.
const SHARED: &str = "packs";

/// Where all of it is.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../bench");
    let _ = fs::create_dir_all(&root);
    root
}

/// The program that is measured, if not the one that was built with the benchmark.
static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Measures `binary` from now on.
pub(crate) fn measure(binary: PathBuf) {
    let _ = BINARY.set(binary);
}

/// The program, without what the environment would change of it.
pub(crate) fn weir() -> Command {
    let mut command =
        Command::new(BINARY.get().map_or(Path::new(env!("CARGO_BIN_EXE_weir")), PathBuf::as_path));
    for name in ["WEIR_DATA", "WEIR_CONFIG", "RUST_LOG", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// What a command that has to succeed prints as JSON.
pub(crate) fn json(command: &mut Command) -> Outcome<Value> {
    let output = command.arg("--json").stdout(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The catalogue of a size, with what the machines of the shipped profiles should find.
pub(crate) fn catalogue(size: Size, options: &Options) -> Outcome<PathBuf> {
    kept(&format!("catalogue-{size}"), options, |directory| {
        let mut command = weir();
        command.args(["catalogue", "generate", "--preset", &size.to_string(), "--out"]);
        command.arg(directory);
        for profile in profiles()? {
            command.arg("--profile").arg(profile);
        }
        json(&mut command).map(drop)
    })
}

/// A data directory into which the catalogue was imported.
pub(crate) fn store(size: Size, options: &Options) -> Outcome<PathBuf> {
    let catalogue = catalogue(size, options)?;
    kept(&format!("store-{size}"), options, |directory| import(&catalogue, directory).map(drop))
}

/// A data directory with so many computers that have reported.
pub(crate) fn reported(size: Size, computers: u32, options: &Options) -> Outcome<PathBuf> {
    let store = store(size, options)?;
    let catalogue = published(&catalogue(size, options)?)?;
    kept(&format!("reported-{computers}-{size}"), options, |directory| {
        copy_tree(&store, directory, false)?;
        reported::fill(directory, computers, &catalogue)
    })
}

/// Takes a data directory that was just imported as the store of a size.
pub(crate) fn adopt(size: Size, data: &Path) -> Outcome<()> {
    let store = path(&format!("store-{size}"));
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    Ok(fs::rename(data, store)?)
}

/// Reads everything below a directory once, so that it is in memory; returns how many bytes.
pub(crate) fn read_through(directory: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => read_through(&entry.path())?,
            false => fs::read(entry.path())?.len() as u64,
        };
    }
    Ok(bytes)
}

/// Imports a catalogue, none of whose documents may be refused; returns how many were new.
pub(crate) fn import(catalogue: &Path, data: &Path) -> Outcome<u64> {
    let mut command = weir();
    command.arg("import").arg(catalogue).arg("--data").arg(data);
    let report = json(&mut command)?;
    report["new"].as_u64().ok_or_else(|| format!("an odd report: {report}").into())
}

/// A copy of a data directory, which goes when it is dropped.
pub(crate) fn copy(store: &Path) -> Outcome<TempDir> {
    let copy = tempfile::tempdir_in(root())?;
    copy_tree(store, &copy.path().join("data"), false)?;
    Ok(copy)
}

fn copy_tree(from: &Path, to: &Path, shared: bool) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let target = to.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&path, &target, shared || name == SHARED)?;
        } else if kind.is_file() {
            match shared {
                true => fs::hard_link(&path, &target)?,
                false => drop(fs::copy(&path, &target)?),
            }
        }
    }
    Ok(())
}

/// A directory that is made once for this version of the program, and is whole if it is there.
fn kept(
    name: &str,
    options: &Options,
    make: impl FnOnce(&Path) -> Outcome<()>,
) -> Outcome<PathBuf> {
    let directory = path(name);
    if directory.exists() && !options.is_stale(&directory) {
        return Ok(directory);
    }
    eprintln!("making {}", directory.display());
    let unfinished = path(&format!("unfinished-{name}"));
    for old in [&directory, &unfinished] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    make(&unfinished)?;
    fs::rename(&unfinished, &directory)?;
    Ok(directory)
}

/// Another version of the program makes other directories.
fn path(name: &str) -> PathBuf {
    root().join(format!("{name}-{}", env!("CARGO_PKG_VERSION")))
}

/// The machine profiles that come with the program.
fn profiles() -> io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/profiles");
    let mut profiles = Vec::new();
    for entry in fs::read_dir(folder)? {
        profiles.push(entry?.path());
    }
    profiles.sort();
    Ok(profiles)
}
