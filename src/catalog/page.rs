//! How much of an answer goes into one round trip.
//!
//! The agent gives a scan up after 200 round trips (`0x80244010`), and a page that is too large
//! costs an agent memory and a slow link patience. Most scans are small, so pages start small;
//! they grow as trips are spent, so that no catalogue is too large to finish.
//!
//! With `r` the trips already answered, `n` updates and `b` bytes deliverable now:
//!
//! * a page takes up to `max(updates * 2^(r / 16), n / (128 - r))` updates, and likewise of bytes;
//! * from trip 128 on it takes everything.
//!
//! The second term spreads what is known to be wanted evenly over the trips left. The first is for
//! what is not known yet, the updates that later stages unlock: with the defaults it alone carries
//! 3,200 updates in the first 16 trips, 48,000 in 64, and 816,000 in 128 (and 32 MiB, 480 MiB and
//! 8 GiB). After trip 128 each trip completes a stage, which leaves 72 trips for stages still to
//! come, when a chain of prerequisites in a real catalogue is about ten long.

/// A scan's pages grow until this trip, and take everything from there on.
const PAGED_TRIPS: u32 = 128;

/// Pages double each time this many trips are spent.
const TRIPS_TO_DOUBLE: u32 = 16;

/// The size of the first pages of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Updates.
    pub updates: u32,
    /// Bytes of Core fragments as they go over the wire. One fragment that is larger alone makes
    /// a page.
    pub bytes: u64,
}

impl Default for PageLimits {
    /// 200 updates, as WSUS ([MS-WUSP] <55>), and 2 MiB.
    fn default() -> Self {
        Self { updates: 200, bytes: 2 << 20 }
    }
}

/// What goes into one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many of the deliverable updates, from the first on.
    pub len: usize,
    /// Whether more are deliverable: `Truncated`. Never of an empty page.
    pub truncated: bool,
}

impl PageLimits {
    /// The page for the deliverable updates whose Core fragments have these `sizes`, in the order
    /// of delivery, after `trips` round trips of this scan were answered.
    ///
    /// A page holds at least one update if there is one.
    pub fn page(&self, trips: u32, sizes: &[u32]) -> Page {
        let deliverable = sizes.len() as u64;
        let deliverable_bytes = sizes.iter().copied().map(u64::from).sum();
        let updates = allowance(u64::from(self.updates), trips, deliverable);
        let bytes = allowance(self.bytes, trips, deliverable_bytes);
        let updates = usize::try_from(updates).unwrap_or(usize::MAX);
        let mut filled = 0;
        let fitting = sizes.iter().take(updates).take_while(|&&size| {
            filled += u64::from(size);
            filled <= bytes
        });
        let len = fitting.count().max(1).min(sizes.len());
        Page { len, truncated: len < sizes.len() }
    }
}

/// How much of what is `deliverable` a page may take that starts out with `first` per page.
fn allowance(first: u64, trips: u32, deliverable: u64) -> u64 {
    let left = PAGED_TRIPS.saturating_sub(trips);
    if left == 0 {
        return deliverable;
    }
    let grown = first.saturating_mul(1 << (trips / TRIPS_TO_DOUBLE));
    grown.max(deliverable.div_ceil(u64::from(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PageLimits = PageLimits { updates: 3, bytes: 100 };

    #[test]
    fn a_page_is_limited_by_count_and_by_bytes() {
        assert_eq!(LIMITS.page(0, &[1; 3]), Page { len: 3, truncated: false });
        assert_eq!(LIMITS.page(0, &[1; 4]), Page { len: 3, truncated: true });
        assert_eq!(LIMITS.page(0, &[60, 40, 1]), Page { len: 2, truncated: true });
        assert_eq!(LIMITS.page(0, &[60, 41]), Page { len: 1, truncated: true });
    }

    #[test]
    fn a_page_is_empty_only_if_nothing_is_deliverable() {
        assert_eq!(LIMITS.page(0, &[]), Page { len: 0, truncated: false });
        assert_eq!(LIMITS.page(0, &[u32::MAX]), Page { len: 1, truncated: false });
        assert_eq!(LIMITS.page(0, &[u32::MAX, 1]), Page { len: 1, truncated: true });
        let nothing = PageLimits { updates: 0, bytes: 0 };
        assert_eq!(nothing.page(0, &[1, 1]), Page { len: 1, truncated: true });
    }

    #[test]
    fn pages_double_and_in_the_end_take_everything() {
        let lengths = [0, 15, 16, 32].map(|trips| LIMITS.page(trips, &[1; 100]).len);
        assert_eq!(lengths, [3, 3, 6, 12]);
        for trips in [128, 199, u32::MAX] {
            let page = LIMITS.page(trips, &[u32::MAX; 5000]);
            assert_eq!(page, Page { len: 5000, truncated: false });
        }
    }

    #[test]
    fn what_is_deliverable_is_spread_over_the_trips_left() {
        assert_eq!(LIMITS.page(0, &[0; 12_800]).len, 100);
        assert_eq!(LIMITS.page(120, &[0; 12_800]).len, 1_600);
        assert_eq!(LIMITS.page(0, &[250; 128]).len, 1, "of 250 bytes allowed");
        assert_eq!(LIMITS.page(0, &[100; 384]).len, 3, "of 300 bytes allowed");
    }

    /// How many trips it takes to deliver `stages`, each of which becomes deliverable once all of
    /// the stage before it is delivered (`late`), or a trip after the page in which it began.
    fn trips(stages: &[Vec<u32>], late: bool) -> u32 {
        let mut waiting = stages.iter();
        let mut deliverable: Vec<u32> = waiting.next().cloned().unwrap_or_default();
        let mut trips = 0;
        while !deliverable.is_empty() {
            let page = PageLimits::default().page(trips, &deliverable);
            assert!(page.len > 0);
            deliverable.drain(..page.len);
            trips += 1;
            if !late || deliverable.is_empty() {
                deliverable.extend(waiting.next().into_iter().flatten());
            }
        }
        trips
    }

    /// `count` fragments: mostly small, some large, one in a thousand several megabytes.
    fn sizes(count: usize) -> Vec<u32> {
        let size = |position: usize| match position {
            position if position.is_multiple_of(1000) => 5_000_000,
            position if position.is_multiple_of(10) => 20_000,
            _ => 1_500,
        };
        (1..=count).map(size).collect()
    }

    #[test]
    fn any_first_scan_ends_well_within_the_agents_200_trips() {
        for late in [false, true] {
            for count in [1_000, 30_000, 300_000] {
                let flat = trips(&[sizes(count)], late);
                assert!(flat < 150, "{count} at once: {flat}");
                let staged = trips(&vec![sizes(count / 12); 12], late);
                assert!(staged < 150, "{count} in twelve stages: {staged}");
                let mut bottom_heavy = vec![sizes(1); 15];
                bottom_heavy.push(sizes(count));
                let last = trips(&bottom_heavy, late);
                assert!(last < 150, "{count} behind a chain of fifteen: {last}");
            }
        }
    }

    #[test]
    fn a_product_of_large_fragments_ends_without_huge_pages() {
        let windows_11 = vec![225_000; 5_253];
        let taken = trips(&[vec![1_000; 40], windows_11.clone()], true);
        assert!(taken < 150, "{taken}");
        let page = PageLimits::default().page(2, &windows_11);
        assert!(page.len * 225_000 < 10 << 20, "{} updates in the first page", page.len);
    }
}
