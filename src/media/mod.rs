//! One call's audio, without I/O: RTP in, digits and samples out; prompts in, RTP out.

pub mod io;
