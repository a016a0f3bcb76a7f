//! Holds the source to the layers of `docs/architecture.md`: an arrow never points up.
//!
//! The compiler does not mind when `wire` names `services`, and one such line is how layers are
//! lost. So the paths in every file of `src` are read, test code left out, and compared with the
//! order below. It is the order in which `src/lib.rs` introduces the modules.

mod source;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// A module may name those before it, and itself.
const LAYERS: &[&str] = &[
    "panics",
    "wire",
    "http",
    "metadata",
    "catalog",
    "policy",
    "computers",
    "downstream",
    "content",
    "store",
    "state",
    "upstream",
    "notifications",
    "services",
    "server",
    "admin",
    "conformance",
    "fleet",
    "cli",
];

/// A foreign crate, or one module of it, that only some files may name.
struct Reserved {
    krate: &'static str,
    module: Option<&'static str>,
    to: &'static [&'static str],
}

const RESERVED: &[Reserved] = &[
    Reserved { krate: "sled", module: None, to: &["src/store/sled.rs"] },
    Reserved { krate: "lettre", module: None, to: &["src/notifications/email.rs"] },
    Reserved { krate: "quick_xml", module: None, to: &["src/wire/xml/"] },
    Reserved {
        krate: "hyper",
        module: None,
        to: &[
            "src/http/",
            "src/upstream/",
            "src/notifications/",
            "src/server/",
            "src/admin/",
            "src/conformance/",
        ],
    },
    // The recorder is a proxy: a server to the client that it records.
    Reserved {
        krate: "hyper",
        module: Some("server"),
        to: &["src/server/", "src/conformance/record/"],
    },
];

/// What is wrong with the file at `path`, relative to the crate and with slashes.
fn violations(path: &str, source: &Source) -> Vec<String> {
    let Some(layer) = layer_of(path) else { return Vec::new() };
    let place = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let Some(own) = place(layer) else {
        return vec![format!("{path}: {layer} has no place among the layers")];
    };
    let mut found = Vec::new();
    for named in source.segments_after("crate") {
        if place(&named).is_some_and(|named| named > own) {
            found.push(format!("{path}: {layer} names {named}, which is above it"));
        }
    }
    if source.longest_super() >= depth_of(path) {
        found.push(format!("{path}: leaves its layer by `super`; say `crate` there"));
    }
    for Reserved { krate, module, to } in RESERVED {
        let segments = source.segments_after(krate);
        let named = match module {
            Some(module) => segments.iter().any(|segment| segment == module),
            None => !segments.is_empty(),
        };
        if named && !to.iter().any(|allowed| path.starts_with(allowed)) {
            let module = module.map(|module| format!("::{module}")).unwrap_or_default();
            found.push(format!("{path}: only {} may name {krate}{module}", to.join(" and ")));
        }
    }
    found
}

/// The layer a file belongs to; none for `lib.rs` and `main.rs`.
fn layer_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("src/")?;
    let first = path.split_once('/').map_or(path, |(first, _)| first);
    let first = first.strip_suffix(".rs").unwrap_or(first);
    (first != "lib" && first != "main").then_some(first)
}

/// How many `super` lead from the module in this file to the root of the crate.
fn depth_of(path: &str) -> usize {
    let segments = path.split('/').count() - 1;
    if path.ends_with("/mod.rs") { segments - 1 } else { segments }
}

/// All files of `src` that are more than tests, with their paths.
fn sources() -> Vec<(String, Source)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let files: Vec<(PathBuf, Source)> = files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a source file");
            (file, Source::read(&text))
        })
        .collect();
    let tests: HashSet<PathBuf> = files
        .iter()
        .flat_map(|(file, source)| {
            let folder = folder_of_children(file);
            source.test_modules.iter().map(move |module| folder.join(module))
        })
        .collect();
    files
        .into_iter()
        .filter(|(file, _)| !file.with_extension("").ancestors().any(|path| tests.contains(path)))
        .map(|(file, source)| {
            let path = file.strip_prefix(root).expect("below the root");
            (path.to_str().expect("a plain name").replace('\\', "/"), source)
        })
        .collect()
}

