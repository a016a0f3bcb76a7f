//! Whatever happens on the server and whatever passes a client makes meanwhile: once it has
//! scanned, its cache says what a new client is told. That is what ChangedUpdates,
//! OutOfScopeRevisionIDs and the watermarks are for, and nothing less will do.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::agent::{Agent, Hello, Parameters, Pass, Told};
use super::documents::{Document, id};
use super::server::{MINUTE, Server, clock};
use crate::metadata::model::CategoryType::Product;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::terms::Terms;
use crate::state::Decision;

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    Import(usize),
    /// The last one says whether it is to go live only in a while.
    Approve(u128, &'static str, ApprovalAction, bool),
    Decline(u128),
    Content,
    Move(&'static [&'static str]),
    /// The group Deep moves below another, or to the top.
    MoveGroup(Option<&'static str>),
    /// Time passes, and what was to go live does.
    Time,
    /// The client scans everything, only update 1, or only drivers.
    Scan,
    CategoryScan,
    DriverScan,
    /// The client's cookie is renewed.
    Renew,
}

const DOCUMENTS: usize = 15;

/// Documents that change each other's deployment and leafness, whatever their order.
fn document(number: usize) -> Document {
    match number {
        0 => Document::category(1, Product),
        1 => Document::detectoid(2),
        2 => Document::software(3).needs(&[2]).filed_under(1),
        3 => Document::member(4).file("inner"),
        4 => Document::software(5),
        5 => Document::software(6).bundles(&[(4, 1), (5, 1)]),
        6 => Document::software(7).needs(&[5]),
        7 => Document::software(6).revision(2).bundles(&[(4, 1)]),
        8 => Document::software(6).revision(3).expired(),
        9 => Document::software(5).revision(2),
        10 => Document::software(8).bundles(&[(6, 1)]),
        11 => Document::software(3).revision(2).filed_under(1),
        12 => Document::driver(9).drives("pci\\x", "1.0", "Net"),
        13 => Document::driver(10).drives("pci\\x", "2.0", "Net").needs(&[2]),
        _ => Document::software(11).needs(&[6]),
    }
}

fn event() -> impl Strategy<Value = Event> {
    use ApprovalAction::{Block, Install, None as Withdrawn, Optional, Uninstall};
    let update = 3..=11_u128;
    let groups = vec!["All Computers", "Unassigned Computers", "Pilot", "Deep", "Lab"];
    let group = prop::sample::select(groups);
    let places = vec![&["Pilot"][..], &["Deep"], &["Deep", "Lab"], &[]];
    let action = prop::sample::select(vec![Install, Uninstall, Optional, Block, Withdrawn]);
    prop_oneof![
        4 => (0..DOCUMENTS).prop_map(Event::Import),
        4 => (update.clone(), group, action, prop::bool::weighted(0.2))
            .prop_map(|(u, g, a, later)| Event::Approve(u, g, a, later)),
        2 => update.prop_map(Event::Decline),
        1 => Just(Event::Content),
        1 => prop::sample::select(places).prop_map(Event::Move),
        1 => prop::sample::select(vec![Some("Pilot"), Some("Lab"), None]).prop_map(Event::MoveGroup),
        1 => Just(Event::Time),
        2 => Just(Event::Scan),
        2 => Just(Event::CategoryScan),
        2 => Just(Event::DriverScan),
        1 => Just(Event::Renew),
    ]
}

/// A client's cache. Everything that is not a leaf is installed on it.
#[derive(Default)]
struct Cache {
    software: BTreeMap<u32, Told>,
    drivers: BTreeMap<u32, Told>,
}

const DEVICE: &str = "<Device><HardwareIDs><string>PCI\\X</string></HardwareIDs></Device>";

impl Cache {
    fn installed(&self) -> (Vec<u32>, Vec<u32>) {
        self.software.keys().partition(|id| !self.software[id].is_leaf)
    }

