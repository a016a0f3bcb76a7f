//! A driver pass of a laptop against nearly a hundred thousand drivers: what a scan costs besides the
//! software pass.
//!
//! No two computers name the same devices, and each device fits drivers that are here: its ids are
//! those of documents. Its installed driver is older than all of them, so the server has to choose
//! and to send one for every device.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use tokio::runtime::Builder;
use weir::metadata::model::UpdateType;
use weir::metadata::parse::parse;

use super::{Found, PROFILE, middle};
use crate::agent::Agent;
use crate::catalogue::documents;
use crate::connection::Target;
use crate::options::{Options, Size};
use crate::process::Process;
use crate::scan::{Profile, first_scan};
use crate::{Outcome, soap, stage};

/// Devices of one computer.
const DEVICES: usize = 75;

/// Computers; the one in the middle counts.
const COMPUTERS: usize = 200;

pub(super) fn take(size: Size, options: &Options) -> Outcome<Vec<Found>> {
    let catalogue = stage::catalogue(size, options)?;
    let copy = stage::copy(&stage::store(size, options)?)?;
    let profile = Profile::read(&catalogue, PROFILE)?;
    let hardware = Hardware::read(&catalogue.join("documents"))?;
    let server = Process::serve(&copy.path().join("data"))?;
    let computers = if options.quick { 10 } else { COMPUTERS };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut times, mut sent) = (Vec::new(), 0);
    let mut request_bytes = 0;
    let cpu = runtime.block_on(async {
        let mut connection = Target::plain(server.http).connect().await?;
        let mut agent = Agent::register(&mut connection).await?;
        let software = first_scan(&mut agent, &profile, &mut connection).await?;
        let mut before = server.cpu()?;
        // The first one is not counted: it reads from disk what later ones find in memory.
        for computer in 0..=computers {
            let request = agent.driver_pass(&software.installed, &hardware.devices(computer));
            request_bytes = request.len();
            let began = Instant::now();
            let answer = connection.ask(&request).await?;
            let took = began.elapsed().as_secs_f64() * 1_000.0;
            let text = answer.text()?;
            agent.cookie = soap::element(&text, "NewCookie").ok_or("no cookie")?.to_owned();
            let drivers = soap::elements(&text, "UpdateInfo").count();
            if drivers == 0 {
                return Err("no driver for any device".into());
            }
            match computer {
                0 => before = server.cpu()?,
                _ => times.push(took),
            }
            sent += drivers;
        }
        Ok::<_, crate::Failure>(server.cpu()?.saturating_sub(before))
    })?;
    server.stop()?;
    let note = format!(
        "the middle one of {computers} computers with {DEVICES} devices each; {} drivers, {} sent to a computer, \
         {request_bytes} bytes asked",
        hardware.drivers,
        sent / (computers + 1),
    );
    let mean = cpu.as_secs_f64() * 1_000.0 / computers as f64;
    Ok(vec![
        Found { value: middle(times), reference: None, note },
        Found { value: mean, reference: None, note: format!("mean of {computers} computers") },
    ])
}

/// The ids that drivers of a catalogue are for.
struct Hardware {
    ids: Vec<String>,
    drivers: usize,
}

impl Hardware {
    fn read(folder: &Path) -> Outcome<Self> {
        let (mut ids, mut drivers) = (BTreeSet::new(), 0);
        for path in documents(folder)? {
            let text = std::fs::read_to_string(path)?;
            // Most documents are of software, and parsing them would take longer than the measure.
            if !text.contains("UpdateType=\"Driver\"") {
                continue;
            }
            let metadata = parse(&text)?;
            if metadata.update_type == UpdateType::Driver {
                drivers += 1;
                ids.extend(metadata.drivers.into_iter().map(|entry| entry.hardware_id));
            }
        }
        Ok(Self { ids: ids.into_iter().collect(), drivers })
    }

    /// The ids of a computer's devices: different ones for each, from all over the list.
    fn devices(&self, computer: usize) -> Vec<&str> {
        let step = self.ids.len() / DEVICES;
        let of = |device: usize| self.ids.get((device * step + computer) % self.ids.len());
        (0..DEVICES).filter_map(of).map(String::as_str).collect()
    }
}
