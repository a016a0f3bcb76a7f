//! What real clients and a real server sent, read and written.

mod requests;
mod responses;

use std::path::Path;

use crate::corpus;

/// A file of the recordings; `None` when there are no recordings.
fn file(name: &str) -> Option<String> {
    let path = corpus::path()?.join(name);
    Some(text(&path))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
