//! Queries in WQL, as far as publishers use it: `SELECT ... FROM Class [WHERE condition]`.
//!
//! Such a rule holds if the query finds anything. A namespace or class that the profile does not
//! have makes it unknown: nobody can write down a whole repository of objects. A class that is
//! there, with objects or without, is taken to be complete.

use super::Truth;
use super::attributes::{Attributes, Unfit};
use super::comparison::Comparison;
use super::wql::{Token, tokens};
use crate::fleet::profile::{AnyCase, Profile, WmiValue};

/// Deepest nesting of parentheses and negations. Real queries have one or two.
const DEPTH: usize = 16;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    namespace: Box<str>,
    class: Box<str>,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Box<str>, Comparison, WmiValue),
    Like(Box<str>, Box<str>),
    IsNull(Box<str>),
}

/// Reads one query from its tokens.
struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
}

impl Query {
    pub(super) fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let namespace = from.text("Namespace").unwrap_or(r"root\cimv2").trim();
        let namespace = namespace.replace('/', r"\").to_lowercase();
        // `\\.\` in front is this machine.
        let namespace = namespace.trim_start_matches(r"\\.\").trim_matches('\\').into();
        let query = from.required("WqlQuery")?;
        let (class, condition) = Parser::parse(query).ok_or(Unfit("WqlQuery"))?;
        Ok(Self { namespace, class, condition })
    }

    pub(super) fn holds(&self, machine: &Profile) -> Truth {
        let objects = machine.wmi.get(&self.namespace).and_then(|all| all.get(&self.class));
        let Some(objects) = objects else { return Truth::Unknown };
        Truth::any(objects.iter().map(|object| self.condition.holds(object)))
    }
}

impl Condition {
    /// A property that the profile leaves out is unknown.
    fn holds(&self, object: &AnyCase<WmiValue>) -> Truth {
        match self {
            Self::All(conditions) => Truth::all(conditions.iter().map(|part| part.holds(object))),
            Self::Any(conditions) => Truth::any(conditions.iter().map(|part| part.holds(object))),
            Self::Not(condition) => !condition.holds(object),
            Self::Compare(property, comparison, value) => {
                let compare = |own: &WmiValue| match order(own, value) {
                    Some(order) => Truth::from(comparison.holds(order)),
                    // Nothing compares with null, and text does not with numbers.
                    None => Truth::False,
                };
                object.get(property).map_or(Truth::Unknown, compare)
            }
            Self::Like(property, pattern) => match object.get(property) {
                Some(WmiValue::Text(text)) => like(&text.to_lowercase(), pattern).into(),
                Some(_) => Truth::False,
                None => Truth::Unknown,
            },
            Self::IsNull(property) => {
                object.get(property).map(|value| *value == WmiValue::Null(())).into()
            }
        }
    }
}

impl<'t> Parser<'t> {
    fn parse(query: &'t str) -> Option<(Box<str>, Condition)> {
        let mut parser = Self { tokens: tokens(query)?.into_iter().peekable() };
        parser.keyword("select")?;
        while !parser.is_keyword("from") {
            parser.tokens.next()?;
        }
        parser.keyword("from")?;
        let class = parser.name()?;
        let condition = match parser.tokens.peek() {
            None => Condition::All(Vec::new()),
            Some(_) => {
                parser.keyword("where")?;
                parser.alternatives(DEPTH)?
            }
        };
        parser.tokens.next().is_none().then_some((class, condition))
    }

