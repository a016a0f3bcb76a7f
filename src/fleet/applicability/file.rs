//! Rules about files.
//!
//! A path is relative to a folder that the rule names by its CSIDL, or by a `REG_SZ` that holds it.
//! A file that is not there makes a rule false; one whose version, size or date the profile does
//! not give makes a rule about that unknown, except that a file may really have no version.

use std::borrow::Cow;

use super::attributes::{Attributes, Unfit};
use super::comparison::{Comparison, Step};
use super::reach::Reach;
use super::registry::Place;
use super::{Question, Truth};
use crate::fleet::profile::{Architecture, FileFacts, Profile, Version};
use crate::metadata::values::unix_time;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    /// The whole path in lower case, on 64-bit systems and on others.
    Fixed { native: Box<str>, on_x86: Option<Box<str>> },
    /// In the folder that a value names.
    Under { folder: Place, path: Box<str> },
}

/// What is asked of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// It is there and has all of these.
    Exists(FileFacts),
    Version(Comparison, Version),
    Size(Comparison, u64),
    Created(Comparison, i64),
    Modified(Comparison, i64),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileRule {
    location: Location,
    test: Test,
}

impl FileRule {
    /// Reads the rule called `name` without its schema's prefix; none if it is no rule of this
    /// kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        let (test, prepended) = match name.strip_suffix("PrependRegSz") {
            Some(test) => (test, true),
            None => (name, false),
        };
        let test = match test {
            "FileExists" => Test::read_exists(from),
            "FileVersion" => compared(from, "Version", Test::Version),
            "FileSize" => compared(from, "Size", Test::Size),
            "FileCreated" => Test::read_moment(from, "Created", Test::Created),
            "FileModified" => Test::read_moment(from, "Modified", Test::Modified),
            _ => return None,
        };
        Some(test.and_then(|test| Ok(Self { location: Location::read(from, prepended)?, test })))
    }

    pub(super) fn holds(&self, question: Question<'_>) -> Truth {
        let path = self.location.on(question);
        let Some(file) = path.and_then(|path| question.machine.files.get(&path)) else {
            return Truth::False;
        };
        match &self.test {
            Test::Exists(wanted) => wanted.is_matched_by(file),
            Test::Version(comparison, version) => {
                file.version.is_some_and(|own| comparison.holds(own.cmp(version))).into()
            }
            Test::Size(comparison, size) => {
                file.size.map(|own| comparison.holds(own.cmp(size))).into()
            }
            Test::Created(comparison, moment) => {
                file.created.map(|own| comparison.holds(own.cmp(moment))).into()
            }
            Test::Modified(comparison, moment) => {
                file.modified.map(|own| comparison.holds(own.cmp(moment))).into()
            }
        }
    }

    /// How near the machine is to what [`FileRule::establish`] makes of it.
    pub(super) fn reach(&self, wanted: bool, question: Question<'_>) -> Reach {
        let Some(path) = self.location.on(question) else { return Reach::of(!wanted, true) };
        let is_there = question.machine.files.get(&path).is_some();
        Reach::of(!wanted || self.test.witness(&FileFacts::default()).is_some(), is_there)
    }

    /// Makes the rule true, or false by taking the file away.
    pub(super) fn establish(&self, wanted: bool, machine: &mut Profile) {
        let path = self.location.on(Question::about(machine)).map(Cow::into_owned);
        let Some(path) = path else { return };
        if !wanted {
            machine.files.remove(&path);
            return;
        }
        let file = machine.files.get(&path).cloned().unwrap_or_default();
        if let Some(file) = self.test.witness(&file) {
            machine.files.insert(&path, file);
        }
    }
}

impl Location {
    fn read(from: &Attributes<'_>, prepended: bool) -> Result<Self, Unfit> {
        let path = from.required("Path")?;
        if prepended {
            return Ok(Self::Under { folder: Place::read(from)?, path: canonical(path).into() });
        }
        let Some(csidl) = from.perhaps::<i32>("Csidl")? else {
            return Ok(Self::Fixed { native: canonical(path).into(), on_x86: None });
        };
        let (native, on_x86) = folder(csidl).ok_or(Unfit("Csidl"))?;
        let within = |folder: &str| canonical(&format!(r"{folder}\{path}")).into();
        Ok(Self::Fixed { native: within(native), on_x86: on_x86.map(within) })
    }

