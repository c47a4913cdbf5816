//! What the user agent, as it runs, does with each of the 49 messages of RFC 4475: the status of its answer, `Nothing`, or
//! `Call` for an INVITE that becomes one. Where the RFC leaves a choice, the comment says why it is made so.

use super::Answer::{self, Call, Nothing, Status};

pub const TABLE: &[(&str, Answer)] = &[
    // 3.1.1: valid.
    // It has a To tag of no dialog that is known here.
    ("wsinv", Status(481)),
    ("intmeth", Status(501)),
    ("esc01", Call),
    // Registrations are asked for a proof first; `registering` tests what comes after it.
    ("escnull", Status(401)),
    // `RE%47IST%45R` is a method of its own, which nobody knows.
    ("esc02", Status(501)),
    ("lwsdisp", Status(200)),
    ("longreq", Call),
    ("dblreq", Status(401)),
    ("semiuri", Status(200)),
    ("transports", Status(200)),
    // MESSAGE is known, and not served.
    ("mpart01", Status(405)),
    // Responses that belong to no request of ours.
    ("unreason", Nothing),
    ("noreason", Nothing),
    // 3.1.2: invalid.
    // The fault is in the Via itself: it goes back as it came.
    ("badinv01", Status(400)),
    ("clerr", Status(400)),
    ("ncl", Status(400)),
    ("scalar02", Status(400)),
    // A response that can't be read.
    ("scalarlg", Nothing),
    ("quotbal", Status(400)),
    ("ltgtruri", Status(400)),
    ("lwsruri", Status(400)),
    ("lwsstart", Status(400)),
    ("trws", Status(400)),
    ("escruri", Status(400)),
    // The desk does not look at Date, so a caller is not turned away for it.
    ("baddate", Call),
    ("regbadct", Status(400)),
    ("badaspec", Status(400)),
    ("baddn", Status(400)),
    ("badvers", Status(505)),
    ("mismatch01", Status(400)),
    // 400 or 501 by the RFC: the fault is found before the method is looked at.
    ("mismatch02", Status(400)),
    ("bigcode", Nothing),
    // 3.2: transaction layer.
    // A branch that is the cookie alone is taken for one of RFC 2543.
    ("badbranch", Status(200)),
    // 3.3: application layer.
    ("insuf", Status(400)),
    ("unkscm", Status(416)),
    ("novelsc", Status(416)),
    // Asked for a proof before its To is looked up.
    ("unksm2", Status(401)),
    ("bext01", Status(420)),
    ("invut", Status(415)),
    // Asked anew: its scheme is none that is known.
    ("regaut01", Status(401)),
    ("multi01", Status(400)),
    ("mcl01", Status(400)),
    ("bcast", Nothing),
    // It is for us: nothing is left to be forwarded.
    ("zeromf", Status(200)),
    ("cparam01", Status(401)),
    ("cparam02", Status(401)),
    ("regescrt", Status(401)),
    // 406 by the RFC if one likes: a caller that offers SDP is given SDP, whatever its Accept forgot.
    ("sdp01", Call),
    // 3.4: backward compatibility.
    ("inv2543", Call),
];
