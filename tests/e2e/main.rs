//! The daemon as it is run, called by the built-in caller and by SIPp.

mod audio;
mod daemon;
mod dialled;
mod life;
mod sipp_calls;
