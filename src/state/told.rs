//! What the upstream server was told of computers, so that it is told only what changed ([MS-WSUSSS]
//! 3.2.4.5).

use std::collections::HashMap;

use super::{State, StateError};
use crate::computers::rollup::Told;

impl State {
    /// What the upstream server was told of every computer, by the computer's number.
    pub async fn told(&self) -> Result<HashMap<u32, Told>, StateError> {
        self.writer.submit(|transaction| Ok(transaction.told()?)).await
    }

    /// Takes note of what it was told. Computers that were deleted meanwhile stay so.
    pub async fn note_told(&self, told: Vec<(String, Told)>) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                for (client_id, told) in &told {
                    let known = transaction.model.computers.get(client_id);
                    if let Some(number) = known.map(|tracked| tracked.computer.number) {
                        transaction.put_told(number, told);
                    }
                }
                Ok(())
            })
            .await
    }
}
