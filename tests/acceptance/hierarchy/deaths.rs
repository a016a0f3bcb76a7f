//! Killed at any moment, each server of a hierarchy comes back and goes on: nothing is there twice,
//! nothing is lost.

use std::thread;
use std::time::Duration;

use super::levels::{Level, decidable, generate, import};

/// How often one of them is killed; `WEIR_KILLS` makes it more.
const KILLS: u64 = 6;
/// Documents to begin with, and how many more come before each death.
const DOCUMENTS: usize = 120;
const MORE: usize = 25;

#[test]
fn whoever_dies_during_a_synchronization_loses_nothing() {
    let kills = std::env::var("WEIR_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let mut root = Level::root();
    let catalogue = generate(&root.directory, DOCUMENTS);
    import(&root.directory, &catalogue);
    let updates = decidable(&root.directory);
    root.start();
    let mut middle = Level::below(&root, true);
    middle.start();
    let mut replica = Level::below(&middle, true);
    replica.start();
    let mut documents = DOCUMENTS;
    for kill in 0..kills {
        documents += MORE;
        import(&root.directory, &generate(&root.directory, documents));
        let update = &updates[kill as usize % updates.len()];
        root.directory.json(&["update", "approve", update, "--group", "All Computers"]);
        // With the middle a moment ahead, both have something to fetch.
        for level in [&middle, &replica] {
            level.directory.run(&["sync", "now"]);
        }
        // From before the first call to after the last, unevenly.
        thread::sleep(Duration::from_millis(kill * 7919 % 600));
        let victim = [&mut middle, &mut replica, &mut root].into_iter().nth(kill as usize % 3);
        let victim = victim.expect("one of three");
        victim.server.take().expect("it runs").kill();
        victim.start();
        middle.relay().redirect(root.http());
        replica.relay().redirect(middle.http());
    }
    for level in [&middle, &replica] {
        settle(level);
        level.sync_well();
    }
    let histories = [&middle, &replica].map(|level| level.directory.json(&["sync", "history"]));
    for level in [&mut root, &mut middle, &mut replica] {
        level.stop();
    }
    let top = root.picture();
    assert!(top.revisions.len() > documents / 2);
    for ((level, name), history) in
        [(&middle, "middle"), (&replica, "replica")].iter().zip(histories)
    {
        let differences = top.differences(&level.picture());
        assert!(
            differences.is_empty(),
            "the {name} differs from the root: {differences:#?}, after {history:#}"
        );
    }
}

/// Waits for the synchronization that may still run.
fn settle(level: &Level) {
    while !level.directory.json(&["sync", "status"])["running"].is_null() {
        thread::sleep(Duration::from_millis(50));
    }
}
