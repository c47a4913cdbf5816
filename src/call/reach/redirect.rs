//! Where a telephone that answers 3xx sends the desk (RFC 3261 section 8.1.3.4). Its word is not taken for it: a contact is
//! only looked up among the places of people.toml and the accounts of phones.toml, so that no telephone, and nobody who
//! plays one, makes the desk call elsewhere (R16).

use std::time::Duration;

use super::Caller;
use super::whom::{Candidate, rounds_of};
use crate::call::session::Hands;
use crate::desk::people::{Person, PlaceTarget};
use crate::sip::user_agent::number_of;
use crate::sip::wire::{Host, Scheme, Transport, Uri};

/// How long one of the desk's own telephones rings that no hunt list names.
const RING: Duration = Duration::from_secs(20);

/// The place that a contact names, as the directory knows it: of somebody who is there, at an hour at which they are rung.
pub(super) fn known_place(h: &Hands<'_>, caller: &Caller<'_>, contact: &Uri, from: &str) -> Option<Candidate> {
    let service = caller.service;
    let people = service.people.people().iter().filter(|person| {
        let presence = h.board.presences.of(person, service.time_zone, h.now.wall);
        presence.is_in()
    });
    let places =
        |person: &Person| -> Vec<Candidate> { rounds_of(service, person, h.now).into_iter().flatten().collect() };
    // Whose phone it is that sends us on comes first: several people may share a place.
    let (own, others): (Vec<&Person>, Vec<&Person>) = people.partition(|person| person.extension == from);
    let account = account_at_the_desk(h, contact);
    let is_it = |candidate: &Candidate| match (&candidate.target, account) {
        (PlaceTarget::Phones(user), account) => account == Some(user.as_str()),
        (PlaceTarget::Sip(address), account) => address.parse::<Uri>().is_ok_and(|place| match account {
            Some(user) => account_at_the_desk(h, &place) == Some(user),
            None => same_place(&place, contact),
        }),
        (PlaceTarget::Number(number), None) => {
            number_meant(contact).is_some_and(|meant| service.numbers.is_same(number, &meant))
        }
        (PlaceTarget::Number(_), Some(_)) => false,
    };
    if let Some(found) = own.iter().chain(&others).flat_map(|person| places(person)).find(is_it) {
        return Some(found);
    }
    let phone = service.phones.phones().iter().find(|phone| Some(phone.user.as_str()) == account)?;
    let person = own.iter().chain(&others).find(|person| Some(&person.extension) == phone.extension.as_ref())?;
    let target = PlaceTarget::Phones(phone.user.clone());
    Some(Candidate { extension: person.extension.clone(), target, ring: RING })
}

/// The account that an address names, if it is one of the desk's own.
fn account_at_the_desk<'a>(h: &Hands<'_>, uri: &'a Uri) -> Option<&'a str> {
    let ours = match uri.host.as_ref()? {
        Host::Name(name) => name.eq_ignore_ascii_case(h.ua.realm()),
        Host::Ip(ip) => h.ua.is_listener(*ip, port(uri)),
    };
    uri.user.as_deref().filter(|_| ours && uri.scheme == Scheme::Sip)
}

/// The telephone number that a contact is, however it is written: the directory's own is called, through the gateway.
fn number_meant(contact: &Uri) -> Option<String> {
    let is_number =
        contact.scheme == Scheme::Tel || contact.param("user").is_some_and(|u| u.eq_ignore_ascii_case("phone"));
    number_of(contact).filter(|_| is_number)
}

fn same_place(one: &Uri, other: &Uri) -> bool {
    let transport = |uri: &Uri| uri.transport().unwrap_or(Transport::Udp);
    one.scheme == Scheme::Sip
        && other.scheme == Scheme::Sip
        && one.user == other.user
        && one.host == other.host
        && port(one) == port(other)
        && transport(one) == transport(other)
}

fn port(uri: &Uri) -> u16 {
    uri.port.unwrap_or(5060)
}
