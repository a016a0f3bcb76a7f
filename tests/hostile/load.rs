//! More connections and calls than the server was told to take.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use weir::wire::operation::Operation;

use super::support::{Agent, Answer, Connection, Weir, envelope, post, tag};

const ID: &str = "7d1f0c57-0000-4000-8000-000000000b01";

#[test]
fn idle_connections_hold_the_door_only_for_so_long() {
    let weir = Weir::configured("[limits]\nhead_seconds = 1\nconnections = 60");
    let started = Instant::now();
    let _idle: Vec<Connection> = (0..150).map(|_| weir.connect()).collect();
    weir.serves_an_honest_client();
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn a_thousand_idle_connections_cost_little() {
    let weir = Weir::start();
    weir.grows_at_most(64, || {
        let _idle: Vec<Connection> = (0..1000)
            .map(|_| {
                let mut connection = weir.connect();
                connection.send(b"POST /ClientWebService/client.asmx HTTP/1.1\r\nHost: h\r\nX: ");
                connection
            })
            .collect();
        weir.serves_an_honest_client();
    });
    weir.serves_an_honest_client();
}

#[test]
fn calls_over_the_cap_are_told_to_come_back_later() {
    // The server's look at its own services takes the only place for a moment.
    let weir = Weir::configured(
        "[limits]\ncalls_in_flight = 1\n[health]\noff = [\"self_update\", \"client_web_service\", \
         \"simple_auth_web_service\", \"reporting_web_service\", \"server_sync_web_service\", \
         \"dss_auth_web_service\"]\n",
    );
    let agent = Agent::enrol(&weir, ID);
    let ids = "<int>1</int>".repeat(90_000);
    let content =
        agent.scan_request(&format!("<OtherCachedUpdateIDs>{ids}</OtherCachedUpdateIDs>"));
    let operation = Operation::SyncUpdates;
    let body = envelope(operation, &content);
    let request = post(operation.service().path(), &tag(operation), body.as_bytes());
    let (all_but_the_last, last) = request.split_at(request.len() - 1);
    let at_once = Barrier::new(16);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = weir.connect();
                    connection.send(all_but_the_last);
                    at_once.wait();
                    Answer::from(connection.ask(last))
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert!(!served.is_empty() && !refused.is_empty(), "{} were served", served.len());
    for answer in refused {
        assert_eq!((answer.status, answer.fault().0.as_str()), (503, "ServerBusy"));
        assert_eq!(answer.reply.header("retry-after"), Some("30"));
    }
    weir.serves_an_honest_client();
}
