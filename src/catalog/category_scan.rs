//! Which categories a client is to filter by: [MS-WUSP] 3.1.5.6, StartCategoryScan.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::snapshot::Catalog;
use crate::metadata::model::CategoryType;

/// The answer to StartCategoryScan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CategoryScan {
    /// `preferredCategoryIds`: what SyncUpdates is to be asked for. Each once.
    pub preferred: Vec<Uuid>,
    /// `requestedCategoryIdsInError`: what the server does not know as a category. Each once.
    pub in_error: Vec<Uuid>,
}

impl Catalog {
    /// Chooses the preferred categories from `(IndexOfAndGroup, CategoryId)` pairs: a disjunction
    /// of AND groups.
    ///
    /// A group that holds an unknown category is left out. Of the others, each must be one product
    /// or a product and a classification, and gives its product; one that is anything else leaves
    /// nothing preferred at all. Naming a category twice in a group is naming it once.
    pub fn category_scan(&self, requested: &[(i32, Uuid)]) -> CategoryScan {
        let mut groups: BTreeMap<i32, Option<Vec<Uuid>>> = BTreeMap::new();
        let mut scan = CategoryScan::default();
        for &(index, id) in requested {
            let group = groups.entry(index).or_insert_with(|| Some(Vec::new()));
            if self.type_of(id).is_none() {
                push_once(&mut scan.in_error, id);
                *group = None;
            } else if let Some(group) = group {
                push_once(group, id);
            }
        }
        for group in groups.values().flatten() {
            let Some(product) = self.product_of_group(group) else {
                scan.preferred.clear();
                break;
            };
            push_once(&mut scan.preferred, product);
        }
        scan
    }

    fn product_of_group(&self, group: &[Uuid]) -> Option<Uuid> {
        use CategoryType::{Product, UpdateClassification};
        match *group {
            [id] if self.type_of(id) == Some(Product) => Some(id),
            [one, other] => match (self.type_of(one), self.type_of(other)) {
                (Some(Product), Some(UpdateClassification)) => Some(one),
                (Some(UpdateClassification), Some(Product)) => Some(other),
                _ => None,
            },
            _ => None,
        }
    }

    fn type_of(&self, id: Uuid) -> Option<CategoryType> {
        self.category_type(self.update(&id)?)
    }
}

fn push_once(ids: &mut Vec<Uuid>, id: Uuid) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::{Draft, uuid};
    use super::*;

    const PRODUCT: u128 = 1;
    const OTHER_PRODUCT: u128 = 2;
    const CLASSIFICATION: u128 = 3;
    const COMPANY: u128 = 4;
    const DETECTOID: u128 = 5;
    const UNKNOWN: u128 = 6;

    /// Checks what the server answers to groups of these updates.
    #[track_caller]
    fn check(requested: &[(i32, u128)], preferred: &[u128], in_error: &[u128]) {
        let catalog = Catalog::build(vec![
            Draft::new(1, PRODUCT, 1).category(CategoryType::Product).build(),
            Draft::new(2, OTHER_PRODUCT, 1).category(CategoryType::Product).build(),
            Draft::new(3, CLASSIFICATION, 1).category(CategoryType::UpdateClassification).build(),
            Draft::new(4, COMPANY, 1).category(CategoryType::Company).build(),
            Draft::new(5, DETECTOID, 1).detectoid().build(),
        ]);
        let requested: Vec<_> = requested.iter().map(|&(group, id)| (group, uuid(id))).collect();
        let ids = |ids: &[u128]| ids.iter().map(|&id| uuid(id)).collect();
        let expected = CategoryScan { preferred: ids(preferred), in_error: ids(in_error) };
        assert_eq!(catalog.category_scan(&requested), expected);
    }

    #[test]
    fn a_product_alone_or_with_a_classification_is_preferred() {
        check(&[], &[], &[]);
        check(&[(0, PRODUCT)], &[PRODUCT], &[]);
        check(&[(0, PRODUCT), (0, CLASSIFICATION)], &[PRODUCT], &[]);
        check(&[(0, CLASSIFICATION), (0, PRODUCT)], &[PRODUCT], &[]);
        check(&[(7, PRODUCT), (-1, OTHER_PRODUCT)], &[OTHER_PRODUCT, PRODUCT], &[]);
        check(&[(0, PRODUCT), (0, PRODUCT), (1, PRODUCT)], &[PRODUCT], &[]);
    }

    #[test]
    fn an_unknown_category_takes_its_whole_group_away() {
        check(&[(0, UNKNOWN), (0, PRODUCT), (1, OTHER_PRODUCT)], &[OTHER_PRODUCT], &[UNKNOWN]);
        check(&[(0, COMPANY), (0, PRODUCT), (0, UNKNOWN)], &[], &[UNKNOWN]);
        check(&[(0, DETECTOID), (1, UNKNOWN), (2, UNKNOWN)], &[], &[DETECTOID, UNKNOWN]);
    }

    #[test]
    fn any_other_group_leaves_nothing_preferred() {
        for other in [
            &[(1, CLASSIFICATION)][..],
            &[(1, COMPANY)],
            &[(1, PRODUCT), (1, OTHER_PRODUCT)],
            &[(1, PRODUCT), (1, COMPANY)],
            &[(1, PRODUCT), (1, OTHER_PRODUCT), (1, CLASSIFICATION)],
        ] {
            check(&[&[(0, PRODUCT)], other].concat(), &[], &[]);
            check(&[other, &[(2, PRODUCT), (3, UNKNOWN)]].concat(), &[], &[UNKNOWN]);
        }
    }
}
