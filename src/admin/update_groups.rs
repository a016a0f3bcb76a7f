//! Update groups.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::terms::ShownTerms;
use super::{AdminError, Call, Operation, Route};
use crate::policy::Policy;
use crate::policy::terms::Terms;
use crate::policy::update_group::UpdateGroup;

/// All update groups.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListUpdateGroups {}

impl Operation for ListUpdateGroups {
    type Answer = Vec<ShownUpdateGroup>;
    const ROUTE: Route = Route::get("/update-groups");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let mut groups: Vec<&UpdateGroup> = published.policy.update_groups.values().collect();
        groups.sort_by_key(|group| group.name.to_lowercase());
        let shown = groups.into_iter().map(|group| ShownUpdateGroup::of(&published.policy, group));
        Ok(shown.collect())
    }
}

/// Create an update group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreateUpdateGroup {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
}

impl Operation for CreateUpdateGroup {
    type Answer = ShownUpdateGroup;
    const ROUTE: Route = Route::post("/update-groups");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let id = Uuid::new_v4();
        let group = call.state().create_update_group(call.by(), id, self.name).await?;
        Ok(ShownUpdateGroup::now(&call, &group))
    }
}

/// Add updates to an update group, which deploys them wherever the group is deployed, and take
/// others out, which takes back what the group approved.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChangeUpdateGroup {
    /// Its name.
    pub name: String,
    /// What comes in.
    #[serde(default)]
    pub add: BTreeSet<Uuid>,
    /// What goes out.
    #[serde(default)]
    pub remove: BTreeSet<Uuid>,
}

impl Operation for ChangeUpdateGroup {
    type Answer = ShownUpdateGroup;
    const ROUTE: Route = Route::post("/update-groups/{name}/updates");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, add, remove } = self;
        let group = call.state().change_update_group(call.by(), name, add, remove).await?;
        Ok(ShownUpdateGroup::now(&call, &group))
    }
}

/// Deploy an update group to a target group, instead of how it was deployed there before. Updates that
/// are declined stay so.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeployUpdateGroup {
    /// Its name.
    pub name: String,
    /// The target group's name.
    pub group: String,
    /// On what terms.
    pub terms: Terms,
    /// Whether it counts; otherwise it is prepared and approves nothing yet.
    pub enabled: bool,
}

impl Operation for DeployUpdateGroup {
    type Answer = ShownUpdateGroup;
    const ROUTE: Route = Route::put("/update-groups/{name}/deployments/{group}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let Self { name, group, terms, enabled } = self;
        let state = call.state();
        let group = state.deploy_update_group(call.by(), name, group, terms, enabled).await?;
        Ok(ShownUpdateGroup::now(&call, &group))
    }
}

/// End the deployment of an update group to a target group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawUpdateGroup {
    /// Its name.
    pub name: String,
    /// The target group's name.
    pub group: String,
}

impl Operation for WithdrawUpdateGroup {
    type Answer = ShownUpdateGroup;
    const ROUTE: Route = Route::delete("/update-groups/{name}/deployments/{group}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let group = call.state().withdraw_update_group(call.by(), self.name, self.group).await?;
        Ok(ShownUpdateGroup::now(&call, &group))
    }
}

/// Delete an update group with its deployments.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteUpdateGroup {
    /// Its name.
    pub name: String,
}

impl Operation for DeleteUpdateGroup {
    type Answer = DeletedUpdateGroup;
    const ROUTE: Route = Route::delete("/update-groups/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let group = call.state().delete_update_group(call.by(), self.name).await?;
        Ok(DeletedUpdateGroup { deleted: group.name })
    }
}

/// An update group that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedUpdateGroup {
    /// Its name.
    pub deleted: String,
}

/// An update group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownUpdateGroup {
    /// Its name.
    pub name: String,
    /// The updates.
    pub updates: BTreeSet<Uuid>,
    /// Those of them that are declined, which are deployed nowhere.
    pub declined: BTreeSet<Uuid>,
    /// Where they are deployed.
    pub deployments: Vec<ShownDeployment>,
}

/// One deployment of an update group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownDeployment {
    /// To whom and on what terms.
    #[serde(flatten)]
    pub terms: ShownTerms,
    /// Whether it counts.
    pub enabled: bool,
    /// The rule that made it, whose last run its times count from; none once somebody changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl ShownUpdateGroup {
    fn now(call: &Call, group: &UpdateGroup) -> Self {
        Self::of(&call.state().published().policy, group)
    }

    fn of(policy: &Policy, group: &UpdateGroup) -> Self {
        let deployments = group.deployments.iter().map(|deployment| {
            let target = policy.groups.get(&deployment.group);
            let rule = deployment.rule.and_then(|id| policy.rules.get(&id));
            ShownDeployment {
                terms: ShownTerms::of(target.map_or("", |it| &it.name), &deployment.terms),
                enabled: deployment.enabled,
                rule: rule.map(|rule| rule.name.clone()),
            }
        });
        Self {
            name: group.name.clone(),
            updates: group.updates.clone(),
            declined: group.updates.iter().copied().filter(|it| policy.is_declined(*it)).collect(),
            deployments: deployments.collect(),
        }
    }
}