    async fn software_scan(&mut self, agent: &mut Agent<'_>, filter: &[u128]) {
        loop {
            let (installed, other) = self.installed();
            let (installed, other) = (&installed[..], &other[..]);
            let two_groups = true;
            let parameters =
                Parameters { installed, other, filter, two_groups, ..Parameters::default() };
            let pass = agent.sync(&parameters).await;
            // A pass may repeat a change, and what is no leaf any more may unlock others.
            let cached: Vec<&Told> = self.software.values().collect();
            let changes = pass.changed.iter().any(|told| !cached.contains(&told));
            let settled = pass.new.is_empty() && pass.out_of_scope.is_empty() && !changes;
            apply(&mut self.software, pass);
            if settled {
                return;
            }
        }
    }

    async fn driver_scan(&mut self, agent: &mut Agent<'_>) {
        let (installed, _) = self.installed();
        let drivers: Vec<u32> = self.drivers.keys().copied().collect();
        let system_spec = Some(DEVICE);
        let parameters = Parameters {
            installed: &installed,
            drivers: &drivers,
            system_spec,
            ..Parameters::default()
        };
        let pass = agent.sync(&parameters).await;
        apply(&mut self.drivers, pass);
    }
}

fn apply(cache: &mut BTreeMap<u32, Told>, pass: Pass) {
    cache.extend(pass.new.into_iter().chain(pass.changed).map(|told| (told.id, told)));
    pass.out_of_scope.iter().for_each(|id| drop(cache.remove(id)));
}

async fn happens(server: &Server, agent: &mut Agent<'_>, cache: &mut Cache, event: &Event) {
    match *event {
        // What is there already, or cannot be decided on, changes nothing.
        Event::Import(number) => {
            let document = document(number).importable();
            server
                .state
                .import(By::administrator(), vec![document], false)
                .await
                .expect("a commit");
        }
        Event::Approve(update, group, action, later) => {
            let go_live = (later && action.acts()).then(|| server.now() + 5 * MINUTE);
            let terms = Terms { go_live, ..action.into() };
            let decision = Decision::Approve { group: group.into(), terms };
            drop(server.state.decide(By::administrator(), id(update), decision).await);
        }
        Event::Decline(update) => {
            let by = By::administrator();
            drop(server.state.decide(by, id(update), Decision::Decline).await);
        }
        Event::Content => {
            let sha1 = super::documents::digests("inner").sha1;
            drop(server.state.add_content(By::administrator(), sha1, &b"inner"[..]).await);
        }
        Event::Move(groups) => server.place(&agent.client_id, groups).await,
        Event::MoveGroup(parent) => {
            let (by, parent) = (By::administrator(), parent.map(str::to_owned));
            server.state.move_group(by, "Deep".into(), parent).await.expect("moved");
        }
        Event::Time => {
            server.pass(10 * MINUTE);
            server.state.ping().await.expect("a writer");
            renew(agent).await;
        }
        Event::Scan => cache.software_scan(agent, &[]).await,
        Event::CategoryScan => cache.software_scan(agent, &[1]).await,
        Event::DriverScan => cache.driver_scan(agent).await,
        Event::Renew => renew(agent).await,
    }
}

async fn renew(agent: &mut Agent<'_>) {
    let old_cookie = agent.cookie_as("oldCookie");
    agent.renew(&Hello::default(), &old_cookie).await;
}

async fn check(events: Vec<Event>) {
    let server = Server::start(clock!()).await;
    server.group("Pilot").await;
    server.group("Lab").await;
    server.group_below("Deep", "Pilot").await;
    let mut agent = Agent::new(&server).await;
    let mut cache = Cache::default();
    let mut groups: &[&str] = &[];
    for event in &events {
        happens(&server, &mut agent, &mut cache, event).await;
        if let Event::Move(to) = event {
            groups = to;
        }
    }
    cache.software_scan(&mut agent, &[]).await;
    cache.driver_scan(&mut agent).await;

    let hello = Hello { client_id: "another", ..Hello::default() };
    let mut newcomer = Agent::with(&server, hello).await;
    server.place(&newcomer.client_id, groups).await;
    let mut fresh = Cache::default();
    fresh.software_scan(&mut newcomer, &[]).await;
    fresh.driver_scan(&mut newcomer).await;
    assert_eq!(cache.software, fresh.software);
    assert_eq!(cache.drivers, fresh.drivers);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_says_what_a_new_client_is_told(events in prop::collection::vec(event(), 10..50)) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(check(events));
    }
}
