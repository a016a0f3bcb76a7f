//! A row a day, of what the counters said then.

use std::sync::atomic::{AtomicI64, Ordering};

use super::support::{Fixture, NOW, registration, software};
use crate::computers::inventory::Inventory;
use crate::computers::trend::{DAYS_KEPT, day_of};
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;

static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn now() -> i64 {
    CLOCK.load(Ordering::Relaxed)
}

#[tokio::test]
async fn every_day_has_one_row_and_old_ones_go() {
    let fixture = Fixture::at(now);
    fixture.import_new(software(1)).await;
    let state = &fixture.state;
    let first = day_of(now()).expect("a day");
    let pass = |days: i64| CLOCK.fetch_add(days * 86_400, Ordering::Relaxed);
    assert!(state.trend(ALL_COMPUTERS).await.expect("rows").is_empty(), "there is no computer");
    for number in 1..=3 {
        state.register(registration(number, "")).await.expect("registered");
        state.ping().await.expect("a change");
        pass(1);
    }
    state.ping().await.expect("a change");
    let rows = state.trend(ALL_COMPUTERS).await.expect("rows");
    // The row of the first day was written by the change after the first registration.
    let seen: Vec<_> = rows.iter().map(|(day, row)| (day - first, row.computers)).collect();
    assert_eq!(seen, [(0, 1), (1, 1), (2, 2), (3, 3)]);
    let counts = rows.last().expect("a row").1.counts;
    assert_eq!((counts.unknown, counts.total()), (3, 3));

    let fixture = fixture.reopened_at(now).await;
    let state = &fixture.state;
    state.ping().await.expect("a change");
    assert_eq!(state.trend(ALL_COMPUTERS).await.expect("rows"), rows, "the day has its row");
    pass(i64::from(DAYS_KEPT) - 1);
    state.ping().await.expect("a change");
    state.ping().await.expect("after it was committed");
    let rows = state.trend(ALL_COMPUTERS).await.expect("rows");
    let seen: Vec<_> = rows.iter().map(|(day, _)| day - first).collect();
    assert_eq!(seen, [2, 3, DAYS_KEPT + 2]);
}

#[tokio::test]
async fn an_inventory_is_stored_when_it_changes_and_goes_with_its_computer() {
    let fixture = Fixture::new();
    fixture.state.register(registration(1, "")).await.expect("registered");
    let read = |text| Inventory::read(text, NOW).expect("attributes");
    let tracked = |fixture: &Fixture| fixture.state.computers().find("computer-1").expect("one");
    let stored = async |fixture: &Fixture| {
        fixture.state.computer("computer-1".into()).await.expect("a computer").inventory
    };
    assert_eq!(stored(&fixture).await, None);
    let says = read("TPMVersion=2;SecureBootCapable=1");
    fixture.state.note_inventory(&tracked(&fixture), says.clone());
    assert_eq!(stored(&fixture).await, Some(says.clone()));
    let fixture = fixture.reopened().await;
    let later = Inventory { since: NOW + 1, ..says.clone() };
    fixture.state.note_inventory(&tracked(&fixture), later);
    assert_eq!(stored(&fixture).await, Some(says), "it says what it said before");
    let other = read("TPMVersion=1");
    fixture.state.note_inventory(&tracked(&fixture), other.clone());
    assert_eq!(stored(&fixture).await, Some(other));
    let state = &fixture.state;
    state.delete_computer(By::administrator(), "computer-1".into()).await.expect("deleted");
    state.register(registration(1, "")).await.expect("registered");
    assert_eq!(stored(&fixture).await, None);
}
