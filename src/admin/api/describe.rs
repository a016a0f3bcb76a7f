//! The description of the API, OpenAPI 3.1, made of the table of operations and their types.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::problem::{self, Problem};
use super::schema::settings;
use super::{BASE, COOKIE, listing};
use crate::admin::jobs::ShownJob;
use crate::admin::{AdminError, Call, Endpoint, Operation, Route, endpoints};

/// The description of this API.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DescribeApi {}

impl Operation for DescribeApi {
    type Answer = Value;
    const ROUTE: Route = Route::get("/openapi.json").for_anybody();

    async fn run(self, _: Call) -> Result<Self::Answer, AdminError> {
        Ok(description())
    }
}

/// The whole description.
pub fn description() -> Value {
    let mut settings = settings();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>().to_value();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints() {
        let path = format!("{BASE}{}", endpoint.route.path);
        let method = endpoint.route.method.name().to_ascii_lowercase();
        let described = operation(endpoint, &mut generator);
        paths.entry(path).or_default().insert(method, described);
    }
    let mut responses = Map::new();
    for (status, description) in PROBLEMS {
        let media = json!({ problem::MEDIA_TYPE: { "schema": problem } });
        responses.insert(name_of(*status), json!({ "description": description, "content": media }));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Weir",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Administration of a WSUS-compatible update server.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": responses,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": COOKIE },
            },
        },
    })
}

/// What may go wrong with any operation, but for what is said in [`can_be`].
const PROBLEMS: &[(u16, &str)] = &[
    (400, "The request or its body is broken."),
    (401, "Nobody is known by what the request says, or the password is wrong."),
    (403, "The caller's role or place does not allow this, or a session's token is missing."),
    (404, "There is no such thing."),
    (405, "The path knows other methods."),
    (408, "The body did not come in time."),
    (409, "What is there, or what is configured, stands in the way."),
    (413, "The body is too long."),
    (415, "The body is of another type."),
    (422, "A field is missing, unknown or not what it has to be; the problem names it."),
    (429, "Too many attempts failed."),
    (503, "The server cannot do it now; its log says why."),
];

/// Whether an operation can be answered with this status.
fn can_be(endpoint: &Endpoint, status: u16) -> bool {
    let has_body = endpoint.route.method.has_body() || endpoint.upload.is_some();
    let takes_password = ["LogIn", "ChangeOwnPassword"].contains(&endpoint.name);
    match status {
        429 => takes_password,
        401 => endpoint.route.role.is_some() || takes_password,
        _ if !has_body => !matches!(status, 408 | 413 | 415),
        _ => true,
    }
}

fn name_of(status: u16) -> String {
    format!("Problem{status}")
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let input = resolved((endpoint.describe_input)(generator).to_value(), generator);
    let answer = (endpoint.describe_answer)(generator).to_value();
    let description = input["description"].as_str().unwrap_or_default();
    let summary = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut responses = Map::new();
    let media = json!({ "application/json": { "schema": answer } });
    if let Some(download) = &endpoint.download {
        let item = download.item.map(|item| item(generator).to_value());
        let schema = match item {
            // Each event's data is such a text.
            Some(item) => json!({
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": item,
            }),
            None => json!({ "type": "string", "format": "binary" }),
        };
        let media = json!({ download.media_type: { "schema": schema } });
        let response = json!({ "description": download.description, "content": media });
        responses.insert("200".to_owned(), response);
    } else if endpoint.long {
        let job = generator.subschema_for::<ShownJob>().to_value();
        let result =
            json!({ "properties": { "result": { "anyOf": [answer, { "type": "null" }] } } });
        let media = json!({ "application/json": { "schema": { "allOf": [job, result] } } });
        let begun = "It is a job, which has the answer as its result once it is done.";
        responses.insert("202".to_owned(), json!({ "description": begun, "content": media }));
    } else {
        responses.insert("200".to_owned(), json!({ "description": "Done.", "content": media }));
    }
    for (status, _) in PROBLEMS.iter().filter(|(status, _)| can_be(endpoint, *status)) {
        let reference = format!("#/components/responses/{}", name_of(*status));
        responses.insert(status.to_string(), json!({ "$ref": reference }));
    }
    let mut described = json!({
        "operationId": endpoint.name,
        "summary": summary,
        "description": description,
        "parameters": parameters(endpoint, &input),
        "responses": responses,
        "security": match endpoint.route.role {
            None => json!([]),
            Some(_) => json!([{ "token": [] }, { "session": [] }]),
        },
    });
    if let Some(role) = endpoint.route.role {
        described["x-role"] = json!(role);
    }
    if let Some(body) = body(endpoint, &input) {
        described["requestBody"] = body;
    }
    described
}

/// The schema of a struct itself, where a reference stands for it. Structs of requests are described
/// where they are used.
fn resolved(schema: Value, generator: &mut SchemaGenerator) -> Value {
    let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) else {
        return schema;
    };
    generator.definitions_mut().remove(name).unwrap_or_default()
}

