//! `weir group`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::output::{cell, fields, table};
use super::{CliError, Context};
use crate::admin::groups::{
    CreateGroup, DeleteGroup, ListGroups, MoveGroup, RenameGroup, SetGroupClock,
};
use crate::state::{Children, Members};

/// Manage target groups.
#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// All groups.
    List,
    /// All groups as a tree.
    Tree,
    /// Create a group.
    Create {
        /// Its name.
        name: String,
        /// The group above it; without it All Computers.
        #[arg(long, value_name = "NAME")]
        parent: Option<String>,
    },
    /// Move a group, with all groups below it.
    Move {
        /// Its name.
        name: String,
        /// The group above it; without it All Computers.
        #[arg(long, value_name = "NAME")]
        parent: Option<String>,
    },
    /// Give a group another name.
    Rename {
        /// Its name.
        name: String,
        /// The new one.
        new_name: String,
    },
    /// Say what the clocks of a group's computers show, for deadlines in local time.
    Clock {
        /// Its name.
        name: String,
        /// How far ahead of UTC, for example +05:30; or `inherit` to go by the group above.
        #[arg(value_parser = parse_offset, allow_hyphen_values = true)]
        offset: Offset,
    },
    /// Delete a group with its approvals.
    Delete(Delete),
}

/// How a group is deleted.
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Its name.
    name: String,
    /// What becomes of the groups below it; without it a group that has any is not deleted.
    #[arg(long)]
    children: Option<ChildrenChoice>,
    /// Put its computers into the group above, instead of only taking them out.
    #[arg(long)]
    computers_up: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ChildrenChoice {
    /// They move to where the group was.
    Up,
    /// They are deleted too.
    Delete,
}

/// Minutes ahead of UTC; none to inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset(Option<i16>);

fn parse_offset(text: &str) -> Result<Offset, String> {
    const EXPECTED: &str = "an offset is written as +05:30, -08:00 or inherit";
    if text.eq_ignore_ascii_case("inherit") {
        return Ok(Offset(None));
    }
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(EXPECTED.into()),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    match (hours.parse::<u8>(), minutes.parse::<u8>()) {
        (Ok(hours @ 0..=14), Ok(minutes @ 0..=59)) => {
            Ok(Offset(Some(sign * (i16::from(hours) * 60 + i16::from(minutes)))))
        }
        _ => Err(EXPECTED.into()),
    }
}

impl Group {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::List => context.show(ListGroups {}, list).await,
            Self::Tree => context.show(ListGroups {}, tree).await,
            Self::Create { name, parent } => {
                context.show(CreateGroup { name, parent }, fields).await
            }
            Self::Move { name, parent } => context.show(MoveGroup { name, parent }, fields).await,
            Self::Rename { name, new_name } => {
                context.show(RenameGroup { name, new_name }, fields).await
            }
            Self::Clock { name, offset: Offset(utc_offset) } => {
                context.show(SetGroupClock { name, utc_offset }, fields).await
            }
            Self::Delete(Delete { name, children, computers_up }) => {
                let children = children.map(|choice| match choice {
                    ChildrenChoice::Up => Children::MoveUp,
                    ChildrenChoice::Delete => Children::Delete,
                });
                let members = computers_up.then_some(Members::MoveUp);
                context.show(DeleteGroup { name, children, members }, fields).await
            }
        }
    }
}

fn list(groups: &Value) -> String {
    let rows = groups.as_array().into_iter().flatten();
    let rows = rows.map(|group| vec![cell(&group["path"]), cell(&group["computers"])]);
    table(&["GROUP", "COMPUTERS"], rows.collect())
}

fn tree(groups: &Value) -> String {
    let rows = groups.as_array().into_iter().flatten().map(|group| {
        let depth = group["depth"].as_u64().and_then(|depth| usize::try_from(depth).ok());
        let indent = "  ".repeat(depth.unwrap_or(0));
        let name = format!("{indent}{}", cell(&group["name"]));
        vec![name, cell(&group["computers"]), cell(&group["utc_offset"])]
    });
    table(&["GROUP", "COMPUTERS", "CLOCK"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_people_write_them() {
        for (text, minutes) in [("+05:30", 330), ("-08:00", -480), ("+2", 120), ("+00:00", 0)] {
            assert_eq!(parse_offset(text), Ok(Offset(Some(minutes))), "{text}");
        }
        assert_eq!(parse_offset("inherit"), Ok(Offset(None)));
        for text in ["", "05:30", "+5:60", "+15:00", "+x", "\u{e9}"] {
            assert!(parse_offset(text).is_err(), "{text}");
        }
    }
}
