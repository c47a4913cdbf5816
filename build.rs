//! What is built into the program beside its code: a change there builds it anew.

fn main() {
    for folder in ["prompts", "config"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
