//! The lines that the desk is called over (R1).

use super::ask::Ask;
use super::endpoint::{Endpoint, shape};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::token::Scope;
use crate::desk::view::TrunkView;
use crate::store::Reader;

pub const ENDPOINTS: &[Endpoint] =
    &[Endpoint::read("/trunks", Scope::AlarmsRead, "How it is with the trunks, by name: all of them", list)
        .page(shape::<TrunkView<'static>>)];

fn list(_ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Ok(Reply::page(reader.trunks()?.into_iter().map(Leaving::Trunk).collect(), None))
}
