//! Backup and restore: all or nothing, for the right eyes, from anywhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::support::{Server, run, scratch, weir};

const UPDATE: &str = "7456a8f7-7f21-40e2-a8fa-dde68514c694";

/// The audit trail's place in a picture.
const AUDIT: usize = 6;

/// What an administrator sees.
fn picture(data: &Path) -> Vec<Value> {
    let lists = [
        &["group", "list"][..],
        &["update", "list"],
        &["update", "show", UPDATE],
        &["computer", "list"],
        &["account", "list"],
        &["token", "list"],
        &["audit", "list"],
        &["rule", "list"],
        &["tls", "show"],
    ];
    let shown = |list: &&[&str]| run(data, &[list, &["--json"][..]].concat()).succeeded().json();
    lists.iter().map(shown).collect()
}

/// A data directory with a little of everything.
fn filled(data: &Path) {
    let server = Server::start_at(
        data,
        &["--http", "127.0.0.1:0", "--https", "127.0.0.1:0"],
        &["--sample", "--admin", "127.0.0.1:0"],
    );
    for arguments in [
        &["group", "create", "Pilot"][..],
        &["update", "approve", UPDATE, "--group", "Pilot"],
        &["update", "decline", "450b7a01-9903-4916-8138-db2f7aa8d785"],
        &["token", "create", "t", "--role", "reporter"],
        &["rule", "add", "r", "--title", "*", "--group", "Pilot"],
    ] {
        run(data, arguments).succeeded();
    }
    let dialogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dialogues/zeep-soap11");
    let against = format!("http://{}", server.http());
    run(data, &[Path::new("replay"), &dialogue, Path::new("--against"), Path::new(&against)]);
    server.signal("TERM");
    server.ended();
}

#[test]
fn a_backup_is_for_one_pair_of_eyes_and_restores_to_the_same() {
    let dir = scratch();
    let data = dir.path().join("data");
    filled(&data);
    let file = dir.path().join("backup");
    fs::write(&file, "an older one").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    // Without a server it is as well made.
    let told = run(&data, &[Path::new("backup"), &file, Path::new("--json")]).succeeded().json();
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(told["content"], false);
    let expected = picture(&data);
    assert!(expected.iter().all(|list| *list != json!([])), "{expected:?}");

    let new = dir.path().join("new");
    let restored = run(&new, &[Path::new("restore"), &file, Path::new("--json")]).succeeded();
    assert_eq!(restored.json()["sha256"], told["sha256"]);
    assert_eq!(fs::metadata(&new).expect("there").permissions().mode() & 0o777, 0o700);
    let mut found = picture(&new);
    let restoring = found[AUDIT].as_array_mut().and_then(Vec::pop).expect("an entry");
    assert_eq!(restoring["what"]["restore_backup"]["sha256"], told["sha256"]);
    // Without content, what an approval needs is not here; the backup itself was entered before it.
    for (found, expected) in found.iter().zip(&expected).skip(3) {
        assert_eq!(found, expected);
    }
    assert_eq!(found[0], expected[0]);
    let missing = run(&new, &["content", "status", "--json"]).succeeded().json();
    assert!(missing.to_string().contains("missing"), "{missing}");

    let again = run(&new, &[Path::new("restore"), &file]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("is not empty"), "{again:?}");
    found[AUDIT].as_array_mut().expect("a list").push(restoring);
    assert_eq!(picture(&new), found, "and nothing of it was touched");
}

#[test]
fn a_damaged_backup_leaves_nothing() {
    let dir = scratch();
    let data = dir.path().join("data");
    filled(&data);
    let file = dir.path().join("backup");
    run(&data, &[Path::new("backup"), &file, Path::new("--content")]).succeeded();
    let whole = fs::read(&file).expect("readable");
    let new = dir.path().join("new");
    let restore = || run(&new, &[Path::new("restore"), &file]);
    for at in [0, 10, whole.len() / 3, whole.len() / 2, whole.len() - 2] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).expect("written");
        let refused = restore();
        assert_eq!(refused.code, Some(1), "byte {at}: {refused:?}");
        assert!(!new.exists(), "byte {at}");
        fs::write(&file, &whole[..at]).expect("written");
        assert_eq!(restore().code, Some(1), "cut at {at}");
        assert!(!new.exists(), "cut at {at}");
    }
    // One that was killed in the middle is not opened, and the next begins anew.
    fs::create_dir(&new).expect("made");
    fs::write(new.join("restoring"), "").expect("written");
    fs::write(new.join("half"), "x").expect("written");
    let refused = run(&new, &["group", "list"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("weir restore"), "{refused:?}");
    fs::write(&file, &whole).expect("written");
    restore().succeeded();
    assert!(!new.join("half").exists());
    assert_eq!(picture(&new)[1], picture(&data)[1], "with content, updates are as before");
}

