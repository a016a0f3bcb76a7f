//! Parts of lists: every operation whose answer is a list can be asked for some of it.
//!
//! What is asked for stands in the query beside the operation's own fields, and how much there is and
//! where it goes on in the headers of the answer, so that the answer itself is always the list. The
//! fields to sort and to filter by are those of the list's entries.

use std::cmp::{Ordering, Reverse};

use hyper::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use serde_json::{Value, json};

use super::schema::resolve;
use crate::admin::{AdminError, Endpoint, FieldError};
use crate::policy::placement::matches_pattern;

/// Most entries of a page that is asked for.
const PAGE: usize = 10_000;
/// Most orders and filters of one request.
const WISHES: usize = 8;
/// How many entries there are without a page.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Which part of a list is wanted, and in which order.
#[derive(Debug, Default)]
pub(super) struct Listing {
    limit: Option<usize>,
    offset: usize,
    sort: Vec<(String, bool)>,
    filters: Vec<(String, String)>,
}

/// The parameters, for the description of an operation whose answer is a list; nothing for others.
pub(super) fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    if fields(endpoint).is_none() {
        return Vec::new();
    }
    let parameter = |name: &str, schema: Value, description: &str| {
        json!({
            "name": name,
            "in": "query",
            "required": false,
            "schema": schema,
            "description": description,
        })
    };
    let texts = json!({ "type": "array", "items": { "type": "string" }, "maxItems": WISHES });
    vec![
        parameter(
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": PAGE }),
            "Most entries. The header Link has the next ones, X-Total-Count how many there are.",
        ),
        parameter(
            "offset",
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            "Entries to leave out at the beginning.",
        ),
        parameter("sort", texts.clone(), "A field to sort by; with - in front, backwards."),
        parameter(
            "filter",
            texts,
            "FIELD:PATTERN with * and ?; only entries with a fitting field. All of several hold.",
        ),
    ]
}

/// The names of the fields of a list's entries; none if the answer is no list.
fn fields(endpoint: &Endpoint) -> Option<Vec<&str>> {
    let answer = &endpoint.answer;
    let items = resolve(answer, answer.get("items").filter(|_| answer["type"] == "array")?);
    Some(items["properties"].as_object()?.keys().map(String::as_str).collect())
}

impl Listing {
    /// Takes its own out of a query's pairs.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names what is wrong.
    pub(super) fn take(
        endpoint: &Endpoint,
        pairs: &mut Vec<(String, String)>,
    ) -> Result<Option<Self>, AdminError> {
        let Some(known) = fields(endpoint) else { return Ok(None) };
        let mut listing = Self::default();
        let mut wrong = Vec::new();
        let mut seen = Vec::new();
        pairs.retain(|(name, value)| {
            let problem = match name.as_str() {
                "limit" | "offset" if seen.contains(name) => Some("is given twice".to_owned()),
                "limit" => listing.set_limit(value),
                "offset" => listing.set_offset(value),
                "sort" => listing.add_sort(value, &known),
                "filter" => listing.add_filter(value, &known),
                _ => return true,
            };
            seen.push(name.clone());
            wrong.extend(problem.map(|problem| FieldError { field: name.clone(), problem }));
            false
        });
        if wrong.is_empty() { Ok(Some(listing)) } else { Err(AdminError::Invalid(wrong)) }
    }

    fn set_limit(&mut self, text: &str) -> Option<String> {
        self.limit = text.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
        self.limit.is_none().then(|| format!("has to be a number from 1 to {PAGE}"))
    }

    fn set_offset(&mut self, text: &str) -> Option<String> {
        let offset = text.parse::<u32>().ok().and_then(|offset| usize::try_from(offset).ok());
        self.offset = offset.unwrap_or(0);
        offset.is_none().then(|| format!("has to be a number from 0 to {}", u32::MAX))
    }

    fn add_sort(&mut self, text: &str, known: &[&str]) -> Option<String> {
        let (field, backwards) = match text.strip_prefix('-') {
            Some(field) => (field, true),
            None => (text, false),
        };
        self.sort.push((field.to_owned(), backwards));
        refused(field, known, self.sort.len())
    }

    fn add_filter(&mut self, text: &str, known: &[&str]) -> Option<String> {
        let Some((field, pattern)) = text.split_once(':') else {
            return Some("has to be FIELD:PATTERN".to_owned());
        };
        self.filters.push((field.to_owned(), pattern.to_owned()));
        refused(field, known, self.filters.len())
    }

    /// Where an entry stands by all orders, of which the first counts most.
    fn place(&self, entry: &Value) -> Vec<Place> {
        let places = self.sort.iter().map(|(field, backwards)| {
            let rank = Rank::of(&entry[field]);
            if *backwards { Place::Backwards(Reverse(rank)) } else { Place::Forwards(rank) }
        });
        places.collect()
    }

    /// The part of the list that is wanted. What there is beside it goes into the headers of the
    /// answer to a request for `path` with this query.
    pub(super) fn apply(
        &self,
        answer: Value,
        headers: &mut HeaderMap,
        (path, query): (&str, &str),
    ) -> Value {
        let Value::Array(mut entries) = answer else { return answer };
        entries.retain(|entry| self.filters.iter().all(|(name, it)| fits(it, &entry[name])));
        if !self.sort.is_empty() {
            // Stable, so equal ones stay as the operation has them.
            entries.sort_by_cached_key(|entry| self.place(entry));
        }
        let total = entries.len();
        headers.insert(TOTAL, HeaderValue::from(total));
        let Some(limit) = self.limit else {
            return entries.into_iter().skip(self.offset).collect();
        };
        let next = self.offset.saturating_add(limit);
        if next < total {
            let others = query.split('&').filter(|it| !it.is_empty() && !it.starts_with("offset="));
            let query = others.map(str::to_owned).chain([format!("offset={next}")]);
            let link = format!("<{path}?{}>; rel=\"next\"", query.collect::<Vec<_>>().join("&"));
            headers.extend(HeaderValue::from_str(&link).ok().map(|link| (LINK, link)));
        }
        entries.into_iter().skip(self.offset).take(limit).collect()
    }
}

