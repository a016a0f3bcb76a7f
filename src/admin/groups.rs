//! Target groups.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AdminError, Call, Operation, Route};
use crate::policy::Policy;
use crate::policy::group_tree::MAX_DEPTH;
use crate::policy::target_group::{ALL_COMPUTERS, DOWNSTREAM_SERVERS, TargetGroup, effective};
use crate::state::{Children, Members, State};

/// All groups with the number of their computers, as the tree has them: each before those below it,
/// the built-in ones first and then by name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListGroups {}

impl Operation for ListGroups {
    type Answer = Vec<ListedGroup>;
    const ROUTE: Route = Route::get("/groups");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let published = call.state().published();
        let policy = &published.policy;
        let mut members: HashMap<Uuid, usize> = HashMap::new();
        for tracked in call.state().computers().all() {
            let groups = effective(&tracked.computer.groups);
            for group in groups.into_iter().chain([ALL_COMPUTERS]) {
                *members.entry(group).or_default() += 1;
            }
        }
        let mut groups = Vec::new();
        for top in [ALL_COMPUTERS, DOWNSTREAM_SERVERS] {
            groups.extend(in_order(policy, top, 0));
        }
        let rows = groups.into_iter().map(|(group, depth)| ListedGroup {
            id: group.id,
            name: group.name.clone(),
            parent: group.parent.and_then(|id| policy.groups.get(&id)).map(|it| it.name.clone()),
            path: policy.path(group.id),
            depth,
            built_in: group.is_built_in(),
            utc_offset: group.utc_offset.map(offset),
            computers: members.get(&group.id).copied().unwrap_or(0),
        });
        Ok(rows.collect())
    }
}

/// A group in the tree.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListedGroup {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The name of the group above it.
    pub parent: Option<String>,
    /// The names of all groups above it, and its own.
    pub path: String,
    /// How many groups are above it.
    pub depth: usize,
    /// Whether it is always there.
    pub built_in: bool,
    /// How far its clocks are ahead of UTC, if it says so itself.
    pub utc_offset: Option<String>,
    /// How many computers are in it.
    pub computers: usize,
}

/// A group and all below it. The depth is bounded by the tree's.
fn in_order(policy: &Policy, top: Uuid, depth: usize) -> Vec<(&TargetGroup, usize)> {
    let mut rows: Vec<_> = policy.groups.get(&top).into_iter().map(|it| (it, depth)).collect();
    if depth < MAX_DEPTH {
        let below = policy.children(top).into_iter();
        rows.extend(below.flat_map(|child| in_order(policy, child.id, depth + 1)));
    }
    rows
}

/// Minutes ahead of UTC as people write them: `+05:30`.
fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Create a group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreateGroup {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The name of the group above it; All Computers if none is named.
    pub parent: Option<String>,
}

impl Operation for CreateGroup {
    type Answer = ShownGroup;
    const ROUTE: Route = Route::post("/groups");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let id = Uuid::new_v4();
        let group = call.state().create_group(call.by(), id, self.name, self.parent).await?;
        Ok(ShownGroup::of(call.state(), &group))
    }
}

/// Move a group, with all groups below it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MoveGroup {
    /// Its name.
    pub name: String,
    /// The name of the group above it; All Computers if none is named.
    pub parent: Option<String>,
}

impl Operation for MoveGroup {
    type Answer = ShownGroup;
    const ROUTE: Route = Route::put("/groups/{name}/parent");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let group = call.state().move_group(call.by(), self.name, self.parent).await?;
        Ok(ShownGroup::of(call.state(), &group))
    }
}

/// Give a group another name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RenameGroup {
    /// Its name.
    pub name: String,
    /// The new one.
    #[schemars(length(min = 1, max = 256))]
    pub new_name: String,
}

impl Operation for RenameGroup {
    type Answer = ShownGroup;
    const ROUTE: Route = Route::put("/groups/{name}/name");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let group = call.state().rename_group(call.by(), self.name, self.new_name).await?;
        Ok(ShownGroup::of(call.state(), &group))
    }
}

/// Say what the clocks of a group's computers show, for deadlines in local time.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetGroupClock {
    /// Its name.
    pub name: String,
    /// Minutes ahead of UTC; none to go by the group above.
    #[schemars(range(min = -840, max = 840))]
    pub utc_offset: Option<i16>,
}

impl Operation for SetGroupClock {
    type Answer = ShownGroup;
    const ROUTE: Route = Route::put("/groups/{name}/clock");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let group = call.state().set_group_clock(call.by(), self.name, self.utc_offset).await?;
        Ok(ShownGroup::of(call.state(), &group))
    }
}

/// Delete a group with its approvals.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteGroup {
    /// Its name.
    pub name: String,
    /// What becomes of the groups below it; `refuse` if it is not said.
    pub children: Option<Children>,
    /// What becomes of its computers; `release` if it is not said.
    pub members: Option<Members>,
}

impl Operation for DeleteGroup {
    type Answer = DeletedGroup;
    const ROUTE: Route = Route::delete("/groups/{name}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let children = self.children.unwrap_or(Children::Refuse);
        let members = self.members.unwrap_or(Members::Release);
        let group = call.state().delete_group(call.by(), self.name, children, members).await?;
        Ok(DeletedGroup { id: group.id, name: group.name })
    }
}

/// A group that is no more.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeletedGroup {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShownGroup {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The names of all groups above it, and its own.
    pub path: String,
    /// How far its clocks are ahead of UTC, if it says so itself.
    pub utc_offset: Option<String>,
}

impl ShownGroup {
    fn of(state: &State, group: &TargetGroup) -> Self {
        Self {
            id: group.id,
            name: group.name.clone(),
            path: state.published().policy.path(group.id),
            utc_offset: group.utc_offset.map(offset),
        }
    }
}
