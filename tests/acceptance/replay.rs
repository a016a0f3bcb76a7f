//! The recorded first scan of a real agent against a real server replays against this one.

use crate::harness::corpus;
use crate::harness::directory::Directory;

#[test]
fn the_recorded_first_scan_replays_completely() {
    let (Some(scan), Some(documents)) = (corpus::folder("agent-scan"), corpus::folder("documents"))
    else {
        return;
    };
    let directory = Directory::new();
    let categories: Vec<_> = corpus::entries(&documents)
        .into_iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("readable");
            text.contains("UpdateType=\"Category\"")
        })
        .collect();
    assert_eq!(categories.len(), 3);
    directory.import(&categories.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let server = directory.serve(&[]);
    let against = format!("http://{}", server.http);
    let scan = scan.to_str().expect("UTF-8");
    let report = directory.json(&["replay", scan, "--against", &against]);

    let exchanges = report["exchanges"].as_array().expect("a list");
    let verdicts: Vec<_> = exchanges.iter().map(|exchange| &exchange["verdict"]).collect();
    assert_eq!(verdicts.len(), 10);
    assert!(verdicts.iter().all(|verdict| *verdict == "equal" || *verdict == "equivalent"));
    assert_eq!((&report["different"], &report["unjudged"]), (&0.into(), &0.into()));
}
