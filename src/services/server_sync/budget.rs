//! How much memory the answers to downstream servers take together.
//!
//! One list of revisions may have 20 MB, and a hundred servers may ask for it at once. Equal answers
//! are shared; of different ones there are only so many at a time. What an answer takes is given
//! back when the last of its bytes was sent.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that are counted as one.
const UNIT: usize = 1024;

/// Memory for answers.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// There is none left at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

struct Held {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// These bytes, counted until nobody holds them any more.
    pub(super) fn hold(&self, bytes: Vec<u8>) -> Result<Bytes, Exhausted> {
        let units = u32::try_from(bytes.capacity().div_ceil(UNIT)).map_err(|_| Exhausted)?;
        let share = Arc::clone(&self.0).try_acquire_many_owned(units).map_err(|_| Exhausted)?;
        Ok(Bytes::from_owner(Held { bytes, _share: share }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_with_the_last_bytes() {
        let budget = Budget::new(4 * UNIT);
        let held = budget.hold(vec![7; 3 * UNIT]).expect("there is enough");
        let part = held.slice(..10);
        drop(held);
        assert_eq!(budget.hold(vec![0; 2 * UNIT]), Err(Exhausted));
        assert_eq!(part, [7; 10].as_slice());
        drop(part);
        assert!(budget.hold(vec![0; 4 * UNIT]).is_ok());
        assert_eq!(budget.hold(vec![0; 4 * UNIT + 1]), Err(Exhausted));
    }
}
