//! A server that takes drivers by the hardware of its computers has those and no others.

use std::fs;

use super::levels::Level;
use crate::harness::agent::Agent;
use crate::harness::http::Connection;
use crate::harness::sample;
use crate::harness::scan::Machine;

const OTHER_DEVICE: &str = "usb\\vid_1209&pid_0001";

#[test]
fn drivers_come_for_the_hardware_that_computers_have() {
    let mut root = Level::root();
    root.directory.configure("[downstream]\nhardware_ids = 1\n");
    root.directory.import(&[&sample::folder("documents")]);
    driver(&root, 1, 1, sample::NETWORK_DEVICE);
    driver(&root, 2, 1, OTHER_DEVICE);
    root.start();
    let mut branch = Level::configured(&root, false, "drivers_by_inventory = true\n");
    branch.start();
    branch.directory.json(&["sync", "categories"]);
    branch.directory.json(&["sync", "select", "--everything", "false"]);
    let product = ["--product", sample::PRODUCT_SLUICE, "--classification", "Critical Updates"];
    branch.directory.json(&[&["sync", "select"], &product[..]].concat());
    branch.sync_well();
    assert_eq!(drivers(&branch), [] as [String; 0], "no computer was here yet");

    scan(&branch, "one.example", &["pci\\unknown", sample::NETWORK_DEVICE]);
    branch.sync_well();
    assert_eq!(drivers(&branch), [title(1, 1)]);
    branch.relay().take_asked();
    driver(&root, 1, 2, sample::NETWORK_DEVICE);
    driver(&root, 2, 2, OTHER_DEVICE);
    branch.sync_well();
    assert_eq!(drivers(&branch), [title(1, 2)]);
    assert_eq!(branch.relay().take_asked(), 1, "only the difference travels");

    scan(&branch, "two.example", &[OTHER_DEVICE]);
    branch.sync_well();
    assert_eq!(drivers(&branch), [title(1, 2), title(2, 2)]);
    branch.relay().take_asked();
    branch.sync_well();
    assert_eq!(branch.relay().take_asked(), 0);
    branch.stop();
    root.stop();
}

/// Imports a driver like that of the sample, for the product that the branch selected.
fn driver(level: &Level, number: u32, revision: u32, device: &str) {
    let sample = sample::folder("documents").join("driver-network-adapter.xml");
    let text = fs::read_to_string(sample).expect("the sample");
    let product = format!(
        "</upd:AtLeastOne><upd:AtLeastOne IsCategory=\"true\"><upd:UpdateIdentity \
         UpdateID=\"{}\" /></upd:AtLeastOne>",
        sample::PRODUCT_SLUICE
    );
    let escaped = device.replace('&', "&amp;");
    let id = format!("{number:08}-0000-0000-0000-000000000001");
    let text = text
        .replace(sample::NETWORK_DRIVER, &id)
        .replacen("RevisionNumber=\"100\"", &format!("RevisionNumber=\"{revision}\""), 1)
        .replace("Weirworks - Net - 8.4.1.0", &title(number, revision))
        .replacen("</upd:AtLeastOne>", &product, 1)
        .replace("pci\\ven_8086&amp;dev_100e", &escaped)
        .replace("pci\\ven_8086&amp;dev_100f", &format!("{escaped}&amp;rev_01"));
    let path = level.directory.beside(&format!("driver-{number}-{revision}.xml"));
    fs::write(&path, text).expect("written");
    level.directory.import(&[&path]);
}

fn title(number: u32, revision: u32) -> String {
    format!("Driver {number} of revision {revision}")
}

/// The titles of the drivers that a server has.
fn drivers(level: &Level) -> Vec<String> {
    let updates = level.directory.json(&["update", "list"]);
    let updates = updates.as_array().expect("a list").iter();
    let titles = updates.filter_map(|update| update["title"].as_str());
    let mut titles: Vec<_> =
        titles.filter(|title| title.starts_with("Driver ")).map(str::to_owned).collect();
    titles.sort();
    titles
}

fn scan(level: &Level, name: &str, devices: &[&str]) {
    let mut agent = Agent::registered(Connection::plain(level.http()), name);
    agent.scan(&Machine { installed: &|revision| !revision.is_leaf, devices }).expect("a scan");
}
