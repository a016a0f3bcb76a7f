//! Asking for drivers by the hardware that computers have.

use super::fake::Misbehaviour::{Cut, Fault, Garbage, Status};
use super::*;
use crate::metadata::model::UpdateType;
use crate::wire::fault::ErrorCode::{InternalServerError, ServerBusy, ServerChanged};
use crate::wire::operation::Operation::GetDriverIdList;

/// What the sample has a driver for.
const DEVICE: &str = "PCI\\VEN_8086&DEV_100E";
/// The anchor's place in a question.
const ANCHOR: &str = "<Anchor>";

impl Pair {
    /// A server whose computers have named `devices`, below one that takes so many in a request.
    async fn by_hardware(devices: &[&str], per_request: i32) -> Self {
        let pair = Self::new().await;
        pair.fake.world().devices_per_request = per_request;
        pair.sync(Scope::Categories).await;
        pair.select(&["Gauge Reader"], &["Critical Updates"]).await;
        pair.note(devices);
        pair
    }

    fn note(&self, devices: &[&str]) {
        self.upstream.note_hardware(devices.iter().copied(), &[uuid::Uuid::from_u128(7)]);
    }

    fn drivers(&self) -> usize {
        let published = self.state.published();
        let revisions = (0..).take(published.catalog.len());
        let revisions = revisions.filter_map(|index| published.catalog.revision(index));
        revisions.filter(|it| it.metadata.update_type == UpdateType::Driver).count()
    }
}

#[tokio::test]
async fn drivers_for_the_hardware_here_come_and_no_others() {
    let pair = Pair::by_hardware(&["usb\\a", "usb\\b"], 1).await;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!((pair.drivers(), pair.fake.asked(GetDriverIdList).len()), (0, 2));
    pair.note(&[DEVICE]);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, pair.drivers()), (6702, 1), "{run:?}");
    let asked = pair.fake.asked(GetDriverIdList);
    assert_eq!(asked.len(), 5, "a part for each device");
    let known = |part: &&String| part.contains("<Delta>true</Delta></HardwareIdAndDelta>");
    assert_eq!(asked[2..].iter().filter(known).count(), 2);
    let anchor = asked[2].split(ANCHOR).nth(1).unwrap().split('<').next().unwrap();
    assert!(asked[2..].iter().all(|part| part.contains(&format!("{ANCHOR}{anchor}<"))));
    assert!(asked[2..].iter().any(|part| part.contains("pci\\ven_8086&amp;dev_100e")));

    // After a restart nobody has to name it again.
    let pair = pair.restarted().await;
    pair.sync(Scope::Everything).await;
    let asked = pair.fake.asked(GetDriverIdList);
    assert_eq!((asked.len(), asked[5..].iter().filter(known).count()), (8, 3));
}

#[tokio::test]
async fn a_server_that_finds_none_by_hardware_is_not_asked() {
    let pair = Pair::by_hardware(&[DEVICE], 0).await;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!((pair.drivers(), pair.fake.asked(GetDriverIdList).len()), (0, 0));
    // It learned to: nothing is taken for asked.
    pair.fake.world().devices_per_request = 100;
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.drivers(), 1);
}

#[tokio::test]
async fn what_passes_is_survived_and_what_lasts_is_said() {
    let misbehave = |pair: &Pair, how: Vec<_>| {
        pair.fake.world().misbehave.insert(GetDriverIdList, how.into());
    };
    let pair = Pair::by_hardware(&[DEVICE], 100).await;
    misbehave(&pair, vec![Fault(ServerBusy), Cut]);
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.drivers(), 1);
    for how in [Fault(InternalServerError), Status(502), Garbage("<html>proxy</html>")] {
        let pair = Pair::by_hardware(&[DEVICE], 100).await;
        misbehave(&pair, vec![how; 9]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, pair.drivers()), (6703, 0), "{run:?}");
        assert!(run.reason.unwrap().contains("GetDriverIdList"));
        pair.fake.world().misbehave.clear();
        assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
        assert_eq!(pair.drivers(), 1);
    }
}

#[tokio::test]
async fn a_server_that_lost_its_anchors_is_asked_for_all() {
    let pair = Pair::by_hardware(&[DEVICE], 100).await;
    pair.sync(Scope::Everything).await;
    pair.fake.world().misbehave.insert(GetDriverIdList, vec![Fault(ServerChanged)].into());
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6702, "{run:?}");
    assert!(run.events.iter().any(|event| event.id == 6707), "{run:?}");
    let asked = pair.fake.asked(GetDriverIdList);
    let anchors: Vec<_> = asked.iter().map(|body| body.contains(ANCHOR)).collect();
    assert_eq!(anchors, [false, true, false]);
    assert!(!asked[2].contains("<Delta>true</Delta>"), "{}", asked[2]);
}
