//! Accepting licences.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::mirror::check_decides;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::policy::by::By;
use crate::policy::eula::{AcceptedEula, eulas};

impl State {
    /// Accepts the licences of an update's latest revision and of all that it bundles, for everybody;
    /// returns those that were not accepted before.
    ///
    /// # Errors
    /// When there is no such update, or it has no licence.
    pub async fn accept_eulas(
        &self,
        by: By,
        update: Uuid,
    ) -> Result<Vec<AcceptedEula>, StateError> {
        let not_found = || StateError::NotFound { kind: "update", name: update.to_string() };
        let published = self.published();
        let catalog = &published.catalog;
        let latest = catalog.update(&update).and_then(|update| catalog.latest(update));
        let eulas = eulas(catalog, latest.ok_or_else(not_found)?);
        if eulas.is_empty() {
            return Err(StateError::Refused(format!("{update} has no licence to accept")));
        }
        self.accept(by, eulas).await
    }

    /// Accepts these licences; returns those that were not accepted before.
    pub async fn accept(
        &self,
        by: By,
        eulas: BTreeSet<Uuid>,
    ) -> Result<Vec<AcceptedEula>, StateError> {
        self.writer
            .submit(move |transaction| {
                check_decides(transaction)?;
                Ok(accept(transaction, &by, eulas))
            })
            .await
    }
}

/// Accepts what is not accepted yet, and returns that.
pub(super) fn accept(
    transaction: &mut Transaction<'_>,
    by: &By,
    eulas: BTreeSet<Uuid>,
) -> Vec<AcceptedEula> {
    let known = &transaction.model.policy.eulas;
    let new: Vec<Uuid> = eulas.into_iter().filter(|eula| !known.contains_key(eula)).collect();
    let accept = |eula| {
        let (changed, at) = (transaction.sequence(), transaction.now);
        let accepted = AcceptedEula { eula, by: by.who.clone(), at, changed };
        transaction.journal(by, json!({ "accept_eula": eula }));
        transaction.put_eula(accepted.clone());
        accepted
    };
    new.into_iter().map(accept).collect()
}
