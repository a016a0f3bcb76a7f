//! From a request to the fields of an operation: what the path, the query and the body say becomes
//! one JSON object that fits the operation's schema.

use serde_json::{Map, Value};

use super::schema::{TOLD, check, kinds, resolve};
use crate::admin::endpoint::PathFields;
use crate::admin::{AdminError, Endpoint, FieldError};

/// The segments of a path, decoded; none if one is not UTF-8 when it is.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.trim_start_matches('/').split('/').map(decoded).collect()
}

/// The fields of the operation at `endpoint`.
///
/// # Errors
/// [`AdminError::Invalid`] names every field that is wrong.
pub(super) fn fields(
    endpoint: &Endpoint,
    path: PathFields,
    query: Vec<(String, String)>,
    body: Option<Value>,
) -> Result<Value, AdminError> {
    let root = &endpoint.input;
    let no_fields = Map::new();
    let known = root["properties"].as_object().unwrap_or(&no_fields);
    let mut fields = match body {
        Some(Value::Object(fields)) => fields,
        None => Map::new(),
        Some(_) => return Err(AdminError::invalid("", "the body has to be an object")),
    };
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, problem: &str| {
        if wrong.len() < TOLD {
            wrong.push(FieldError { field: field.to_owned(), problem: problem.to_owned() });
        }
    };
    for name in fields.keys() {
        if path.iter().any(|(field, _)| field == name) {
            refuse(name, "stands in the path and not in the body");
        } else if !known.contains_key(name) {
            refuse(name, "is not known here");
        }
    }
    for (name, text) in query {
        let Some(schema) = known.get(&name).filter(|_| !path.iter().any(|(it, _)| *it == name))
        else {
            refuse(&name, "is not known here");
            continue;
        };
        if is_list(root, schema) {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(typed(root, &schema["items"], text));
            }
        } else if fields.contains_key(&name) {
            refuse(&name, "is given twice");
        } else {
            let value = typed(root, schema, text);
            fields.insert(name, value);
        }
    }
    for (name, text) in path {
        let value = typed(root, known.get(name).unwrap_or(&Value::Null), text);
        fields.insert(name.to_owned(), value);
    }
    let fields = Value::Object(fields);
    wrong.extend(check(root, root, &fields));
    if wrong.is_empty() { Ok(fields) } else { Err(AdminError::Invalid(wrong)) }
}

/// Names and values of a query, decoded.
///
/// # Errors
/// When they are not UTF-8 then.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, AdminError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        decoded(&name.replace('+', " ")).zip(decoded(&value.replace('+', " ")))
    });
    let all: Option<Vec<_>> = pairs.collect();
    all.ok_or_else(|| AdminError::invalid("", "the query is not UTF-8"))
}

fn is_list(root: &Value, schema: &Value) -> bool {
    kinds(resolve(root, schema)).is_some_and(|kinds| kinds.contains(&"array"))
}

/// Text as the type that its field has. What is none of it stays text, for the schema to refuse.
fn typed(root: &Value, schema: &Value, text: String) -> Value {
    let schema = resolve(root, schema);
    let kinds = kinds(schema).unwrap_or_default();
    if kinds.contains(&"integer") {
        if let Ok(number) = text.parse::<u64>() {
            return number.into();
        }
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
    }
    match text.as_str() {
        "true" if kinds.contains(&"boolean") => Value::Bool(true),
        "false" if kinds.contains(&"boolean") => Value::Bool(false),
        _ => Value::String(text),
    }
}

/// Text without its percent signs, if they stand for UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admin::endpoints;

    fn of(name: &str) -> &'static Endpoint {
        endpoints().iter().find(|it| it.name == name).expect("an operation")
    }

    #[test]
    fn a_request_becomes_the_fields_of_its_operation() {
        let path = segments("/groups/R%26D%2F%C3%A4").expect("UTF-8");
        assert_eq!(path, ["groups", "R&D/ä"]);
        let delete = of("DeleteGroup");
        let path = delete.fields_in(&path).expect("its path");
        let asked = |endpoint, query: &str| fields(endpoint, path.clone(), pairs(query)?, None);
        let made = asked(delete, "children=move_up").expect("fields");
        assert_eq!(made, json!({ "name": "R&D/ä", "children": "move_up" }));
        for (query, problem) in [
            ("children=x", "children: has to be one of \"refuse\", \"move_up\", \"delete\""),
            ("children=refuse&children=refuse", "children: is given twice"),
            ("name=x", "name: is not known here"),
            ("childs=x", "childs: is not known here"),
            ("children=%ff", "the query is not UTF-8"),
            ("%=", "the query is not UTF-8"),
        ] {
            let refused = asked(delete, query).expect_err(query);
            assert_eq!(refused.to_string(), problem);
        }
        let query = pairs("last=7&mentions=a+b%2B").expect("UTF-8");
        let audit = fields(of("ListAudit"), vec![], query, None);
        assert_eq!(audit.expect("fields"), json!({ "last": 7, "mentions": "a b+" }));
    }

    #[test]
    fn what_is_in_the_path_is_not_in_the_body() {
        let rename = of("RenameGroup");
        let path = vec![("name", "A".to_owned())];
        let body = |body| fields(rename, path.clone(), Vec::new(), Some(body));
        assert!(body(json!({ "new_name": "B" })).is_ok());
        for (value, problem) in [
            (
                json!({ "new_name": "B", "name": "C" }),
                "name: stands in the path and not in the body",
            ),
            (json!({ "new_name": "B", "x": 1 }), "x: is not known here"),
            (json!({}), "new_name: is missing"),
            (json!([]), "the body has to be an object"),
        ] {
            assert_eq!(body(value).expect_err("wrong").to_string(), problem);
        }
    }

    #[test]
    fn half_encoded_paths_are_none() {
        for path in ["/a/%", "/a/%4", "/a/%+1", "/a/%zz", "/a/%ff", "/a/%\u{e9}"] {
            assert_eq!(segments(path), None, "{path}");
        }
    }
}
