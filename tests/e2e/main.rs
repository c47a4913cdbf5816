//! The daemon as it is run, called by real telephones: the built-in caller, SIPp, baresip and Linphone.

mod audio;
mod baresip;
mod call_back;
mod daemon;
mod dialled;
mod emergency;
mod guarding;
mod hostile;
mod life;
mod linphone;
mod mailbox;
mod nat;
mod odd_callees;
mod phone;
mod presence;
mod reached;
mod registered;
mod sipp_calls;
mod talker;
mod transferred;
mod unreachable;
mod weather;