/// Where the modules that a file declares are.
fn folder_of_children(file: &Path) -> PathBuf {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => file.with_file_name(""),
        _ => file.with_extension(""),
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn no_arrow_points_up() {
    let sources = sources();
    let found: Vec<String> =
        sources.iter().flat_map(|(path, source)| violations(path, source)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    for layer in LAYERS {
        let has_files = sources.iter().any(|(path, _)| layer_of(path) == Some(layer));
        assert!(has_files, "there is no layer {layer}");
    }
}

#[test]
fn every_arrow_that_points_up_is_found() {
    for (path, line, word) in [
        ("src/wire/soap/mod.rs", "use crate::metadata::model::UpdateFile;", "metadata"),
        ("src/state/mod.rs", "use crate::{policy, services, store};", "services"),
        ("src/state/mod.rs", "use crate::{\n  policy::{self, view},\n  cli,\n};", "cli"),
        ("src/policy/view.rs", "fn f(x: &crate::server::Limits) {}", "server"),
        ("src/policy/view.rs", "pub(in crate::admin) fn f() {}", "admin"),
        ("src/catalog/mod.rs", "#[cfg(test)]\nuse a::{b};\nuse crate::cli::Cli;", "cli"),
        ("src/catalog/mod.rs", "#[cfg(not(test))] use crate::cli::Cli;", "cli"),
        ("src/catalog/mod.rs", "use super::state::State;", "super"),
        ("src/catalog/a/b.rs", "use super::super::super::state::State;", "super"),
        ("src/fresh/mod.rs", "", "fresh"),
        ("src/store/memory.rs", "use sled::Db;", "sled"),
        ("src/state/mod.rs", "fn f(db: &::sled::Db) {}", "sled"),
        ("src/metadata/parse.rs", "use quick_xml::Reader;", "quick_xml"),
        ("src/services/mod.rs", "use hyper::StatusCode;", "hyper"),
        ("src/conformance/client.rs", "use hyper::{Uri, server::conn::http1};", "hyper::server"),
        ("src/conformance/client.rs", "use hyper::server::conn::http1;", "hyper::server"),
    ] {
        let found = violations(path, &Source::read(line));
        assert_eq!(found.len(), 1, "{path}: {line}: {found:?}");
        assert!(found[0].contains(word), "{found:?}");
    }
}

#[test]
fn nothing_else_is_found() {
    for (path, text) in [
        ("src/lib.rs", "pub mod wire; pub use crate::cli::run;"),
        ("src/cli/serve.rs", "use crate::{admin, server, wire};"),
        ("src/wire/soap/mod.rs", "use crate::wire::body; use super::fault; pub(crate) fn f() {}"),
        ("src/wire/soap/read.rs", "use super::super::body;"),
        ("src/wire/mod.rs", "//! [`crate::cli`]\n/* use crate::cli; /* */ crate::cli */"),
        ("src/wire/mod.rs", r##"const A: &str = "crate::cli"; const B: &str = r#""crate::cli"#;"##),
        ("src/wire/mod.rs", "#[cfg(test)]\nmod tests { use crate::cli::Cli; fn f() { {} } }"),
        ("src/wire/mod.rs", "#[cfg(test)]\n#[allow(x)]\nfn f(a: [u8; 2]) { crate::cli::f() }"),
        ("src/wire/mod.rs", "fn f<'a>(c: char) -> bool { c == '\"' } // crate::cli"),
        ("src/state/mod.rs", "use crate::store::sled::SledStore;"),
        ("src/store/sled.rs", "use sled::{Db, Tree};"),
        ("src/wire/xml/events.rs", "use quick_xml::events::Event;"),
        ("src/conformance/record/mod.rs", "use hyper::server::conn::http1;"),
    ] {
        assert_eq!(violations(path, &Source::read(text)), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn test_modules_in_files_of_their_own_are_known() {
    let source = Source::read("#[cfg(test)]\npub(crate) mod sample;\nmod real;\n");
    assert_eq!(source.test_modules, ["sample"]);
    let paths: Vec<String> = sources().into_iter().map(|(path, _)| path).collect();
    let has = |path: &str| paths.iter().any(|known| known == path);
    assert!(has("src/catalog/snapshot.rs"));
    assert!(!has("src/catalog/naive.rs"), "an oracle for tests");
    assert!(!has("src/wire/wusp/recordings/requests.rs"), "below a module for tests");
}
