//! Updates that were installed and are needed again.
//!
//! Once may be an uninstallation or a new revision. Again and again it is a write filter that
//! forgets them at every restart, or two programs at odds; the report of the moment looks innocent
//! each time, so the changes are counted.

use serde::{Deserialize, Serialize};

use super::numbers::UpdateNumber;

/// Most updates of a computer that are kept an eye on: the rest fares as these do.
const KEPT: usize = 8;
/// Changes from installed to needed after which an update is called flapping.
const FLAPPING: u8 = 2;
/// Seconds after which a change is forgotten, unless another followed: 90 days.
const FORGOTTEN: i64 = 90 * 86_400;

/// One update's changes from installed to needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relapse {
    /// The update.
    pub number: UpdateNumber,
    /// How often, each within 90 days of the one before.
    pub times: u8,
    /// Unix seconds of the last time.
    pub last: i64,
}

/// Those of one computer, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relapses(Box<[Relapse]>);

impl Relapses {
    /// Notes that an update turned from installed to needed.
    pub(super) fn note(&mut self, number: UpdateNumber, at: i64) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.retain(|relapse| at.saturating_sub(relapse.last) <= FORGOTTEN);
        let before = all.iter().position(|relapse| relapse.number == number);
        let times = before.map_or(0, |position| all.remove(position).times);
        all.push(Relapse { number, times: times.saturating_add(1), last: at });
        // What is new gives way to what is known to flap.
        if all.len() > KEPT {
            let least = all.iter().enumerate().min_by_key(|(_, it)| (it.times, it.last));
            if let Some(least) = least.map(|(position, _)| position) {
                all.remove(least);
            }
        }
        self.0 = all.into();
    }

    /// The updates that change between installed and needed all the time, at `now` (unix seconds).
    pub fn flapping(&self, now: i64) -> impl Iterator<Item = Relapse> + '_ {
        let all = self.0.iter().copied();
        all.filter(move |it| it.times >= FLAPPING && now.saturating_sub(it.last) <= FORGOTTEN)
    }

    /// The updates that are named.
    pub fn numbers(&self) -> impl Iterator<Item = UpdateNumber> + '_ {
        self.0.iter().map(|relapse| relapse.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn flapping(relapses: &Relapses, now: i64) -> Vec<UpdateNumber> {
        relapses.flapping(now).map(|relapse| relapse.number).collect()
    }

    #[test]
    fn what_is_needed_again_and_again_flaps() {
        let mut relapses = Relapses::default();
        relapses.note(7, 0);
        assert!(flapping(&relapses, 0).is_empty(), "once may have a reason");
        relapses.note(7, 80 * DAY);
        assert_eq!(flapping(&relapses, 80 * DAY), [7]);
        assert!(flapping(&relapses, 171 * DAY).is_empty(), "it stopped");
        relapses.note(7, 171 * DAY);
        assert!(flapping(&relapses, 171 * DAY).is_empty(), "and begins anew");
    }

    #[test]
    fn what_flaps_is_not_pushed_out_by_what_changes_once() {
        let mut relapses = Relapses::default();
        relapses.note(7, 0);
        relapses.note(7, DAY);
        (100..200).for_each(|number| relapses.note(number, 2 * DAY));
        assert_eq!(flapping(&relapses, 2 * DAY), [7]);
        assert_eq!(relapses.numbers().count(), KEPT);
    }
}
