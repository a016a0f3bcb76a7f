//! Two computers that say they are one.
//!
//! A disk image that was made without clearing the agent's id gives all its copies the same one. Each
//! of them then registers in turn under its own name, and what the server shows of "it" changes with
//! every scan. A new name alone is a renamed computer; that an earlier one comes back, again and
//! again, is not.

use serde::{Deserialize, Serialize};

use super::computer::ComputerInfo;

/// Most other identities that are kept of one id.
const KEPT: usize = 4;
/// Returns after which an id is called a duplicate: renaming back and forth is one.
const DUPLICATE: u8 = 2;
/// Seconds after the last return for which it counts: 30 days.
const FORGOTTEN: i64 = 30 * 86_400;

/// Who registered under an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Host name.
    pub name: String,
    /// Manufacturer, model and firmware, one a line.
    pub hardware: String,
    /// Unix seconds of the last time.
    pub last: i64,
}

/// The others that registered under an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    others: Box<[Sighting]>,
    /// How often somebody came back.
    returns: u8,
    /// Unix seconds of the last time.
    returned: i64,
}

impl Sightings {
    /// Notes that after `before` somebody registered as `now`, at `at` (unix seconds).
    pub fn note(&mut self, before: &ComputerInfo, now: &ComputerInfo, at: i64) {
        let (was, is) = (sighting(before, at), sighting(now, at));
        if same(&was, &is) {
            return;
        }
        let mut others = std::mem::take(&mut self.others).into_vec();
        let known = others.len();
        others.retain(|other| !same(other, &is));
        if others.len() < known {
            let forgotten = at.saturating_sub(self.returned) > FORGOTTEN;
            self.returns = if forgotten { 1 } else { self.returns.saturating_add(1) };
            self.returned = at;
        }
        others.retain(|other| !same(other, &was));
        others.push(was);
        let old = others.len().saturating_sub(KEPT);
        others.drain(..old);
        self.others = others.into();
    }

    /// Whether several computers use the id, at `now` (unix seconds).
    pub fn is_duplicate(&self, now: i64) -> bool {
        self.returns >= DUPLICATE && now.saturating_sub(self.returned) <= FORGOTTEN
    }

    /// Who else registered under the id, the latest last.
    pub fn others(&self) -> &[Sighting] {
        &self.others
    }
}

fn sighting(info: &ComputerInfo, last: i64) -> Sighting {
    let ComputerInfo { manufacturer, model, bios_name, .. } = info;
    let hardware = [manufacturer.as_str(), model, bios_name].join("\n");
    Sighting { name: info.dns_name.clone(), hardware, last }
}

fn same(one: &Sighting, other: &Sighting) -> bool {
    one.name.eq_ignore_ascii_case(&other.name) && one.hardware == other.hardware
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str, model: &str) -> ComputerInfo {
        let text = str::to_owned;
        ComputerInfo { dns_name: text(name), model: text(model), ..ComputerInfo::default() }
    }

    #[test]
    fn names_that_take_turns_are_several_computers() {
        let (one, two) = (called("pc-1", "A"), called("pc-2", "A"));
        let mut sightings = Sightings::default();
        sightings.note(&one, &two, 1);
        sightings.note(&two, &two, 2);
        assert!(!sightings.is_duplicate(2), "it was renamed");
        sightings.note(&two, &one, 3);
        assert!(!sightings.is_duplicate(3), "and renamed back");
        sightings.note(&one, &two, 4);
        assert!(sightings.is_duplicate(4));
        assert_eq!(sightings.others()[0].name, "pc-1");
        assert!(!sightings.is_duplicate(5 + FORGOTTEN), "it stopped");
    }

    #[test]
    fn so_does_hardware_and_what_is_kept_is_bounded() {
        let mut sightings = Sightings::default();
        for number in 0..50 {
            let [was, is] = [number, number + 1].map(|it| called("pc", &format!("{}", it % 3)));
            sightings.note(&was, &is, number);
        }
        assert!(sightings.is_duplicate(50));
        for number in 0..50 {
            let [was, is] = [number, number + 1].map(|it| called(&format!("pc-{it}"), "A"));
            sightings.note(&was, &is, number);
        }
        assert_eq!(sightings.others().len(), KEPT);
    }
}
