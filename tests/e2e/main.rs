//! The daemon as it is run, called by real telephones: the built-in caller, SIPp and baresip.

mod audio;
mod baresip;
mod call_back;
mod daemon;
mod dialled;
mod emergency;
mod hostile;
mod life;
mod mailbox;
mod odd_callees;
mod phone;
mod presence;
mod reached;
mod registered;
mod sipp_calls;
mod unreachable;