    /// The path on this machine, unless the registry does not say.
    fn on(&self, question: Question<'_>) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Fixed { on_x86: Some(path), .. }
                if question.machine.architecture == Architecture::X86 =>
            {
                Cow::Borrowed(path)
            }
            Self::Fixed { native, .. } => Cow::Borrowed(native),
            Self::Under { folder, path } => {
                canonical(&format!(r"{}\{path}", folder.sz(question)?)).into()
            }
        })
    }
}

impl Test {
    fn read_exists(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let moment = |name| match from.text(name) {
            Some(text) => unix_time(text).map(Some).ok_or(Unfit(name)),
            None => Ok(None),
        };
        Ok(Self::Exists(FileFacts {
            version: from.perhaps("Version")?,
            size: from.perhaps("Size")?,
            created: moment("Created")?,
            modified: moment("Modified")?,
            language: from.perhaps("Language")?,
        }))
    }

    fn read_moment(
        from: &Attributes<'_>,
        name: &'static str,
        test: fn(Comparison, i64) -> Self,
    ) -> Result<Self, Unfit> {
        let moment = unix_time(from.required(name)?).ok_or(Unfit(name))?;
        Ok(test(from.comparison()?, moment))
    }

    /// The file changed so that it passes the test.
    fn witness(&self, file: &FileFacts) -> Option<FileFacts> {
        let mut file = file.clone();
        match self {
            Self::Exists(wanted) => {
                file.version = wanted.version.or(file.version);
                file.size = wanted.size.or(file.size);
                file.created = wanted.created.or(file.created);
                file.modified = wanted.modified.or(file.modified);
                file.language = wanted.language.or(file.language);
            }
            Self::Version(comparison, version) => {
                file.version = Some(comparison.witness(*version)?);
            }
            Self::Size(comparison, size) => file.size = Some(comparison.witness(*size)?),
            Self::Created(comparison, moment) => {
                file.created = Some(comparison.witness(*moment)?);
            }
            Self::Modified(comparison, moment) => {
                file.modified = Some(comparison.witness(*moment)?);
            }
        }
        Some(file)
    }
}

impl FileFacts {
    /// Whether `file` has everything that is given here.
    fn is_matched_by(&self, file: &Self) -> Truth {
        fn same<T: PartialEq>(wanted: Option<T>, own: Option<T>) -> Truth {
            wanted.map_or(Truth::True, |wanted| own.map(|own| own == wanted).into())
        }
        let version = self.version.is_none_or(|wanted| file.version == Some(wanted));
        Truth::all([
            version.into(),
            same(self.size, file.size),
            same(self.created, file.created),
            same(self.modified, file.modified),
            same(self.language, file.language),
        ])
    }
}

fn compared<T: Step + std::str::FromStr>(
    from: &Attributes<'_>,
    name: &'static str,
    test: fn(Comparison, T) -> Test,
) -> Result<Test, Unfit> {
    Ok(test(from.comparison()?, from.value(name)?))
}

/// The folder of a CSIDL on 64-bit systems, and on others if it is another there. Those of users
/// are left out: an agent runs as none.
fn folder(csidl: i32) -> Option<(&'static str, Option<&'static str>)> {
    Some(match csidl {
        0x23 => (r"c:\programdata", None),
        0x24 => (r"c:\windows", None),
        0x25 => (r"c:\windows\system32", None),
        0x26 => (r"c:\program files", None),
        0x29 => (r"c:\windows\syswow64", Some(r"c:\windows\system32")),
        0x2a => (r"c:\program files (x86)", Some(r"c:\program files")),
        0x2b => (r"c:\program files\common files", None),
        0x2c => (r"c:\program files (x86)\common files", Some(r"c:\program files\common files")),
        _ => return None,
    })
}

/// In lower case, without a backslash at the end or twice in a row, as the schema demands before
/// a file is looked at. Two at the beginning are a server's.
fn canonical(path: &str) -> String {
    let path = path.trim().replace('/', r"\").to_lowercase();
    let parts: Vec<&str> = path.split('\\').filter(|part| !part.is_empty()).collect();
    let server = if path.starts_with(r"\\") { r"\\" } else { "" };
    format!("{server}{}", parts.join(r"\"))
}
