//! The daemon as it is run, called by the built-in caller over real sockets.

mod audio;
mod daemon;
mod dialled;
mod life;
