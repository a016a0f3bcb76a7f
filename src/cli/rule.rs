//! `weir rule`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{cell, fields, table};
use super::terms::RuleTermsArgs;
use super::{CliError, Context};
use crate::admin::rules::{ListRules, PreviewRule, PutRule, RemoveRule, RunRule};
use crate::policy::rule::{Criteria, DEFAULT_CAP, Schedule};

/// Manage rules that deploy updates by themselves.
#[derive(Debug, Subcommand)]
pub(super) enum Rule {
    /// All rules.
    List,
    /// Add a rule, or replace the one of the same name. Of options that may be given several times,
    /// one has to fit; texts are patterns with * and ?.
    Add(Box<Add>),
    /// Remove a rule. What it deployed stays.
    Remove {
        /// Its name.
        name: String,
    },
    /// Show what a rule would do now, without doing it.
    Preview {
        /// Its name.
        name: String,
    },
    /// Run a rule now.
    Run {
        /// Its name.
        name: String,
    },
}

/// A rule.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its name.
    name: String,
    /// A product or product family, by title or id.
    #[arg(long = "product")]
    products: Vec<String>,
    /// A classification, by title or id.
    #[arg(long = "classification")]
    classifications: Vec<String>,
    /// A company, by title or id.
    #[arg(long = "vendor")]
    vendors: Vec<String>,
    /// A title, for example "*Cumulative Update*".
    #[arg(long = "title")]
    titles: Vec<String>,
    /// A knowledge base article.
    #[arg(long = "kb")]
    kb_articles: Vec<String>,
    /// A security bulletin.
    #[arg(long = "bulletin")]
    bulletins: Vec<String>,
    /// A severity: Critical, Important, Moderate or Low.
    #[arg(long = "severity")]
    severities: Vec<String>,
    /// A language that it is for, for example de; an update that names none is for all.
    #[arg(long = "language")]
    languages: Vec<String>,
    /// x64, x86 or arm64, as titles name it.
    #[arg(long = "architecture")]
    architectures: Vec<String>,
    /// A tag (`weir update tag`).
    #[arg(long = "tag")]
    tags: Vec<String>,
    /// Only updates released in so many days.
    #[arg(long, value_name = "DAYS")]
    released_within: Option<u32>,
    /// Only updates whose latest revision was made in so many days.
    #[arg(long, value_name = "DAYS")]
    revised_within: Option<u32>,
    /// Only updates that others replace (true), or that none does (false).
    #[arg(long, value_name = "BOOL")]
    superseded: Option<bool>,
    /// Only updates that so many computers need.
    #[arg(long, value_name = "N")]
    required: Option<u64>,
    /// Only updates with at least so many bytes of files.
    #[arg(long, value_name = "BYTES")]
    min_size: Option<u64>,
    /// Only updates with at most so many bytes of files.
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u64>,
    /// When it runs: manual, after-sync, or "minute hour day month weekday" in UTC.
    #[arg(long, default_value = "after-sync", value_parser = parse_schedule)]
    schedule: Schedule,
    /// A group that the updates are deployed to; all get the same terms.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    #[command(flatten)]
    terms: RuleTermsArgs,
    /// Put the updates into this update group; {date} in it makes a new one for each day.
    #[arg(long, value_name = "NAME")]
    into: Option<String>,
    /// Prepare the deployments of the update group, and approve nothing yet.
    #[arg(long, requires = "into")]
    disabled: bool,
    /// Most updates in one run; with more the rule stops and deploys none.
    #[arg(long, default_value_t = DEFAULT_CAP, value_name = "N")]
    cap: u32,
}

fn parse_schedule(text: &str) -> Result<Schedule, String> {
    match text {
        "manual" => Ok(Schedule::Manual),
        "after-sync" => Ok(Schedule::AfterSync),
        cron => cron.parse().map(Schedule::At).map_err(|error| format!("{error}")),
    }
}

impl Rule {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListRules {}, list).await,
            Self::Add(add) => context.show(add.rule(), fields).await,
            Self::Remove { name } => context.show(RemoveRule { name }, fields).await,
            Self::Preview { name } => context.show(PreviewRule { name }, fields).await,
            Self::Run { name } => context.show(RunRule { name }, fields).await,
        }
    }
}

impl Add {
    fn rule(self) -> PutRule {
        let targets = self.groups.into_iter().map(|group| self.terms.target(group)).collect();
        PutRule {
            name: self.name,
            criteria: Criteria {
                products: self.products,
                classifications: self.classifications,
                vendors: self.vendors,
                titles: self.titles,
                kb_articles: self.kb_articles,
                bulletins: self.bulletins,
                severities: self.severities,
                languages: self.languages,
                architectures: self.architectures,
                tags: self.tags,
                released_within: self.released_within,
                revised_within: self.revised_within,
                superseded: self.superseded,
                required: self.required,
                min_size: self.min_size,
                max_size: self.max_size,
            },
            schedule: self.schedule,
            targets,
            update_group: self.into,
            enables: !self.disabled,
            cap: self.cap,
        }
    }
}

fn list(rules: &Value) -> String {
    let columns =
        ["name", "criteria", "schedule", "targets", "update_group", "last_run", "stopped"];
    let rows = rules.as_array().into_iter().flatten();
    let rows = rows.map(|rule| columns.iter().map(|column| cell(&rule[*column])).collect());
    let headings =
        ["RULE", "UPDATES", "RUNS", "DEPLOYS TO", "UPDATE GROUP", "LAST RUN", "STOPPED BECAUSE"];
    table(&headings, rows.collect())
}