/// Restoring is killed at any moment: what is left is nothing, or cannot be opened, or is whole.
#[test]
fn a_restore_that_is_killed_leaves_nothing_that_opens() {
    let dir = scratch();
    let data = dir.path().join("data");
    filled(&data);
    let file = dir.path().join("backup");
    run(&data, &[Path::new("backup"), &file, Path::new("--content")]).succeeded();
    let updates = &picture(&data)[1];
    let new = dir.path().join("new");
    let mut half_done = 0;
    // Some machines take longer for it: it goes on until one was killed in the middle.
    for milliseconds in (0..2000).step_by(4) {
        if milliseconds >= 60 && half_done > 0 {
            break;
        }
        let mut restoring = weir();
        restoring.arg("restore").arg(&file).arg("--data").arg(&new);
        let mut restoring = restoring.stdout(Stdio::null()).spawn().expect("the binary runs");
        std::thread::sleep(Duration::from_millis(milliseconds));
        restoring.kill().expect("killed");
        restoring.wait().expect("it ends");
        if !new.exists() || new.join("restoring").exists() {
            // Beside the mark and the lock there is something that was restored.
            let begun = fs::read_dir(&new).is_ok_and(|entries| entries.count() > 2);
            half_done += usize::from(begun);
            let shown = new.exists().then(|| run(&new, &["group", "list"]));
            assert!(shown.is_none_or(|ran| ran.code == Some(1)), "half of it was opened");
            continue;
        }
        if new.join("journal").exists() {
            assert_eq!(&picture(&new)[1], updates, "after {milliseconds} ms");
        }
        fs::remove_dir_all(&new).expect("removed");
    }
    assert!(half_done > 0, "none was killed in the middle");
    drop(fs::remove_dir_all(&new));
    run(&new, &[Path::new("restore"), &file]).succeeded();
    assert_eq!(&picture(&new)[1], updates);
}

/// The first one's file is not taken away, and what a killed one left does not stand in the way.
#[test]
fn two_backups_under_one_name_are_one() {
    let dir = scratch();
    let data = dir.path().join("data");
    filled(&data);
    let (file, unfinished) = (dir.path().join("backup"), dir.path().join("backup.unfinished"));
    let first = fs::File::create(&unfinished).expect("made");
    first.lock().expect("locked");
    let second = run(&data, &[Path::new("backup"), &file]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("another backup is being made"), "{second:?}");
    assert!(unfinished.exists() && !file.exists());
    drop(first);
    run(&data, &[Path::new("backup"), &file]).succeeded();
    assert!(!unfinished.exists() && file.exists());
}

#[test]
fn a_backup_is_taken_from_afar_by_administrators_alone() {
    let api = Api::start();
    let away = scratch();
    let url = format!("http://{}", api.address());
    let take = |name: &str, role: &str| {
        let token = api.token(name, role);
        let key = away.path().join(name);
        fs::write(&key, token.trim_start_matches("Bearer ")).expect("written");
        let (file, key) = (away.path().join("backup"), key.to_str().expect("a name").to_owned());
        let file = file.to_str().expect("a name");
        run(away.path(), &["backup", file, "--api", &url, "--api-token-file", &key])
    };
    let refused = take("r", "reporter");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let left: Vec<_> = fs::read_dir(away.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "the token, and nothing of a backup: {left:?}");
    take("a", "administrator").succeeded();
    let audit = run(api.data(), &["audit", "list", "--json"]).succeeded().json();
    let entry = audit.as_array().and_then(|all| all.last()).expect("an entry");
    assert_eq!(
        (&entry["by"], &entry["what"]),
        (&json!("token a"), &json!({ "back_up": { "content": false } }),)
    );
    let (file, new) = (away.path().join("backup"), away.path().join("new"));
    run(&new, &[Path::new("restore"), &file]).succeeded();
    let tokens = run(&new, &["token", "list", "--json"]).succeeded().json();
    assert_eq!(tokens.as_array().map(Vec::len), Some(2));
}
