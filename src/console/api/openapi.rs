//! The OpenAPI 3.1 document, made from the tables of endpoints: it says what they check.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::body::{BODY_MAX, TEXT_MAX};
use super::endpoint::{Answers, CSV, Endpoint, HTML, Method, Shape, Takes};
use super::{RESOURCES, ROOT, events};
use crate::console::gate;
use crate::desk::privacy::Role;
use crate::desk::token::Scope;

/// The document as JSON; made once.
pub fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| build().to_string())
}

fn build() -> Value {
    let mut schemas = Map::new();
    schemas.insert("Problem".to_owned(), problem());
    let mut paths = Map::new();
    for endpoint in RESOURCES.iter().copied().flatten() {
        let operation = operation(endpoint, &mut schemas);
        let path = paths.entry(format!("{ROOT}{}", endpoint.path)).or_insert_with(|| json!({}));
        path[endpoint.method.word()] = operation;
    }
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "frontdesk",
            "description": "The front desk's calls, tickets, messages, people, residents, shifts, alarms and reports.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": format!(
                    "A token made by `frontdesk tokens add NAME --scope SCOPE`. Scopes: {}.",
                    scopes.join(", ")
                ),
            }, "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": gate::cookie_name(true),
                "description": format!(
                    "Somebody's session at the console (over plain HTTP the cookie is `{}`), with what their role may. \
                     Changes carry its token in the header `X-CSRF-Token`.",
                    gate::cookie_name(false)
                ),
            }},
        },
    })
}

fn operation(endpoint: &Endpoint, schemas: &mut Map<String, Value>) -> Value {
    let scope = endpoint.scope.map(|scope| scope.as_str());
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "tags": [endpoint.path.split('/').nth(1)],
        "summary": endpoint.summary,
        "parameters": parameters(endpoint),
        "security": [{"token": scope.into_iter().collect::<Vec<_>>()}, {"session": []}],
        "responses": responses(endpoint, schemas),
    });
    if let Some(scope) = scope {
        let may = |kept| Role::ALL.iter().filter(move |role| role.may_have(kept)).map(|role| role.as_str());
        let roles = endpoint.kept.map(|kept| may(kept).collect::<Vec<_>>().join(" or "));
        let role = roles.map(|roles| format!(" of the role {roles}")).unwrap_or_default();
        operation["description"] = json!(format!("Needs a token{role} with the scope `{scope}`."));
    }
    let content = match endpoint.body {
        Takes::Nothing => None,
        Takes::Json(body) => Some(json!({"application/json": {"schema": put(body(), schemas, true)}})),
        Takes::Csv(_) => Some(json!({CSV: {"schema": {"type": "string"}}})),
    };
    if let Some(content) = content {
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// `get_tickets_number_recording`.
fn operation_id(endpoint: &Endpoint) -> String {
    let path = endpoint.path.replace(['{', '}'], "").replace('/', "_");
    format!("{}{path}", endpoint.method.word())
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let mut parameters: Vec<Value> = endpoint.path_names().map(path_parameter).collect();
    parameters.extend(endpoint.query.iter().map(|param| {
        let mut value = json!({"name": param.name, "in": "query", "description": param.what, "schema": param.schema()});
        if param.is_list() {
            value["style"] = json!("form");
            value["explode"] = json!(false);
        }
        value
    }));
    let header = |name: &str, what: &str, required: bool, schema: Value| json!({"name": name, "in": "header", "description": what, "required": required, "schema": schema});
    if endpoint.versioned {
        let what = "The ETag of the ticket as it was seen; `*` for any";
        let tag = json!({"type": "string", "pattern": "^(\\*|\"[0-9]+\")$"});
        parameters.push(header("If-Match", what, true, tag));
    }
    if endpoint.takes_key() {
        let what = "Of the sender's making, another for each request: sent again within a day, it is answered as before and not \
                    done again";
        let key = json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"});
        parameters.push(header("Idempotency-Key", what, false, key));
    }
    match endpoint.answers {
        Answers::Sound => {
            let range = json!({"type": "string", "pattern": "^bytes=[0-9]+-[0-9]*$"});
            parameters.push(header("Range", "One range of bytes", false, range));
        }
        Answers::Events => {
            let id = json!({"type": "string", "pattern": "^[0-9]{1,18}$"});
            parameters.push(header("Last-Event-ID", "The last event that was seen", false, id));
        }
        Answers::One(_) | Answers::Page(_) | Answers::Html | Answers::Csv | Answers::Nothing => {}
    }
    parameters
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "id" => json!({"type": "integer", "format": "int64", "minimum": 0}),
        "number" => json!({"type": "string", "pattern": "^[0-9]{8}-[0-9]{4,}$"}),
        _ => json!({"type": "string", "pattern": "^[A-Za-z0-9_]+$"}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn responses(endpoint: &Endpoint, schemas: &mut Map<String, Value>) -> Value {
    let mut responses = Map::new();
    let status = if endpoint.creates { "201" } else { "200" };
    match endpoint.answers {
        Answers::One(shape) => {
            let schema = put(shape(), schemas, false);
            let mut good = json!({"description": "It is so now", "content": {"application/json": {"schema": schema}}});
            good["headers"] = headers(endpoint);
            for kind in endpoint.also {
                good["content"][*kind] = json!({"schema": {"type": "string"}});
            }
            responses.insert(status.to_owned(), good);
        }
        Answers::Page(shape) => {
            let schema = page(put(shape(), schemas, false));
            let link = json!({"description": "The next page, where there is one", "schema": {"type": "string"}});
            let content = json!({"application/json": {"schema": schema}});
            let good = json!({"description": "A page", "headers": {"Link": link}, "content": content});
            responses.insert(status.to_owned(), good);
        }
        Answers::Html => {
            let content = json!({HTML: {"schema": {"type": "string"}}});
            responses.insert("200".to_owned(), json!({"description": "A page to be printed", "content": content}));
        }
        Answers::Csv => {
            let content = json!({CSV: {"schema": {"type": "string"}}});
            responses.insert("200".to_owned(), json!({"description": "A table for spreadsheets", "content": content}));
        }
        Answers::Nothing => {
            responses.insert("204".to_owned(), json!({"description": "Done"}));
        }
        Answers::Sound => {
            let audio = json!({"audio/wav": {}});
            responses.insert("200".to_owned(), json!({"description": "All of it", "content": audio}));
            responses.insert("206".to_owned(), json!({"description": "The range", "content": audio}));
        }
        Answers::Events => {
            let data = put(events::data(), schemas, false);
            let description = "Events whose `data` is the JSON of what happened";
            let content = json!({"text/event-stream": {"schema": {"type": "string"}, "x-data": data}});
            responses.insert("200".to_owned(), json!({"description": description, "content": content}));
        }
    }
    for (status, what) in refusals(endpoint) {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let problem = json!({"description": what, "content": {"application/problem+json": {"schema": schema}}});
        responses.insert(status.to_owned(), problem);
    }
    Value::Object(responses)
}

fn headers(endpoint: &Endpoint) -> Value {
    let mut headers = json!({});
    let text = json!({"type": "string"});
    if endpoint.path.starts_with("/tickets") && matches!(endpoint.answers, Answers::One(_)) {
        headers["ETag"] = json!({"description": "The ticket's version, for If-Match", "schema": text});
    }
    if endpoint.creates {
        headers["Location"] = json!({"description": "Where it is", "schema": text});
    }
    if endpoint.takes_key() {
        let what = "`true` where this is the answer of before";
        headers["Idempotency-Replayed"] = json!({"description": what, "schema": text});
    }
    headers
}

/// Every way in which it may go wrong.
fn refusals(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let mut refusals = vec![
        ("400", "What was asked can't be read, or has a parameter that is not known".to_owned()),
        ("401", "There is no token, or none that holds".to_owned()),
        ("403", "The token may not do this".to_owned()),
        ("429", "Too many wrong tokens came from this address".to_owned()),
        ("500", "It failed".to_owned()),
        ("503", "The desk is too busy: try again".to_owned()),
    ];
    if endpoint.path.contains('{') {
        refusals.push(("404", "There is no such thing".to_owned()));
    }
    let takes = match endpoint.body {
        Takes::Nothing => None,
        Takes::Json(_) => Some(("JSON", BODY_MAX)),
        Takes::Csv(bytes_max) => Some(("CSV", bytes_max)),
    };
    if let Some((kind, bytes_max)) = takes {
        refusals.push(("408", "The body did not arrive in time".to_owned()));
        refusals.push(("413", format!("The body is longer than {bytes_max} bytes")));
        refusals.push(("415", format!("The body is no {kind} by its Content-Type")));
    }
    if takes.is_some() || endpoint.takes_key() {
        refusals
            .push(("422", "What was sent does not go together, or the key was sent with another request".to_owned()));
    }
    if endpoint.conflicts && endpoint.method != Method::Delete {
        refusals.push(("409", "It can't be done with it as it is: the reason, and what can".to_owned()));
    }
    if endpoint.versioned {
        refusals.push(("412", "Somebody else changed the ticket meanwhile".to_owned()));
        refusals.push(("428", "If-Match is missing".to_owned()));
    }
    if let Answers::Sound = endpoint.answers {
        refusals.push(("416", "It has no such range".to_owned()));
    }
    refusals
}

fn page(items: Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": items},
            "next_cursor": {"type": ["string", "null"], "description": "Null on the last page"},
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong, and what to do"},
            "instance": {"type": "string"},
            "faults": {
                "type": "array",
                "description": "Of a list that was sent: each fault with its line",
                "items": {
                    "type": "object",
                    "required": ["line", "what"],
                    "properties": {"line": {"type": "integer"}, "what": {"type": "string"}},
                },
            },
        },
    })
}

