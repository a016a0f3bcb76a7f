//! The table of all operations: what is routed, described, checked and tested is what stands here.

use std::pin::Pin;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::api::schema::settings;
use super::operation::{carry_out, field};
use super::{
    AdminError, Call, Download, Operation, Route, Upload, accounts, api, audit, backup, cleanup,
    computers, content, downstream, events, groups, health, import, jobs, notifications, packages,
    placements, reports, rules, session, sync, tokens, update_groups, updates,
};

/// One operation, its type forgotten.
pub struct Endpoint {
    /// The name of its struct.
    pub name: &'static str,
    /// Where it is.
    pub route: Route,
    /// The body that comes with it, if that is not JSON.
    pub upload: Option<Upload>,
    /// The body of its answer, if that is not JSON.
    pub download: Option<Download>,
    /// What its fields may be: a schema that is whole by itself.
    pub input: Value,
    /// What its answer is: a schema that is whole by itself.
    pub answer: Value,
    /// Whether it is a job.
    pub long: bool,
    /// [`Operation::HERE`]
    pub here: bool,
    /// Adds the schema of its fields to others.
    pub describe_input: fn(&mut SchemaGenerator) -> Schema,
    /// Adds the schema of its answer to others.
    pub describe_answer: fn(&mut SchemaGenerator) -> Schema,
    run: fn(Value, Call) -> Running,
}

/// Fields that stand in a path, by their names.
pub(super) type PathFields = Vec<(&'static str, String)>;

/// An operation that is carried out.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<Value, AdminError>> + Send>>;

/// All operations.
pub fn endpoints() -> &'static [Endpoint] {
    static ALL: LazyLock<Vec<Endpoint>> = LazyLock::new(all);
    &ALL
}

macro_rules! table {
    ($($operation:path),* $(,)?) => {
        vec![$(Endpoint::of::<$operation>()),*]
    };
}

fn all() -> Vec<Endpoint> {
    table![
        health::CheckHealth,
        api::describe::DescribeApi,
        session::LogIn,
        session::ShowSession,
        session::LogOut,
        accounts::ListAccounts,
        accounts::CreateAccount,
        accounts::SetPassword,
        accounts::ChangeOwnPassword,
        accounts::SetRole,
        accounts::DeleteAccount,
        tokens::ListTokens,
        tokens::CreateToken,
        tokens::RevokeToken,
        updates::ListUpdates,
        updates::ShowUpdate,
        updates::ShowFragment,
        updates::ApproveUpdate,
        updates::DeclineUpdate,
        updates::AcceptLicences,
        updates::TagUpdate,
        updates::DeleteUpdate,
        updates::RestoreUpdate,
        update_groups::ListUpdateGroups,
        update_groups::CreateUpdateGroup,
        update_groups::ChangeUpdateGroup,
        update_groups::DeployUpdateGroup,
        update_groups::WithdrawUpdateGroup,
        update_groups::DeleteUpdateGroup,
        packages::ListPackages,
        packages::ShowPackage,
        packages::CreatePackage,
        packages::ChangePackage,
        packages::ExportPackage,
        packages::VerifyPackage,
        packages::DeletePackage,
        rules::ListRules,
        rules::PutRule,
        rules::RemoveRule,
        rules::PreviewRule,
        rules::RunRule,
        cleanup::PreviewCleanup,
        cleanup::RunCleanup,
        audit::ListAudit,
        audit::UndoDecision,
        groups::ListGroups,
        groups::CreateGroup,
        groups::MoveGroup,
        groups::RenameGroup,
        groups::SetGroupClock,
        groups::DeleteGroup,
        placements::ListPlacements,
        placements::AddPlacement,
        placements::RemovePlacement,
        computers::ListComputers,
        computers::ShowComputer,
        computers::MoveComputer,
        computers::DeleteComputer,
        reports::ReportUpdates,
        reports::ReportComputers,
        reports::ReportSyncs,
        reports::ReportTrend,
        downstream::ListDownstream,
        downstream::ShowDownstream,
        downstream::ApproveDownstream,
        downstream::ForgetDownstream,
        content::ShowContent,
        content::AddContent,
        content::VerifyContent,
        import::ImportDocuments,
        events::FollowEvents,
        backup::BackUp,
        notifications::ListNotifications,
        notifications::PutNotification,
        notifications::RemoveNotification,
        notifications::TestNotification,
        jobs::ListJobs,
        jobs::ShowJob,
        jobs::CancelJob,
        sync::ShowSync,
        sync::ShowSyncSource,
        sync::SetSyncSource,
        sync::ListSyncCategories,
        sync::ShowSyncSelection,
        sync::ChangeSyncSelection,
        sync::StartSync,
        sync::ListSyncs,
        sync::CancelSync,
        sync::ReportUpstream,
        sync::ShowSyncSchedule,
        sync::SetSyncSchedule,
    ]
}

