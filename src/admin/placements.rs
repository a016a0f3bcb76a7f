//! The rules for newcomers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Operation, Route};
use crate::policy::Policy;
use crate::policy::placement::{Network, Placement};

/// The rules that put newcomers into groups.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListPlacements {}

impl Operation for ListPlacements {
    type Answer = Vec<ShownPlacement>;
    const ROUTE: Route = Route::get("/placements");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let policy = &call.state().published().policy;
        Ok(policy.placements.iter().map(|it| ShownPlacement::of(policy, it)).collect())
    }
}

/// Add a rule: a computer that fits all its conditions, and whose own policy names no group, is put
/// into the group when it registers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddPlacement {
    /// The name of the group.
    pub group: String,
    /// Host names that fit, with * and ?.
    pub name: Option<String>,
    /// Operating systems that fit, with * and ?.
    pub system: Option<String>,
    /// Addresses that fit.
    pub network: Option<Network>,
}

impl Operation for AddPlacement {
    type Answer = ShownPlacement;
    const ROUTE: Route = Route::post("/placements");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { group, name, system, network } = self;
        let added = call.state().add_placement(call.by(), group, name, system, network).await?;
        Ok(ShownPlacement::of(&call.state().published().policy, &added))
    }
}

/// Remove a rule. Computers stay where it put them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemovePlacement {
    /// Its number.
    pub number: u32,
}

impl Operation for RemovePlacement {
    type Answer = ShownPlacement;
    const ROUTE: Route = Route::delete("/placements/{number}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let removed = call.state().remove_placement(call.by(), self.number).await?;
        Ok(ShownPlacement::of(&call.state().published().policy, &removed))
    }
}

/// A rule for newcomers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownPlacement {
    /// Tells it from the others.
    pub number: u32,
    /// The path of the group.
    pub group: String,
    /// Host names that fit.
    pub name: Option<String>,
    /// Operating systems that fit.
    pub system: Option<String>,
    /// Addresses that fit.
    pub network: Option<Network>,
}

impl ShownPlacement {
    fn of(policy: &Policy, placement: &Placement) -> Self {
        Self {
            number: placement.number,
            group: policy.path(placement.group),
            name: placement.name.clone(),
            system: placement.system.clone(),
            network: placement.network,
        }
    }
}
