//! Short names of updates: a number each, so that a row of a computer takes bytes and not an id.
//!
//! An update gets its number with the first report that mentions it and keeps it for as long as any
//! row has it. The numbers are stored, as the rows are.

use std::collections::HashMap;

use uuid::Uuid;

/// The number of an update, dense from 0.
pub type UpdateNumber = u32;

/// Most numbers of updates that the catalogue does not know. Ids come from anonymous peers, who can
/// make up any; 250,000 of them take some 20 MB.
pub const FOREIGN_KEPT: usize = 250_000;

/// Numbers that there can be: what is stored may be damaged, and must not make a table of any size.
/// A hundred times the largest catalogue known.
const NUMBERS: UpdateNumber = 1 << 24;

/// Which update has which number.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// By number; nil where a number is free.
    ids: Vec<Uuid>,
    numbers: HashMap<Uuid, UpdateNumber>,
    /// Numbers to be given out again.
    free: Vec<UpdateNumber>,
    /// How many were given to updates that the catalogue does not know.
    foreign: usize,
}

impl Numbers {
    /// Takes in what was stored; false when no such number was ever given out. Later entries of the
    /// same number or update win.
    pub fn restore(&mut self, number: UpdateNumber, update: Uuid) -> bool {
        if number >= NUMBERS {
            return false;
        }
        let index = number as usize;
        if self.ids.len() <= index {
            self.ids.resize(index + 1, Uuid::nil());
        }
        if let Some(before) = self.numbers.insert(update, number)
            && let Some(id) = self.ids.get_mut(before as usize)
        {
            *id = Uuid::nil();
        }
        if let Some(id) = self.ids.get_mut(index) {
            let before = std::mem::replace(id, update);
            if before != update && self.numbers.get(&before) == Some(&number) {
                self.numbers.remove(&before);
            }
        }
        true
    }

    /// Frees the numbers that no row has and the catalogue has no use for, and counts the others
    /// anew. Only before anybody was told of them.
    pub fn settle(
        &mut self,
        is_used: impl Fn(UpdateNumber) -> bool,
        is_known: impl Fn(&Uuid) -> bool,
    ) {
        (self.free, self.foreign) = (Vec::new(), 0);
        for (number, id) in (0..).zip(&mut self.ids) {
            let known = !id.is_nil() && is_known(id);
            if known {
                continue;
            }
            if !id.is_nil() && is_used(number) {
                self.foreign += 1;
                continue;
            }
            self.numbers.remove(id);
            *id = Uuid::nil();
            self.free.push(number);
        }
        // The lowest is given out first.
        self.free.reverse();
    }

    /// The number of an update, if it has one.
    pub fn number(&self, update: &Uuid) -> Option<UpdateNumber> {
        self.numbers.get(update).copied()
    }

    /// The update with a number.
    pub fn id(&self, number: UpdateNumber) -> Option<Uuid> {
        self.ids.get(number as usize).copied().filter(|id| !id.is_nil())
    }

    /// All updates, by their numbers; nil where a number is free.
    pub fn ids(&self) -> &[Uuid] {
        &self.ids
    }

    /// Gives a new number to an update that has none; none when too many have one that the
    /// catalogue does not know.
    pub fn give(&mut self, update: Uuid, is_known: bool) -> Option<UpdateNumber> {
        if update.is_nil() || (!is_known && self.foreign >= FOREIGN_KEPT) {
            return None;
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                let number = UpdateNumber::try_from(self.ids.len()).ok()?;
                if number >= NUMBERS {
                    return None;
                }
                self.ids.push(Uuid::nil());
                number
            }
        };
        *self.ids.get_mut(number as usize)? = update;
        self.numbers.insert(update, number);
        self.foreign += usize::from(!is_known);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn numbers_are_dense_and_those_that_nobody_uses_are_given_again() {
        let mut numbers = Numbers::default();
        assert_eq!([1, 2, 3].map(|it| numbers.give(id(it), it == 2)), [Some(0), Some(1), Some(2)]);
        assert_eq!(numbers.give(Uuid::nil(), true), None);
        let mut read = Numbers::default();
        (0..).zip(numbers.ids()).for_each(|(number, id)| assert!(read.restore(number, *id)));
        assert!(!read.restore(NUMBERS, id(9)));
        read.settle(|number| number == 2, |known| *known == id(2));
        assert_eq!([1, 2, 3].map(|it| read.number(&id(it))), [None, Some(1), Some(2)]);
        assert_eq!((read.id(0), read.id(2), read.id(9)), (None, Some(id(3)), None));
        assert_eq!(read.give(id(4), true), Some(0));
        assert_eq!(read.give(id(5), true), Some(3));
    }

    #[test]
    fn a_number_that_was_given_again_is_that_of_the_later_update() {
        let mut numbers = Numbers::default();
        assert!(numbers.restore(0, id(1)) && numbers.restore(0, id(2)));
        assert_eq!((numbers.number(&id(1)), numbers.number(&id(2))), (None, Some(0)));
        assert!(numbers.restore(3, id(2)));
        assert_eq!((numbers.id(0), numbers.id(3)), (None, Some(id(2))));
    }

    #[test]
    fn made_up_updates_get_so_many_numbers_and_real_ones_always_one() {
        let mut numbers = Numbers::default();
        let given = (1..=FOREIGN_KEPT as u128 + 5).filter_map(|it| numbers.give(id(it), false));
        assert_eq!(given.count(), FOREIGN_KEPT);
        assert!(numbers.give(id(1 << 60), true).is_some());
    }
}