impl Endpoint {
    fn of<O: Operation>() -> Self {
        let generator = || settings().into_generator();
        Self {
            name: name::<O>(),
            route: O::ROUTE,
            upload: O::UPLOAD,
            download: O::DOWNLOAD,
            input: generator().into_root_schema_for::<O>().to_value(),
            answer: generator().into_root_schema_for::<O::Answer>().to_value(),
            long: O::LONG,
            here: O::HERE,
            describe_input: described::<O>,
            describe_answer: described::<O::Answer>,
            run: run::<O>,
        }
    }

    /// Carries the operation out with fields that fit its schema.
    pub(super) fn run(&self, fields: Value, call: Call) -> Running {
        (self.run)(fields, call)
    }

    /// The fields that a path has in its segments, if the path is this operation's; the segments
    /// are decoded.
    pub(super) fn fields_in(&self, path: &[String]) -> Option<PathFields> {
        let own = self.route.path.trim_start_matches('/').split('/');
        if own.clone().count() != path.len() {
            return None;
        }
        let mut fields = Vec::new();
        for (own, segment) in own.zip(path) {
            match field(own) {
                Some(_) if segment.is_empty() => return None,
                Some(name) => fields.push((name, segment.clone())),
                None if own == segment => {}
                None => return None,
            }
        }
        Some(fields)
    }
}

/// The name of an operation's struct.
pub(super) fn name<O>() -> &'static str {
    let name = std::any::type_name::<O>();
    name.rsplit_once("::").map_or(name, |(_, name)| name)
}

fn described<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn run<O: Operation>(fields: Value, call: Call) -> Running {
    Box::pin(async move {
        let operation: O = serde_json::from_value(fields)
            .map_err(|error| AdminError::invalid("", error.to_string()))?;
        let answer = carry_out(operation, call).await?;
        serde_json::to_value(answer).map_err(|error| AdminError::Misunderstood(error.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    #[test]
    fn no_two_operations_share_a_name_or_a_route() {
        let names: BTreeSet<&str> = endpoints().iter().map(|endpoint| endpoint.name).collect();
        assert_eq!(names.len(), endpoints().len());
        let mut routes = BTreeMap::new();
        for endpoint in endpoints() {
            let shape: Vec<&str> = endpoint.route.path.split('/').collect();
            let shape: Vec<&str> =
                shape.into_iter().map(|it| field(it).map_or(it, |_| "{}")).collect();
            let before = routes.insert((endpoint.route.method, shape.join("/")), endpoint.name);
            assert_eq!(before, None, "{}", endpoint.name);
        }
    }

    #[test]
    fn what_a_path_names_is_a_field_and_what_a_query_carries_is_plain() {
        for Endpoint { name, route, upload, input, .. } in endpoints() {
            let none = serde_json::Map::new();
            let fields = input["properties"].as_object().unwrap_or(&none);
            for field in route.fields() {
                assert!(fields.contains_key(field), "{name} has no field {field}");
            }
            let in_query = !route.method.has_body() || upload.is_some();
            for (field, schema) in fields.iter().filter(|_| in_query) {
                let kind = &schema["type"];
                assert!(kind != "object", "{name}.{field} does not fit into a query: {schema}");
            }
        }
    }
}