fn parameters(endpoint: &Endpoint, input: &Value) -> Value {
    let in_path: Vec<&str> = endpoint.route.fields().collect();
    let in_query = in_query(endpoint);
    let mut parameters = Vec::new();
    for (name, schema) in input["properties"].as_object().into_iter().flatten() {
        let is_in_path = in_path.contains(&name.as_str());
        if !is_in_path && !in_query {
            continue;
        }
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|it| it.remove("description"));
        if is_in_path && schema["type"] == "string" && schema.get("format").is_none() {
            // An empty segment is another path.
            schema["minLength"] = json!(schema["minLength"].as_u64().unwrap_or(1).max(1));
        }
        let required = is_in_path || is_required(input, name);
        let mut parameter = json!({
            "name": name,
            "in": if is_in_path { "path" } else { "query" },
            "required": required,
            "schema": in_text(schema),
        });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameters.push(parameter);
    }
    parameters.extend(listing::parameters(endpoint));
    Value::Array(parameters)
}

/// The schema of what is written as text, where nothing is not null but left out.
fn in_text(mut schema: Value) -> Value {
    if let Some(kinds) = schema["type"].as_array() {
        let others: Vec<Value> = kinds.iter().filter(|it| *it != "null").cloned().collect();
        if let [kind] = others.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    let choices = schema["anyOf"].as_array().map(|choices| {
        choices.iter().filter(|it| it["type"] != "null").cloned().collect::<Vec<Value>>()
    });
    match choices.as_deref() {
        Some([choice]) => choice.clone(),
        _ => {
            if schema["default"].is_null()
                && let Some(fields) = schema.as_object_mut()
            {
                fields.remove("default");
            }
            schema
        }
    }
}

fn in_query(endpoint: &Endpoint) -> bool {
    !endpoint.route.method.has_body() || endpoint.upload.is_some()
}

fn is_required(input: &Value, name: &str) -> bool {
    input["required"].as_array().into_iter().flatten().any(|it| it == name)
}

fn body(endpoint: &Endpoint, input: &Value) -> Option<Value> {
    if let Some(upload) = &endpoint.upload {
        let schema = json!({ "type": "string", "format": "binary" });
        let content = json!({ upload.media_type: { "schema": schema } });
        return Some(json!({
            "description": upload.description,
            "required": true,
            "content": content,
        }));
    }
    if in_query(endpoint) {
        return None;
    }
    let mut schema = input.clone();
    let in_path: Vec<&str> = endpoint.route.fields().collect();
    let properties = schema["properties"].as_object_mut();
    let left = properties.map_or(0, |properties| {
        properties.retain(|name, _| !in_path.contains(&name.as_str()));
        properties.len()
    });
    if left == 0 {
        return None;
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !in_path.iter().any(|field| name == field));
    }
    schema["additionalProperties"] = json!(false);
    let required = schema["required"].as_array().is_some_and(|it| !it.is_empty());
    Some(json!({
        "required": required,
        "content": { "application/json": { "schema": schema } },
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::admin::api::schema::resolve;

    /// Adds where in `schema` an object may have fields that are not described.
    fn open_objects(
        root: &Value,
        schema: &Value,
        at: &str,
        seen: &mut BTreeSet<String>,
        found: &mut Vec<String>,
    ) {
        if let Some(reference) = schema["$ref"].as_str()
            && !seen.insert(reference.to_owned())
        {
            return;
        }
        let schema = resolve(root, schema);
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if schema["properties"].is_object() && !closed {
            found.push(at.to_owned());
        }
        let inner = ["properties", "$defs"].iter().filter_map(|it| schema[*it].as_object());
        for (name, schema) in inner.flatten() {
            open_objects(root, schema, &format!("{at}.{name}"), seen, found);
        }
        for name in ["items", "additionalProperties"] {
            if let Some(schema) = schema.get(name).filter(|it| it.is_object()) {
                open_objects(root, schema, &format!("{at}.{name}"), seen, found);
            }
        }
        for name in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            for schema in schema[name].as_array().into_iter().flatten() {
                open_objects(root, schema, at, seen, found);
            }
        }
    }

    /// A misspelt field would be ignored otherwise, however deep it is.
    #[test]
    fn no_object_of_a_request_takes_fields_that_are_not_described() {
        let root = description();
        let mut found = Vec::new();
        let mut bodies = 0;
        let paths = root["paths"].as_object().expect("paths");
        for operation in paths.values().flat_map(|it| it.as_object().expect("methods").values()) {
            let name = operation["operationId"].as_str().expect("a name");
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            bodies += usize::from(body.is_object());
            for schema in parameters.map(|it| &it["schema"]).chain([body]) {
                open_objects(&root, schema, name, &mut BTreeSet::new(), &mut found);
            }
        }
        assert!(bodies > 20, "{bodies} operations have a body");
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_open_object_is_found_however_deep_it_is() {
        let root = json!({ "a": { "type": "object", "properties": { "x": { "type": "null" } } } });
        let schema = json!({ "additionalProperties": false, "properties": {
            "list": { "items": { "anyOf": [{ "type": "null" }, { "$ref": "#/a" }] } },
        } });
        let mut found = Vec::new();
        open_objects(&root, &schema, "it", &mut BTreeSet::new(), &mut found);
        assert_eq!(found, ["it.list.items"]);
    }
}
