//! What the table of a resource says of one endpoint.

use axum::routing::MethodFilter;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::ask::Ask;
use super::query::Param;
use super::recordings::Sound;
use super::reply::Reply;
use super::waveform::Waveform;
use crate::console::problem::ProblemDetails;
use crate::desk::privacy::Kept;
use crate::desk::token::Scope;
use crate::store::{Editor, Reader};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn filter(self) -> MethodFilter {
        match self {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Patch => MethodFilter::PATCH,
            Method::Delete => MethodFilter::DELETE,
        }
    }

    /// As OpenAPI writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Method::Get => "get",
            Method::Post => "post",
            Method::Put => "put",
            Method::Patch => "patch",
            Method::Delete => "delete",
        }
    }
}

/// How an endpoint does its work.
#[derive(Clone, Copy)]
pub enum Run {
    Read(fn(&Ask, &Reader) -> Result<Reply, ProblemDetails>),
    /// Within one transaction, which an error takes back.
    Change(fn(&Ask, &mut Editor) -> Result<Reply, ProblemDetails>),
    /// Which recording is to be heard.
    Sound(fn(&Ask, &Reader) -> Result<Sound, ProblemDetails>),
    /// The same recording, to be drawn.
    Peaks(fn(&Ask, &Reader) -> Result<Sound, ProblemDetails>),
    Events,
}

/// The form of a JSON value: its name, and what it is made of.
pub struct Shape {
    pub name: String,
    pub schema: RefOr<Schema>,
    pub parts: Vec<(String, RefOr<Schema>)>,
}

pub fn shape<T: ToSchema>() -> Shape {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    Shape { name: T::name().into_owned(), schema: T::schema(), parts }
}

/// What a good answer holds.
#[derive(Clone, Copy)]
pub enum Answers {
    One(fn() -> Shape),
    /// `items`, and `next_cursor` where more follow.
    Page(fn() -> Shape),
    Nothing,
    Html,
    /// A table for spreadsheets.
    Csv,
    Sound,
    Events,
}

/// A form that an answer has beside JSON.
pub const HTML: &str = "text/html";
pub const CSV: &str = "text/csv";

/// What is sent.
#[derive(Clone, Copy)]
pub enum Takes {
    Nothing,
    Json(fn() -> Shape),
    /// A table of so many bytes at most.
    Csv(usize),
}

/// One line of a resource's table.
#[derive(Clone, Copy)]
pub struct Endpoint {
    pub method: Method,
    /// Below `/api/v1`, with `{parameters}`.
    pub path: &'static str,
    pub scope: Option<Scope>,
    pub summary: &'static str,
    pub query: &'static [Param],
    pub body: Takes,
    pub answers: Answers,
    /// What else a good answer may be, where the query asks for it: `text/html`, `text/csv`.
    pub also: &'static [&'static str],
    /// What only some roles may have (R12).
    pub kept: Option<Kept>,
    /// It makes something: 201 with its address.
    pub creates: bool,
    /// It changes a ticket `{number}`, which must be as it was seen: `If-Match`.
    pub versioned: bool,
    /// It may be refused for how the record is now: 409.
    pub conflicts: bool,
    pub run: Run,
}

impl Endpoint {
    const fn new(method: Method, path: &'static str, scope: Scope, summary: &'static str, run: Run) -> Self {
        Self {
            method,
            path,
            scope: Some(scope),
            summary,
            query: &[],
            body: Takes::Nothing,
            answers: Answers::Nothing,
            also: &[],
            kept: None,
            creates: false,
            versioned: false,
            conflicts: false,
            run,
        }
    }

    pub const fn read(
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        run: fn(&Ask, &Reader) -> Result<Reply, ProblemDetails>,
    ) -> Self {
        Self::new(Method::Get, path, scope, summary, Run::Read(run))
    }

    pub const fn change(
        method: Method,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        run: fn(&Ask, &mut Editor) -> Result<Reply, ProblemDetails>,
    ) -> Self {
        Self { conflicts: true, ..Self::new(method, path, scope, summary, Run::Change(run)) }
    }

    pub const fn sound(
        path: &'static str,
        summary: &'static str,
        run: fn(&Ask, &Reader) -> Result<Sound, ProblemDetails>,
    ) -> Self {
        let sound = Self::new(Method::Get, path, Scope::RecordingsRead, summary, Run::Sound(run));
        Self { answers: Answers::Sound, ..sound }
    }

    /// Who may hear a recording may see it, and it is written down as heard.
    pub const fn peaks(
        path: &'static str,
        summary: &'static str,
        run: fn(&Ask, &Reader) -> Result<Sound, ProblemDetails>,
    ) -> Self {
        Self::new(Method::Get, path, Scope::RecordingsRead, summary, Run::Peaks(run)).one(shape::<Waveform>)
    }

    /// For any token: the stream itself looks at what the token may see.
    pub const fn events(path: &'static str, summary: &'static str) -> Self {
        let events = Self::new(Method::Get, path, Scope::Admin, summary, Run::Events);
        Self { scope: None, answers: Answers::Events, ..events }
    }

    pub const fn query(self, query: &'static [Param]) -> Self {
        Self { query, ..self }
    }

    pub const fn takes(self, body: fn() -> Shape) -> Self {
        Self { body: Takes::Json(body), ..self }
    }

    pub const fn takes_csv(self, bytes_max: usize) -> Self {
        Self { body: Takes::Csv(bytes_max), ..self }
    }

    pub const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// A page for people alone.
    pub const fn page_of_html(self) -> Self {
        Self { answers: Answers::Html, ..self }
    }

    /// A table for spreadsheets alone.
    pub const fn table(self) -> Self {
        Self { answers: Answers::Csv, ..self }
    }

    /// Whose role may not have that is refused, and it is written down.
    pub const fn for_those_who_may_have(self, kept: Kept) -> Self {
        Self { kept: Some(kept), ..self }
    }

    pub const fn one(self, shape: fn() -> Shape) -> Self {
        Self { answers: Answers::One(shape), ..self }
    }

    pub const fn page(self, shape: fn() -> Shape) -> Self {
        Self { answers: Answers::Page(shape), ..self }
    }

    pub const fn created(self) -> Self {
        Self { creates: true, ..self }
    }

    pub const fn versioned(self) -> Self {
        Self { versioned: true, ..self }
    }

    /// The names in the path's braces.
    pub fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Whether it may be sent twice with a key and is done once.
    pub fn takes_key(&self) -> bool {
        self.method == Method::Post
    }
}
