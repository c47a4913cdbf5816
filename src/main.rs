//! Arguments -> command -> exit code.

fn main() -> std::process::ExitCode {
    frontdesk::cli::main(std::env::args_os())
}