/// Where an entry stands by one order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Forwards(Rank),
    Backwards(Reverse<Rank>),
}

fn refused(field: &str, known: &[&str], wishes: usize) -> Option<String> {
    if wishes > WISHES {
        return Some(format!("is given more than {WISHES} times"));
    }
    let unknown = !known.contains(&field);
    unknown.then(|| format!("'{field}' is none of {}", known.join(", ")))
}

/// Whether a value, or one of several, fits a pattern.
fn fits(pattern: &str, value: &Value) -> bool {
    match value {
        Value::Null => pattern.is_empty(),
        Value::String(text) => matches_pattern(pattern, text),
        Value::Array(values) => values.iter().any(|value| fits(pattern, value)),
        Value::Object(fields) => fields.values().any(|value| fits(pattern, value)),
        other => matches_pattern(pattern, &other.to_string()),
    }
}

/// What values are compared by: nothing before numbers before texts, without regard to case.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Nothing,
    Number(Number),
    Text(String),
}

/// A number that has its place among others.
struct Number(f64);

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Rank {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(value) => Self::Number(Number(f64::from(u8::from(*value)))),
            Value::Number(number) => Self::Number(Number(number.as_f64().unwrap_or(0.0))),
            Value::String(text) => Self::Text(text.to_lowercase()),
            Value::Array(values) => Self::Number(Number(values.len() as f64)),
            Value::Object(_) => Self::Text(value.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::endpoints;

    fn of(name: &str) -> &'static Endpoint {
        endpoints().iter().find(|it| it.name == name).expect("an operation")
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn listed(wishes: &[(&str, &str)], query: &str) -> (Vec<String>, HeaderMap) {
        let entries = json!([
            { "name": "b", "path": "x", "computers": 10, "parent": null },
            { "name": "C", "path": "x", "computers": 9, "parent": "a" },
            { "name": "a", "path": "y", "computers": 9, "parent": "b" },
        ]);
        let listing = Listing::take(of("ListGroups"), &mut pairs(wishes)).expect("wishes");
        let mut headers = HeaderMap::new();
        let listing = listing.expect("a list");
        let found = listing.apply(entries, &mut headers, ("/api/v1/groups", query));
        let names = found.as_array().expect("a list").iter();
        (names.map(|it| it["name"].as_str().expect("a name").to_owned()).collect(), headers)
    }

    #[test]
    fn lists_are_sorted_filtered_and_cut() {
        assert_eq!(listed(&[], "").0, ["b", "C", "a"]);
        assert_eq!(listed(&[("sort", "name")], "").0, ["a", "b", "C"]);
        assert_eq!(listed(&[("sort", "-computers"), ("sort", "name")], "").0, ["b", "a", "C"]);
        assert_eq!(listed(&[("sort", "parent")], "").0, ["b", "C", "a"]);
        assert_eq!(listed(&[("filter", "path:X"), ("filter", "computers:9")], "").0, ["C"]);
        assert_eq!(listed(&[("filter", "parent:")], "").0, ["b"]);
        let (page, headers) = listed(&[("limit", "1"), ("offset", "1")], "limit=1&offset=1");
        assert_eq!((page, &headers[TOTAL]), (vec!["C".to_owned()], &HeaderValue::from(3)));
        assert_eq!(headers[LINK], "</api/v1/groups?limit=1&offset=2>; rel=\"next\"");
        let (page, headers) = listed(&[("limit", "2"), ("offset", "2")], "");
        assert_eq!((page.len(), headers.get(LINK)), (1, None));
        assert!(listed(&[("offset", "4294967295")], "").0.is_empty());
    }

    #[test]
    fn wishes_that_cannot_be_are_named() {
        let many = vec![("sort", "name"); WISHES + 1];
        for (wishes, word) in [
            (&[("limit", "0")][..], "limit: has to be"),
            (&[("limit", "10001")], "limit: has to be"),
            (&[("limit", "1"), ("limit", "1")], "limit: is given twice"),
            (&[("offset", "-1")], "offset: has to be"),
            (&[("sort", "nothing")], "'nothing' is none of"),
            (&[("filter", "name")], "FIELD:PATTERN"),
            (&[("filter", "nothing:x")], "'nothing' is none of"),
            (&many, "more than"),
        ] {
            let refused = Listing::take(of("ListGroups"), &mut pairs(wishes)).expect_err(word);
            assert!(refused.to_string().contains(word), "{refused}");
        }
        let mut left = pairs(&[("last", "7"), ("limit", "2")]);
        assert!(Listing::take(of("ListAudit"), &mut left).expect("wishes").is_some());
        assert_eq!(left, pairs(&[("last", "7")]));
        let mut left = pairs(&[("limit", "2")]);
        assert!(Listing::take(of("ShowUpdate"), &mut left).expect("no list").is_none());
        assert_eq!(left.len(), 1);
    }
}
