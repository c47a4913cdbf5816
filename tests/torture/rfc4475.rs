//! All 49 messages of RFC 4475, by their names there. Where the RFC leaves a choice, the comment says why it is made so.

use super::Expect::{Dropped, Refused, Request, Response};
use super::Table;

pub const TABLE: Table = &[
    // 3.1.1: valid.
    ("wsinv", Request("INVITE")),
    ("intmeth", Request("!interesting-Method0123456789_*+`.%indeed'~")),
    ("esc01", Request("INVITE")),
    ("escnull", Request("REGISTER")),
    ("esc02", Request("RE%47IST%45R")),
    ("lwsdisp", Request("OPTIONS")),
    ("longreq", Request("INVITE")),
    ("dblreq", Request("REGISTER")),
    ("semiuri", Request("OPTIONS")),
    ("transports", Request("OPTIONS")),
    ("mpart01", Request("MESSAGE")),
    ("unreason", Response(200)),
    ("noreason", Response(100)),
    // 3.1.2: invalid.
    ("badinv01", Refused(400)),
    ("clerr", Refused(400)),
    ("ncl", Refused(400)),
    ("scalar02", Refused(400)),
    ("scalarlg", Dropped),
    ("quotbal", Refused(400)),
    ("ltgtruri", Refused(400)),
    ("lwsruri", Refused(400)),
    ("lwsstart", Refused(400)),
    ("trws", Refused(400)),
    ("escruri", Refused(400)),
    // The desk does not look at Date, so a caller is not turned away for it.
    ("baddate", Request("INVITE")),
    ("regbadct", Refused(400)),
    ("badaspec", Refused(400)),
    ("baddn", Refused(400)),
    ("badvers", Refused(505)),
    ("mismatch01", Refused(400)),
    // 400 or 501 by the RFC: the fault is found before the method is looked at.
    ("mismatch02", Refused(400)),
    ("bigcode", Dropped),
    // 3.2: for the transaction layer, which takes a branch of the cookie alone for an old one.
    ("badbranch", Request("OPTIONS")),
    // 3.3: readable, and for the user agent to judge, but for the ones that lack or repeat what is mandatory.
    ("insuf", Refused(400)),
    ("unkscm", Request("OPTIONS")),
    ("novelsc", Request("OPTIONS")),
    ("unksm2", Request("REGISTER")),
    ("bext01", Request("OPTIONS")),
    ("invut", Request("INVITE")),
    ("regaut01", Request("REGISTER")),
    ("multi01", Refused(400)),
    ("mcl01", Refused(400)),
    ("bcast", Response(200)),
    ("zeromf", Request("OPTIONS")),
    ("cparam01", Request("REGISTER")),
    ("cparam02", Request("REGISTER")),
    ("regescrt", Request("REGISTER")),
    ("sdp01", Request("INVITE")),
    // 3.4: backward compatibility.
    ("inv2543", Request("INVITE")),
];