/// Puts a form and its parts among the components; gives the reference to it.
fn put(shape: Shape, schemas: &mut Map<String, Value>, sent: bool) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{}", shape.name)});
    for (name, schema) in shape.parts.into_iter().chain([(shape.name, shape.schema)]) {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        if sent {
            limit_texts(&mut schema);
        }
        schemas.insert(name, schema);
    }
    reference
}

/// Texts that are sent are no longer than `TEXT_MAX` and have no character of zero.
fn limit_texts(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let of_text = match fields.get("type") {
                Some(Value::String(kind)) => kind == "string",
                Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
                _ => false,
            };
            if of_text && !fields.contains_key("enum") && !fields.contains_key("format") {
                fields.insert("maxLength".to_owned(), json!(TEXT_MAX));
                fields.insert("pattern".to_owned(), json!("^[^\\u0000]*$"));
            }
            fields.values_mut().for_each(limit_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(limit_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let document: Value = serde_json::from_str(document()).expect("it is JSON");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for reference in found {
            let at = reference.strip_prefix('#').expect("in this document");
            assert!(document.pointer(at).is_some(), "{reference}");
        }
        let endpoints = || RESOURCES.iter().copied().flatten();
        let mut ids: Vec<String> = endpoints().map(operation_id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), endpoints().count());
    }

    /// Every function that changes something needs a scope that says so.
    #[test]
    fn what_changes_needs_a_scope_that_writes() {
        for endpoint in RESOURCES.iter().copied().flatten() {
            let scope = endpoint.scope.map_or("", Scope::as_str);
            assert_eq!(endpoint.method != Method::Get, scope.ends_with(":write"), "{}", endpoint.path);
        }
    }
}