    fn alternatives(&mut self, depth: usize) -> Option<Condition> {
        let mut parts = vec![self.conjunction(depth)?];
        while self.keyword("or").is_some() {
            parts.push(self.conjunction(depth)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn conjunction(&mut self, depth: usize) -> Option<Condition> {
        let mut parts = vec![self.term(depth)?];
        while self.keyword("and").is_some() {
            parts.push(self.term(depth)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn term(&mut self, depth: usize) -> Option<Condition> {
        let depth = depth.checked_sub(1)?;
        if self.keyword("not").is_some() {
            return Some(Condition::Not(Box::new(self.term(depth)?)));
        }
        if self.tokens.next_if_eq(&Token::Sign("(")).is_some() {
            let within = self.alternatives(depth)?;
            self.tokens.next_if_eq(&Token::Sign(")"))?;
            return Some(within);
        }
        let property = self.name()?;
        if self.keyword("is").is_some() {
            let negated = self.keyword("not").is_some();
            self.keyword("null")?;
            let is_null = Condition::IsNull(property);
            return Some(if negated { Condition::Not(Box::new(is_null)) } else { is_null });
        }
        if self.keyword("like").is_some() {
            let Token::Text(pattern) = self.tokens.next()? else { return None };
            return Some(Condition::Like(property, pattern.to_lowercase().into()));
        }
        let Token::Sign(sign) = self.tokens.next()? else { return None };
        let comparison = match sign {
            "=" | "!=" | "<>" => Comparison::EqualTo,
            "<" => Comparison::LessThan,
            "<=" => Comparison::LessThanOrEqualTo,
            ">" => Comparison::GreaterThan,
            ">=" => Comparison::GreaterThanOrEqualTo,
            _ => return None,
        };
        let compare = Condition::Compare(property, comparison, self.value()?);
        let negated = matches!(sign, "!=" | "<>");
        Some(if negated { Condition::Not(Box::new(compare)) } else { compare })
    }

    fn value(&mut self) -> Option<WmiValue> {
        Some(match self.tokens.next()? {
            Token::Text(text) => WmiValue::Text(text),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => WmiValue::Flag(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => WmiValue::Flag(false),
            Token::Word(word) => WmiValue::Number(word.parse().ok()?),
            Token::Sign(_) => return None,
        })
    }

    fn name(&mut self) -> Option<Box<str>> {
        match self.tokens.next()? {
            Token::Word(word) => Some(word.to_lowercase().into()),
            _ => None,
        }
    }

    fn is_keyword(&mut self, keyword: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn keyword(&mut self, keyword: &str) -> Option<()> {
        self.is_keyword(keyword).then(|| {
            self.tokens.next();
        })
    }
}

/// How a property stands to a literal; numbers and booleans may be written as text.
fn order(own: &WmiValue, value: &WmiValue) -> Option<std::cmp::Ordering> {
    let number = |value: &WmiValue| match value {
        WmiValue::Number(number) => Some(*number),
        WmiValue::Flag(flag) => Some((*flag).into()),
        WmiValue::Text(text) if text.eq_ignore_ascii_case("true") => Some(1),
        WmiValue::Text(text) if text.eq_ignore_ascii_case("false") => Some(0),
        WmiValue::Text(text) => text.trim().parse().ok(),
        WmiValue::Null(()) => None,
    };
    match (own, value) {
        (WmiValue::Text(own), WmiValue::Text(value)) => {
            Some(own.to_lowercase().cmp(&value.to_lowercase()))
        }
        _ => Some(number(own)?.cmp(&number(value)?)),
    }
}

/// `LIKE`: `%` stands for anything, `_` for one character, `[abc]`, `[a-z]` and `[^a]` for one of a
/// set. Both are in lower case. The work is bounded by the product of the two lengths.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    // reached[i]: the pattern so far matches the first `i` characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut at = 0;
    while let Some(&symbol) = pattern.get(at) {
        at += 1;
        if symbol == '%' {
            let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
            reached.iter_mut().skip(first).for_each(|reached| *reached = true);
            continue;
        }
        let set = match symbol {
            '[' => pattern.get(at..).and_then(|rest| {
                let end = rest.iter().position(|c| *c == ']')?;
                at += end + 1;
                rest.get(..end)
            }),
            _ => None,
        };
        let fits = |c: char| match set {
            Some(['^', set @ ..]) => !is_in(c, set),
            Some(set) => is_in(c, set),
            None => symbol == '_' || c == symbol,
        };
        let mut next = vec![false; text.len() + 1];
        for ((reached, c), next) in reached.iter().zip(&text).zip(next.iter_mut().skip(1)) {
            *next = *reached && fits(*c);
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

fn is_in(c: char, mut set: &[char]) -> bool {
    loop {
        let (is_in, rest) = match set {
            [low, '-', high, rest @ ..] => ((*low..=*high).contains(&c), rest),
            [only, rest @ ..] => (*only == c, rest),
            [] => return false,
        };
        if is_in {
            return true;
        }
        set = rest;
    }
}
