//! Says what `cargo test` leaves out: by default it runs the crates that need neither root nor servers.
#![expect(clippy::print_stdout, reason = "this line is all that it is for")]

fn main() {
    println!(
        "\nleft out: the agent, and all tests with servers, browsers and the kernel; `cargo xtask test` runs them\n"
    );
}
