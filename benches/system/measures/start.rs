//! From nothing to the first correct answer: how long nobody is served when a server is restarted.
//!
//! The agent has its cookie from before. The clock runs from starting the process until the first
//! page of a scan is there, byte for byte as the server before gave it.

use std::path::Path;
use std::time::Instant;

use tokio::runtime::Builder;

use super::{Found, middle};
use crate::agent::{Agent, call};
use crate::connection::Target;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::{Outcome, stage};

/// Starts; the middle one counts.
const STARTS: usize = 5;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Found> {
    let copy = stage::copy(&stage::store(size, options)?)?;
    let data = copy.path().join("data");
    let server = Process::serve(&data)?;
    let (request, expected) = run(async {
        let mut connection = Target::plain(server.http).connect().await?;
        let agent = Agent::register(&mut connection).await?;
        let request = agent.software_pass(&[], &[]);
        let page = first_page(&call(&mut connection, request.clone()).await?)?;
        Ok((request, page))
    })?;
    server.stop()?;
    let starts = if options.quick { 1 } else { STARTS };
    let times: Outcome<Vec<f64>> = (0..starts).map(|_| start(&data, &request, &expected)).collect();
    let times = times?;
    let slowest = times.iter().copied().fold(0.0, f64::max);
    let note = format!("the middle one of {starts}; the slowest took {slowest:.2} s");
    Ok(Found { value: middle(times), reference: None, note })
}

/// Starts the server, asks it, stops it; returns the seconds to the answer.
fn start(data: &Path, request: &[u8], expected: &str) -> Outcome<f64> {
    let began = Instant::now();
    let server = Process::serve(data)?;
    let answer = run(async {
        let mut connection = Target::plain(server.http).connect().await?;
        call(&mut connection, request.to_vec()).await
    })?;
    let took = began.elapsed().as_secs_f64();
    if first_page(&answer)? != expected {
        return Err("another answer than before the restart".into());
    }
    server.stop()?;
    Ok(took)
}

/// The answer up to the cookie, which is another one each time; it has to bring something.
fn first_page(answer: &str) -> Outcome<String> {
    let (page, _) = answer.split_once("<NewCookie>").ok_or("no cookie")?;
    if page.contains("<NewUpdates>") { Ok(page.to_owned()) } else { Err("an empty page".into()) }
}

fn run<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    Builder::new_current_thread().enable_all().build()?.block_on(work)
}
